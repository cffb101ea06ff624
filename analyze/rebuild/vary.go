package rebuild

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"fromsource/analyze/audit"
)

// Variation is one thing about a build's surroundings that is changed on
// purpose. How it is applied is data: a builder applies the parts that it
// understands, and one that can't apply any part refuses it.
type Variation struct {
	// Name is what the command line and reports call it.
	Name string
	// Title says what is changed, in a few words.
	Title string
	// QEMU are arguments for a guest's machine, Kernel words for its kernel's
	// command line, MakeFS arguments of mke2fs for its disk. They need a guest
	// of its own.
	QEMU   []string
	Kernel []string
	MakeFS []string
	// Image names the package of another kernel; OtherKernel leaves the choice
	// to whoever starts the guest.
	Image string
	// Guest are commands that are run in the guest before a build.
	Guest [][]string
	// Nix, Env and Wrap change how Nix is called, on any machine: settings,
	// its environment, a command before it.
	Nix  []Option
	Env  []string
	Wrap []string
	// Seen is what a build meets, in a few words. It is empty where a build in
	// Nix's sandbox can't see any of it.
	Seen string
	// Limits says what the variation does not reach.
	Limits string
}

// OfMachine reports whether the variation needs a machine of its own.
func (v Variation) OfMachine() bool {
	return len(v.QEMU)+len(v.Kernel)+len(v.MakeFS)+len(v.Guest) > 0 || v.Image != ""
}

// words name the variation and what a build meets.
func (v Variation) words() string {
	if v.Seen == "" {
		return v.Name
	}
	return fmt.Sprintf("%s (%s)", v.Name, v.Seen)
}

// inPlace reports whether it can be applied by the way Nix is called.
func (v Variation) inPlace() bool { return len(v.Nix)+len(v.Env)+len(v.Wrap) > 0 }

// Varier is a builder that can build under variations.
type Varier interface {
	Builder
	// Vary gives a builder that differs from this one in the variations, and
	// a function that ends it. An *UnsupportedError names the ones that it
	// can't apply.
	Vary(context.Context, []Variation) (Builder, func() error, error)
}

// UnsupportedError names variations that a builder can't apply.
type UnsupportedError struct {
	Builder string
	Names   []string
}

// Error implements error.
func (e *UnsupportedError) Error() string {
	return fmt.Sprintf("the builder %q can't vary %s", e.Builder, strings.Join(e.Names, ", "))
}

// Varied is a builder that says how the variations were applied, where a
// variation leaves a choice: they have their Seen filled in.
type Varied interface {
	Builder
	Applied() []Variation
}

// applied gives the variations as a builder has applied them.
func applied(b Builder, vs []Variation) []Variation {
	if v, ok := b.(Varied); ok {
		return v.Applied()
	}
	return vs
}

// reached says in one line what builds could see of variations.
func reached(vs []Variation) string {
	var seen, unseen []string
	for _, v := range vs {
		if v.Seen == "" {
			unseen = append(unseen, v.Name)
		} else {
			seen = append(seen, v.words())
		}
	}
	var said []string
	if len(seen) > 0 {
		said = append(said, "varied: "+strings.Join(seen, ", "))
	}
	if len(unseen) > 0 {
		said = append(said, "varied, but out of sight in Nix's sandbox: "+strings.Join(unseen, ", "))
	}
	return strings.Join(said, "; ")
}

// Vary implements Varier with the variations that need nothing but another way
// to call Nix, and with the part of others that needs no more. Others are for
// whoever owns the machine, who applies them and then calls Vary for the rest.
func (n *Nix) Vary(_ context.Context, vs []Variation) (Builder, func() error, error) {
	c := &Nix{
		Title: n.Title, Runner: n.Runner, Method: n.Method, Store: n.Store, StoreDir: n.StoreDir, Scratch: n.Scratch,
		Options: slices.Clone(n.Options), Env: slices.Clone(n.Env), Wrap: slices.Clone(n.Wrap),
	}
	var not []string
	for _, v := range vs {
		if !v.inPlace() {
			not = append(not, v.Name)
			continue
		}
		c.Options = append(c.Options, v.Nix...)
		c.Env = append(c.Env, v.Env...)
		c.Wrap = append(c.Wrap, v.Wrap...)
	}
	if len(not) > 0 {
		return nil, nil, &UnsupportedError{n.Title, not}
	}
	return c, func() error { return nil }, nil
}

func names(vs []Variation) string {
	var ns []string
	for _, v := range vs {
		ns = append(ns, v.Name)
	}
	return strings.Join(ns, ",")
}

// hashesOf gives the hashes of what was built, by output; those not known are
// left out.
func hashesOf(b Built) map[string]string {
	hashes := map[string]string{}
	for _, o := range b.Outputs {
		if o.NarHash != "" {
			hashes[o.Name] = o.NarHash
		}
	}
	return hashes
}

// vary builds a job under all variations at once, and looks for those that
// made a difference where one is seen. base are the hashes of the rebuild
// without any.
func (r *run) vary(ctx context.Context, b Builder, j *Job, base map[string]string) ([]Result, error) {
	rows := func(result, why string) []Result {
		rs := rowsFor(b, j, result, why)
		for i := range rs {
			rs[i].Variations, rs[i].Against = strings.Split(names(r.o.Vary), ","), "the same builder, not varied"
		}
		return rs
	}
	if j.FixedOutput() {
		return rows(audit.NotAttempted, "a fetch is not varied: its hash is declared"), nil
	}
	if len(base) == 0 {
		return rows(audit.NotAttempted, "there is no rebuild without variation to compare with"), nil
	}
	v, ok := b.(Varier)
	if !ok {
		return rows(audit.NotAttempted, "this builder can't vary anything"), nil
	}
	// A derivation that differs by itself must not be blamed on a variation.
	control, err := buildHashes(ctx, b, j)
	if err != nil {
		return unvaried(rows, err)
	}
	if name, differ := firstUnlike(base, control); differ {
		rs := rows(audit.NotAttempted, fmt.Sprintf("its output %q differs from build to build without any variation", name))
		return rs, nil
	}
	as := map[string]Variation{}           // as they were applied
	seen := map[string]map[string]string{} // hashes under variations, by their names
	test := func(ctx context.Context, vs []Variation) (map[string]string, error) {
		if hashes, ok := seen[names(vs)]; ok {
			return hashes, nil
		}
		vb, end, err := v.Vary(ctx, vs)
		if err != nil {
			return nil, err
		}
		for _, a := range applied(vb, vs) {
			as[a.Name] = a
		}
		hashes, err := buildHashes(ctx, vb, j)
		if err = errors.Join(err, end()); err != nil {
			return nil, err
		}
		seen[names(vs)] = hashes
		return hashes, nil
	}
	varied, err := test(ctx, r.o.Vary)
	if err != nil {
		return unvaried(rows, err)
	}
	var all []Variation
	for _, v := range r.o.Vary {
		all = append(all, as[v.Name])
	}
	rs := rows(audit.Reproduced, reached(all))
	for i := range rs {
		out := rs[i].Output
		if base[out] == varied[out] {
			continue
		}
		// Each output has causes of its own; builds serve all of them.
		culprits, err := Bisect(ctx, r.o.Vary, func(ctx context.Context, vs []Variation) (bool, error) {
			got, err := test(ctx, vs)
			return got[out] != base[out], err
		})
		if err != nil {
			return unvaried(rows, err)
		}
		var words []string
		for _, c := range culprits {
			words = append(words, as[c.Name].words())
		}
		rs[i].Result, rs[i].Culprits = audit.Differs, strings.Split(names(culprits), ",")
		rs[i].Reason = "it depends on: " + strings.Join(words, ", ")
	}
	for i := range rs {
		rs[i].Expected, rs[i].Got = base[rs[i].Output], varied[rs[i].Output]
	}
	return rs, nil
}

// unvaried makes results of errors that are about the job or the variation.
func unvaried(rows func(result, why string) []Result, err error) ([]Result, error) {
	var failed *BuildError
	var not *NotAttemptedError
	var no *UnsupportedError
	switch {
	case errors.As(err, &failed):
		rs := rows(audit.Failed, "under variation: "+failed.Why)
		for i := range rs {
			rs[i].Log, rs[i].Transient = failed.Log, failed.Transient
		}
		return rs, nil
	case errors.As(err, &not):
		return rows(audit.NotAttempted, not.Why), nil
	case errors.As(err, &no):
		return rows(audit.NotAttempted, no.Error()), nil
	}
	return nil, err
}

func buildHashes(ctx context.Context, b Builder, j *Job) (map[string]string, error) {
	built, err := b.Build(ctx, j)
	if err != nil {
		return nil, err
	}
	return hashesOf(built), release(ctx, built)
}

// firstUnlike finds an output whose hash is another, in order.
func firstUnlike(a, b map[string]string) (string, bool) {
	var outs []string
	for o := range a {
		outs = append(outs, o)
	}
	slices.Sort(outs)
	for _, o := range outs {
		if a[o] != b[o] {
			return o, true
		}
	}
	return "", false
}
