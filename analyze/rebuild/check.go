package rebuild

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"fromsource/closure"
)

// checkNote is said beside every result of --check that agrees: those bytes
// were compared by Nix and are gone.
const checkNote = "compared by nix --check"

// check builds with `nix-store --realise --check`, in the store itself. What
// Nix says is believed only where it is known to look: the kind of the output
// is one that it compares, it says that it is checking this derivation, and
// the first build's bytes still have the hash that it compares with.
func (n *Nix) check(ctx context.Context, j *Job) (Built, error) {
	for _, o := range j.Outputs {
		if k := o.Kind(); k != closure.InputAddressed && k != closure.Fixed {
			return Built{}, &NotAttemptedError{Drv: j.Drv, Why: "nix --check says nothing of a content-addressed output"}
		}
	}
	outs := make([]BuiltOutput, len(j.Outputs))
	for i, o := range j.Outputs {
		outs[i] = BuiltOutput{Name: o.Name, Path: o.Path}
	}
	if err := n.first(ctx, j, outs); err != nil {
		return Built{}, err
	}
	for i, o := range outs {
		if o.First.NarHash == "" {
			return Built{}, &NotAttemptedError{Drv: j.Drv, Why: fmt.Sprintf("its output %q is not in the builder's store, so there is nothing to check", o.Name)}
		}
		sum, size, err := hashNAR(ctx, o.First.Open)
		if err != nil {
			return Built{}, fmt.Errorf("hashing the first build of %q: %w", o.Path, err)
		}
		if sum != o.First.NarHash {
			outs[i].Note = fmt.Sprintf("the first build's bytes have changed since it was registered: %s is on record", o.First.NarHash)
			outs[i].First.NarHash, outs[i].First.NarSize = sum, size
		}
	}
	// run-diff-hook without a hook makes Nix keep what differs, as
	// --keep-failed would, without the build folder (nix: handleDiffHook).
	_, log, err := n.realise(ctx, n.Store, j, "--check", "--option", "run-diff-hook", "true")
	b := Built{Outputs: outs, Log: lastLines(log)}
	var failed *BuildError
	switch {
	case err == nil:
		if !strings.Contains(log, "checking outputs of '"+j.Drv+"'") {
			return Built{}, &NotAttemptedError{Drv: j.Drv, Why: "nix --check ended without checking it"}
		}
		for i := range outs {
			if outs[i].Note == "" {
				outs[i].NarHash, outs[i].NarSize = outs[i].First.NarHash, outs[i].First.NarSize
				outs[i].Note = checkNote
				outs[i].Open = outs[i].First.Open
			}
		}
		return b, nil
	case errors.As(err, &failed):
		if m, ok := mismatch(log, j.Drv); ok && j.FixedOutput() && status(failed.Exit).hashMismatch() {
			outs[0].Flat = &m
			return b, nil
		}
		if status(failed.Exit).checkMismatch() {
			return n.checked(ctx, b, failed)
		}
	}
	return Built{}, err
}

// checked looks for the rebuilt bytes that a failed check keeps, and hashes
// them.
func (n *Nix) checked(ctx context.Context, b Built, failed *BuildError) (Built, error) {
	var kept []string
	unlike := false
	for i := range b.Outputs {
		o := &b.Outputs[i]
		at := n.physical(n.Store, o.Path) + ".check"
		open := n.dump(at)
		sum, size, err := hashNAR(ctx, open)
		switch {
		case ranAndFailed(err) && strings.Contains(failed.full, "output '"+o.Path+"' differs"):
			o.Unlike, unlike = true, true
			o.Note = "nix --check says that it differs, and has not kept the rebuilt bytes"
		case ranAndFailed(err):
			o.Note = "nix --check stopped at another output that differs"
		case err != nil:
			return Built{}, fmt.Errorf("hashing %q: %w", at, err)
		default:
			o.NarHash, o.NarSize, o.Open = sum, size, open
			kept = append(kept, at)
		}
	}
	if len(kept) == 0 && !unlike {
		return Built{}, failed
	}
	b.Release = func(ctx context.Context) error {
		for _, at := range kept {
			if err := n.remove(ctx, at); err != nil {
				return err
			}
		}
		return nil
	}
	return b, nil
}
