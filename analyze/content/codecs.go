package content

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zlib"
	"github.com/ulikunitz/xz/lzma"

	"fromsource/analyze/content/archive"
	"fromsource/analyze/content/inflate"
)

// maxWindow is the largest dictionary that a decompressor may have: that of
// zstd's highest level. What is left beside the largest arena is that of xz -9.
const (
	maxWindow       = 128 << 20
	maxWindowBeside = 64 << 20
)

// codec reads one compressed format.
type codec struct {
	// exact is true where nothing behind the stream's end is read.
	exact bool
	// open starts to read; done gives back what the reader holds.
	// What it holds is accounted for, but for dictionaries under 1 MiB.
	open func(w *walker, src *bufio.Reader) (r io.Reader, done func(), err error)
}

// codecs are those of all single-file containers. Of the readers of xz in Go
// this one is the fastest by far without cgo, which a static binary rules out
// (61 MB/s of output against 40 of ulikunitz and 51 of therootcompany, 112 of
// liblzma, on one 124 MB source archive).
var codecs = map[string]codec{
	"gzip":     {open: openGzip, exact: true},
	"xz":       {open: openXz},
	"bzip2":    {open: openBzip2, exact: true},
	"zstd":     {open: openZstd, exact: true},
	"lz4":      {open: openLZ4, exact: true},
	"lzma":     {open: openLzma, exact: true},
	"lzip":     {open: openLzip, exact: true},
	"compress": {open: openLzw},
	"zlib":     {open: openZlib, exact: true},
	"lzop":     {open: openLzop, exact: true},
}

func nothing() {}

func openGzip(_ *walker, src *bufio.Reader) (io.Reader, func(), error) {
	z, done, err := inflate.Gzip(src)
	if err != nil {
		return nil, nil, err
	}
	z.Multistream(false)
	g := &gzipMembers{z: z, src: src}
	g.kept.add(g.extra(), z.Extra)
	return g, done, nil
}

// gzipMembers reads all members of a gzip file, and stops before what follows
// them, which gzip itself ignores where it is zeros.
type gzipMembers struct {
	z       *gzip.Reader
	src     *bufio.Reader
	kept    asides
	members int
}

// aside are the extra fields of the members; their names and comments are
// shorter than any program, or an error.
func (g *gzipMembers) aside() *asides { return &g.kept }

func (g *gzipMembers) extra() string {
	g.members++
	return fmt.Sprintf("[extra field %d]", g.members)
}

func (g *gzipMembers) Read(p []byte) (int, error) {
	for {
		n, err := g.z.Read(p)
		if n > 0 || err == nil || !errors.Is(err, io.EOF) {
			if errors.Is(err, io.EOF) {
				err = nil
			}
			return n, err
		}
		if b, _ := g.src.Peek(2); string(b) != "\x1f\x8b" {
			return 0, io.EOF
		}
		if err := g.z.Reset(g.src); err != nil {
			return 0, err
		}
		g.z.Multistream(false)
		g.kept.add(g.extra(), g.z.Extra)
	}
}

func openLzma(w *walker, src *bufio.Reader) (io.Reader, func(), error) {
	b, _ := src.Peek(13) // less is an error of the decompressor
	dict := dictionary{w: w}
	if err := dict.need(lzmaWindow(b)); err != nil {
		return nil, nil, err
	}
	z, err := lzma.ReaderConfig{DictCap: maxWindow}.NewReader(src)
	if err != nil {
		dict.done()
	}
	return z, dict.done, err
}

// lzmaWindow is the dictionary that a header asks for, or the size where that is
// less (lzma-file-format.txt in XZ Utils, 1.1).
func lzmaWindow(b []byte) int64 {
	if len(b) < 13 {
		return 0
	}
	dict, size := int64(binary.LittleEndian.Uint32(b[1:])), binary.LittleEndian.Uint64(b[5:])
	if size < uint64(dict) {
		return int64(size)
	}
	return dict
}

// lzipWindow decodes the coded dictionary size (lzip manual, "File format").
func lzipWindow(b []byte) int64 {
	if len(b) < 6 {
		return 0
	}
	base := int64(1) << (b[5] & 0x1f)
	return base - base/16*int64(b[5]>>5)
}

// lzipReader reads the members of an lzip file, each an LZMA stream with a
// fixed set of properties between a header and a trailer.
type lzipReader struct {
	src  *bufio.Reader
	dict dictionary
	z    io.Reader
}

func openLzip(w *walker, src *bufio.Reader) (io.Reader, func(), error) {
	l := &lzipReader{src: src, dict: dictionary{w: w}}
	err := l.begin()
	if err != nil {
		l.dict.done()
	}
	return l, l.dict.done, err
}

func (l *lzipReader) begin() error {
	h := make([]byte, 6)
	if _, err := io.ReadFull(l.src, h); err != nil {
		return err
	}
	if string(h[:5]) != "LZIP\x01" || lzipWindow(h) > maxWindow {
		return fmt.Errorf("lzip header %q", h)
	}
	if err := l.dict.need(lzipWindow(h)); err != nil {
		return err
	}
	// lc=3, lp=0, pb=2, unknown size: an end marker closes the stream.
	alone := []byte{0x5d, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}
	binary.LittleEndian.PutUint32(alone[1:], uint32(lzipWindow(h)))
	z, err := lzma.ReaderConfig{DictCap: maxWindow}.NewReader(&prefixed{head: alone, src: l.src})
	l.z = z
	return err
}

func (l *lzipReader) Read(p []byte) (int, error) {
	for {
		n, err := l.z.Read(p)
		if n > 0 || err != nil && !errors.Is(err, io.EOF) {
			if errors.Is(err, io.EOF) {
				err = nil
			}
			return n, err
		}
		if err == nil {
			continue
		}
		if _, err := l.src.Discard(20); err != nil { // CRC, data size, member size
			return 0, io.ErrUnexpectedEOF
		}
		if b, _ := l.src.Peek(4); string(b) != "LZIP" {
			return 0, io.EOF
		}
		if err := l.begin(); err != nil {
			return 0, err
		}
	}
}

// prefixed gives a header before a source without reading ahead in it.
type prefixed struct {
	head []byte
	src  *bufio.Reader
}

func (p *prefixed) Read(b []byte) (int, error) {
	if len(p.head) > 0 {
		n := copy(b, p.head)
		p.head = p.head[n:]
		return n, nil
	}
	return p.src.Read(b)
}

func (p *prefixed) ReadByte() (byte, error) {
	if len(p.head) > 0 {
		c := p.head[0]
		p.head = p.head[1:]
		return c, nil
	}
	return p.src.ReadByte()
}

func openZlib(_ *walker, src *bufio.Reader) (io.Reader, func(), error) {
	z, err := zlib.NewReader(src)
	return z, nothing, err
}

func openLzop(_ *walker, src *bufio.Reader) (io.Reader, func(), error) {
	z, err := archive.NewLzop(src)
	return z, nothing, err
}

func openLzw(_ *walker, src *bufio.Reader) (io.Reader, func(), error) {
	z, err := archive.NewLzw(src)
	return z, nothing, err
}
