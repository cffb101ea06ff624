// Package format recognises what a file is by its bytes: compiled code by a
// header that is checked field by field against the format's own definition,
// never by a bare magic, and the archives and data formats that must not be
// mistaken for code.
//
// Every check works on a prefix of the file and on the file's size, so that a
// file need not be in memory; where the whole file is, more is checked. None
// allocates more than its result, and none trusts a length it did not compare
// with what is there.
package format

import (
	"encoding/binary"

	"fromsource/analyze/audit"
)

// Head is how many bytes of a file the checks want to see; a longer prefix
// sharpens some of them, a shorter one is right for a shorter file only. Some
// file systems have their header behind the first 64 KiB.
const Head = 66 << 10

// Match is what a file was recognised as. The zero Match is none.
type Match struct {
	// Name is the format: "elf-shared", "java-class", "png".
	Name string
	// Kind is set for compiled formats only.
	Kind       audit.Kind
	Confidence audit.Confidence
	// Detail is what else the header says: machine, version, truncation.
	Detail string
	// Container is true where members are to be looked at inside.
	Container bool
	// End is where the format's own extent ends, where the header tells and
	// it is known; bytes after it are something appended. Zero: not known.
	End int64
}

// Compiled is true for formats that carry compiled code.
func (m Match) Compiled() bool { return m.Kind != "" }

// Marked is true for compiled formats that are known by a magic of their own.
// Of the others a header alone, where nothing else says that there is a file,
// says little.
func (m Match) Marked() bool {
	switch m.Name {
	case "coff-object", "coff-executable", "coff-import", "omf-object", "omf-library", "dos-executable", "com32", "option-rom", "boot-sector",
		"esp-image", "a.out", "xcoff-object", "som-object", "smalltalk-image", "uefi-volume", "racket-bytecode", "r-bytecode", "cortex-m-image", "arm-image", "cartridge", "asxxxx-object", "o65", "xo65-object", "xo65-library", "amiga-hunk", "swf",
		"pascal-unit", "emacs-dump", "mruby-bytecode", "ruby-bytecode", "lean-object", "pef", "boot-loader", "home-computer", "fcode", "xsvf", "smlnj-heap", "smlnj-library", "bgfx-shader":
		return false
	}
	return m.Compiled()
}

// Blob is what a check sees.
type Blob struct {
	// Name is the file's own name with its folders, as a hint that never
	// decides alone.
	Name string
	// B is a prefix of the file, or all of it.
	B []byte
	// Size is the file's size, negative where it is not known.
	Size int64
}

// whole is true where B is the complete file.
func (b Blob) whole() bool { return b.Size >= 0 && int64(len(b.B)) >= b.Size }

// within says whether [off, off+n) can lie in the file.
func (b Blob) within(off, n uint64) bool {
	if off+n < off {
		return false
	}
	return b.Size < 0 || off+n <= uint64(b.Size)
}

// at returns n bytes at off where they are at hand.
func (b Blob) at(off, n uint64) []byte {
	if end := off + n; end >= off && end <= uint64(len(b.B)) {
		return b.B[off:end:end]
	}
	return nil
}

var (
	le = binary.LittleEndian
	be = binary.BigEndian
)

func native(name, detail string) Match {
	return Match{Name: name, Kind: audit.NativeCode, Confidence: audit.High, Detail: detail}
}

func bytecode(name, detail string) Match {
	return Match{Name: name, Kind: audit.Bytecode, Confidence: audit.High, Detail: detail}
}

func firmware(name, detail string) Match {
	return Match{Name: name, Kind: audit.Firmware, Confidence: audit.High, Detail: detail}
}
