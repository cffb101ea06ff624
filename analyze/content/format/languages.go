package format

import (
	"bytes"

	"fromsource/analyze/audit"
)

// detectLanguages recognises what more compilers write: each by its magic and at
// least one more field that has few values.
func detectLanguages(b Blob) (Match, bool) {
	h := b.B
	if len(h) < 32 {
		return Match{}, false
	}
	switch h[0] {
	case 'U', 'n', 0x01:
		return detectCC65(h)
	case 'X', 'D', 'Q':
		if isASxxxx(h) {
			return native("asxxxx-object", ""), true
		}
		if h[0] == 'X' {
			return detectR(b)
		}
	case 'P': // ppu.pas of Free Pascal: a version in digits, that of the compiler, a processor
		if string(h[:3]) == "PPU" && digits(h[3:6]) && le.Uint16(h[8:]) < 64 && le.Uint16(h[10:]) < 512 {
			return bytecode("pascal-unit", "version "+string(h[3:6])), true
		}
	case 'F', 'C', 'Z': // SWF file format specification, chapter 2
		if n := uint64(le.Uint32(h[4:])); h[1] == 'W' && h[2] == 'S' && h[3] > 0 && h[3] <= 50 && n > 21 && (h[0] == 'F' && b.within(0, n) || h[0] == 'C' && h[8] == 'x' || h[0] == 'Z' && h[12] == 0x5d) {
			m := bytecode("swf", "")
			m.Confidence = audit.Medium // it may be a picture that moves and nothing else
			return m, true
		}
	case 0xc6: // Hermes' BytecodeFileFormat.h
		if string(h[:8]) == "\xc6\x1f\xbc\x03\xc1\x03\x19\x1f" && le.Uint32(h[8:]) < 256 {
			return bytecode("hermes-bytecode", ""), true
		}
	case 'R': // mruby's dump.h: the version in digits, and the compiler
		if string(h[:3]) == "RDX" {
			return detectR(b)
		}
		if string(h[:4]) == "RITE" && digits(h[4:8]) && bytes.Contains(h[8:20], []byte("MATZ")) {
			return bytecode("mruby-bytecode", string(h[4:8])), true
		}
	case 'Y': // Ruby's compile.c, ibf_header
		if string(h[:4]) == "YARB" && le.Uint32(h[4:])-2 < 8 && le.Uint32(h[8:]) < 32 && b.within(0, uint64(le.Uint32(h[12:]))) {
			return bytecode("ruby-bytecode", ""), true
		}
	case 0x90: // Dart's pkg/kernel/binary.md
		if string(h[:4]) == "\x90\xab\xcd\xef" && be.Uint32(h[4:]) < 1000 {
			return bytecode("dart-kernel", ""), true
		}
	case 0x04, 0x07: // zsh's parse.c: the version of the shell, from the third word on
		if v, _, _ := bytes.Cut(h[8:24], []byte{0}); (string(h[:4]) == "\x07\x06\x05\x04" || string(h[:4]) == "\x04\x05\x06\x07") && len(v) < 12 && isDotted(string(v)) {
			return bytecode("zsh-bytecode", ""), true
		}
	case 0xfa: // Squirrel's sqobject.h
		if string(h[:6]) == "\xfa\xfaRIQS" {
			return bytecode("squirrel-bytecode", ""), true
		}
	case 'o': // Lean's olean.cpp
		if string(h[:5]) == "olean" && h[5] > 0 && h[5] < 16 {
			return bytecode("lean-object", ""), true
		}
	case 'J':
		if string(h[:8]) == "Joy!peff" && (string(h[8:12]) == "pwpc" || string(h[8:12]) == "m68k") {
			return native("pef", string(h[8:12])), true
		}
	case 0: // AmigaDOS manual, "Binary file structure": the numbers of its hunks
		if n := be.Uint32(h[8:]); be.Uint32(h) == 0x3f3 && be.Uint32(h[4:]) == 0 && n > 0 && n < 1<<12 && be.Uint32(h[12:]) == 0 && be.Uint32(h[16:]) == n-1 {
			return native("amiga-hunk", "m68k"), true
		}
		if h[4] == 'x' {
			return detectR(b)
		}
	}
	if string(h[1:14]) == "UMPEDGNUEMACS" { // pdumper.c: the first byte is set when it is complete
		return bytecode("emacs-dump", ""), h[0] == 'D' || h[0] == '!'
	}
	return detectCartridge(b)
}

func digits(b []byte) bool {
	for _, c := range b {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}

// detectCC65 recognises objects and libraries of cc65 (its common/objdefs.h and
// libdefs.h) and relocatable files for the 6502 (the o65 file format, 1.3).
func detectCC65(h []byte) (Match, bool) {
	version := le.Uint16(h[4:])
	switch {
	case string(h[:4]) == "Uzna" && version > 0 && version < 64 && le.Uint16(h[6:]) < 16:
		return native("xo65-object", ""), true
	case string(h[:4]) == "naUz" && version > 0 && version < 64:
		return native("xo65-library", ""), true
	case string(h[:6]) == "\x01\x00o65\x00":
		return native("o65", "6502"), true
	}
	return Match{}, false
}

// isASxxxx checks the first two lines of an object of the ASxxxx assemblers and
// of SDCC, which is a text of numbers in the radix that its first letter names
// (asxhtm.html, "Object module format").
func isASxxxx(h []byte) bool {
	first, rest, ok := bytes.Cut(h[:min(len(h), 128)], []byte{'\n'})
	first = bytes.TrimRight(first, "\r")
	if !ok || len(first) < 2 || len(first) > 3 || first[1] != 'H' && first[1] != 'L' {
		return false
	}
	line, _, _ := bytes.Cut(rest, []byte{'\n'})
	f := bytes.Fields(line)
	return len(f) == 6 && string(f[0]) == "H" && string(f[2]) == "areas" && string(f[4]) == "global" && string(f[5]) == "symbols"
}

// detectCartridge recognises the memory of game consoles (the headers' own check
// sums), and of Cortex-M microcontrollers by their vectors (Armv7-M reference
// manual, B1.5).
func detectCartridge(b Blob) (Match, bool) {
	h := b.B
	switch {
	case string(h[:4]) == "NES\x1a":
		size := 16 + int64(h[6]&4)*128 + int64(h[4])*16<<10 + int64(h[5])*8<<10
		return firmware("cartridge", "NES"), h[4] > 0 && (b.Size < 0 || b.Size == size)
	case len(h) >= 0x150 && string(h[0x104:0x10c]) == "\xce\xed\x66\x66\xcc\x0d\x00\x0b":
		var sum byte
		for _, c := range h[0x134:0x14d] {
			sum -= c + 1
		}
		return firmware("cartridge", "Game Boy"), sum == h[0x14d]
	case len(h) >= 0xc0 && string(h[4:12]) == "\x24\xff\xae\x51\x69\x9a\xa2\x21":
		return firmware("cartridge", "Game Boy Advance"), h[0xb2] == 0x96
	case len(h) >= 256 && isCortexM(h):
		m := firmware("cortex-m-image", "")
		m.Confidence = audit.Medium
		return m, true
	case isARM(h):
		m := firmware("arm-image", "vectors")
		m.Confidence = audit.Medium
		return m, true
	}
	return Match{}, false
}

// isCortexM checks the stack's first address, which is one of memory, and the
// handlers of the exceptions: odd addresses for Thumb code, or none.
func isCortexM(h []byte) bool {
	sp := le.Uint32(h)
	if sp&3 != 0 || !(sp > 0x10000000 && sp <= 0x10100000 || sp > 0x1fff0000 && sp <= 0x20100000 || sp > 0x24000000 && sp <= 0x24100000) {
		return false
	}
	handlers := 0
	for i := 1; i < 16; i++ {
		v := le.Uint32(h[4*i:])
		switch {
		case i > 6 && i < 11 || i == 13: // reserved, and used by some for sums and magics
		case v == 0 && i > 3:
		case v&1 == 0 || v >= 0x30000000:
			return false
		default:
			handlers++
		}
	}
	return handlers >= 5
}
