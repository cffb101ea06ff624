package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// CacheOptions tune a binary cache. The zero value is good.
type CacheOptions struct {
	// Client is used for HTTP; nil is one with time limits on connecting and
	// on the answer's beginning.
	Client *http.Client
	// Stall is how long an HTTP body may give nothing before it is given up;
	// 0 is one minute.
	Stall time.Duration
	// UserAgent is sent with HTTP requests.
	UserAgent string
}

// Cache is a binary cache: narinfo files, and compressed NARs that they point
// to (nix: doc/manual/source/protocols/binary-cache). NARs are verified while
// they are read; signatures are kept for the caller to judge.
type Cache struct {
	back     backend
	storeDir string

	mu    sync.Mutex
	infos map[string]Info
}

// backend gets the files of a cache. open fails with fs.ErrNotExist.
type backend interface {
	open(ctx context.Context, name string) (io.ReadCloser, error)
	list() ([]string, error)
}

const (
	maxNarInfo   = 8 << 20
	maxCacheInfo = 64 << 10
)

// OpenCache opens a binary cache: a directory, a file:// URL or an http(s)://
// one.
func OpenCache(urlOrDir string, o CacheOptions) (*Cache, error) {
	c := &Cache{infos: make(map[string]Info), storeDir: "/nix/store"}
	switch {
	case strings.HasPrefix(urlOrDir, "http://"), strings.HasPrefix(urlOrDir, "https://"):
		u, err := url.Parse(urlOrDir)
		if err != nil {
			return nil, fmt.Errorf("opening binary cache: %w", err)
		}
		c.back = newHTTP(u, o)
	default:
		dir, err := cacheDir(urlOrDir)
		if err != nil {
			return nil, fmt.Errorf("opening binary cache: %w", err)
		}
		root, err := os.OpenRoot(dir)
		if err != nil {
			return nil, fmt.Errorf("opening binary cache: %w", err)
		}
		c.back = &directory{root}
	}
	return c, c.cacheInfo()
}

func cacheDir(s string) (string, error) {
	if !strings.HasPrefix(s, "file:") {
		return s, nil
	}
	u, err := url.Parse(s)
	if err != nil {
		return "", err
	}
	if u.Host != "" || u.Path == "" {
		return "", fmt.Errorf("%q has no absolute path", s)
	}
	return u.Path, nil
}

// cacheInfo reads which store directory the cache is for. An HTTP cache is
// not asked before it is needed, a directory without the file is taken for
// one for /nix/store.
func (c *Cache) cacheInfo() error {
	if _, ok := c.back.(*directory); !ok {
		return nil
	}
	text, err := c.small(context.Background(), "nix-cache-info", maxCacheInfo)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("opening binary cache: %w", err)
	}
	for line := range strings.Lines(text) {
		if dir, ok := strings.CutPrefix(line, "StoreDir:"); ok {
			c.storeDir = strings.TrimSpace(dir)
		}
	}
	return nil
}

// StoreDir is the store directory whose paths the cache holds.
func (c *Cache) StoreDir() string { return c.storeDir }

// small reads a whole file of the cache.
func (c *Cache) small(ctx context.Context, name string, limit int64) (string, error) {
	r, err := c.back.open(ctx, name)
	if err != nil {
		return "", err
	}
	defer r.Close()
	b, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err != nil {
		return "", fmt.Errorf("reading %q: %w", name, err)
	}
	if int64(len(b)) > limit {
		return "", fmt.Errorf("reading %q: larger than %d bytes", name, limit)
	}
	return string(b), nil
}

// Info reads a path's narinfo; answers are remembered.
func (c *Cache) Info(ctx context.Context, p string) (Info, error) {
	dir, base, err := splitPath(p)
	if err != nil {
		return Info{}, err
	}
	hash := base[:hashLen]
	c.mu.Lock()
	info, ok := c.infos[hash]
	c.mu.Unlock()
	if !ok {
		if info, err = c.narinfo(ctx, hash+".narinfo", dir); err != nil {
			if errors.Is(err, fs.ErrNotExist) {
				return Info{}, notFound(p)
			}
			return Info{}, err
		}
		c.mu.Lock()
		c.infos[hash] = info
		c.mu.Unlock()
	}
	if info.Path != p {
		return Info{}, fmt.Errorf("%q: the cache has %q under this hash: %w", p, info.Path, ErrNotFound)
	}
	info.References, info.Sigs = slices.Clone(info.References), slices.Clone(info.Sigs)
	return info, nil
}

func (c *Cache) narinfo(ctx context.Context, name, storeDir string) (Info, error) {
	text, err := c.small(ctx, name, maxNarInfo)
	if err != nil {
		return Info{}, err
	}
	info, err := parseNarInfo(text, storeDir)
	if err != nil {
		return Info{}, fmt.Errorf("reading %q: %w", name, err)
	}
	return info, nil
}

// NAR streams a path's NAR, decompressed and verified.
func (c *Cache) NAR(ctx context.Context, p string) (io.ReadCloser, error) {
	info, err := c.Info(ctx, p)
	if err != nil {
		return nil, err
	}
	file, err := c.back.open(ctx, info.URL)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%q: its file %q is gone: %w", p, info.URL, ErrNotFound)
	}
	if err != nil {
		return nil, fmt.Errorf("opening %q: %w", p, err)
	}
	r, done, err := decompress(&cancelReader{ctx, file}, info.Compression)
	if err != nil {
		file.Close()
		return nil, fmt.Errorf("decompressing %q: %w", p, err)
	}
	return &stream{verify(r, info), []func() error{done, file.Close}}, nil
}

// Paths lists the paths of a cache in a directory, sorted. A narinfo that
// can't be read is passed to bad, and left out. It fails on an HTTP cache,
// which can't be listed.
func (c *Cache) Paths(ctx context.Context, bad func(name string, err error)) ([]string, error) {
	names, err := c.back.list()
	if err != nil {
		return nil, fmt.Errorf("listing binary cache: %w", err)
	}
	paths := []string{}
	for _, n := range names {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		info, err := c.narinfo(ctx, n, c.storeDir)
		if err == nil && path.Base(info.Path)[:hashLen]+".narinfo" != n {
			err = fmt.Errorf("reading %q: it describes %q", n, info.Path)
		}
		if err != nil {
			bad(n, err)
			continue
		}
		c.mu.Lock()
		c.infos[n[:hashLen]] = info
		c.mu.Unlock()
		paths = append(paths, info.Path)
	}
	slices.Sort(paths)
	return paths, nil
}

// directory is a cache in a file system. A narinfo's URL can't lead out of it.
type directory struct{ root *os.Root }

func (d *directory) open(_ context.Context, name string) (io.ReadCloser, error) {
	f, err := d.root.Open(filepath.FromSlash(name))
	if err != nil {
		return nil, err
	}
	if st, err := f.Stat(); err != nil || !st.Mode().IsRegular() {
		f.Close()
		return nil, errors.Join(err, fmt.Errorf("%q is not a regular file", name))
	}
	return f, nil
}

func (d *directory) list() ([]string, error) {
	f, err := d.root.Open(".")
	if err != nil {
		return nil, err
	}
	defer f.Close()
	names, err := f.Readdirnames(-1)
	if err != nil {
		return nil, err
	}
	names = slices.DeleteFunc(names, func(n string) bool { return !strings.HasSuffix(n, ".narinfo") })
	slices.Sort(names)
	return names, nil
}
