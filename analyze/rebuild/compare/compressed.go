package compare

import (
	"bytes"
	"compress/bzip2"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz"
)

// decoder opens a compressed file.
type decoder func(io.Reader) (io.ReadCloser, error)

// xzDictionary bounds the memory of an xz stream: 64 MiB is what xz -9 uses.
const xzDictionary = 64 << 20

func unxz(r io.Reader) (io.ReadCloser, error) {
	x, err := xz.ReaderConfig{DictCap: xzDictionary}.NewReader(r)
	if err != nil {
		return nil, err
	}
	return io.NopCloser(x), nil
}

func unzstd(r io.Reader) (io.ReadCloser, error) {
	z, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(xzDictionary))
	if err != nil {
		return nil, err
	}
	return z.IOReadCloser(), nil
}

func unbzip2(r io.Reader) (io.ReadCloser, error) { return io.NopCloser(bzip2.NewReader(r)), nil }

// compressed looks at what two compressed files hold. Where that is the same,
// only the compression differs.
func compressed(open decoder) func(*walker, string, *blob, *blob, int) (bool, error) {
	return func(w *walker, at string, a, b *blob, depth int) (bool, error) {
		ra, err := open(a.reader())
		if err != nil {
			return false, nil
		}
		defer ra.Close()
		rb, err := open(b.reader())
		if err != nil {
			return false, nil
		}
		defer rb.Close()
		before := w.res.Count
		ok, err := w.nested(at, ra, rb, depth)
		if ok && err == nil && w.res.Count == before {
			w.meta(at, "compression", "the decompressed contents are the same")
		}
		return ok, err
	}
}

// gzipHeader is what RFC 1952 section 2.3 puts before the compressed bytes.
type gzipHeader struct {
	mtime         time.Time
	level, os     byte
	name, comment string
	extra         []byte
}

// gzip compares the headers, then the contents. Members after the first are
// part of the contents; bytes after the last one make it no gzip file.
func (w *walker) gzip(at string, a, b *blob, depth int) (bool, error) {
	ha, errA := readGzipHeader(a)
	hb, errB := readGzipHeader(b)
	if errors.Join(errA, errB) != nil {
		return false, nil
	}
	ra, errA := gzip.NewReader(a.reader())
	rb, errB := gzip.NewReader(b.reader())
	if errors.Join(errA, errB) != nil {
		return false, nil
	}
	before := w.res.Count
	ok, err := w.nested(at, ra, rb, depth)
	if !ok || err != nil {
		return ok, err
	}
	contents := w.res.Count != before
	header := w.gzipHeaders(at, ha, hb)
	if !contents && !header {
		w.meta(at, "compression", "the decompressed contents are the same")
	}
	return true, nil
}

func (w *walker) gzipHeaders(at string, a, b gzipHeader) (differ bool) {
	field := func(what, name string, same bool, was, is any) {
		if !same {
			differ = true
			w.meta(at, what, "gzip header: %s %v became %v", name, was, is)
		}
	}
	field("timestamp", "time", a.mtime.Equal(b.mtime), a.mtime.Format(time.RFC3339), b.mtime.Format(time.RFC3339))
	field("gzip header", "name", a.name == b.name, fmt.Sprintf("%q", a.name), fmt.Sprintf("%q", b.name))
	field("gzip header", "comment", a.comment == b.comment, fmt.Sprintf("%q", a.comment), fmt.Sprintf("%q", b.comment))
	field("gzip header", "extra field", bytes.Equal(a.extra, b.extra), len(a.extra), len(b.extra))
	field("gzip header", "operating system", a.os == b.os, a.os, b.os)
	field("gzip header", "compression level", a.level == b.level, a.level, b.level)
	return differ
}

func readGzipHeader(b *blob) (gzipHeader, error) {
	raw := b.head(10)
	if len(raw) < 10 {
		return gzipHeader{}, io.ErrUnexpectedEOF
	}
	z, err := gzip.NewReader(b.reader())
	if err != nil {
		return gzipHeader{}, err
	}
	defer z.Close()
	return gzipHeader{
		mtime: time.Unix(int64(binary.LittleEndian.Uint32(raw[4:])), 0).UTC(),
		level: raw[8], os: raw[9], name: z.Name, comment: z.Comment, extra: z.Extra,
	}, nil
}
