package format

import (
	"bytes"
	"io"

	"fromsource/analyze/content/inflate"
)

// detectR recognises what R has serialized that holds compiled functions, alone
// or in a database that packages are loaded from (R internals, 1.8 and
// src/library/base/makebasedb.R): values that are compressed one after the
// other, each behind its length.
func detectR(b Blob) (Match, bool) {
	h := bytes.TrimPrefix(bytes.TrimPrefix(b.B, []byte("RDX2\n")), []byte("RDX3\n"))
	if isSerialized(h) {
		return bytecode("r-bytecode", ""), compiledR(h)
	}
	for left := int64(maxInflated); len(h) > 16 && h[0] == 0 && zlibHeader(h[4:]); {
		src := bytes.NewReader(h[6:])
		z := inflate.New(src)
		out, err := io.ReadAll(io.LimitReader(z, left))
		_ = z.Close() // what it has read is all that counts
		if !isSerialized(out) {
			return Match{}, false
		}
		if compiledR(out) {
			return bytecode("r-bytecode", "lazy-load database"), true
		}
		if left -= int64(len(out)); err != nil || left == 0 || src.Len() < 4 {
			break
		}
		h = h[len(h)-src.Len()+4:]
	}
	return Match{}, false
}

// maxInflated bounds what is looked at of a database, in bytes.
const maxInflated = 1 << 20

// isSerialized checks the format, binary, and its version.
func isSerialized(h []byte) bool {
	return len(h) >= 14 && string(h[:5]) == "X\n\x00\x00\x00" && (h[5] == 2 || h[5] == 3)
}

// compiledR looks for the type of a compiled function, how many there are in it,
// and its instructions: a vector of integers of which the first is their version
// (src/main/serialize.c, WriteBC; eval.c, R_bcVersion).
func compiledR(h []byte) bool {
	for at := 14 + 8; ; at++ {
		i := bytes.Index(h[min(at, len(h)):], []byte("\x00\x00\x00\r\x00"))
		if at += i; i < 0 || len(h) < at+12 {
			return false
		}
		if v := be.Uint32(h[at+8:]); be.Uint32(h[at-8:])&^0xff00 == 0x15 && h[at-4] == 0 && v >= 5 && v < 32 {
			return true
		}
	}
}
