package rules

import (
	"strings"
	"testing"
)

func TestLower(t *testing.T) {
	for c := range 256 {
		for at := range 17 {
			b := []byte("abc-0.9@[`{~\x00\x7f/zz")
			b[at] = byte(c)
			if s := string(b); lower(s) != strings.ToLower(s) {
				t.Errorf("lower(%q) = %q, want %q", s, lower(s), strings.ToLower(s))
			}
		}
	}
}
