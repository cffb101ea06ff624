package closure

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"

	"fromsource/closure/store"
)

// storeSource reads derivations that lie, as NARs of single files, in a
// stream of nix-store --export or in a binary cache.
type storeSource struct {
	store store.Store
	name  string // of the whole, for messages
	max   int64
	first beginning
}

// ExportInput is a file made by nix-store --export, of derivations alone or
// with outputs between them. The name "-" is standard input.
func ExportInput(name string) Input {
	return exportInput(name, func() (*os.File, error) { return store.OpenRandom(name) })
}

func exportInput(name string, open func() (*os.File, error)) Input {
	return Input{FormExport, name, func(_ context.Context, o Options) (source, error) {
		f, err := open()
		if err != nil {
			return nil, err
		}
		e, err := store.NewExport(f, name)
		if err != nil {
			return nil, err
		}
		s := &storeSource{store: e, name: name, max: o.maxSize()}
		s.first.listed = onlyDrvs(e.Paths())
		if d := e.Damage(); d != nil {
			s.first.skipped = []Skip{{d.File, d.Offset, d.Expected}}
		}
		return s, nil
	}}
}

// CacheInput is a binary cache, by directory, file:// or http(s):// URL, and
// the derivations in it to start from. Without any, all that the cache holds
// are read, which needs one that can be listed: a directory.
func CacheInput(urlOrDir string, roots ...string) Input {
	return Input{FormCache, urlOrDir, func(ctx context.Context, o Options) (source, error) {
		c, err := store.OpenCache(urlOrDir, store.CacheOptions{})
		if err != nil {
			return nil, err
		}
		s := &storeSource{store: c, name: urlOrDir, max: o.maxSize(), first: beginning{roots: roots}}
		if len(roots) > 0 {
			return s, nil
		}
		all, err := c.Paths(ctx, func(name string, err error) {
			s.first.skipped = append(s.first.skipped, Skip{Input: urlOrDir + "/" + name, Reason: err.Error()})
		})
		if err != nil {
			return nil, err
		}
		s.first.listed = onlyDrvs(all)
		return s, nil
	}}
}

func onlyDrvs(paths []string) []string {
	drvs := []string{}
	for _, p := range paths {
		if strings.HasSuffix(p, ".drv") {
			drvs = append(drvs, p)
		}
	}
	return drvs
}

func (s *storeSource) begin(context.Context) (beginning, error) { return s.first, nil }

func (s *storeSource) storeDir() string {
	for _, p := range append(s.first.roots, s.first.listed...) {
		return path.Dir(p)
	}
	return defaultStoreDir
}

func (s *storeSource) locate(drv string) string { return s.name + ": " + drv }

func (s *storeSource) read(ctx context.Context, drv string, buf []byte) ([]byte, error) {
	data, err := store.ReadFile(ctx, s.store, drv, s.max, buf)
	if errors.Is(err, store.ErrNotFound) {
		return data, fmt.Errorf("%w (%w)", fs.ErrNotExist, err)
	}
	return data, err
}
