package analyze

import (
	"fmt"
	"slices"
	"strings"

	"fromsource/analyze/audit"
	"fromsource/analyze/content"
	"fromsource/analyze/trace"
	"fromsource/closure"
)

// doubts collects what stands between a built derivation and "source".
func (d *decider) doubts(id closure.ID, b *built, h *heritage) {
	doubt := func(format string, args ...any) {
		b.doubts = append(b.doubts, fmt.Sprintf(format, args...))
		b.grave++
	}
	for _, it := range d.outputs[id] {
		if it == nil {
			continue
		}
		if why, _ := it.unread(); why != "" {
			doubt("of its output %s: %s", closure.NameOf(it.path), why)
		}
	}
	for _, a := range d.alike[id] {
		doubt("%s", a.detail)
		if a.sample {
			b.grave--
		}
	}
	if d.isRoot(id) {
		for _, why := range d.past {
			doubt("%s", why)
		}
	}
	if why := d.faint[id]; why != "" {
		b.weak = append(b.weak, why)
	}
	d.strangers(id, doubt)
	b.doubts = append(b.doubts, h.doubts...)
	b.grave += len(h.doubts)
	b.slight = append(b.slight, h.slight...)
	b.suspect = h.suspect
	d.loaded(id, doubt)
	for _, it := range d.sources[id] {
		d.doubtInput(id, it, "input source", b, doubt)
	}
	asked := d.askedFor(id)
	for _, in := range d.g.Inputs(id) {
		if d.g.Missing(in) {
			doubt("its input %s was not at hand", d.g.Name(in))
			d.blind[id] = true
			continue
		}
		if d.changed[in] {
			doubt("its input %s is not the derivation that its path names", d.g.Name(in))
		}
		if d.text[in].Seed {
			continue // nothing in it would be news
		}
		for k, it := range d.outputs[in] {
			switch {
			case !asked(in, k): // what another output refers to of it, that leads to
			case it == nil:
				doubt("of its input %s an output's path is not known before it is built", d.g.Name(in))
			default:
				d.doubtInput(id, it, "input", b, doubt)
			}
		}
	}
	if b.near {
		d.tooLarge(id, doubt)
	}
	d.hidden(id, b.had, doubt)
	for _, it := range d.outputs[id] {
		if it != nil && it.walk != nil {
			d.astray(it, doubt)
			if h := d.twin[it]; h != nil {
				doubt("its %s is the same as the prebuilt %s of %s, on which it does not depend", it.called(h.File), h.Member, closure.NameOf(d.origins[h.Origin].item.path))
			}
			d.named(id, it, b)
		}
	}
	d.impure(id, doubt)
	if b.absent == "" && len(b.doubts) == 0 {
		d.written(id, doubt)
	}
	if b.absent == "" && len(b.doubts) == 0 {
		if u := d.unmade(id); u != nil {
			doubt("%s", u.says)
		}
	}
	d.weaknesses(id, b)
}

// askedFor tells whether a build was given an output of an input: derivations
// name the outputs that they use, and have no others at hand but by reference.
func (d *decider) askedFor(id closure.ID) func(in closure.ID, output int) bool {
	var used map[string][]string
	return func(in closure.ID, output int) bool {
		if used == nil {
			used = map[string][]string{}
			drv := d.derivation(id)
			if drv == nil {
				return true // to be on the safe side
			}
			for _, i := range drv.InputDrvs {
				used[i.Path] = i.Outputs
			}
		}
		names, ok := used[d.g.Path(in)]
		return !ok || slices.Contains(names, d.g.Outputs(in)[output].Name)
	}
}

func (d *decider) doubtInput(id closure.ID, it *item, what string, b *built, doubt func(string, ...any)) {
	name := closure.NameOf(it.path)
	if it.walk == nil {
		doubt("its %s %s: %s", what, name, it.absent)
		d.blind[id] = true
		return
	}
	origin := it.id == closure.None || d.g.FixedOutput(it.id)
	prebuilt := len(it.live) > 0
	if origin {
		if why, _ := it.unread(); why != "" {
			doubt("of its %s %s: %s", what, name, why)
			if it.unreadSamples() {
				b.grave--
			}
		}
		prebuilt = len(it.walk.Members) > 0 || it.id != closure.None && d.out[it.id].verdict == audit.Binary
	}
	b.near = b.near || prebuilt
	b.handed = b.handed || prebuilt && (!origin || len(d.runnable(it)) > 0 || slices.ContainsFunc(it.walk.Members, func(f content.File) bool {
		return !d.alien(&f) && !samples.MatchString(f.Path)
	}))
	if !b.recorded && len(d.runnable(it)) == 0 {
		d.unrecorded(id, it, what, doubt)
	}
	if x := d.unidentified(id); x != "" {
		for i := range it.walk.Members {
			if f := &it.walk.Members[i]; f.Embedded && f.Kind == audit.NativeCode {
				doubt("its %s %s holds a text that carries a program (%s), and its build executed %s, which could be that", what, name, f.Path, x)
				break
			}
		}
	}
	if origin {
		d.absorbed(id, it, what, doubt)
	}
	if origin && len(d.runnable(it)) == 0 {
		d.doubtMember(id, it, what, b, doubt)
	}
	if !prebuilt {
		d.doubtMade(it, b, doubt)
		return
	}
	given, with := d.givenTo(id, it)
	kinds := d.runnable(it)
	if len(kinds) > 0 || origin && d.heavy(it) {
		b.had = append(b.had, it)
	}
	switch {
	case len(kinds) == 0:
	case !b.recorded:
		doubt("its %s %s is prebuilt, and whether its build executed that is not on record", what, name)
	case slices.Contains(kinds, audit.NativeCode) && d.unidentified(id) != "":
		doubt("its %s %s is prebuilt, and its build executed %s, which may be a changed copy", what, name, d.unidentified(id))
	case slices.Contains(kinds, audit.NativeCode) && given != nil:
		doubt("its %s %s is prebuilt, and its build executed %s, which may have been given %s of it", what, name, base(with), base(given.Path))
	case slices.Contains(kinds, audit.NativeCode) && d.injects(id) != "" && d.forMachine(id, it, "elf-shared") != nil:
		doubt("its %s %s is prebuilt, and its text sets %s, by which a program can load it unseen", what, name, d.injects(id))
	case d.interprets(id, it) != "":
		doubt("its %s %s is prebuilt, and its build executed %s, which may have been given it", what, name, d.interprets(id, it))
	case slices.Contains(kinds, audit.Bytecode) && d.unopened(id, it): // the record says so
	case slices.Contains(kinds, audit.Bytecode) && d.execs[id].interpreter() != "":
		doubt("its %s %s is prebuilt bytecode, and its build executed %s, which may have been given it", what, name, d.execs[id].interpreter())
	case slices.Contains(kinds, audit.Bytecode) && origin:
		b.weak = append(b.weak, fmt.Sprintf("its %s %s is prebuilt bytecode: had an interpreter been given it, that would not be on record", what, name))
	}
	switch at := d.unsampled(id, it); {
	case at == "":
	case origin && !samples.MatchString(at):
		doubt("its %s %s holds prebuilt objects (%s): had it linked them into something, that would not be seen", what, name, at)
	default:
		b.weak = append(b.weak, fmt.Sprintf("its %s %s holds prebuilt objects (%s): had it linked them into something, that would not be seen", what, name, at))
	}
}

// unsampled is a prebuilt object of an item that a build could have linked, and
// of which too little is sampled for that to be seen; "" if there is none.
func (d *decider) unsampled(id closure.ID, it *item) string {
	origin := it.id == closure.None || d.g.FixedOutput(it.id)
	for i := range it.walk.Members {
		f := &it.walk.Members[i]
		if linkable(f.Format) && !d.foreignTo(id, f) && !it.sampled(f.Path) && (origin || len(d.lookup(it.id, f)) > 0) {
			return f.Path
		}
	}
	return ""
}

// doubtMade doubts an input that prebuilt programs have made, and that may have
// been used in making this.
func (d *decider) doubtMade(it *item, b *built, doubt func(string, ...any)) {
	if it.id == closure.None || d.g.FixedOutput(it.id) || !d.out[it.id].made && d.out[it.id].verdict != audit.Unknown {
		return
	}
	if !d.out[it.id].made && d.out[it.id].slight {
		if !b.recorded {
			b.slight = append(b.slight, fmt.Sprintf("of its input %s some samples for tests could not be looked at", closure.NameOf(it.path)))
		}
		return
	}
	name, was := closure.NameOf(it.path), "was"
	if !d.out[it.id].made {
		was = "may have been"
	}
	switch {
	case !b.recorded && (len(it.walk.Members) > 0 || d.out[it.id].usable > 0):
		b.suspect = true
		doubt("its input %s %s built by a prebuilt program, and whether its build executed or used that is not on record", name, was)
	case d.out[it.id].made && d.loadable(it):
		b.weak = append(b.weak, fmt.Sprintf("its input %s was built by a prebuilt program: had its build loaded a library of it, that would not be on record", name))
	}
}

// unidentified is a program in its own build directory, or among its own
// outputs and gone from there, that a build executed and that is no known
// prebuilt one and no script that was fetched: mostly what the build has just
// compiled, but a prebuilt program that was patched first would look the same.
func (d *decider) unidentified(id closure.ID) string {
	x := d.execs[id]
	if x == nil {
		return ""
	}
	for _, s := range x.bySum() {
		if p := x.sums[s]; inBuildDir(p) && !d.wasFetched(trace.Short(s)) {
			return p
		}
	}
	for _, p := range x.paths {
		storePath, rest := splitStore(d.g.StoreDir(), p)
		if it := d.items[storePath]; it != nil && it.id == id && it.walk != nil && it.member(rest) == nil {
			return p
		}
	}
	return ""
}

// inBuildDir tells paths in a build's directory, with and without sandbox,
// from those of the sandbox's shell (nix: sandbox-build-dir, build-dir).
func inBuildDir(p string) bool {
	return strings.HasPrefix(p, "/build/") || strings.HasPrefix(p, "/tmp/") || strings.Contains(p, "/nix-build-") || strings.Contains(p, "/nix/var/nix/builds/")
}

// tooLarge finds native code of which no part could be compared: patched, it
// would not be recognised.
func (d *decider) tooLarge(id closure.ID, doubt func(string, ...any)) {
	for _, it := range d.outputs[id] {
		if it == nil || it.walk == nil {
			continue
		}
		for i := range it.walk.Members {
			f := &it.walk.Members[i]
			if f.Kind == audit.NativeCode && f.Size > fingerprinted && len(f.Code) == 0 && len(d.lookup(id, f)) == 0 {
				doubt("its %s is too large to be compared in part, and its build had prebuilt code at hand", it.called(f.Path))
				return
			}
		}
	}
}

// fingerprinted is the size, in bytes, up to which content always has memory
// for the fingerprints of a file's parts.
const fingerprinted = 64 << 20

// weaknesses are what lowers the confidence in "source": programs that the
// build executed and of which nothing is known.
func (d *decider) weaknesses(id closure.ID, b *built) {
	x := d.execs[id]
	if x == nil {
		return
	}
	for _, y := range d.text[id].Executes {
		if !d.text[y].Seed && d.contradicted(id, y) {
			b.weak = append(b.weak, fmt.Sprintf("its text says that it runs %s, the record of its build does not", d.g.Name(y)))
		}
	}
}
