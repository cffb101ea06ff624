package content

import (
	"bufio"
	"cmp"
	"compress/bzip2"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/pierrec/lz4/v4"
)

// aside is what a compressed stream holds beside what it decompresses to.
type aside struct {
	name string
	b    []byte
}

// asides collects them, up to a bound in all; those that are too short to hold
// anything are left out.
type asides struct {
	all  []aside
	size int
	lost int64
	most int // maxAside where it is 0
}

const (
	minAside = 64
	maxAside = 1 << 20
)

func (a *asides) add(name string, b []byte) {
	if len(b) < minAside {
		return
	}
	if most := cmp.Or(a.most, maxAside); a.size+len(b) > most {
		a.lost += int64(len(b))
		return
	}
	a.size += len(b)
	a.all = append(a.all, aside{name, b})
}

// asided is a decompressor that has some.
type asided interface{ aside() *asides }

// tailed is a decompressor that has read bytes behind the stream's end.
type tailed interface{ tail() []byte }

// frames gives the frames of a stream to a decompressor, keeps apart those that
// it would skip, and ends before what is no frame.
type frames struct {
	src *bufio.Reader
	// next says how many bytes of the stream belong to what begins here: a
	// header or a block; a header may also be left in head. 0 is for the end of
	// the stream; errFrame leaves it to the decompressor to say what is wrong.
	next func(*frames) (int64, error)
	dict dictionary
	head []byte // what is given before them
	pass int64  // bytes to give
	off  int64
	err  error
	kept asides
	// check is the length of the sum behind the last block, block that behind
	// each; in is true within a frame, ended behind one.
	check, block      int64
	in, ended, legacy bool
}

func (f *frames) aside() *asides { return &f.kept }

// errFrame says that something is no frame.
var errFrame = errors.New("no frame")

// Read implements io.Reader.
func (f *frames) Read(p []byte) (int, error) {
	for f.pass == 0 || len(f.head) > 0 {
		if len(f.head) > 0 {
			n := copy(p, f.head)
			f.head = f.head[n:]
			return n, nil
		}
		if f.err != nil {
			return 0, f.err
		}
		n, err := f.next(f)
		switch {
		case errors.Is(err, errFrame):
			n = 1 << 62
		case err != nil:
			f.err = err
		case n == 0 && len(f.head) == 0:
			f.err = io.EOF
		}
		f.pass = n
	}
	n, err := f.src.Read(p[:min(int64(len(p)), f.pass)])
	f.pass -= int64(n)
	f.off += int64(n)
	return n, err
}

// skippable keeps the contents of a frame that decompressors skip (RFC 8878,
// 3.1.2; lz4 has the same); false where none begins.
func (f *frames) skippable() (bool, error) {
	h, _ := f.src.Peek(8)
	if len(h) < 8 || binary.LittleEndian.Uint32(h)&^15 != 0x184d2a50 {
		return false, nil
	}
	size, at := int64(binary.LittleEndian.Uint32(h[4:])), f.off
	_, _ = f.src.Discard(8) // they were shown
	var b []byte
	if size <= maxAside {
		b = make([]byte, size)
		if _, err := io.ReadFull(f.src, b); err != nil {
			return false, fmt.Errorf("a frame of %d bytes at byte %d: %w", size, at, io.ErrUnexpectedEOF)
		}
		f.kept.add(fmt.Sprintf("@%d", at+8), b)
	} else {
		f.kept.lost += size
		if n, err := io.CopyN(io.Discard, f.src, size); err != nil {
			return false, fmt.Errorf("a frame of %d bytes at byte %d ends after %d: %w", size, at, n, io.ErrUnexpectedEOF)
		}
	}
	f.off += 8 + size
	return true, nil
}

// skip passes all such frames that come next.
func (f *frames) skip() error {
	for {
		if found, err := f.skippable(); err != nil || !found {
			return err
		}
	}
}

// nextLZ4 finds the pieces of lz4 frames (lz4_Frame_format.md), and of those of
// its first version, which have no end mark.
func nextLZ4(f *frames) (int64, error) {
	const magic, old = 0x184d2204, 0x184c2102
	le := binary.LittleEndian
	if f.in {
		h, _ := f.src.Peek(4)
		if len(h) < 4 && !(f.legacy && len(h) == 0) {
			return 0, errFrame
		}
		switch {
		case f.legacy && (len(h) == 0 || le.Uint32(h) > 16<<20): // a magic, or something else
			f.in, f.legacy = false, false
		case le.Uint32(h) == 0 && !f.legacy:
			f.in = false
			return 4 + f.check, nil
		default:
			return 4 + int64(le.Uint32(h)&0x7fffffff) + f.block, nil
		}
	}
	if err := f.skip(); err != nil {
		return 0, err
	}
	h, _ := f.src.Peek(5)
	switch {
	case len(h) >= 4 && le.Uint32(h) == old:
		f.in, f.legacy, f.block, f.check = true, true, 0, 0
		return 4, f.dict.need(2 * 8 << 20) // a block, and what it is made of
	case len(h) == 5 && le.Uint32(h) == magic:
		flags := h[4]
		f.in, f.block, f.check = true, int64(flags>>4&1)*4, int64(flags>>2&1)*4
		return 7 + int64(flags>>3&1)*8 + int64(flags&1)*4, f.dict.need(2 * 4 << 20)
	case f.off == 0:
		return 0, errFrame
	}
	return 0, nil
}

// framed is a decompressor of frames.
type framed struct {
	io.Reader
	*frames
}

// Read implements io.Reader.
func (f framed) Read(p []byte) (int, error) { return f.Reader.Read(p) }

func openLZ4(w *walker, src *bufio.Reader) (io.Reader, func(), error) {
	f := &frames{src: src, next: nextLZ4, dict: dictionary{w: w}}
	return framed{lz4.NewReader(f), f}, f.dict.done, nil
}

// bzip2Reader reads the streams of a bzip2 file, and stops before what follows
// them, which bzip2 itself ignores.
type bzip2Reader struct {
	z    io.Reader
	src  *bufio.Reader
	last [2]byte // of what was read
	over bool
}

// bzip2Table is the memory of a decompressor of bzip2 -9.
const bzip2Table = 4 << 20

func openBzip2(w *walker, src *bufio.Reader) (io.Reader, func(), error) {
	b, table := &bzip2Reader{src: src}, dictionary{w: w}
	if err := table.need(bzip2Table); err != nil {
		return nil, nil, err
	}
	b.z = bzip2.NewReader(bzip2Source{b})
	return b, table.done, nil
}

// bzip2Source is read by the byte.
type bzip2Source struct{ *bzip2Reader }

func (b bzip2Source) Read(p []byte) (int, error) { return b.src.Read(p) }

func (b bzip2Source) ReadByte() (byte, error) {
	c, err := b.src.ReadByte()
	b.last[0], b.last[1] = b.last[1], c
	return c, err
}

// Read implements io.Reader.
func (b *bzip2Reader) Read(p []byte) (int, error) {
	n, err := b.z.Read(p)
	// Of what is no stream the library has read the two bytes of the magic.
	var se bzip2.StructuralError
	if errors.As(err, &se) && se == "bad magic value in continuation file" {
		b.over = true
		return n, io.EOF
	}
	return n, err
}

func (b *bzip2Reader) tail() []byte {
	if b.over {
		return b.last[:]
	}
	return nil
}
