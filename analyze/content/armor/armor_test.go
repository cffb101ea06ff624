package armor_test

import (
	"bytes"
	"encoding/ascii85"
	"encoding/base32"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"

	"fromsource/analyze/content/armor"
)

// all decodes in one go.
func all(f armor.Form, b []byte) []byte {
	out, _, _ := f.Decode(nil, b, true)
	return out
}

// inPieces decodes with no more than size bytes of text at hand.
func inPieces(f armor.Form, b []byte, size int) []byte {
	var out []byte
	for {
		end := len(b) <= size
		var used int
		var more bool
		out, used, more = f.Decode(out, b[:min(len(b), size)], end)
		if b = b[used:]; !more || used == 0 {
			return out
		}
	}
}

func list(b []byte, format string) string {
	var s strings.Builder
	for _, c := range b {
		fmt.Fprintf(&s, format, c)
	}
	return s.String()
}

// encodings write bytes in the forms that are simple to write.
var encodings = map[armor.Form]func(b []byte) string{
	armor.Base64: base64.StdEncoding.EncodeToString,
	armor.Base32: base32.StdEncoding.EncodeToString,
	armor.Hex:    hex.EncodeToString,
	armor.Dump:   hex.Dump,
	armor.Ascii85: func(b []byte) string {
		out := make([]byte, ascii85.MaxEncodedLen(len(b)))
		return string(out[:ascii85.Encode(out, b)])
	},
	armor.List:    func(b []byte) string { return list(b, "0x%02x, ") },
	armor.Escaped: func(b []byte) string { return list(b, `\x%02x`) },
	armor.Quoted:  func(b []byte) string { return list(b, "=%02X") },
	armor.IntelHex: func(b []byte) string {
		var s strings.Builder
		for ; len(b) > 0; b = b[min(len(b), 16):] {
			rec := append([]byte{byte(min(len(b), 16)), 0, 0, 0}, b[:min(len(b), 16)]...)
			var sum byte
			for _, c := range rec {
				sum -= c
			}
			fmt.Fprintf(&s, ":%X%02X\n", rec, sum)
		}
		return s.String()
	},
}

// FuzzRoundTrip: what an encoder writes decodes to the same, in one piece and
// in many.
func FuzzRoundTrip(f *testing.F) {
	f.Add([]byte("\x7fELF\x02\x01\x01\x00 and more of it"))
	f.Add(bytes.Repeat([]byte{0, 1, 255, '"', '\'', '\\', '=', '\n'}, 200))
	f.Fuzz(func(t *testing.T, b []byte) {
		for form, encode := range encodings {
			text := []byte(encode(b))
			if got := all(form, text); !bytes.Equal(got, b) && len(b) > 0 {
				t.Errorf("%s: %q, want %q", form, got, b)
			}
			if got := inPieces(form, text, 2000); !bytes.Equal(got, b) && len(b) > 0 {
				t.Errorf("%s in pieces: %q, want %q", form, got, b)
			}
		}
	})
}

// FuzzText: any text is guessed at and decoded without a fault, and no more of
// it is used than there is.
func FuzzText(f *testing.F) {
	for _, s := range []string{
		"char x[] = {0x7f, 0x45, 0x4c, 0x46, 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0x3e, 0};",
		"00000000  7f 45 4c 46 02 01 01 00  00 00 00 00 00 00 00 00  |.ELF............|\n",
		"0000000 457f 464c 0102 0001 0000 0000 0000 0000\n", "0000000 042577 043114 000402 000001 000000 000000 000000\n",
		":100000007F454C4602010100000000000000000050\n", "S1130000285F245F2212226A000424290008237C2A\n",
		"M?T5,1@(!`0`````````````#`#X``0```%`0`````````$``````````D#8`\n", `x = "\177ELF\002\001\001" + "\u0000\x7f%41"`,
		"=ybegin line=128 size=10 name=a\r\n\xa9\x6f\x76\x70\r\n=yend\r\n", "/* 0 */ (byte)0x7f, // one\n\t.byte 69, 'L', '\\x46'\n",
	} {
		f.Add([]byte(s))
		f.Add(bytes.Repeat([]byte(s), 30))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		find := armor.Finder{Begins: func([]byte) bool { return true }}
		for i := 0; i+armor.SampleSize < len(b); i += 97 {
			forms := armor.Guess(b, i)
			for _, s := range find.Starts(forms, b, i) {
				if s.At < 0 || s.At > len(b) {
					t.Errorf("%s from %d of %d", s.Form, s.At, len(b))
				}
			}
			for _, form := range forms {
				if end := form.Skip(b, i); end < i || end > len(b) {
					t.Errorf("%s to %d from %d of %d", form, end, i, len(b))
				}
			}
		}
		armor.YEncStart(b)
		for _, form := range armor.Forms() {
			for _, end := range []bool{true, false} {
				if _, used, _ := form.Decode(nil, b, end); used < 0 || used > len(b) {
					t.Errorf("%s used %d of %d", form, used, len(b))
				}
			}
		}
	})
}

// Prose, code and tables are of no form, or of one that decodes to little.
func TestWords(t *testing.T) {
	for _, s := range []string{
		"It was the best of times, it was the worst of times, it was the age of wisdom.",
		"\tif err != nil {\n\t\treturn nil, fmt.Errorf(\"reading %q: %w\", name, err)\n\t}\n\treturn x, nil\n",
		"static const struct option options[] = { { \"help\", no_argument, NULL, 'h' }, };",
	} {
		if f := armor.Guess([]byte(s), 0); f != nil {
			t.Errorf("%q: %v", s, f)
		}
	}
}
