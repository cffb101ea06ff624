package stream_test

import (
	"bytes"
	"fmt"
	"io"
	"math/rand"
	"strconv"
	"testing"

	"fromsource/analyze/content/stream"
)

// places is a reader that checks where it is asked to write to.
type places struct {
	t *testing.T
	r *bytes.Reader
}

func (p places) Read(b []byte) (int, error) {
	at := place(p.t, b)
	if off, _ := p.r.Seek(0, io.SeekCurrent); (at-int(off))%stream.Align != 0 {
		p.t.Errorf("byte %d at %#x", off, at)
	}
	return p.r.Read(b)
}

// TestAlign: bytes come to places that are as aligned as their own in the
// stream, whatever was looked at and consumed before.
func TestAlign(t *testing.T) {
	t.Run("stream", func(t *testing.T) { testAlign(t, stream.New) })
	t.Run("file", func(t *testing.T) { testAlign(t, stream.NewFile) })
}

func testAlign(t *testing.T, open func(io.Reader, int64) *stream.In) {
	b := random(40 * stream.Window)
	r := rand.New(rand.NewSource(2))
	in := open(places{t, bytes.NewReader(b)}, -1)
	defer in.Close()
	for off := 0; ; {
		if in.Phase() != off%stream.Align {
			t.Fatalf("phase %d at byte %d", in.Phase(), off)
		}
		seen := in.Peek(r.Intn(stream.Window + 100))
		if !bytes.Equal(seen, b[off:off+len(seen)]) {
			t.Fatalf("other bytes at %d", off)
		}
		n := r.Intn(len(seen) + 1)
		in.Advance(n)
		if off += n; off == len(b) {
			return
		}
		if r.Intn(4) == 0 { // past the buffer
			p := make([]byte, stream.Align+2*stream.Window)
			p = p[(off-place(t, p))&(stream.Align-1):]
			for range 3 {
				n := in.Into(p)
				if !bytes.Equal(p[:n], b[off:off+n]) {
					t.Fatalf("other bytes at %d", off)
				}
				p, off = p[n:], off+n
			}
		}
	}
}

// place is the address of a buffer.
func place(t *testing.T, b []byte) int {
	at, err := strconv.ParseInt(fmt.Sprintf("%p", b)[2:], 16, 64)
	if err != nil {
		t.Fatal(err)
	}
	return int(at)
}
