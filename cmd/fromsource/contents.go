package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"fromsource/analyze"
	"fromsource/closure"
	"fromsource/closure/store"
)

// contentStores opens what holds the contents of an input's store paths: what
// the input itself brings along, then what the user named. It is nil where
// nothing does.
func contentStores(ctx context.Context, e *env, g *closure.Graph, ins []closure.Input, names, named []string) (store.Store, func(), error) {
	var stores []store.Store
	var opened []interface{ Close() error }
	done := func() {
		for _, c := range opened {
			c.Close()
		}
	}
	add := func(s store.Store, err error) error {
		if err != nil {
			return err
		}
		if c, ok := s.(interface{ Close() error }); ok {
			opened = append(opened, c)
		}
		stores = append(stores, s)
		return nil
	}
	var err error
	roots := map[string]bool{}
	for i, in := range ins {
		if root, ok := ownRoot(in, names[i]); ok {
			if roots[root] {
				continue
			}
			roots[root] = true
		}
		var own store.Store
		if own, err = ownStore(in, names[i]); err != nil {
			break
		}
		if local, ok := own.(*store.Local); ok {
			if verr := local.CheckValidity(ctx, outputPaths(g)); verr != nil {
				e.say("the contents of the store are left alone: %v (--contents uses them all the same)", verr)
				continue
			}
		}
		if own != nil {
			err = add(own, nil)
		}
	}
	for _, n := range named {
		if err == nil {
			err = add(openStore(n))
		}
	}
	if err != nil {
		done()
		return nil, nil, err
	}
	if len(stores) == 0 {
		return nil, done, nil
	}
	return store.Multi(stores...), done, nil
}

// outputPaths are all output paths of a closure that are known.
func outputPaths(g *closure.Graph) []string {
	var paths []string
	for i := range closure.ID(g.Len()) {
		for _, o := range g.Outputs(i) {
			if o.Path != "" {
				paths = append(paths, o.Path)
			}
		}
	}
	return paths
}

// ownStore is where the outputs of an input lie beside its derivations.
func ownStore(in closure.Input, name string) (store.Store, error) {
	if root, ok := ownRoot(in, name); ok {
		return store.OpenLocal(root)
	}
	switch in.Form() {
	case closure.FormExport:
		if name == "-" {
			return nil, nil
		}
		return store.OpenExport(name)
	case closure.FormCache:
		cache, _, _ := strings.Cut(name, "#")
		return store.OpenCache(cache, store.CacheOptions{})
	}
	return nil, nil
}

// ownRoot is the root of the local store that an input lies in.
func ownRoot(in closure.Input, name string) (string, bool) {
	switch in.Form() {
	case closure.FormDrv, closure.FormDir:
		return storeRoot(closure.WithoutOutputs(name))
	case closure.FormAttr, closure.FormFlake: // instantiated into the user's own store
		return "/", true
	}
	return "", false
}

// storeRoot is the folder below which a file or directory is a Nix store:
// "/" for /nix/store/x.drv.
func storeRoot(name string) (string, bool) {
	p, err := filepath.EvalSymlinks(name)
	if err != nil {
		return "", false
	}
	if p, err = filepath.Abs(p); err != nil {
		return "", false
	}
	if st, err := os.Stat(filepath.Join(p, "nix/store")); err == nil && st.IsDir() {
		return p, true
	}
	for dir := p; ; dir = filepath.Dir(dir) {
		if strings.HasSuffix(dir, "/nix/store") {
			return filepath.Clean(strings.TrimSuffix(dir, "nix/store")), true
		}
		if dir == "/" {
			return "", false
		}
	}
}

// openStore opens a store that a user named: a binary cache by URL or folder,
// an export stream, or the root folder of a local store.
func openStore(name string) (store.Store, error) {
	if strings.Contains(name, "://") {
		return store.OpenCache(name, store.CacheOptions{})
	}
	st, err := os.Stat(name)
	switch {
	case err != nil:
		return nil, fmt.Errorf("opening contents: %w", err)
	case !st.IsDir():
		return store.OpenExport(name)
	}
	if _, err := os.Stat(filepath.Join(name, "nix-cache-info")); err == nil {
		return store.OpenCache(name, store.CacheOptions{})
	} else if !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("opening contents: %w", err)
	}
	return store.OpenLocal(name)
}

// imageFile is a result that lies outside of any store.
func imageFile(name string) *analyze.Image {
	return &analyze.Image{Path: filepath.Base(name), Open: func() (io.ReadCloser, error) { return os.Open(name) }}
}
