package analyze

import (
	"context"
	"errors"
	"fmt"
	"path"
	"runtime"
	"slices"
	"sync"

	"fromsource/analyze/audit"
	"fromsource/analyze/content"
	"fromsource/analyze/rules"
	"fromsource/analyze/trace"
	"fromsource/closure"
	"fromsource/closure/store"
)

// item is one store path whose content matters: an output, or an input source
// that no derivation makes.
type item struct {
	path string
	id   closure.ID // closure.None for an input source
	// info and walk are set where the path was at hand and could be read;
	// absent says why where not.
	info   store.Info
	walk   *trace.Walk
	absent string
	// unreadable: it was at hand, and reading it failed.
	unreadable bool
	// matches are the prebuilt members and seed files recognised in it;
	// fromSeed counts the compiled files that are the seed's.
	matches  []trace.Match
	fromSeed int
	// live are the kinds of what was recognised of fetches in it and what a
	// build could execute or load, carries the files; loose is true if some of
	// that is no file by itself.
	live    []audit.Kind
	carries []*content.File
	loose   bool
	byPath  map[string]*content.File   // of walk.Members, made when needed
	small   map[string][]*content.File // by format: see resembled
}

// unread is why part of the item could not be looked at, and where.
func (it *item) unread() (why, at string) {
	if it == nil || it.walk == nil || len(it.walk.Skipped) == 0 {
		return "", ""
	}
	s := it.walk.Skipped[0]
	why = fmt.Sprintf("a part of it could not be looked at (%s: %s)", s.Path, s.Reason)
	if n := len(it.walk.Skipped) - 1; n > 0 {
		why += fmt.Sprintf(", and %d more", n)
	}
	return why, s.Path
}

// unreadSamples reports whether all that could not be looked at is there to be
// tested with: broken and encrypted archives, and images of foreign kinds.
func (it *item) unreadSamples() bool {
	return !slices.ContainsFunc(it.walk.Skipped, func(k content.Skip) bool { return !samples.MatchString(k.Path) })
}

// state is an audit in the making.
type state struct {
	req     Request
	g       *closure.Graph
	text    []rules.Suspicion
	inspect content.Inspector
	prints  *trace.Fingerprints
	mu      sync.Mutex // for Progress

	items   map[string]*item
	hashes  map[string]*item // of items, by the hash part of their paths
	outputs [][]*item        // by ID, in the order of Graph.Outputs; nil for a path that is not known
	sources [][]*item        // by ID, of Graph.InputSrcs
	image   *item            // of Request.Image

	origins  []origin
	number   map[*item]trace.Origin // of origins
	index    *trace.Index
	encoded  map[[32]byte][]encoded // of origins, by their hash
	have     []bitset               // by ID: the origins it depends on
	could    []bitset               // the same, and those of which it has a file all the same
	twin     map[*item]*trace.Hit   // a program of an origin on which an item does not depend
	linked   linked
	makers   makers
	embedded embedded
	alike    map[closure.ID][]resemblance
	faint    map[closure.ID]string // the same, too weak to be a doubt
	execs    map[closure.ID]*executed
	// interpreted are formats of bytecode that something in the closure executes.
	interpreted map[string]bool
	reach       reached
	cpu, os     string // see systemOf
	drv         *closure.Derivation
	drvOf       closure.ID
	drvRead     bool
	rebuilds    map[string][]audit.Rebuild
}

// newState lists the store paths of the closure.
func newState(req Request) *state {
	g := req.Graph
	s := &state{
		req: req, g: g, inspect: req.Inspect,
		items:   map[string]*item{},
		number:  map[*item]trace.Origin{},
		outputs: make([][]*item, g.Len()),
		sources: make([][]*item, g.Len()),
		index:   trace.NewIndex(),
		encoded: map[[32]byte][]encoded{},
		twin:    map[*item]*trace.Hit{},
		alike:   map[closure.ID][]resemblance{},
		faint:   map[closure.ID]string{},
		execs:   executions(g, req.Exec),
	}
	if s.inspect == nil {
		s.inspect = content.Inspect
	}
	s.prints = trace.OpenFingerprints(req.Cache, Detector)
	s.cpu, s.os = s.systemOf()
	for i := range closure.ID(g.Len()) {
		for _, o := range g.Outputs(i) {
			var it *item
			if o.Path != "" {
				it = &item{path: o.Path, id: i, absent: notInspected}
				s.items[o.Path] = it
			}
			s.outputs[i] = append(s.outputs[i], it)
		}
	}
	for i := range closure.ID(g.Len()) {
		for _, p := range g.InputSrcs(i) {
			it := s.items[p]
			if it == nil {
				it = &item{path: p, id: closure.None, absent: notInspected}
				s.items[p] = it
			}
			s.sources[i] = append(s.sources[i], it)
		}
	}
	s.hashes = s.byHash()
	return s
}

func (s *state) event(e Event) {
	if s.req.Progress == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.req.Progress(e)
}

// walkAll looks into items, on all cores. After a cancellation the items that
// were not reached stay unread, marked as interrupted.
func (s *state) walkAll(ctx context.Context, stage string, items []*item) {
	workers := s.req.Workers
	if workers <= 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	queue := make(chan *item)
	done := 0
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for it := range queue {
				s.walk(ctx, it)
				if s.req.Progress != nil {
					s.mu.Lock()
					done++
					s.req.Progress(Event{Stage: stage, Done: done, Total: len(items), Item: path.Base(it.path)})
					s.mu.Unlock()
				}
			}
		})
	}
	for _, it := range items {
		if ctx.Err() != nil {
			it.absent = interrupted
			continue
		}
		queue <- it
	}
	close(queue)
	wg.Wait()
}

// Why contents are not at hand.
const notInspected = "not inspected"

const interrupted = "interrupted before it was looked at"

// walk looks into one item, or finds that this was done before.
func (s *state) walk(ctx context.Context, it *item) {
	info, err := s.req.Store.Info(ctx, it.path)
	if err != nil {
		it.fail(ctx, err)
		return
	}
	it.info = info
	if err := s.declared(ctx, it); err != nil {
		it.fail(ctx, err)
		return
	}
	if w, ok := s.prints.Get(info.NarHash); ok {
		it.walk, it.absent = w, ""
		return
	}
	w, err := s.take(ctx, it.path)
	if err != nil {
		it.fail(ctx, err)
		return
	}
	it.walk, it.absent = w, ""
	// What can't be kept is looked at again next time: nothing is lost but
	// time, and nothing in this audit depends on it.
	_ = s.prints.Put(info.NarHash, w)
}

// declared checks that a fetch has the content that its derivation declares.
// Anything else that lies at its path says nothing about it.
func (s *state) declared(ctx context.Context, it *item) error {
	if it.id == closure.None || !s.g.FixedOutput(it.id) {
		return nil
	}
	for _, o := range s.g.Outputs(it.id) {
		if o.Path == it.path && o.Kind() == closure.Fixed {
			return store.CheckDeclared(ctx, s.req.Store, it.path, o.HashAlgo, o.Hash)
		}
	}
	return nil
}

func (s *state) take(ctx context.Context, p string) (w *trace.Walk, err error) {
	r, err := s.req.Store.NAR(ctx, p)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	return trace.Take(ctx, s.inspect, closure.NameOf(p), r)
}

func (it *item) fail(ctx context.Context, err error) {
	switch {
	case ctx.Err() != nil:
		it.absent = interrupted
	case errors.Is(err, store.ErrNotFound):
		it.absent = notInspected + ": its content was not at hand"
	default:
		it.unreadable = true
		it.absent = "its content could not be read: " + err.Error()
	}
}

// walkImage looks into the request's image.
func (s *state) walkImage(ctx context.Context) {
	if s.req.Image == nil {
		return
	}
	s.image = &item{path: s.req.Image.Path, id: closure.None}
	r, err := s.req.Image.Open()
	if err == nil {
		s.image.walk, err = trace.Take(ctx, s.inspect, path.Base(s.req.Image.Path), r)
		err = errors.Join(err, r.Close())
	}
	if err != nil {
		s.image.walk = nil
		s.image.fail(ctx, err)
		return
	}
	s.image.walk.Flat = true // its paths begin with its name
}
