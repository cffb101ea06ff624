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
	nodes   pathTable
	paths   []string // by node
	todo    []int32
	busy    int // nodes taken and not done
	waiting int
	stopped bool
	names   Arena

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
	arena    Arena
	small    map[string]string
	took     []job
	hashes   []uint32
	numbers  []int32
	recent   [recents]node
	recs     pile[record]
	inputs   pile[int32]
	outs     pile[Output]
	srcs     pile[string]
	missing  []int32
	skipped  []Skip
	tampered []tampered
	firstErr error
}

// recents is how many inputs a worker knows by heart, a power of two: nearly
// all derivations have the same few, and those in the table of all have long
// left the processor's caches.
const recents = 1 << 9

// node is a path with its number.
type node struct {
	path   string
	number int32
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

// job is a node to be read.
type job struct {
	node int32
	path string
}

// intern numbers a path, and has it read if it is new. The caller holds mu.
func (l *loader) intern(p string, hash uint32) int32 {
	if n := l.nodes.find(l.paths, p, hash); n >= 0 {
		return n
	}
	n := int32(len(l.paths))
	l.paths = append(l.paths, l.names.Clone(p))
	l.nodes.add(n, hash)
	l.todo = append(l.todo, n)
	return n
}

// maxTake bounds how many nodes a worker takes at once.
const maxTake = 16

// take waits for nodes to read; none are left when it returns none.
func (l *loader) take(to []job) []job {
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(l.todo) == 0 && l.busy > 0 && !l.stopped {
		l.waiting++
		l.wake.Wait()
		l.waiting--
	}
	if len(l.todo) == 0 || l.stopped {
		l.wake.Broadcast()
		return nil
	}
	// Leave the others their share.
	n := min(maxTake, (len(l.todo)+len(l.workers)-1)/len(l.workers))
	rest := len(l.todo) - n
	for _, node := range l.todo[rest:] {
		to = append(to, job{node, l.paths[node]})
	}
	l.todo = l.todo[:rest]
	l.busy += n
	return to
}

// done numbers a derivation's inputs and gives the node back.
func (l *loader) done(in []InputDrv, hashes []uint32, ids []int32, recent *[recents]node) []int32 {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range in {
		r := &recent[hashes[i]%recents]
		if r.path != in[i].Path {
			r.number = l.intern(in[i].Path, hashes[i])
			r.path = l.paths[r.number]
		}
		ids = append(ids, r.number)
	}
	l.busy--
	if l.waiting > 0 && (len(l.todo) > 0 || l.busy == 0) {
		l.wake.Broadcast()
	}
	return ids
}

// keepBuffer is the size up to which a worker's buffer is kept for the next
// derivation.
const keepBuffer = 4 << 20

// firstBuffer takes nearly every derivation in one read.
const firstBuffer = 128 << 10

func (w *worker) run(ctx context.Context) {
	l := w.loader
	w.small = make(map[string]string)
	w.buf = make([]byte, 0, firstBuffer)
	for {
		w.took = l.take(w.took[:0])
		if len(w.took) == 0 {
			return
		}
		for _, j := range w.took {
			w.job(ctx, j)
		}
	}
}

func (w *worker) job(ctx context.Context, j job) {
	l := w.loader
	d := w.one(ctx, j.node, j.path)
	if d == nil {
		w.missing = append(w.missing, j.node)
		l.done(nil, nil, nil, nil)
		return
	}
	w.hashes = w.hashes[:0]
	for i := range d.InputDrvs {
		w.hashes = append(w.hashes, l.nodes.hash(d.InputDrvs[i].Path))
	}
	w.numbers = l.done(d.InputDrvs, w.hashes, w.numbers[:0], &w.recent)
	w.keep(j.node, d)
	if l.extract != nil {
		l.extract(w.number, j.node, d)
	}
	if n := l.read.Add(1); l.opt.Progress != nil && n%256 == 0 {
		l.opt.Progress(int(n))
	}
	if cap(w.buf) > keepBuffer {
		w.buf = make([]byte, 0, firstBuffer)
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
	var want []byte
	want, w.scratch = contentPath(w.scratch, path.Dir(p), NameOf(p), sum, d)
	if string(want) != p {
		w.tampered = append(w.tampered, tampered{node, string(want)})
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
func (w *worker) keep(node int32, d *Derivation) {
	for _, n := range w.numbers {
		w.inputs.add(n)
	}
	for _, o := range d.Outputs {
		w.outs.add(Output{
			Name: w.intern(o.Name), Path: w.arena.Clone(o.Path),
			HashAlgo: w.intern(o.HashAlgo), Hash: w.arena.Clone(o.Hash),
		})
	}
	for _, s := range d.InputSrcs {
		w.srcs.add(w.intern(s))
	}
	w.recs.add(record{
		node: node, inputs: int32(len(w.numbers)), outs: int32(len(d.Outputs)), srcs: int32(len(d.InputSrcs)),
		fixed: d.FixedOutput(),
	})
}

// intern keeps one copy of strings that come again and again.
func (w *worker) intern(s string) string {
	switch s {
	case "":
		return ""
	case "out":
		return "out"
	}
	if k, ok := w.small[s]; ok {
		return k
	}
	s = w.arena.Clone(s)
	w.small[s] = s
	return s
}
