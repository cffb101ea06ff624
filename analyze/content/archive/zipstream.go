package archive

import (
	"bufio"
	"compress/bzip2"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/flate"
)

// ZipStream reads a zip archive forward by its local headers (APPNOTE.TXT
// 4.3.7), for archives that are too large for their central directory to be
// reached. Members that are stored with their size behind them cannot be
// delimited, and end the walk.
type ZipStream struct {
	r    *bufio.Reader
	body io.Reader
	part *limited
	desc bool
	read bool // the last member's contents
	seen int  // local headers
}

// NewZipStream reads from r, which stands at the first local header.
func NewZipStream(r *bufio.Reader) *ZipStream { return &ZipStream{r: r} }

// ErrNoDirectory says that an archive ends behind one of its members.
var ErrNoDirectory = errors.New("no central directory behind the last entry")

// limited is a part of a buffered reader that can be read by the byte.
type limited struct {
	r    *bufio.Reader
	left int64
}

func (l *limited) Read(p []byte) (int, error) {
	if l.left <= 0 {
		return 0, io.EOF
	}
	n, err := l.r.Read(p[:min(int64(len(p)), l.left)])
	l.left -= int64(n)
	return n, err
}

func (l *limited) ReadByte() (byte, error) {
	if l.left <= 0 {
		return 0, io.EOF
	}
	l.left--
	return l.r.ReadByte()
}

// Next implements Reader; the entries have a Source.
func (z *ZipStream) Next() (*Entry, error) {
	if err := z.finish(); err != nil {
		return nil, err
	}
	h, err := z.r.Peek(30)
	if len(h) == 0 && errors.Is(err, io.EOF) && z.seen > 0 {
		return nil, ErrNoDirectory
	}
	if len(h) >= 4 && string(h[:4]) != "PK\x03\x04" {
		if h[0] == 'P' && h[1] == 'K' {
			return nil, z.directory()
		}
		return nil, fmt.Errorf("%w: no local header where one should be", ErrFormat)
	}
	if err != nil {
		return nil, io.ErrUnexpectedEOF
	}
	le := binary.LittleEndian
	flags, method := le.Uint16(h[6:]), le.Uint16(h[8:])
	packed, size := int64(le.Uint32(h[18:])), int64(le.Uint32(h[22:]))
	b := make([]byte, 30+int(le.Uint16(h[26:]))+int(le.Uint16(h[28:])))
	nameEnd := 30 + int(le.Uint16(h[26:]))
	if _, err := io.ReadFull(z.r, b); err != nil {
		return nil, io.ErrUnexpectedEOF
	}
	z.seen++
	e := &Entry{Name: string(b[30:nameEnd]), Regular: true, Size: -1}
	if n := len(b) - nameEnd; n > smallField {
		e.Note = fmt.Sprintf("an extra field of %d bytes was not looked at", n)
	}
	if packed == 0xffffffff || size == 0xffffffff {
		size, packed = zip64(b[nameEnd:], size, packed)
	}
	z.desc = flags&8 != 0
	unknown := z.desc && packed == 0
	if !z.desc {
		e.Size = size
	}
	z.part = &limited{z.r, packed}
	if unknown {
		z.part = nil
	}
	if l := len(e.Name); l > 0 && e.Name[l-1] == '/' && packed == 0 && !unknown {
		e.Regular = false
	}
	var src io.Reader = z.r
	if z.part != nil {
		src = z.part
	}
	switch {
	case flags&1 != 0:
		e.Regular, e.Note = false, "encrypted"
	case method == 0 && !unknown:
		z.body = src
	case method == 8:
		z.body = flate.NewReader(src)
	case method == 12 && !unknown:
		z.body = bzip2.NewReader(src)
	default:
		e.Regular, e.Note = false, fmt.Sprintf("zip method %d", method)
	}
	if unknown && z.body == nil && (e.Regular || e.Note != "") {
		return nil, fmt.Errorf("%w: the size of %q is not in front of it", ErrFormat, e.Name)
	}
	e.Source = z.body
	return e, nil
}

// directory passes the central directory and what ends it: io.EOF where it
// lists as many entries as there were, and says little else. Another one says
// that members lie where they were not looked for.
func (z *ZipStream) directory() error {
	listed, fields := 0, 0
	for {
		h, err := z.r.Peek(4)
		if err != nil {
			return io.ErrUnexpectedEOF
		}
		size, le := 0, binary.LittleEndian
		switch string(h) {
		case "PK\x01\x02":
			if h, err = z.r.Peek(46); err != nil {
				return io.ErrUnexpectedEOF
			}
			extra, comment := int(le.Uint16(h[30:])), int(le.Uint16(h[32:]))
			size = 46 + int(le.Uint16(h[28:])) + extra + comment
			fields = max(fields, extra, comment)
			listed++
		case "PK\x06\x06":
			size = 56
		case "PK\x06\x07":
			size = 20
		case "PK\x05\x06":
			if h, err = z.r.Peek(22); err != nil {
				return io.ErrUnexpectedEOF
			}
			fields = max(fields, int(le.Uint16(h[20:])))
			if _, err := z.r.Discard(22 + int(le.Uint16(h[20:]))); err != nil {
				return io.ErrUnexpectedEOF
			}
			if listed != z.seen {
				return fmt.Errorf("%w: the directory lists %d entries, read forward there are %d", ErrFormat, listed, z.seen)
			}
			if fields > smallField {
				return fmt.Errorf("%w: a comment or extra field of %d bytes was not looked at", ErrFormat, fields)
			}
			return io.EOF
		default:
			return fmt.Errorf("%w: no directory where it should be", ErrFormat)
		}
		if _, err := z.r.Discard(size); err != nil {
			return io.ErrUnexpectedEOF
		}
	}
}

// finish passes what is left of a member, and its data descriptor.
func (z *ZipStream) finish() error {
	if z.read = z.body != nil; z.read {
		if _, err := io.Copy(io.Discard, z.body); err != nil {
			return fmt.Errorf("zip member: %w", err)
		}
		z.body = nil
	}
	if z.part != nil {
		left, err := io.Copy(io.Discard, z.part)
		if err != nil {
			return err
		}
		z.part = nil
		if left >= 64 && z.read {
			return fmt.Errorf("%w: %d bytes behind the end of a member's stream", ErrFormat, left)
		}
	}
	if !z.desc {
		return nil
	}
	z.desc = false
	b, _ := z.r.Peek(28)
	n := 0
	if len(b) >= 4 && string(b[:4]) == "PK\x07\x08" {
		n = 4
	}
	// CRC and two sizes, of four or of eight bytes: the next header follows.
	for _, k := range []int{12, 20} {
		if len(b) >= n+k+2 && b[n+k] == 'P' && b[n+k+1] == 'K' {
			_, err := z.r.Discard(n + k)
			return err
		}
	}
	return fmt.Errorf("%w: data descriptor", ErrFormat)
}

// zip64 finds the sizes in the extended information field.
func zip64(extra []byte, size, packed int64) (int64, int64) {
	for len(extra) >= 4 {
		id, n := binary.LittleEndian.Uint16(extra), int(binary.LittleEndian.Uint16(extra[2:]))
		extra = extra[4:]
		if n > len(extra) {
			break
		}
		if id == 1 && n >= 16 {
			return int64(binary.LittleEndian.Uint64(extra) & (1<<62 - 1)), int64(binary.LittleEndian.Uint64(extra[8:]) & (1<<62 - 1))
		}
		extra = extra[n:]
	}
	return size, packed
}
