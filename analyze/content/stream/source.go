package stream

import (
	"io"
	"runtime"
)

// source is a buffer in front of a reader.
type source struct {
	rd   io.Reader
	b    []byte
	r, w int // b[r:w] is to be consumed
	err  error
	pool *pool
	step int // how much is read at once
}

// Align is the power of two modulo which a byte's place in a buffer is that in
// the stream: to places that differ in less than 16 a kernel copies pages at a
// third of the speed.
const Align = 64

// step is how much is read at once of what a reader makes: little enough that it
// is still in the processor's cache when it is looked at.
const step = 256 << 10

// file is how much is read at once of a file: the system takes less time for
// few large reads.
const file = 1024 << 10

// pool has the buffers of one size that are not in use, for the next sources:
// an archive can have a million members.
type pool struct {
	size int
	free chan []byte
}

// buffers have room for a window wherever that begins. No more are kept than
// some walks need at once, and files are not in one another.
var buffers, large = pool{Window + Align, make(chan []byte, 32)}, pool{file + Align, make(chan []byte, max(4, runtime.GOMAXPROCS(0)))}

func (p *pool) get() []byte {
	select {
	case b := <-p.free:
		return b
	default:
		return make([]byte, p.size)
	}
}

func (p *pool) put(b []byte) {
	select {
	case p.free <- b:
	default:
	}
}

func newSource(r io.Reader, p *pool, step int) *source {
	return &source{rd: r, b: p.get(), pool: p, step: step}
}

func (s *source) close() {
	s.pool.put(s.b)
	*s = source{err: io.EOF}
}

// peek returns the next n bytes, or fewer where the source ended; err then
// says how.
func (s *source) peek(n int) []byte {
	for s.w-s.r < n && s.err == nil {
		if s.r == s.w || len(s.b)-s.r < n {
			first := s.phase()
			s.r, s.w = first, first+copy(s.b[first:], s.b[s.r:s.w])
		}
		s.w += s.read(s.b[s.w:min(len(s.b), max(s.w+s.step, s.r+n))])
	}
	return s.b[s.r : s.r+min(n, s.w-s.r)]
}

// phase is the place of the next byte in the stream modulo Align.
func (s *source) phase() int { return s.r & (Align - 1) }

// direct reads past the buffer, in which nothing is; it returns nothing only
// where the source ended, and err then says how.
func (s *source) direct(p []byte) int {
	if s.err != nil {
		return 0
	}
	n := s.read(p)
	s.r = (s.r + n) & (Align - 1)
	s.w = s.r
	return n
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
