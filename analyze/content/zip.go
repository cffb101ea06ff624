package content

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"sync"

	"github.com/klauspost/compress/flate"

	"fromsource/analyze/content/stream"
)

var flates sync.Pool

// pooledFlate gives its state back when it is closed.
type pooledFlate struct{ io.ReadCloser }

func newFlate(r io.Reader) io.ReadCloser {
	if z, ok := flates.Get().(io.ReadCloser); ok {
		if z.(flate.Resetter).Reset(r, nil) == nil {
			return pooledFlate{z}
		}
	}
	return pooledFlate{flate.NewReader(r)}
}

func (p pooledFlate) Close() error {
	err := p.ReadCloser.Close()
	flates.Put(p.ReadCloser)
	return err
}

// zip walks a zip archive by its central directory.
func (w *walker) zip(n *node, whole *File) error {
	at, size := n.at, n.in.Remain()
	if at == nil {
		b, undo, ok := w.whole(n)
		defer undo()
		if !ok {
			return fmt.Errorf("reading zip: %w", errNoRoom)
		}
		at, size = bytes.NewReader(b), int64(len(b))
	}
	z, err := zip.NewReader(at, size)
	if err != nil {
		return fmt.Errorf("reading zip: %w", err)
	}
	z.RegisterDecompressor(zip.Deflate, newFlate)
	members := len(w.res.Members)
	for _, f := range z.File {
		if err := w.entry(); err != nil {
			return err
		}
		if f.Mode().IsRegular() {
			w.zipFile(n, f)
		}
	}
	if len(w.res.Members) > members && w.o.Visit == nil {
		// It may be a jar, a member itself, and only now is that known.
		h := sha256.New()
		if _, err := io.Copy(h, io.NewSectionReader(at, 0, size)); err != nil {
			return fmt.Errorf("reading zip: %w", err)
		}
		h.Sum(whole.SHA256[:0])
	}
	return nil
}

func (w *walker) zipFile(n *node, f *zip.File) {
	path, escapes := member(n.path, f.Name)
	if escapes {
		w.skip(path, fmt.Sprintf("the name %q leads out of the archive: looked at under this one", clip(f.Name)))
	}
	if f.Flags&1 != 0 {
		w.skip(path, "encrypted")
		return
	}
	r, err := f.Open()
	if err != nil {
		w.skip(path, fmt.Sprintf("reading zip: %v", err))
		return
	}
	defer r.Close()
	in := stream.New(&meter{w: w, r: r, fed: func() int64 { return int64(f.CompressedSize64) }}, int64(f.UncompressedSize64))
	defer in.Close()
	w.file(&node{path: path, in: in, exec: f.Mode()&0o111 != 0, depth: n.depth + 1})
}
