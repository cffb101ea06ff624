package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
)

// Local is a store on this machine's disks, read without Nix: the bytes as
// they are now, not what Nix has on record about them. So NarHash is that of
// the bytes, and References, Deriver and CA are not known: ScanReferences
// finds the references of a path.
type Local struct {
	root  string
	mu    sync.Mutex
	infos map[string]Info
	// invalid are paths that lie there and that Nix does not hold for valid.
	invalid map[string]bool
}

// OpenLocal opens the store whose paths lie under root: /nix/store/x at
// root/nix/store/x. root "" or "/" is the machine's own.
func OpenLocal(root string) (*Local, error) {
	if root == "" {
		root = "/"
	}
	if st, err := os.Stat(root); err != nil {
		return nil, fmt.Errorf("opening store root: %w", err)
	} else if !st.IsDir() {
		return nil, fmt.Errorf("opening store root %q: %w", root, syscall.ENOTDIR)
	}
	return &Local{root: root, infos: make(map[string]Info)}, nil
}

// file is where a store path lies.
func (l *Local) file(p string) (string, error) {
	dir, base, err := splitPath(p)
	if err != nil {
		return "", err
	}
	return filepath.Join(l.root, dir, base), nil
}

// Info reads the path once to hash it, and remembers the answer.
func (l *Local) Info(ctx context.Context, p string) (Info, error) {
	l.mu.Lock()
	info, ok := l.infos[p]
	l.mu.Unlock()
	if ok {
		return info, nil
	}
	r, err := l.NAR(ctx, p)
	if err != nil {
		return Info{}, err
	}
	defer r.Close()
	info.Path = p
	if info.NarHash, info.NarSize, err = HashNAR(r); err != nil {
		return Info{}, fmt.Errorf("hashing %q: %w", p, err)
	}
	l.mu.Lock()
	l.infos[p] = info
	l.mu.Unlock()
	return info, nil
}

// CheckValidity asks Nix which of some paths are valid; the others are not
// there from then on, whatever lies at their place: a build that was
// interrupted leaves half of an output behind. Paths that don't lie there are
// not asked about.
func (l *Local) CheckValidity(ctx context.Context, paths []string) error {
	argv := []string{"--check-validity", "--print-invalid"}
	if l.root != "/" {
		argv = append([]string{"--store", l.root}, argv...)
	}
	var there []string
	for _, p := range paths {
		if file, err := l.file(p); err == nil {
			if _, err := os.Lstat(file); err == nil {
				there = append(there, p)
			}
		}
	}
	invalid := map[string]bool{}
	// The length of a command line is bounded.
	for part := range slices.Chunk(there, 1000) {
		out, err := exec.CommandContext(ctx, "nix-store", append(slices.Clone(argv), part...)...).Output()
		if err != nil {
			return fmt.Errorf("asking Nix which paths are valid: %w", err)
		}
		for _, p := range strings.Fields(string(out)) {
			invalid[p] = true
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.invalid = invalid
	return nil
}

// NAR makes the serialisation of a path from its files.
func (l *Local) NAR(ctx context.Context, p string) (io.ReadCloser, error) {
	l.mu.Lock()
	invalid := l.invalid[p]
	l.mu.Unlock()
	if invalid {
		return nil, notFound(p)
	}
	file, err := l.file(p)
	if err != nil {
		return nil, err
	}
	r, err := Dump(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, notFound(p)
	}
	if err != nil {
		return nil, fmt.Errorf("serialising %q: %w", p, err)
	}
	return &stream{&cancelReader{ctx, r}, []func() error{r.Close}}, nil
}

// cancelReader ends with the context's error when that is done.
type cancelReader struct {
	ctx context.Context
	r   io.Reader
}

func (c *cancelReader) Read(b []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(b)
}

// openRegular opens a file for reading, but neither follows a link nor waits
// for a pipe that took its place since it was looked at.
func openRegular(file string) (*os.File, error) {
	f, err := os.OpenFile(file, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	st, err := f.Stat()
	if err == nil && !st.Mode().IsRegular() {
		err = fmt.Errorf("%q is not a regular file any more", file)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}
