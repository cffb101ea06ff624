package rebuild

import (
	"context"
	"errors"
	"fmt"
	"io"

	"fromsource/closure"
)

// Job is one derivation to be built again.
type Job struct {
	// Drv is the store path of the derivation.
	Drv string
	// Outputs as the derivation declares them.
	Outputs []closure.Output
	// Inputs are the store paths that the build reads: its sources, and the
	// outputs that it uses of its input derivations. Nothing else is given to
	// a build in a fresh store.
	Inputs []string
	// Unresolved are input derivations whose output paths are not known
	// before they are built (content-addressed ones).
	Unresolved []string
	// Needs are the derivations of other jobs that this one depends on,
	// directly or not. They are built first.
	Needs []string
	// Skip says why the job must not be attempted, where it must not.
	Skip string
	// First is what is on record of the first build, where the caller knows
	// it better than the builder's own store does.
	First []First
}

// FixedOutput reports whether the job is a fetch: its output's hash is
// declared.
func (j *Job) FixedOutput() bool {
	return len(j.Outputs) == 1 && j.Outputs[0].Kind() == closure.Fixed
}

// Opener gives the NAR of one output, from its beginning, each time.
type Opener func(context.Context) (io.ReadCloser, error)

// First is the record of an output's first build.
type First struct {
	Output  string
	Path    string
	NarHash string // SRI, sha256
	NarSize int64
	// Open gives the bytes; nil where they are not at hand.
	Open Opener
}

// Built is what a builder made of a job.
type Built struct {
	// Outputs, in the order of the job's outputs.
	Outputs []BuiltOutput
	// Log is the tail of the build's log.
	Log string
	// Note is a limit of this build that belongs beside its results.
	Note string
	// Release lets the builder delete what it built. It may be nil.
	Release func(context.Context) error
}

// BuiltOutput is one output that was built again.
type BuiltOutput struct {
	Name string
	Path string
	// NarHash is the SRI sha256 of the rebuilt output's NAR. It is empty
	// where the builder could not tell; Note then says why.
	NarHash string
	NarSize int64
	Note    string
	// Unlike is set where it is known to differ from the first build though
	// its hash is not known.
	Unlike bool
	// First is what the builder's own store has on record of the first
	// build; its NarHash is empty where that store has none.
	First First
	// Open gives the rebuilt NAR; nil where it was not kept.
	Open Opener
	// Flat is set for a fixed-output derivation whose new fetch did not have
	// the declared hash.
	Flat *Mismatch
}

// Mismatch is a declared hash and the one that was found, SRI.
type Mismatch struct{ Specified, Got string }

// Builder builds a derivation anew. Implementations are safe for use by
// several goroutines.
//
// Build returns a *BuildError when the derivation itself did not build, a
// *NotAttemptedError when it could not be tried, and any other error when the
// builder is lost: nothing more is then asked of it.
type Builder interface {
	// Name says who built, in reports: "guest", "second guest", "local".
	Name() string
	Build(context.Context, *Job) (Built, error)
}

// BuildError is a build that failed.
type BuildError struct {
	Drv  string
	Exit int
	// Why is one line: "builder failed", "timed out", "disk full".
	Why string
	// Log is the tail of the log.
	Log string
	// Transient is true where the machine is to blame rather than the
	// derivation: a resumed run tries again.
	Transient bool
	// unprepared is set where no build was begun.
	unprepared bool
	// full is what was kept of the log, as Nix wrote it.
	full string
}

// Error implements error.
func (e *BuildError) Error() string {
	return fmt.Sprintf("building %q: %s (exit status %d)", e.Drv, e.Why, e.Exit)
}

// NotAttemptedError says why a derivation was not built again.
type NotAttemptedError struct {
	Drv string
	Why string
}

// Error implements error.
func (e *NotAttemptedError) Error() string {
	return fmt.Sprintf("rebuilding %q: not attempted: %s", e.Drv, e.Why)
}

// ErrLost is wrapped by errors that say that a builder itself is gone.
var ErrLost = errors.New("builder lost")
