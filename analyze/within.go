package analyze

import (
	"slices"
	"strings"

	"fromsource/analyze/audit"
	"fromsource/analyze/content"
	"fromsource/closure"
)

// withinReach notes of the outputs of a derivation that was just decided what
// prebuilt thing a build could execute that has one of them at hand: the
// output itself, or something that it refers to. References go to what comes
// before, and to the derivation's own other outputs.
func (d *decider) withinReach(items []*item) {
	for range 2 {
		for _, it := range items {
			if it == nil || it.walk == nil || d.leads[it.path] != nil && d.loads[it.path] != nil {
				continue
			}
			if len(d.runnable(it)) > 0 {
				d.leads[it.path] = it
				if d.loadable(it) {
					d.loads[it.path] = it
				}
			} else if o, ok := d.number[it]; ok && !d.origins[o].seed && d.looseFor(it) != nil {
				d.leads[it.path], d.loads[it.path] = it, it
			}
			for _, ref := range d.references(it) {
				if to := d.leads[ref.path]; to != nil && d.leads[it.path] == nil {
					d.leads[it.path] = to
				}
				if to := d.loads[ref.path]; to != nil && d.loads[it.path] == nil {
					d.loads[it.path] = to
				}
			}
		}
	}
}

// loadable reports whether a prebuilt item holds anything that a program takes
// in after it was started, which is then not on record.
func (d *decider) loadable(it *item) bool {
	if it.id != closure.None && d.out[it.id].made && d.out[it.id].usable > 0 {
		return true
	}
	return slices.ContainsFunc(it.walk.Members, func(f content.File) bool {
		return f.Format != "elf-executable" && d.lively(&f)
	})
}

// unrecorded tells of prebuilt programs that a build could have executed,
// where nobody recorded what it did execute: a program in an archive that is
// mostly source, and what an input only refers to.
func (d *decider) unrecorded(id closure.ID, it *item, what string, doubt func(string, ...any)) {
	name := closure.NameOf(it.path)
	if it.id == closure.None || d.g.FixedOutput(it.id) {
		f := d.programFor(id, it)
		if f == nil {
			f = d.loose(id, it)
		}
		if f != nil {
			doubt("its %s %s holds %s (%s), and whether its build executed that is not on record", what, name, called(f), f.Path)
			return
		}
	}
	if to := d.leads[it.path]; to != nil && to.path != it.path {
		doubt("its %s %s refers to %s, which is prebuilt or holds such, and whether its build executed that is not on record", what, name, closure.NameOf(to.path))
	}
}

// programFor finds a program in an item that the machine which built a
// derivation can execute; nativeFor also a library, which another program can
// load.
func (s *state) programFor(id closure.ID, it *item) *content.File {
	return s.forMachine(id, it, "elf-executable")
}

func (s *state) nativeFor(id closure.ID, it *item) *content.File {
	return s.forMachine(id, it, "elf-executable", "elf-shared")
}

// givenTo finds native code in an item that a program of a build's record
// could have been given, and that program. Emulators take that of any machine.
func (d *decider) givenTo(id closure.ID, it *item) (f *content.File, loader string) {
	x := d.execs[id]
	if x == nil {
		return nil, ""
	}
	if e := x.emulator(); e != "" {
		for i := range it.walk.Members {
			m := &it.walk.Members[i]
			if m.Kind == audit.NativeCode && !m.Embedded && !linkable(m.Format) {
				return m, e
			}
		}
	}
	if l := x.loader(); l != "" {
		return d.nativeFor(id, it), l
	}
	return nil, ""
}

// injections are the variables and flags by which a program is made to load a
// library that its file does not name (ld.so(8), gcc(1), ld(1)).
var injections = []string{"LD_PRELOAD", "LD_AUDIT", "LD_LIBRARY_PATH", "GCONV_PATH", "-fplugin", "--plugin", "-load-pass-plugin"}

// injects is one of those that a derivation's text has; "" if it has none.
func (s *state) injects(id closure.ID) string {
	drv := s.derivation(id)
	if drv == nil {
		return ""
	}
	for _, name := range injections {
		if slices.ContainsFunc(drv.Env, func(v closure.EnvVar) bool { return v.Key == name || strings.Contains(v.Value, name) }) ||
			slices.ContainsFunc(drv.Args, func(a string) bool { return strings.Contains(a, name) }) || strings.Contains(string(drv.Structured), name) {
			return name
		}
	}
	return ""
}

func (s *state) forMachine(id closure.ID, it *item, formats ...string) *content.File {
	var cpu string
	for i := range it.walk.Members {
		f := &it.walk.Members[i]
		if !slices.Contains(formats, f.Format) || f.Embedded {
			continue
		}
		if cpu == "" {
			if cpu = s.machineOf(id); cpu == "" {
				return f
			}
		}
		machine, _, _ := strings.Cut(f.Detail, ",")
		if machine == "" || machine == cpu || machine == olderThan[cpu] {
			return f
		}
	}
	return nil
}

// impure tells of a build that could take in what is not among its inputs: by
// its own leave, through the network or files of the machine (nix:
// doc/manual/source/language/advanced-attributes.md), or by a program of the
// machine that it executed. The sandbox's own shell is part of Nix.
func (d *decider) impure(id closure.ID, doubt func(string, ...any)) {
	for _, o := range d.g.Outputs(id) {
		if o.Kind() == closure.Impure {
			doubt("it is an impure derivation, which is built with the network at hand")
			return
		}
	}
	drv := d.derivation(id)
	if drv == nil {
		return // that it can't be read is told elsewhere
	}
	if drv.Get("__noChroot") == "1" || drv.Get("__noChroot") == "true" {
		doubt("it is built without a sandbox (__noChroot), with the network and the machine's own files at hand")
	}
	if slices.Contains(drv.Strings("requiredSystemFeatures"), "recursive-nix") {
		doubt("its build can have Nix build others (recursive-nix), which are not in the closure")
	}
	if p := strings.TrimSpace(drv.Get("__impureHostDeps")); p != "" && !strings.Contains(drv.System, "darwin") {
		doubt("its build is given files of the machine (__impureHostDeps: %s)", strings.Fields(p)[0])
	}
	x := d.execs[id]
	if x == nil {
		return
	}
	for _, part := range []*programs{&x.programs, &x.given} {
		if part.lost != "" {
			doubt("its build executed %s, of which the record has no hash", part.lost)
		}
		for _, s := range part.bySum() {
			if p := part.sums[s]; !inBuildDir(p) && p != "/bin/sh" && !strings.HasPrefix(base(p), "busybox") && len(d.index.Match(&content.File{SHA256: s})) == 0 {
				doubt("its build executed %s, a program of the machine and not of any input", p)
				return
			}
		}
	}
}

// strangers tells of programs that a build executed and of which nothing is at
// hand.
func (d *decider) strangers(id closure.ID, doubt func(string, ...any)) {
	x := d.execs[id]
	if x == nil {
		return
	}
	for _, p := range slices.Concat(x.paths, x.given.paths) {
		storePath, _ := splitStore(d.g.StoreDir(), p)
		switch it := d.items[storePath]; {
		case it == nil:
			doubt("its build executed %s, which is nothing that the closure has", p)
		case it.id != closure.None && it.id != id && d.out[it.id].verdict == "":
			doubt("its build executed %s, on which it does not depend", p)
		case it.walk == nil && it.id != id && (it.id == closure.None || !d.text[it.id].Seed):
			doubt("its build executed %s: %s", p, it.absent)
		}
	}
}

// tampered are derivations whose content gives another path than they have.
func (s *state) tampered() map[closure.ID]bool {
	out := map[closure.ID]bool{}
	for _, t := range s.g.Tampered() {
		out[t.ID] = true
	}
	return out
}

// distrust keeps a derivation that was changed from being cleared by what it
// says of itself.
func distrust(x decision) decision {
	if x.verdict != audit.Source && x.verdict != audit.Seed {
		return x
	}
	x.verdict, x.confidence, x.kinds = audit.Unknown, audit.Low, []audit.Kind{}
	x.reason = "the derivation is not the one that its path names: it was changed or renamed"
	x.evidence = slices.DeleteFunc(x.evidence, func(e audit.Evidence) bool { return strings.HasSuffix(e.Rule, "-none") })
	return x
}
