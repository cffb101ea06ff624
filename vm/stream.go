package vm

import (
	"context"
	"errors"
	"io"
	"strings"
	"sync"
)

// readFunc is an io.Reader.
type readFunc func([]byte) (int, error)

func (f readFunc) Read(p []byte) (int, error) { return f(p) }

// ctxReader ends with its context.
type ctxReader struct {
	ctx context.Context
	r   io.Reader
}

func (c ctxReader) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(p)
}

// noting remembers the error of a reader, other than its end.
type noting struct {
	r   io.Reader
	mu  sync.Mutex
	err error
}

func (n *noting) Read(p []byte) (int, error) {
	k, err := n.r.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		n.mu.Lock()
		n.err = err
		n.mu.Unlock()
	}
	return k, err
}

func (n *noting) failure() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.err
}

// maxOutput bounds what Output takes from a guest.
const maxOutput = 256 << 20

// capture collects output, bounded.
type capture struct{ b []byte }

func (c *capture) Write(p []byte) (int, error) {
	if len(c.b)+len(p) > maxOutput {
		return 0, errors.New("the command's output is larger than 256 MiB")
	}
	c.b = append(c.b, p...)
	return len(p), nil
}

// tailWriter keeps the end of what is written.
type tailWriter struct {
	mu  sync.Mutex
	max int
	b   []byte
}

func newTailWriter(max int) *tailWriter { return &tailWriter{max: max} }

func (t *tailWriter) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.b = append(t.b, p...)
	if len(t.b) > 2*t.max {
		t.b = append([]byte{}, t.b[len(t.b)-t.max:]...)
	}
	return len(p), nil
}

func (t *tailWriter) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.b[max(0, len(t.b)-t.max):])
}

// lines is the last n lines, in one.
func (t *tailWriter) lines(n int) string {
	l := strings.Split(strings.TrimSpace(t.String()), "\n")
	return strings.Join(l[max(0, len(l)-n):], "; ")
}
