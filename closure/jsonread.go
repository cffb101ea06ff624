package closure

import (
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// jsonReader pulls members out of a JSON text without building a tree. Unlike
// encoding/json it keeps bytes that are not UTF-8, because Nix before 2.10
// writes a derivation's strings as they are, and it does not recurse.
// The first error sticks: every later call returns the zero value.
type jsonReader struct {
	buf      []byte
	pos      int
	at       int
	expected string
}

func (r *jsonReader) ok() bool { return r.expected == "" }

func (r *jsonReader) fail(at int, expected string) {
	if r.expected == "" {
		r.at, r.expected = at, expected
	}
}

func (r *jsonReader) space() {
	for r.pos < len(r.buf) && isSpace(r.buf[r.pos]) {
		r.pos++
	}
}

func isSpace(c byte) bool { return c == ' ' || c == '\n' || c == '\t' || c == '\r' }

// peek is the first byte of the next value, 0 at the end or after an error.
func (r *jsonReader) peek() byte {
	r.space()
	if !r.ok() || r.pos >= len(r.buf) {
		return 0
	}
	return r.buf[r.pos]
}

func (r *jsonReader) take(c byte) bool {
	if r.peek() != c {
		return false
	}
	r.pos++
	return true
}

func (r *jsonReader) expect(c byte) bool {
	if !r.take(c) {
		r.fail(r.pos, strconv.QuoteRune(rune(c)))
		return false
	}
	return true
}

// object calls member for each key, with the reader at the value: member must
// consume it.
func (r *jsonReader) object(member func(key string)) {
	if !r.expect('{') || r.take('}') {
		return
	}
	for r.ok() {
		key := r.str()
		if !r.expect(':') {
			return
		}
		member(key)
		if r.take('}') {
			return
		}
		r.expect(',')
	}
}

// array calls element for each element, which must consume it.
func (r *jsonReader) array(element func()) {
	if !r.expect('[') || r.take(']') {
		return
	}
	for r.ok() {
		element()
		if r.take(']') {
			return
		}
		r.expect(',')
	}
}

func (r *jsonReader) strs() []string {
	l := []string{}
	r.array(func() { l = append(l, r.str()) })
	return l
}

// raw is the text of the next value; it checks nesting and strings only.
func (r *jsonReader) raw() []byte {
	r.space()
	start := r.pos
	var s jsonSkipper
	for r.ok() && r.pos < len(r.buf) {
		done, again := s.next(r.buf[r.pos])
		if !again {
			r.pos++
		}
		if done && r.pos > start {
			return r.buf[start:r.pos]
		}
		if done {
			r.fail(r.pos, "a JSON value")
			return nil
		}
	}
	if s.scalar && r.ok() {
		return r.buf[start:r.pos]
	}
	r.fail(r.pos, "the rest of a JSON value")
	return nil
}

func (r *jsonReader) skip() { r.raw() }

// boolean reads true or false.
func (r *jsonReader) boolean() bool {
	at := r.pos
	switch string(r.raw()) {
	case "true":
		return true
	case "false":
	default:
		r.fail(at, "true or false")
	}
	return false
}

// str reads a string. It aliases the text where that has no escapes.
func (r *jsonReader) str() string {
	if r.peek() != '"' {
		r.fail(r.pos, "a string")
		return ""
	}
	start := r.pos + 1
	for i := start; i < len(r.buf); i++ {
		switch r.buf[i] {
		case '"':
			r.pos = i + 1
			return alias(r.buf[start:i])
		case '\\':
			return r.escaped(start, i)
		}
	}
	r.fail(len(r.buf), "the end of a string")
	return ""
}

// escaped reads on in a string that has its first escape at i.
func (r *jsonReader) escaped(start, i int) string {
	out := append([]byte(nil), r.buf[start:i]...)
	for i < len(r.buf) {
		c := r.buf[i]
		if c == '"' {
			r.pos = i + 1
			return alias(out)
		}
		if c != '\\' {
			out = append(out, c)
			i++
			continue
		}
		if i+1 == len(r.buf) {
			break
		}
		switch e := r.buf[i+1]; e {
		case '"', '\\', '/':
			out = append(out, e)
		case 'b':
			out = append(out, '\b')
		case 'f':
			out = append(out, '\f')
		case 'n':
			out = append(out, '\n')
		case 'r':
			out = append(out, '\r')
		case 't':
			out = append(out, '\t')
		case 'u':
			c, n := hexRune(r.buf[i:])
			if n == 0 {
				r.fail(i, "four hexadecimal digits")
				return ""
			}
			out = utf8.AppendRune(out, c)
			i += n
			continue
		default:
			r.fail(i, "an escape that JSON has")
			return ""
		}
		i += 2
	}
	r.fail(len(r.buf), "the end of a string")
	return ""
}

// hexRune decodes \uXXXX, or a pair of them that is one character; n is the
// number of bytes used, 0 for none.
func hexRune(b []byte) (c rune, n int) {
	c, ok := hex4(b)
	if !ok {
		return 0, 0
	}
	if !utf16.IsSurrogate(c) {
		return c, 6
	}
	if low, ok := hex4(b[6:]); ok {
		if both := utf16.DecodeRune(c, low); both != utf8.RuneError {
			return both, 12
		}
	}
	return utf8.RuneError, 6
}

func hex4(b []byte) (rune, bool) {
	if len(b) < 6 || b[0] != '\\' || b[1] != 'u' {
		return 0, false
	}
	n, err := strconv.ParseUint(string(b[2:6]), 16, 16)
	return rune(n), err == nil
}

// jsonSkipper finds the end of a JSON value byte by byte, so that it can look
// at a stream. Nesting is counted, not followed.
type jsonSkipper struct {
	depth    int
	str, esc bool
	scalar   bool
}

// next takes a byte. done is set when the value is complete; again says that
// the byte is not part of it (the end of a number or a literal shows only by
// what follows).
func (s *jsonSkipper) next(c byte) (done, again bool) {
	switch {
	case s.str:
		switch {
		case s.esc:
			s.esc = false
		case c == '\\':
			s.esc = true
		case c == '"':
			s.str = false
			return s.depth == 0, false
		}
		return false, false
	case s.scalar:
		if isSpace(c) || c == ',' || c == '}' || c == ']' || c == ':' {
			return true, true
		}
		return false, false
	}
	switch c {
	case '"':
		s.str = true
	case '{', '[':
		s.depth++
	case '}', ']':
		if s.depth == 0 {
			return true, true
		}
		s.depth--
		return s.depth == 0, false
	case ',', ':':
		return s.depth == 0, s.depth == 0
	case ' ', '\n', '\t', '\r':
	default:
		s.scalar = s.depth == 0
	}
	return false, false
}

// err is the reader's error as that of a text at base in a file.
func (r *jsonReader) err(file string, base int64) error {
	if r.ok() {
		return nil
	}
	return &SyntaxError{File: file, Offset: base + int64(r.at), Expected: r.expected}
}
