package content

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/nwaples/rardecode/v2"

	"fromsource/analyze/content/archive"
	"fromsource/analyze/content/stream"
)

// rar walks an archive of RAR 5. Those of the versions before may ask for more
// memory than can be bounded.
func (w *walker) rar(n *node) error {
	in := n.in
	at, size, undo, err := w.random(n)
	defer undo()
	switch {
	case err == nil:
		in = stream.New(io.NewSectionReader(at, 0, size), size)
		defer in.Close()
	case !errors.Is(err, errNoRoom) || n.in.Remain() <= arenaSize:
		return fmt.Errorf("reading rar: %w", err)
	}
	dict := dictionary{w: w}
	if err := dict.need(max(min(dict.room(), maxWindowBeside), 1<<20)); err != nil {
		return fmt.Errorf("reading rar: %w", err)
	}
	defer dict.done()
	fed := &tally{in: in}
	r, err := rardecode.NewReader(fed, rardecode.MaxDictionarySize(dict.n))
	if err != nil {
		return fmt.Errorf("reading rar: %w", err)
	}
	for {
		h, err := nextRAR(r)
		if errors.Is(err, io.EOF) && at == nil {
			w.skip(n.path, "too large to be held in memory: only its files were looked at")
			return nil
		}
		if errors.Is(err, io.EOF) {
			cover := rarCover(at, size)
			return w.uncovered(n, at, size, rest{cover: &cover, sealed: size})
		}
		if err != nil {
			return fmt.Errorf("reading rar: %w", err)
		}
		if err := w.entry(); err != nil {
			return err
		}
		if h.IsDir || !h.Mode().IsRegular() {
			continue
		}
		path := w.named(n.path, h.Name)
		if h.Encrypted {
			w.skip(path, "encrypted")
			continue
		}
		size := h.UnPackedSize
		if h.UnKnownSize {
			size = -1
		}
		in := stream.New(&meter{w: w, r: guarded{r}, fed: func() int64 { return fed.n }}, size)
		w.file(&node{path: path, in: in, exec: h.Mode()&0o111 != 0, depth: n.depth + 1})
		w.excess(path, in)
		in.Close()
	}
}

// nextRAR and guarded turn a fault of the library on a malformed archive into
// an error.
func nextRAR(r *rardecode.Reader) (h *rardecode.FileHeader, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("malformed archive: %v", p)
		}
	}()
	return r.Next()
}

type guarded struct{ r io.Reader }

func (g guarded) Read(p []byte) (n int, err error) {
	defer func() {
		if p := recover(); p != nil {
			n, err = 0, fmt.Errorf("malformed archive: %v", p)
		}
	}()
	return g.r.Read(p)
}

// rarCover follows the blocks of an archive (RAR 5.0 archive format, "General
// archive block format"): what is not covered are services that are not known,
// and what lies behind the end.
func rarCover(at io.ReaderAt, size int64) (c archive.Cover) {
	const signature = 8
	c.Add(0, signature)
	off := int64(signature)
	for range DefaultMaxEntries {
		b := make([]byte, 2048)
		k, _ := at.ReadAt(b, off) // the end is near
		p := rarNumbers{b: b[:k]}
		p.skip(4)
		length := p.number()
		start := k - len(p.b)
		kind, flags := p.number(), p.number()
		var data uint64
		if flags&1 != 0 {
			p.number() // size of the extra area
		}
		if flags&2 != 0 {
			data = p.number()
		}
		if p.bad || length == 0 || length > 2<<20 || data > 1<<60 {
			return c
		}
		head := int64(start) + int64(length)
		c.Add(off, head)
		if kind != 3 || p.service() {
			c.Add(off+head, int64(data))
		}
		if kind == 5 || int64(data) > size-off-head {
			return c
		}
		off += head + int64(data)
	}
	return c
}

// rarNumbers reads the fields of a block.
type rarNumbers struct {
	b   []byte
	bad bool
}

func (p *rarNumbers) skip(n uint64) {
	if n > uint64(len(p.b)) {
		p.bad, n = true, uint64(len(p.b))
	}
	p.b = p.b[n:]
}

func (p *rarNumbers) number() uint64 {
	v, n := binary.Uvarint(p.b)
	if n <= 0 {
		p.bad, n = true, 0
	}
	p.b = p.b[n:]
	return v
}

// service says whether a service block is known to hold no file: the list of
// names for quick opening, the recovery record, the rights of Windows.
func (p *rarNumbers) service() bool {
	flags := p.number()
	p.number() // unpacked size
	p.number() // attributes
	if flags&2 != 0 {
		p.skip(4) // time
	}
	if flags&4 != 0 {
		p.skip(4) // sum
	}
	p.number() // compression
	p.number() // system
	n := p.number()
	if p.bad || n > uint64(len(p.b)) {
		return false
	}
	switch string(p.b[:n]) {
	case "QO", "RR", "ACL":
		return true
	}
	return false
}
