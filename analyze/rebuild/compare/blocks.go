package compare

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"hash"
	"io"
	"sync"
)

// blockSize and blockCount bound what is read ahead of the comparison.
const (
	blockSize  = 256 << 10
	blockCount = 4
)

// ahead is a stream that is read ahead in blocks by a goroutine, and hashed by
// another one before its reader gets them. It is a source.
type ahead struct {
	src io.ReadCloser
	// raw blocks were read, full ones were hashed too, empty ones are free.
	// There are no more blocks than places, so none but empty ever waits.
	raw, full, empty chan []byte
	block, rest      []byte
	err              error // set before raw is closed
	sum              hash.Hash
	size             int64
}

// pair is two streams that are read ahead side by side.
type pair struct {
	a, b *ahead
	stop context.CancelFunc
	all  sync.WaitGroup
}

// readAhead begins to read two streams. Where hashing is set their sums are
// valid after io.EOF, and they must be read in step for as long as they are
// the same: they are hashed as one until then.
func readAhead(ctx context.Context, a, b io.ReadCloser, hashing bool) *pair {
	p := &pair{a: newAhead(a), b: newAhead(b)}
	ctx, p.stop = context.WithCancel(ctx)
	for _, s := range []*ahead{p.a, p.b} {
		if !hashing {
			s.full = s.raw
		}
		p.all.Go(func() { s.read(ctx) })
	}
	if hashing {
		p.all.Go(p.hash)
	}
	return p
}

func newAhead(src io.ReadCloser) *ahead {
	s := &ahead{
		src: src, sum: sha256.New(),
		raw: make(chan []byte, blockCount), full: make(chan []byte, blockCount), empty: make(chan []byte, blockCount),
	}
	for range blockCount {
		s.empty <- make([]byte, blockSize)
	}
	return s
}

// read reads the stream into blocks.
func (s *ahead) read(ctx context.Context) {
	defer close(s.raw)
	for {
		var b []byte
		select {
		case b = <-s.empty:
		case <-ctx.Done():
			s.err = ctx.Err()
			return
		}
		n, err := fill(s.src, b[:blockSize])
		if n > 0 {
			s.raw <- b[:n]
		}
		if err != nil {
			s.err = err
			return
		}
	}
}

// hash hashes both streams. As long as they are the same, one is enough: the
// state of its hash is that of the other.
func (p *pair) hash() {
	cloner, ok := p.a.sum.(hash.Cloner) // every one of Go's, but for an old FIPS module's
	x, okA := <-p.a.raw
	y, okB := <-p.b.raw
	for ok && okA && okB && bytes.Equal(x, y) {
		p.a.hash(x)
		p.a.full <- x
		p.b.full <- y
		x, okA = <-p.a.raw
		y, okB = <-p.b.raw
	}
	if ok {
		state, err := cloner.Clone()
		if err != nil {
			panic(fmt.Sprintf("cloning a sha256: %v", err)) // its documentation says never
		}
		p.b.sum, p.b.size = state, p.a.size
	}
	p.all.Go(func() { p.b.hashRest(y, okB) })
	p.a.hashRest(x, okA)
}

func (s *ahead) hash(b []byte) {
	s.sum.Write(b)
	s.size += int64(len(b))
}

// hashRest hashes a stream from a block on.
func (s *ahead) hashRest(b []byte, ok bool) {
	defer close(s.full)
	for ; ok; b, ok = <-s.raw {
		s.hash(b)
		s.full <- b
	}
}

// fill reads until b is full or there is an error, which it returns as it is:
// io.ReadFull would not tell the end of a stream from one that was cut off.
func fill(r io.Reader, b []byte) (n int, err error) {
	for n < len(b) && err == nil {
		var k int
		k, err = r.Read(b[n:])
		n += k
	}
	return n, err
}

// peek implements source.
func (s *ahead) peek() ([]byte, error) {
	if len(s.rest) == 0 {
		if s.block != nil {
			s.empty <- s.block[:blockSize]
			s.block = nil
		}
		b, ok := <-s.full
		if !ok {
			return nil, s.err
		}
		s.rest, s.block = b, b
	}
	return s.rest, nil
}

// take implements source.
func (s *ahead) take(n int) { s.rest = s.rest[n:] }

// sri is the hash of all that was read. It is valid after io.EOF.
func (s *ahead) sri() string {
	return "sha256-" + base64.StdEncoding.EncodeToString(s.sum.Sum(nil))
}

// close ends the reading of both streams.
func (p *pair) close() {
	p.stop()
	// A reader that waits for bytes wakes when its stream is closed.
	_ = p.a.src.Close() // what could be wrong with it was read
	_ = p.b.src.Close()
	p.all.Wait()
}
