package archive

import (
	"encoding/binary"
	"fmt"
	"io"
)

// minLeft is the least length of a part of a fragment that is given, maxLeft
// how many are.
const (
	minLeft = 64
	maxLeft = 4096
)

// tables covers what is neither a file's nor of another use: the superblock,
// the compressor's options behind it, and the tables at the end.
func (s *Squashfs) tables() {
	s.cover.Add(0, 96)
	if s.sb.Flags&0x400 != 0 {
		if m, err := s.metadata(96); err == nil {
			s.cover.Add(96, m.next-96)
		}
	}
	if used := int64(min(s.sb.Used, uint64(s.size))); used > s.Files() {
		s.cover.Add(s.Files(), used-s.Files())
	}
}

// left gives, at the end, what no file has of fragments and the values of
// extended attributes.
func (s *Squashfs) left() (*Entry, error) {
	if !s.ended {
		s.ended = true
		bs := int64(s.sb.BlockSize)
		gaps, ok := s.frags.Gaps(int64(s.sb.Fragments) * bs)
		if !ok {
			return &Entry{Note: "fragments in too many pieces to tell what belongs to no file"}, nil
		}
		for _, g := range gaps { // one may be of several fragments
			for g.Len > 0 {
				n := min(g.Len, bs-g.Off%bs)
				if n >= minLeft {
					s.parts = append(s.parts, Span{g.Off, n})
				}
				if g.Off, g.Len = g.Off+n, g.Len-n; len(s.parts) > maxLeft {
					break
				}
			}
		}
		if e := s.attributes(); e != nil {
			return e, nil
		}
	}
	if len(s.parts) == 0 {
		return nil, io.EOF
	}
	if s.given++; s.given > maxLeft {
		s.parts = nil
		return &Entry{Note: fmt.Sprintf("over %d parts of fragments belong to no file: the rest was not looked at", maxLeft)}, nil
	}
	p := s.parts[0]
	s.parts = s.parts[1:]
	bs := int64(s.sb.BlockSize)
	i, from := p.Off/bs, p.Off%bs
	e := &Entry{Name: fmt.Sprintf("[fragment %d]/@%d", i, from), Part: true}
	b, err := s.fragment(uint32(i))
	if err != nil {
		e.Note = err.Error()
		return e, nil
	}
	b = b[min(from, int64(len(b))):min(from+p.Len, int64(len(b)))]
	e.Regular, e.Size, e.Source = true, int64(len(b)), &memory{b}
	return e, nil
}

// attributes is an entry of the values of all extended attributes; nil where
// there are none.
func (s *Squashfs) attributes() *Entry {
	var h [24]byte
	if s.sb.Xattrs > uint64(s.size) {
		return nil // there is no table
	}
	if _, err := s.r.ReadAt(h[:], int64(s.sb.Xattrs)); err != nil {
		return &Entry{Note: fmt.Sprintf("extended attributes at byte %d: %v", s.sb.Xattrs, err)}
	}
	le := binary.LittleEndian
	start, end := le.Uint64(h[:]), le.Uint64(h[16:]) // of values, of the numbers behind them
	if le.Uint32(h[8:]) == 0 {
		return nil
	}
	if start > uint64(s.size) || end > uint64(s.size) || end < start {
		return &Entry{Note: fmt.Sprintf("extended attributes from byte %d to %d", start, end)}
	}
	return &Entry{Name: "[extended attributes]", Regular: true, Part: true, Size: -1, Source: &squashValues{s: s, off: int64(start), end: int64(end)}}
}

// squashValues reads metadata blocks one after the other.
type squashValues struct {
	s        *Squashfs
	off, end int64
	buf      []byte
}

// Read implements io.Reader.
func (v *squashValues) Read(p []byte) (int, error) {
	for len(v.buf) == 0 {
		if v.off >= v.end {
			return 0, io.EOF
		}
		m, err := v.s.metadata(v.off)
		if err != nil {
			return 0, err
		}
		v.buf, v.off = m.data, m.next
	}
	n := copy(p, v.buf)
	v.buf = v.buf[n:]
	return n, nil
}
