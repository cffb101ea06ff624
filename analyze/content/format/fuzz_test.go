package format_test

import (
	"bytes"
	"os"
	"testing"

	"fromsource/analyze/content/format"
)

// seeds are minimal headers of each format; the test binary itself is a real
// ELF, of which the beginning and a cut are used.
func seeds(f *testing.F) {
	self, err := os.ReadFile(os.Args[0])
	if err != nil {
		f.Fatal(err)
	}
	f.Add(self[:4096])
	f.Add(unhex(f, h8Object))
	f.Add(unhex(f, z80Program))
	for _, s := range []string{
		"MZ\x90\x00\x03\x00\x00\x00\x04\x00\x00\x00\xff\xff\x00\x00\xb8\x00\x00\x00\x00\x00\x00\x00\x40\x00\x00\x00",
		"\xca\xfe\xba\xbe\x00\x00\x00\x34\x00\x02\x01\x00\x01a\x00\x00",
		"\xca\xfe\xba\xbe\x00\x00\x00\x01\x01\x00\x00\x07\x00\x00\x00\x03\x00\x00\x00\x20\x00\x00\x00\x08\x00\x00\x00\x00\xcf\xfa\xed\xfe",
		"\xcf\xfa\xed\xfe\x07\x00\x00\x01\x03\x00\x00\x00\x02\x00\x00\x00\x01\x00\x00\x00\x10\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x1b\x00\x00\x00\x10\x00\x00\x00",
		"\x00asm\x01\x00\x00\x00\x01\x04\x01\x60\x00\x00", "\xa7\x0d\x0d\x0a\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\xe3",
		"\x64\x86\x01\x00\x00\x00\x00\x00\x3c\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00.text\x00\x00\x00",
		"FOR1\x00\x00\x00\x20BEAMAtU8\x00\x00\x00\x04abcd", "\x1bLua\x54\x00\x19\x93\r\n\x1a\n", "\x1bLJ\x02\x02", ";ELC\x1b\x00\x00\x00\n;;; Compiled",
		"BC\xc0\xde\x35\x14\x00\x00\x05\x00\x00\x00\x62\x0c\x30\x24\x49\x59\xbe\x66", "Caml1999X031\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00",
		"\x80\x05\x00\x03a.c\x00\x96\x02\x00\x00\x00", "\xf0\x0d\x00\x20\x00\x00\x00\x01\x00\x00", "DMA\x00\x00\x00\x00\x00\x10\x00\x00\x00\x00\x00\x00\x00",
		"\xd0\x0d\xfe\xed\x00\x00\x00\x40\x00\x00\x00\x38\x00\x00\x00\x40", "\x27\x05\x19\x56", "dex\n035\x00", "dey\n036\x00", "\x01\xfa\xce\x64",
		"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03", "\xfd7zXZ\x00", "BZh91AY&SY\x00\x00\x00\x00", "\x28\xb5\x2f\xfd\x00", "PK\x03\x04\x14\x00", "hsqs", "x\x9c\xed\xcd", "x\x9c\x4b\x4c\x04\x00\x02\x49\x01\x24", "!<arch>\ndebian-binary   ",
	} {
		f.Add([]byte(s))
		f.Add(append([]byte(s), make([]byte, 600)...))
	}
}

// FuzzDetect: no input makes a check fail, the answer of a prefix does not
// depend on what is behind the slice, and what is compiled says how sure.
func FuzzDetect(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, b []byte) {
		m := format.Detect("x", b, int64(len(b)))
		if m.Compiled() && (m.Name == "" || m.Confidence == "" || m.Container) {
			t.Errorf("%+v", m)
		}
		if m.Compiled() && m.End > int64(len(b)) && m.Name != "device-tree" && m.Name != "fit-image" {
			t.Errorf("%s ends at %d of %d", m.Name, m.End, len(b))
		}
		if m.Marked() && !format.Magic(b) {
			t.Errorf("%s has no mark", m.Name)
		}
		behind := append(bytes.Clone(b), 0xaa)[:len(b)]
		if again := format.Detect("x", behind, int64(len(b))); again != m {
			t.Errorf("%+v, then %+v", m, again)
		}
		format.Detect("x", b, -1)
		format.Detect("x", b, 1<<40)
		format.Opaque("lib/firmware/x", b)
		format.IsText(b)
	})
}

// FuzzPrints: prints of anything end, and are the same for the same bytes.
func FuzzPrints(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, b []byte) {
		one, two := format.Prints(b), format.Prints(b)
		if len(one) != len(two) {
			t.Errorf("%d prints, then %d", len(one), len(two))
		}
		for i, p := range one {
			if p != two[i] || p.What == "text" && p.Size < format.MinText {
				t.Errorf("%+v", p)
			}
		}
	})
}

// FuzzIsText compares the fast loop with the definition.
func FuzzIsText(f *testing.F) {
	f.Add([]byte("words, and\tmore\nwords\r\nthat go on for more than one step of the loop\n"))
	f.Add([]byte("0123456789abcdef0123456789abcdef\x00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if got := format.IsText(b); got != slowText(b) {
			t.Errorf("%q: %v", b, got)
		}
	})
}
