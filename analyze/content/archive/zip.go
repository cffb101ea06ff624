package archive

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
)

// Zip reads a zip archive by its central directory (APPNOTE.TXT 4.3), which it
// passes once and does not hold. The standard library's reader holds it, and
// says neither where a local header begins nor what lies between the entries.
type Zip struct {
	r     io.ReaderAt
	base  int64 // of all offsets: the archive may have something before it
	start int64 // of the directory
	off   int64 // of the next header in it
	end   int64
	dir   *bufio.Reader
	want  uint64 // entries, as the end record has it
	seen  uint64
	size  int64
	cover Cover
	head  [46]byte
}

// ZipEntry is an entry of the directory with what its local header adds.
type ZipEntry struct {
	Name                string
	Regular, Executable bool
	Encrypted           bool
	Method              uint16
	CRC                 uint32
	Size                int64
	// At and Packed are where its bytes are as they are stored.
	At, Packed int64
	// Note says what of the entry makes no sense; Lost is true where its bytes
	// cannot be found.
	Note string
	Lost bool
}

// smallField is the length of an extra field or a comment that is passed over:
// longer ones are left for whoever asks what is not covered.
const smallField = 256

// NewZip finds the end record and the directory.
func NewZip(r io.ReaderAt, size int64) (*Zip, error) {
	tail := make([]byte, min(size, 65535+22))
	from := size - int64(len(tail))
	if n, err := r.ReadAt(tail, from); n < len(tail) {
		return nil, fmt.Errorf("reading the end at byte %d: %w", from, err)
	}
	// The last end is that of the archive, as Info-ZIP has it, but for one that
	// lies in another's comment and makes no sense.
	var first error
	for k := len(tail); ; {
		if k = bytes.LastIndex(tail[:k], []byte("PK\x05\x06")); k < 0 {
			break
		}
		if k+22 > len(tail) {
			continue
		}
		z, err := zipEnding(r, size, tail, k)
		if err == nil {
			return z, nil
		}
		if first == nil {
			first = err
		}
	}
	if first == nil {
		first = fmt.Errorf("%w: no end of central directory in the last %d of %d bytes", ErrFormat, len(tail), size)
	}
	return nil, first
}

// zipEnding is the archive whose end record is at tail[k], of the bytes at the
// end of all.
func zipEnding(r io.ReaderAt, size int64, tail []byte, k int) (*Zip, error) {
	le := binary.LittleEndian
	e, last := tail[k:], size-int64(len(tail)-k)
	comment := int64(le.Uint16(e[20:]))
	z := &Zip{r: r, size: size, want: uint64(le.Uint16(e[10:]))}
	z.cover.Add(last, 22)
	if comment <= smallField {
		z.cover.Add(last+22, comment)
	}
	length, start := int64(le.Uint32(e[12:])), int64(le.Uint32(e[16:]))
	end := last
	if l := k - 20; l >= 0 && string(tail[l:l+4]) == "PK\x06\x07" {
		at := int64(le.Uint64(tail[l+8:]) & (1<<62 - 1))
		var h [56]byte
		for _, p := range []int64{at, last - 20 - 56} { // as it says, and where it is if the archive was moved
			if _, err := r.ReadAt(h[:], max(p, 0)); err != nil || string(h[:4]) != "PK\x06\x06" {
				continue
			}
			z.want = le.Uint64(h[32:])
			length, start = int64(le.Uint64(h[40:])&(1<<62-1)), int64(le.Uint64(h[48:])&(1<<62-1))
			end = max(p, 0)
			z.cover.Add(end, 56)
			z.cover.Add(last-20, 20)
			break
		}
	}
	z.base = end - length - start
	if z.base != 0 && z.header(start) {
		z.base = 0
	}
	z.start = start + z.base
	if z.start < 0 || length < 0 || z.start > size || length > size-z.start || z.want > 0 && !z.header(z.start) {
		return nil, fmt.Errorf("%w: no central directory at byte %d, where its end at byte %d says", ErrFormat, start, last)
	}
	z.off, z.end = z.start, z.start+length
	// The size of the directory is wrong in some archives, and no tool minds.
	z.dir = bufio.NewReaderSize(io.NewSectionReader(r, z.start, max(end-z.start, length)), 64<<10)
	return z, nil
}

func (z *Zip) header(off int64) bool {
	var b [4]byte
	if off < 0 {
		return false
	}
	_, err := z.r.ReadAt(b[:], off)
	return err == nil && string(b[:]) == "PK\x01\x02"
}

// Directory is where the central directory begins.
func (z *Zip) Directory() int64 { return z.start }

// Size is that of the archive.
func (z *Zip) Size() int64 { return z.size }

// Cover implements Covering; the contents of an entry count as read.
func (z *Zip) Cover() *Cover { return &z.cover }

// Next moves to the next entry of the directory.
func (z *Zip) Next() (*ZipEntry, error) {
	h := z.head[:]
	all := z.seen&0xffff == z.want&0xffff // some writers count in 16 bits only
	if all && z.off >= z.end {
		return nil, io.EOF
	}
	if _, err := io.ReadFull(z.dir, h); err != nil || string(h[:4]) != "PK\x01\x02" {
		if all {
			return nil, io.EOF
		}
		return nil, fmt.Errorf("%w: no header of the directory at byte %d, where that of entry %d of %d should be", ErrFormat, z.off, z.seen+1, z.want)
	}
	le := binary.LittleEndian
	name, extra, comment := int(le.Uint16(h[28:])), int(le.Uint16(h[30:])), int(le.Uint16(h[32:]))
	b := make([]byte, name+extra)
	if _, err := io.ReadFull(z.dir, b); err != nil {
		return nil, fmt.Errorf("%w: the directory ends within entry %d", ErrFormat, z.seen+1)
	}
	if _, err := z.dir.Discard(comment); err != nil {
		return nil, fmt.Errorf("%w: the directory ends within entry %d", ErrFormat, z.seen+1)
	}
	z.seen++
	z.passed(int64(46+name), int64(extra), int64(comment))
	e := &ZipEntry{
		Name: string(b[:name]), Method: le.Uint16(h[10:]), CRC: le.Uint32(h[16:]), Encrypted: le.Uint16(h[8:])&1 != 0,
		Packed: int64(le.Uint32(h[20:])), Size: int64(le.Uint32(h[24:])),
	}
	at := int64(le.Uint32(h[42:]))
	zip64Central(b[name:], &e.Size, &e.Packed, &at)
	e.mode(h[5], le.Uint32(h[38:]))
	z.local(e, at+z.base)
	return e, nil
}

// passed covers a header in the directory, but for its long fields.
func (z *Zip) passed(fixed, extra, comment int64) {
	z.cover.Add(z.off, fixed)
	z.off += fixed
	for _, n := range []int64{extra, comment} {
		if n <= smallField {
			z.cover.Add(z.off, n)
		}
		z.off += n
	}
}

// mode takes the kind of file from what the system that made the entry says of
// it. A folder or link that holds more than it can is a file that says
// otherwise.
func (e *ZipEntry) mode(system byte, attributes uint32) {
	e.Regular = true
	if system == 3 || system == 19 { // Unix, and macOS
		mode := attributes >> 16
		e.Executable = mode&0o111 != 0
		e.Regular = mode&0xf000 == 0x8000 || mode&0xf000 == 0
	} else if attributes&0x10 != 0 {
		e.Regular = false
	}
	if l := len(e.Name); l > 0 && e.Name[l-1] == '/' {
		e.Regular = false
	}
	const maxTarget = 4096
	link := (system == 3 || system == 19) && attributes>>28 == 0xa
	if !e.Regular && e.Size > 0 && (!link || e.Size > maxTarget) {
		e.Regular = true
	}
}

// local reads the entry's local header.
func (z *Zip) local(e *ZipEntry, at int64) {
	h := z.head[:30]
	e.Lost = true
	if at < 0 || at > z.size-30 {
		e.Note = fmt.Sprintf("no local header: byte %d is outside of the archive's %d", at, z.size)
		return
	}
	if _, err := z.r.ReadAt(h, at); err != nil {
		e.Note = fmt.Sprintf("no local header at byte %d: %v", at, err)
		return
	}
	if string(h[:4]) != "PK\x03\x04" {
		e.Note = fmt.Sprintf("no local header at byte %d, but %q", at, h[:4])
		return
	}
	le := binary.LittleEndian
	name, extra := int64(le.Uint16(h[26:])), int64(le.Uint16(h[28:]))
	z.cover.Add(at, 30+name)
	if extra <= smallField {
		z.cover.Add(at+30+name, extra)
	}
	e.At = at + 30 + name + extra
	if e.Packed < 0 || e.At > z.size || e.Packed > z.size-e.At {
		e.Note = fmt.Sprintf("%d bytes at byte %d reach behind the end of the archive's %d", e.Packed, e.At, z.size)
		return
	}
	e.Lost = false
	if m := le.Uint16(h[8:]); m != e.Method && e.Packed > 0 {
		// A tool that reads forward takes the entry for something else.
		e.Note = fmt.Sprintf("its local header says method %d, the directory %d: looked at by the directory only", m, e.Method)
	}
}

// zip64Central takes what does not fit into the header from the extended
// information field (APPNOTE.TXT 4.5.3).
func zip64Central(extra []byte, size, packed, at *int64) {
	le := binary.LittleEndian
	for len(extra) >= 4 {
		id, n := le.Uint16(extra), int(le.Uint16(extra[2:]))
		if extra = extra[4:]; n > len(extra) {
			return
		}
		if id == 1 {
			f := extra[:n]
			for _, v := range []*int64{size, packed, at} {
				if *v == 0xffffffff && len(f) >= 8 {
					*v, f = int64(le.Uint64(f)&(1<<62-1)), f[8:]
				}
			}
			return
		}
		extra = extra[n:]
	}
}
