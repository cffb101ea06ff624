package store

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"hash"
	"io"
	"strings"
)

// verifier passes a NAR on and ends it with ErrMismatch if it is not the one
// that was promised. It reads one byte more than promised at most, so that a
// small archive can't unfold to a disk full.
type verifier struct {
	r    io.Reader
	info Info
	sum  hash.Hash
	n    int64
	err  error
}

// verify checks r against the NarHash and NarSize of an info, so far as they
// are known.
func verify(r io.Reader, info Info) io.Reader {
	v := &verifier{r: r, info: info}
	if strings.HasPrefix(info.NarHash, "sha256-") {
		v.sum = sha256.New()
	}
	return v
}

func (v *verifier) Read(b []byte) (int, error) {
	if v.err != nil {
		return 0, v.err
	}
	if v.info.NarSize > 0 {
		if left := v.info.NarSize + 1 - v.n; int64(len(b)) > left {
			b = b[:left]
		}
	}
	n, err := v.r.Read(b)
	v.n += int64(n)
	if v.sum != nil {
		v.sum.Write(b[:n])
	}
	switch {
	case v.info.NarSize > 0 && v.n > v.info.NarSize:
		err = fmt.Errorf("%q: more than %d bytes: %w", v.info.Path, v.info.NarSize, ErrMismatch)
		n-- // the byte too many
	case errors.Is(err, io.EOF):
		err = v.end()
	}
	v.err = err
	return n, err
}

func (v *verifier) end() error {
	if v.info.NarSize > 0 && v.n != v.info.NarSize {
		return fmt.Errorf("%q: %d bytes instead of %d: %w", v.info.Path, v.n, v.info.NarSize, ErrMismatch)
	}
	if v.sum == nil {
		return io.EOF
	}
	if got := formatSRI(v.sum); got != v.info.NarHash {
		return fmt.Errorf("%q: %s instead of %s: %w", v.info.Path, got, v.info.NarHash, ErrMismatch)
	}
	return io.EOF
}

// formatSRI is a SHA-256 as SRI.
func formatSRI(h hash.Hash) string {
	return "sha256-" + base64.StdEncoding.EncodeToString(h.Sum(nil))
}

// HashNAR reads a NAR to its end: its hash as in Info.NarHash, and its size.
func HashNAR(r io.Reader) (narHash string, narSize int64, err error) {
	h := sha256.New()
	n, err := io.Copy(h, r)
	if err != nil {
		return "", 0, err
	}
	return formatSRI(h), n, nil
}

// stream joins a reader with what must be closed after it, in order.
type stream struct {
	io.Reader
	closers []func() error
}

func (s *stream) Close() error {
	var first error
	for _, c := range s.closers {
		if err := c(); err != nil && first == nil {
			first = err
		}
	}
	s.closers = nil
	return first
}
