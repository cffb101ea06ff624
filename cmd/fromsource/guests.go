package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"

	"fromsource/analyze/rebuild"
	"fromsource/vm"
)

// guests is a builder in guests of its own: one for what is built as it is,
// which boots when the first build wants it, and one beside it at a time for
// what is varied.
type guests struct {
	title string
	opts  vm.Options
	// boot starts a guest that lives until the whole run ends.
	boot func(vm.Options) (*vm.Machine, error)
	// fill writes what a guest's store is given, for nix-store --import.
	fill func(context.Context, io.Writer) error
	// nix is how builds are run in a guest.
	nix func(*vm.Machine) *rebuild.Nix

	mu     sync.Mutex
	plain  *guest
	failed error

	// varying is held while a varied guest is in use.
	varying sync.Mutex
	varied  *guest
}

// guest is one that runs, and what was varied of it.
type guest struct {
	machine *vm.Machine
	nix     *rebuild.Nix
	key     string
}

// Name implements rebuild.Builder.
func (g *guests) Name() string { return g.title }

// Build implements rebuild.Builder.
func (g *guests) Build(ctx context.Context, j *rebuild.Job) (rebuild.Built, error) {
	if j.Skip != "" {
		return rebuild.Built{}, &rebuild.NotAttemptedError{Drv: j.Drv, Why: j.Skip}
	}
	base, err := g.base(ctx)
	if err != nil {
		return rebuild.Built{}, err
	}
	return base.nix.Build(ctx, j)
}

// base is the guest in which nothing is varied.
func (g *guests) base(ctx context.Context) (*guest, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.plain == nil && g.failed == nil {
		g.plain, g.failed = g.start(ctx, g.opts, "")
	}
	return g.plain, g.failed
}

// start boots a guest and gives it what it builds from.
func (g *guests) start(ctx context.Context, o vm.Options, key string) (*guest, error) {
	m, err := g.boot(o)
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", rebuild.ErrLost, g.title, err)
	}
	if err := g.load(ctx, m); err != nil {
		_ = m.Close() // the first error is the one to report
		return nil, fmt.Errorf("%w: %s: filling its store: %w", rebuild.ErrLost, g.title, err)
	}
	return &guest{machine: m, nix: g.nix(m), key: key}, nil
}

func (g *guests) load(ctx context.Context, m *vm.Machine) error {
	r, w := io.Pipe()
	written := make(chan error, 1)
	go func() {
		err := g.fill(ctx, w)
		written <- err
		w.CloseWithError(err)
	}()
	var errs strings.Builder
	code, err := m.Run(ctx, vm.Cmd{
		Argv: []string{"nix-store", "--import", "--option", "require-sigs", "false"}, Stdin: r, Stderr: &errs,
	})
	_ = r.Close() // ends a writer whose reader is gone
	if werr := <-written; werr != nil && !errors.Is(werr, io.ErrClosedPipe) {
		return werr
	}
	if err == nil && code != 0 {
		err = fmt.Errorf("nix-store --import: exit status %d: %s", code, printable(strings.TrimSpace(errs.String())))
	}
	return err
}

// Vary implements rebuild.Varier. What is of the machine gets a guest of its
// own, which is kept for the next job; the rest is how Nix is called in it.
func (g *guests) Vary(ctx context.Context, vs []rebuild.Variation) (rebuild.Builder, func() error, error) {
	base, err := g.base(ctx)
	if err != nil {
		return nil, nil, err
	}
	var not, key []string
	var rest []rebuild.Variation
	o := g.opts
	var before [][]string
	for _, v := range vs {
		switch {
		case !guestCan(v):
			not = append(not, v.Name)
			continue
		case !v.OfMachine():
			rest = append(rest, v)
			continue
		}
		key = append(key, v.Name)
		before = append(before, v.Guest...)
		o.Kernel, o.MakeFS = append(slices.Clip(o.Kernel), v.Kernel...), append(slices.Clip(o.MakeFS), v.MakeFS...)
		switch v.Name {
		case "processors": // another number than the base has
			o.CPUs = 1
			if base.machine.CPUs() == 1 {
				o.CPUs = 2
			}
		case "memory": // half as much again: builds must still fit
			o.MemoryMB = base.machine.MemoryMB() * 3 / 2
		default:
			o.QEMU = append(slices.Clip(o.QEMU), v.QEMU...)
		}
	}
	if len(not) > 0 {
		return nil, nil, &rebuild.UnsupportedError{Builder: g.title, Names: not}
	}
	if len(key) == 0 {
		return base.nix.Vary(ctx, rest)
	}
	g.varying.Lock()
	in, err := g.variedGuest(ctx, o, strings.Join(key, ","), before)
	if err != nil {
		g.varying.Unlock()
		return nil, nil, err
	}
	b, end, err := in.nix.Vary(ctx, rest)
	if err != nil {
		g.varying.Unlock()
		return nil, nil, err
	}
	return b, func() error { defer g.varying.Unlock(); return end() }, nil
}

// variedGuest is the guest of these variations; another one ends for it.
func (g *guests) variedGuest(ctx context.Context, o vm.Options, key string, before [][]string) (*guest, error) {
	if g.varied != nil && g.varied.key == key && g.varied.machine.Err() == nil {
		return g.varied, nil
	}
	if g.varied != nil {
		_ = g.varied.machine.Close() // it has given its results
		g.varied = nil
	}
	in, err := g.start(ctx, o, key)
	if err != nil {
		return nil, err
	}
	for _, argv := range before {
		code, err := in.machine.Run(ctx, vm.Cmd{Argv: argv})
		if err == nil && code != 0 {
			err = fmt.Errorf("%q: exit status %d", argv, code)
		}
		if err != nil {
			_ = in.machine.Close() // the first error is the one to report
			return nil, fmt.Errorf("varying a guest: %w", err)
		}
	}
	g.varied = in
	return in, nil
}

// guestCan reports whether a variation can be had in a guest. Its unshare is
// that of busybox, which has no time namespaces; and it has one kernel.
func guestCan(v rebuild.Variation) bool {
	return v.Image == "" && !slices.Contains(v.Wrap, "--time")
}

// Close ends the guests.
func (g *guests) Close() error {
	var errs []error
	for _, in := range []*guest{g.plain, g.varied} {
		if in != nil {
			errs = append(errs, in.machine.Close())
		}
	}
	return errors.Join(errs...)
}
