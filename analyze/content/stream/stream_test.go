package stream_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"io"
	"math/rand"
	"testing"
	"testing/iotest"

	"fromsource/analyze/content/stream"
)

func random(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.New(rand.NewSource(1)).Read(b) // not for a secret
	return b
}

// into reads all of in with Into, after it has looked at some bytes.
func into(in *stream.In, look, room int) []byte {
	in.Peek(look)
	var out []byte
	p := make([]byte, room)
	for {
		n := in.Into(p)
		if n == 0 {
			return out
		}
		out = append(out, p[:n]...)
	}
}

// TestInto: what is read in place is what is read through the buffer, taps see
// it, and no view reads more than it has.
func TestInto(t *testing.T) {
	b := random(3*stream.Window + 777)
	for _, size := range []int64{int64(len(b)), -1} {
		for _, look := range []int{0, 1, stream.Window} {
			for _, room := range []int{1000, stream.Window, 2*stream.Window + 5} {
				for _, r := range []io.Reader{bytes.NewReader(b), iotest.HalfReader(bytes.NewReader(b)), iotest.DataErrReader(bytes.NewReader(b))} {
					in := stream.New(r, size)
					h := sha256.New()
					in.Tap(h)
					sub := in.Sub(int64(len(b) - 100))
					got := into(sub, look, room)
					if !bytes.Equal(got, b[:len(b)-100]) || sub.Err() != nil {
						t.Errorf("%d bytes, %v", len(got), sub.Err())
					}
					if rest := into(in, 0, room); !bytes.Equal(rest, b[len(b)-100:]) || in.Err() != nil {
						t.Errorf("%d bytes behind the view, %v", len(rest), in.Err())
					}
					if want := sha256.Sum256(b); !bytes.Equal(h.Sum(nil), want[:]) {
						t.Error("the tap has seen something else")
					}
					in.Close()
				}
			}
		}
	}
}

// TestIntoFails: an early end and an error of the reader are told as of reads
// through the buffer.
func TestIntoFails(t *testing.T) {
	b := random(stream.Window + 10)
	in := stream.New(bytes.NewReader(b), int64(len(b))+1)
	if got := into(in, 0, stream.Window); len(got) != len(b) || !errors.Is(in.Err(), io.ErrUnexpectedEOF) {
		t.Errorf("%d bytes, %v", len(got), in.Err())
	}
	broken := errors.New("broken")
	in = stream.New(io.MultiReader(bytes.NewReader(b), iotest.ErrReader(broken)), -1)
	if got := into(in, 0, stream.Window); len(got) != len(b) || !errors.Is(in.Err(), broken) {
		t.Errorf("%d bytes, %v", len(got), in.Err())
	}
	in = stream.New(silent{}, -1)
	if got := into(in, 0, stream.Window); len(got) != 0 || !errors.Is(in.Err(), io.ErrNoProgress) {
		t.Errorf("%d bytes, %v", len(got), in.Err())
	}
}

// silent is a reader that never has anything.
type silent struct{}

func (silent) Read([]byte) (int, error) { return 0, nil }
