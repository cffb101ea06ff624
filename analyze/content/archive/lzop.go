package archive

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"hash/adler32"
	"hash/crc32"
	"io"

	"github.com/anchore/go-lzo"
)

// Lzop decodes what lzop writes (.lzo): parts of a header and blocks, of which
// each has its sizes and checksums (lzop's documentation, "File format", and
// the constants of its conf.h).
type Lzop struct {
	r     *bufio.Reader
	flags uint32
	out   []byte
	rest  []byte
	buf   []byte
	err   error
}

const (
	lzopMagic = "\x89LZO\x00\r\n\x1a\n"
	// maxLzopBlock is larger than any block that lzop has ever written, which
	// are of 256 KiB.
	maxLzopBlock = 4 << 20

	lzopAdlerData   = 1 << 0
	lzopAdlerPacked = 1 << 1
	lzopExtra       = 1 << 6
	lzopCRCData     = 1 << 8
	lzopCRCPacked   = 1 << 9
	lzopMultipart   = 1 << 10
	lzopFilter      = 1 << 11
)

// NewLzop reads the first header.
func NewLzop(r *bufio.Reader) (*Lzop, error) {
	z := &Lzop{r: r}
	return z, z.header()
}

// bytes reads the next few.
func (z *Lzop) bytes(n int) ([]byte, error) {
	if cap(z.buf) < n {
		z.buf = make([]byte, n)
	}
	b := z.buf[:n]
	if _, err := io.ReadFull(z.r, b); err != nil {
		return nil, fmt.Errorf("lzop: %w", io.ErrUnexpectedEOF)
	}
	return b, nil
}

func (z *Lzop) word() (uint32, error) {
	b, err := z.bytes(4)
	if err != nil {
		return 0, err
	}
	return binary.BigEndian.Uint32(b), nil
}

// header reads up to the first block of a part.
func (z *Lzop) header() error {
	b, err := z.bytes(len(lzopMagic) + 2)
	if err != nil {
		return err
	}
	if string(b[:len(lzopMagic)]) != lzopMagic {
		return fmt.Errorf("%w: lzop header", ErrFormat)
	}
	// The library's version, and since 0.94 that which is needed and a level,
	// stand before and behind the method.
	recent := binary.BigEndian.Uint16(b[len(lzopMagic):]) >= 0x0940
	n := 3
	if recent {
		n = 6
	}
	if b, err = z.bytes(n); err != nil {
		return err
	}
	method := b[2]
	if recent {
		method = b[4]
	}
	if method < 1 || method > 3 { // all of them LZO1X
		return fmt.Errorf("%w: lzop method %d", ErrFormat, method)
	}
	if z.flags, err = z.word(); err != nil {
		return err
	}
	if z.flags&(lzopFilter|lzopMultipart) != 0 {
		return fmt.Errorf("%w: lzop with a filter or in several files", ErrFormat)
	}
	n = 4 + 4 // mode and time
	if recent {
		n += 4
	}
	if _, err := z.bytes(n); err != nil {
		return err
	}
	name, err := z.bytes(1)
	if err != nil {
		return err
	}
	if _, err := z.bytes(int(name[0]) + 4); err != nil { // and the checksum
		return err
	}
	if z.flags&lzopExtra == 0 {
		return nil
	}
	size, err := z.word()
	if err == nil && size > MaxMeta {
		err = fmt.Errorf("%w: extra field of %d bytes", ErrFormat, size)
	}
	if err != nil {
		return err
	}
	_, err = z.bytes(int(size) + 4)
	return err
}

// Read implements io.Reader. It consumes nothing behind the end.
func (z *Lzop) Read(p []byte) (int, error) {
	for len(z.rest) == 0 {
		if z.err != nil {
			return 0, z.err
		}
		if z.rest, z.err = z.block(); z.err != nil {
			z.rest = nil
		}
	}
	n := copy(p, z.rest)
	z.rest = z.rest[n:]
	return n, nil
}

// block decodes the next one; io.EOF behind the last of the last part.
func (z *Lzop) block() ([]byte, error) {
	size, err := z.word()
	if err != nil {
		return nil, err
	}
	if size == 0 {
		if next, _ := z.r.Peek(len(lzopMagic)); string(next) != lzopMagic {
			return nil, io.EOF
		}
		return nil, z.header()
	}
	packed, err := z.word()
	if err != nil {
		return nil, err
	}
	if size > maxLzopBlock || packed == 0 || packed > size {
		return nil, fmt.Errorf("%w: lzop block of %d bytes in %d", ErrFormat, size, packed)
	}
	sums := map[uint32]uint32{}
	for _, flag := range []uint32{lzopAdlerData, lzopCRCData, lzopAdlerPacked, lzopCRCPacked} {
		if z.flags&flag == 0 || flag&(lzopAdlerPacked|lzopCRCPacked) != 0 && packed == size {
			continue
		}
		if sums[flag], err = z.word(); err != nil {
			return nil, err
		}
	}
	b, err := z.bytes(int(packed))
	if err != nil {
		return nil, err
	}
	if packed < size {
		if b, err = z.unpack(b, int(size)); err != nil {
			return nil, err
		}
	}
	if sum, ok := sums[lzopAdlerData]; ok && sum != adler32.Checksum(b) {
		return nil, fmt.Errorf("%w: checksum of an lzop block", ErrFormat)
	}
	if sum, ok := sums[lzopCRCData]; ok && sum != crc32.ChecksumIEEE(b) {
		return nil, fmt.Errorf("%w: checksum of an lzop block", ErrFormat)
	}
	return b, nil
}

func (z *Lzop) unpack(b []byte, size int) ([]byte, error) {
	if cap(z.out) < size {
		z.out = make([]byte, size)
	}
	n, err := lzo.Decompress(b, z.out[:size])
	if err == nil && n != size {
		err = fmt.Errorf("%d bytes of %d", n, size)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: lzop block: %w", ErrFormat, err)
	}
	return z.out[:size], nil
}
