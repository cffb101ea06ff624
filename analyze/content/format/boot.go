package format

import "fromsource/analyze/audit"

// detectBoot recognises what firmware or a boot loader runs and what has no
// header of a general format: Linux kernel images (kernel
// Documentation/arch/x86/boot.rst and arm64/booting.rst), option ROMs (PCI
// Firmware Specification, 5.2), COM32 modules, and boot sectors.
func detectBoot(b Blob) (Match, bool) {
	h := b.B
	switch {
	case len(h) >= 0x210 && string(h[0x202:0x206]) == "HdrS" && h[0x1fe] == 0x55 && h[0x1ff] == 0xaa && h[0x207] == 2:
		return native("linux-kernel", "x86"), true
	case len(h) >= 64 && string(h[56:60]) == "ARMd" && le.Uint64(h[48:]) == 0 && le.Uint64(h[40:]) == 0:
		return native("linux-kernel", "aarch64"), true
	case len(h) >= 11 && string(h[:5]) == "\xb8\xff\x4c\xcd\x21":
		return native("com32", "386"), true
	case len(h) >= 512 && h[0] == 0x55 && h[1] == 0xaa && h[2] > 0:
		return detectOptionROM(b)
	}
	return detectBootSector(b)
}

func detectOptionROM(b Blob) (Match, bool) {
	h := b.B
	size, pcir := uint64(h[2])*512, uint64(le.Uint16(h[24:]))
	if !b.within(0, size) {
		return Match{}, false
	}
	if s := b.at(pcir, 4); pcir >= 26 && s != nil && (string(s) == "PCIR" || string(s) == "NPDS") {
		return firmware("option-rom", "PCI"), true
	}
	all := b.at(0, size)
	if all == nil {
		return Match{}, false
	}
	var sum byte
	for _, c := range all {
		sum += c
	}
	m := firmware("option-rom", "ISA")
	m.Confidence = audit.Medium
	return m, sum == 0
}
