package rebuild

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"fromsource/analyze/audit"
	"fromsource/analyze/rebuild/compare"
	"fromsource/analyze/rebuild/reference"
	"fromsource/closure"
)

// Options say how jobs are done.
type Options struct {
	// Builders each get every job, at the same time.
	Builders []Builder
	// Parallel is how many jobs a builder has at once; 1 if zero.
	Parallel int
	// References are asked about every output, beside the first build.
	References []reference.Source
	// Journal keeps results as they come; nil keeps none.
	Journal *Journal
	// Subject names what the run is about, beyond derivations, builders,
	// references and the record of first builds: the way of building, say.
	// The journal's results of another subject are not taken.
	Subject string
	// Vary is what is varied on purpose, once everything else is done for a
	// job; builders that can't vary say so in a result.
	Vary []Variation
	// Compare bounds the look into outputs that differ.
	Compare compare.Options
	// Diffoscope, where set, describes outputs that differ too.
	Diffoscope *Diffoscope
	// Progress, where set, is told of every job's begin and end, from one
	// goroutine at a time.
	Progress func(Event)
}

// Event is a step of a run.
type Event struct {
	Builder string
	Drv     string
	// Results are set when the job has ended; Resumed where the journal had
	// them.
	Results []Result
	Ended   bool
	Resumed bool
	// Done of Total jobs have ended, over all builders.
	Done, Total int
}

// run is one call of Run.
type run struct {
	o    Options
	refs string // identifies the references

	mu      sync.Mutex
	results []Result
	failed  []error
	done    int
	total   int
}

// Run builds jobs again on every builder and compares. It returns what it has
// in any case; the error says why that is not all: the context's own, lost
// builders, a journal that can't be written. What was not done is in the
// results as not attempted, and is left out of the journal.
func Run(ctx context.Context, jobs []*Job, o Options) ([]Result, error) {
	r := &run{o: o, total: len(jobs) * len(o.Builders), refs: identify(o.References)}
	if err := checkOrder(jobs); err != nil {
		return nil, err
	}
	var wg sync.WaitGroup
	for _, b := range o.Builders {
		wg.Go(func() { r.builder(ctx, b, jobs) })
	}
	wg.Wait()
	return sorted(r.results), errors.Join(append(r.failed, ctx.Err())...)
}

// identify names a set of references in the journal.
func identify(sources []reference.Source) string {
	var names []string
	for _, s := range sources {
		names = append(names, s.Name())
	}
	slices.Sort(names)
	sum := sha256.Sum256([]byte(strings.Join(names, "\n")))
	return hex.EncodeToString(sum[:8])
}

// recorded names the record of a job's first build in the journal; it is empty
// where the caller has none.
func recorded(j *Job) string {
	if len(j.First) == 0 {
		return ""
	}
	h := sha256.New()
	for _, f := range j.First {
		fmt.Fprintf(h, "%s %s %s\n", f.Output, f.Path, f.NarHash)
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
}

func checkOrder(jobs []*Job) error {
	seen := map[string]bool{}
	for _, j := range jobs {
		if seen[j.Drv] {
			return fmt.Errorf("rebuilding: %q is there twice", j.Drv)
		}
		seen[j.Drv] = true
	}
	return nil
}

// builder does all jobs on one builder, those that are needed by others first.
func (r *run) builder(ctx context.Context, b Builder, jobs []*Job) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	q := newQueue(jobs)
	var wg sync.WaitGroup
	for range max(1, r.o.Parallel) {
		wg.Go(func() {
			for j := q.next(ctx); j != nil; j = q.next(ctx) {
				done, err := r.job(ctx, b, j)
				if err != nil {
					// The first cause ends this builder: it is lost, or the
					// run is.
					cancel(err)
				}
				q.finish(j, done)
			}
		})
	}
	wg.Wait()
	err := context.Cause(ctx)
	why := "the run was interrupted"
	switch {
	case err == nil:
		why = "it depends on itself"
	case !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded):
		r.fail(err)
		why = err.Error()
	}
	for _, j := range q.left() {
		r.keep(b, j, rowsFor(b, j, audit.NotAttempted, clean(why)), false)
	}
}

// job does one job and keeps its results; done says whether there are any. An
// error ends the builder.
func (r *run) job(ctx context.Context, b Builder, j *Job) (done bool, err error) {
	key := entryKey{
		Drv: j.Drv, Builder: b.Name(), References: r.refs, Vary: names(r.o.Vary), Subject: r.o.Subject, First: recorded(j),
	}
	if rs, ok := r.o.Journal.done(key); ok {
		r.keep(b, j, rs, true)
		return true, nil
	}
	r.tell(Event{Builder: b.Name(), Drv: j.Drv})
	rs, err := r.attempt(ctx, b, j)
	if err != nil {
		return false, err
	}
	err = r.o.Journal.add(key, rs)
	r.keep(b, j, rs, false)
	return true, err
}

// attempt builds and compares. What is wrong with the derivation is a result.
func (r *run) attempt(ctx context.Context, b Builder, j *Job) ([]Result, error) {
	built, err := b.Build(ctx, j)
	var failed *BuildError
	var not *NotAttemptedError
	switch {
	case ctx.Err() != nil:
		_ = release(ctx, built)
		return nil, context.Cause(ctx)
	case errors.As(err, &failed):
		rs := rowsFor(b, j, audit.Failed, failed.Why)
		for i := range rs {
			rs[i].Log, rs[i].Transient = failed.Log, failed.Transient
		}
		return rs, nil
	case errors.As(err, &not):
		return rowsFor(b, j, audit.NotAttempted, not.Why), nil
	case err != nil:
		return nil, err
	}
	rs, err := r.judge(ctx, b.Name(), j, built)
	hashes := hashesOf(built)
	if e := release(ctx, built); err == nil {
		err = e
	}
	if err != nil {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		return nil, err
	}
	if len(r.o.Vary) > 0 {
		more, err := r.vary(ctx, b, j, hashes)
		if err != nil {
			return nil, err
		}
		rs = append(rs, more...)
	}
	return rs, nil
}

// cleaning is how long it may take to clean up after a cancellation.
const cleaning = 30 * time.Second

// afterwards is a context for cleaning up: where ctx is done it lives on, but
// only for so long. Before that there is no hurry: a machine may be busy.
func afterwards(ctx context.Context, limit time.Duration) (context.Context, context.CancelFunc) {
	c, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(limit, cancel) })
	return c, func() { stop(); cancel() }
}

// release lets a builder clean up, even after a cancellation, within limits.
func release(ctx context.Context, b Built) error {
	if b.Release == nil {
		return nil
	}
	c, cancel := afterwards(ctx, cleaning)
	defer cancel()
	return b.Release(c)
}

// rowsFor gives one result without hashes to every output.
func rowsFor(b Builder, j *Job, result, why string) []Result {
	outs := j.Outputs
	if len(outs) == 0 {
		outs = []closure.Output{{Name: "out"}}
	}
	var rs []Result
	for _, o := range outs {
		rs = append(rs, Result{Drv: j.Drv, Path: o.Path, Rebuild: audit.Rebuild{Output: o.Name, Result: result, By: b.Name(), Reason: why}})
	}
	return rs
}

func (r *run) keep(b Builder, j *Job, rs []Result, resumed bool) {
	r.mu.Lock()
	r.results = append(r.results, rs...)
	r.done++
	r.mu.Unlock()
	r.tell(Event{Builder: b.Name(), Drv: j.Drv, Results: rs, Ended: true, Resumed: resumed})
}

func (r *run) fail(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failed = append(r.failed, err)
}

func (r *run) tell(e Event) {
	if r.o.Progress == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	e.Done, e.Total = r.done, r.total
	r.o.Progress(e)
}
