package format_test

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"fromsource/analyze/audit"
	"fromsource/analyze/content/format"
)

// microcode makes an update as Intel's manual describes it, with a right sum.
func microcode() []byte {
	b := make([]byte, 2048)
	le := binary.LittleEndian
	for off, v := range map[int]uint32{0: 1, 4: 0xb4, 8: 0x05122017, 12: 0x906ea, 20: 1, 24: 2} {
		le.PutUint32(b[off:], v)
	}
	copy(b[48:], "opaque")
	var sum uint32
	for i := 0; i < len(b); i += 4 {
		sum += le.Uint32(b[i:])
	}
	le.PutUint32(b[16:], -sum)
	return b
}

// dex is the header of an empty file (Dalvik executable format, "header_item").
func dex() []byte {
	b := make([]byte, 0x70)
	copy(b, "dex\n035\x00")
	binary.LittleEndian.PutUint32(b[32:], 0x70)
	binary.LittleEndian.PutUint32(b[36:], 0x70)
	binary.LittleEndian.PutUint32(b[40:], 0x12345678)
	return b
}

// aml is a table with a right sum.
func aml() []byte {
	b := append([]byte("DSDT\x40\x00\x00\x00\x02\x00"), make([]byte, 54)...)
	copy(b[40:], "opaque")
	var sum byte
	for _, c := range b {
		sum += c
	}
	b[9] = -sum
	return b
}

// som is the header of an object file for PA-RISC, with a checksum that all of
// its words make zero (HP's 32-bit PA-RISC run-time architecture, "SOM").
func som() []byte {
	b := append([]byte{2, 0x10, 1, 6, 5, 0x12, 0x40, 0x00}, make([]byte, 120)...)
	binary.BigEndian.PutUint32(b[124:], 0x02100106^0x05124000)
	return b
}

// Types of UEFI's volumes, and of the store that one of variables begins with.
const (
	ffs2   = "78e58c8c3d8a1c4f9935896185c32dd3"
	nvData = "8d2bf1ff96768b4ca9852747075b4f50"
	vars   = "782cf3aa7b949a43a1802e144ec37792"
)

// volume is an UEFI firmware volume of a type and of what follows its header,
// length bytes long by its own account.
func volume(kind, first string, length uint64) string {
	id := func(s string) []byte {
		b, err := hex.DecodeString(s)
		if err != nil {
			panic(err)
		}
		return b
	}
	b := append(make([]byte, 16), id(kind)...)
	b = binary.LittleEndian.AppendUint64(b, length)
	b = append(b, "_FVH\xff\xfe\x04\x00\x48\x00\x00\x00\x00\x00\x00\x02"...)
	b = append(b, make([]byte, 72-len(b))...)
	var sum uint16
	for i := 0; i < len(b); i += 2 {
		sum += binary.LittleEndian.Uint16(b[i:])
	}
	binary.LittleEndian.PutUint16(b[50:], -sum)
	b = append(b, id(first)...)
	return string(append(b, make([]byte, 600-len(b))...))
}

// capsule is the header of a capsule (UEFI specification, 8.5.3) and a body.
func capsule(id string, size uint32) string {
	b, err := hex.DecodeString(id)
	if err != nil {
		panic(err)
	}
	for _, v := range []uint32{28, 0, size} {
		b = binary.LittleEndian.AppendUint32(b, v)
	}
	return string(b) + strings.Repeat("\x00", 600-len(b))
}

// omfLibrary is a library of pages of 16 bytes with an empty dictionary behind
// an object's first record (TIS OMF 1.1, "Microsoft symbol libraries").
func omfLibrary(dictionary uint32) []byte {
	b := append([]byte{0xf0, 13, 0}, make([]byte, 13)...)
	binary.LittleEndian.PutUint32(b[3:], dictionary)
	b[7] = 1
	b = append(b, "\x80\x04\x00\x02a.\x00"...)
	return append(b, make([]byte, 41+512)...)
}

// deflated is b as a zlib stream.
func deflated(b string) string {
	var out bytes.Buffer
	z := zlib.NewWriter(&out)
	_, err := z.Write([]byte(b))
	if err := errors.Join(err, z.Close()); err != nil {
		panic(err)
	}
	return out.String()
}

// Formats whose tools are no small packages, made after their definitions; and
// for each what is like it and is not it.
func TestDetect(t *testing.T) {
	pad := strings.Repeat("\x00", 600)
	for _, c := range []struct {
		name, b, want string
		kind          audit.Kind
	}{
		{"Intel microcode", string(microcode()), "microcode-intel", audit.Firmware},
		{"its sum wrong", strings.Replace(string(microcode()), "opaque", "Opaque", 1), "", ""},
		{"AMD microcode", "DMA\x00\x00\x00\x00\x00\x10\x00\x00\x00" + pad, "microcode-amd", audit.Firmware},
		{"AMD without table", "DMA\x00\x00\x00\x00\x00\x00\x00\x00\x00" + pad, "", ""},
		{"dex", string(dex()), "dex", audit.Bytecode},
		{"dex of no version", "dex\n" + string(dex()[4:8]) + pad, "", ""},
		{"Emacs Lisp", ";ELC\x1b\x00\x00\x00\n;;; Compiled\n", "emacs-bytecode", audit.Bytecode},
		{"Lisp comment", ";ELC is the magic of compiled files\n", "", ""},
		{"class", "\xca\xfe\xba\xbe\x00\x00\x00\x34\x00\x02\x01\x00\x01a", "java-class", audit.Bytecode},
		{"class of no version", "\xca\xfe\xba\xbe\x00\x00\x00\x03\x00\x02\x01\x00\x01a" + pad, "", ""},
		{"class with a bad constant", "\xca\xfe\xba\xbe\x00\x00\x00\x34\x00\x02\x02\x00\x01a" + pad, "", ""},
		{"wasm", "\x00asm\x01\x00\x00\x00\x01\x04\x01\x60\x00\x00", "wasm", audit.Bytecode},
		{"wasm of no version", "\x00asm\x07\x00\x00\x00" + pad, "", ""},
		{"wasm with a section behind the end", "\x00asm\x01\x00\x00\x00\x01\x7f\x01", "", ""},
		{"bare ELF magic", "\x7fELF" + pad, "", ""},
		{"bare MZ", "MZ and words that follow it" + pad, "", ""},
		{"bare Mach-O magic", "\xcf\xfa\xed\xfe" + pad, "", ""},
		{"bare LLVM magic", "BC\xc0\xde" + pad, "", ""},
		{"bare pyc magic", "\xa7\x0d\x0d\x0a" + pad, "", ""},
		{"bare BEAM", "FOR1\x00\x00\x00\x04BEAM" + pad, "", ""},
		{"option ROM", "\x55\xaa\x01" + strings.Repeat("\x00", 21) + "\x1c\x00\x00\x00PCIR" + pad, "option-rom", audit.Firmware},
		{"Linux, arm64", strings.Repeat("\x00", 56) + "ARMd" + pad, "linux-kernel", audit.NativeCode},
		{"SPIR-V", "\x03\x02\x23\x07\x00\x00\x01\x00\x0a\x00\x08\x00\x2e\x00\x00\x00\x00\x00\x00\x00", "spir-v", audit.Bytecode},
		{"SPIR-V, big-endian", "\x07\x23\x02\x03\x00\x01\x05\x00\x00\x08\x00\x0a\x00\x00\x00\x2e\x00\x00\x00\x00", "spir-v", audit.Bytecode},
		{"SPIR-V of no version", "\x03\x02\x23\x07\x00\x00\x07\x07" + pad, "", ""},
		{"Direct3D shader", "DXBC" + pad[:16] + "\x01\x00\x00\x00\x40\x00\x00\x00\x01\x00\x00\x00" + pad, "dxbc", audit.Bytecode},
		{"DXBC in words", "DXBC is the magic of Direct3D's shaders, whatever follows it", "", ""},
		{"CUDA", "\x50\xed\x55\xba\x01\x00\x10\x00\x00\x01\x00\x00\x00\x00\x00\x00" + pad, "cuda-fatbin", audit.NativeCode},
		{"CUDA, too long", "\x50\xed\x55\xba\x01\x00\x10\x00\x00\x01\x00\x01\x00\x00\x00\x00" + pad, "", ""},
		{"Chez Scheme", "\x00\x00\x00\x00chez\x09\x05\x08\x00" + pad, "chez-object", audit.NativeCode},
		{"Racket", "#~\x038.6\x0bchez-schemeD" + pad, "racket-bytecode", audit.Bytecode},
		{"Racket's magic in a comment", "#~ a comment of some shell, with more after it", "", ""},
		{"MIT Scheme", strings.Repeat("\xfa", 8) + strings.Repeat("\x01\x00\x00\x00\x00\x00\x00\x88", 8), "mit-scheme-object", audit.NativeCode},
		{"only its padding", strings.Repeat("\xfa", 64), "", ""},
		{"Scheme 48", "\n\f\nVanilla 40\n1\n8\n1173", "scheme48-image", audit.Bytecode},
		{"SBCL", "LCBS\x00\x00\x00\x00\x14\x0f" + pad, "sbcl-core", audit.NativeCode},
		{"SBCL without an entry", "LCBS\x00\x00\x00\x00\x01" + pad, "", ""},
		{"SBCL's fasl", "# FASL\n  compiled from \"x.lisp\"\n\xff\x00\x01" + pad, "sbcl-fasl", audit.NativeCode},
		{"a heading", "# FASL\n\nWords about compiled files of Lisp.\n", "", ""},
		{"CLISP", "(SYSTEM::VERSION '(20080430.))\n#0Y_ #0Y |CHARSET|::|UTF-8|\n", "clisp-bytecode", audit.Bytecode},
		{"Julia", "\xfbjli\r\n\x1a\n\x0b\x00" + pad, "julia-cache", audit.Bytecode},
		{"Rust", "rust\x00\x00\x00\x08\x00\x00\x01\x00\x00\x00\x00\x00", "rust-metadata", audit.Bytecode},
		{"rust in words", "rust is a language, and this are words on it", "", ""},
		{"HashLink", "HLB\x04\x00\x10" + pad, "hashlink-bytecode", audit.Bytecode},
		{"Neko", "NEKO\x10\x00\x00\x00\x20\x00\x00\x00\x40\x00\x00\x00" + pad, "neko-bytecode", audit.Bytecode},
		{"Neko, too long", "NEKO\x10\x00\x00\x00\x20\x00\x00\x00\x00\x40\x00\x00" + pad, "", ""},
		{"Go's export data", "go object linux amd64 go1.22.1 X:none\nbuild id \"x\"\n\n$$B\n", "go-export", audit.Bytecode},
		{"Go's object", "go object linux amd64 go1.22.1 X:none\n!\n\x00go120ld" + pad, "go-object", audit.NativeCode},
		{"words on Go", "go object files are made by the compiler\nand linked", "", ""},
		{"jimage", "\xda\xda\xfe\xca\x00\x00\x01\x00\x00\x00\x00\x00\x02\x00\x00\x00\x02\x00\x00\x00" + pad, "jimage", audit.Bytecode},
		{"UF2", "UF2\nWQ]\x9e\x00\x20\x00\x00\x00\x00\x00\x10\x00\x01\x00\x00\x00\x00\x00\x00\x02\x00\x00\x00" + pad[:480] + "\x30\x6f\xb1\x0a", "uf2", audit.Firmware},
		{"UF2 without its end", "UF2\nWQ]\x9e" + pad, "", ""},
		{"bitstream", "\x00\x09\x0f\xf0\x0f\xf0\x0f\xf0\x0f\xf0\x00\x00\x01a\x00\x04top" + pad, "fpga-bitstream", audit.Firmware},
		{"raw bitstream", strings.Repeat("\xff", 32) + "\x00\x00\x00\xbb\x11\x22\x00\x44" + strings.Repeat("\xff", 8) + "\xaa\x99\x55\x66" + pad, "fpga-bitstream", audit.Firmware},
		{"flash that is empty", strings.Repeat("\xff", 600), "", ""},
		{"ACPI table", string(aml()), "acpi-aml", audit.Firmware},
		{"its sum wrong", strings.Replace(string(aml()), "opaque", "Opaque", 1), "", ""},
		{"DSDT in words", "DSDT means differentiated system description table", "", ""},
		{"ESP image", "\xe9\x01\x02\x20\x00\x00\x10\x40\x00\x00\x10\x40\x40\x00\x00\x00" + pad, "esp-image", audit.Firmware},
		{"XCOFF", "\x01\xdf\x00\x01" + pad[:16] + ".text\x00\x00\x00" + pad, "xcoff-object", audit.NativeCode},
		{"XCOFF without sections", "\x01\xdf\x00\x01" + pad, "", ""},
		{"a.out", "\x07\x01\x64\x00\x40\x00\x00\x00" + pad, "a.out", audit.NativeCode},
		{"a.out, too long", "\x07\x01\x64\x00\x00\x40\x00\x00" + pad, "", ""},
		{"Squeak", "\x66\x19\x00\x00\x40\x00\x00\x00\x00\x04\x00\x00" + pad + pad, "smalltalk-image", audit.Bytecode},
		{"odex", "dey\n036\x00\x28\x00\x00\x00\x70\x00\x00\x00" + pad, "odex", audit.Bytecode},
		{"odex whose file is not in it", "dey\n036\x00\x28\x00\x00\x00\x70\x00\x70\x00" + pad, "", ""},
		{"COM32", "\xb8\xff\x4c\xcd\x21\x90\x90\x90\x90\x90\x90\x90", "com32", audit.NativeCode},
		{"OMF library", string(omfLibrary(64)), "omf-library", audit.NativeCode},
		{"OMF library, its dictionary behind the end", string(omfLibrary(128)), "", ""},
		{"Parrot", "\xfePBC\r\n\x1a\n\x08\x00\x00\x00\x00\x00\x00\x06\x00\x00" + pad, "parrot-bytecode", audit.Bytecode},
		{"Parrot as mail has made it", "\xfePBC\n\x1a\n\x08\x00\x00" + pad, "", ""},
		{"SOM", string(som()), "som-object", audit.NativeCode},
		{"SOM with a wrong sum", string(som()[:127]) + "\x01", "", ""},
		{"Swift module", "\xe2\x9c\xa8\x0e\x01\x08\x00\x00" + pad, "swift-module", audit.Bytecode},
		{"sparkles", "✨\x0e words, with the sign that Swift's begin with", "", ""},
		{"SWI-Prolog", "SWI-Prolog .qlf file\n\x00\x08\x81\n" + pad, "swi-prolog-qlf", audit.Bytecode},
		{"SWI-Prolog's name", "SWI-Prolog .qlf files are made by qcompile/1.", "", ""},
		{"UEFI capsule", capsule("bd86663b760d3040b70eb5519e2fc5a0", 600), "uefi-capsule", audit.Firmware},
		{"UEFI capsule of managed firmware", capsule("edd5cb6d2de8444cbda17194199ad92a", 600), "uefi-capsule", audit.Firmware},
		{"UEFI capsule, too long", capsule("edd5cb6d2de8444cbda17194199ad92a", 6000), "", ""},
		{"UEFI volume", volume(ffs2, vars, 600), "uefi-volume", audit.Firmware},
		{"UEFI's variables", volume(nvData, vars, 600), "", ""},
		{"UEFI's variables, more behind", volume(nvData, vars, 500), "uefi-volume", audit.Firmware},
		{"UEFI's variables by the volume alone", volume(nvData, ffs2, 600), "uefi-volume", audit.Firmware},
		{"UEFI volume of a wrong sum", pad[:40] + "_FVH" + pad, "", ""},
		{"cc65's object", "Uzna\x11\x00\x00\x00\x60\x00\x00\x00" + pad, "xo65-object", audit.NativeCode},
		{"cc65's library", "naUz\x0d\x00\x00\x00\xf7\xf1\x0a\x00" + pad, "xo65-library", audit.NativeCode},
		{"a name", "Uznam is an island, of which the name begins like cc65's", "", ""},
		{"o65", "\x01\x00o65\x00\x00\x08\x00\x00\x49\x00" + pad, "o65", audit.NativeCode},
		{"SDCC's object", "XH3\nH 1A areas 9 global symbols\nM _atof\nO -mmcs51 --model-small\n", "asxxxx-object", audit.NativeCode},
		{"SDCC's object on Windows", "XL\r\nH 1 areas 2 global symbols\r\nM a\r\n", "asxxxx-object", audit.NativeCode},
		{"words on SDCC", "XH3\nHeaders name areas and global symbols, one after the other\n", "", ""},
		{"Free Pascal", "PPU207\x02\xc1\x08\x00\x1a\x00\x80\x38\x02\x00" + pad, "pascal-unit", audit.Bytecode},
		{"PPU in words", "PPU207 is the magic of units, as of version 207 of the compiler", "", ""},
		{"Emacs' image", "DUMPEDGNUEMACS\x00\x00\x68\x13" + pad, "emacs-dump", audit.Bytecode},
		{"Flash", "FWS\x06\x40\x00\x00\x00" + pad, "swf", audit.Bytecode},
		{"Flash, compressed", "CWS\x0a\x40\x10\x00\x00x\x9c" + pad, "swf", audit.Bytecode},
		{"Flash, too long", "FWS\x06\x00\x00\x01\x00" + pad, "", ""},
		{"Hermes", "\xc6\x1f\xbc\x03\xc1\x03\x19\x1f\x60\x00\x00\x00" + pad, "hermes-bytecode", audit.Bytecode},
		{"mruby", "RITE0300\x00\x00\x00\x5aMATZ0000" + pad, "mruby-bytecode", audit.Bytecode},
		{"a rite", "RITE0300 is not by MATZ here, who is named later in this line", "", ""},
		{"Ruby", "YARB\x03\x00\x00\x00\x02\x00\x00\x00\x00\x01\x00\x00" + pad, "ruby-bytecode", audit.Bytecode},
		{"Ruby, too long", "YARB\x03\x00\x00\x00\x02\x00\x00\x00\x00\x01\x01\x00" + pad, "", ""},
		{"Dart", "\x90\xab\xcd\xef\x00\x00\x00\x58" + pad, "dart-kernel", audit.Bytecode},
		{"zsh", "\x07\x06\x05\x04\x00\x60\x01\x005.9\x00" + pad, "zsh-bytecode", audit.Bytecode},
		{"zsh of no version", "\x07\x06\x05\x04\x00\x60\x01\x00five\x00" + pad, "", ""},
		{"Squirrel", "\xfa\xfaRIQS\x01\x00\x00\x00" + pad, "squirrel-bytecode", audit.Bytecode},
		{"Lean", "olean\x02\x01" + pad, "lean-object", audit.Bytecode},
		{"PEF", "Joy!peffpwpc\x00\x00\x00\x01" + pad, "pef", audit.NativeCode},
		{"Amiga", "\x00\x00\x03\xf3\x00\x00\x00\x00\x00\x00\x00\x02\x00\x00\x00\x00\x00\x00\x00\x01" + pad, "amiga-hunk", audit.NativeCode},
		{"R, compiled", "X\n\x00\x00\x00\x03\x00\x04\x02\x02\x00\x03\x05\x00" + pad[:9] + "\x00\x00\x00\x15\x00\x00\x00\x02\x00\x00\x00\r\x00\x00\x00\r\x00\x00\x00\x0c" + pad, "r-bytecode", audit.Bytecode},
		{"R, with its name", "RDX3\nX\n\x00\x00\x00\x03\x00\x04\x02\x02\x00\x03\x05\x00" + pad[:9] + "\x00\x00\x00\x15\x00\x00\x00\x02\x00\x00\x00\r\x00\x00\x00\r\x00\x00\x00\x0c" + pad, "r-bytecode", audit.Bytecode},
		{"R's database", "\x00\x00\x02\x58" + deflated("X\n\x00\x00\x00\x03\x00\x04"+pad) + "\x00\x00\x02\x58" + deflated("X\n\x00\x00\x00\x03\x00\x04\x02\x02\x00\x03\x05\x00"+pad[:9]+"\x00\x00\x00\x15\x00\x00\x00\x02\x00\x00\x00\r\x00\x00\x00\r\x00\x00\x00\x0c"+pad), "r-bytecode", audit.Bytecode},
		{"R's data", "\x00\x00\x02\x58" + deflated("X\n\x00\x00\x00\x03\x00\x04"+pad), "", ""},
		{"Cortex-M", "\x00\x20\x00\x20\x4f\x03\x00\x00" + strings.Repeat("\xc1\x07\x00\x20", 14) + pad, "cortex-m-image", audit.Firmware},
		{"a table of numbers", "\x00\x20\x00\x20\x4f\x03\x00\x00" + strings.Repeat("\xc0\x07\x00\x20", 14) + pad, "", ""},
		{"NES", "NES\x1a\x01\x01" + strings.Repeat("\x00", 10+24<<10), "cartridge", audit.Firmware},
		{"NES, cut", "NES\x1a\x01\x01" + pad, "", ""},
		{"Game Boy", pad[:0x104] + "\xce\xed\x66\x66\xcc\x0d\x00\x0b" + strings.Repeat("\x00", 65) + "\xe7" + pad, "cartridge", audit.Firmware},
		{"Arm's UEFI volume of a wrong sum", strings.Repeat("\x00", 4096) + pad[:40] + "_FVH" + pad, "", ""},
		{"GRUB Legacy", strings.Repeat("R", 512) + "\xea\x70\x82\x00\x00\x00\x03\x02\xff\xff\xff\x00\x00\x00\x00\x00\x00\x000.97\x00/boot/grub/menu.lst\x00" + pad, "boot-loader", audit.NativeCode},
		{"GRUB Legacy of no version", strings.Repeat("R", 512) + "\xea\x70\x82\x00\x00\x00\x03\x02" + pad, "", ""},
		{"GRUB's loader of blocks", "\x52\x56\xbe\x1b\x81\xe8\x39\x01\x5e\xbf\xf4\x81\x66\x8b\x2d" + pad, "boot-loader", audit.NativeCode},
		{"GRUB from the net", "\xb2\x7f\xea\x00\x82\x00\x00\x00" + pad, "boot-loader", audit.NativeCode},
		{"ISOLINUX", "\xfa\xea\x6c\x7c\x00\x00\x90\x90" + pad, "boot-loader", audit.NativeCode},
		{"a jump elsewhere", "\xfa\xea\x6c\x7c\x01\x00\x90\x90" + pad, "", ""},
		{"iPXE", "\xea\x08\x00\xc0\x07\x32" + pad, "boot-loader", audit.NativeCode},
		{"MBR's code", "\x33\xc0\xfa\x8e\xd8\x8e\xd0\xbc\x00\x7c" + pad[:430], "boot-loader", audit.NativeCode},
		{"MBR's code with no stack", "\x33\xc0\xfa\x8e\xd8\x8e\xd8\xbc\x00\x7c" + pad[:430], "", ""},
		{"MSX", "AB\x30\x40" + strings.Repeat("\x00", 8<<10-4), "cartridge", audit.Firmware},
		{"MSX without a start", "AB\x00\x00" + strings.Repeat("\x00", 8<<10-4), "", ""},
		{"C64", "\x01\x08\x0b\x08\x0a\x00\x9e2064\x00\x00\x00\xa9\x00" + pad, "home-computer", audit.NativeCode},
		{"C64's BASIC alone", "\x01\x08\x0b\x08\x0a\x00\x992064\x00\x00\x00\xa9\x00" + pad, "", ""},
		{"Atari", "\xff\xff\x00\x20\x07\x20\xa9\x00\x60\x60\x60\x60\x60\x60\xe0\x02\xe1\x02\x00\x20", "home-computer", audit.NativeCode},
		{"Atari without a start", "\xff\xff\x00\x20\x07\x20\xa9\x00\x60\x60\x60\x60\x60\x60\xe0\x03\xe1\x03\x00\x20", "", ""},
		{"ProDOS", "\x4c\x85\x20\xee\xee\x7f" + pad, "home-computer", audit.NativeCode},
		{"FCode", "\xf1\x08\x01\xb5\x00\x00\x00\x10\xb5\x00\x00\x00\x00\x00\x00\xff\x01", "", ""},
		{"FCode", "\xf1\x08\x01\xb5\x00\x00\x00\x10\xb5\x00\x00\x00\x00\x00\x01\xff", "fcode", audit.Firmware},
		{"XSVF", "\x07\x00\x13\x00\x14\x00" + strings.Repeat("\x02\x08\x01\x08\x00\x00\x00\x08\x01\xff\x09\xff\x00\x12\x01", 10), "xsvf", audit.Firmware},
		{"XSVF with an unknown instruction", "\x07\x00\x13\x00\x14\x00" + strings.Repeat("\x02\x08\x01\x08\x00\x00\x00\x08\x01\xff\x09\xff\x00\x15\x01", 10), "", ""},
		{"MoarVM", "MOARVM\r\n\x07\x00\x00\x00\x60\x00\x00\x00" + pad, "moarvm-bytecode", audit.Bytecode},
		{"MoarVM of no version", "MOARVM\r\n\x00\x00\x00\x00\x60\x00\x00\x00" + pad, "", ""},
		{"SML/NJ", "\x33\x22\x11\x00\x04\x20\x08\x09\x02\x00\x00\x00" + pad, "smlnj-heap", audit.NativeCode},
		{"SML/NJ's library", "0123456789abcdef\x00\x00\x00\x10gn2Sp22\x22init\x22\x22inamd64-110.99.9  \x00\x00\x00\x03" + pad, "smlnj-library", audit.NativeCode},
		{"a pickle alone", "0123456789abcdef\x00\x00\x00\x10gn2Sp22\x22init\x22\x22in" + pad, "", ""},
		{"bgfx, SPIR-V", "FSH\x0b\x01\x83\xf2\xe1\x00\x00\x00\x00\x00\x00\x40\x00\x00\x00\x03\x02\x23\x07\x00\x00\x01\x00\x0b\x00\x08\x00\x93\x00\x00\x00\x00\x00\x00\x00" + pad, "bgfx-shader", audit.Bytecode},
		{"bgfx, source", "FSH\x0b\x01\x83\xf2\xe1\x00\x00\x00\x00\x00\x00\x40\x00\x00\x00varying vec4 v_color0;\nvoid main() { }\x00" + pad, "", ""},
		{"Arm's vectors", strings.Repeat("\x18\xf0\x9f\xe5", 5) + "\x00\x00\x00\x00" + strings.Repeat("\x18\xf0\x9f\xe5", 2) + pad, "arm-image", audit.Firmware},
		{"Arm's, big-endian", "\xea\x00\x00\x0e\xe1\xb0\xf0\x0e\xe2\x5e\xf0\x04\xe2\x5e\xf0\x04\xe2\x5e\xf0\x08\xe2\x5e\xf0\x04\xe2\x5e\xf0\x04\xe2\x5e\xf0\x04" + pad, "arm-image", audit.Firmware},
		{"half of Arm's", strings.Repeat("\x18\xf0\x9f\xe5", 5) + pad, "", ""},
		{"PNG", "\x89PNG\r\n\x1a\n" + pad, "png", ""},
		{"font", "\x00\x01\x00\x00\x00\x0f" + pad, "truetype", ""},
		{"font of Windows", neFile(0, 0x8007, 0x8008), "windows-font", ""},
		{"font of Windows beside code", neFile(1, 0x8007, 0x8008), "dos-executable", audit.NativeCode},
		{"font of Windows beside other resources", neFile(0, 0x8008, 0x8004), "dos-executable", audit.NativeCode},
		{"resources of Windows", neFile(0, 0x8010), "dos-executable", audit.NativeCode},
		{"time zone", "TZif2" + pad, "timezone", ""},
		{"SQLite", "SQLite format 3\x00" + pad, "sqlite", ""},
		{"PDF", "%PDF-1.4\n" + pad, "pdf", ""},
		{"locale archive", "\x09\x01\x02\xde" + pad, "locale-archive", ""},
		{"ICU", "\x20\x00\xda\x27" + pad, "icu-data", ""},
	} {
		m := format.Detect("lib/firmware/misleading.so", []byte(c.b), int64(len(c.b)))
		if m.Name != c.want || m.Kind != c.kind {
			t.Errorf("%s: %+v, want %q", c.name, m, c.want)
		}
	}
}

// neFile is a file for 16-bit Windows of so many segments, with a resource of
// each of the types.
func neFile(segments byte, types ...uint16) string {
	b := make([]byte, 0x80+0x40, 4096)
	copy(b, "MZ\x80\x00\x01\x00\x00\x00\x04\x00")
	b[0x18], b[0x3c] = 0x40, 0x80
	copy(b[0x80:], "NE")
	b[0x80+0x1c], b[0x80+0x24] = segments, 0x40
	b = append(b, 4, 0)
	for _, t := range types {
		b = binary.LittleEndian.AppendUint16(b, t)
		b = append(b, 1, 0, 0, 0, 0, 0)
		b = append(b, make([]byte, 12)...)
	}
	return string(b[:cap(b)])
}

// Opaque firmware is told by where it is, with low confidence; text there and
// data elsewhere are nothing.
func TestOpaque(t *testing.T) {
	var b []byte
	for i := range 4096 {
		b = append(b, byte(i*i>>3))
	}
	for path, want := range map[string]bool{
		"lib/firmware/x/y.bin": true, "x/radio.fw": true, "x/y.bin": false, "share/data.dat": false,
		"roms/basic.rom": true, "share/some-firmware/x.bin": true, "share/some-firmware/x.dat": false,
	} {
		if m, ok := format.Opaque(path, b); ok != want || ok && (m.Kind != audit.Firmware || m.Confidence != audit.Low) {
			t.Errorf("%s: %v %+v", path, ok, m)
		}
	}
	sparse := append(make([]byte, 12<<10), b...) // of which most is empty
	if _, ok := format.Opaque("x/radio.fw", sparse); !ok {
		t.Error("firmware with much room in it is none")
	}
	if _, ok := format.Opaque("x/radio.fw", make([]byte, 4096)); ok {
		t.Error("zeros are firmware")
	}
	if _, ok := format.Opaque("lib/firmware/README", []byte(strings.Repeat("words ", 100))); ok {
		t.Error("text is firmware")
	}
}

// TestVariableStore tells how sure it is that an UEFI volume is code: less so
// where it begins with variables and the file's end is elsewhere or not known.
func TestVariableStore(t *testing.T) {
	for _, c := range []struct {
		name, b string
		size    int64
		want    audit.Confidence
	}{
		{"code", volume(ffs2, vars, 600), 600, audit.High},
		{"a volume of variables without any", volume(nvData, ffs2, 600), 600, audit.High},
		{"more behind", volume(nvData, vars, 500), 600, audit.Medium},
		{"of unknown size", volume(nvData, vars, 600), -1, audit.Medium},
	} {
		if m := format.Detect("x.fd", []byte(c.b), c.size); m.Name != "uefi-volume" || m.Confidence != c.want {
			t.Errorf("%s: %q with confidence %v, want uefi-volume with %v", c.name, m.Name, m.Confidence, c.want)
		}
	}
}
