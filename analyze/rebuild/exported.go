package rebuild

import (
	"context"
	"errors"
	"fmt"
	"io"

	"fromsource/closure/store"
)

// Exported is a Builder for a closure that was built as a whole elsewhere, by
// a machine that shared nothing with the first one but the derivations and
// the sources: a second fresh guest. What it built is in a store.
type Exported struct {
	// Title is the builder's name in reports.
	Title string
	Store store.Store
	// Why says what became of a derivation whose outputs are not in the
	// store; empty for "it was not built".
	Why string
}

// Name implements Builder.
func (x *Exported) Name() string { return x.Title }

// Build implements Builder: it looks up what was built.
func (x *Exported) Build(ctx context.Context, j *Job) (Built, error) {
	if j.Skip != "" {
		return Built{}, &NotAttemptedError{Drv: j.Drv, Why: j.Skip}
	}
	var b Built
	for _, o := range j.Outputs {
		if o.Path == "" {
			return Built{}, &NotAttemptedError{Drv: j.Drv, Why: fmt.Sprintf("the path of output %q is not known before its build", o.Name)}
		}
		info, err := x.Store.Info(ctx, o.Path)
		switch {
		case errors.Is(err, store.ErrNotFound):
			why := x.Why
			if why == "" {
				why = "it was not built"
			}
			return Built{}, &NotAttemptedError{Drv: j.Drv, Why: why}
		case err != nil:
			return Built{}, fmt.Errorf("reading %q of the %s: %w", o.Path, x.Title, err)
		}
		b.Outputs = append(b.Outputs, BuiltOutput{
			Name: o.Name, Path: o.Path, NarHash: info.NarHash, NarSize: info.NarSize, Open: opener(x.Store, o.Path),
		})
	}
	return b, nil
}

func opener(s store.Store, path string) Opener {
	return func(ctx context.Context) (io.ReadCloser, error) { return s.NAR(ctx, path) }
}
