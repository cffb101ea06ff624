package wire

import (
	"errors"
	"fmt"
	"io"
	"sync"
)

// Outgoing is the sending end of one stream: an io.Writer that waits for
// room in the peer's window.
type Outgoing struct {
	w      *Writer
	id     uint32
	stream string

	mu     sync.Mutex
	cond   *sync.Cond
	credit int
	err    error
	closed bool
}

// NewOutgoing sends on w as stream s of request id.
func NewOutgoing(w *Writer, id uint32, s string) *Outgoing {
	o := &Outgoing{w: w, id: id, stream: s, credit: Window}
	o.cond = sync.NewCond(&o.mu)
	return o
}

// Write sends all of p, in frames of at most Chunk bytes.
func (o *Outgoing) Write(p []byte) (int, error) {
	done := 0
	for done < len(p) {
		n, err := o.take(min(len(p)-done, Chunk))
		if err != nil {
			return done, err
		}
		if err := o.w.Send(Msg{T: "data", ID: o.id, Stream: o.stream}, p[done:done+n]); err != nil {
			return done, err
		}
		done += n
	}
	return done, nil
}

// take waits for room and takes up to n bytes of it.
func (o *Outgoing) take(n int) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for o.credit == 0 && o.err == nil {
		o.cond.Wait()
	}
	if o.err != nil {
		return 0, o.err
	}
	n = min(n, o.credit)
	o.credit -= n
	return n, nil
}

// Ack gives n bytes of room back, as an ack message says.
func (o *Outgoing) Ack(n int) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if n <= 0 || o.credit+n > Window {
		return fmt.Errorf("%w: ack of %d bytes with %d outstanding", ErrProtocol, n, Window-o.credit)
	}
	o.credit += n
	o.cond.Broadcast()
	return nil
}

// Close sends the end of the stream, once.
func (o *Outgoing) Close() error {
	o.mu.Lock()
	if o.closed || o.err != nil {
		o.mu.Unlock()
		return nil
	}
	o.closed = true
	o.mu.Unlock()
	return o.w.Send(Msg{T: "eof", ID: o.id, Stream: o.stream}, nil)
}

// Fail makes every Write, present and future, return err.
func (o *Outgoing) Fail(err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.err == nil {
		o.err = err
	}
	o.cond.Broadcast()
}

// Incoming is the receiving end of one stream: an io.Reader over a buffer of
// at most Window bytes that acknowledges what is read.
type Incoming struct {
	w      *Writer
	id     uint32
	stream string

	mu   sync.Mutex
	cond *sync.Cond
	buf  []byte
	owed int // read but not yet acknowledged
	acks int // being sent
	room int
	err  error // io.EOF after the end
}

// NewIncoming receives stream s of request id; acks go out on w.
func NewIncoming(w *Writer, id uint32, s string) *Incoming {
	i := &Incoming{w: w, id: id, stream: s, room: Window}
	i.cond = sync.NewCond(&i.mu)
	return i
}

// Data takes the payload of a data frame. It neither blocks nor sends: it is
// called by whoever reads the channel, and if that one waited to write, at both
// ends at once, nobody would read any more.
func (i *Incoming) Data(p []byte) error {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.err != nil {
		if errors.Is(i.err, io.EOF) {
			return fmt.Errorf("%w: %s of request %d goes on after its end", ErrProtocol, i.stream, i.id)
		}
		return nil // given up on: what still arrives is dropped
	}
	if len(p) > i.room {
		return fmt.Errorf("%w: %s of request %d overran its window", ErrProtocol, i.stream, i.id)
	}
	i.room -= len(p)
	i.buf = append(i.buf, p...)
	i.cond.Broadcast()
	return nil
}

// Read implements io.Reader. That an ack could not be sent is no error of what
// was read: a channel that fails ends the stream, and End says why.
func (i *Incoming) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	for len(i.buf) == 0 && i.err == nil {
		i.cond.Wait()
	}
	if len(i.buf) == 0 {
		return 0, i.err
	}
	n := copy(p, i.buf)
	i.buf = i.buf[n:]
	if len(i.buf) == 0 {
		i.buf = nil
	}
	i.ackLocked(n)
	return n, nil
}

// ackLocked gives room back, in steps worth a message.
func (i *Incoming) ackLocked(n int) {
	i.owed += n
	if i.err != nil {
		i.owed = 0 // the stream is over: nobody waits for room
	}
	if i.owed < Window/4 {
		return
	}
	n, i.owed = i.owed, 0
	i.room += n
	i.acks++
	i.mu.Unlock() // a slow channel must not hold up Data
	_ = i.w.Send(Msg{T: "ack", ID: i.id, Stream: i.stream, N: n}, nil)
	i.mu.Lock()
	i.acks--
	i.cond.Broadcast()
}

// End takes the end of the stream; err is io.EOF for an orderly one.
func (i *Incoming) End(err error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.err == nil {
		i.err = err
	}
	i.cond.Broadcast()
}

// errClosed is what a reader gets after Close.
var errClosed = errors.New("the stream is closed")

// Close gives the stream up: what still arrives is dropped, and when Close
// returns the last ack has been sent, so that the message which ends the
// request is the last of it.
func (i *Incoming) Close() {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.err == nil {
		i.err = errClosed
	}
	i.buf = nil
	i.cond.Broadcast()
	for i.acks > 0 {
		i.cond.Wait()
	}
}

// Discard drops what is buffered and all that is still to come, so that a
// sender is not held up by a reader that went away.
func (i *Incoming) Discard() {
	go func() { _, _ = io.Copy(io.Discard, i) }() // until the end, which comes
}
