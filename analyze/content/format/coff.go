package format

import "encoding/binary"

// coffMachines are machines of Unix's COFF that no PE has: their magic numbers as
// they lie in the file, so that it says the byte order too (include/coff of GNU
// binutils: h8300.h, m68k.h, sh.h, w65.h, z80.h, z8k.h, i386.h).
var coffMachines = map[[2]byte]struct {
	name  string
	order binary.ByteOrder
}{
	{0x83, 0x00}: {"h8300", be},
	{0x83, 0x01}: {"h8300h", be},
	{0x83, 0x02}: {"h8300s", be},
	{0x83, 0x03}: {"h8300hn", be},
	{0x83, 0x04}: {"h8300sn", be},
	{0x01, 0x50}: {"68000", be},
	{0x01, 0x51}: {"68000", be},
	{0x01, 0x52}: {"68000", be},
	{0x05, 0x00}: {"sh", be},
	{0x50, 0x05}: {"sh", le},
	{0x00, 0x65}: {"65816", le},
	{0x5a, 0x80}: {"z80", le},
	{0x80, 0x00}: {"z8000", be},
	{0x4c, 0x01}: {"386", le},
}

// coffLinked is the flag of a file that is linked and can be run, F_EXEC.
const coffLinked = 0x0002

// detectUnixCOFF recognises the objects and programs that toolchains without
// ELF make, of Hitachi's, Zilog's and other machines. The magic is two bytes:
// every section must have a name and lie in the file, the symbols behind them,
// and one must be code.
func detectUnixCOFF(b Blob) (Match, bool) {
	const head, each, symbol, text = 20, 40, 18, 0x20 // sizes, and STYP_TEXT
	h := b.B
	if len(h) < head+each {
		return Match{}, false
	}
	machine, ok := coffMachines[[2]byte(h)]
	if !ok {
		return Match{}, false
	}
	o := machine.order
	count, opt, flags := uint64(o.Uint16(h[2:])), uint64(o.Uint16(h[16:])), o.Uint16(h[18:])
	// What is linked has the header of an a.out in between, and only that.
	if count == 0 || count > 256 || opt != 0 && opt != 28 || (opt != 0) != (flags&coffLinked != 0) {
		return Match{}, false
	}
	start := head + opt
	end := start + count*each
	tab := b.at(start, count*each)
	if tab == nil {
		return Match{}, false
	}
	code := false
	for ; len(tab) > 0; tab = tab[each:] {
		name := cstring(tab[:8], 0)
		size, off, kind := uint64(o.Uint32(tab[16:])), uint64(o.Uint32(tab[20:])), o.Uint32(tab[36:])
		if name == "" || !printable(name) || off != 0 && (off < end || !b.within(off, size)) {
			return Match{}, false
		}
		code = code || kind&text != 0 && off != 0 && size != 0
	}
	syms, nsyms := uint64(o.Uint32(h[8:])), uint64(o.Uint32(h[12:]))
	if !code || syms != 0 && (syms < end || !b.within(syms, nsyms*symbol)) || syms == 0 && nsyms != 0 {
		return Match{}, false
	}
	if flags&coffLinked != 0 {
		return native("coff-executable", machine.name), true
	}
	return native("coff-object", machine.name), true
}
