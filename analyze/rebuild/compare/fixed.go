package compare

import (
	"bytes"
	"encoding/binary"
	"strings"
	"time"
)

// isPyc recognises Python bytecode by its name and the end of its magic.
func isPyc(name string, h []byte) bool {
	return strings.HasSuffix(name, ".pyc") && len(h) >= 16 && h[2] == '\r' && h[3] == '\n'
}

// pyc compares the header's time of the source (PEP 552: flags 0, the time at
// offset 8).
func (w *walker) pyc(at string, a, b *blob, _ int) (bool, error) {
	for _, f := range []*blob{a, b} {
		if binary.LittleEndian.Uint32(f.head(16)[4:]) != 0 {
			return false, nil // the header holds a hash, not a time
		}
	}
	return w.stamped(at, a, b, 8, "bytecode header: time of the source", "the bytecode differs")
}

// stamped compares files that record a 32-bit time at an offset. A time alone
// is metadata; anything more is described with rest.
func (w *walker) stamped(at string, a, b *blob, off int64, name, rest string) (bool, error) {
	var ta, tb [4]byte
	if n, _ := a.ReadAt(ta[:], off); n < 4 {
		return false, nil
	}
	if n, _ := b.ReadAt(tb[:], off); n < 4 {
		return false, nil
	}
	if !bytes.Equal(ta[:], tb[:]) {
		utc := func(t [4]byte) string {
			return time.Unix(int64(binary.LittleEndian.Uint32(t[:])), 0).UTC().Format(time.RFC3339)
		}
		w.meta(at, "timestamp", "%s %s became %s", name, utc(ta), utc(tb))
	}
	after := off + 4
	if a.size == b.size && bytes.Equal(a.head(off), b.head(off)) {
		same, err := same(a.section(after, a.size-after), b.section(after, b.size-after))
		if err != nil {
			return false, err
		}
		if same {
			return true, nil
		}
	}
	p, err := firstDifference(a, b)
	if err != nil {
		return false, err
	}
	w.add(at, "content", "%s: %v", rest, p)
	return true, nil
}
