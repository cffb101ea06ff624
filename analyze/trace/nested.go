package trace

import (
	"bytes"
	"context"
	"debug/elf"
	"debug/pe"
	"fmt"

	"fromsource/analyze/content"
)

// A compiled file can hold another one in compressed form: a kernel its own
// code and a RAM disk, a program the helper that it unpacks. Those are looked
// for inside the parts that are loaded, by their headers.

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
// have fixed.
var streams = [][]byte{
	[]byte("\x1f\x8b\x08"), []byte("\xfd7zXZ\x00"), []byte("\x28\xb5\x2f\xfd"), []byte("BZh"), []byte("PK\x03\x04"), []byte("7z\xbc\xaf\x27\x1c"),
}

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
	for _, part := range loaded(b) {
		end := min(part[1], int64(len(b)))
		for at := part[0]; at < end; {
			k := nextStream(b[at:end])
			if k < 0 {
				break
			}
			if tries == maxNested {
				return out, false
			}
			at += int64(k)
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

// nextStream is where the next stream could begin; negative where none does.
func nextStream(b []byte) int {
	best := -1
	for _, m := range streams {
		for from := 0; ; {
			k := bytes.Index(b[from:], m)
			if k < 0 || best >= 0 && from+k >= best {
				break
			}
			if k += from; plausible(b[k:]) {
				best = k
				b = b[:min(len(b), k+32)]
				break
			}
			from = k + 1
		}
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
	}
	return true
}

// loaded are the parts of an ELF or PE file that a program has in memory: what
// lies behind them is looked at by content.
func loaded(b []byte) [][2]int64 {
	var out [][2]int64
	if f, err := elf.NewFile(bytes.NewReader(b)); err == nil {
		defer f.Close()
		for _, s := range f.Sections {
			if s.Type == elf.SHT_PROGBITS && s.Flags&elf.SHF_COMPRESSED == 0 && s.Offset < uint64(len(b)) && s.Size < 1<<62 {
				out = append(out, [2]int64{int64(s.Offset), int64(s.Offset + s.Size)})
			}
		}
		return out
	}
	if f, err := pe.NewFile(bytes.NewReader(b)); err == nil {
		defer f.Close()
		for _, s := range f.Sections {
			if int64(s.Offset) < int64(len(b)) {
				out = append(out, [2]int64{int64(s.Offset), int64(s.Offset) + int64(s.Size)})
			}
		}
	}
	return out
}
