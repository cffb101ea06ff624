package content

import (
	"errors"
	"fmt"
	"io"
)

// The 7z reader holds the archive's directory in memory, some hundreds of bytes
// for each file in it, and the directory is itself compressed: a small archive
// can declare millions of files.
const maxSevenZipHeader = 4 << 20

var errSevenZip = errors.New("malformed directory")

// sevenZipHeader is the size of an archive's directory when it is decompressed
// (7zFormat.txt in the LZMA SDK: SignatureHeader, EncodedHeader).
func sevenZipHeader(at io.ReaderAt) (int64, error) {
	var h [32]byte
	if _, err := at.ReadAt(h[:], 0); err != nil {
		return 0, err
	}
	off, size := le64(h[12:]), le64(h[20:])
	if size > maxSevenZipHeader || off > 1<<62 {
		return int64(min(size, 1<<62)), nil
	}
	b := make([]byte, min(size, 4096))
	if _, err := at.ReadAt(b, 32+int64(off)); err != nil && !errors.Is(err, io.EOF) {
		return 0, err
	}
	if len(b) == 0 || b[0] != 0x17 { // not encoded
		return int64(size), nil
	}
	p := sevenZipNumbers{b: b[1:]}
	return p.unpacked(), p.err
}

func le64(b []byte) (v uint64) {
	for i := 7; i >= 0; i-- {
		v = v<<8 | uint64(b[i])
	}
	return v
}

// sevenZipNumbers reads the fields of an encoded header.
type sevenZipNumbers struct {
	b   []byte
	err error
}

// next reads n bytes.
func (p *sevenZipNumbers) next(n uint64) []byte {
	if n > uint64(len(p.b)) {
		p.err = errSevenZip
		n = uint64(len(p.b))
	}
	b := p.b[:n]
	p.b = p.b[n:]
	return b
}

func (p *sevenZipNumbers) byte() byte {
	if b := p.next(1); len(b) == 1 {
		return b[0]
	}
	return 0
}

// number reads 7z's variable-length number: as many bytes follow as the first
// has leading ones.
func (p *sevenZipNumbers) number() uint64 {
	first := p.byte()
	var v uint64
	for i := range 8 {
		if first&(0x80>>i) == 0 {
			return v | uint64(first&(0x80>>i-1))<<(8*i)
		}
		v |= uint64(p.byte()) << (8 * i)
	}
	return v
}

// unpacked is the largest size that a coder of the header's one folder gives.
func (p *sevenZipNumbers) unpacked() int64 {
	if p.byte() == 6 { // where it is packed
		p.number()
		streams := p.number()
		for id := p.byte(); id != 0 && p.err == nil; id = p.byte() {
			switch {
			case id == 9:
				for i := uint64(0); i < streams && p.err == nil; i++ {
					p.number()
				}
			case id == 10 && p.byte() == 1: // all are defined
				p.next(4 * min(streams, 1<<20))
			default:
				p.err = errSevenZip
			}
		}
		if p.byte() != 7 {
			p.err = errSevenZip
		}
	} else {
		p.err = errSevenZip
	}
	if p.byte() != 11 || p.number() != 1 || p.byte() != 0 {
		p.err = errSevenZip
	}
	var in, out uint64
	for coders := p.number(); coders > 0 && p.err == nil; coders-- {
		flags := p.byte()
		p.next(uint64(flags & 15))
		i, o := uint64(1), uint64(1)
		if flags&0x10 != 0 {
			i, o = min(p.number(), 1<<10), min(p.number(), 1<<10)
		}
		if flags&0x20 != 0 {
			p.next(p.number())
		}
		in, out = in+i, out+o
	}
	if out == 0 {
		p.err = errSevenZip
	}
	for i := uint64(1); i < out && p.err == nil; i++ { // bind pairs
		p.number()
		p.number()
	}
	if packed := in - min(out-1, in); packed > 1 {
		for ; packed > 0 && p.err == nil; packed-- {
			p.number()
		}
	}
	if p.byte() != 12 {
		p.err = errSevenZip
	}
	var most uint64
	for ; out > 0 && p.err == nil; out-- {
		most = max(most, p.number())
	}
	return int64(min(most, 1<<62))
}

// checkSevenZip says why an archive's directory is not read.
func checkSevenZip(at io.ReaderAt) error {
	n, err := sevenZipHeader(at)
	if err == nil && n > maxSevenZipHeader {
		err = fmt.Errorf("a directory of %d bytes", n)
	}
	return err
}
