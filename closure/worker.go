package closure

import (
	"context"
	"crypto/sha256"
	"errors"
	"io/fs"
	"path"
	"sync"
	"sync/atomic"
)

// loader is a closure being read: a growing set of nodes, and a stack of those
// still to be read that the workers share.
type loader struct {
	src     source
	opt     Options
	extract extractor
	workers []worker
	read    atomic.Int64

	mu      sync.Mutex
	wake    sync.Cond
	nodes   map[string]int32
	paths   []string // by node
	todo    []int32
	busy    int
	waiting int
	stopped bool
	names   arena

	roots   int // nodes below are what was asked for
	listed  int // nodes below, what the source began with
	skipped []Skip
}

// worker holds one goroutine's buffers and what it has read. Lists of all
// records lie end to end, to be cut up by the counts.
type worker struct {
	loader   *loader
	number   int
	buf      []byte
	scratch  []byte
	parser   parser
	arena    arena
	small    map[string]string
	recs     []record
	inputs   []int32
	outs     []Output
	srcs     []string
	missing  []int32
	skipped  []Skip
	tampered []tampered
	firstErr error
}

type record struct {
	node               int32
	inputs, outs, srcs int32
	fixed              bool
}

type tampered struct {
	node       int32
	recomputed string
}

// intern numbers a path, and has it read if it is new. The caller holds mu.
func (l *loader) intern(p string) int32 {
	if n, ok := l.nodes[p]; ok {
		return n
	}
	n := int32(len(l.paths))
	p = l.names.clone(p)
	l.paths = append(l.paths, p)
	l.nodes[p] = n
	l.todo = append(l.todo, n)
	if l.waiting > 0 {
		l.wake.Signal()
	}
	return n
}

// take waits for a node to read; ok is false when all work is done.
func (l *loader) take() (node int32, p string, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(l.todo) == 0 && l.busy > 0 && !l.stopped {
		l.waiting++
		l.wake.Wait()
		l.waiting--
	}
	if len(l.todo) == 0 || l.stopped {
		l.wake.Broadcast()
		return 0, "", false
	}
	node = l.todo[len(l.todo)-1]
	l.todo = l.todo[:len(l.todo)-1]
	l.busy++
	return node, l.paths[node], true
}

// done numbers a derivation's inputs and gives the node back.
func (l *loader) done(in []InputDrv, ids []int32) []int32 {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range in {
		ids = append(ids, l.intern(in[i].Path))
	}
	if l.busy--; l.busy == 0 && len(l.todo) == 0 {
		l.wake.Broadcast()
	}
	return ids
}

// keepBuffer is the size up to which a worker's buffer is kept for the next
// derivation.
const keepBuffer = 4 << 20

func (w *worker) run(ctx context.Context) {
	l := w.loader
	w.small = make(map[string]string)
	for {
		node, p, ok := l.take()
		if !ok {
			return
		}
		d := w.one(ctx, node, p)
		if d == nil {
			w.missing = append(w.missing, node)
			l.done(nil, nil)
			continue
		}
		before := len(w.inputs)
		w.inputs = l.done(d.InputDrvs, w.inputs)
		w.keep(node, d, len(w.inputs)-before)
		if l.extract != nil {
			l.extract(w.number, node, d)
		}
		if n := l.read.Add(1); l.opt.Progress != nil && n%256 == 0 {
			l.opt.Progress(int(n))
		}
		if cap(w.buf) > keepBuffer {
			w.buf = nil
		}
	}
}

// one reads and checks a derivation; nil if it is not there or not readable.
func (w *worker) one(ctx context.Context, node int32, p string) *Derivation {
	l := w.loader
	data, err := l.src.read(ctx, p, w.buf[:0])
	if data != nil {
		w.buf = data
	}
	if err != nil {
		if ctx.Err() == nil {
			w.fail(l.src.locate(p), err)
		}
		return nil
	}
	sum := sha256.Sum256(data) // before the parser resolves escapes in place
	d, err := w.parser.parse(p, data)
	if err != nil {
		w.fail(l.src.locate(p), err)
		return nil
	}
	var want string
	want, w.scratch = contentPath(w.scratch, path.Dir(p), NameOf(p), sum, d)
	if want != p {
		w.tampered = append(w.tampered, tampered{node, want})
	}
	return d
}

// fail notes a derivation that can't be read. One that is simply not there is
// no more than missing.
func (w *worker) fail(p string, err error) {
	if w.firstErr == nil {
		w.firstErr = err
	}
	if errors.Is(err, fs.ErrNotExist) {
		return
	}
	s := Skip{Input: p, Reason: err.Error()}
	var syn *SyntaxError
	if errors.As(err, &syn) {
		s.Offset, s.Reason = syn.Offset, syn.Expected
	}
	w.skipped = append(w.skipped, s)
}

// keep copies what the index needs of a derivation.
func (w *worker) keep(node int32, d *Derivation, inputs int) {
	for _, o := range d.Outputs {
		w.outs = append(w.outs, Output{
			Name: w.intern(o.Name), Path: w.arena.clone(o.Path),
			HashAlgo: w.intern(o.HashAlgo), Hash: w.arena.clone(o.Hash),
		})
	}
	for _, s := range d.InputSrcs {
		w.srcs = append(w.srcs, w.intern(s))
	}
	w.recs = append(w.recs, record{
		node: node, inputs: int32(inputs), outs: int32(len(d.Outputs)), srcs: int32(len(d.InputSrcs)),
		fixed: d.FixedOutput(),
	})
}

// intern keeps one copy of strings that come again and again.
func (w *worker) intern(s string) string {
	if k, ok := w.small[s]; ok {
		return k
	}
	s = w.arena.clone(s)
	w.small[s] = s
	return s
}

// arena copies strings into large blocks: few allocations, and nothing is
// freed before all is.
type arena struct{ block []byte }

func (a *arena) clone(s string) string {
	const size = 64 << 10
	if s == "" {
		return ""
	}
	if len(s) > cap(a.block)-len(a.block) {
		a.block = make([]byte, 0, max(size, len(s)))
	}
	n := len(a.block)
	a.block = append(a.block, s...)
	return alias(a.block[n:])
}
