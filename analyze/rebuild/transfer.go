package rebuild

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sort"

	"fromsource/closure/store"
)

// Transfer gives the derivations, their inputs' derivations and their sources
// from one machine's store to another's, and no output: all that a second,
// independent machine may have in common with the first.
func Transfer(ctx context.Context, from, to *Nix, drvs []string) error {
	rs, err := from.closureOf(ctx, drvs)
	if err != nil {
		return fmt.Errorf("listing the derivations: %w", err)
	}
	paths := make([]string, 0, len(rs))
	for _, r := range rs {
		paths = append(paths, r.Path)
	}
	sort.Strings(paths)
	// nix-store imports one stream, so it has to be one command; the closure
	// of 120,000 derivations would not fit its command line.
	for _, part := range ordered(rs, paths) {
		r := stream(ctx, from.Runner, Cmd{Argv: from.nixStore(from.Store, append([]string{"--export"}, part...)...), Env: from.Env})
		_, err := output(ctx, to.Runner, Cmd{
			Argv: to.nixStore(to.Store, "--import", "--option", "require-sigs", "false"), Env: to.Env, Stdin: r,
		})
		// A stream that was cut off is refused by the importer, but its cause
		// is the exporter's.
		if _, e := r.Read(make([]byte, 1)); e != nil && !errors.Is(e, io.EOF) && !errors.Is(e, io.ErrClosedPipe) {
			err = errors.Join(e, err)
		}
		if e := r.Close(); err == nil {
			err = e
		}
		if err != nil {
			return fmt.Errorf("giving derivations to %q: %w", to.Title, err)
		}
	}
	return nil
}

// ordered cuts paths into parts of which each refers only to itself and to
// those before: what an import accepts.
func ordered(rs []registration, paths []string) [][]string {
	byPath := make(map[string]registration, len(rs))
	for _, r := range rs {
		byPath[r.Path] = r
	}
	var order []string
	done := map[string]bool{}
	type frame struct {
		path string
		next int
	}
	for _, p := range paths {
		if done[p] {
			continue
		}
		done[p] = true
		for todo := []frame{{path: p}}; len(todo) > 0; {
			f := &todo[len(todo)-1]
			refs := byPath[f.path].Refs
			if f.next == len(refs) {
				order = append(order, f.path)
				todo = todo[:len(todo)-1]
				continue
			}
			ref := refs[f.next]
			f.next++
			if !done[ref] {
				done[ref] = true
				todo = append(todo, frame{path: ref})
			}
		}
	}
	return chunks(order)
}

// FirstFrom fills in what a store has of the jobs' first builds: hashes of its
// bytes, and the bytes, to be compared with what another machine builds. What
// the store has not is left as it is.
func FirstFrom(ctx context.Context, s store.Store, jobs []*Job) error {
	for _, j := range jobs {
		for _, o := range j.Outputs {
			if o.Path == "" {
				continue
			}
			info, err := s.Info(ctx, o.Path)
			if errors.Is(err, store.ErrNotFound) {
				continue
			}
			if err != nil {
				return fmt.Errorf("reading the first build of %q: %w", o.Path, err)
			}
			j.First = append(j.First, First{
				Output: o.Name, Path: o.Path, NarHash: info.NarHash, NarSize: info.NarSize,
				Open: opener(s, o.Path),
			})
		}
	}
	return nil
}
