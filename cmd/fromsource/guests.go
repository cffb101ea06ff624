package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"

	"fromsource/analyze/rebuild"
	"fromsource/vm"
	"fromsource/vm/agent"
	"fromsource/vm/image"
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

	// varying is held while a varied guest is in use; kept are those that run,
	// the one that was used last at the end.
	varying sync.Mutex
	kept    []*guest
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

// varied is a builder in a varied guest.
type varied struct {
	rebuild.Builder
	as []rebuild.Variation
}

// Applied implements rebuild.Varied.
func (v varied) Applied() []rebuild.Variation { return v.as }

// Vary implements rebuild.Varier. What is of the machine gets a guest of its
// own, which is kept for the next job; the rest is how Nix is called in it.
func (g *guests) Vary(ctx context.Context, vs []rebuild.Variation) (rebuild.Builder, func() error, error) {
	base, err := g.base(ctx)
	if err != nil {
		return nil, nil, err
	}
	var key []string
	var rest []rebuild.Variation
	vs = slices.Clone(vs)
	o := g.opts
	var before [][]string
	for i := range vs {
		v := &vs[i]
		if !v.OfMachine() {
			if v.Name == "uptime" { // busybox's unshare has no time namespaces
				v.Wrap = []string{agent.UptimeCommand, rebuild.UptimeSeconds}
			}
			rest = append(rest, *v)
			continue
		}
		key = append(key, v.Name)
		before = append(before, v.Guest...)
		o.Kernel, o.MakeFS = append(slices.Clip(o.Kernel), v.Kernel...), append(slices.Clip(o.MakeFS), v.MakeFS...)
		switch {
		case v.Image != "": // its own name for itself is another one already
			o.KernelPackage = kernelPackage(*v)
		case v.Name == "processors": // another number than the base has
			o.CPUs = 1
			if base.machine.CPUs() == 1 {
				o.CPUs = 2
			}
			v.Seen = fmt.Sprintf("%d for %d", o.CPUs, base.machine.CPUs())
		case v.Name == "memory": // half as much again: builds must still fit
			o.MemoryMB = base.machine.MemoryMB() * 3 / 2
			v.Seen = fmt.Sprintf("%d MiB for %d", o.MemoryMB, base.machine.MemoryMB())
		default:
			o.QEMU = append(slices.Clip(o.QEMU), v.QEMU...)
		}
	}
	if len(key) == 0 {
		b, end, err := base.nix.Vary(ctx, rest)
		return varied{b, vs}, end, err
	}
	g.varying.Lock()
	in, err := g.variedGuest(ctx, o, strings.Join(key, ","), before)
	if err != nil {
		g.varying.Unlock()
		return nil, nil, err
	}
	for i := range vs {
		if vs[i].Image != "" {
			vs[i].Seen = fmt.Sprintf("Linux %s for %s", in.machine.Hello.Kernel, base.machine.Hello.Kernel)
		}
	}
	b, end, err := in.nix.Vary(ctx, rest)
	if err != nil {
		g.varying.Unlock()
		return nil, nil, err
	}
	return varied{b, vs}, func() error {
		defer g.varying.Unlock()
		if in.machine.Err() == nil {
			// An emulated guest that idles takes a tenth of a processor.
			_ = in.machine.Pause(context.WithoutCancel(ctx)) // its end is seen by who uses it next
		}
		return end()
	}, nil
}

// kernelPackage is the package of the kernel that a variation asks for.
func kernelPackage(v rebuild.Variation) string {
	if v.Image == rebuild.OtherKernel {
		return image.OtherKernel
	}
	return v.Image
}

// variedGuest is the guest of these variations: one that is kept from before,
// or a new one, for which those not used for longest end where the host has no
// memory for all. A search for what breaks reproducibility comes back to the
// same few guests, and booting one is most of its cost.
func (g *guests) variedGuest(ctx context.Context, o vm.Options, key string, before [][]string) (*guest, error) {
	if i := slices.IndexFunc(g.kept, func(k *guest) bool { return k.key == key }); i >= 0 {
		in := g.kept[i]
		g.kept = slices.Delete(g.kept, i, i+1)
		if in.machine.Err() == nil && in.machine.Resume(ctx) == nil {
			g.kept = append(g.kept, in)
			return in, nil
		}
		_ = in.machine.Close() // another one takes its place
	}
	need := int64(max(o.MemoryMB, g.plain.machine.MemoryMB())) << 20
	for len(g.kept) > 0 && (len(g.kept) >= maxKept || available() < 2*need) {
		_ = g.kept[0].machine.Close() // it has given its results
		g.kept = g.kept[1:]
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
	g.kept = append(g.kept, in)
	return in, nil
}

// maxKept is how many varied guests are kept at most.
const maxKept = 12

// available is how much memory the host can give, in bytes; 0 where it does
// not say (proc(5), MemAvailable).
func available() int64 {
	b, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(b)) {
		if f := strings.Fields(line); len(f) > 1 && f[0] == "MemAvailable:" {
			kb, _ := strconv.ParseInt(f[1], 10, 64) // 0 where it is no number
			return kb << 10
		}
	}
	return 0
}

// Close ends the guests.
func (g *guests) Close() error {
	var errs []error
	for _, in := range append(g.kept, g.plain) {
		if in != nil {
			errs = append(errs, in.machine.Close())
		}
	}
	return errors.Join(errs...)
}
