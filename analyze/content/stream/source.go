package stream

import "io"

// source is a buffer in front of a reader.
type source struct {
	rd   io.Reader
	b    []byte
	r, w int // b[r:w] is to be consumed
	err  error
}

// step is how much is read at once: little enough that it is still in the
// processor's cache when it is looked at.
const step = 256 << 10

// buffers are those that are not in use, for the next sources: an archive can
// have a million members. No more are kept than some walks need at once.
var buffers = make(chan *[Window]byte, 32)

func newSource(r io.Reader) *source {
	select {
	case b := <-buffers:
		return &source{rd: r, b: b[:]}
	default:
		return &source{rd: r, b: new([Window]byte)[:]}
	}
}

func (s *source) close() {
	select {
	case buffers <- (*[Window]byte)(s.b):
	default:
	}
	*s = source{err: io.EOF}
}

// peek returns the next n bytes, or fewer where the source ended; err then
// says how.
func (s *source) peek(n int) []byte {
	for empty := 0; s.w-s.r < n && s.err == nil; {
		if s.r == s.w {
			s.r, s.w = 0, 0
		} else if len(s.b)-s.r < n {
			copy(s.b, s.b[s.r:s.w])
			s.r, s.w = 0, s.w-s.r
		}
		var k int
		k, s.err = s.rd.Read(s.b[s.w:min(len(s.b), max(s.w+step, s.r+n))])
		s.w += k
		if k > 0 {
			empty = 0
		} else if empty++; empty > 100 && s.err == nil {
			s.err = io.ErrNoProgress
		}
	}
	return s.b[s.r : s.r+min(n, s.w-s.r)]
}

func (s *source) buffered() int { return s.w - s.r }
