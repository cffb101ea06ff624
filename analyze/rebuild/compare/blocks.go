package compare

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"hash"
	"io"
)

// blockSize and blockCount bound what is read ahead of the comparison.
const (
	blockSize  = 256 << 10
	blockCount = 4
)

// hashed reads a stream ahead, in a goroutine that also hashes it: two NARs
// are hashed on two cores while they are compared.
type hashed struct {
	full, empty chan []byte
	cur, block  []byte
	err         error // set before full is closed
	sum         hash.Hash
	size        int64
	stop        context.CancelFunc
	done        chan struct{}
	src         io.ReadCloser
}

func newHashed(ctx context.Context, src io.ReadCloser) *hashed {
	ctx, stop := context.WithCancel(ctx)
	h := &hashed{
		full: make(chan []byte, blockCount), empty: make(chan []byte, blockCount),
		sum: sha256.New(), stop: stop, done: make(chan struct{}), src: src,
	}
	for range blockCount {
		h.empty <- make([]byte, blockSize)
	}
	go h.run(ctx)
	return h
}

func (h *hashed) run(ctx context.Context) {
	defer close(h.done)
	defer close(h.full)
	for {
		var b []byte
		select {
		case b = <-h.empty:
		case <-ctx.Done():
			h.err = ctx.Err()
			return
		}
		n, err := fill(h.src, b[:blockSize])
		h.sum.Write(b[:n])
		h.size += int64(n)
		if n > 0 {
			// There is room: there are no more blocks than places.
			h.full <- b[:n]
		}
		if err != nil {
			h.err = err
			return
		}
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

// Read implements io.Reader.
func (h *hashed) Read(p []byte) (int, error) {
	for len(h.cur) == 0 {
		if h.block != nil {
			h.empty <- h.block[:blockSize]
			h.block = nil
		}
		b, ok := <-h.full
		if !ok {
			return 0, h.err
		}
		h.cur, h.block = b, b
	}
	n := copy(p, h.cur)
	h.cur = h.cur[n:]
	return n, nil
}

// Close ends the reading.
func (h *hashed) Close() error {
	h.stop()
	err := h.src.Close() // also wakes a reader that waits for bytes
	<-h.done
	return err
}

// sri is the hash of all that was read. It is valid after io.EOF.
func (h *hashed) sri() string {
	return "sha256-" + base64.StdEncoding.EncodeToString(h.sum.Sum(nil))
}
