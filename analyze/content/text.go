package content

import (
	"bytes"
	"encoding/binary"
	"strings"
)

// signed says whether text holds one of the phrases by which tools sign what
// they write: autoconf, automake, libtool, bison, flex, protoc, SWIG, Go's
// convention and others.
func signed(b []byte) bool {
	// Of seven bytes four lie at a multiple of four: the text is looked at
	// there, and closely where they could be of a phrase.
	for i := 0; i+4 <= len(b); i += 4 {
		if v := binary.LittleEndian.Uint32(b[i:]); signs[v*signHash>>signShift] && signedAt(b, max(0, i-16)) {
			return true
		}
	}
	return false
}

// signedAt says whether one of the phrases begins in the 32 bytes at i.
func signedAt(b []byte, i int) bool {
	for end := i + 32; i+11 <= len(b) && i < end; i++ {
		switch b[i] {
		case 'g', 'G':
			if string(b[i+1:i+9]) == "enerated" && signedBy(b[i+9:]) {
				return true
			}
		case '@':
			if string(b[i:i+10]) == "@generated" {
				return true
			}
		case 'D':
			if string(b[i:i+11]) == "DO NOT EDIT" {
				return true
			}
		case 'd':
			if string(b[i:i+11]) == "do not edit" {
				return true
			}
		case 'm':
			if bytes.HasPrefix(b[i:], []byte("made by GNU Bison")) {
				return true
			}
		}
	}
	return false
}

const signHash, signShift = 0x9e3779b1, 32 - 13

// signs marks the hashes of four neighbouring bytes of the phrases, of the
// seven of each that are rarest elsewhere.
var signs = func() (t [1 << 13]bool) {
	for _, s := range []string{"generat", "Generat", "O NOT E", "ot edit", "U Bison"} {
		for i := range len(s) - 3 {
			t[binary.LittleEndian.Uint32([]byte(s[i:]))*signHash>>signShift] = true
		}
	}
	return t
}()

// signedBy says whether "generated" goes on as in a signature.
func signedBy(b []byte) bool {
	for _, s := range []string{" by", " auto", " from", " with"} {
		if len(b) >= len(s) && string(b[:len(s)]) == s {
			return true
		}
	}
	return false
}

// generated says whether text was written by a tool, by the beginning of it: a
// signature, or lines as minifiers make them.
func generated(path string, b []byte) bool {
	if signed(b[:min(len(b), 768)]) {
		return true
	}
	if ext := path[strings.LastIndexByte(path, '.')+1:]; ext != "js" && ext != "css" && ext != "mjs" && ext != "cjs" {
		return false
	}
	// Hand-written scripts have lines of 30 to 40 bytes on average.
	b = b[:min(len(b), 32<<10)]
	return len(b) > 1024 && bytes.Count(b, []byte{'\n'}) < len(b)/500
}
