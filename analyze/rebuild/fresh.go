package rebuild

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path"
	"strings"

	"fromsource/closure"
)

// fresh builds in a new store that holds the job's inputs and nothing else.
func (n *Nix) fresh(ctx context.Context, j *Job) (b Built, err error) {
	n.swept.Do(func() { n.sweep(ctx) })
	root := n.scratch(j)
	release := func(ctx context.Context) error { return n.remove(ctx, root) }
	defer func() {
		if err == nil {
			return
		}
		// Clean up even when cancelled, but not for ever.
		c, cancel := afterwards(ctx, cleaning)
		defer cancel()
		// Where the machine itself is lost, that is all there is to say.
		var failed *BuildError
		if e := release(c); e != nil && ctx.Err() == nil && errors.As(err, &failed) {
			err = errors.Join(err, e)
		}
	}()
	if err := n.provide(ctx, root, j); err != nil {
		return Built{}, unprepared(j, err)
	}
	printed, log, err := n.realise(ctx, root, j)
	var failed *BuildError
	if errors.As(err, &failed) && j.FixedOutput() && status(failed.Exit).hashMismatch() {
		if m, ok := mismatch(log, j.Drv); ok {
			b, err := n.refetched(ctx, j, m, log)
			b.Release = release
			return b, err
		}
	}
	if err != nil {
		return Built{}, err
	}
	outs, err := n.outputs(ctx, root, j, printed)
	if err != nil {
		return Built{}, err
	}
	if err := n.first(ctx, j, outs); err != nil {
		return Built{}, err
	}
	b = Built{Outputs: outs, Log: lastLines(log), Release: release}
	if len(j.Unresolved) > 0 {
		b.Note = fmt.Sprintf("its content-addressed inputs were built again too: %s", strings.Join(j.Unresolved, " "))
	}
	return b, nil
}

// unprepared makes a failed build of a command that ran and could not prepare
// the store: the machine is there, and its disk may be full.
func unprepared(j *Job, err error) error {
	var e *exitError
	if !errors.As(err, &e) {
		return err
	}
	why := "its store could not be prepared: " + lastLine(err.Error())
	if diskFull(e.stderr) {
		why = whyDiskFull
	}
	return &BuildError{Drv: j.Drv, Exit: e.exit, Why: why, Log: lastLines(e.stderr), Transient: true, unprepared: true}
}

// refetched is the result of a fetch that did not give the declared bytes.
// Nix deletes those, so there is nothing to look into.
func (n *Nix) refetched(ctx context.Context, j *Job, m Mismatch, log string) (Built, error) {
	outs := []BuiltOutput{{Name: j.Outputs[0].Name, Path: j.Outputs[0].Path, Flat: &m}}
	if err := n.first(ctx, j, outs); err != nil {
		return Built{}, err
	}
	return Built{Outputs: outs, Log: lastLines(log)}, nil
}

// provide makes the fresh store: the closure of the derivation and of its
// inputs is linked into it and registered with the hashes that the first
// store has on record.
func (n *Nix) provide(ctx context.Context, root string, j *Job) error {
	rs, err := n.closureOf(ctx, append([]string{j.Drv}, j.Inputs...))
	if errors.Is(err, errNotThere) {
		return &NotAttemptedError{Drv: j.Drv, Why: "an input is not in the builder's store: " + err.Error()}
	}
	if err != nil {
		return fmt.Errorf("asking for the inputs: %w", err)
	}
	for _, o := range j.Outputs {
		if _, there := find(rs, o.Path); there && o.Path != "" && o.Kind() != closure.Floating {
			return &NotAttemptedError{Drv: j.Drv, Why: fmt.Sprintf("its inputs refer to its own output %q", o.Path)}
		}
	}
	dir := path.Join(root, n.storeDir())
	if _, err := output(ctx, n.Runner, Cmd{Argv: []string{"mkdir", "-p", dir}}); err != nil {
		return fmt.Errorf("making a fresh store: %w", err)
	}
	var paths []string
	var db []byte
	for _, r := range rs {
		paths = append(paths, r.Path)
		db = appendRegistration(db, r)
	}
	for _, part := range chunks(paths) {
		if err := n.link(ctx, dir, part); err != nil {
			return fmt.Errorf("giving inputs to the fresh store: %w", err)
		}
	}
	_, err = output(ctx, n.Runner, Cmd{
		Argv: n.nixStore(root, "--load-db"), Env: n.Env, Stdin: bytes.NewReader(db),
	})
	if err != nil {
		return fmt.Errorf("registering inputs in the fresh store: %w", err)
	}
	return nil
}

// link gives store paths to a fresh store: as hard links, or copied where the
// scratch folder is on another file system.
func (n *Nix) link(ctx context.Context, dir string, paths []string) error {
	args := make([]string, 0, len(paths)+1)
	for _, p := range paths {
		args = append(args, n.physical(n.Store, p))
	}
	args = append(args, dir+"/")
	_, err := output(ctx, n.Runner, Cmd{Argv: append([]string{"cp", "-al"}, args...)})
	if !ranAndFailed(err) {
		return err
	}
	_, err = output(ctx, n.Runner, Cmd{Argv: append([]string{"cp", "-a"}, args...)})
	return err
}

// remove deletes a fresh store. Only its folders are made writable: its files
// may be links to those of the first store.
func (n *Nix) remove(ctx context.Context, root string) error {
	rm := Cmd{Argv: []string{"rm", "-rf", root}}
	_, err := output(ctx, n.Runner, rm)
	if !ranAndFailed(err) {
		return err
	}
	_, _ = output(ctx, n.Runner, Cmd{Argv: []string{"find", root, "-type", "d", "-exec", "chmod", "u+rwx", "{}", "+"}})
	if _, err = output(ctx, n.Runner, rm); err != nil {
		return fmt.Errorf("removing a fresh store: %w", err)
	}
	return nil
}
