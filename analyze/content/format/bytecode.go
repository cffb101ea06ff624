package format

import (
	"bytes"
	"fmt"
)

// uleb reads an unsigned LEB128 number of at most 32 bits.
func uleb(b []byte) (v uint64, n int, ok bool) {
	for n < len(b) && n < 5 {
		v |= uint64(b[n]&0x7f) << (7 * n)
		n++
		if b[n-1]&0x80 == 0 {
			return v, n, v <= 1<<32-1
		}
	}
	return 0, 0, false
}

// detectWasm checks a WebAssembly module (core specification, 5.5): the
// version, and the section headers as far as they are at hand.
func detectWasm(b Blob) (Match, bool) {
	if len(b.B) < 8 || string(b.B[:4]) != "\x00asm" {
		return Match{}, false
	}
	m := bytecode("wasm", "module")
	switch le.Uint32(b.B[4:]) {
	case 1:
	case 0x0001000d:
		m.Detail = "component"
	default:
		return Match{}, false
	}
	off := uint64(8)
	for range 16 {
		if off >= uint64(len(b.B)) {
			break
		}
		id := b.B[off]
		n, w, ok := uleb(b.B[off+1:])
		if !ok && off+6 > uint64(len(b.B)) && !b.whole() {
			break
		}
		if !ok || id > 14 || !b.within(off+1+uint64(w), n) {
			return Match{}, false
		}
		off += 1 + uint64(w) + n
	}
	if b.Size == 8 {
		m.Detail = "empty module"
	}
	return m, true
}

// detectPyc checks Python bytecode: the magic number's range and its "\r\n",
// and that a marshalled code object follows the header, whose size depends on
// the version (PEP 3147, PEP 552; Lib/importlib/_bootstrap_external.py).
func detectPyc(b Blob) (Match, bool) {
	if len(b.B) < 12 || b.B[2] != '\r' || b.B[3] != '\n' {
		return Match{}, false
	}
	magic := int(le.Uint16(b.B))
	head, version := 0, ""
	switch {
	case magic >= 20121 && magic <= 62300 && magic > 50000: // 1.5 to 2.7
		head, version = 8, fmt.Sprintf("2.x, magic %d", magic)
	case magic >= 3000 && magic < 3200: // 3.0 to 3.2
		head, version = 8, fmt.Sprintf("3.0-3.2, magic %d", magic)
	case magic >= 3200 && magic < 3390: // 3.3 to 3.6
		head, version = 12, fmt.Sprintf("3.3-3.6, magic %d", magic)
	case magic >= 3390 && magic < 4000:
		head, version = 16, fmt.Sprintf("3.7 or later, magic %d", magic)
		if f := le.Uint32(b.B[4:]); f > 3 {
			return Match{}, false
		}
	case magic >= 16 && magic < 400: // PyPy: 3.x from 48, 2.x from 0x0a...
		head, version = 8, fmt.Sprintf("PyPy, magic %d", magic)
		if len(b.B) > 16 && b.B[16]&0x7f == 'c' {
			head = 16
		}
	default:
		return Match{}, false
	}
	if len(b.B) <= head || b.B[head]&0x7f != 'c' {
		return Match{}, false
	}
	return bytecode("python-bytecode", version), true
}

// detectLLVM checks LLVM bitcode: the magic and the first block's header, or
// the wrapper's offsets (LLVM Bitcode File Format).
func detectLLVM(b Blob) (Match, bool) {
	if len(b.B) < 20 {
		return Match{}, false
	}
	switch le.Uint32(b.B) {
	case 0x0b17c0de:
		off, size := uint64(le.Uint32(b.B[8:])), uint64(le.Uint32(b.B[12:]))
		if off < 20 || !b.within(off, size) {
			return Match{}, false
		}
		if s := b.at(off, 4); s != nil && le.Uint32(s) != 0xdec04342 {
			return Match{}, false
		}
		return bytecode("llvm-bitcode", "wrapped"), true
	case 0xdec04342:
		// ENTER_SUBBLOCK (1) in two bits, then the block's id in vbr8: 8 is
		// the module, 13 the identification, 23 the string table.
		w := le.Uint32(b.B[4:])
		if id := w >> 2 & 0xff; w&3 != 1 || id != 8 && id != 13 && id != 23 && id != 25 {
			return Match{}, false
		}
		return bytecode("llvm-bitcode", ""), true
	}
	return Match{}, false
}

// detectBEAM checks Erlang's compiled modules: an IFF form whose first chunk
// is one that the loader knows (erts "BEAM file format").
func detectBEAM(b Blob) (Match, bool) {
	if len(b.B) < 20 || string(b.B[:4]) != "FOR1" || string(b.B[8:12]) != "BEAM" {
		return Match{}, false
	}
	if !b.within(8, uint64(be.Uint32(b.B[4:]))) || !b.within(20, uint64(be.Uint32(b.B[16:]))) {
		return Match{}, false
	}
	switch string(b.B[12:16]) {
	case "AtU8", "Atom", "Code", "StrT", "ImpT", "ExpT", "LocT", "FunT", "LitT", "Attr", "CInf", "Abst", "Dbgi", "Docs", "Line", "Meta", "Type":
		return bytecode("beam", ""), true
	}
	return Match{}, false
}

// detectElc checks compiled Emacs Lisp: ";ELC", a version byte and zeros, and
// the byte compiler's own line after it (lread.c, safe_to_load_version).
func detectElc(b Blob) (Match, bool) {
	if len(b.B) < 16 || string(b.B[:4]) != ";ELC" || b.B[4] == 0 || b.B[4] > 99 || b.B[5]|b.B[6]|b.B[7] != 0 {
		return Match{}, false
	}
	return bytecode("emacs-bytecode", fmt.Sprintf("version %d", b.B[4])), true
}

// detectLua checks the headers of compiled Lua 5.0 to 5.4 and of LuaJIT.
func detectLua(b Blob) (Match, bool) {
	h := b.B
	if len(h) < 12 || h[0] != 0x1b {
		return Match{}, false
	}
	if string(h[1:3]) == "LJ" {
		if v := h[3]; v < 1 || v > 2 || h[4]&^0x0f != 0 {
			return Match{}, false
		}
		return bytecode("luajit-bytecode", fmt.Sprintf("version %d", h[3])), true
	}
	if string(h[1:4]) != "Lua" {
		return Match{}, false
	}
	ok := false
	switch h[4] {
	case 0x50:
		ok = h[5] <= 1 && h[6] == 4 && (h[7] == 4 || h[7] == 8)
	case 0x51, 0x52:
		ok = h[5] <= 1 && h[6] <= 1 && h[7] == 4 && (h[8] == 4 || h[8] == 8)
	case 0x53, 0x54, 0x55:
		ok = h[5] <= 1 && string(h[6:12]) == "\x19\x93\r\n\x1a\n"
	}
	return bytecode("lua-bytecode", fmt.Sprintf("%d.%d", h[4]>>4, h[4]&15)), ok
}

// detectDex checks Android's dex, its compact form and its odex wrapper: the
// version digits, the size and the byte order mark in the header.
func detectDex(b Blob) (Match, bool) {
	h := b.B
	if len(h) < 0x70 {
		return Match{}, false
	}
	digits := func(s []byte) bool {
		return s[3] == 0 && s[0] >= '0' && s[0] <= '9' && s[1] >= '0' && s[1] <= '9' && s[2] >= '0' && s[2] <= '9'
	}
	switch string(h[:4]) {
	case "dex\n", "cdex":
		if !digits(h[4:8]) || le.Uint32(h[36:]) < 0x70 || le.Uint32(h[40:]) != 0x12345678 || !b.within(0, uint64(le.Uint32(h[32:]))) {
			return Match{}, false
		}
		return bytecode("dex", "version "+string(h[4:7])), true
	case "dey\n":
		if !digits(h[4:8]) || !b.within(uint64(le.Uint32(h[8:])), uint64(le.Uint32(h[12:]))) {
			return Match{}, false
		}
		return bytecode("odex", "version "+string(h[4:7])), true
	}
	return Match{}, false
}

// detectOCaml checks OCaml's objects, interfaces and archives: the magic with
// its version number (utils/config.ml) and the marshalled value or the code
// after it.
func detectOCaml(b Blob) (Match, bool) {
	h := b.B
	if len(h) < 20 || string(h[:9]) != "Caml1999" && string(h[:8]) != "Caml1999" || !isDigits(h[9:12]) {
		return Match{}, false
	}
	names := map[byte]string{
		'X': "bytecode executable", 'I': "interface", 'O': "bytecode object", 'A': "bytecode library",
		'Y': "native object description", 'y': "native object description", 'Z': "native library description",
		'z': "native library description", 'D': "native plugin", 'T': "typed tree",
	}
	what, ok := names[h[8]]
	if !ok { // M and N are syntax trees, made before any code
		return Match{}, false
	}
	return bytecode("ocaml", what+" "+string(h[9:12])), true
}

func isDigits(b []byte) bool {
	for _, c := range b {
		if c < '0' || c > '9' {
			return false
		}
	}
	return len(b) > 0
}

// detectHi checks GHC's interface files: the magic of the 32 or 64 bit
// compiler (GHC.Iface.Binary, binaryInterfaceMagic), then three zero words or
// the version string as UTF-32.
func detectHi(b Blob) (Match, bool) {
	h := b.B
	if len(h) < 32 || !bytes.HasPrefix(h, []byte{0x01, 0xfa, 0xce}) {
		return Match{}, false
	}
	if h[3] != 0x64 && h[3] != 0x32 {
		return Match{}, false
	}
	return bytecode("ghc-interface", ""), true
}
