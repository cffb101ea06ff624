package format

import (
	"bytes"
	"debug/elf"
	"fmt"
	"strings"
)

// elfHeader is the ELF header with what the checks need of it. The layout is
// the System V ABI's, chapter 4 (gABI "ELF Header").
type elfHeader struct {
	wide      bool
	big       bool
	osabi     byte
	typ       elf.Type
	machine   elf.Machine
	phoff     uint64
	shoff     uint64
	ehsize    uint16
	phentsize uint16
	phnum     uint16
	shentsize uint16
	shnum     uint16
	shstrndx  uint16
}

func (h *elfHeader) u16(b []byte) uint16 {
	if h.big {
		return be.Uint16(b)
	}
	return le.Uint16(b)
}

func (h *elfHeader) u32(b []byte) uint32 {
	if h.big {
		return be.Uint32(b)
	}
	return le.Uint32(b)
}

// word reads an address-sized field.
func (h *elfHeader) word(b []byte) uint64 {
	if !h.wide {
		return uint64(h.u32(b))
	}
	if h.big {
		return be.Uint64(b)
	}
	return le.Uint64(b)
}

func readELFHeader(b []byte) (elfHeader, bool) {
	var h elfHeader
	if len(b) < 52 || !bytes.HasPrefix(b, []byte(elf.ELFMAG)) || b[6] != 1 {
		return h, false
	}
	switch b[4] {
	case 1:
	case 2:
		h.wide = true
		if len(b) < 64 {
			return h, false
		}
	default:
		return h, false
	}
	switch b[5] {
	case 1:
	case 2:
		h.big = true
	default:
		return h, false
	}
	h.osabi = b[7]
	h.typ = elf.Type(h.u16(b[16:]))
	h.machine = elf.Machine(h.u16(b[18:]))
	if h.u32(b[20:]) != 1 {
		return h, false
	}
	if h.wide {
		h.phoff, h.shoff = h.word(b[32:]), h.word(b[40:])
		b = b[52:]
	} else {
		h.phoff, h.shoff = h.word(b[28:]), h.word(b[32:])
		b = b[40:]
	}
	h.ehsize, h.phentsize, h.phnum = h.u16(b), h.u16(b[2:]), h.u16(b[4:])
	h.shentsize, h.shnum, h.shstrndx = h.u16(b[6:]), h.u16(b[8:]), h.u16(b[10:])
	return h, h.sane()
}

// sane compares the sizes that the header declares with the ABI's.
func (h *elfHeader) sane() bool {
	eh, ph, sh := uint16(52), uint16(32), uint16(40)
	if h.wide {
		eh, ph, sh = 64, 56, 64
	}
	if h.ehsize != eh || (h.phnum > 0 && h.phentsize != ph) || (h.shnum > 0 && h.shentsize != sh) {
		return false
	}
	// An ELF file has something to load or something to link.
	if h.phnum == 0 && h.shoff == 0 {
		return false
	}
	if h.typ > elf.ET_CORE && h.typ < elf.ET_LOOS {
		return false
	}
	return h.typ != elf.ET_NONE && h.machine != 0 || h.osabi == 255
}

type elfSection struct {
	name          []byte // in the file
	typ           elf.SectionType
	flags         elf.SectionFlag
	addr, off, sz uint64
}

type elfSegment struct {
	typ         elf.ProgType
	flags       elf.ProgFlag
	off, filesz uint64
}

// maxSections bounds the work on a hostile table; real files with
// -ffunction-sections reach some hundred thousand.
const maxSections = 1 << 20

// sections reads the section table as far as it is at hand; nil where none is.
func (h *elfHeader) sections(b Blob) []elfSection {
	ent := uint64(40)
	if h.wide {
		ent = 64
	}
	// Where the header has no number of sections its size of one was not
	// compared yet.
	if h.shoff == 0 || uint64(h.shentsize) != ent {
		return nil
	}
	first := b.at(h.shoff, ent)
	if first == nil {
		return nil
	}
	num, strndx := uint64(h.shnum), uint64(h.shstrndx)
	zero := h.section(first)
	if num == 0 {
		num = zero.sz // gABI: more than 0xff00 sections, the number is in section 0
	}
	if num > maxSections {
		return nil
	}
	if strndx == 0xffff {
		strndx = uint64(h.u32(first[h.linkOff():]))
	}
	tab := b.at(h.shoff, num*ent)
	if tab == nil {
		return nil
	}
	out := make([]elfSection, num)
	for i := range out {
		out[i] = h.section(tab[uint64(i)*ent:])
	}
	if strndx < num {
		names := b.at(out[strndx].off, out[strndx].sz)
		for i := range out {
			out[i].name = cbytes(names, uint64(h.u32(tab[uint64(i)*ent:])))
		}
	}
	return out
}

func (h *elfHeader) linkOff() int {
	if h.wide {
		return 40
	}
	return 24
}

func (h *elfHeader) section(b []byte) elfSection {
	s := elfSection{typ: elf.SectionType(h.u32(b[4:]))}
	if h.wide {
		s.flags, s.addr, s.off, s.sz = elf.SectionFlag(h.word(b[8:])), h.word(b[16:]), h.word(b[24:]), h.word(b[32:])
	} else {
		s.flags, s.addr, s.off, s.sz = elf.SectionFlag(h.word(b[8:])), h.word(b[12:]), h.word(b[16:]), h.word(b[20:])
	}
	return s
}

func (h *elfHeader) segments(b Blob) []elfSegment {
	tab := b.at(h.phoff, uint64(h.phnum)*uint64(h.phentsize))
	var out []elfSegment
	for len(tab) > 0 && len(tab) >= int(h.phentsize) && h.phentsize > 0 {
		s := elfSegment{typ: elf.ProgType(h.u32(tab))}
		if h.wide {
			s.flags, s.off, s.filesz = elf.ProgFlag(h.u32(tab[4:])), h.word(tab[8:]), h.word(tab[32:])
		} else {
			s.flags, s.off, s.filesz = elf.ProgFlag(h.u32(tab[24:])), h.word(tab[4:]), h.word(tab[16:])
		}
		out = append(out, s)
		tab = tab[h.phentsize:]
	}
	return out
}

func cstring(b []byte, off uint64) string { return string(cbytes(b, off)) }

// cbytes is what is at an offset up to a zero.
func cbytes(b []byte, off uint64) []byte {
	if off >= uint64(len(b)) {
		return nil
	}
	b = b[off:]
	if i := bytes.IndexByte(b, 0); i >= 0 {
		b = b[:i]
	}
	return b
}

// detectELF recognises ELF files of all classes, orders and machines.
func detectELF(b Blob) (Match, bool) {
	h, ok := readELFHeader(b.B)
	if !ok {
		return Match{}, false
	}
	segs, secs := h.segments(b), h.sections(b)
	m := native("elf-executable", h.machineName())
	interp, load := false, false
	end := uint64(h.ehsize)
	grow := func(off, n uint64) {
		if off+n > end && off+n >= off {
			end = off + n
		}
	}
	for _, s := range segs {
		interp = interp || s.typ == elf.PT_INTERP
		load = load || s.typ == elf.PT_LOAD
		grow(s.off, s.filesz)
	}
	grow(h.phoff, uint64(h.phnum)*uint64(h.phentsize))
	guile, modinfo, code := false, false, len(secs) == 0
	for _, s := range secs {
		guile = guile || bytes.HasPrefix(s.name, []byte(".guile."))
		modinfo = modinfo || string(s.name) == ".modinfo"
		if s.typ != elf.SHT_NOBITS {
			grow(s.off, s.sz)
			code = code || s.flags&elf.SHF_EXECINSTR != 0 && s.typ == elf.SHT_PROGBITS
		}
	}
	if h.shoff != 0 {
		grow(h.shoff, uint64(max(int(h.shnum), len(secs)))*uint64(h.shentsize))
	}
	switch h.typ {
	case elf.ET_REL:
		m.Name = "elf-relocatable"
		if modinfo {
			m.Name = "elf-kernel-module"
		}
	case elf.ET_DYN:
		if !interp && !h.standalone(b, segs) {
			m.Name = "elf-shared"
		}
	case elf.ET_CORE:
		m.Name = "elf-core"
	}
	switch {
	case guile || h.osabi == 255 && h.machine == 0:
		m = bytecode("guile-bytecode", "")
	case h.machine == elf.EM_BPF:
		m = bytecode("elf-bpf", m.Detail)
	case !code && len(secs) > 0:
		m.Detail += ", no code sections"
	}
	switch {
	case !b.within(h.phoff, uint64(h.phnum)*uint64(h.phentsize)),
		b.Size >= 0 && h.typ != elf.ET_CORE && end > uint64(b.Size):
		m.Detail += ", truncated"
		m.Confidence = "medium"
	default:
		// Without the section table at hand this is its own end, which is
		// where linkers put it.
		m.End = int64(end)
	}
	return m, true
}

// standalone reports whether the dynamic section says that a file without an
// interpreter is a program (DF_1_PIE: gcc -static-pie).
func (h *elfHeader) standalone(b Blob, segs []elfSegment) bool {
	for _, s := range segs {
		if s.typ != elf.PT_DYNAMIC {
			continue
		}
		size := uint64(8)
		if h.wide {
			size = 16
		}
		for off, n := s.off, min(s.filesz/size, maxDynamic); n > 0; off, n = off+size, n-1 {
			e := b.at(off, size)
			if e == nil || h.word(e) == uint64(elf.DT_NULL) {
				return false
			}
			if h.word(e) == uint64(elf.DT_FLAGS_1) {
				return h.word(e[size/2:])&uint64(elf.DF_1_PIE) != 0
			}
		}
		return false // there is one
	}
	return false
}

// maxDynamic bounds the work on a hostile dynamic section, in entries.
const maxDynamic = 4096

func (h *elfHeader) machineName() string {
	name := strings.ToLower(strings.TrimPrefix(h.machine.String(), "EM_"))
	if strings.ContainsAny(name, "+") || name == "" {
		name = fmt.Sprintf("machine %d", uint16(h.machine))
	}
	return name
}
