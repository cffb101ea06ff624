package content

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/bits"

	"github.com/ulikunitz/xz/lzma"

	"fromsource/analyze/content/archive"
)

// The 7z reader holds the archive's directory in memory, some hundreds of bytes
// for each file in it, and the directory is itself compressed: a small archive
// can declare millions of files.
const maxSevenZipHeader = 4 << 20

var errSevenZip = errors.New("malformed directory")

// maxSevenZipFiles bounds how many files a directory may declare: the library
// allocates for as many before it has read any.
const maxSevenZipFiles = 150_000

// checkSevenZip says why an archive's directory is not given to the library
// (7zFormat.txt in the LZMA SDK), what of the archive the directory accounts
// for, how large dictionaries its folders need, and what of the directory itself
// makes no file.
func checkSevenZip(at io.ReaderAt) (cover archive.Cover, dicts int64, note string, err error) {
	var h [32]byte
	if _, err := at.ReadAt(h[:], 0); err != nil {
		return cover, 0, "", err
	}
	cover.Add(0, 32)
	b, err := sevenZipPart(at, le64(h[12:]), le64(h[20:]))
	if err != nil || len(b) == 0 {
		return cover, 0, "", err
	}
	cover.Add(32+int64(le64(h[12:])), int64(len(b)))
	for range 4 { // a directory's directory may be compressed again
		p := sevenZipNumbers{b: b, cover: &cover}
		switch p.byte() {
		case 1:
			n := p.files()
			if p.err == nil && n > maxSevenZipFiles {
				return cover, 0, "", fmt.Errorf("a directory of %d files", n)
			}
			if p.err != nil || n == 0 {
				return cover, 0, "", p.err
			}
			return cover, p.dicts, p.properties(n), p.err
		case 0x17:
			f := p.streams()
			if p.err != nil {
				return cover, 0, "", p.err
			}
			if b, err = f.decode(at); err != nil {
				return cover, 0, "", err
			}
		default:
			return cover, 0, "", errSevenZip
		}
	}
	return cover, 0, "", errSevenZip
}

// sevenZipPart reads bytes behind the signature header.
func sevenZipPart(at io.ReaderAt, off, size uint64) ([]byte, error) {
	if size > maxSevenZipHeader || off > 1<<62 {
		return nil, fmt.Errorf("a directory of %d bytes", size)
	}
	b := make([]byte, size)
	if n, err := at.ReadAt(b, 32+int64(off)); n < len(b) {
		return nil, err
	}
	return b, nil
}

// sevenZipFolder is the first folder of some streams.
type sevenZipFolder struct {
	off, packed, size uint64
	coders            uint64
	id                string
	props             []byte
}

// decode decompresses the folder of an encoded directory.
func (f *sevenZipFolder) decode(at io.ReaderAt) ([]byte, error) {
	if f.size > maxSevenZipHeader {
		return nil, fmt.Errorf("a directory of %d bytes", f.size)
	}
	b, err := sevenZipPart(at, f.off, f.packed)
	if err != nil {
		return nil, err
	}
	if f.coders != 1 {
		return nil, errors.New("a directory that is encrypted or filtered")
	}
	var r io.Reader = bytes.NewReader(b)
	switch {
	case f.id == "\x00":
	case f.id == "\x03\x01\x01" && len(f.props) == 5:
		head := binary.LittleEndian.AppendUint64(bytes.Clone(f.props), f.size)
		r, err = lzma.ReaderConfig{DictCap: maxWindowBeside}.NewReader(io.MultiReader(bytes.NewReader(head), r))
	case f.id == "\x21":
		r, err = lzma.Reader2Config{DictCap: maxSevenZipHeader}.NewReader2(r)
	default:
		return nil, fmt.Errorf("a directory compressed by method %x", f.id)
	}
	if err != nil {
		return nil, err
	}
	out := make([]byte, f.size)
	_, err = io.ReadFull(r, out)
	return out, err
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
	// cover, where set, is told where the packed streams are; held counts
	// what they hold, odd the bytes of properties that make no file, and dicts
	// has the most that a folder's dictionaries are together.
	cover     *archive.Cover
	held, odd uint64
	dicts     int64
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

// files passes a directory up to where it says how many files there are.
func (p *sevenZipNumbers) files() uint64 {
	for p.err == nil {
		switch p.byte() {
		case 2: // archive properties
			for id := p.byte(); id != 0 && p.err == nil; id = p.byte() {
				n := p.number()
				p.next(n)
				p.odd += n
			}
		case 3, 4:
			p.held = 0
			p.streams()
		case 5:
			return p.number()
		case 0:
			return 0
		default:
			p.err = errSevenZip
		}
	}
	return 0
}

// want takes one byte that must be there.
func (p *sevenZipNumbers) want(id byte) {
	if p.byte() != id {
		p.err = errSevenZip
	}
}

// digests passes checksums, and returns for how many they are defined.
func (p *sevenZipNumbers) digests(n uint64) (defined []bool) {
	if n > maxSevenZipFiles*2 {
		p.err = errSevenZip
		return nil
	}
	defined = make([]bool, n)
	all := p.byte() != 0
	var bits, mask byte
	count := uint64(0)
	for i := range defined {
		if !all && mask == 0 {
			bits, mask = p.byte(), 0x80
		}
		if defined[i] = all || bits&mask != 0; defined[i] {
			count++
		}
		mask >>= 1
	}
	p.next(4 * count)
	return defined
}

// properties reads what a directory says of n files, and returns what it holds
// that makes none of them: other properties than names, times and the like, and
// streams that no file has.
func (p *sevenZipNumbers) properties(n uint64) string {
	full := n
	for p.err == nil {
		id := p.byte()
		if id == 0 {
			break
		}
		b := p.next(p.number())
		switch {
		case id == 14: // which files have no stream
			for i, c := range b {
				if i == int(n/8) {
					c &= ^byte(0xff >> (n % 8))
				}
				full -= min(full, uint64(bits.OnesCount8(c)))
			}
		case id == 25 && len(bytes.Trim(b, "\x00")) == 0: // to align the others
		case id < 15 || id > 21: // those between are names, times, attributes
			p.odd += uint64(len(b))
		}
	}
	switch {
	case p.err != nil:
		return ""
	case p.odd >= minRest:
		return fmt.Sprintf("%d bytes of the directory describe no file: not looked at", p.odd)
	case p.held > full:
		return fmt.Sprintf("%d of %d streams belong to no file: not looked at", p.held-full, p.held)
	}
	return ""
}

// numbers passes n of them, and returns their sum.
func (p *sevenZipNumbers) numbers(n uint64) (sum uint64) {
	for ; n > 0 && p.err == nil; n-- {
		sum += min(p.number(), 1<<52)
	}
	return sum
}

// streams passes what describes packed streams, and returns the first folder.
func (p *sevenZipNumbers) streams() (first sevenZipFolder) {
	id := p.byte()
	if id == 6 {
		first.off = p.number()
		n := p.number()
		for id = p.byte(); id != 0 && p.err == nil; id = p.byte() {
			switch {
			case id == 9 && n > 0:
				first.packed = p.number()
				if all := min(first.packed, 1<<52) + p.numbers(n-1); p.cover != nil && first.off < 1<<52 {
					p.cover.Add(32+int64(first.off), int64(min(all, 1<<60)))
				}
			case id == 10:
				p.digests(n)
			default:
				p.err = errSevenZip
			}
		}
		id = p.byte()
	}
	var hashed []bool
	var folders uint64
	if id == 7 {
		p.want(11)
		folders = p.number()
		p.want(0)
		if folders > maxSevenZipFiles {
			p.err = errSevenZip
		}
		var outs []uint64
		for i := uint64(0); i < folders && p.err == nil; i++ {
			outs = append(outs, p.folder(i == 0, &first))
		}
		p.want(12)
		for i, n := range outs {
			if i == 0 && n > 0 {
				first.size = p.number()
				n--
			}
			p.numbers(n)
		}
		if id = p.byte(); id == 10 && p.err == nil {
			hashed = p.digests(folders)
			id = p.byte()
		}
		if id != 0 {
			p.err = errSevenZip
		}
		id = p.byte()
	}
	if id == 8 {
		p.substreams(folders, hashed)
		id = p.byte()
	} else {
		p.held += folders
	}
	if id != 0 {
		p.err = errSevenZip
	}
	return first
}

// folder passes one folder and returns how many sizes it has.
func (p *sevenZipNumbers) folder(keep bool, f *sevenZipFolder) uint64 {
	var in, out uint64
	dicts := int64(0)
	coders := p.number()
	if keep {
		f.coders = coders
	}
	for i := uint64(0); i < coders && p.err == nil; i++ {
		flags := p.byte()
		id := p.next(uint64(flags & 15))
		ins, outs := uint64(1), uint64(1)
		if flags&0x10 != 0 {
			ins, outs = min(p.number(), 1<<10), min(p.number(), 1<<10)
		}
		var props []byte
		if flags&0x20 != 0 {
			props = p.next(p.number())
		}
		if keep {
			f.id, f.props = string(id), props
		}
		in, out = in+ins, out+outs
		dicts += sevenZipDict(string(id), props)
	}
	p.dicts = max(p.dicts, dicts)
	if out == 0 || in < out-1 {
		p.err = errSevenZip
		return 0
	}
	p.numbers(2 * (out - 1)) // bind pairs
	if packed := in - (out - 1); packed > 1 {
		p.numbers(packed)
	}
	return out
}

// substreams passes the sizes and checksums of the files in folders.
func (p *sevenZipNumbers) substreams(folders uint64, hashed []bool) {
	var counts []uint64
	id := p.byte()
	defer func() {
		for _, n := range counts {
			p.held += min(n, 1<<32)
		}
	}()
	counts = make([]uint64, min(folders, maxSevenZipFiles))
	for i := range counts {
		counts[i] = 1
		if id == 13 && p.err == nil {
			counts[i] = min(p.number(), 1<<32)
		}
	}
	if id == 13 {
		id = p.byte()
	}
	sums := uint64(0)
	for i, n := range counts {
		if id == 9 && n > 1 {
			p.numbers(n - 1)
		}
		if n != 1 || i >= len(hashed) || !hashed[i] {
			sums += n
		}
	}
	if id == 9 {
		id = p.byte()
	}
	if id == 10 && p.err == nil {
		p.digests(sums)
		id = p.byte()
	}
	if id != 0 {
		p.err = errSevenZip
	}
}
