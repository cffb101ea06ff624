package content

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// InspectFile walks a file, or every regular file of a directory in the order
// of their names. A file's path in the result begins with its base name, the
// paths in a directory are relative to it. Symbolic links are not followed,
// but for path itself. The error is for a path that cannot be read at all; a
// file in a directory that cannot be is in Skipped.
func InspectFile(ctx context.Context, path string, o Options) (Result, error) {
	info, err := os.Stat(path)
	if err != nil {
		return Result{}, err
	}
	if !info.IsDir() {
		return inspectOne(ctx, path, filepath.Base(path), o)
	}
	w := newWalker(ctx, o)
	defer w.release()
	err = filepath.WalkDir(path, func(p string, d fs.DirEntry, err error) error {
		rel, _ := filepath.Rel(path, p) // p begins with path
		switch {
		case err != nil && p == path:
			return err
		case err != nil:
			w.skip(rel, err.Error())
		case d.Type().IsRegular():
			if err := w.entry(); err != nil {
				w.failed(rel, err)
				return filepath.SkipAll
			}
			w.open1(p, rel, w.fileAt)
		}
		if w.stop != nil {
			return filepath.SkipAll
		}
		return nil
	})
	if err != nil {
		return w.res, err
	}
	return w.finish()
}

// inspectOne walks one regular file under a name.
func inspectOne(ctx context.Context, path, name string, o Options) (Result, error) {
	w := newWalker(ctx, o)
	defer w.release()
	f, err := os.Open(path)
	if err != nil {
		return Result{}, err
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && !info.Mode().IsRegular() {
		return Result{}, fmt.Errorf("inspecting %q: not a regular file or directory", path)
	}
	w.fileAt(f, name)
	return w.finish()
}

// open1 opens a file of a directory; that it can't be read is noted.
func (w *walker) open1(path, name string, look func(*os.File, string)) {
	f, err := os.Open(path)
	if err != nil {
		var pe *fs.PathError
		if errors.As(err, &pe) {
			err = pe.Err
		}
		w.skip(name, err.Error())
		return
	}
	defer f.Close()
	look(f, name)
}

// fileAt walks an open file as one of the walk's inputs.
func (w *walker) fileAt(f *os.File, name string) {
	size, at := extent(f)
	exec := false
	if info, err := f.Stat(); err == nil {
		exec = info.Mode()&0o111 != 0
	}
	w.input(f, size, &node{path: name, at: at, exec: exec})
}

// Files lists the regular files that InspectFile would look at, relative to
// path and sorted, so that a caller can spread them over cores: one empty
// string where path is a file itself.
func Files(path string) ([]string, []Skip, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, nil, err
	}
	if !info.IsDir() {
		return []string{""}, nil, nil
	}
	var out []string
	var skipped []Skip
	err = filepath.WalkDir(path, func(p string, d fs.DirEntry, err error) error {
		rel, _ := filepath.Rel(path, p)
		switch {
		case err != nil && p == path:
			return err
		case err != nil:
			skipped = append(skipped, Skip{rel, err.Error()})
		case d.Type().IsRegular():
			out = append(out, rel)
		}
		return nil
	})
	return out, skipped, err
}

// InspectIn walks one of the files that Files listed; name is "" for path
// itself.
func InspectIn(ctx context.Context, path, name string, o Options) (Result, error) {
	if name == "" {
		return inspectOne(ctx, path, filepath.Base(path), o)
	}
	res, err := inspectOne(ctx, filepath.Join(path, name), name, o)
	if err != nil && ctx.Err() == nil {
		var pe *fs.PathError
		if errors.As(err, &pe) {
			err = pe.Err
		}
		return Result{Skipped: []Skip{{name, err.Error()}}}, nil
	}
	return res, err
}
