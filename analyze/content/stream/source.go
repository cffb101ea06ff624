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
	for s.w-s.r < n && s.err == nil {
		if s.r == s.w {
			s.r, s.w = 0, 0
		} else if len(s.b)-s.r < n {
			copy(s.b, s.b[s.r:s.w])
			s.r, s.w = 0, s.w-s.r
		}
		s.w += s.read(s.b[s.w:min(len(s.b), max(s.w+step, s.r+n))])
	}
	return s.b[s.r : s.r+min(n, s.w-s.r)]
}

// direct reads past the buffer, in which nothing is; it returns nothing only
// where the source ended, and err then says how.
func (s *source) direct(p []byte) int {
	if s.err != nil {
		return 0
	}
	return s.read(p)
}

// read reads some bytes, or none and sets err.
func (s *source) read(p []byte) (n int) {
	for range 100 {
		if n, s.err = s.rd.Read(p); n > 0 || s.err != nil {
			return n
		}
	}
	s.err = io.ErrNoProgress
	return 0
}

func (s *source) buffered() int { return s.w - s.r }
