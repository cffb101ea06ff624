package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"fromsource/analyze/audit"
	"fromsource/analyze/rebuild"
	"fromsource/closure"
	"fromsource/closure/store"
	"fromsource/vm"
	"fromsource/vm/image"
)

// auditFile is the audit in a folder of results.
const auditFile = "audit.json"

// rebuildTarget is what is built again.
type rebuildTarget struct {
	input closure.Input
	sel   rebuild.Selection
	// audit is nil where derivations were named; dir is the folder it is in.
	audit *audit.Audit
	dir   string
	// first has the bytes of the first build, where they are in that folder
	// and used.
	first *store.Export
}

// target understands the arguments: an audit, or the folder that it is in,
// whose suspects are built again, or what is named behind it; or derivations.
func (o *rebuildOptions) target(args []string) (*rebuildTarget, error) {
	t := &rebuildTarget{sel: rebuild.Selection{All: o.all}}
	if strings.HasSuffix(args[0], ".drv") {
		var roots []closure.Input
		for _, drv := range args {
			if !strings.HasSuffix(drv, ".drv") {
				return nil, usageError("an audit comes before derivations of it; %q comes after one", drv)
			}
			t.sel.Named = append(t.sel.Named, drv)
			roots = append(roots, closure.DrvInput(drv, o.root()))
		}
		t.input = closure.UnionInput(roots...)
		return t, nil
	}
	name := args[0]
	if st, err := os.Stat(name); err == nil && st.IsDir() {
		name = filepath.Join(name, auditFile)
	}
	a, err := audit.ReadFile(name)
	if err != nil {
		return nil, err
	}
	t.audit, t.dir = a, filepath.Dir(name)
	t.sel.Named = args[1:]
	for _, d := range a.Derivations {
		switch d.Verdict {
		case audit.Binary, audit.CarriesBinary, audit.BuiltByBinary:
			if len(t.sel.Named) == 0 {
				t.sel.Suspects = append(t.sel.Suspects, d.Drv)
			}
		}
	}
	if o.in == inLocal {
		var roots []closure.Input
		for _, r := range a.Target.Roots {
			roots = append(roots, closure.DrvInput(r, o.root()))
		}
		t.input = closure.UnionInput(roots...)
		return t, nil
	}
	file := filepath.Join(t.dir, vm.ClosureFile)
	if t.first, err = store.OpenExport(file); errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("--in %s builds from what fromsource audit has left beside the audit: %w", o.in, err)
	} else if err != nil {
		return nil, err
	}
	t.input = closure.ExportInput(file)
	return t, nil
}

func (o *rebuildOptions) root() string {
	if o.store == "" {
		return "/"
	}
	return o.store
}

func (t *rebuildTarget) close() error {
	if t.first == nil {
		return nil
	}
	return t.first.Close()
}

// jobs loads the closure and selects.
func (t *rebuildTarget) jobs(ctx context.Context) (*closure.Graph, []*rebuild.Job, error) {
	g, err := closure.Load(ctx, t.input, closure.Options{})
	if err != nil {
		return nil, nil, err
	}
	jobs, err := rebuild.Select(g, t.sel)
	if err != nil {
		return nil, nil, err
	}
	if t.first == nil {
		recordedIn(jobs, t.audit)
		return g, jobs, nil
	}
	if err := rebuild.FirstFrom(ctx, t.first, jobs); err != nil {
		return nil, nil, err
	}
	return g, jobs, t.sameBuild(jobs)
}

// sameBuild refuses bytes that are not of the build that the audit is about.
func (t *rebuildTarget) sameBuild(jobs []*rebuild.Job) error {
	known := map[string]string{}
	for _, d := range t.audit.Derivations {
		for _, out := range d.Outputs {
			known[out.Path] = out.NarHash
		}
	}
	for _, j := range jobs {
		for _, f := range j.First {
			if k := known[f.Path]; k != "" && k != f.NarHash {
				return fmt.Errorf("%s in %s is of another build than the audit: %q is %s there, and %s in the audit", vm.ClosureFile, t.dir, f.Path, f.NarHash, k)
			}
		}
	}
	return nil
}

// recordedIn hands the jobs what an audit has on record of first builds.
func recordedIn(jobs []*rebuild.Job, a *audit.Audit) {
	if a == nil {
		return
	}
	rows := map[string]*audit.Derivation{}
	for i := range a.Derivations {
		rows[a.Derivations[i].Drv] = &a.Derivations[i]
	}
	for _, j := range jobs {
		row, ok := rows[j.Drv]
		if !ok {
			continue
		}
		for _, out := range row.Outputs {
			if out.NarHash != "" {
				j.First = append(j.First, rebuild.First{Output: out.Name, Path: out.Path, NarHash: out.NarHash, NarSize: out.NarSize})
			}
		}
	}
}

// builder is who builds, and its end. What it can't vary is taken out of the
// options of the run.
func (o *rebuildOptions) builder(ctx context.Context, t *rebuildTarget, g *closure.Graph, run *rebuild.Options, p *progress) (rebuild.Builder, func(), error) {
	settings, err := o.settings()
	if err != nil {
		return nil, nil, err
	}
	method, err := rebuild.ParseMethod(o.method)
	if err != nil {
		return nil, nil, err
	}
	if o.in == inLocal {
		return &rebuild.Nix{Title: "local", Runner: rebuild.Local{}, Store: o.store, Method: method, Options: settings}, func() {}, nil
	}
	r, err := t.recipe(ctx, o, p)
	if err != nil {
		return nil, nil, err
	}
	b := &guests{title: "guest", opts: o.vm}
	b.opts.Progress = p.guest
	if run.Vary, err = o.prepareKernels(ctx, r, b.opts, run.Vary, p); err != nil {
		return nil, nil, err
	}
	if o.vary != "" {
		// By default the seed is another one for every disk: then any varied
		// guest would also list folders in another order.
		b.opts.MakeFS = []string{"-E", "hash_seed=0a1f5a26-7f3c-4b1e-9d27-3c5f0d6e8b41"}
	}
	b.boot = func(opts vm.Options) (*vm.Machine, error) {
		m, err := vm.Ready(ctx, r, opts)
		if err != nil {
			return nil, guestError(p.e, err)
		}
		return m, nil
	}
	b.fill = func(_ context.Context, w io.Writer) error {
		f, err := os.Open(filepath.Join(t.dir, vm.ClosureFile))
		if err != nil {
			return err
		}
		defer f.Close()
		_, err = io.Copy(w, f)
		return err
	}
	if o.in == inSecondGuest {
		method, b.title = rebuild.Plain, "second guest"
		b.fill = func(ctx context.Context, w io.Writer) error { return rebuild.WriteDerivations(ctx, w, g, t.first) }
	}
	b.nix = func(m *vm.Machine) *rebuild.Nix {
		return &rebuild.Nix{Title: b.title, Runner: inGuest(m), Method: method, Options: settings}
	}
	return b, func() { _ = b.Close() }, nil // a guest that was lost is reported by who used it
}

// prepareKernels makes the images of guests with another kernel before anything
// is built: the distribution may have none. Of "all" that is left out.
func (o *rebuildOptions) prepareKernels(ctx context.Context, r vm.Recipe, opts vm.Options, vs []rebuild.Variation, p *progress) ([]rebuild.Variation, error) {
	var can []rebuild.Variation
	for _, v := range vs {
		if v.Image != "" {
			opts.KernelPackage = kernelPackage(v)
			_, _, err := vm.Prepare(ctx, r, opts)
			if errors.Is(err, image.ErrNoKernel) && o.vary == "all" {
				p.note("the kernel is not varied: %v", err)
				continue
			}
			if err != nil {
				return nil, guestError(p.e, err)
			}
		}
		can = append(can, v)
	}
	return can, nil
}

// recipe is the one that the audit's guest has built, with its inputs: a
// guest's fetches are served from them.
func (t *rebuildTarget) recipe(ctx context.Context, o *rebuildOptions, p *progress) (vm.Recipe, error) {
	target := ""
	if o.recipe == "" {
		b, err := os.ReadFile(filepath.Join(t.dir, vm.GuestFile))
		if err != nil {
			return vm.Recipe{}, fmt.Errorf("reading what built the audit's closure: %w", err)
		}
		var was vm.Guest
		if err := json.Unmarshal(b, &was); err != nil {
			return vm.Recipe{}, fmt.Errorf("reading what built the audit's closure: %s: %w", vm.GuestFile, err)
		}
		if target = was.Recipe; !slices.Contains(targets, target) {
			return vm.Recipe{}, usageError("the audit was made with a recipe of your own, %q: give it again by --recipe FILE", target)
		}
	}
	r, err := findRecipe(target, o.recipe)
	if err != nil {
		return vm.Recipe{}, err
	}
	return withInputs(ctx, r, p)
}
