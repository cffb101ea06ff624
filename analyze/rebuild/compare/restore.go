package compare

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"slices"
)

// Restore unpacks a NAR below a folder, under a name that must not exist.
// Nothing is written outside the folder, whatever the NAR's links say.
func Restore(ctx context.Context, open Opener, dir, name string) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	rc, err := open(ctx)
	if err != nil {
		return err
	}
	defer rc.Close()
	n := newNARReader(rc)
	var dirs []string
	for {
		nd, err := n.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("reading a NAR: %w", err)
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		at := name
		if len(dirs) > 0 {
			at = path.Join(dirs[len(dirs)-1], nd.name)
		}
		switch nd.kind {
		case end:
			dirs = slices.Delete(dirs, len(dirs)-1, len(dirs))
		case directory:
			dirs = append(dirs, at)
			err = root.Mkdir(at, 0o755)
		case symlink:
			err = root.Symlink(nd.target, at)
		case regular:
			err = restoreFile(root, at, nd, n)
		}
		if err != nil {
			return fmt.Errorf("writing %q: %w", at, err)
		}
	}
}

func restoreFile(root *os.Root, at string, nd node, r io.Reader) error {
	mode := os.FileMode(0o644)
	if nd.executable {
		mode = 0o755
	}
	f, err := root.OpenFile(at, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, r)
	return errors.Join(err, f.Close())
}
