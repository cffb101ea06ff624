package closure

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"runtime"
	"sync"
)

// Options tune a load. The zero value is good.
type Options struct {
	// Workers is the number of goroutines that read; 0 is one per CPU.
	Workers int
	// MaxSize bounds one derivation, in bytes; larger ones are skipped.
	// 0 is 512 MiB.
	MaxSize int64
	// Progress, if set, is told now and then how many derivations were read.
	// It is called from several goroutines.
	Progress func(read int)
}

// Load reads the closure of an input. It fails if nothing of the input could
// be read; what could not be read of the rest is in Graph.Skipped.
func Load(ctx context.Context, in Input, o Options) (*Graph, error) {
	g, _, err := load(ctx, in, o, nil)
	return g, err
}

// LoadFacts is Load, and hands each derivation that could be read to extract,
// from several goroutines. The results are indexed by ID; those of missing
// derivations are zero. The *Derivation is valid during the call only: Clone
// what is kept.
func LoadFacts[T any](ctx context.Context, in Input, o Options, extract func(*Derivation) T) (*Graph, []T, error) {
	type fact struct {
		node int32
		val  T
	}
	facts := make([]pile[fact], o.workers()) // of each worker
	g, order, err := load(ctx, in, o, func(worker int, node int32, d *Derivation) {
		facts[worker].add(fact{node, extract(d)})
	})
	if err != nil {
		return nil, nil, err
	}
	all := make([]T, g.Len())
	var wg sync.WaitGroup
	for i := range facts {
		wg.Go(func() {
			for k, l := range facts[i].pieces {
				for j := range l {
					all[order[l[j].node]] = l[j].val
				}
				facts[i].pieces[k] = nil
			}
		})
	}
	wg.Wait()
	return g, all, nil
}

func (o Options) workers() int {
	if o.Workers > 0 {
		return o.Workers
	}
	return runtime.GOMAXPROCS(0)
}

func (o Options) maxSize() int64 {
	if o.MaxSize > 0 {
		return o.MaxSize
	}
	return 512 << 20
}

// extractor gets every derivation read, with the number of the worker and of
// the node.
type extractor func(worker int, node int32, d *Derivation)

// load reads everything and freezes it; order maps node numbers to IDs.
func load(ctx context.Context, in Input, o Options, extract extractor) (*Graph, []ID, error) {
	if in.open == nil {
		return nil, nil, errors.New("loading a closure: no input given")
	}
	src, err := in.open(ctx, o)
	if err != nil {
		return nil, nil, fmt.Errorf("opening %s: %w", in, err)
	}
	l := &loader{src: src, opt: o, extract: extract, nodes: makePathTable(1024)}
	l.wake.L = &l.mu
	begin, err := src.begin(ctx)
	if err != nil {
		return nil, nil, fmt.Errorf("opening %s: %w", in, err)
	}
	for _, p := range begin.roots {
		l.intern(p, l.nodes.hash(p))
	}
	l.roots = len(l.paths)
	for _, p := range begin.listed {
		l.intern(p, l.nodes.hash(p))
	}
	l.listed = len(l.paths)
	l.skipped = append(l.skipped, begin.skipped...)

	l.workers = make([]worker, o.workers())
	defer context.AfterFunc(ctx, func() {
		l.mu.Lock()
		l.stopped = true
		l.mu.Unlock()
		l.wake.Broadcast()
	})()
	var wg sync.WaitGroup
	for i := range l.workers {
		l.workers[i].loader, l.workers[i].number = l, i
		wg.Go(func() { l.workers[i].run(ctx) })
	}
	wg.Wait()
	if err := ctx.Err(); err != nil {
		return nil, nil, fmt.Errorf("loading %s: %w", in, err)
	}
	if l.read.Load() == 0 {
		return nil, nil, fmt.Errorf("loading %s: %w", in, l.nothing())
	}
	g, order := l.freeze()
	return g, order, nil
}

// nothing says why not one derivation could be read.
func (l *loader) nothing() error {
	for i := range l.workers {
		if err := l.workers[i].firstErr; err != nil {
			return err
		}
	}
	if len(l.skipped) > 0 {
		s := l.skipped[0]
		return fmt.Errorf("%q: byte %d: expected %s", s.Input, s.Offset, s.Reason)
	}
	if len(l.paths) > 0 {
		return fmt.Errorf("%q: %w", l.paths[0], fs.ErrNotExist)
	}
	return errors.New("no derivations in it")
}
