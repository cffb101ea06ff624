package main

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"fromsource/analyze"
	"fromsource/analyze/audit"
	"fromsource/analyze/rebuild"
	"fromsource/closure"
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

// rebuildStage builds suspects again, or all of the closure, on these
// builders, and keeps a journal in dir.
func rebuildStage(g *closure.Graph, dir string, all bool, parallel int, builders ...rebuild.Builder) analyze.Rebuilder {
	return func(ctx context.Context, suspects []analyze.Suspect, progress func(done, total int, item string)) (map[string][]audit.Rebuild, error) {
		sel := rebuild.Selection{All: all}
		for _, s := range suspects {
			sel.Suspects = append(sel.Suspects, s.Drv)
		}
		jobs, err := rebuild.Select(g, sel)
		if err != nil {
			return nil, err
		}
		journal, err := freshJournal(filepath.Join(dir, journalFile))
		if err != nil {
			return nil, err
		}
		defer journal.Close()
		results, err := rebuild.Run(ctx, jobs, rebuild.Options{
			Builders: builders, Parallel: parallel, Journal: journal,
			Progress: func(ev rebuild.Event) { progress(ev.Done, ev.Total, closure.NameOf(ev.Drv)) },
		})
		return rebuild.Rows(results), err
	}
}

// freshJournal begins a journal: results of an earlier build of the closure
// say nothing about this one.
func freshJournal(name string) (*rebuild.Journal, error) {
	if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	return rebuild.OpenJournal(name)
}
