package armor

import (
	"bytes"
	"testing"
)

// A blank is found wherever it is, beside whatever: bytes that differ from it
// in one bit, and the highest and lowest ones.
func TestBlank(t *testing.T) {
	for _, around := range []byte{0, 1, 8, '\n', 0x1f, '!', '0', 'a', 0x7f, 0x80, 0x88, 0x89, 0x8a, 0x9f, 0xa0, 0xa1, 0xff} {
		s := bytes.Repeat([]byte{around}, 24)
		if blank(s) {
			t.Errorf("a blank among bytes %#x", around)
		}
		for k := range s {
			for _, c := range []byte{' ', '\t'} {
				s[k] = c
				if !blank(s) {
					t.Errorf("no %q at %d among bytes %#x", c, k, around)
				}
			}
			s[k] = around
		}
	}
}
