package format

import (
	"crypto/sha256"
	"debug/elf"
	"encoding/hex"
	"slices"
	"strings"
)

// Print is a fingerprint of the part of a file that survives when the file is
// patched, stripped or relocated within an archive.
type Print struct {
	// What is "text", "build-id", "comment" or "section:NAME".
	What string
	// Sum is a SHA-256 in hexadecimal, the build-id in hexadecimal, or the
	// compiler's ident as it is.
	Sum string
	// Size counts the bytes that a hash was made of.
	Size int64
}

// MinText is the least code, in bytes, that is given a "text" print: empty
// start files and stubs have the same few instructions everywhere, and would
// match each other without one coming from the other.
const MinText = 128

// Prints are the fingerprints of a whole compiled file: nil for formats that
// are matched by the hash of the file only.
func Prints(b []byte) []Print {
	blob := Blob{B: b, Size: int64(len(b))}
	switch {
	case len(b) < 4:
		return nil
	case b[0] == 0x7f:
		return elfPrints(blob)
	case b[0] == 'M' && b[1] == 'Z':
		return pePrints(blob)
	}
	return machoPrints(blob)
}

// textPrint hashes the given parts in order, each once.
func textPrint(parts [][]byte) []Print {
	h, n := sha256.New(), 0
	for _, p := range parts {
		h.Write(p)
		n += len(p)
	}
	if n < MinText {
		return nil
	}
	return []Print{{What: "text", Sum: hex.EncodeToString(h.Sum(nil)), Size: int64(n)}}
}

// elfPrints hashes what patchelf and strip leave alone: the contents of all
// executable sections in the order of their addresses (patchelf moves and
// reorders the others), the build-id, and the compilers' idents.
func elfPrints(b Blob) []Print {
	h, ok := readELFHeader(b.B)
	if !ok {
		return nil
	}
	secs := h.sections(b)
	var out []Print
	var code []elfSection
	for _, s := range secs {
		if s.typ == elf.SHT_PROGBITS && s.flags&elf.SHF_EXECINSTR != 0 && s.sz > 0 {
			code = append(code, s)
		}
	}
	slices.SortStableFunc(code, func(a, b elfSection) int {
		if a.addr != b.addr {
			return cmpU64(a.addr, b.addr)
		}
		return cmpU64(a.off, b.off)
	})
	var parts [][]byte
	for _, s := range code {
		parts = append(parts, b.at(s.off, s.sz))
	}
	if len(secs) == 0 {
		parts = h.codeSegments(b)
	}
	out = append(out, textPrint(parts)...)
	if id := h.buildID(b, secs); id != "" {
		out = append(out, Print{What: "build-id", Sum: id})
	}
	for _, s := range secs {
		switch {
		case string(s.name) == ".comment" && s.typ == elf.SHT_PROGBITS:
			out = append(out, comments(b.at(s.off, s.sz))...)
		case string(s.name) == ".rodata" && s.typ == elf.SHT_PROGBITS && s.sz >= MinText:
			if data := b.at(s.off, s.sz); data != nil {
				sum := sha256.Sum256(data)
				out = append(out, Print{What: "section:.rodata", Sum: hex.EncodeToString(sum[:]), Size: int64(s.sz)})
			}
		}
	}
	return out
}

func cmpU64(a, b uint64) int {
	if a < b {
		return -1
	}
	if a > b {
		return 1
	}
	return 0
}

// codeSegments are the executable segments of a file without a section table,
// without the headers that a patch would change.
func (h *elfHeader) codeSegments(b Blob) [][]byte {
	var parts [][]byte
	headers := uint64(h.ehsize) + uint64(h.phnum)*uint64(h.phentsize)
	for _, s := range h.segments(b) {
		if s.typ != elf.PT_LOAD || s.flags&elf.PF_X == 0 {
			continue
		}
		if s.off < headers && s.off+s.filesz > headers {
			s.filesz -= headers - s.off
			s.off = headers
		}
		parts = append(parts, b.at(s.off, s.filesz))
	}
	return parts
}

// buildID reads the NT_GNU_BUILD_ID note, from sections or from segments.
func (h *elfHeader) buildID(b Blob, secs []elfSection) string {
	for _, s := range secs {
		if s.typ == elf.SHT_NOTE {
			if id := h.noteID(b.at(s.off, s.sz)); id != "" {
				return id
			}
		}
	}
	for _, s := range h.segments(b) {
		if s.typ == elf.PT_NOTE {
			if id := h.noteID(b.at(s.off, s.filesz)); id != "" {
				return id
			}
		}
	}
	return ""
}

func (h *elfHeader) noteID(b []byte) string {
	for len(b) >= 12 {
		namesz, descsz, typ := uint64(h.u32(b)), uint64(h.u32(b[4:])), h.u32(b[8:])
		b = b[12:]
		nameEnd, descEnd := (namesz+3)&^3, (descsz+3)&^3
		if nameEnd+descsz > uint64(len(b)) {
			return ""
		}
		if typ == 3 && string(b[:namesz]) == "GNU\x00" && descsz > 0 && descsz <= 64 {
			return hex.EncodeToString(b[nameEnd : nameEnd+descsz])
		}
		b = b[min(nameEnd+descEnd, uint64(len(b))):]
	}
	return ""
}

// comments are the idents of a .comment section, each once, at most some.
func comments(b []byte) []Print {
	const most = 16
	var out []Print
	for s := range strings.SplitSeq(string(b[:min(len(b), 4096)]), "\x00") {
		p := Print{What: "comment", Sum: s}
		if s != "" && len(out) < most && !slices.Contains(out, p) {
			out = append(out, p)
		}
	}
	return out
}
