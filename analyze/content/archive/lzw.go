package archive

import (
	"bufio"
	"fmt"
	"io"
)

// Lzw decodes what compress(1) writes (.Z): codes of 9 bits up to the number
// in the header, least significant bit first, in groups of eight that are
// padded when the width changes. The algorithm is Terry Welch's as ncompress
// documents it; Go's compress/lzw reads other dialects.
type Lzw struct {
	r       *bufio.Reader
	maxBits uint
	block   bool // code 256 clears the table

	bits  uint
	acc   uint64
	have  uint
	group int // codes read at the current width, modulo 8
	next  int
	prev  int
	first byte
	pre   []uint16
	suf   []byte
	stack []byte // decoded, not yet given, last byte first
	err   error
}

// NewLzw reads the header.
func NewLzw(r *bufio.Reader) (*Lzw, error) {
	var h [3]byte
	if _, err := io.ReadFull(r, h[:]); err != nil {
		return nil, err
	}
	z := &Lzw{r: r, maxBits: uint(h[2] & 0x1f), block: h[2]&0x80 != 0, bits: 9, prev: -1}
	if h[0] != 0x1f || h[1] != 0x9d || z.maxBits < 9 || z.maxBits > 16 {
		return nil, fmt.Errorf("%w: compress header", ErrFormat)
	}
	z.pre = make([]uint16, 1<<z.maxBits)
	z.suf = make([]byte, 1<<z.maxBits)
	for i := range 256 {
		z.suf[i] = byte(i)
	}
	z.next = z.base()
	return z, nil
}

// base is the first free code.
func (z *Lzw) base() int {
	if z.block {
		return 257
	}
	return 256
}

// Read implements io.Reader.
func (z *Lzw) Read(p []byte) (int, error) {
	n := 0
	for n < len(p) {
		if k := len(z.stack); k > 0 {
			p[n] = z.stack[k-1]
			z.stack = z.stack[:k-1]
			n++
			continue
		}
		if z.err != nil {
			if n > 0 {
				return n, nil
			}
			return 0, z.err
		}
		z.err = z.step()
	}
	return n, nil
}

// code reads one; io.EOF where less than one is left.
func (z *Lzw) code() (int, error) {
	for z.have < z.bits {
		b, err := z.r.ReadByte()
		if err != nil {
			return 0, err
		}
		z.acc |= uint64(b) << z.have
		z.have += 8
	}
	c := int(z.acc & (1<<z.bits - 1))
	z.acc >>= z.bits
	z.have -= z.bits
	z.group = (z.group + 1) & 7
	return c, nil
}

// align passes the padding of the current group of codes.
func (z *Lzw) align() error {
	for z.group != 0 {
		if _, err := z.code(); err != nil {
			return err
		}
	}
	z.acc, z.have = 0, 0
	return nil
}

// step decodes one code onto the stack.
func (z *Lzw) step() error {
	if z.next > 1<<z.bits-1 && z.bits < z.maxBits {
		if err := z.align(); err != nil {
			return err
		}
		z.bits++
	}
	c, err := z.code()
	if err != nil {
		return err
	}
	if z.block && c == 256 {
		if err := z.align(); err != nil {
			return err
		}
		z.bits, z.next, z.prev = 9, z.base(), -1
		return nil
	}
	if z.prev < 0 {
		if c > 255 {
			return fmt.Errorf("%w: first code %d of a compress stream", ErrFormat, c)
		}
		z.prev, z.first = c, byte(c)
		z.stack = append(z.stack, z.first)
		return nil
	}
	in := c
	if c >= z.next {
		if c > z.next {
			return fmt.Errorf("%w: code %d before it is defined", ErrFormat, c)
		}
		z.stack = append(z.stack, z.first)
		c = z.prev
	}
	for c > 255 {
		z.stack = append(z.stack, z.suf[c])
		c = int(z.pre[c]) // smaller than c, so that this ends
	}
	z.first = z.suf[c]
	z.stack = append(z.stack, z.first)
	if z.next < 1<<z.maxBits {
		z.pre[z.next], z.suf[z.next] = uint16(z.prev), z.first
		z.next++
	}
	z.prev = in
	return nil
}
