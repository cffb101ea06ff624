package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"fromsource/analyze"
	"fromsource/analyze/audit"
	"fromsource/analyze/rebuild"
	"fromsource/analyze/rules"
	"fromsource/closure"
	"fromsource/closure/store"
	"fromsource/report"
	"fromsource/vm"
)

// auditOptions are what the command line of audit says.
type auditOptions struct {
	recipe  string
	vm      vm.Options
	rebuild string
	method  string
	second  bool
	results resultOptions
}

// What an audit builds again.
const (
	rebuildSuspects = "suspects"
	rebuildAll      = "all"
	rebuildNone     = "none"
)

// vmFlags are the flags of everything that boots a guest.
func vmFlags(flags *pflag.FlagSet, o *vm.Options) {
	flags.StringVar(&o.Accel, "accel", "", "")
	flags.IntVar(&o.CPUs, "cpus", 0, "")
	flags.IntVar(&o.MemoryMB, "memory", 0, "")
	flags.IntVar(&o.DiskGB, "disk", 0, "")
	flags.BoolVar(&o.Refresh, "refresh", false, "")
}

// checkVM finds misuse of them.
func checkVM(o *vm.Options) error {
	switch {
	case o.Accel != "" && o.Accel != "kvm" && o.Accel != "tcg":
		return usageError("--accel is kvm or tcg, not %q", o.Accel)
	case o.CPUs < 0:
		return usageError("--cpus is a number of cores, not %d", o.CPUs)
	case o.MemoryMB < 0:
		return usageError("--memory is a number of MiB, not %d", o.MemoryMB)
	case o.DiskGB < 0:
		return usageError("--disk is a number of GiB, not %d", o.DiskGB)
	}
	return nil
}

func auditCommand(flags *pflag.FlagSet) func(context.Context, *env, []string) error {
	var o auditOptions
	flags.StringVar(&o.recipe, "recipe", "", "")
	flags.StringVar(&o.results.out, "out", "out", "")
	flags.StringVar(&o.rebuild, "rebuild", rebuildSuspects, "")
	flags.StringVar(&o.method, "method", rebuild.Fresh.String(), "")
	flags.BoolVar(&o.second, "second-guest", false, "")
	vmFlags(flags, &o.vm)
	o.results.flags(flags, "text")
	return func(ctx context.Context, e *env, args []string) error {
		if len(args) > 1 {
			return usageError("audit takes one target, got %d", len(args))
		}
		if err := checkVM(&o.vm); err != nil {
			return err
		}
		switch o.rebuild {
		case rebuildSuspects, rebuildAll, rebuildNone:
		default:
			return usageError("--rebuild is suspects, all or none, not %q", o.rebuild)
		}
		switch o.method {
		case rebuild.Check.String(), rebuild.Fresh.String():
		default:
			return usageError("--method is check or fresh, not %q", o.method)
		}
		if o.second && o.rebuild == rebuildNone {
			return usageError("--second-guest and --rebuild none exclude each other")
		}
		f, err := report.Lookup(o.results.format)
		if err != nil {
			return &exitError{exitUsage, err}
		}
		target := ""
		if len(args) == 1 {
			target = args[0]
		}
		r, err := findRecipe(target, o.recipe)
		if err != nil {
			return err
		}
		return runAudit(ctx, e, r, &o, f)
	}
}

// runAudit is the main job: build in a guest, load, analyze, rebuild, report.
func runAudit(ctx context.Context, e *env, r vm.Recipe, o *auditOptions, f report.Format) error {
	// What can't be written in the end is better known at the beginning.
	if err := writableDir(o.results.out); err != nil {
		return err
	}
	p := newProgress(e)
	defer p.times()
	defer p.end()
	r, err := withInputs(ctx, r, p)
	if err != nil {
		return err
	}
	o.vm.Progress, o.vm.Keep = p.guest, o.rebuild != rebuildNone
	x, err := vm.Build(ctx, r, o.results.out, o.vm)
	if x == nil {
		return guestError(e, err)
	}
	if x.Machine != nil {
		defer x.Machine.Close()
	}
	if err != nil {
		// What was built before it failed is worth its analysis.
		if _, serr := os.Stat(x.Path(vm.ClosureFile)); serr != nil {
			return guestError(e, err)
		}
		p.note("%v; going on with what was built", err)
	}
	a, aerr := analyzeExport(ctx, p, r, x, o)
	if a != nil {
		aerr = deliver(e, p, a, aerr, &o.results, f)
		e.say("wrote %s, %s and %s", filepath.Join(o.results.out, "audit.json"), filepath.Join(o.results.out, "report.md"), x.Path(vm.LogFile))
	}
	if err != nil {
		return errors.Join(guestError(e, err), aerr)
	}
	return aerr
}

// analyzeExport audits what a guest built and exported.
func analyzeExport(ctx context.Context, p *progress, r vm.Recipe, x *vm.Export, o *auditOptions) (*audit.Audit, error) {
	file := x.Path(vm.ClosureFile)
	graph, facts, err := load(ctx, p, closure.ExportInput(file), rules.Extractor{})
	if err != nil {
		return nil, err
	}
	contents, err := store.OpenExport(file)
	if err != nil {
		return nil, err
	}
	defer contents.Close()
	req := analyze.Request{
		Name: r.Name, Version: version, Graph: graph, Facts: facts,
		Store: contents, Guest: auditGuest(&x.Guest), Progress: p.event,
	}
	if !o.results.noCache {
		req.Cache = cacheDir("fingerprints")
	}
	if x.Guest.ExecRecorded {
		if req.Exec, err = readExec(x.Path(vm.ExecFile)); err != nil {
			return nil, err
		}
	}
	if x.Machine != nil {
		method, err := rebuild.ParseMethod(o.method)
		if err != nil {
			return nil, err
		}
		a := &again{
			graph: graph, first: contents, dir: o.results.out, all: o.rebuild == rebuildAll, parallel: x.Guest.CPUs,
			guest: &rebuild.Nix{Title: "guest", Runner: inGuest(x.Machine), Method: method},
		}
		if o.second {
			a.second = func(ctx context.Context, dir string) (*vm.Export, error) {
				// One guest at a time: the first has done its part.
				if err := x.Machine.Close(); err != nil {
					return nil, err
				}
				opts := o.vm
				opts.Keep = false
				return vm.Build(ctx, r, dir, opts)
			}
		}
		req.Rebuild = a.stage
	}
	return analyze.Run(ctx, req)
}

// auditGuest is what the audit says of the guest.
func auditGuest(g *vm.Guest) *audit.Guest {
	return &audit.Guest{Nix: strings.TrimPrefix(g.Nix, "nix (Nix) "), Kernel: g.Kernel, Packages: g.Packages, Substitutes: g.Substitutes, Sandbox: g.Sandbox}
}

// guestError is an error of the guest, with the end of its console where the
// guest itself is to blame.
func guestError(e *env, err error) error {
	var failed *vm.Failure
	if errors.As(err, &failed) && failed.Console != "" {
		e.say("the end of the guest's console:\n%s", failed.Console)
	}
	var build *vm.BuildError
	if errors.As(err, &build) && build.Log != "" {
		e.say("the end of Nix's log:\n%s", printableLines(build.Log))
	}
	return err
}

// writableDir makes a folder and tries to write in it.
func writableDir(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil { // results are for everybody to read
		return fmt.Errorf("making the folder of results: %w", err)
	}
	f, err := os.CreateTemp(dir, ".write*")
	if err != nil {
		return fmt.Errorf("writing to the folder of results: %w", err)
	}
	return errors.Join(f.Close(), os.Remove(f.Name()))
}

// guest shows a step of a guest's build.
func (p *progress) guest(ev vm.Event) {
	if ev.Took > 0 {
		p.update("guest: "+ev.Stage, ev.Done, ev.Total, fmt.Sprintf("%s in %s", ev.Text, ev.Took.Round(time.Millisecond)))
		return
	}
	p.update("guest: "+ev.Stage, ev.Done, ev.Total, ev.Text)
}
