package format

import (
	"bytes"
	"strings"
)

// Formats of language runtimes besides those in bytecode.go: each by its magic
// and at least one more field that has few values.

// detectScheme recognises what Chez Scheme and Racket compile to. A boot or
// object file of Chez begins with a fasl header (its release notes and
// s/fasl.ss: "#0=#0#0#0=chez" as bytes), machine code behind it.
func detectScheme(b Blob) (Match, bool) {
	h := b.B
	switch {
	case len(h) >= 16 && string(h[:8]) == "\x00\x00\x00\x00chez":
		return native("chez-object", "Chez Scheme"), true
	case len(h) >= 64 && string(h[:8]) == "\xfa\xfa\xfa\xfa\xfa\xfa\xfa\xfa":
		// MIT Scheme's words have their type at the top: these are of numbers.
		if h[15] != h[23] || h[15] != h[31] || h[15]&3 != 0 || h[15] == 0 {
			return Match{}, false
		}
		return native("mit-scheme-object", ""), true
	case len(h) >= 16 && string(h[:11]) == "\n\f\nVanilla ":
		return bytecode("scheme48-image", ""), true
	case len(h) >= 16 && string(h[:8]) == "GOOF----":
		return bytecode("guile-bytecode", "version 2.0"), true
	case len(h) < 16 || string(h[:2]) != "#~":
		return Match{}, false
	}
	// Racket: the lengths and texts of its version and its virtual machine.
	version, rest, ok := counted(h[2:])
	if !ok || !isDotted(version) {
		return Match{}, false
	}
	vm, _, ok := counted(rest)
	if !ok || vm != "chez-scheme" && vm != "racket" && vm != "3m" && vm != "cgc" {
		return Match{}, false
	}
	return bytecode("racket-bytecode", version+", "+vm), true
}

// counted reads a short text after its length.
func counted(b []byte) (s string, rest []byte, ok bool) {
	if len(b) == 0 || b[0] == 0 || b[0] > 16 || len(b) < 1+int(b[0]) {
		return "", nil, false
	}
	return string(b[1 : 1+b[0]]), b[1+b[0]:], true
}

func isDotted(s string) bool {
	return strings.Trim(s, "0123456789.") == "" && strings.Contains(s, ".")
}

// detectLisp recognises images and compiled files of SBCL (runtime/core.h,
// code/early-fasl.lisp), CMUCL's relatives and CLISP.
func detectLisp(b Blob) (Match, bool) {
	h := b.B
	switch {
	case len(h) >= 16 && string(h[:8]) == "LCBS\x00\x00\x00\x00":
		// The entries of the core's header have types from 3840 on.
		if t := le.Uint64(h[8:]); t < 3840 || t > 3900 {
			return Match{}, false
		}
		return native("sbcl-core", ""), true
	case len(h) >= 64 && le.Uint32(h) == 0x70768bd2: // spvw_memfile.d, memdump_magic
		return bytecode("clisp-image", ""), b.Size < 0 || b.Size > 1<<16
	case bytes.HasPrefix(h, []byte("# FASL\n")):
		if IsText(h[:min(len(h), 512)]) {
			return Match{}, false
		}
		return native("sbcl-fasl", ""), true
	case bytes.HasPrefix(h, []byte("(|SYSTEM|::|VERSION| '(")), bytes.HasPrefix(h, []byte("(SYSTEM::VERSION '(")):
		return bytecode("clisp-bytecode", ""), true
	}
	return Match{}, false
}

// detectModules recognises compiled modules and images of other languages.
func detectModules(b Blob) (Match, bool) {
	h := b.B
	if len(h) < 16 {
		return Match{}, false
	}
	switch {
	case string(h[:8]) == "\xfbjli\r\n\x1a\n":
		return bytecode("julia-cache", ""), true
	case string(h[:7]) == "rust\x00\x00\x00" && h[7] > 0 && h[7] < 32:
		return bytecode("rust-metadata", ""), true
	case string(h[:4]) == "\xe2\x9c\xa8\x0e" && le.Uint32(h[4:])&3 == 1:
		return bytecode("swift-module", ""), true
	case string(h[:3]) == "HLB" && h[3] > 0 && h[3] < 16:
		return bytecode("hashlink-bytecode", ""), true
	case string(h[:4]) == "NEKO":
		globals, fields, code := le.Uint32(h[4:]), le.Uint32(h[8:]), le.Uint32(h[12:])
		if globals > 1<<16 || fields > 1<<16 || code == 0 || code > 1<<24 || !b.within(16, uint64(code)) {
			return Match{}, false
		}
		return bytecode("neko-bytecode", ""), true
	case string(h[:8]) == "\xfePBC\r\n\x1a\n":
		return bytecode("parrot-bytecode", ""), true
	case bytes.HasPrefix(h, []byte("SWI-Prolog .qlf file\n")), bytes.HasPrefix(h, []byte("SWI-Prolog state (www.swi-prolog.org)\n")):
		return bytecode("swi-prolog-qlf", ""), true
	case bytes.HasPrefix(h, []byte("go object ")):
		return goObject(h)
	}
	return Match{}, false
}

// goObject checks the line that Go's compiler writes before export data and
// before object code: system, machine and version (cmd/internal/obj).
func goObject(h []byte) (Match, bool) {
	line, rest, ok := bytes.Cut(h[:min(len(h), 4096)], []byte{'\n'})
	f := strings.Fields(string(line))
	if !ok || len(f) < 5 || !strings.HasPrefix(f[4], "go1") && !strings.HasPrefix(f[4], "devel") {
		return Match{}, false
	}
	m := bytecode("go-export", f[2]+"/"+f[3])
	if bytes.Contains(h, []byte("\n!\n\x00go1")) {
		m = native("go-object", f[2]+"/"+f[3])
	} else if !bytes.Contains(rest, []byte("$$")) && !bytes.Contains(rest, []byte("build id")) {
		return Match{}, false
	}
	return m, true
}

// detectJava recognises what of Java's runtime is neither class nor archive:
// images of modules (jdk.internal.jimage, ImageHeader) and of class data
// (HotSpot, cds.h).
func detectJava(b Blob) (Match, bool) {
	h := b.B
	if len(h) < 28 {
		return Match{}, false
	}
	order := le.Uint32
	if h[0] == 0xca {
		order = be.Uint32
	}
	switch {
	case order(h) == 0xcafedada:
		entries, table := order(h[12:]), order(h[16:])
		if order(h[4:]) != 1<<16 || entries == 0 || table < entries || !b.within(28, uint64(table)*8) {
			return Match{}, false
		}
		return bytecode("jimage", ""), true
	case le.Uint32(h) == 0xf00baba2 || le.Uint32(h) == 0xf00baba8:
		if v := le.Uint32(h[8:]); v == 0 || v > 64 {
			return Match{}, false
		}
		return bytecode("java-cds", ""), true
	}
	return Match{}, false
}

// detectShader recognises compiled shaders and kernels of graphics processors:
// SPIR-V (its specification, 2.3), Direct3D's containers, CUDA's fat binaries.
func detectShader(b Blob) (Match, bool) {
	h := b.B
	if len(h) < 20 {
		return Match{}, false
	}
	switch {
	case le.Uint32(h) == 0x07230203 || be.Uint32(h) == 0x07230203:
		order := le.Uint32
		if h[0] == 7 {
			order = be.Uint32
		}
		version, bound := order(h[4:]), order(h[12:])
		if version < 0x00010000 || version > 0x00010900 || version&0xff != 0 || bound == 0 || bound > 1<<22 || order(h[16:]) != 0 {
			return Match{}, false
		}
		return bytecode("spir-v", ""), true
	case len(h) >= 36 && string(h[:4]) == "DXBC":
		size, chunks := le.Uint32(h[24:]), le.Uint32(h[28:])
		if le.Uint32(h[20:]) != 1 || chunks == 0 || chunks > 64 || uint64(size) < 32+4*uint64(chunks) || !b.within(0, uint64(size)) {
			return Match{}, false
		}
		return bytecode("dxbc", "Direct3D shader"), true
	case le.Uint32(h) == 0xba55ed50:
		if le.Uint16(h[4:]) != 1 || le.Uint16(h[6:]) < 16 || !b.within(uint64(le.Uint16(h[6:])), le.Uint64(h[8:])) {
			return Match{}, false
		}
		return native("cuda-fatbin", ""), true
	}
	return Match{}, false
}

// detectSmalltalk checks the header of a Squeak or Pharo image (VMMaker,
// "image file format"): the version, the header's size and the heap's, which
// lies in the file.
func detectSmalltalk(b Blob) (Match, bool) {
	h := b.B
	if len(h) < 64 {
		return Match{}, false
	}
	var size uint64
	switch le.Uint32(h) {
	case 6502, 6504, 6505, 6521:
		size = uint64(le.Uint32(h[8:]))
	case 68000, 68002, 68003, 68019, 68021, 68533:
		size = le.Uint64(h[8:])
	default:
		return Match{}, false
	}
	head := le.Uint32(h[4:])
	if head < 64 || head > 1024 || head%8 != 0 || size < 1024 || !b.within(uint64(head), size) {
		return Match{}, false
	}
	return bytecode("smalltalk-image", ""), true
}

// Trailer recognises what has its magic at its end, of which b is the last
// part: bytecode of OCaml behind whatever starts it (runtime/exec.h), firmware
// for USB's upgrade protocol (DFU 1.1, appendix B), the BIOS of a PC, disk images of macOS, which
// are a container (their last block begins with "koly", its version and size).
func Trailer(b []byte) (Match, bool) {
	if n := len(b); n >= 64 && string(b[n-12:n-3]) == "Caml1999X" && isDigits(b[n-3:]) {
		// Before it the table of sections, whose length the word before it has.
		if s := be.Uint32(b[n-16:]); s > 0 && s < 64 {
			return bytecode("ocaml", "bytecode executable "+string(b[n-3:])), true
		}
	}
	if n := len(b); n >= 64 && string(b[n-8:n-5]) == "UFD" && b[n-5] == 16 {
		if v := le.Uint16(b[n-10:]); v == 0x0100 || v == 0x010a || v == 0x011a {
			return firmware("dfu", ""), true
		}
	}
	if n := len(b); n >= 512 && string(b[n-512:n-500]) == "koly\x00\x00\x00\x04\x00\x00\x02\x00" {
		return container("dmg"), true
	}
	if isBIOS(b) {
		return firmware("bios-image", "x86"), true
	}
	return Match{}, false
}
