package trace

import (
	"bytes"
	"debug/elf"
	"hash/fnv"
	"slices"
)

// A bulk sample is like that of code, of all bytes and much sparser: it finds
// a file that lies whole inside another one, at any offset: a program that a
// linker, an assembler or a compiler took in as data, firmware that was joined
// or padded, a class in an image of classes.

const (
	// bulkBits is how many bits of a window's hash must be zero: one window in
	// 1024 is chosen.
	bulkBits = 10
	// bulkWindow is how many bytes such a hash is of: each shifts out of it
	// after 64 more.
	bulkWindow = 64
)

// gear are the numbers that stand for bytes in a gear hash (Xia and others,
// "FastCDC", 2016): the outputs of SplitMix64.
var gear = func() (t [256]uint64) {
	x := uint64(0)
	for i := range t {
		x += 0x9e3779b97f4a7c15
		z := x
		z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
		z = (z ^ z>>27) * 0x94d049bb133111eb
		t[i] = z ^ z>>31
	}
	return t
}()

// sampleBulk appends the sums of the windows that are chosen.
func sampleBulk(sums []uint32, b []byte) []uint32 {
	if len(b) < bulkWindow {
		return sums
	}
	h := uint64(0)
	for _, c := range b[:bulkWindow-1] {
		h = h<<1 + gear[c]
	}
	for i, c := range b[bulkWindow-1:] {
		h = h<<1 + gear[c]
		if h>>(64-bulkBits) != 0 {
			continue
		}
		if w := b[i : i+bulkWindow]; varied(w) {
			f := fnv.New32a()
			_, _ = f.Write(w) // never fails
			sums = append(sums, f.Sum32())
		}
	}
	return sums
}

// MinBulk is the least number of sums by which a file is recognised inside
// another one; that is some four kibibytes. MostOf tells whether enough of
// them is there: an edge, an interpreter or a signature may have changed.
const MinBulk = 4

// MostOf reports whether n of all sums are most: nine of ten.
func MostOf(n, all int) bool { return n >= MinBulk && 10*n >= 9*all }

// bulk samples a stream of bytes. It is an io.Writer that never fails.
type bulk struct {
	sums []uint32
	tail []byte // the last bulkWindow-1 bytes
	buf  []byte
}

func (b *bulk) Write(p []byte) (int, error) {
	n := len(p)
	if len(p) == 0 {
		return 0, nil
	}
	// The windows on the boundary, then those inside.
	head := p[:min(len(p), bulkWindow-1)]
	b.buf = append(append(b.buf[:0], b.tail...), head...)
	b.sums = sampleBulk(b.sums, b.buf)
	if len(p) >= bulkWindow {
		b.sums = sampleBulk(b.sums, p)
		b.tail = append(b.tail[:0], p[len(p)-(bulkWindow-1):]...)
	} else {
		b.tail = append(b.tail[:0], b.buf[max(0, len(b.buf)-(bulkWindow-1)):]...)
	}
	if len(b.sums) > 1<<20 && len(b.sums) == cap(b.sums) {
		b.tidy() // long runs of the same give the same sums
	}
	return n, nil
}

func (b *bulk) tidy() {
	slices.Sort(b.sums)
	b.sums = slices.Compact(b.sums)
}

// done gives the sums, sorted.
func (b *bulk) done() []uint32 {
	b.tidy()
	return slices.Clip(b.sums)
}

// sampleWhole samples one compiled file: of an ELF file what is loaded, since
// the rest is what strip takes away.
func sampleWhole(b []byte) []uint32 {
	var sums []uint32
	f, err := elf.NewFile(bytes.NewReader(b))
	if err == nil {
		for _, sec := range f.Sections {
			if sec.Type != elf.SHT_PROGBITS || sec.Flags&elf.SHF_ALLOC == 0 || sec.Flags&elf.SHF_COMPRESSED != 0 {
				continue
			}
			if end := sec.Offset + sec.Size; end >= sec.Offset && end <= uint64(len(b)) {
				sums = sampleBulk(sums, b[sec.Offset:end])
			}
		}
		_ = f.Close() // reads from memory
	}
	if len(sums) == 0 {
		sums = sampleBulk(nil, b)
	}
	slices.Sort(sums)
	return slices.Clip(slices.Compact(sums))
}
