// Package stream is how the readers of analyze/content see bytes: one buffered
// source, and bounded views into it that can look ahead without copying.
//
// A view consumes from the source that it was cut from, so that an archive in
// an archive costs no buffer of its own. Views are not safe for concurrent use,
// and a view must be drained or dropped before its parent is read again.
package stream

import (
	"errors"
	"fmt"
	"io"
)

// Window is how far a source can look ahead.
const Window = 256 << 10

// Error is a read error of one source. Each has its own address, so that one
// that passes through several readers is known to be the same.
type Error struct{ Err error }

func (e *Error) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// In is a source or a view of one.
type In struct {
	src    *source
	up     *In
	remain int64
	off    int64
	taps   []io.Writer
	err    error
	short  error // the parent has less than was asked for
}

// New makes a source of r, which holds size bytes, or an unknown number where
// size is negative. Close gives its buffer back.
func New(r io.Reader, size int64) *In {
	return &In{src: newSource(r, &buffers, step), remain: max(size, -1)}
}

// NewFile is New for a file, of which more is read at once.
func NewFile(r io.Reader, size int64) *In {
	return &In{src: newSource(r, &large, file), remain: max(size, -1)}
}

// Close returns the buffer of a source; on a view it does nothing.
func (in *In) Close() {
	if in.up == nil && in.src != nil {
		in.src.close()
		in.src = nil
	}
}

// Sub is a view of the next n bytes, or of all the rest where n is negative.
// Where the parent is known to have less, that is an error at the end of it.
func (in *In) Sub(n int64) *In {
	sub := new(In)
	in.SubInto(sub, n)
	return sub
}

// SubInto is Sub in the memory of a view that is no longer used.
func (in *In) SubInto(sub *In, n int64) {
	*sub = In{src: in.src, up: in, remain: max(n, -1), taps: sub.taps[:0]}
	if in.remain >= 0 && (n < 0 || n > in.remain) {
		sub.remain = in.remain
		if n > in.remain {
			sub.short = &Error{fmt.Errorf("%d bytes where %d should be: %w", in.remain, n, io.ErrUnexpectedEOF)}
		}
	}
}

// Tap makes w see every byte consumed from here on, in order.
func (in *In) Tap(w io.Writer) { in.taps = append(in.taps, w) }

// Off counts the bytes consumed.
func (in *In) Off() int64 { return in.off }

// Remain is how many bytes are left, negative where that is not known.
func (in *In) Remain() int64 { return in.remain }

// Err is the first error other than the end that the source returned, or
// io.ErrUnexpectedEOF where the source ended before the size it declared; it
// is an *Error.
func (in *In) Err() error {
	for p := in; p != nil; p = p.up {
		if p.err != nil {
			return p.err
		}
		if p.short != nil && p.remain == 0 {
			return p.short
		}
	}
	return nil
}

func (in *In) root() *In {
	for in.up != nil {
		in = in.up
	}
	return in
}

// Peek looks at the next n bytes without consuming them: fewer at the end of
// the input, and never more than Window. The result is valid until the next
// call.
func (in *In) Peek(n int) []byte {
	if in.remain >= 0 && int64(n) > in.remain {
		n = int(in.remain)
	}
	if n <= 0 {
		return nil
	}
	n = min(n, Window)
	b := in.src.peek(n)
	if len(b) < n {
		in.fail(in.src.err, len(b))
	}
	return b
}

// fail keeps a read error. The end of the source is one only where bytes that
// were promised are missing.
func (in *In) fail(err error, have int) {
	if errors.Is(err, io.EOF) {
		if in.remain > int64(have) && in.err == nil {
			in.err = &Error{fmt.Errorf("it ends at byte %d, %d bytes early: %w", in.off+int64(have), in.remain-int64(have), io.ErrUnexpectedEOF)}
		}
		return
	}
	if r := in.root(); r.err == nil {
		r.err = &Error{err}
	}
}

// Next looks at what is buffered, reading more only where nothing is. It
// returns nil at the end.
func (in *In) Next() []byte {
	if in.remain == 0 {
		return nil
	}
	if in.src.buffered() == 0 && len(in.Peek(1)) == 0 {
		return nil
	}
	return in.Peek(in.src.buffered())
}

// Chunk looks at a full window, or at all that is left where that is less.
func (in *In) Chunk() []byte { return in.Peek(Window) }

// consumed accounts for b, which is about to be discarded from the buffer.
func (in *In) consumed(b []byte) {
	n := int64(len(b))
	for p := in; p != nil; p = p.up {
		for _, t := range p.taps {
			_, _ = t.Write(b) // taps are hashes and counters: they do not fail
		}
		p.off += n
		if p.remain >= 0 {
			p.remain -= n
		}
	}
}

// Advance consumes n bytes that Peek, Next or Chunk has shown.
func (in *In) Advance(n int) {
	b := in.src.peek(n)
	in.consumed(b)
	in.src.r += len(b)
}

// Phase is the place of the next byte in the source modulo Align.
func (in *In) Phase() int { return in.src.phase() }

// Into consumes bytes into p, at most all of it, and returns how many: none at
// the end, and where p is empty. What is not buffered yet is read in place.
func (in *In) Into(p []byte) int {
	if in.remain >= 0 && int64(len(p)) > in.remain {
		p = p[:in.remain]
	}
	if len(p) == 0 {
		return 0
	}
	if in.src.buffered() > 0 || len(p) < step {
		n := copy(p, in.Next())
		in.Advance(n)
		return n
	}
	n := in.src.direct(p[:step])
	if n == 0 {
		in.fail(in.src.err, 0)
	}
	in.consumed(p[:n])
	return n
}

// Skip consumes n bytes, or up to the end where that comes first, which is an
// error.
func (in *In) Skip(n int64) error {
	for n > 0 {
		b := in.Next()
		if len(b) == 0 {
			if err := in.Err(); err != nil {
				return err
			}
			return fmt.Errorf("%d bytes missing: %w", n, io.ErrUnexpectedEOF)
		}
		if int64(len(b)) > n {
			b = b[:n]
		}
		in.Advance(len(b))
		n -= int64(len(b))
	}
	return nil
}

// Drain consumes all the rest.
func (in *In) Drain() error {
	for {
		b := in.Next()
		if len(b) == 0 {
			return in.Err()
		}
		in.Advance(len(b))
	}
}

// Excess says of a source that was drained whether its reader has more than
// the size that was declared for it.
func (in *In) Excess() bool {
	return in.up == nil && in.remain == 0 && len(in.src.peek(1)) > 0
}

// Read implements io.Reader.
func (in *In) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	b := in.Next()
	if len(b) == 0 {
		if err := in.Err(); err != nil {
			return 0, err
		}
		return 0, io.EOF
	}
	n := copy(p, b)
	in.Advance(n)
	return n, nil
}

// Full reads exactly len(p) bytes.
func (in *In) Full(p []byte) error {
	n, err := io.ReadFull(in, p)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("%d of %d bytes: %w", n, len(p), io.ErrUnexpectedEOF)
	}
	return err
}
