package closure

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"sync"
)

// rereadBuffers are read into before it is known how long a derivation is: on
// a large closure to make one for each is what takes most of the time.
var rereadBuffers = sync.Pool{New: func() any { return new([]byte) }}

// Sizes of a buffer for reading again, in bytes.
const (
	firstReread = 64 << 10
	mostReread  = 1 << 20 // what is kept for the next
)

// Derivation reads a derivation again, in full. The result is the caller's.
func (g *Graph) Derivation(i ID) (*Derivation, error) {
	p := g.Path(i)
	if g.Missing(i) {
		return nil, fmt.Errorf("reading derivation %q: %w", p, fs.ErrNotExist)
	}
	buf := rereadBuffers.Get().(*[]byte)
	defer rereadBuffers.Put(buf)
	if cap(*buf) == 0 {
		*buf = make([]byte, 0, firstReread)
	}
	data, err := g.src.read(context.Background(), p, *buf)
	if err != nil {
		return nil, fmt.Errorf("reading derivation %q: %w", p, err)
	}
	if cap(data) <= mostReread {
		*buf = data[:0]
	}
	return ParseATerm(p, bytes.Clone(data))
}
