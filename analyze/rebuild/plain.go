package rebuild

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"sync"
)

// plain builds in the machine's store as it is. The machine must have got the
// derivations and the sources only: an output that is there before is not
// built again, and that is refused.
func (n *Nix) plain(ctx context.Context, j *Job) (Built, error) {
	printed, log, err := n.realise(ctx, n.Store, j)
	var failed *BuildError
	if errors.As(err, &failed) && j.FixedOutput() && status(failed.Exit).hashMismatch() {
		if m, ok := mismatch(log, j.Drv); ok {
			return Built{
				Outputs: []BuiltOutput{{Name: j.Outputs[0].Name, Path: j.Outputs[0].Path, Flat: &m}},
				Log:     lastLines(log),
			}, nil
		}
	}
	if err != nil {
		return Built{}, err
	}
	if !n.builtHere(j) {
		return Built{}, &NotAttemptedError{Drv: j.Drv, Why: "its outputs were in the builder's store before"}
	}
	outs, err := n.outputs(ctx, n.Store, j, printed)
	if err != nil {
		return Built{}, err
	}
	return Built{Outputs: outs, Log: lastLines(log)}, nil
}

// builtHere reports whether this builder has built the derivation, now or as
// an input of an earlier job.
func (n *Nix) builtHere(j *Job) bool {
	_, ok := n.made.Load(j.Drv)
	return ok
}

// buildingLines notes the derivations that Nix says it is building, over the
// whole of a log of any length.
type buildingLines struct {
	made *sync.Map
	line []byte
}

// Write implements io.Writer; it never fails.
func (b *buildingLines) Write(p []byte) (int, error) {
	const longest = 4096
	for rest := p; len(rest) > 0; {
		part, after, ended := bytes.Cut(rest, []byte("\n"))
		if room := longest - len(b.line); room > 0 {
			b.line = append(b.line, part[:min(room, len(part))]...)
		}
		if ended {
			if drv, ok := bytes.CutPrefix(b.line, []byte("building '")); ok {
				if drv, _, ok := bytes.Cut(drv, []byte("'")); ok {
					b.made.Store(string(drv), true)
				}
			}
			b.line = b.line[:0]
		}
		rest = after
	}
	return len(p), nil
}

// hashNAR reads a NAR to its end and hashes it.
func hashNAR(ctx context.Context, open Opener) (sri string, size int64, err error) {
	r, err := open(ctx)
	if err != nil {
		return "", 0, err
	}
	h := sha256.New()
	size, err = io.Copy(h, r)
	if e := r.Close(); err == nil && e != nil {
		err = fmt.Errorf("closing: %w", e)
	}
	if err != nil {
		return "", 0, err
	}
	return sriSHA256(h.Sum(nil)), size, nil
}
