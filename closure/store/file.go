package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
)

// ErrNotFile says that a path is a directory or a link where a file was
// asked for.
var ErrNotFile = errors.New("path is not a regular file")

// ReadFile reads a path that is a single file of at most limit bytes, into buf
// if that is large enough. The NAR is read to its end and so verified.
func ReadFile(ctx context.Context, s Store, p string, limit int64, buf []byte) ([]byte, error) {
	if direct, ok := s.(interface {
		readFile(context.Context, string, int64, []byte) ([]byte, error)
	}); ok {
		return direct.readFile(ctx, p, limit, buf)
	}
	r, err := s.NAR(ctx, p)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	const wrapper = 256 // more than the NAR of one file has around it
	w := bytes.NewBuffer(buf[:0])
	n, err := w.ReadFrom(io.LimitReader(r, limit+wrapper+1))
	if err != nil {
		return w.Bytes(), fmt.Errorf("reading %q: %w", p, err)
	}
	if n > limit+wrapper {
		return w.Bytes(), tooLarge(p, limit)
	}
	nar := w.Bytes()
	sk := newSkimmer(p, bytes.NewReader(nar), n)
	offset, size := sk.nar()
	switch {
	case sk.err != nil:
		return nar, sk.err
	case offset < 0:
		return nar, fmt.Errorf("%q: %w", p, ErrNotFile)
	case size > limit:
		return nar, tooLarge(p, limit)
	}
	return slices.Delete(nar, 0, int(offset))[:size], nil
}

func tooLarge(p string, limit int64) error {
	return fmt.Errorf("reading %q: larger than %d bytes", p, limit)
}

// OpenRandom opens a file to be read anywhere in. What can't be (a pipe, "-"
// for standard input) is copied to a temporary file without a name first.
func OpenRandom(name string) (*os.File, error) {
	f := os.Stdin
	if name != "-" {
		var err error
		if f, err = os.Open(name); err != nil {
			return nil, err
		}
	}
	st, err := f.Stat()
	if err != nil {
		f.Close()
		return nil, err
	}
	if st.Mode().IsRegular() && name != "-" {
		return f, nil
	}
	if st.IsDir() {
		f.Close()
		return nil, fmt.Errorf("%q is a directory", name)
	}
	defer f.Close()
	tmp, err := os.CreateTemp("", "fromsource-")
	if err != nil {
		return nil, err
	}
	if err := errors.Join(os.Remove(tmp.Name()), copyAll(tmp, f)); err != nil {
		tmp.Close()
		return nil, fmt.Errorf("copying %q: %w", name, err)
	}
	return tmp, nil
}

func copyAll(to io.Writer, from io.Reader) error {
	_, err := io.Copy(to, from)
	return err
}
