package format

import (
	"bytes"
	"fmt"
	"slices"

	"fromsource/analyze/audit"
)

// peMachines are the machine types of the PE/COFF specification, section
// "Machine Types", that compilers write.
var peMachines = map[uint16]string{
	0x014c: "386", 0x0162: "r3000", 0x0166: "r4000", 0x0168: "r10000", 0x0169: "wcemipsv2",
	0x0184: "alpha", 0x01a2: "sh3", 0x01a6: "sh4", 0x01c0: "arm", 0x01c2: "thumb", 0x01c4: "armnt",
	0x01f0: "powerpc", 0x01f1: "powerpcfp", 0x0200: "ia64", 0x0266: "mips16", 0x0284: "alpha64",
	0x0366: "mipsfpu", 0x0466: "mipsfpu16", 0x0ebc: "ebc", 0x5032: "riscv32", 0x5064: "riscv64",
	0x5128: "riscv128", 0x6232: "loongarch32", 0x6264: "loongarch64", 0x8664: "x86_64",
	0x9041: "m32r", 0xa641: "arm64ec", 0xaa64: "arm64",
}

type peSection struct {
	name             string
	rva, vsize       uint32
	off, size, flags uint32
}

type peFile struct {
	machine   uint16
	flags     uint16
	magic     uint16
	subsystem uint16
	optSize   int
	dirs      []byte
	sections  []peSection
}

// readPE reads the headers of an image; false where they are not one's.
func readPE(b Blob) (peFile, bool) {
	var p peFile
	if len(b.B) < 0x40 || b.B[0] != 'M' || b.B[1] != 'Z' {
		return p, false
	}
	at := uint64(le.Uint32(b.B[0x3c:]))
	h := b.at(at, 24)
	if h == nil || string(h[:4]) != "PE\x00\x00" || at%4 != 0 && at > 0x1000 {
		return p, false
	}
	h = h[4:]
	p.machine, p.flags = le.Uint16(h), le.Uint16(h[18:])
	n, opt := int(le.Uint16(h[2:])), int(le.Uint16(h[16:]))
	if _, ok := peMachines[p.machine]; !ok || n > 96*4 || opt < 2 {
		return p, false
	}
	p.optSize = opt
	o := b.at(at+24, uint64(opt))
	if o == nil {
		return p, false
	}
	p.magic = le.Uint16(o)
	dirs := 96
	switch p.magic {
	case 0x10b:
	case 0x20b:
		dirs = 112
	case 0x107: // ROM image
		return p, true
	default:
		return p, false
	}
	if len(o) < 70 {
		return p, false
	}
	p.subsystem = le.Uint16(o[68:])
	if len(o) > dirs {
		p.dirs = o[dirs:]
	}
	tab := b.at(at+24+uint64(opt), uint64(n)*40)
	p.sections = coffSections(tab)
	return p, true
}

func coffSections(tab []byte) []peSection {
	var out []peSection
	for ; len(tab) >= 40; tab = tab[40:] {
		out = append(out, peSection{
			name:  string(bytes.TrimRight(tab[:8], "\x00")),
			vsize: le.Uint32(tab[8:]), rva: le.Uint32(tab[12:]),
			size: le.Uint32(tab[16:]), off: le.Uint32(tab[20:]), flags: le.Uint32(tab[36:]),
		})
	}
	return out
}

// detectMZ recognises what begins with "MZ": PE images, EFI images, .NET
// assemblies, and the DOS, Windows and OS/2 executables before them.
func detectMZ(b Blob) (Match, bool) {
	p, ok := readPE(b)
	if !ok {
		return detectDOS(b)
	}
	m := native("pe-executable", peMachines[p.machine])
	switch {
	case p.subsystem >= 10 && p.subsystem <= 13:
		m.Name = "efi"
	case p.flags&0x2000 != 0:
		m.Name = "pe-dll"
	}
	// Data directory 14 is the CLR header (ECMA-335, partition II, 25.2.3.3).
	if len(p.dirs) >= 15*8 && le.Uint32(p.dirs[14*8:]) != 0 {
		m.Name, m.Kind = "dotnet-assembly", audit.Bytecode
	}
	end := uint64(0)
	for _, s := range p.sections {
		if s.off != 0 {
			end = max(end, uint64(s.off)+uint64(s.size))
		}
	}
	// Directory 4, the attribute certificates, is a file offset.
	if len(p.dirs) >= 5*8 {
		if off, n := le.Uint32(p.dirs[32:]), le.Uint32(p.dirs[36:]); off != 0 && b.within(uint64(off), uint64(n)) {
			end = max(end, uint64(off)+uint64(n))
		}
	}
	if b.Size >= 0 && end > uint64(b.Size) {
		m.Detail += ", truncated"
		m.Confidence = audit.Medium
	} else {
		m.End = int64(end)
	}
	return m, true
}

// detectDOS checks the header of a DOS executable: the number of pages against
// the file's size, and that the header holds its own relocation table
// (Ralf Brown's Interrupt List, INT 21/AH=4Bh, "Format of EXE file header").
func detectDOS(b Blob) (Match, bool) {
	if len(b.B) < 28 || (string(b.B[:2]) != "MZ" && string(b.B[:2]) != "ZM") {
		return Match{}, false
	}
	last, pages := le.Uint16(b.B[2:]), uint64(le.Uint16(b.B[4:]))
	relocs, para, table := uint64(le.Uint16(b.B[6:])), uint64(le.Uint16(b.B[8:])), uint64(le.Uint16(b.B[24:]))
	if last >= 512 || pages == 0 || para < 2 || para*16 > pages*512 {
		return Match{}, false
	}
	size := pages * 512
	if last != 0 {
		size -= 512 - uint64(last)
	}
	if b.Size >= 0 && size > uint64(b.Size)+512 {
		return Match{}, false
	}
	if relocs > 0 && (table < 28 || table+4*relocs > para*16) {
		return Match{}, false
	}
	m := native("dos-executable", "8086")
	m.Confidence = audit.Medium
	if len(b.B) >= 0x40 && table >= 0x40 {
		at := uint64(le.Uint32(b.B[0x3c:]))
		h := b.at(at, 2)
		switch string(h) {
		case "NE", "LE", "LX":
			if max(at, size) <= 1024 && neFonts(b, at) {
				return Match{Name: "windows-font"}, true
			}
			m.Name, m.Confidence = "dos-executable", audit.High
			m.Detail = fmt.Sprintf("%s image", h)
			return m, true
		}
	}
	if b.within(0, size) { // the last page may be cut short
		m.End = int64(size)
	}
	return m, true
}

// neFonts says that an NE file is one of Windows' bitmap fonts (.fon): it has no
// segment, and fonts are the only resources ("Executable-file header format",
// KB Q65260; resource types as in winuser.h). The program for DOS in front of it
// then only says that it is none.
func neFonts(b Blob, at uint64) bool {
	const fontDir, font, version = 0x8007, 0x8008, 0x8010
	h := b.at(at, 0x40)
	if h == nil || h[0] != 'N' || le.Uint16(h[0x1c:]) != 0 {
		return false
	}
	off, fonts := at+uint64(le.Uint16(h[0x24:]))+2, 0
	for range 8 {
		t := b.at(off, 2)
		if t == nil {
			return false
		}
		typ := le.Uint16(t)
		if typ == 0 {
			return fonts > 0
		}
		n := b.at(off+2, 2)
		if n == nil || typ != fontDir && typ != font && typ != version {
			return false
		}
		if typ == font {
			fonts += int(le.Uint16(n))
		}
		off += 8 + 12*uint64(le.Uint16(n))
	}
	return false
}

// detectCOFF recognises an object file without magic: machine, then every
// section header must lie in the file, with the symbol table after them.
func detectCOFF(b Blob) (Match, bool) {
	if len(b.B) < 20 {
		return Match{}, false
	}
	machine, n := le.Uint16(b.B), uint64(le.Uint16(b.B[2:]))
	head := uint64(20)
	if machine == 0 && n == 0xffff {
		// Import objects, which are short, and /bigobj: ANON_OBJECT_HEADER.
		return detectAnonObject(b)
	}
	if len(b.B) < 20+40 {
		return Match{}, false
	}
	syms, nsyms := uint64(le.Uint32(b.B[8:])), uint64(le.Uint32(b.B[12:]))
	opt, flags := uint64(le.Uint16(b.B[16:])), le.Uint16(b.B[18:])
	if n == 0 || n > 0x8000 || opt != 0 || flags&0x0002 != 0 {
		return Match{}, false
	}
	name, ok := peMachines[machine]
	if !ok {
		return Match{}, false
	}
	tab := b.at(head, n*40)
	if tab == nil {
		tab = b.B[head:]
		if !b.within(head, n*40) {
			return Match{}, false
		}
	}
	code := false
	for _, s := range coffSections(tab) {
		if !printable(s.name) || s.name == "" || s.size != 0 && s.off != 0 && (uint64(s.off) < head+n*40 || !b.within(uint64(s.off), uint64(s.size))) {
			return Match{}, false
		}
		code = code || s.flags&0x20 != 0
	}
	if syms != 0 && (syms < head+n*40 || !b.within(syms, nsyms*18+4)) || syms == 0 && nsyms != 0 {
		return Match{}, false
	}
	if syms == 0 && !code {
		return Match{}, false
	}
	return native("coff-object", name), true
}

var bigobjID = []byte{0xc7, 0xa1, 0xba, 0xd1, 0xee, 0xba, 0xa9, 0x4b, 0xaf, 0x20, 0xfa, 0xf6, 0x6a, 0xa4, 0xdc, 0xb8}

func detectAnonObject(b Blob) (Match, bool) {
	machine := le.Uint16(b.B[6:])
	name, ok := peMachines[machine]
	if !ok {
		return Match{}, false
	}
	switch v := le.Uint16(b.B[4:]); {
	case v == 0 && b.within(20, uint64(le.Uint32(b.B[12:]))):
		return native("coff-import", name), true
	case v >= 2 && len(b.B) >= 28 && bytes.Equal(b.B[12:28], bigobjID):
		return native("coff-object", name+", bigobj"), true
	}
	return Match{}, false
}

func printable(s string) bool {
	for i := range len(s) {
		if s[i] < 0x20 || s[i] > 0x7e {
			return false
		}
	}
	return true
}

// pePrints hashes the sections that hold code, in file order. Signing and
// stripping leave them alone.
func pePrints(b Blob) []Print {
	p, ok := readPE(b)
	if !ok {
		return nil
	}
	secs := slices.Clone(p.sections)
	slices.SortStableFunc(secs, func(x, y peSection) int { return cmpU64(uint64(x.off), uint64(y.off)) })
	var parts [][]byte
	for _, s := range secs {
		if s.flags&0x20000020 != 0 && s.size > 0 {
			parts = append(parts, b.at(uint64(s.off), uint64(s.size)))
		}
	}
	return textPrint(parts)
}
