package rebuild

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
)

// snapshotBytes bounds what is read of a store's records at once: about
// 130,000 paths. A larger store is asked job by job.
const snapshotBytes = 64 << 20

// snapshot is what a store has on record of all its paths, read once: starting
// Nix is what costs most in an emulated guest.
type snapshot struct {
	mu    sync.Mutex
	tried bool
	byKey map[string]registration
}

// known returns the records of the builder's store; nil where it is too large,
// or can't be read as a whole.
func (n *Nix) known(ctx context.Context) (map[string]registration, error) {
	n.snap.mu.Lock()
	defer n.snap.mu.Unlock()
	if n.snap.tried {
		return n.snap.byKey, nil
	}
	r := stream(ctx, n.Runner, Cmd{Argv: n.nixStore(n.Store, "--dump-db"), Env: n.Env})
	b, err := io.ReadAll(io.LimitReader(r, snapshotBytes+1))
	_ = r.Close() // an early end is meant, and a late one is err
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err != nil && !ranAndFailed(err) {
		return nil, fmt.Errorf("reading the store's records: %w", err)
	}
	n.snap.tried = true
	if err != nil || len(b) > snapshotBytes {
		return nil, nil
	}
	rs, err := parseRegistrations(b)
	if err != nil {
		return nil, fmt.Errorf("reading the store's records: %w", err)
	}
	n.snap.byKey = make(map[string]registration, len(rs))
	for _, r := range rs {
		n.snap.byKey[r.Path] = r
	}
	return n.snap.byKey, nil
}

// errNotThere says that a path is not in the builder's store.
var errNotThere = errors.New("path is not in the store")

// closureOf gives the records of some paths and of all that they refer to.
func (n *Nix) closureOf(ctx context.Context, paths []string) ([]registration, error) {
	all, err := n.known(ctx)
	if err != nil {
		return nil, err
	}
	if rs, ok := walk(all, paths); ok {
		return rs, nil
	}
	// Too large a store, or one that has grown since.
	var found []string
	seen := map[string]bool{}
	for _, part := range chunks(paths) {
		out, err := n.query(ctx, n.Store, append([]string{"-qR"}, part...)...)
		if ranAndFailed(err) {
			return nil, fmt.Errorf("%w: %s", errNotThere, lastLine(err.Error()))
		}
		if err != nil {
			return nil, err
		}
		for _, p := range strings.Fields(string(out)) {
			if p = n.logical(n.Store, p); !seen[p] {
				seen[p] = true
				found = append(found, p)
			}
		}
	}
	return n.registrations(ctx, n.Store, found)
}

// walk collects a closure from records; false where one is missing.
func walk(all map[string]registration, paths []string) ([]registration, bool) {
	var rs []registration
	seen := map[string]bool{}
	todo := append([]string{}, paths...)
	for len(todo) > 0 {
		p := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if seen[p] {
			continue
		}
		seen[p] = true
		r, ok := all[p]
		if !ok {
			return nil, false
		}
		rs = append(rs, r)
		todo = append(todo, r.Refs...)
	}
	return rs, true
}

// record gives what the builder's store has of one path; false where it is
// not there.
func (n *Nix) record(ctx context.Context, p string) (registration, bool, error) {
	all, err := n.known(ctx)
	if err != nil {
		return registration{}, false, err
	}
	if r, ok := all[p]; ok {
		return r, true, nil
	}
	rs, err := n.registrations(ctx, n.Store, []string{p})
	if ranAndFailed(err) {
		return registration{}, false, nil
	}
	if err != nil {
		return registration{}, false, err
	}
	r, ok := find(rs, p)
	return r, ok, nil
}
