package armor

import (
	"bytes"
	"testing"
)

// around are bytes that differ from a blank, a tab or a line end in one bit, and
// the highest and lowest ones.
var around = []byte{0, 1, 8, '\n', 0x1f, '!', '-', '0', 'a', 0x7f, 0x80, 0x88, 0x89, 0x8a, 0x9f, 0xa0, 0xa1, 0xac, 0xff}

// A blank is found wherever it is, beside whatever.
func TestBlank(t *testing.T) {
	for _, c := range around {
		s := bytes.Repeat([]byte{c}, 24)
		if blank((*[24]byte)(s)) {
			t.Errorf("a blank among bytes %#x", c)
		}
		for k := range s {
			for _, b := range []byte{' ', '\t'} {
				s[k] = b
				if !blank((*[24]byte)(s)) {
					t.Errorf("no %q at %d among bytes %#x", b, k, c)
				}
			}
			s[k] = c
		}
	}
}

// The last line end is found wherever it is.
func TestLastBreak(t *testing.T) {
	for _, c := range append(around, '\v') {
		if c == '\n' {
			continue
		}
		for n := range 30 {
			s := bytes.Repeat([]byte{c}, n)
			for k := -1; k < n; k++ {
				if k >= 0 {
					s[k] = '\n'
				}
				if got := lastBreak(s); got != k {
					t.Errorf("%q: %d, want %d", s, got, k)
				}
			}
		}
	}
}
