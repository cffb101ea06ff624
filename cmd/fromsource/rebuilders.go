package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"fromsource/analyze"
	"fromsource/analyze/audit"
	"fromsource/analyze/rebuild"
	"fromsource/closure"
	"fromsource/closure/store"
	"fromsource/vm"
)

// journalFile is where an audit keeps results of rebuilds as they come.
const journalFile = "rebuild.jsonl"

// inGuest runs a builder's commands in a guest.
func inGuest(m *vm.Machine) rebuild.Runner {
	return rebuild.RunnerFunc(func(ctx context.Context, c rebuild.Cmd) (int, error) {
		return m.Run(ctx, vm.Cmd{Argv: c.Argv, Env: c.Env, Stdin: c.Stdin, Stdout: c.Stdout, Stderr: c.Stderr})
	})
}

// again is how an audit builds its suspects once more.
type again struct {
	graph *closure.Graph
	// first has the outputs of the first build.
	first store.Store
	// dir is where the journal is kept, and what a second guest exports.
	dir string
	// all builds the whole closure again, and not only suspects and their
	// nearest consumers.
	all      bool
	guest    rebuild.Builder
	parallel int
	// second, where set, builds the whole recipe in a second fresh guest.
	second func(ctx context.Context, dir string) (*vm.Export, error)
}

// stage is the audit's rebuild stage: first in the guest at hand, then in a
// second one. What was compared is returned beside an error too.
func (a *again) stage(ctx context.Context, suspects []analyze.Suspect, progress func(done, total int, item string)) (map[string][]audit.Rebuild, error) {
	sel := rebuild.Selection{All: a.all}
	for _, s := range suspects {
		sel.Suspects = append(sel.Suspects, s.Drv)
	}
	jobs, err := rebuild.Select(a.graph, sel)
	if err != nil {
		return nil, err
	}
	journal, err := freshJournal(filepath.Join(a.dir, journalFile))
	if err != nil {
		return nil, err
	}
	defer journal.Close()
	o := rebuild.Options{Parallel: a.parallel, Journal: journal, Progress: func(ev rebuild.Event) {
		progress(ev.Done, ev.Total, ev.Builder+": "+closure.NameOf(ev.Drv))
	}}
	var results []rebuild.Result
	var failed []error
	if a.guest != nil {
		o.Builders = []rebuild.Builder{a.guest}
		got, err := rebuild.Run(ctx, jobs, o)
		results, failed = append(results, got...), append(failed, err)
	}
	if a.second != nil && ctx.Err() == nil {
		got, err := a.inSecondGuest(ctx, o)
		results, failed = append(results, got...), append(failed, err)
	}
	return rebuild.Rows(results), errors.Join(failed...)
}

// inSecondGuest has a second fresh guest build everything, and compares.
func (a *again) inSecondGuest(ctx context.Context, o rebuild.Options) ([]rebuild.Result, error) {
	x, err := a.second(ctx, filepath.Join(a.dir, "second-guest"))
	if x == nil {
		return nil, fmt.Errorf("building in a second guest: %w", err)
	}
	contents, oerr := store.OpenExport(x.Path(vm.ClosureFile))
	if oerr != nil {
		return nil, fmt.Errorf("building in a second guest: %w", errors.Join(err, oerr))
	}
	defer contents.Close()
	jobs, serr := rebuild.Select(a.graph, rebuild.Selection{All: true})
	if serr != nil {
		return nil, serr
	}
	if err := rebuild.FirstFrom(ctx, a.first, jobs); err != nil {
		return nil, err
	}
	b := &rebuild.Exported{Title: "second guest", Store: contents}
	if err != nil {
		b.Why = "not built in the second guest: " + err.Error()
	}
	o.Builders = []rebuild.Builder{b}
	results, rerr := rebuild.Run(ctx, jobs, o)
	return results, errors.Join(err, rerr)
}

// freshJournal begins a journal: results of an earlier build of the closure
// say nothing about this one.
func freshJournal(name string) (*rebuild.Journal, error) {
	if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	return rebuild.OpenJournal(name)
}
