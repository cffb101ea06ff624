package format

import (
	"bytes"

	"fromsource/analyze/audit"
)

// detectLoader recognises loaders that a BIOS starts and that have no signature
// at the end of their first sector: code for real mode that jumps or moves its
// stack to where it is loaded to, which is address 0x7c00.
func detectLoader(b Blob) (Match, bool) {
	h := b.B
	if len(h) < 64 || b.Size > 8<<20 {
		return Match{}, false
	}
	// Nearly all other files begin otherwise, and have no jump in the second sector.
	switch h[0] {
	case 0xea, 0xfa, 0xb2, 0xe8, 0x52, 0xfc, 0x31, 0x33:
	default:
		if len(h) <= 512 || h[512] != 0xea {
			return Match{}, false
		}
	}
	m := native("boot-loader", "x86")
	// GRUB Legacy's stages name their version behind a jump over it
	// (stage2/asm.S), in the second sector where a loader of blocks is before it.
	for _, off := range []uint64{0, 512} {
		if s := b.at(off, 24); s != nil && s[0] == 0xea && s[1] == 0x70 && (s[2] == 0x22 || s[2] == 0x82) && string(s[3:7]) == "\x00\x00\x00\x03" && s[7] < 16 && bytes.HasPrefix(s[18:], []byte("0.")) {
			m.Detail = "x86, GRUB Legacy"
			return m, true
		}
	}
	// A far jump, to 0:7cxx or to 07c0:xxxx, perhaps with interrupts off.
	j := h
	if j[0] == 0xfa {
		j = j[1:]
	}
	if j[0] == 0xea && (string(j[2:5]) == "\x7c\x00\x00" || string(j[2:5]) == "\x00\xc0\x07") {
		return m, true
	}
	// GRUB's images, which run at 0x8200 (include/grub/offsets.h): a jump there
	// with room for sizes behind it, a loader of blocks, and one of compact disks.
	switch {
	case h[0] == 0xea && h[2] == 0x82 && string(h[3:8]) == "\x00\x00\x00\x00\x00", string(h[:8]) == "\xb2\x7f\xea\x00\x82\x00\x00\x00",
		string(h[:8]) == "\xe8\x00\x00\xeb\x3b\x00\x00\x00",
		string(h[:3]) == "\x52\x56\xbe" && h[5] == 0xe8 && string(h[8:10]) == "\x5e\xbf" && string(h[12:15]) == "\x66\x8b\x2d":
		return m, true
	}
	// Code of a master boot record alone (440 bytes and less, a table of
	// partitions follows on the disk): stack segment and pointer are set first.
	if b.Size < 0 || b.Size > 512 || b.Size < 256 || len(h) < 256 {
		return Match{}, false
	}
	switch h[0] {
	case 0xfa, 0xfc, 0x31, 0x33:
	default:
		return Match{}, false
	}
	k := bytes.Index(h[:64], []byte("\xbc\x00\x7c"))
	if k < 0 {
		k = bytes.Index(h[:64], []byte("\xbc\xe8\x7b"))
	}
	m.Confidence = audit.Medium
	return m, k >= 2 && h[k-2] == 0x8e && h[k-1]&^7 == 0xd0
}

// detectHome recognises programs of home computers and of their cartridges.
func detectHome(b Blob) (Match, bool) {
	h := b.B
	if len(h) < 16 {
		return Match{}, false
	}
	m := native("home-computer", "")
	switch h[0] {
	case 'A': // MSX Technical Data Book, "cartridge header": a start in its own pages, a reserved part
		init := le.Uint16(h[2:])
		if h[1] != 'B' || b.Size < 8<<10 || b.Size > 8<<20 || b.Size%(8<<10) != 0 || string(h[10:16]) != "\x00\x00\x00\x00\x00\x00" || init < 0x4010 || init >= 0xc000 {
			return Match{}, false
		}
		return firmware("cartridge", "MSX"), true
	case 0x01: // a line of BASIC alone, which is SYS and a number
		next := int(le.Uint16(h[2:])) - 0x0801 + 2
		if h[1] != 0x08 || next < 10 || next > 64 || len(h) < next+2 || h[6] != 0x9e || h[next-1] != 0 || h[next]|h[next+1] != 0 || b.Size > 64<<10 {
			return Match{}, false
		}
		m.Detail = "6502, behind a line of BASIC"
		d := bytes.TrimLeft(h[7:next-1], " (")
		return m, len(d) >= 4 && digits(d[:4])
	case 'L': // a jump over what is told to be started next (ProDOS 8 technical reference manual, 5.1.5.1)
		m.Detail = "6502, ProDOS"
		return m, h[2] == 0x20 && h[3] == 0xee && h[4] == 0xee && h[5] > 0 && b.Size < 64<<10
	case 0xff:
		m.Detail = "6502, Atari"
		return m, h[1] == 0xff && isAtari(b)
	}
	return Match{}, false
}

// isAtari follows the parts of a program for Atari's DOS to the file's very end:
// each is a first and a last address and what lies between. One sets where it
// is started (Atari DOS reference manual, "binary load").
func isAtari(b Blob) bool {
	if !b.whole() || b.Size > 64<<10 {
		return false
	}
	starts := false
	for h := b.B[2:]; ; {
		if len(h) >= 2 && h[0] == 0xff && h[1] == 0xff {
			h = h[2:]
		}
		if len(h) < 5 {
			return false
		}
		first, last := le.Uint16(h), le.Uint16(h[2:])
		n := 4 + int(last) - int(first) + 1
		if last < first || n > len(h) {
			return false
		}
		starts = starts || first >= 0x2e0 && last <= 0x2e3 && (last-first)%2 == 1
		if h = h[n:]; len(h) == 0 {
			return starts
		}
	}
}

// detectFCode checks the header of a program for Open Firmware: its length, and
// the sum of all that follows the header (IEEE 1275, 5.2.2.5).
func detectFCode(b Blob) (Match, bool) {
	h := b.B
	if len(h) < 16 || h[0] < 0xf0 || h[0] > 0xf3 || h[1] != 8 {
		return Match{}, false
	}
	n := uint64(be.Uint32(h[4:]))
	all := b.at(0, n)
	if n < 16 || n > 1<<20 || all == nil {
		return Match{}, false
	}
	var sum uint16
	for _, c := range all[8:] {
		sum += uint16(c)
	}
	return firmware("fcode", "Open Firmware"), sum == be.Uint16(h[2:])
}

// detectXSVF follows the instructions of a player of JTAG, which write the
// configuration of programmable logic (Xilinx XAPP503, appendix B), up to the
// first that shifts data, or 32 of them.
func detectXSVF(b Blob) (Match, bool) {
	h := b.B
	// How many bytes are behind each; those that shift take what XSDRSIZE said.
	length := [...]int{0x00: 0, 0x02: 1, 0x04: 4, 0x07: 1, 0x08: 4, 0x12: 1, 0x13: 1, 0x14: 1, 0x16: 1, 0x17: 6}
	size, seen, bits := 0, uint32(0), 0
	for range 32 {
		if len(h) == 0 || int(h[0]) > 0x18 {
			return Match{}, false
		}
		op, n := int(h[0]), 0
		switch op {
		case 0x01, 0x03: // XTDOMASK, XSDR
			n = bits
		case 0x09: // XSDRTDO
			n = 2 * bits
		case 0x02, 0x04, 0x07, 0x08, 0x12, 0x13, 0x14, 0x16, 0x17:
			n = length[op]
		default:
			return Match{}, false
		}
		if len(h) < 1+n {
			return Match{}, false
		}
		arg := h[1 : 1+n]
		switch op {
		case 0x02: // XSIR: its number of bits, then these
			n += (int(arg[0]) + 7) / 8
		case 0x08:
			if size = int(be.Uint32(arg)); size == 0 || size > 1<<20 {
				return Match{}, false
			}
			bits = (size + 7) / 8
		case 0x12:
			if arg[0] > 15 {
				return Match{}, false
			}
		case 0x13, 0x14:
			if arg[0] > 1 && arg[0] != 0x0d && arg[0] != 0x06 && arg[0] != 0x0f && arg[0] != 0x0e {
				return Match{}, false
			}
		case 0x17:
			if arg[0] > 15 || arg[1] > 15 {
				return Match{}, false
			}
		}
		seen |= 1 << op
		if len(h) < 1+n {
			return Match{}, false
		}
		h = h[1+n:]
	}
	// Something is repeated, an instruction is chosen and data is compared.
	if seen&(1<<0x02) == 0 || seen&(1<<0x08) == 0 || seen&(1<<0x09|1<<0x03) == 0 {
		return Match{}, false
	}
	return firmware("xsvf", "programmable logic"), true
}

// detectVirtual recognises what more virtual machines run.
func detectVirtual(b Blob) (Match, bool) {
	h := b.B
	if len(h) < 32 {
		return Match{}, false
	}
	switch {
	case string(h[:8]) == "MOARVM\r\n": // its docs/bytecode.markdown: version, then tables and their sizes
		if v := le.Uint32(h[8:]); v == 0 || v > 64 || le.Uint32(h[12:]) < 92 || le.Uint32(h[12:]) > 256 {
			return Match{}, false
		}
		return bytecode("moarvm-bytecode", ""), true
	case le.Uint32(h) == 0x00112233 && le.Uint32(h[4:])>>8 == 0x090820, be.Uint32(h) == 0x00112233 && be.Uint32(h[4:])>>8 == 0x090820:
		return native("smlnj-heap", ""), true // runtime/include/ml-image.h: the order of bytes, then the kind of image
	case (h[0] == 'F' || h[0] == 'V' || h[0] == 'C') && string(h[1:3]) == "SH":
		return detectBgfx(b)
	}
	// A stable library of SML/NJ's manager: a sum, the length of its table, a
	// pickle, and modules that begin with machine and version.
	if n := uint64(be.Uint32(h[16:])); string(h[20:22]) == "gn" && n < 1<<24 {
		if s := b.at(20+n, 16); s != nil {
			k := bytes.IndexByte(s, '-')
			v := bytes.TrimRight(s[k+1:], " ")
			return native("smlnj-library", string(s[:max(k, 0)])), k > 2 && isDotted(string(v))
		}
	}
	return Match{}, false
}

// detectBgfx looks for the compiled shader in a file of bgfx's compiler (its
// tools/shaderc): behind the list of uniforms and its own length is one of
// Direct3D or of Vulkan. Those for other systems are source, which is no code.
func detectBgfx(b Blob) (Match, bool) {
	h := b.B[:min(len(b.B), 4096)]
	if h[3] == 0 || h[3] > 32 {
		return Match{}, false
	}
	for _, magic := range []string{"DXBC", "\x03\x02\x23\x07", "\x00\x03\xff\xff", "\x00\x03\xfe\xff", "\x00\x02\xff\xff", "\x00\x02\xfe\xff"} {
		for at := 12; ; at++ {
			i := bytes.Index(h[min(at, len(h)):], []byte(magic))
			if i < 0 {
				break
			}
			at += i
			n := uint64(le.Uint32(h[at-4:]))
			if n < 16 || !b.within(uint64(at), n) {
				continue
			}
			if magic[0] == 'D' || magic[0] == 3 {
				if _, ok := detectShader(Blob{B: b.B[at:], Size: int64(n)}); !ok {
					continue
				}
			}
			return bytecode("bgfx-shader", ""), true
		}
	}
	return Match{}, false
}

// isARM checks the vectors that a processor of Arm begins with: jumps, loads of
// the program counter, returns and empty instructions, in either order of bytes
// (ARM architecture reference manual, A2.6).
func isARM(h []byte) bool {
	// The first is a jump or a load, which hardly any other file begins with.
	if h[3] != 0xea && h[3] != 0xe5 && h[0] != 0xea && h[0] != 0xe5 {
		return false
	}
	for _, order := range []func([]byte) uint32{le.Uint32, be.Uint32} {
		jumps := 0
		for i := range 8 {
			switch v := order(h[4*i:]); {
			case v>>24 == 0xea && v&0xff0000 == 0, v>>12 == 0xe59ff:
				jumps++
			case i > 0 && (v == 0xe1a00000 || v == 0xe1b0f00e || v == 0xe25ef004 || v == 0xe25ef008 || i == 5):
			default:
				jumps = -8
			}
		}
		if first := order(h); jumps >= 1 && (first>>24 == 0xea || first>>12 == 0xe59ff) {
			return true
		}
	}
	return false
}

// isBIOS checks the last bytes of the memory that a PC starts from: a jump to
// the BIOS's segment, and a date in digits.
func isBIOS(b []byte) bool {
	if len(b) < 512 {
		return false
	}
	t := b[len(b)-16:]
	return t[0] == 0xea && (string(t[3:5]) == "\x00\xf0" || string(t[3:5]) == "\x00\xff") && t[7] == '/' && t[10] == '/' && digits(t[5:7]) && digits(t[8:10]) && digits(t[11:13])
}
