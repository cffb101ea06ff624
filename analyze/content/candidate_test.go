package content

import (
	"math/rand/v2"
	"testing"
)

// slowCandidate is the definition of candidate.
func slowCandidate(b []byte) int {
	for i := 0; i+minCandidate <= len(b); i++ {
		if begins(b[i:]) {
			return i
		}
	}
	return -1
}

// Each magic is found at every alignment, alone and before another.
func TestCandidate(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	full := append([]string{"MZ\x90\x00\x03", "MZ\x00\x01\x03\x00", "MZ\x7f\x01\x00", "BZh91AY", "\x1f\x8b\x08\x00", "\x1f\x9d\x90", "x\x9c\xed", "x\x01\x04"}, payloads...)
	for _, magic := range full {
		if magic == "BZh" || magic == "\x1f\x8b\x08" { // they are not all of it
			continue
		}
		for at := range 40 {
			b := make([]byte, 64)
			if at%3 == 0 {
				for i := range b {
					b[i] = byte(r.Uint32())
				}
			}
			copy(b[at:], magic)
			copy(b[min(63, at+len(magic)):], "1211")
			if got, want := candidate(b), slowCandidate(b); got != want || want < 0 {
				t.Errorf("%q at %d: %d, want %d", magic, at, got, want)
			}
		}
	}
}

func FuzzCandidate(f *testing.F) {
	for _, m := range payloads {
		f.Add([]byte("some\x00\x00 data " + m + " more and more"))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if got, want := candidate(b), slowCandidate(b); got != want {
			t.Errorf("%d, want %d", got, want)
		}
	})
}
