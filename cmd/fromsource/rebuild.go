package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"fromsource/analyze/rebuild"
	"fromsource/analyze/rebuild/reference"
	"fromsource/closure"
	"fromsource/closure/store"
	"fromsource/vm"
)

// Where rebuild builds.
const (
	inLocal       = "local"
	inGuestAgain  = "guest"
	inSecondGuest = "second-guest"
)

// rebuildOptions are what the command line of rebuild says.
type rebuildOptions struct {
	all                          bool
	in, recipe                   string
	vm                           vm.Options
	store, method, vary, journal string
	parallel                     int
	nixOptions                   []string
	caches, keys, lists          []string
	attestations, lila           []string
	cacheTimeout                 int
	diffoscope                   string
	output, attest, key          string
	strict                       bool
}

func rebuildCommand(flags *pflag.FlagSet) func(context.Context, *env, []string) error {
	var o rebuildOptions
	flags.BoolVar(&o.all, "all", false, "")
	flags.StringVar(&o.in, "in", inLocal, "")
	flags.StringVar(&o.recipe, "recipe", "", "")
	flags.StringVar(&o.store, "store", "", "")
	flags.StringVar(&o.method, "method", rebuild.Auto.String(), "")
	flags.StringVar(&o.vary, "vary", "", "")
	flags.StringVar(&o.journal, "journal", "", "")
	flags.IntVarP(&o.parallel, "jobs", "j", 1, "")
	flags.StringArrayVar(&o.nixOptions, "option", nil, "")
	flags.StringArrayVar(&o.caches, "cache", nil, "")
	flags.IntVar(&o.cacheTimeout, "cache-timeout", 60, "")
	flags.StringArrayVar(&o.keys, "trusted-key", nil, "")
	flags.StringArrayVar(&o.lists, "published", nil, "")
	flags.StringArrayVar(&o.attestations, "attestations", nil, "")
	flags.StringArrayVar(&o.lila, "lila", nil, "")
	flags.StringVar(&o.diffoscope, "diffoscope", "", "")
	flags.StringVarP(&o.output, "output", "o", "", "")
	flags.StringVar(&o.attest, "attest", "", "")
	flags.StringVar(&o.key, "key", "", "")
	flags.BoolVar(&o.strict, "strict", false, "")
	vmFlags(flags, &o.vm)
	return func(ctx context.Context, e *env, args []string) error {
		if err := checkVM(&o.vm); err != nil {
			return err
		}
		if err := o.check(args); err != nil {
			return err
		}
		return runRebuild(ctx, e, args, &o)
	}
}

// check finds misuse before anything is opened.
func (o *rebuildOptions) check(args []string) error {
	switch {
	case len(args) == 0:
		return usageError("rebuild takes an audit, or derivations")
	case o.parallel < 1:
		return usageError("--jobs is a number of builds at once, 1 or more, not %d", o.parallel)
	case o.cacheTimeout < 1:
		return usageError("--cache-timeout is a number of seconds, 1 or more, not %d", o.cacheTimeout)
	case (o.attest == "") != (o.key == ""):
		return usageError("--attest and --key go together")
	case o.in != inLocal && o.in != inGuestAgain && o.in != inSecondGuest:
		return usageError("--in is guest, second-guest or local, not %q", o.in)
	case o.in == inLocal && o.recipe != "":
		return usageError("--recipe is for guests: --in says where to build")
	case o.in != inLocal && o.store != "":
		return usageError("--store is for builds on this machine, not for --in %s", o.in)
	case o.in != inLocal && strings.HasSuffix(args[0], ".drv"):
		return usageError("--in %s takes an audit, made by fromsource audit", o.in)
	case o.in == inSecondGuest && o.method == rebuild.Check.String():
		return usageError("--method check compares with the store at hand, and a second guest has none")
	case o.in == inSecondGuest && o.vary != "":
		return usageError("--vary needs the first build's inputs: use --in guest")
	case o.output != "" && strings.HasSuffix(args[0], ".drv"):
		return usageError("--output writes the audit with the results in it, and no audit was given")
	}
	if _, err := rebuild.ParseMethod(o.method); err != nil {
		return usageError("--method: %v", err)
	}
	_, err := o.settings()
	return err
}

// settings are those for Nix.
func (o *rebuildOptions) settings() ([]rebuild.Option, error) {
	var all []rebuild.Option
	for _, opt := range o.nixOptions {
		name, value, ok := strings.Cut(opt, "=")
		if !ok {
			return nil, usageError("--option wants NAME=VALUE, got %q", opt)
		}
		all = append(all, rebuild.Option{Name: name, Value: value})
	}
	return all, nil
}

// variations are those asked for; "all" is what the place can do.
func (o *rebuildOptions) variations() ([]rebuild.Variation, error) {
	if o.vary == "" {
		return nil, nil
	}
	vs, err := rebuild.ParseVariations(o.vary, o.in == inGuestAgain)
	if err != nil {
		return nil, &exitError{exitUsage, err}
	}
	return vs, nil
}

func runRebuild(ctx context.Context, e *env, args []string, o *rebuildOptions) (err error) {
	var opts rebuild.Options
	if opts.Vary, err = o.variations(); err != nil {
		return err
	}
	if opts.References, err = o.references(); err != nil {
		return err
	}
	t, err := o.target(args)
	if err != nil {
		return err
	}
	p := newProgress(e)
	defer p.end()
	g, jobs, err := t.jobs(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, t.close()) }()
	b, end, err := o.builder(ctx, t, g, &opts, p)
	if err != nil {
		return err
	}
	defer end()
	if o.diffoscope != "" {
		if err := os.MkdirAll(o.diffoscope, 0o755); err != nil { // results are for everybody to read
			return fmt.Errorf("making the folder for diffoscope: %w", err)
		}
		opts.Diffoscope = &rebuild.Diffoscope{Dir: o.diffoscope}
	}
	name := o.journalName(t)
	if name != "" {
		if opts.Journal, err = rebuild.OpenJournal(name); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, opts.Journal.Close()) }()
	}
	opts.Builders, opts.Parallel, opts.Subject = []rebuild.Builder{b}, o.parallel, o.subject()
	resumed := 0
	opts.Progress = func(ev rebuild.Event) {
		if ev.Resumed {
			resumed++
		}
		p.update("rebuild", ev.Done, ev.Total, ev.Builder+": "+closure.NameOf(ev.Drv))
	}
	said := make(chan struct{})
	unsaid := context.AfterFunc(ctx, func() {
		defer close(said)
		p.note("interrupted: ending what is being built; a second ^C ends at once")
	})
	results, rerr := rebuild.Run(ctx, jobs, opts)
	if !unsaid() {
		<-said // and not between the results
	}
	p.end()
	if resumed > 0 {
		e.say("took %d of %d results from an earlier run's journal, %s: remove it to build those again", resumed, len(jobs), name)
	}
	if err := writeRebuilt(e, t.audit, g, results, o); err != nil {
		return errors.Join(rerr, err)
	}
	return o.verdict(rerr, results, name)
}

// verdict is what a run ends with.
func (o *rebuildOptions) verdict(rerr error, results []rebuild.Result, journal string) error {
	s := rebuild.Summarize(results)
	switch {
	case interrupted(rerr):
		hint := ""
		if journal != "" {
			hint = "; the rest is in " + journal + ", and the same command does what is left"
		}
		return fmt.Errorf("interrupted: %d results are missing%s", s.NotAttempted, hint)
	case rerr != nil:
		return rerr
	case s.Differs+s.Failed+s.Refused > 0:
		return &exitError{exitPolicy, fmt.Errorf("%d results differ, %d failed to build, %d references can't be believed", s.Differs, s.Failed, s.Refused)}
	case o.strict && s.NotAttempted+s.Unasked > 0:
		return &exitError{exitIncomplete, fmt.Errorf("%d were not attempted, %d references could not be asked", s.NotAttempted, s.Unasked)}
	}
	return nil
}

// journalName is where results are kept: beside the audit, where there is one.
func (o *rebuildOptions) journalName(t *rebuildTarget) string {
	if o.journal != "" || t.audit == nil {
		return o.journal
	}
	return filepath.Join(t.dir, journalFile)
}

// subject tells this way of building, and of believing references, from
// others in a journal.
func (o *rebuildOptions) subject() string {
	words := []string{"rebuild", o.in, o.method, o.store}
	words = append(words, o.nixOptions...)
	return strings.Join(append(words, o.keys...), " ")
}

// references opens everything that outputs are compared with.
func (o *rebuildOptions) references() ([]reference.Source, error) {
	var all []reference.Source
	for _, c := range o.caches {
		s, err := reference.OpenCache(c, store.CacheOptions{Stall: time.Duration(o.cacheTimeout) * time.Second}, reference.CacheOptions{Trusted: o.keys, Bytes: true})
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
