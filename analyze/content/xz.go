package content

import (
	"bufio"
	"encoding/binary"
	"hash/crc32"
	"io"
	"math/bits"
	"sync"

	"github.com/mikelolasagasti/xz"
)

// xzs are decoders that have no large dictionary.
var xzs sync.Pool

// openXz reads a file of xz. The decoder keeps a dictionary as large as the
// largest that any block asked for, so each is accounted for before the decoder
// sees its header, and a small block is made to ask for what it can fill.
func openXz(w *walker, src *bufio.Reader) (io.Reader, func(), error) {
	x := &xzBlocks{frames: frames{src: src, dict: dictionary{w: w}}}
	x.next = x.piece
	// What the first block asks for is known before anything is read.
	if b, _ := src.Peek(xzHead + xzBlockHead); len(b) > xzHead {
		if h, ok := x.block(b[xzHead:], xzHead); ok {
			if err := x.dict.need(h.need); err != nil {
				return nil, nil, err
			}
		}
	}
	z, ok := xzs.Get().(*xz.Reader)
	var err error
	if !ok {
		z, err = xz.NewReader(x, maxWindow)
	} else {
		err = z.Reset(x)
	}
	if err != nil {
		x.dict.done()
	}
	return z, func() {
		if x.dict.n <= smallWindow {
			_ = z.Reset(ended{}) // it holds the input no longer
			xzs.Put(z)
		}
		x.dict.done()
	}, err
}

const (
	xzHead      = 12   // a stream's header, and its footer
	xzBlockHead = 1024 // the longest header of a block
)

// xzBlocks follows a file of xz up to what it does not understand, which the
// decoder does not either.
type xzBlocks struct {
	frames
	check int64  // the length of the sum behind each block
	size  int64  // of the block's data, or of the index, so far
	left  uint64 // records of the index
	half  bool   // of a record
	state xzState
}

type xzState int

const (
	xzStream  xzState = iota // before a stream, or the padding behind it
	xzBlock                  // before a block or the index
	xzChunk                  // before a chunk of LZMA2
	xzCount                  // before the count of the records of the index
	xzRecords                // before a number of one, or behind the last
	xzLost                   // nothing more is known
)

// Read implements io.Reader, as a buffer does: the decoder looks at all that it
// is given before it is read from.
func (x *xzBlocks) Read(p []byte) (n int, err error) {
	for n < len(p) && err == nil && (n == 0 || x.src.Buffered() > 0 || len(x.head) > 0) {
		var k int
		k, err = x.frames.Read(p[n:])
		n += k
	}
	if n > 0 {
		err = nil // it comes again
	}
	return n, err
}

// piece implements frames.next.
func (x *xzBlocks) piece(*frames) (int64, error) {
	switch x.state {
	case xzStream:
		b, _ := x.src.Peek(xzHead)
		switch {
		case len(b) == xzHead && string(b[:6]) == "\xfd7zXZ\x00":
			// The .xz File Format, 2.1.1.2.
			x.check, x.state = []int64{0, 4, 8, 16, 32, 64}[(int(b[7]&15)+2)/3], xzBlock
			return xzHead, nil
		case len(b) >= 4 && string(b[:4]) == "\x00\x00\x00\x00":
			return 4, nil
		case len(b) == 0:
			return 0, nil
		}
	case xzBlock:
		b, _ := x.src.Peek(xzBlockHead)
		if len(b) > 0 && b[0] == 0 {
			x.size, x.state = 1, xzCount
			return 1, nil
		}
		h, ok := x.block(b, 0)
		if !ok {
			break
		}
		if err := x.dict.need(h.need); err != nil {
			return 0, err
		}
		_, _ = x.src.Discard(len(h.b)) // they were shown
		x.off += int64(len(h.b))
		x.head, x.size, x.state = h.b, 0, xzChunk
		return 0, nil
	case xzCount, xzRecords:
		if n := x.records(); n > 0 {
			return n, nil
		}
	case xzChunk:
		b, _ := x.src.Peek(6)
		n, _, ok := lzma2Chunk(b)
		if !ok {
			break
		}
		x.size += n
		if b[0] == 0 {
			n += -x.size&3 + x.check
			x.state = xzBlock
		}
		return n, nil
	case xzLost:
	}
	x.state = xzLost
	return 0, errFrame
}

// xzBlockHeader is the header of a block as the decoder is to read it, and the
// dictionary that it asks for.
type xzBlockHeader struct {
	b    []byte
	need int64
}

// block reads the header of a block (The .xz File Format, 3.1 and 5.3.1), which
// is at a place of what the source shows next.
func (x *xzBlocks) block(b []byte, at int) (h xzBlockHeader, ok bool) {
	if len(b) == 0 || b[0] == 0 || len(b) < 4*int(b[0])+4 {
		return h, false
	}
	h.b = append(h.b, b[:4*int(b[0])+4]...)
	sum := h.b[len(h.b)-4:]
	p := h.b[2 : len(h.b)-4]
	number := func() uint64 {
		v, n := binary.Uvarint(p)
		p = p[max(n, 0):]
		ok = ok && n > 0
		return v
	}
	ok = crc32.ChecksumIEEE(h.b[:len(h.b)-4]) == binary.LittleEndian.Uint32(sum)
	for bit := byte(0x40); bit != 0; bit <<= 1 { // compressed and uncompressed size
		if h.b[1]&bit != 0 {
			number()
		}
	}
	for range int(h.b[1]&3) + 1 {
		id := number()
		size := number()
		if !ok || size > uint64(len(p)) {
			return h, false
		}
		if id == 0x21 && size == 1 {
			if h.need = 1 << 32; p[0] < 40 {
				h.need = int64(2|p[0]&1) << (p[0]/2 + 11)
			}
			if h.need > tinyWindow {
				if least := x.holds(at + len(h.b)); least >= 0 && least < h.need {
					h.need = least
					p[0] = byte(bits.Len64(uint64(least))-13) * 2
					binary.LittleEndian.PutUint32(sum, crc32.ChecksumIEEE(h.b[:len(h.b)-4]))
				}
			}
			return h, true
		}
		p = p[size:]
	}
	return h, false
}

// holds is the least dictionary that has room for the block whose data is at a
// place of what the source shows next; -1 where neither the block nor the source
// ends in there.
func (x *xzBlocks) holds(at int) int64 {
	b, err := x.src.Peek(x.src.Size())
	all := int64(0)
	for b = b[min(at, len(b)):]; ; {
		n, out, ok := lzma2Chunk(b)
		if !ok && err == nil && len(b) < 6 {
			return -1
		}
		all += out
		if !ok || b[0] == 0 {
			break // what is no chunk is an error of the decoder
		}
		if int64(len(b)) < n {
			if err == nil {
				return -1
			}
			break
		}
		b = b[n:]
	}
	return 1 << max(bits.Len64(uint64(all)), 12)
}

// lzma2Chunk returns the length of a chunk, its header included, and that of
// what it holds.
func lzma2Chunk(b []byte) (n, out int64, ok bool) {
	switch {
	case len(b) == 0:
		return 0, 0, false
	case b[0] == 0: // the end
		return 1, 0, true
	case len(b) >= 3 && b[0] <= 2: // as it is
		out = int64(b[1])<<8 + int64(b[2]) + 1
		return 3 + out, out, true
	case len(b) >= 5 && b[0] >= 0x80:
		n, out = 5+int64(b[3])<<8+int64(b[4])+1, int64(b[0]&31)<<16+int64(b[1])<<8+int64(b[2])+1
		if b[0] >= 0xc0 { // properties
			n++
		}
		return n, out, true
	}
	return 0, 0, false
}

// records is the length of some of an index (The .xz File Format, 4), with the
// footer where they are the last; 0 where they make no sense.
func (x *xzBlocks) records() (n int64) {
	b, _ := x.src.Peek(4 << 10)
	for x.state == xzCount || x.left > 0 {
		v, k := binary.Uvarint(b)
		if k <= 0 {
			x.size += n
			return n
		}
		b, n = b[k:], n+int64(k)
		switch {
		case x.state == xzCount:
			x.left, x.half, x.state = v, false, xzRecords
		case x.half:
			x.left--
			fallthrough
		default:
			x.half = !x.half
		}
	}
	x.size += n
	x.state = xzStream
	return n + -x.size&3 + 4 + xzHead
}

// ended is an input that is at its end.
type ended struct{}

func (ended) Read([]byte) (int, error) { return 0, io.EOF }
