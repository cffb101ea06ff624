package format_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"

	"fromsource/analyze/content/format"
)

// slowText is the definition of IsText.
func slowText(b []byte) bool {
	for _, c := range b {
		if c < '\a' {
			return false
		}
	}
	return true
}

// TestIsText: any two neighbours are told as each alone is, at the ends of words
// and blocks and behind them.
func TestIsText(t *testing.T) {
	for _, at := range []int{0, 7, 127, 255, 258} {
		b := bytes.Repeat([]byte{'x'}, 260)
		for v := range 1 << 16 {
			b[at], b[at+1] = byte(v), byte(v>>8)
			if got := format.IsText(b); got != slowText(b) {
				t.Fatalf("%#x, %#x at %d: %v", b[at], b[at+1], at, got)
			}
		}
	}
}

// TestTarChecksum: the sum of all bytes, taken as signed ones or not, with
// blanks in its own place.
func TestTarChecksum(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for n := range 300 {
		b := make([]byte, format.TarBlock)
		for i := range b {
			if b[i] = byte(r.Uint32()); n%3 == 0 {
				b[i] = 0xff
			}
		}
		unsigned, signed := 0, 0
		copy(b[148:], "        ")
		for _, c := range b {
			unsigned, signed = unsigned+int(c), signed+int(int8(c))
		}
		for _, sum := range []int{unsigned, signed} {
			if sum < 0 {
				continue // it has no sign
			}
			copy(b[148:], fmt.Sprintf("%06o\x00 ", sum))
			if !format.TarChecksum(b) {
				t.Errorf("%d of %d and %d is wrong", sum, unsigned, signed)
			}
			copy(b[148:], fmt.Sprintf("%06o\x00 ", sum+1))
			if format.TarChecksum(b) && sum+1 != unsigned && sum+1 != signed {
				t.Errorf("%d of %d and %d is right", sum+1, unsigned, signed)
			}
		}
	}
}
