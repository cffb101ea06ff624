package compare

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
)

// blob is a whole file, in memory or spooled.
type blob struct {
	io.ReaderAt
	size int64
	mem  []byte   // set where the bytes are in memory
	tmp  *os.File // set where they are not
	held *int64   // what size counts against until close, if anything
}

func memory(b []byte) *blob {
	return &blob{ReaderAt: bytes.NewReader(b), size: int64(len(b)), mem: b}
}

func (b *blob) section(off, n int64) *io.SectionReader { return io.NewSectionReader(b, off, n) }
func (b *blob) reader() *io.SectionReader              { return b.section(0, b.size) }

// part is a blob of a range of b's bytes. It must not be closed.
func (b *blob) part(off, n int64) *blob {
	if b.mem != nil {
		return memory(b.mem[off : off+n])
	}
	return &blob{ReaderAt: b.section(off, n), size: n}
}

func (b *blob) close() {
	if b.held != nil {
		*b.held -= b.size
	}
	if b.tmp != nil {
		_ = b.tmp.Close()
	}
}

// head gives the first bytes, fewer at the end of the file.
func (b *blob) head(n int64) []byte {
	buf := make([]byte, min(n, b.size))
	k, _ := b.ReadAt(buf, 0)
	return buf[:k]
}

// errBudget says that MaxUnpacked is used up.
var errBudget = errors.New("too much to unpack")

// totalFactor is how many times MaxUnpacked may be unpacked one after another.
const totalFactor = 16

// spool keeps a stream: in memory when it is small, else in a temporary file
// that has no name. size is its length where that is known and counted, or -1:
// then it counts against what may be held at a time, until it is closed, and
// against what may be unpacked in all.
func (w *walker) spool(r io.Reader, size int64) (*blob, error) {
	limit := size
	var held *int64
	if size < 0 {
		limit = min(w.o.MaxUnpacked-w.unpacked, totalFactor*w.o.MaxUnpacked-w.total)
		r, held = io.LimitReader(r, limit+1), &w.unpacked
	}
	keep := func(b *blob) *blob {
		if held != nil {
			b.held = held
			w.unpacked += b.size
			w.total += b.size
		}
		return b
	}
	var buf bytes.Buffer
	if _, err := io.CopyN(&buf, r, w.o.InMemory+1); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if int64(buf.Len()) > limit {
		return nil, errBudget
	}
	if int64(buf.Len()) <= w.o.InMemory {
		return keep(memory(buf.Bytes())), nil
	}
	f, err := os.CreateTemp(w.o.TempDir, "fromsource-compare-")
	if err != nil {
		return nil, fmt.Errorf("making a temporary file: %w", err)
	}
	// Without a name it goes away with this process, whatever happens.
	if err := os.Remove(f.Name()); err != nil {
		f.Close()
		return nil, fmt.Errorf("unlinking a temporary file: %w", err)
	}
	n, err := io.Copy(f, io.MultiReader(&buf, r))
	if err == nil && n > limit {
		err = errBudget
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return keep(&blob{ReaderAt: f, size: n, tmp: f}), nil
}

// same compares two streams; an error in either is returned.
func same(a, b io.Reader) (bool, error) {
	bufA, bufB := make([]byte, 64<<10), make([]byte, 64<<10)
	for {
		n, errA := fill(a, bufA)
		m, errB := fill(b, bufB)
		if n != m || !bytes.Equal(bufA[:n], bufB[:m]) {
			return false, nil
		}
		if errA != nil || errB != nil {
			if errors.Is(errA, io.EOF) && errors.Is(errB, io.EOF) {
				return true, nil
			}
			return false, errors.Join(errA, errB)
		}
	}
}
