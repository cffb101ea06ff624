package trace

import (
	"bytes"
	"maps"
	"slices"
)

// refLen is the length of the hash part of a store path, in characters of
// Nix's base-32 alphabet (nix: src/libutil/hash.cc; e, o, t and u are left
// out, so that hexadecimal digests are no hash parts but by rare chance).
const refLen = 32

const refAlphabet = "0123456789abcdfghijklmnpqrsvwxyz"

var isRefChar = func() (t [256]bool) {
	for i := range refAlphabet {
		t[refAlphabet[i]] = true
	}
	return t
}()

// maxRefs bounds what is kept of one store path: more distinct candidates are
// no references but a text in that alphabet.
const maxRefs = 1 << 16

// Scanner collects everything in a stream of bytes that could be the hash part
// of a store path: at any alignment, in plain text or in UTF-16 of either
// order. That is more than Nix's own scanner looks for, and needs no list of
// known paths: the result is the same for every closure.
//
// It is an io.Writer that never fails.
type Scanner struct {
	plain, wide map[[refLen]byte]struct{}
	buf         []byte
	overflow    bool
}

// wideLen is the length in bytes of a hash part in UTF-16, without the zero
// byte that is before the first character or after the last.
const wideLen = 2*refLen - 1

// Write looks at the next bytes of the stream.
func (s *Scanner) Write(p []byte) (int, error) {
	if s.plain == nil {
		s.plain, s.wide = map[[refLen]byte]struct{}{}, map[[refLen]byte]struct{}{}
	}
	// What was kept of the last call, and the head of this one: a hash part
	// on the boundary.
	head := p[:min(len(p), wideLen-1)]
	s.buf = append(s.buf, head...)
	s.scan(s.buf)
	if len(p) > len(head) {
		s.scan(p)
		s.buf = append(s.buf[:0], p[len(p)-min(len(p), wideLen-1):]...)
	} else if n := len(s.buf) - (wideLen - 1); n > 0 {
		s.buf = append(s.buf[:0], s.buf[n:]...)
	}
	return len(p), nil
}

func (s *Scanner) scan(b []byte) {
	s.scanPlain(b)
	s.scanWide(b, 0)
	s.scanWide(b, 1)
}

// scanPlain looks at a window's last character first: most windows are told
// off by it and skipped whole.
func (s *Scanner) scanPlain(b []byte) {
	for i := 0; i+refLen <= len(b); {
		j := refLen - 1
		for j >= 0 && isRefChar[b[i+j]] {
			j--
		}
		if j >= 0 {
			i += j + 1
			continue
		}
		s.add(s.plain, [refLen]byte(b[i:]))
		i++
	}
}

// scanWide does the same for every second byte, with zeros between. The two
// parities are independent of each other.
func (s *Scanner) scanWide(b []byte, parity int) {
	var w [refLen]byte
	for i := parity; i+wideLen <= len(b); {
		j := refLen - 1
		for j >= 0 && isRefChar[b[i+2*j]] && (j == 0 || b[i+2*j-1] == 0) {
			j--
		}
		if j >= 0 {
			// A wrong character rules out every window that holds it; a
			// missing zero before it only those that hold that too.
			if isRefChar[b[i+2*j]] {
				i += 2 * j
			} else {
				i += 2 * (j + 1)
			}
			continue
		}
		for k := range w {
			w[k] = b[i+2*k]
		}
		s.add(s.wide, w)
		i += 2
	}
}

func (s *Scanner) add(set map[[refLen]byte]struct{}, w [refLen]byte) {
	if w[0] == w[1] && bytes.Count(w[:], w[:1]) == refLen {
		return // a filler, such as zeros
	}
	if len(set) >= maxRefs {
		s.overflow = true
		return
	}
	set[w] = struct{}{}
}

// Refs gives the candidates, sorted: those in plain text, those in UTF-16.
// The third result is true if there were too many to keep all.
func (s *Scanner) Refs() (plain, wide []string, overflow bool) {
	return list(s.plain), list(s.wide), s.overflow
}

func list(set map[[refLen]byte]struct{}) []string {
	var out []string
	for w := range maps.Keys(set) {
		out = append(out, string(w[:]))
	}
	slices.Sort(out)
	return out
}

// HashPart is the hash part of a store path or of its base name; "" if it has
// none.
func HashPart(path string) string {
	b := path[lastSlash(path)+1:]
	if len(b) < refLen+2 || b[refLen] != '-' {
		return ""
	}
	for i := range refLen {
		if !isRefChar[b[i]] {
			return ""
		}
	}
	return b[:refLen]
}

func lastSlash(s string) int {
	for i := len(s) - 1; i >= 0; i-- {
		if s[i] == '/' {
			return i
		}
	}
	return -1
}
