package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/pflag"

	"fromsource/analyze/audit"
	"fromsource/analyze/rebuild"
	"fromsource/analyze/rebuild/reference"
	"fromsource/closure"
	"fromsource/closure/store"
)

// rebuildOptions are what the command line of rebuild says.
type rebuildOptions struct {
	all                          bool
	store, method, vary, journal string
	parallel                     int
	nixOptions                   []string
	caches, keys, lists          []string
	attestations, lila           []string
	diffoscope                   string
	output, attest, key          string
}

func rebuildCommand(flags *pflag.FlagSet) func(context.Context, *env, []string) error {
	var o rebuildOptions
	flags.BoolVar(&o.all, "all", false, "")
	flags.StringVar(&o.store, "store", "", "")
	flags.StringVar(&o.method, "method", rebuild.Fresh.String(), "")
	flags.StringVar(&o.vary, "vary", "", "")
	flags.StringVar(&o.journal, "journal", "", "")
	flags.IntVarP(&o.parallel, "jobs", "j", 1, "")
	flags.StringArrayVar(&o.nixOptions, "option", nil, "")
	flags.StringArrayVar(&o.caches, "cache", nil, "")
	flags.StringArrayVar(&o.keys, "trusted-key", nil, "")
	flags.StringArrayVar(&o.lists, "published", nil, "")
	flags.StringArrayVar(&o.attestations, "attestations", nil, "")
	flags.StringArrayVar(&o.lila, "lila", nil, "")
	flags.StringVar(&o.diffoscope, "diffoscope", "", "")
	flags.StringVarP(&o.output, "output", "o", "", "")
	flags.StringVar(&o.attest, "attest", "", "")
	flags.StringVar(&o.key, "key", "", "")
	return func(ctx context.Context, e *env, args []string) error {
		if len(args) == 0 {
			return usageError("rebuild takes an audit file, or derivations")
		}
		if (o.attest == "") != (o.key == "") {
			return usageError("--attest and --key go together")
		}
		b, err := o.builder()
		if err != nil {
			return err
		}
		return runRebuild(ctx, e, args, &o, b)
	}
}

// builder is this machine's Nix, as the command line wants it.
func (o *rebuildOptions) builder() (*rebuild.Nix, error) {
	b := &rebuild.Nix{Title: "local", Runner: rebuild.Local{}, Store: o.store}
	switch o.method {
	case rebuild.Fresh.String():
	case rebuild.Check.String():
		b.Method = rebuild.Check
	default:
		return nil, usageError("--method is check or fresh, not %q", o.method)
	}
	for _, opt := range o.nixOptions {
		name, value, ok := strings.Cut(opt, "=")
		if !ok {
			return nil, usageError("--option wants NAME=VALUE, got %q", opt)
		}
		b.Options = append(b.Options, rebuild.Option{Name: name, Value: value})
	}
	return b, nil
}

func runRebuild(ctx context.Context, e *env, args []string, o *rebuildOptions, b *rebuild.Nix) (err error) {
	a, in, sel, err := rebuildTarget(args, o)
	if err != nil {
		return err
	}
	opts := rebuild.Options{Builders: []rebuild.Builder{b}, Parallel: o.parallel}
	if opts.References, err = o.references(); err != nil {
		return err
	}
	if o.vary != "" {
		if opts.Vary, err = rebuild.ParseVariations(o.vary, false); err != nil {
			return &exitError{exitUsage, err}
		}
	}
	if o.journal != "" {
		j, err := rebuild.OpenJournal(o.journal)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, j.Close()) }()
		opts.Journal = j
	}
	if o.diffoscope != "" {
		if err := os.MkdirAll(o.diffoscope, 0o755); err != nil { //nolint:gosec // results are for everybody to read
			return fmt.Errorf("making the folder for diffoscope: %w", err)
		}
		opts.Diffoscope = &rebuild.Diffoscope{Dir: o.diffoscope}
	}
	p := newProgress(e)
	defer p.end()
	g, err := closure.Load(ctx, in, closure.Options{})
	if err != nil {
		return err
	}
	jobs, err := rebuild.Select(g, sel)
	if err != nil {
		return err
	}
	recordedIn(jobs, a)
	opts.Progress = func(ev rebuild.Event) {
		p.update("rebuild", ev.Done, ev.Total, ev.Builder+": "+closure.NameOf(ev.Drv))
	}
	results, rerr := rebuild.Run(ctx, jobs, opts)
	p.end()
	if err := writeRebuilt(e, a, g, results, o); err != nil {
		return errors.Join(rerr, err)
	}
	if rerr != nil {
		return rerr
	}
	if s := rebuild.Summarize(results); s.Differs+s.Failed > 0 {
		return &exitError{exitPolicy, fmt.Errorf("%d outputs differ and %d failed to build", s.Differs, s.Failed)}
	}
	return nil
}

// rebuildTarget understands the arguments: an audit, whose suspects are built
// again from the derivations that the store has, or derivations.
func rebuildTarget(args []string, o *rebuildOptions) (*audit.Audit, closure.Input, rebuild.Selection, error) {
	if len(args) == 1 && !strings.HasSuffix(args[0], ".drv") {
		a, err := audit.ReadFile(args[0])
		if err != nil {
			return nil, closure.Input{}, rebuild.Selection{}, err
		}
		sel := rebuild.Selection{All: o.all}
		for _, d := range a.Derivations {
			switch d.Verdict {
			case audit.Binary, audit.CarriesBinary, audit.BuiltByBinary:
				sel.Suspects = append(sel.Suspects, d.Drv)
			}
		}
		var roots []closure.Input
		for _, r := range a.Target.Roots {
			roots = append(roots, closure.DrvInput(r, o.root()))
		}
		return a, closure.UnionInput(roots...), sel, nil
	}
	sel := rebuild.Selection{All: o.all}
	var roots []closure.Input
	for _, drv := range args {
		if !strings.HasSuffix(drv, ".drv") {
			return nil, closure.Input{}, sel, usageError("rebuild takes one audit file, or derivations; %q is neither", drv)
		}
		sel.Named = append(sel.Named, drv)
		roots = append(roots, closure.DrvInput(drv, o.root()))
	}
	return nil, closure.UnionInput(roots...), sel, nil
}

func (o *rebuildOptions) root() string {
	if o.store == "" {
		return "/"
	}
	return o.store
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

// references opens everything that outputs are compared with.
func (o *rebuildOptions) references() ([]reference.Source, error) {
	var all []reference.Source
	for _, c := range o.caches {
		s, err := reference.OpenCache(c, store.CacheOptions{}, reference.CacheOptions{Trusted: o.keys, Bytes: true})
		if err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	for _, name := range o.lists {
		err := readWith(name, func(r io.Reader) error {
			l, err := reference.ParseList(filepath.Base(name), "", r)
			all = append(all, l)
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("reading a published list: %w", err)
		}
	}
	for _, name := range o.attestations {
		err := readWith(name, func(r io.Reader) error {
			l, err := reference.ParseAttestations(r)
			all = append(all, reference.NewAttestations(filepath.Base(name), l))
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("reading attestations: %w", err)
		}
	}
	for _, url := range o.lila {
		l, err := reference.NewLila(url, nil)
		if err != nil {
			return nil, err
		}
		all = append(all, l)
	}
	return all, nil
}

func readWith(name string, read func(io.Reader) error) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := read(f); err != nil {
		return fmt.Errorf("%q: %w", name, err)
	}
	return nil
}
