package trace

import (
	"bytes"
	"debug/elf"
	"slices"
	"strings"
)

// Sample is a fingerprint of the machine code of one file that survives
// linking: short hashes of some of the windows of its code, chosen by their
// own content, so that the same code gives the same ones wherever a linker
// puts it. Windows that a relocation changes are lost; the rest is enough.
type Sample struct {
	// File is the file's path in its walk.
	File string
	// Object is true for what a linker takes in (a relocatable file, alone or
	// in a static library), false for what it puts out.
	Object bool
	// Split is true for an object of which a linker can leave out functions.
	Split bool
	// Sums are sorted.
	Sums []uint32
}

const (
	// window is how many bytes of code one hash is of: some eight
	// instructions.
	window = 32
	// codeBits are how many bits of a window's hash must be zero for it to be
	// chosen: one window in 64 is, on average.
	codeBits = 6
	// minDistinct is how many different bytes a chosen window must have:
	// padding and tables have fewer.
	minDistinct = 12
	// MinShared is how many sums two files must share before one is taken to
	// hold code of the other. Code that every compiler makes (a prologue, a
	// spill) shares one or two.
	MinShared = 8
)

// factor is of a polynomial hash modulo 2^64.
const factor = 0x9e3779b97f4a7c15

// leaving is what a byte that leaves the window had come to in the hash.
var leaving = func() (t [256]uint64) {
	p := uint64(1)
	for range window {
		p *= factor
	}
	for c := range t {
		t[c] = p * (uint64(c) + 1)
	}
	return t
}()

// apart are sections of code that a compiler sets apart in every object; others
// beside .text are there for a linker to choose from (gcc -ffunction-sections,
// C++'s inline functions).
var apart = map[string]bool{".text.unlikely": true, ".text.startup": true, ".text.hot": true, ".text.exit": true}

// sampleELF samples the code of an ELF file; false for any other file, and
// for one without enough code to be told from another.
func sampleELF(path string, b []byte) (Sample, bool) {
	f, err := elf.NewFile(bytes.NewReader(b))
	if err != nil {
		return Sample{}, false
	}
	defer f.Close()
	s := Sample{File: path, Object: f.Type == elf.ET_REL}
	functions := 0
	for _, sec := range f.Sections {
		if sec.Type != elf.SHT_PROGBITS || sec.Flags&elf.SHF_EXECINSTR == 0 || sec.Flags&elf.SHF_COMPRESSED != 0 {
			continue
		}
		if end := sec.Offset + sec.Size; end >= sec.Offset && end <= uint64(len(b)) {
			s.Sums = sampleCode(s.Sums, b[sec.Offset:end])
		}
		if sec.Size > 0 && strings.HasPrefix(sec.Name, ".text.") && !apart[sec.Name] {
			functions++
		}
	}
	s.Split = s.Object && functions > 1
	slices.Sort(s.Sums)
	s.Sums = slices.Clip(slices.Compact(s.Sums))
	return s, len(s.Sums) > 0
}

// sampleCode appends the sums of one stretch of code.
func sampleCode(sums []uint32, code []byte) []uint32 {
	if len(code) < window {
		return sums
	}
	h := uint64(0)
	for _, c := range code[:window] {
		h = h*factor + uint64(c) + 1
	}
	// A window is chosen by the hash's high bits, which depend on all of it.
	choose := func(w []byte) {
		if varied(w) {
			sums = append(sums, uint32((h^h>>29)*0xbf58476d1ce4e5b9>>16))
		}
	}
	next, old := code[window:], code[:len(code)-window]
	for i, c := range next {
		if h>>(64-codeBits) == 0 {
			choose(code[i : i+window])
		}
		h = h*factor + (uint64(c) + 1 - leaving[old[i]]) // in this order: the sum does not wait for h
	}
	if h>>(64-codeBits) == 0 {
		choose(code[len(code)-window:])
	}
	return sums
}

// varied reports whether a window has enough different bytes.
func varied(w []byte) bool {
	var seen [4]uint64
	n := 0
	for _, c := range w {
		if bit := uint64(1) << (c & 63); seen[c>>6]&bit == 0 {
			seen[c>>6] |= bit
			n++
		}
	}
	return n >= minDistinct
}
