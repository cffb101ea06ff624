package compare

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"path"
)

// side is one of the two NARs while they are walked.
type side struct {
	h   *ahead
	nar *narReader
	cur node
	buf []byte
}

func (s *side) advance() error {
	var err error
	s.cur, err = s.nar.next()
	return err
}

// skip passes over the current node with all that is below it, and counts the
// nodes.
func (s *side) skip() (nodes int, err error) {
	nodes = 1
	if s.cur.kind != directory {
		return nodes, nil
	}
	for depth := 1; depth > 0; {
		if err := s.advance(); err != nil {
			return nodes, unexpected(err)
		}
		switch s.cur.kind {
		case directory:
			depth++
			nodes++
		case end:
			depth--
		default:
			nodes++
		}
	}
	return nodes, nil
}

// pass reads both NARs once. The first pass records everything but the inside
// of large files; the second, with only, looks into those and at nothing else.
func (w *walker) pass(openA, openB Opener, only map[string]place) error {
	rcA, err := openA(w.ctx)
	if err != nil {
		return fmt.Errorf("opening the NAR on record: %w", err)
	}
	rcB, err := openB(w.ctx)
	if err != nil {
		_ = rcA.Close() // nothing was read of it
		return fmt.Errorf("opening the rebuilt NAR: %w", err)
	}
	p := readAhead(w.ctx, rcA, rcB, only == nil)
	defer p.close()
	a, b := newSide(p.a), newSide(p.b)
	if err := w.lockstep(a, b, only); err != nil {
		return err
	}
	for _, s := range []*side{a, b} {
		// The end of the stream has been seen: the hash is of all of it.
		if _, err := s.nar.next(); !errors.Is(err, io.EOF) {
			return fmt.Errorf("reading a NAR to its end: %w", err)
		}
	}
	if only == nil {
		w.res.HashA, w.res.SizeA = a.h.sri(), a.h.size
		w.res.HashB, w.res.SizeB = b.h.sri(), b.h.size
	}
	return nil
}

func newSide(h *ahead) *side { return &side{h: h, nar: &narReader{src: h}} }

// lockstep walks both trees as one, by name, without recursion.
func (w *walker) lockstep(a, b *side, only map[string]place) error {
	if err := w.both(a, b); err != nil {
		return err
	}
	dir := "" // the directory that is open in both
	depth := 0
	for {
		if w.ctx.Err() != nil {
			return w.ctx.Err()
		}
		ca, cb := a.cur, b.cur
		switch {
		case ca.kind == end && cb.kind == end:
			depth--
			dir = parent(dir)
		case cb.kind == end || ca.kind != end && ca.name < cb.name:
			if err := w.lone(a, dir, "removed", only); err != nil {
				return err
			}
			continue
		case ca.kind == end || cb.name < ca.name:
			if err := w.lone(b, dir, "added", only); err != nil {
				return err
			}
			continue
		case ca.kind == directory && cb.kind == directory:
			depth++
			if depth > 1 {
				dir = path.Join(dir, ca.name)
			}
		default:
			if err := w.pair(a, b, path.Join(dir, ca.name), only); err != nil {
				return err
			}
		}
		if depth == 0 {
			return nil
		}
		if err := w.both(a, b); err != nil {
			return err
		}
	}
}

func parent(dir string) string {
	if d := path.Dir(dir); d != "." {
		return d
	}
	return ""
}

func (w *walker) both(a, b *side) error {
	if err := a.advance(); err != nil {
		return fmt.Errorf("reading the NAR on record: %w", unexpected(err))
	}
	if err := b.advance(); err != nil {
		return fmt.Errorf("reading the rebuilt NAR: %w", unexpected(err))
	}
	return nil
}

// lone is a node that only one side has.
func (w *walker) lone(s *side, dir, what string, only map[string]place) error {
	nd := s.cur
	nodes, err := s.skip()
	if err != nil {
		return err
	}
	if only == nil {
		switch nd.kind {
		case regular:
			w.add(path.Join(dir, nd.name), what, "file of %d bytes", nd.size)
		case symlink:
			w.add(path.Join(dir, nd.name), what, "symbolic link to %q", nd.target)
		default:
			w.add(path.Join(dir, nd.name), what, "directory, %d entries in all", nodes-1)
		}
	}
	return s.advance()
}

// pair compares two nodes of one name, of which at most one is a directory.
func (w *walker) pair(a, b *side, at string, only map[string]place) error {
	if a.cur.kind != b.cur.kind {
		if only == nil {
			w.add(at, "type", "%v became %v", a.cur.kind, b.cur.kind)
		}
		if _, err := a.skip(); err != nil {
			return err
		}
		_, err := b.skip()
		return err
	}
	if a.cur.kind == symlink {
		if only == nil && a.cur.target != b.cur.target {
			w.add(at, "symlink", "%q became %q", a.cur.target, b.cur.target)
		}
		return nil
	}
	if only != nil {
		if p, ok := only[at]; ok {
			return w.spooled(a, b, at, p)
		}
		return nil
	}
	if a.cur.executable != b.cur.executable {
		w.add(at, "mode", "executable: %v became %v", a.cur.executable, b.cur.executable)
	}
	if a.cur.size <= w.o.InMemory && b.cur.size <= w.o.InMemory {
		return w.small(a, b, at)
	}
	return w.large(a, b, at)
}

// small compares two files, and looks into them in memory if they differ. Both
// are read in step; until they differ the first one is kept for both.
func (w *walker) small(a, b *side, at string) error {
	done := int64(0)
	for a.cur.size == b.cur.size && done < a.cur.size {
		x, y, err := chunks(a, b)
		if err != nil {
			return err
		}
		if !bytes.Equal(x, y) {
			break
		}
		if int64(len(x)) < a.cur.size { // what is whole is not needed again
			a.room()
			copy(a.buf[done:], x)
		}
		done += int64(len(x))
		a.nar.pass(len(x))
		b.nar.pass(len(y))
	}
	if done == a.cur.size && done == b.cur.size {
		return nil
	}
	a.room()
	b.room()
	copy(b.buf, a.buf[:done])
	for _, s := range []*side{a, b} {
		if _, err := io.ReadFull(s.nar, s.buf[done:]); err != nil {
			return unexpected(err)
		}
	}
	return w.file(at, memory(a.buf), memory(b.buf), 0)
}

// room makes the buffer as large as the current file.
func (s *side) room() {
	if int64(cap(s.buf)) < s.cur.size {
		s.buf = make([]byte, s.cur.size)
	}
	s.buf = s.buf[:s.cur.size]
}

// chunks gives what comes next of both files, as much of one as of the other.
func chunks(a, b *side) (x, y []byte, err error) {
	if x, err = a.nar.chunk(); err != nil {
		return nil, nil, err
	}
	if y, err = b.nar.chunk(); err != nil {
		return nil, nil, err
	}
	n := min(len(x), len(y))
	return x[:n], y[:n], nil
}

// large compares two files as they pass. What differs is left for the second
// pass.
func (w *walker) large(a, b *side, at string) error {
	p, err := w.stream(a, b)
	if err != nil || p.first < 0 {
		return err
	}
	if w.unpacked+p.sizeA+p.sizeB > w.o.MaxUnpacked {
		w.add(at, "content", "%v; too large to look into", p)
		return nil
	}
	w.unpacked += p.sizeA + p.sizeB
	if w.later == nil {
		w.later = map[string]place{}
	}
	w.later[at] = p
	return nil
}

// stream compares the contents of two files to their ends.
func (w *walker) stream(a, b *side) (place, error) {
	p := place{sizeA: a.cur.size, sizeB: b.cur.size, first: -1}
	for at := int64(0); at < min(p.sizeA, p.sizeB); {
		x, y, err := chunks(a, b)
		if err != nil {
			return p, err
		}
		p.note(at, x, y)
		at += int64(len(x))
		a.nar.pass(len(x))
		b.nar.pass(len(y))
	}
	if p.first < 0 && p.sizeA != p.sizeB {
		p.first = min(p.sizeA, p.sizeB)
	}
	return p, w.ctx.Err()
}

// note adds two pieces of equal length, at an offset.
func (p *place) note(at int64, a, b []byte) {
	if bytes.Equal(a, b) {
		return
	}
	for i, c := range a {
		if c != b[i] {
			if p.first < 0 {
				p.first = at + int64(i)
			}
			p.bytes++
		}
	}
}

// spooled looks into two large files through temporary files.
func (w *walker) spooled(a, b *side, at string, p place) error {
	fa, err := w.spool(a.nar, p.sizeA)
	if err != nil {
		return err
	}
	defer fa.close()
	fb, err := w.spool(b.nar, p.sizeB)
	if err != nil {
		return err
	}
	defer fb.close()
	defer func() { w.unpacked -= p.sizeA + p.sizeB }()
	return w.file(at, fa, fb, 0)
}
