package image

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"strings"

	"fromsource/vm/tmpfile"
)

// pool holds the files of packages: an index in memory, the bytes of regular
// files in one unnamed file on disk. No name from a package is ever used as a
// path of the host.
type pool struct {
	spool *os.File
	size  int64
	files map[string]*pooled
}

// pooled is one file of a package, by its merged name.
type pooled struct {
	pkg    string
	mode   fs.FileMode
	target string // of a symbolic link
	off    int64
	size   int64
}

// newPool makes a pool whose spool is in dir.
func newPool(dir string) (*pool, error) {
	f, err := tmpfile.Unnamed(dir)
	if err != nil {
		return nil, err
	}
	return &pool{spool: f, files: map[string]*pooled{}}, nil
}

func (p *pool) close() error { return p.spool.Close() }

// merged maps a path of a package to the one under /usr, as on a system with
// merged directories; which half a package still uses differs by release.
func merged(name string) string {
	name = strings.TrimPrefix(path.Clean("/"+name), "/")
	top, _, _ := strings.Cut(name, "/")
	switch top {
	case "bin", "sbin", "lib", "lib64", "lib32", "libx32":
		return "usr/" + name
	}
	return name
}

// add reads a package's files, those that keep wants.
func (p *pool) add(ctx context.Context, pkg, deb string, keep func(name string) bool) (err error) {
	cmd := exec.CommandContext(ctx, "dpkg-deb", "--fsys-tarfile", deb)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("unpacking %s: %w", pkg, err)
	}
	rerr := p.read(pkg, tar.NewReader(out), keep)
	if rerr == nil {
		_, rerr = io.Copy(io.Discard, out) // the padding after the end
	} else {
		_ = cmd.Process.Kill() // nobody reads its output any more
	}
	werr := cmd.Wait()
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case rerr != nil:
		return fmt.Errorf("unpacking %s: %w", pkg, rerr)
	case werr != nil:
		return fmt.Errorf("unpacking %s: dpkg-deb: %w: %s", pkg, werr, lastLines(errs.String(), 3))
	}
	return nil
}

func (p *pool) read(pkg string, t *tar.Reader, keep func(string) bool) error {
	for {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		name := merged(h.Name)
		if h.Typeflag == tar.TypeDir || !keep(name) {
			continue
		}
		f := &pooled{pkg: pkg, mode: fs.FileMode(h.Mode).Perm()}
		switch h.Typeflag {
		case tar.TypeReg:
			n, err := io.Copy(io.NewOffsetWriter(p.spool, p.size), t)
			if err != nil {
				return fmt.Errorf("%q: %w", h.Name, err)
			}
			f.off, f.size = p.size, n
			p.size += n
		case tar.TypeSymlink:
			f.mode, f.target = fs.ModeSymlink|0o777, h.Linkname
		case tar.TypeLink:
			old := p.files[merged(h.Linkname)]
			if old == nil {
				return fmt.Errorf("%q is a hard link to %q, which is not there", h.Name, h.Linkname)
			}
			f = old
		default:
			continue // devices and the like have no place in a package
		}
		p.files[name] = f
	}
}

// open reads a regular file.
func (p *pool) open(f *pooled) *io.SectionReader {
	return io.NewSectionReader(p.spool, f.off, f.size)
}

// resolve follows symbolic links inside the pool, and gives the file's own
// name and every name on the way; ok is false when the way leads nowhere.
func (p *pool) resolve(name string) (way []string, f *pooled, ok bool) {
	for range 16 {
		f = p.files[name]
		if f == nil {
			return way, nil, false
		}
		way = append(way, name)
		if f.mode&fs.ModeSymlink == 0 {
			return way, f, true
		}
		if path.IsAbs(f.target) {
			name = merged(f.target)
		} else {
			name = merged(path.Join(path.Dir(name), f.target))
		}
	}
	return way, nil, false
}

// entry makes an archive's entry of a pooled file.
func (p *pool) entry(name string, f *pooled) Entry {
	e := Entry{Name: name, Mode: f.mode, Target: f.target}
	if f.mode.IsRegular() {
		e.Size = f.size
		e.Data = func() (io.ReadCloser, error) { return io.NopCloser(p.open(f)), nil }
		e.Mode = f.mode.Perm() | 0o444
	}
	return e
}
