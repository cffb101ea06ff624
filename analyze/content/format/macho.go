package format

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
)

// machoCPU names the cpu types of mach/machine.h.
var machoCPU = map[uint32]string{
	6: "m68k", 7: "386", 0x01000007: "x86_64", 12: "arm", 0x0100000c: "arm64",
	0x0200000c: "arm64_32", 18: "powerpc", 0x01000012: "powerpc64", 10: "mc98000",
	11: "hppa", 13: "m88k", 14: "sparc", 15: "i860",
}

var machoTypes = map[uint32]string{
	1: "macho-object", 2: "macho-executable", 3: "macho-shared", 4: "macho-core",
	5: "macho-executable", 6: "macho-shared", 7: "macho-executable", 8: "macho-bundle",
	9: "macho-shared", 10: "macho-debug", 11: "macho-bundle", 12: "macho-bundle",
}

type machoHeader struct {
	order          binary.ByteOrder
	wide           bool
	cpu, typ, ncmd uint32
	sizecmds       uint32
}

func (h machoHeader) size() uint64 {
	if h.wide {
		return 32
	}
	return 28
}

func readMachO(b []byte) (machoHeader, bool) {
	var h machoHeader
	if len(b) < 28 {
		return h, false
	}
	switch be.Uint32(b) {
	case 0xfeedface:
		h.order = be
	case 0xfeedfacf:
		h.order, h.wide = be, true
	case 0xcefaedfe:
		h.order = le
	case 0xcffaedfe:
		h.order, h.wide = le, true
	default:
		return h, false
	}
	h.cpu, h.typ = h.order.Uint32(b[4:]), h.order.Uint32(b[12:])
	h.ncmd, h.sizecmds = h.order.Uint32(b[16:]), h.order.Uint32(b[20:])
	return h, true
}

// detectMachO checks the header and the first load command of a thin file.
func detectMachO(b Blob) (Match, bool) {
	h, ok := readMachO(b.B)
	if !ok {
		return Match{}, false
	}
	cpu, known := machoCPU[h.cpu]
	name, typ := machoTypes[h.typ]
	if !known || !typ || uint64(h.ncmd)*8 > uint64(h.sizecmds) || !b.within(h.size(), uint64(h.sizecmds)) {
		return Match{}, false
	}
	if h.ncmd > 0 {
		c := b.at(h.size(), 8)
		if c == nil {
			return Match{}, false
		}
		if n := h.order.Uint32(c[4:]); n < 8 || n%4 != 0 || n > h.sizecmds {
			return Match{}, false
		}
	}
	return native(name, cpu), true
}

// fatArchs reads the table of a universal file. A Java class begins with the
// same four bytes; there the next word is minor and major version, which reads
// as 45 or more, while no universal file has that many architectures.
func fatArchs(b Blob) ([]fatArch, bool) {
	if len(b.B) < 8 {
		return nil, false
	}
	wide := be.Uint32(b.B) == 0xcafebabf
	if !wide && be.Uint32(b.B) != 0xcafebabe {
		return nil, false
	}
	n, ent := uint64(be.Uint32(b.B[4:])), uint64(20)
	if wide {
		ent = 32
	}
	if n == 0 || n > 30 {
		return nil, false
	}
	tab := b.at(8, n*ent)
	if tab == nil {
		return nil, false
	}
	var out []fatArch
	for ; len(tab) >= int(ent); tab = tab[ent:] {
		a := fatArch{cpu: be.Uint32(tab), off: uint64(be.Uint32(tab[8:])), size: uint64(be.Uint32(tab[12:]))}
		if wide {
			a.off, a.size = be.Uint64(tab[8:]), be.Uint64(tab[16:])
		}
		if _, ok := machoCPU[a.cpu]; !ok || a.off < 8+n*ent || !b.within(a.off, a.size) {
			return nil, false
		}
		out = append(out, a)
	}
	return out, true
}

type fatArch struct {
	cpu       uint32
	off, size uint64
}

func detectFat(b Blob) (Match, bool) {
	archs, ok := fatArchs(b)
	if !ok {
		return Match{}, false
	}
	m := native("macho-universal", "")
	for i, a := range archs {
		if i > 0 {
			m.Detail += ", "
		}
		m.Detail += machoCPU[a.cpu]
		// Where the first slice is at hand it must be what it says: a Mach-O
		// or an archive of them.
		if s := b.at(a.off, 8); s != nil {
			if _, ok := readMachO(append(append([]byte{}, s...), make([]byte, 24)...)); !ok && string(s) != "!<arch>\n" && be.Uint32(s) != 0xdec0170b {
				return Match{}, false
			}
		}
	}
	return m, true
}

// machoPrints hashes the sections marked as instructions and takes the UUID,
// of a thin file or of each slice of a universal one.
func machoPrints(b Blob) []Print {
	if archs, ok := fatArchs(b); ok {
		var out []Print
		for _, a := range archs {
			if s := b.at(a.off, a.size); s != nil {
				out = append(out, thinPrints(Blob{B: s, Size: int64(len(s))})...)
			}
		}
		return out
	}
	return thinPrints(b)
}

func thinPrints(b Blob) []Print {
	h, ok := readMachO(b.B)
	if !ok {
		return nil
	}
	cmds := b.at(h.size(), uint64(h.sizecmds))
	var parts [][]byte
	var out []Print
	for range h.ncmd {
		if len(cmds) < 8 {
			break
		}
		cmd, n := h.order.Uint32(cmds), uint64(h.order.Uint32(cmds[4:]))
		if n < 8 || n > uint64(len(cmds)) {
			break
		}
		c := cmds[:n]
		cmds = cmds[n:]
		switch {
		case cmd == 0x1b && n >= 24: // LC_UUID
			out = append(out, Print{What: "build-id", Sum: hex.EncodeToString(c[8:24])})
		case cmd == 0x1 && n >= 56: // LC_SEGMENT
			parts = append(parts, h.code(b, c[56:], 68)...)
		case cmd == 0x19 && n >= 72: // LC_SEGMENT_64
			parts = append(parts, h.code(b, c[72:], 80)...)
		}
	}
	return append(textPrint(parts), out...)
}

// code returns the contents of a segment's instruction sections.
func (h machoHeader) code(b Blob, secs []byte, ent int) [][]byte {
	var parts [][]byte
	for ; len(secs) >= ent; secs = secs[ent:] {
		size, off, flags := uint64(h.order.Uint32(secs[36:])), uint64(h.order.Uint32(secs[40:])), h.order.Uint32(secs[56:])
		if h.wide {
			size, off, flags = h.order.Uint64(secs[40:]), uint64(h.order.Uint32(secs[48:])), h.order.Uint32(secs[64:])
		}
		// S_ATTR_PURE_INSTRUCTIONS, S_ATTR_SOME_INSTRUCTIONS
		if flags&0x80000400 != 0 {
			parts = append(parts, b.at(off, size))
		}
	}
	return parts
}

// detectClass checks a Java class file (JVM specification, 4.1): the version,
// and the constant pool entry by entry as far as it is at hand.
func detectClass(b Blob) (Match, bool) {
	if len(b.B) < 10 || be.Uint32(b.B) != 0xcafebabe {
		return Match{}, false
	}
	minor, major, count := be.Uint16(b.B[4:]), be.Uint16(b.B[6:]), int(be.Uint16(b.B[8:]))
	if major < 45 || major > 200 || count < 2 || minor > 3 && minor != 0xffff && major > 45 {
		return Match{}, false
	}
	sizes := [...]int{1: 2, 3: 4, 4: 4, 5: 8, 6: 8, 7: 2, 8: 2, 9: 4, 10: 4, 11: 4, 12: 4, 15: 3, 16: 2, 17: 4, 18: 4, 19: 2, 20: 2}
	p := b.B[10:]
	for i := 1; i < count && len(p) >= 3; i++ {
		tag := int(p[0])
		if tag >= len(sizes) || sizes[tag] == 0 {
			return Match{}, false
		}
		n := 1 + sizes[tag]
		if tag == 1 {
			n += int(be.Uint16(p[1:]))
		}
		if tag == 5 || tag == 6 {
			i++ // long and double take two entries
		}
		if n > len(p) {
			if b.whole() {
				return Match{}, false
			}
			break
		}
		p = p[n:]
	}
	return bytecode("java-class", fmt.Sprintf("version %d.%d", major, minor)), true
}
