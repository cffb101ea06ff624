package archive

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"fromsource/analyze/content/stream"
)

// maxRPMHeader bounds a header's store; the format's own bound is 256 MiB.
const maxRPMHeader = 256 << 20

// MaxRPMHeld is how much of a header is held to be given: those of packages of
// ten thousands of files are smaller.
const MaxRPMHeld = 8 << 20

// RPM passes the lead, the signature and the header of an RPM package, and
// leaves in at the payload, which says itself how it is compressed (rpm.org,
// "RPM V4 Package format"). Give is called for what the two headers hold: all
// of each, and once more each long value that is text, such as a scriptlet; the
// bytes are its own. Of a header over MaxRPMHeld it is called with a nil slice.
func RPM(in *stream.In, give func(name string, b []byte)) error {
	if err := in.Skip(96); err != nil {
		return fmt.Errorf("rpm lead: %w", err)
	}
	n, err := rpmHeader(in, "[signature]", give)
	if err != nil {
		return fmt.Errorf("rpm signature: %w", err)
	}
	if err := in.Skip(-n & 7); err != nil {
		return fmt.Errorf("rpm signature: %w", err)
	}
	if _, err := rpmHeader(in, "[header]", give); err != nil {
		return fmt.Errorf("rpm header: %w", err)
	}
	return nil
}

func rpmHeader(in *stream.In, name string, give func(string, []byte)) (int64, error) {
	var h [16]byte
	if err := in.Full(h[:]); err != nil {
		return 0, err
	}
	if h[0] != 0x8e || h[1] != 0xad || h[2] != 0xe8 {
		return 0, fmt.Errorf("%w: no magic of a header at byte %d", ErrFormat, in.Off()-16)
	}
	index := int64(binary.BigEndian.Uint32(h[8:])) * 16
	n := index + int64(binary.BigEndian.Uint32(h[12:]))
	if n > maxRPMHeader {
		return 0, fmt.Errorf("%w: header of %d bytes at byte %d", ErrFormat, n, in.Off())
	}
	if n > MaxRPMHeld {
		give(name, nil)
		return n, in.Skip(n)
	}
	b := make([]byte, n)
	if err := in.Full(b); err != nil {
		return 0, err
	}
	rpmTexts(b[:index], b[index:], name, give)
	give(name, b)
	return n, nil
}

// longText is the length of a value in a header that is worth a look of its
// own: a list of names is text as well.
const longText = 512

// rpmTexts gives the values of a header that are strings, one a line, as far as
// they do not overlap.
func rpmTexts(index, store []byte, name string, give func(string, []byte)) {
	be := binary.BigEndian
	left := len(store)
	for ; len(index) >= 16; index = index[16:] {
		tag, typ, off, count := be.Uint32(index), be.Uint32(index[4:]), be.Uint32(index[8:]), be.Uint32(index[12:])
		if typ != 6 && typ != 8 && typ != 9 || uint64(off) >= uint64(len(store)) { // a string, many, one for each language
			continue
		}
		if typ == 6 {
			count = 1
		}
		v := store[off:]
		end := 0
		for ; count > 0 && end < len(v); count-- {
			i := bytes.IndexByte(v[end:], 0)
			if i < 0 {
				end = len(v)
				break
			}
			end += i + 1
		}
		if left -= end; left < 0 {
			return // values overlap: all of the header is given besides
		}
		if end >= longText {
			give(fmt.Sprintf("%s/%d", name, tag), bytes.ReplaceAll(v[:end], []byte{0}, []byte{'\n'}))
		}
	}
}
