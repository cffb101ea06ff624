package format

import (
	"fmt"
	"slices"
)

// plainMagics are the beginnings of programs that are worth a look under a
// disguise.
var plainMagics = []string{"\x7fELF", "MZ", "\xca\xfe\xba\xbe", "\xcf\xfa\xed\xfe", "\xce\xfa\xed\xfe", "\x00asm", "dex\n"}

// Combined looks for a program of which each byte was combined with the same
// one by exclusive or, and says with which. B is the beginning of the file.
func Combined(b []byte, size int64) (how string, m Match) {
	if len(b) < 64 {
		return "", Match{}
	}
	for _, magic := range plainMagics {
		key := b[0] ^ magic[0]
		if key == 0 || !combinedAt(b, magic, key) {
			continue
		}
		plain := slices.Clone(b[:min(len(b), Head)])
		for i := range plain {
			plain[i] ^= key
		}
		if m := Detect("", plain, size); m.Marked() {
			return fmt.Sprintf("with all bytes xor %#02x", key), m
		}
	}
	return "", Match{}
}

func combinedAt(b []byte, magic string, key byte) bool {
	for i := range len(magic) {
		if b[i]^key != magic[i] {
			return false
		}
	}
	return true
}

// Reversed looks for a program whose bytes are in the reverse order. B is the
// end of the file.
func Reversed(b []byte, size int64) (how string, m Match) {
	if len(b) < 64 {
		return "", Match{}
	}
	for _, magic := range plainMagics {
		if !reversedAt(b, magic) {
			continue
		}
		plain := slices.Clone(b[max(0, len(b)-Head):])
		slices.Reverse(plain)
		if m := Detect("", plain, size); m.Marked() {
			return "in reverse", m
		}
	}
	return "", Match{}
}

func reversedAt(b []byte, magic string) bool {
	for i := range len(magic) {
		if b[len(b)-1-i] != magic[i] {
			return false
		}
	}
	return true
}
