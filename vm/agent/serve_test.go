package agent

import (
	"errors"
	"io"
	"testing"

	"fromsource/vm/wire"
)

// The done of a request is its last message, also when it ends while its
// input still arrives.
func TestDoneIsLast(t *testing.T) {
	fromHost, host := io.Pipe()
	guest, toHost := io.Pipe()
	s := &server{w: wire.NewWriter(toHost), jobs: map[uint32]*job{}}
	served := make(chan error, 1)
	go func() { served <- s.serve(wire.NewReader(fromHost)) }()

	const requests = 500
	w := wire.NewWriter(host)
	sent := make(chan error, 1)
	go func() {
		input := make([]byte, wire.Chunk)
		for id := uint32(1); id <= requests; id++ {
			err := w.Send(wire.Msg{T: "put", ID: id, Path: "not absolute"}, nil)
			for n := 0; n < wire.Window; n += len(input) {
				err = errors.Join(err, w.Send(wire.Msg{T: "data", ID: id, Stream: wire.Stdin}, input))
			}
			if err != nil {
				sent <- err
				return
			}
		}
		sent <- w.Send(wire.Msg{T: "poweroff", ID: requests + 1}, nil)
	}()

	r := wire.NewReader(guest)
	done := map[uint32]bool{}
	for len(done) <= requests {
		m, _, err := r.Next()
		if err != nil {
			t.Fatal(err)
		}
		if done[m.ID] {
			t.Fatalf("%q for request %d after its done", m.T, m.ID)
		}
		if m.T == "done" {
			done[m.ID] = true
		}
	}
	if err := errors.Join(<-sent, <-served); err != nil {
		t.Error(err)
	}
}
