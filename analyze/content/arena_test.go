package content

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strconv"
	"testing"

	"fromsource/analyze/content/stream"
)

// TestSpill: what is held in memory is what is left of the input, alone and
// beside what was held before, and as aligned as in the input.
func TestSpill(t *testing.T) {
	b := make([]byte, 3*stream.Window)
	for i := range b {
		b[i] = byte(i * 7 / 3)
	}
	for _, size := range []int64{int64(len(b)), -1} {
		a := arena{account: new(account)}
		var undos []func()
		var held [][]byte
		var want [][]byte
		for _, off := range []int{0, 8, 13, 63, 64, stream.Window - 1} {
			in := stream.New(bytes.NewReader(b), size)
			in.Peek(off)
			in.Advance(off)
			got, undo, err := a.spill(context.Background(), in)
			if err != nil {
				t.Fatal(err)
			}
			at, err := strconv.ParseInt(fmt.Sprintf("%p", got)[2:], 16, 64)
			if err != nil {
				t.Fatal(err)
			}
			if at%stream.Align != int64(off)%stream.Align {
				t.Errorf("byte %d at %#x", off, at)
			}
			in.Close()
			undos, held, want = append(undos, undo), append(held, got), append(want, b[off:])
		}
		for i := range held {
			if !bytes.Equal(held[i], want[i]) {
				t.Errorf("%d bytes held, not the %d there were", len(held[i]), len(want[i]))
			}
		}
		for i := len(undos) - 1; i >= 0; i-- {
			undos[i]()
		}
		if a.small.used != 0 || a.small.out != 0 {
			t.Errorf("%d bytes are left, %d of them empty", a.small.used, a.small.out)
		}
		a.release()
	}
}

// TestSpillBounds: a small arena goes over into the large one where it is full,
// and that has its own bound.
func TestSpillBounds(t *testing.T) {
	for _, c := range []struct {
		size  int64
		large bool
		ok    bool
	}{{smallArena, false, true}, {smallArena + 1, true, true}, {arenaSize, true, true}, {arenaSize + 1, false, false}} {
		for _, known := range []bool{true, false} {
			a := arena{account: new(account)}
			declared := int64(-1)
			if known {
				declared = c.size
			}
			in := stream.New(&endless{left: c.size}, declared)
			in.Peek(5)
			b, undo, err := a.spill(context.Background(), in)
			if (err == nil) != c.ok || c.ok && int64(len(b)) != c.size || a.large() != c.large {
				t.Errorf("%d bytes, known: %v: %d held, in the large arena: %v, %v", c.size, known, len(b), a.large(), err)
			}
			undo()
			in.Close()
			a.release()
		}
	}
}

// endless is a reader of as many zeros as are left.
type endless struct{ left int64 }

func (e *endless) Read(p []byte) (int, error) {
	n := min(int64(len(p)), e.left)
	clear(p[:n])
	e.left -= n
	if n == 0 {
		return 0, io.EOF
	}
	return int(n), nil
}
