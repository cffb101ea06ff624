package store

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
)

// A FormatError says where a stream stops being what it should be.
type FormatError struct {
	File     string
	Offset   int64 // in bytes
	Expected string
}

func (e *FormatError) Error() string {
	return fmt.Sprintf("reading %q: byte %d: expected %s", e.File, e.Offset, e.Expected)
}

// skimmer reads Nix's wire format from a file and jumps over file contents.
// The first error sticks.
type skimmer struct {
	name string
	file io.ReaderAt
	size int64
	buf  *bufio.Reader
	pos  int64
	err  error
}

func newSkimmer(name string, file io.ReaderAt, size int64) *skimmer {
	return &skimmer{name: name, file: file, size: size, buf: bufio.NewReaderSize(io.NewSectionReader(file, 0, size), 16<<10)}
}

func (s *skimmer) fail(at int64, expected string) {
	if s.err == nil {
		s.err = &FormatError{s.name, at, expected}
	}
}

// full reads exactly len(b) bytes.
func (s *skimmer) full(b []byte, expected string) bool {
	if s.err != nil {
		return false
	}
	n, err := io.ReadFull(s.buf, b)
	s.pos += int64(n)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		s.fail(s.pos, expected+", not the end of the file")
	} else if err != nil && s.err == nil {
		s.err = fmt.Errorf("reading %q: byte %d: %w", s.name, s.pos, err)
	}
	return s.err == nil
}

func (s *skimmer) uint64(expected string) uint64 {
	var b [8]byte
	if !s.full(b[:], expected) {
		return 0
	}
	return binary.LittleEndian.Uint64(b[:])
}

// skip jumps over n bytes and their padding.
func (s *skimmer) skip(n uint64, what string) {
	if s.err != nil {
		return
	}
	if n > uint64(s.size-s.pos) {
		s.fail(s.size, fmt.Sprintf("%d more bytes of %s, not the end of the file", n-uint64(s.size-s.pos), what))
		return
	}
	n += uint64(padding(int64(n)))
	s.pos += int64(n)
	if n <= uint64(s.buf.Buffered()) {
		_, _ = s.buf.Discard(int(n)) // they are in the buffer: can't fail
		return
	}
	if s.pos > s.size {
		s.fail(s.size, "zeros to a multiple of 8, not the end of the file")
		return
	}
	s.buf.Reset(io.NewSectionReader(s.file, s.pos, s.size-s.pos))
}

// str reads a string of at most limit bytes.
func (s *skimmer) str(limit uint64, expected string) string {
	at := s.pos
	n := s.uint64(expected)
	if n > limit {
		s.fail(at, fmt.Sprintf("%s, of at most %d bytes", expected, limit))
	}
	if s.err != nil {
		return ""
	}
	b := make([]byte, n+uint64(padding(int64(n))))
	if !s.full(b, expected) {
		return ""
	}
	return string(b[:n])
}

// token reads one of the format's own words.
func (s *skimmer) token(words ...string) string {
	at := s.pos
	got := s.str(32, "a word of the format")
	if s.err == nil && slices.Contains(words, got) {
		return got
	}
	s.fail(at, fmt.Sprintf("%q", words))
	return ""
}

// Bounds of what is read into memory. File systems and Nix have smaller ones.
const (
	maxName   = 4 << 10
	maxTarget = 64 << 10
)

// nar jumps over a serialisation. If that is a single file, where its
// contents lie is returned, otherwise offset is -1. It counts directories
// instead of recursing.
func (s *skimmer) nar() (offset, size int64) {
	offset = -1
	s.token("nix-archive-1")
	depth := 0
	for s.err == nil {
		s.token("(")
		s.token("type")
		dir := false
		switch s.token("regular", "symlink", "directory") {
		case "regular":
			at, n := s.regular()
			if depth == 0 {
				offset, size = at, n
			}
		case "symlink":
			s.token("target")
			s.str(maxTarget, "a link's target")
			s.token(")")
		case "directory":
			depth++
			dir = true
		}
		// Ends of entries and directories, up to the next entry.
		for s.err == nil {
			if !dir {
				if depth == 0 {
					return offset, size
				}
				s.token(")") // of the entry
			}
			dir = false
			if s.token("entry", ")") == "entry" {
				s.token("(")
				s.token("name")
				s.str(maxName, "a file's name")
				s.token("node")
				break
			}
			depth-- // the directory ends
		}
	}
	return -1, 0
}

func (s *skimmer) regular() (offset, size int64) {
	switch s.token("executable", "contents", ")") {
	case ")": // older writers leave out empty contents
		return s.pos, 0
	case "executable":
		s.token("")
		if s.token("contents", ")") == ")" {
			return s.pos, 0
		}
	}
	n := s.uint64("the length of a file")
	offset = s.pos
	s.skip(n, "a file")
	s.token(")")
	return offset, int64(n)
}
