package format

import (
	"bytes"
	"fmt"
	"hash/crc32"
	"math"
	"strings"

	"fromsource/analyze/audit"
)

// detectMicrocode checks Intel's update header (Intel SDM volume 3, "Microcode
// Update", header version 1: the date in BCD, sizes in words, and the sum of
// all words, which is zero).
func detectMicrocode(b Blob) (Match, bool) {
	h := b.B
	if len(h) < 48 || le.Uint32(h) != 1 || le.Uint32(h[20:]) != 1 {
		return Match{}, false
	}
	date := le.Uint32(h[8:])
	month, day, year := date>>24, date>>16&0xff, date&0xffff
	if !bcd(month, 0x01, 0x12) || !bcd(day, 0x01, 0x31) || !bcd(year, 0x1993, 0x2099) {
		return Match{}, false
	}
	data, total := le.Uint32(h[28:]), le.Uint32(h[32:])
	if data == 0 {
		data, total = 2000, 2048
	}
	if data%4 != 0 || total < data+48 || total%1024 != 0 || !b.within(0, uint64(total)) {
		return Match{}, false
	}
	if all := b.at(0, uint64(data)+48); all != nil {
		var sum uint32
		for i := 0; i < len(all); i += 4 {
			sum += le.Uint32(all[i:])
		}
		if sum != 0 {
			return Match{}, false
		}
	}
	return firmware("microcode-intel", fmt.Sprintf("signature %#x, revision %#x", le.Uint32(h[12:]), le.Uint32(h[4:]))), true
}

// bcd says whether v has decimal digits only and lies in a range.
func bcd(v, lo, hi uint32) bool {
	for s := uint(0); s < 32; s += 4 {
		if v>>s&15 > 9 {
			return false
		}
	}
	return v >= lo && v <= hi
}

// detectAMD checks AMD's container: magic, then the equivalence table's type
// and size, which the kernel checks as well
// (arch/x86/kernel/cpu/microcode/amd.c, verify_equivalence_table).
func detectAMD(b Blob) (Match, bool) {
	h := b.B
	if len(h) < 16 || le.Uint32(h) != 0x00414d44 || le.Uint32(h[4:]) != 0 {
		return Match{}, false
	}
	n := le.Uint32(h[8:])
	if n < 16 || n%16 != 0 || !b.within(12, uint64(n)) {
		return Match{}, false
	}
	return firmware("microcode-amd", ""), true
}

// detectUBoot checks a legacy U-Boot image by its header's own CRC (U-Boot
// include/image.h).
func detectUBoot(b Blob) (Match, bool) {
	h := b.B
	if len(h) < 64 || be.Uint32(h) != 0x27051956 {
		return Match{}, false
	}
	c := append([]byte{}, h[:64]...)
	clear(c[4:8])
	if crc32.ChecksumIEEE(c) != be.Uint32(h[4:]) {
		return Match{}, false
	}
	name := cstring(h[32:64], 0)
	m := firmware("u-boot-image", strings.ToValidUTF8(name, "?"))
	// Types 2 kernel, 3 ramdisk, 4 multi, 5 firmware; 6 is a script.
	if h[30] == 6 {
		m.Kind, m.Confidence = "", ""
		m.Name = "u-boot-script"
	}
	return m, true
}

// detectDTB checks a flattened device tree: its blocks lie in its size, and
// the structure begins with a node (Devicetree Specification, chapter 5). A
// FIT image is one that has an "images" node.
func detectDTB(b Blob) (Match, bool) {
	h := b.B
	if len(h) < 40 || be.Uint32(h) != 0xd00dfeed {
		return Match{}, false
	}
	total, st, strs, version := be.Uint32(h[4:]), be.Uint32(h[8:]), be.Uint32(h[12:]), be.Uint32(h[20:])
	if version < 1 || version > 32 || st >= total || strs > total || !b.within(0, uint64(total)) {
		return Match{}, false
	}
	if s := b.at(uint64(st), 4); s != nil && be.Uint32(s) != 1 && be.Uint32(s) != 4 {
		return Match{}, false
	}
	m := firmware("device-tree", fmt.Sprintf("version %d", version))
	m.Confidence = audit.Medium
	if s := b.at(0, min(uint64(len(h)), uint64(total))); strings.Contains(string(s[:min(len(s), 8192)]), "images\x00") && strings.Contains(string(s), "default\x00") {
		m.Name = "fit-image"
	}
	m.End = int64(total)
	return m, true
}

// detectBootSector checks a boot sector without a file system of its own: the
// signature, and code at its start that a BIOS could run: a jump, or one of
// the openings that loaders have (disable interrupts, clear a register).
func detectBootSector(b Blob) (Match, bool) {
	h := b.B
	if len(h) < 512 || h[510] != 0x55 || h[511] != 0xaa || b.Size > 1<<20 || b.Size%512 != 0 {
		return Match{}, false
	}
	switch {
	case h[0] == 0xeb && h[1] >= 0x02 && h[1] < 0x80, h[0] == 0xe9,
		h[0] == 0xfa, h[0] == 0x33 && h[1] >= 0xc0, h[0] == 0x31 && h[1] >= 0xc0, h[0] == 0xfc, h[0] == 0xea:
		m := native("boot-sector", "x86")
		m.Confidence = audit.Medium
		return m, true
	}
	return Match{}, false
}

// Opaque says whether a file that no table knows is device firmware, by its
// path and by how its bytes look: an upstream ships such a file to be loaded
// into hardware, and nothing in it says so. The confidence is low.
func Opaque(path string, b []byte) (Match, bool) {
	if len(b) < 256 {
		return Match{}, false
	}
	p := strings.ToLower(path)
	base := p[strings.LastIndexByte(p, '/')+1:]
	in := strings.Contains("/"+p, "/firmware/") || strings.Contains(p, "linux-firmware") || strings.Contains("/"+p, "/microcode/") || strings.Contains("/"+p, "-ucode/")
	if !in && !firmwareName(base) && !(strings.Contains(p, "-firmware/") && strings.HasSuffix(base, ".bin")) {
		return Match{}, false
	}
	if IsText(b) {
		return Match{}, false
	}
	e := Entropy(b)
	if e < 3.5 && !in && (len(b)-bytes.Count(b, []byte{0}) < 256 || Entropy(bytes.ReplaceAll(b, []byte{0}, nil)) < 3.5) {
		return Match{}, false
	}
	return Match{
		Name: "firmware", Kind: audit.Firmware, Confidence: audit.Low,
		Detail: fmt.Sprintf("opaque, by its path; %.1f bits of entropy a byte", e),
	}, true
}

// firmwareName is true for the suffixes that only firmware has.
func firmwareName(base string) bool {
	for _, s := range []string{".fw", ".ucode", ".ucode.bin", ".mfw", ".nvm", ".hcd", ".bseq", ".ddc", ".sfi", ".pnvm", "-fw.bin", "_fw.bin", ".fw.bin", ".rom"} {
		if strings.HasSuffix(base, s) {
			return true
		}
	}
	return false
}

// Entropy is Shannon's, in bits a byte.
func Entropy(b []byte) float64 {
	var count [256]int
	for _, c := range b {
		count[c]++
	}
	e := 0.0
	for _, n := range count {
		if n > 0 {
			p := float64(n) / float64(len(b))
			e -= p * math.Log2(p)
		}
	}
	return e
}
