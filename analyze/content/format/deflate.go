package format

import (
	"bytes"
	"errors"
	"hash/adler32"
	"io"

	"fromsource/analyze/content/inflate"
)

// enough is how much of what a stream inflates to tells what it is, and how
// much of the stream is given for it: a decoder goes on to fill its window.
const enough = 512

// zlibHeader says whether b begins with the two bytes of a zlib stream, as
// encoders write them (RFC 1950, 2.2): deflate with a window of 32 KiB, the
// check of both bytes, no dictionary.
func zlibHeader(b []byte) bool {
	return len(b) > 2 && b[0] == 'x' && (b[1] == 0x01 || b[1] == 0x5e || b[1] == 0x9c || b[1] == 0xda)
}

// detectZlib recognises a zlib stream by what becomes of it: the header alone
// is two characters of some texts. A short one is known by its checksum, of a
// longer one the first block must not be of the fixed codes, which many bytes
// are.
func detectZlib(b Blob) (Match, bool) {
	if !zlibHeader(b.B) {
		return Match{}, false
	}
	out, used, err := inflated(b.B[2:], enough)
	switch {
	case err == nil, errors.Is(err, io.ErrUnexpectedEOF) && len(b.B) > 2+enough:
		return container("zlib"), b.B[2]&6 != 2 && len(out) >= 64
	case errors.Is(err, io.EOF):
		sum := b.at(uint64(2+used), 4)
		return container("zlib"), sum != nil && be.Uint32(sum) == adler32.Checksum(out)
	}
	return Match{}, false
}

// Deflated returns the beginning of what b inflates to, where it is a zlib
// stream or one of deflate without a header (RFC 1951), and which; nil where it
// is neither. A block with codes of its own makes sense of few other bytes.
func Deflated(b []byte) (out []byte, name string) {
	name = "deflate"
	if zlibHeader(b) {
		b, name = b[2:], "zlib"
	}
	if len(b) < 16 || b[0]&6 != 4 {
		return nil, ""
	}
	// Pictures, of which each line begins with a small number, end here: a
	// program has a magic, and an archive begins with it or with a name.
	if out, _, _ := inflated(b, enough/4); len(out) >= 4 && out[0] < ' ' && !Magic(out) {
		return nil, ""
	}
	out, _, err := inflated(b, enough)
	if err != nil && (len(out) < 64 || !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF)) {
		return nil, ""
	}
	return out, name
}

// inflated returns the beginning of what most bytes of b inflate to, and how many
// were used: the error is io.EOF where the stream ends there, and
// io.ErrUnexpectedEOF where more of b would be needed.
func inflated(b []byte, most int) (out []byte, used int, err error) {
	b = b[:min(len(b), most)]
	src := bytes.NewReader(b)
	z := inflate.New(src)
	defer z.Close()
	out = make([]byte, most)
	n := 0
	for n < len(out) && err == nil {
		var k int
		k, err = z.Read(out[n:])
		n += k
	}
	return out[:n], len(b) - src.Len(), err
}
