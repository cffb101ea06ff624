package format

import (
	"bytes"
	"fmt"

	"fromsource/analyze/audit"
)

// The two kinds of capsules that update firmware (UEFI specification, 8.5.3 and
// 23.3), by the identifiers that they begin with.
const (
	capsule = "\xbd\x86\x66\x3b\x76\x0d\x30\x40\xb7\x0e\xb5\x51\x9e\x2f\xc5\xa0"
	managed = "\xed\xd5\xcb\x6d\x2d\xe8\x44\x4c\xbd\xa1\x71\x94\x19\x9a\xd9\x2a"
)

// detectDevice recognises images that are written into hardware.
func detectDevice(b Blob) (Match, bool) {
	h := b.B
	switch {
	case len(h) >= 512 && string(h[:8]) == "UF2\nWQ]\x9e":
		// https://github.com/microsoft/uf2: every block ends in a third magic.
		if le.Uint32(h[508:]) != 0x0ab16f30 || le.Uint32(h[16:]) > 476 || le.Uint32(h[20:]) >= le.Uint32(h[24:]) {
			return Match{}, false
		}
		return firmware("uf2", ""), true
	case len(h) >= 32 && string(h[:14]) == "\x00\x09\x0f\xf0\x0f\xf0\x0f\xf0\x0f\xf0\x00\x00\x01a":
		return firmware("fpga-bitstream", "Xilinx"), true
	case len(h) >= 64 && h[0] == 0xff && h[1] == 0xff:
		return detectSync(b)
	case len(h) >= 16 && (string(h[:8]) == "\xff\x00\x00\xff\x7e\xaa\x99\x7e" || string(h[:4]) == "\x7e\xaa\x99\x7e"):
		return firmware("fpga-bitstream", "iCE40"), true
	case len(h) >= 36 && (string(h[:4]) == "DSDT" || string(h[:4]) == "SSDT"):
		return detectAML(b)
	case len(h) >= 28 && (string(h[:16]) == capsule || string(h[:16]) == managed):
		if n := le.Uint32(h[24:]); le.Uint32(h[16:]) < 28 || !b.within(0, uint64(n)) {
			return Match{}, false
		}
		return firmware("uefi-capsule", ""), true
	case len(h) >= 32 && h[0] == 0xe9:
		return detectESP(b)
	}
	return Match{}, false
}

// detectSync looks for the synchronisation word of a raw bitstream behind its
// padding (Xilinx UG470, "Bitstream composition").
func detectSync(b Blob) (Match, bool) {
	h := b.B[:min(len(b.B), 512)]
	k := bytes.Index(h, []byte("\xaa\x99\x55\x66"))
	if k < 16 {
		return Match{}, false
	}
	// Only padding and the bus width pattern stand before it.
	for i := 0; i+4 <= k; i += 4 {
		if w := be.Uint32(h[i:]); w != 0xffffffff && w != 0x000000bb && w != 0x11220044 {
			return Match{}, false
		}
	}
	return firmware("fpga-bitstream", "Xilinx"), true
}

// detectAML checks the header of a table of compiled ACPI code: its length,
// and the sum of all its bytes, which is zero (ACPI, 5.2.6).
func detectAML(b Blob) (Match, bool) {
	h := b.B
	n := uint64(le.Uint32(h[4:]))
	if n < 36 || h[8] == 0 || h[8] > 10 || !b.within(0, n) {
		return Match{}, false
	}
	m := firmware("acpi-aml", string(h[:4]))
	all := b.at(0, n)
	if all == nil {
		m.Confidence = audit.Medium
		return m, true
	}
	var sum byte
	for _, c := range all {
		sum += c
	}
	return m, sum == 0
}

// detectVolumes recognises what begins with something else than its magic.
func detectVolumes(b Blob) (Match, bool) {
	if h := b.B; len(h) >= 56 && string(h[40:44]) == "_FVH" {
		return detectVolume(b)
	}
	// Processors of Arm begin with code at an address of their own before it.
	if h := b.B; len(h) >= 4096+56 && string(h[4096+40:4096+44]) == "_FVH" {
		return detectVolume(Blob{B: h[4096:], Size: max(b.Size-4096, -1)})
	}
	return detectSmalltalk(b)
}

// detectVolume checks the header of an UEFI firmware volume by its sum (PI
// specification, volume 3, "Firmware volume header").
func detectVolume(b Blob) (Match, bool) {
	h := b.B
	n := uint64(le.Uint16(h[48:]))
	head := b.at(0, n)
	if n < 56 || n%2 != 0 || head == nil || !b.within(0, min(le.Uint64(h[32:]), 1<<20)) {
		return Match{}, false
	}
	var sum uint16
	for i := 0; i < len(head); i += 2 {
		sum += le.Uint16(head[i:])
	}
	m := firmware("uefi-volume", "")
	if !variableStore(b, n) {
		return m, sum == 0
	}
	// What the firmware keeps its settings in is no code; but a whole image of
	// the firmware begins with one, too, and its code is behind.
	m.Confidence, m.Detail = audit.Medium, "begins with a store of variables"
	return m, sum == 0 && le.Uint64(h[32:]) != uint64(b.Size)
}

// variableStore says whether an UEFI volume is one that keeps variables, by its
// type and by that of what follows its header of n bytes (EDK II,
// Guid/SystemNvDataGuid.h and Guid/VariableFormat.h).
func variableStore(b Blob, n uint64) bool {
	const (
		volume        = "\x8d\x2b\xf1\xff\x96\x76\x8b\x4c\xa9\x85\x27\x47\x07\x5b\x4f\x50"
		variables     = "\x16\x36\xcf\xdd\x75\x32\x64\x41\x98\xb6\xfe\x85\x70\x7f\xfe\x7d"
		authenticated = "\x78\x2c\xf3\xaa\x7b\x94\x9a\x43\xa1\x80\x2e\x14\x4e\xc3\x77\x92"
	)
	store := string(b.at(n, 16))
	return string(b.B[16:32]) == volume && (store == variables || store == authenticated)
}

// detectESP follows the segments of an image for Espressif's processors as far
// as they are at hand (esptool's documentation, "Firmware image format").
func detectESP(b Blob) (Match, bool) {
	h := b.B
	count := int(h[1])
	if count == 0 || count > 16 || h[2] > 5 || h[3]>>4 > 9 && h[3]>>4 != 15 || h[3]&15 > 2 && h[3]&15 != 15 {
		return Match{}, false
	}
	for _, head := range []uint64{24, 8} { // with the extended header or without
		off, seen := head, 0
		for ; seen < count; seen++ {
			s := b.at(off, 8)
			if s == nil {
				break
			}
			addr, n := le.Uint32(s), uint64(le.Uint32(s[4:]))
			if addr != 0 && (addr < 0x3c000000 || addr > 0x60200000) || n == 0 || n%4 != 0 || n > 16<<20 || !b.within(off+8, n) {
				seen = -1
				break
			}
			off += 8 + n
		}
		if seen > 0 {
			return firmware("esp-image", fmt.Sprintf("%d segments", count)), true
		}
	}
	return Match{}, false
}

// detectUnix recognises object files of Unix before ELF: XCOFF (AIX), SOM
// (HP-UX) and a.out.
func detectUnix(b Blob) (Match, bool) {
	h := b.B
	switch {
	case len(h) >= 64 && h[0] == 0x01 && (h[1] == 0xdf || h[1] == 0xf7):
		return detectXCOFF(b)
	case len(h) >= 128 && h[0] == 0x02 && (h[1] == 0x0b || h[1] == 0x10 || h[1] == 0x14) && h[2] == 0x01:
		var x uint32 // all words of the header, its checksum included
		for i := 0; i < 128; i += 4 {
			x ^= be.Uint32(h[i:])
		}
		return native("som-object", "hppa"), x == 0 && h[3] >= 0x04 && h[3] <= 0x0e
	case len(h) >= 32:
		return detectAout(b)
	}
	return Match{}, false
}

// detectXCOFF checks the section headers like detectCOFF.
func detectXCOFF(b Blob) (Match, bool) {
	h := b.B
	head, size := uint64(20), uint64(40)
	opt := uint64(be.Uint16(h[16:]))
	if h[1] == 0xf7 {
		head, size = 24, 72
	}
	count := uint64(be.Uint16(h[2:]))
	if count == 0 || count > 256 || opt > 512 || !b.within(head+opt, count*size) {
		return Match{}, false
	}
	for i := range count {
		s := b.at(head+opt+i*size, size)
		if s == nil {
			break
		}
		if s[0] != '.' || !printable(cstring(s[:8], 0)) {
			return Match{}, false
		}
	}
	return native("xcoff-object", "powerpc"), true
}

// detectAout checks the sizes of an a.out header against the file's (a.out.h of
// Linux and the BSDs: magic, and a machine that is one of those with a.out).
func detectAout(b Blob) (Match, bool) {
	h := b.B
	magic, machine := le.Uint16(h), h[2]
	if magic != 0o407 && magic != 0o410 && magic != 0o413 && magic != 0o314 || machine != 100 && machine != 134 && machine != 137 || h[3]&^0x3f != 0 || b.Size < 0 {
		return Match{}, false
	}
	text, data, syms := uint64(le.Uint32(h[4:])), uint64(le.Uint32(h[8:])), uint64(le.Uint32(h[16:]))
	if text < 16 || syms%12 != 0 || !b.within(0, text+data+syms) {
		return Match{}, false
	}
	return native("a.out", "386"), true
}
