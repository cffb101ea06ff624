package trace

import (
	"bytes"
	"context"
	"debug/elf"
	"debug/pe"
	"encoding/binary"
	"fmt"
	"slices"

	"fromsource/analyze/audit"
	"fromsource/analyze/content"
	"fromsource/analyze/content/format"
)

// A compiled file can hold another one in compressed form: a kernel its own
// code and a RAM disk, a program the helper that it unpacks, firmware what a boot
// loader starts. Those are looked for inside the parts that are loaded, by their
// headers.

const (
	// maxNested bounds how many headers are tried in one file: a compressor
	// has the magics of its formats once or twice, and data by chance.
	maxNested = 64
	// maxNestedBytes and maxTries bound what all of one store path are unpacked
	// to, in bytes, and how many are tried.
	maxNestedBytes = 4 << 30
	maxTries       = 1 << 14
	// leastNested is the least that is worth a try, in bytes.
	leastNested = 256
)

// streams are the magics of what is compressed, with as much as the formats
// have fixed: searched for from a byte on that is rare in programs. The later
// ones are not looked for among machine code.
var streams = []struct {
	from  int // where in the magic find begins
	find  []byte
	magic []byte
}{
	{0, []byte("\x1f\x8b\x08"), []byte("\x1f\x8b\x08")},
	{0, []byte("\xfd7zXZ\x00"), []byte("\xfd7zXZ\x00")},
	{0, []byte("\x28\xb5\x2f\xfd"), []byte("\x28\xb5\x2f\xfd")},
	{0, []byte("BZh"), []byte("BZh")},
	{0, []byte("PK\x03\x04"), []byte("PK\x03\x04")},
	{0, []byte("7z\xbc\xaf\x27\x1c"), []byte("7z\xbc\xaf\x27\x1c")},
	{1, []byte("\x22\x4d\x18"), []byte("\x04\x22\x4d\x18")},
	{1, []byte("\x21\x4c\x18"), []byte("\x02\x21\x4c\x18")},
	{2, []byte("ZO\x00\r\n\x1a\n"), []byte("\x89LZO\x00\r\n\x1a\n")},
	{1, []byte("ZIP\x01"), []byte("LZIP\x01")},
	{0, []byte("\x5d\x00\x00"), []byte("\x5d\x00\x00")},
	{0, []byte("x"), []byte("x")}, // zlib, of which the second byte has four values
}

// anywhere is how many of these are looked for in all that is loaded.
const anywhere = 6

// budget is what is left of these bounds.
type budget struct {
	bytes int64
	tries int
}

// nested finds the compiled files that lie compressed inside a compiled one,
// and shows them to code. What does not unpack was none. It returns false where
// the budget did not suffice.
func nested(ctx context.Context, inspect content.Inspector, f *content.File, b []byte, code func(*content.File, []byte), left *budget) ([]content.File, bool) {
	var out []content.File
	tries := 0
	parts := loaded(b)
	if f.Kind == audit.Firmware { // an image of a boot loader, a volume of UEFI
		parts = [][3]int64{{0, int64(len(b)), 0}}
	}
	for _, part := range parts {
		end := min(part[1], int64(len(b)))
		if part[0] >= end {
			continue
		}
		find := newFinder(b[part[0]:end], part[2] != 0)
		for at := part[0]; ; {
			k := find.after(int(at - part[0]))
			if k < 0 {
				break
			}
			if tries == maxNested {
				return out, false
			}
			at = part[0] + int64(k)
			if end-at < leastNested {
				break
			}
			if left.bytes <= 0 || left.tries <= 0 {
				return out, false
			}
			tries++
			left.tries--
			r, err := inspect(ctx, fmt.Sprintf("%s/@%d", f.Path, at), bytes.NewReader(b[at:end]), content.Options{Code: code, MaxBytes: left.bytes, Within: f})
			left.bytes -= r.Bytes
			at += 3
			if err != nil {
				return out, true // the context's; the walk itself ends with it
			}
			for i := range r.Members {
				if !r.Members[i].Embedded {
					out = append(out, r.Members[i])
				}
			}
			if len(r.Members) > 0 {
				at += leastNested - 3
			}
		}
	}
	return out, true
}

// finder finds streams one after the other. It remembers where each magic comes
// next, so that all of it is searched for each of them once.
type finder struct {
	b    []byte
	next []int // by magic: the place of the last that was found, negative before
}

func newFinder(b []byte, code bool) *finder {
	n := len(streams)
	if code {
		n = anywhere
	}
	return &finder{b, slices.Repeat([]int{-1}, n)}
}

// after is where the next stream could begin, at the earliest at from; negative
// where none does.
func (f *finder) after(from int) int {
	from = min(from, len(f.b))
	best := len(f.b)
	for i := range f.next {
		m := &streams[i]
		for at := from; f.next[i] < from; at++ {
			k := bytes.Index(f.b[min(at+m.from, len(f.b)):], m.find)
			if at += k; k < 0 {
				f.next[i] = len(f.b)
			} else if bytes.HasPrefix(f.b[at:], m.magic) && plausible(f.b[at:]) {
				f.next[i] = at
			}
		}
		best = min(best, f.next[i])
	}
	if best >= len(f.b) {
		return -1
	}
	return best
}

// plausible takes a second look at headers whose magic is short.
func plausible(b []byte) bool {
	if len(b) < 32 {
		return false
	}
	switch b[0] {
	case 0x1f: // reserved flags, XFL and the operating system (RFC 1952)
		return b[3]&0xe0 == 0 && (b[8] == 0 || b[8] == 2 || b[8] == 4) && (b[9] <= 13 || b[9] == 255)
	case 'B':
		return b[3] >= '1' && b[3] <= '9' && string(b[4:10]) == "1AY&SY"
	case 'P':
		return b[4] <= 63 && b[5] <= 20 && b[26]|b[27] != 0 && b[27] < 16
	case 0x28: // the reserved bit of the frame header (RFC 8878)
		return b[4]&0x08 == 0
	case 0x04: // version 1 of the frame, a size for its blocks (lz4_Frame_format.md)
		return b[4]&0xc2 == 0x40 && b[5]&0x8f == 0 && b[5] >= 0x40
	case 0x02: // the size of the first block: of 8 MiB and what can't be compressed of it
		n := binary.LittleEndian.Uint32(b[4:])
		return n > 0 && n <= 8<<20+8<<20/255+16 && b[8] != 0
	case 0x5d: // a window of 2^n or 3*2^n bytes, a size, and the coder's first byte (lzma-file-format.txt)
		window, size := binary.LittleEndian.Uint32(b[1:]), binary.LittleEndian.Uint64(b[5:])
		for window&1 == 0 && window > 3 {
			window >>= 1
		}
		return b[3]|b[4] != 0 && (window == 1 || window == 2 || window == 3) && (size == ^uint64(0) || size > 0 && size < 1<<40) &&
			b[13] == 0 && b[14] < 0x80 && bytes.Count(b[14:32], []byte{0}) < 4 // a table of numbers has more
	case 'x': // what it begins to inflate to: programs have hundreds of pictures
		if b[1] != 0x9c && b[1] != 0xda && b[1] != 0x01 && b[1] != 0x5e {
			return false
		}
		out, name := format.Deflated(b[:min(len(b), 4<<10)])
		if name != "zlib" {
			return false
		}
		m := format.Detect("", out, -1)
		return m.Compiled() || m.Container
	}
	return true
}

// loaded are the parts of an ELF or PE file that a program has in memory, from
// and to where, and not 0 for machine code: what lies behind them is looked at by
// content.
func loaded(b []byte) [][3]int64 {
	var out [][3]int64
	if f, err := elf.NewFile(bytes.NewReader(b)); err == nil {
		defer f.Close()
		for _, s := range f.Sections {
			if s.Type == elf.SHT_PROGBITS && s.Flags&elf.SHF_COMPRESSED == 0 && s.Offset < uint64(len(b)) && s.Size < 1<<62 {
				out = append(out, [3]int64{int64(s.Offset), int64(s.Offset + s.Size), int64(s.Flags & elf.SHF_EXECINSTR)})
			}
		}
		return out
	}
	if f, err := pe.NewFile(bytes.NewReader(b)); err == nil {
		defer f.Close()
		for _, s := range f.Sections {
			if int64(s.Offset) < int64(len(b)) {
				out = append(out, [3]int64{int64(s.Offset), int64(s.Offset) + int64(s.Size), int64(s.Characteristics & pe.IMAGE_SCN_CNT_CODE)})
			}
		}
	}
	return out
}
