package wire

import (
	"bytes"
	"errors"
	"io"
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

// Discard lets a sender go on for ever.
func TestDiscard(t *testing.T) {
	var acks bytes.Buffer
	i := NewIncoming(NewWriter(&acks), 1, Stdout)
	if err := i.Data(make([]byte, Window/2)); err != nil {
		t.Fatal(err)
	}
	if err := i.Discard(); err != nil {
		t.Fatal(err)
	}
	for range 100 {
		if err := i.Data(make([]byte, Window/2)); err != nil {
			t.Fatal(err)
		}
	}
	i.End(io.EOF)
	if n, err := i.Read(make([]byte, 1)); n != 0 || err != io.EOF {
		t.Errorf("read %d, %v", n, err)
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
