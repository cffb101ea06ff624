package content

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
	"math/bits"
	"slices"
	"sync"

	"github.com/klauspost/compress/zstd"
)

// A decoder of zstd keeps a buffer as large as the largest window that it has
// met, and for a window of 128 MiB makes one whatever is in the frame. So each
// frame has a decoder of its kind, and that is told of a smaller window where
// the frame cannot fill it, as the reference implementation does.
const (
	// tinyWindow is that of most frames: zstd -3 has 2 MiB.
	tinyWindow = 2 << 20
	// leastWindow is the logarithm of one that has room for any block (RFC 8878,
	// 3.1.1.2.4).
	leastWindow = 17
)

// zstdDecoder is a decoder for windows up to most.
type zstdDecoder struct {
	*zstd.Decoder
	most int64
}

var zstds [2]sync.Pool // for tinyWindow and smallWindow

func zstdKind(n int64) (most int64, pool *sync.Pool) {
	switch {
	case n <= tinyWindow:
		return tinyWindow, &zstds[0]
	case n <= smallWindow:
		return smallWindow, &zstds[1]
	}
	return maxWindow, nil
}

func newZstd(n int64) (zstdDecoder, error) {
	most, pool := zstdKind(n)
	if pool != nil {
		if z, ok := pool.Get().(*zstd.Decoder); ok {
			return zstdDecoder{z, most}, nil
		}
	}
	z, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(uint64(most)), zstd.WithDecoderLowmem(true))
	return zstdDecoder{z, most}, err
}

// free keeps the decoder, unless it is one for large windows.
func (z zstdDecoder) free() {
	if z.Decoder == nil {
		return
	}
	_, pool := zstdKind(z.most)
	if pool != nil && z.Reset(nil) == nil { // it holds the input no longer
		pool.Put(z.Decoder)
	}
}

// zstdStream reads frames one by one.
type zstdStream struct {
	frames
	z    zstdDecoder
	open bool  // the decoder is in a frame
	over error // of Read
}

func openZstd(w *walker, src *bufio.Reader) (io.Reader, func(), error) {
	s := &zstdStream{frames: frames{src: src, next: nextZstd, dict: dictionary{w: w}}}
	done := func() {
		s.z.free()
		s.dict.done()
	}
	// That the first frame asks for too much is known before anything is read.
	if h, ok := s.header(); ok {
		if err := s.dict.need(h.need); err != nil {
			done()
			return nil, nil, err
		}
	}
	return s, done, nil
}

// Read implements io.Reader.
func (s *zstdStream) Read(p []byte) (int, error) {
	for s.over == nil {
		if !s.open {
			if s.over = s.begin(); s.over != nil {
				break
			}
		}
		n, err := s.z.Read(p)
		if errors.Is(err, io.EOF) && s.ended { // of the frame
			s.open, err = false, nil
		}
		s.over = err
		if n > 0 || err != nil {
			return n, err
		}
	}
	return 0, s.over
}

// begin gives the next frame to a decoder for it.
func (s *zstdStream) begin() error {
	s.err, s.ended = nil, false
	if err := s.skip(); err != nil {
		return err
	}
	h, ok := s.header()
	switch {
	case ok:
		if err := s.dict.need(h.need); err != nil {
			return err
		}
		s.give(h)
	case s.off > 0 && !s.magic():
		return io.EOF
	default: // the decoder says what is wrong
	}
	if s.z.Decoder == nil || h.need > s.z.most {
		s.z.free()
		s.z = zstdDecoder{}
		z, err := newZstd(h.need)
		if err != nil {
			return err
		}
		s.z = z
	}
	s.open = true
	return s.z.Reset(&s.frames)
}

// zstdHeader is that of a frame (RFC 8878, 3.1.1.1).
type zstdHeader struct {
	b     []byte // as the decoder is to read it
	n     int    // the length of what it is made of
	check int64  // that of the sum
	need  int64  // the window that is needed
}

func (f *frames) magic() bool {
	b, _ := f.src.Peek(5)
	return len(b) == 5 && string(b[:4]) == "\x28\xb5\x2f\xfd"
}

// header looks at the header of the next frame; it does not where there is no
// whole one.
func (f *frames) header() (h zstdHeader, ok bool) {
	const longest = 4 + 1 + 1 + 4 + 8
	b, _ := f.src.Peek(longest)
	if !f.magic() || b[4]&8 != 0 { // reserved
		return h, false
	}
	flags := b[4]
	single, dict, size := int(flags>>5&1), []int{0, 1, 2, 4}[flags&3], []int{0, 2, 4, 8}[flags>>6]
	if single == 1 && size == 0 {
		size = 1
	}
	at := 5 + 1 - single
	h.n, h.check = at+dict+size, int64(flags>>2&1)*4
	if len(b) < h.n {
		return h, false
	}
	h.b = append(f.head[:0], b[:h.n]...)
	content := int64(-1)
	if size > 0 {
		var v [8]byte
		copy(v[:], b[at+dict:h.n])
		content = int64(min(binary.LittleEndian.Uint64(v[:]), 1<<40))
		if size == 2 {
			content += 256
		}
	}
	if single == 1 {
		h.need = max(content, 1<<10)
	} else {
		base := int64(1) << (10 + b[5]>>3)
		h.need = base + base/8*int64(b[5]&7)
	}
	if h.need <= tinyWindow {
		return h, true
	}
	if most := f.holds(h.n); most >= 0 && (content < 0 || most < content) {
		content = most
	}
	if content < 0 {
		return h, true
	}
	least := max(bits.Len64(uint64(content)), leastWindow)
	if h.need <= 1<<least {
		return h, true
	}
	h.need = 1 << least
	if single == 1 { // it has no window: make it one that does
		h.b[4] &^= 1 << 5
		h.b = slices.Insert(h.b, 5, 0)
	}
	h.b[5] = byte(least-10) << 3
	return h, true
}

// holds is what the frame can hold at most, as the headers of its blocks say;
// -1 where neither the frame nor the source ends in the buffer.
func (f *frames) holds(header int) (n int64) {
	const block = 128 << 10 // the most that is in one
	b, err := f.src.Peek(f.src.Size())
	for b = b[header:]; len(b) >= 3; {
		v := int64(b[0]) | int64(b[1])<<8 | int64(b[2])<<16
		size := v >> 3
		switch v >> 1 & 3 {
		case 0:
			n += size
		case 1:
			n += size
			size = 1
		case 2:
			n += block
		default: // there is no such block
			return n
		}
		switch {
		case v&1 != 0:
			return n
		case int64(len(b))-3 >= size:
			b = b[3+size:]
		default:
			b = nil
		}
	}
	if err != nil { // the source ends, or fails
		return n
	}
	return -1
}

// give has the decoder read the header first.
func (f *frames) give(h zstdHeader) {
	_, _ = f.src.Discard(h.n) // they were shown
	f.off += int64(h.n)
	f.head = h.b
	f.in, f.check = true, h.check
}

// nextZstd finds the blocks of a frame (RFC 8878, 3.1.1.2).
func nextZstd(f *frames) (int64, error) {
	if !f.in {
		if f.ended {
			return 0, nil
		}
		return 0, errFrame
	}
	h, _ := f.src.Peek(3)
	if len(h) < 3 {
		return 0, errFrame
	}
	v := int64(h[0]) | int64(h[1])<<8 | int64(h[2])<<16
	n := v >> 3
	switch v >> 1 & 3 {
	case 1: // one byte, repeated
		n = 1
	case 3:
		return 0, errFrame
	}
	n += 3
	if v&1 != 0 {
		f.in, f.ended = false, true
		n += f.check
	}
	return n, nil
}
