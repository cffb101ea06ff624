package wire

import (
	"bytes"
	"errors"
	"io"
	"net"
	"sync"
	"testing"
	"time"
)

func TestPump(t *testing.T) {
	for _, n := range []int{0, 1, Chunk, Window, 5*Window + 3} {
		if err := pump(n); err != nil {
			t.Errorf("%d bytes: %v", n, err)
		}
	}
}

// A sender waits when its window is full, and no longer than that.
func TestWindow(t *testing.T) {
	var sent bytes.Buffer
	o := NewOutgoing(NewWriter(&sent), 1, Stdin)
	if n, err := o.Write(make([]byte, Window)); n != Window || err != nil {
		t.Fatal(n, err)
	}
	done := make(chan error, 1)
	go func() {
		_, err := o.Write([]byte("x"))
		done <- err
	}()
	select {
	case err := <-done:
		t.Fatalf("a byte beyond the window was sent: %v", err)
	case <-time.After(50 * time.Millisecond):
	}
	if err := o.Ack(1); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{0, -1, Window + 1} {
		if err := o.Ack(n); !errors.Is(err, ErrProtocol) {
			t.Errorf("ack of %d: %v", n, err)
		}
	}
	boom := errors.New("gone")
	o.Fail(boom)
	if _, err := o.Write([]byte("x")); !errors.Is(err, boom) {
		t.Errorf("write after failure: %v", err)
	}
}

func TestIncomingHostile(t *testing.T) {
	i := NewIncoming(NewWriter(io.Discard), 1, Stdout)
	if err := i.Data(make([]byte, Window)); err != nil {
		t.Fatal(err)
	}
	if err := i.Data([]byte("x")); !errors.Is(err, ErrProtocol) {
		t.Errorf("beyond the window: %v", err)
	}
	i = NewIncoming(NewWriter(io.Discard), 1, Stdout)
	i.End(io.EOF)
	if err := i.Data([]byte("x")); !errors.Is(err, ErrProtocol) {
		t.Errorf("after the end: %v", err)
	}
}

// Two ends of a channel that holds nothing: each write waits for the other
// end's reader. Streams go both ways and nobody wants them any more: the
// readers of the channel must not be held up by acks that they owe each other.
func TestDiscard(t *testing.T) {
	const streams, size = 8, 4 * Window
	errs := make(chan error, 2+2*streams)
	var sending sync.WaitGroup
	end := func(conn net.Conn) {
		w := NewWriter(conn)
		var in [streams]*Incoming
		var out [streams]*Outgoing
		for id := range in {
			in[id], out[id] = NewIncoming(w, uint32(id), Stdout), NewOutgoing(w, uint32(id), Stdout)
		}
		go func() {
			var err error
			for r := NewReader(conn); err == nil; {
				var m Msg
				var p []byte
				if m, p, err = r.Next(); m.T == "data" {
					err = in[m.ID].Data(p)
				} else if m.T == "ack" {
					err = out[m.ID].Ack(m.N)
				}
			}
			if errors.Is(err, ErrProtocol) {
				errs <- err
			}
			for _, i := range in {
				i.End(io.EOF)
			}
		}()
		for id := range in {
			in[id].Discard()
			sending.Go(func() {
				_, err := out[id].Write(make([]byte, size))
				errs <- err
			})
		}
	}
	a, b := net.Pipe()
	defer a.Close()
	defer b.Close()
	end(a)
	end(b)
	sending.Wait()
	for len(errs) > 0 {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
}

// slowly lets a write through when it is told to.
type slowly struct{ begun, pass chan struct{} }

func (s slowly) Write(p []byte) (int, error) {
	s.begun <- struct{}{}
	<-s.pass
	return len(p), nil
}

// After Close no ack is sent, and none is on its way.
func TestIncomingClose(t *testing.T) {
	w := slowly{make(chan struct{}), make(chan struct{})}
	i := NewIncoming(NewWriter(w), 1, Stdin)
	if err := i.Data(make([]byte, Window)); err != nil {
		t.Fatal(err)
	}
	read := make(chan error)
	go func() {
		_, err := i.Read(make([]byte, Window/2))
		read <- err
	}()
	<-w.begun
	closed := make(chan struct{})
	go func() { i.Close(); close(closed) }()
	select {
	case <-closed:
		t.Error("closed while an ack was being sent")
	case <-time.After(50 * time.Millisecond):
	}
	close(w.pass)
	<-closed
	if err := <-read; err != nil {
		t.Error(err)
	}
	for range 10 { // an ack would wait for w.begun
		if err := i.Data(make([]byte, Window)); err != nil {
			t.Error(err)
		}
	}
	if n, err := i.Read(make([]byte, 1)); n != 0 || !errors.Is(err, errClosed) {
		t.Errorf("read %d, %v", n, err)
	}
}
