package format_test

import (
	"encoding/binary"
	"strings"
	"testing"

	"fromsource/analyze/audit"
	"fromsource/analyze/content/format"
)

// microcode makes an update as Intel's manual describes it, with a right sum.
func microcode() []byte {
	b := make([]byte, 2048)
	le := binary.LittleEndian
	for off, v := range map[int]uint32{0: 1, 4: 0xb4, 8: 0x05122017, 12: 0x906ea, 20: 1, 24: 2} {
		le.PutUint32(b[off:], v)
	}
	copy(b[48:], "opaque")
	var sum uint32
	for i := 0; i < len(b); i += 4 {
		sum += le.Uint32(b[i:])
	}
	le.PutUint32(b[16:], -sum)
	return b
}

// dex is the header of an empty file (Dalvik executable format, "header_item").
func dex() []byte {
	b := make([]byte, 0x70)
	copy(b, "dex\n035\x00")
	binary.LittleEndian.PutUint32(b[32:], 0x70)
	binary.LittleEndian.PutUint32(b[36:], 0x70)
	binary.LittleEndian.PutUint32(b[40:], 0x12345678)
	return b
}

// Formats whose tools are no small packages, made after their definitions; and
// for each what is like it and is not it.
func TestDetect(t *testing.T) {
	pad := strings.Repeat("\x00", 600)
	for _, c := range []struct {
		name, b, want string
		kind          audit.Kind
	}{
		{"Intel microcode", string(microcode()), "microcode-intel", audit.Firmware},
		{"its sum wrong", strings.Replace(string(microcode()), "opaque", "Opaque", 1), "", ""},
		{"AMD microcode", "DMA\x00\x00\x00\x00\x00\x10\x00\x00\x00" + pad, "microcode-amd", audit.Firmware},
		{"AMD without table", "DMA\x00\x00\x00\x00\x00\x00\x00\x00\x00" + pad, "", ""},
		{"dex", string(dex()), "dex", audit.Bytecode},
		{"dex of no version", "dex\n" + string(dex()[4:8]) + pad, "", ""},
		{"Emacs Lisp", ";ELC\x1b\x00\x00\x00\n;;; Compiled\n", "emacs-bytecode", audit.Bytecode},
		{"Lisp comment", ";ELC is the magic of compiled files\n", "", ""},
		{"class", "\xca\xfe\xba\xbe\x00\x00\x00\x34\x00\x02\x01\x00\x01a", "java-class", audit.Bytecode},
		{"class of no version", "\xca\xfe\xba\xbe\x00\x00\x00\x03\x00\x02\x01\x00\x01a" + pad, "", ""},
		{"class with a bad constant", "\xca\xfe\xba\xbe\x00\x00\x00\x34\x00\x02\x02\x00\x01a" + pad, "", ""},
		{"wasm", "\x00asm\x01\x00\x00\x00\x01\x04\x01\x60\x00\x00", "wasm", audit.Bytecode},
		{"wasm of no version", "\x00asm\x07\x00\x00\x00" + pad, "", ""},
		{"wasm with a section behind the end", "\x00asm\x01\x00\x00\x00\x01\x7f\x01", "", ""},
		{"bare ELF magic", "\x7fELF" + pad, "", ""},
		{"bare MZ", "MZ and words that follow it" + pad, "", ""},
		{"bare Mach-O magic", "\xcf\xfa\xed\xfe" + pad, "", ""},
		{"bare LLVM magic", "BC\xc0\xde" + pad, "", ""},
		{"bare pyc magic", "\xa7\x0d\x0d\x0a" + pad, "", ""},
		{"bare BEAM", "FOR1\x00\x00\x00\x04BEAM" + pad, "", ""},
		{"option ROM", "\x55\xaa\x01" + strings.Repeat("\x00", 21) + "\x1c\x00\x00\x00PCIR" + pad, "option-rom", audit.Firmware},
		{"Linux, arm64", strings.Repeat("\x00", 56) + "ARMd" + pad, "linux-kernel", audit.NativeCode},
		{"PNG", "\x89PNG\r\n\x1a\n" + pad, "png", ""},
		{"font", "\x00\x01\x00\x00\x00\x0f" + pad, "truetype", ""},
		{"time zone", "TZif2" + pad, "timezone", ""},
		{"SQLite", "SQLite format 3\x00" + pad, "sqlite", ""},
		{"PDF", "%PDF-1.4\n" + pad, "pdf", ""},
		{"locale archive", "\x09\x01\x02\xde" + pad, "locale-archive", ""},
		{"ICU", "\x20\x00\xda\x27" + pad, "icu-data", ""},
	} {
		m := format.Detect("lib/firmware/misleading.so", []byte(c.b), int64(len(c.b)))
		if m.Name != c.want || m.Kind != c.kind {
			t.Errorf("%s: %+v, want %q", c.name, m, c.want)
		}
	}
}

// Opaque firmware is told by where it is, with low confidence; text there and
// data elsewhere are nothing.
func TestOpaque(t *testing.T) {
	var b []byte
	for i := range 4096 {
		b = append(b, byte(i*i>>3))
	}
	for path, want := range map[string]bool{
		"lib/firmware/x/y.bin": true, "x/radio.fw": true, "x/y.bin": false, "share/data.dat": false,
	} {
		if m, ok := format.Opaque(path, b); ok != want || ok && (m.Kind != audit.Firmware || m.Confidence != audit.Low) {
			t.Errorf("%s: %v %+v", path, ok, m)
		}
	}
	if _, ok := format.Opaque("lib/firmware/README", []byte(strings.Repeat("words ", 100))); ok {
		t.Error("text is firmware")
	}
}
