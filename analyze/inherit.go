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

// What a prebuilt program has made is only as trustworthy as the program, and
// so is what is made by that or of that in turn. A derivation therefore
// inherits from another one that was built by a prebuilt program if its build
// executed a program of that, or if its outputs hold files of it, link its
// objects or are compiled from it. A mere reference is no inheritance: what a
// wrapper or a linked program names is a row of its own.
//
// The seed is exempt, and what only carries files of it.

// heritage is what one derivation has from others.
type heritage struct {
	evidence   []audit.Evidence
	kinds      []audit.Kind
	confidence audit.Confidence
	// through are those others; doubts are of others whose origin is unknown,
	// and doubtful are these.
	through, doubtful []closure.ID
	doubts            []string
	suspect           bool     // one of these could be made by prebuilt programs
	slight            []string // doubts too slight to be passed on
	// carried is evidence of others' prebuilt code in the outputs.
	carried      []audit.Evidence
	carriedKinds []audit.Kind
}

// legacy is one way by which something of another derivation came into one.
type legacy struct {
	from       closure.ID
	rule       string
	level      audit.Level
	at, detail string
	confidence audit.Confidence
}

// taken notes a legacy. If its giver is of unknown origin it is a doubt.
func (d *decider) taken(h *heritage, l legacy) {
	giver := &d.out[l.from]
	switch {
	case giver.verdict == audit.Unknown && giver.slight:
		h.slight = append(h.slight, l.detail+", of which some samples for tests could not be looked at")
		return
	case giver.verdict == audit.Unknown:
		h.suspect = h.suspect || giver.suspect
		if !slices.Contains(h.doubtful, l.from) {
			h.doubtful = append(h.doubtful, l.from)
			why := "whose own origin is unknown"
			if d.blind[l.from] {
				why = "of which nothing can be said, as it or what it is built from was not at hand"
			}
			h.doubts = append(h.doubts, l.detail+", "+why)
		}
		return
	case giver.made:
		h.kinds = addKinds(h.kinds, giver.madeKinds...)
		l.confidence = lowest(l.confidence, giver.madeConfidence)
		l.detail += ", which was built by a prebuilt program"
	case giver.carries() && len(passed(giver)) > 0:
		h.kinds = addKinds(h.kinds, passed(giver)...)
		l.confidence = lowest(l.confidence, giver.confidence)
		l.detail += ", which carries prebuilt code"
	default:
		return
	}
	h.confidence = highest(h.confidence, l.confidence)
	h.evidence = append(h.evidence, audit.Evidence{Rule: l.rule, Level: l.level, At: l.at, Detail: l.detail, From: d.g.Path(l.from)})
	if !slices.Contains(h.through, l.from) {
		h.through = append(h.through, l.from)
	}
}

// passed are the kinds of what a carrier's programs could be, or load.
func passed(giver *decision) []audit.Kind {
	if giver.vague {
		return executable(giver.kinds)
	}
	return giver.live
}

// carries reports whether prebuilt code is in the outputs that is not the
// seed's.
func (x *decision) carries() bool { return x.verdict == audit.CarriesBinary && !x.seedOnly }

// inherit finds all that a derivation has from others.
func (d *decider) inherit(id closure.ID) *heritage {
	h := new(heritage)
	d.executedFrom(id, h)
	d.copiedFrom(id, h)
	d.linkedFrom(id, h)
	d.embeddedFrom(id, h)
	d.compiledFrom(id, h)
	return h
}

// executedFrom goes through the programs of other derivations that a build
// executed or gave to an interpreter: those on record, and its builder.
func (d *decider) executedFrom(id closure.ID, h *heritage) {
	x := d.execs[id]
	if x == nil {
		x = &executed{}
	}
	direct := x.programs
	builder := d.builder(id)
	if _, recorded := slices.BinarySearch(direct.paths, builder); builder != "" && !recorded {
		direct.paths = append(slices.Clip(direct.paths), builder)
	}
	d.ranFrom(id, &direct, "its build executed", builder, h)
	d.ranFrom(id, &x.given, "its build started an interpreter with", "", h)
}

// ranFrom goes through programs that a build did that with.
func (d *decider) ranFrom(id closure.ID, x *programs, did, builder string, h *heritage) {
	of := map[closure.ID][]string{}
	var order []closure.ID
	for _, p := range x.paths {
		storePath, rest := splitStore(d.g.StoreDir(), p)
		it := d.items[storePath]
		if it == nil || it.id == id || d.known(id, p) {
			continue
		}
		if it.id == closure.None || d.g.FixedOutput(it.id) {
			d.scriptOf(it, rest, p, h)
			continue
		}
		if d.bystander(it, rest) {
			continue
		}
		if of[it.id] == nil {
			order = append(order, it.id)
		}
		of[it.id] = append(of[it.id], p)
	}
	for _, a := range order {
		first := of[a][0]
		detail := fmt.Sprintf("%s %s of %s", did, base(first), d.g.Name(a))
		if n := len(of[a]) - 1; n > 0 {
			detail = fmt.Sprintf("%s %s and %s of %s", did, base(first), count(n, "other program"), d.g.Name(a))
		}
		conf := audit.High
		if !d.out[a].made {
			conf = audit.Medium // some of it is prebuilt, not what was executed
		}
		level := audit.LevelTrace
		if first == builder {
			detail, level = fmt.Sprintf("its builder is %s of %s", base(first), d.g.Name(a)), audit.LevelDerivation
		}
		d.taken(h, legacy{a, "exec-through", level, first, detail, conf})
	}
	for _, sum := range x.bySum() {
		at := x.sums[sum]
		d.sameFile(id, &content.File{Path: at, SHA256: sum}, func(a closure.ID) {
			d.taken(h, legacy{a, "exec-through", audit.LevelTrace, at, fmt.Sprintf("%s %s, a file of %s", did, base(at), d.g.Name(a)), audit.High})
		})
	}
}

// bystander reports whether a program of a package that carries prebuilt code
// has nothing to do with that.
func (d *decider) bystander(it *item, rest string) bool {
	x := &d.out[it.id]
	if !x.carries() || x.made || x.vague || it.walk == nil {
		return false
	}
	for _, out := range d.outputs[it.id] {
		if out != nil && (out.loose || slices.ContainsFunc(out.carries, func(f *content.File) bool { return d.starts(it, rest, f) })) {
			return false
		}
	}
	return true
}

// builder is the program that a derivation names as its builder, where it lies
// in the store.
func (d *decider) builder(id closure.ID) string {
	if drv := d.derivation(id); drv != nil && strings.HasPrefix(drv.Builder, d.g.StoreDir()+"/") {
		return drv.Builder
	}
	return ""
}

// known reports whether an executed program is a prebuilt one by itself.
func (d *decider) known(id closure.ID, p string) bool {
	return slices.ContainsFunc(d.runs[id], func(r run) bool { return r.at == p })
}

// scriptOf tells of a script that lies among prebuilt programs: it is there to
// start one of them, in a way that can leave no record, as java -jar does.
func (d *decider) scriptOf(it *item, rest, p string, h *heritage) {
	o, ok := d.number[it]
	if !ok || d.origins[o].seed || it.walk == nil || it.member(rest) != nil {
		return
	}
	kinds := d.runnable(it)
	if len(kinds) == 0 {
		return
	}
	h.kinds = addKinds(h.kinds, kinds...)
	h.confidence = highest(h.confidence, audit.Medium)
	h.evidence = append(h.evidence, audit.Evidence{
		Rule: "exec-recorded", Level: audit.LevelTrace, At: p, From: d.from(d.origins[o]),
		Detail: fmt.Sprintf("its build executed a script of the prebuilt %s", closure.NameOf(it.path)),
	})
}

// sameFile calls found for each derivation on which one depends and that made
// the same file.
func (d *decider) sameFile(id closure.ID, f *content.File, found func(closure.ID)) {
	told := map[closure.ID]bool{}
	add := func(a closure.ID) {
		if a != id && !told[a] && d.dependsOn(id, a) {
			told[a] = true
			found(a)
		}
	}
	if len(d.index.Match(f)) == 0 { // prebuilt by itself, or the seed's
		for _, hit := range d.made.Match(f) {
			add(closure.ID(hit.Origin))
		}
		for _, hit := range d.unknown.Match(f) {
			add(closure.ID(hit.Origin))
		}
	}
	for _, a := range d.texts[trace.Short(f.SHA256)] {
		add(a)
	}
}

// dependsOn reports whether a derivation is built with another one among its
// inputs, or theirs.
func (d *decider) dependsOn(id, on closure.ID) bool {
	if d.ancestorsOf != id || d.ancestors == nil {
		d.ancestorsOf, d.ancestors = id, d.g.Reach([]closure.ID{id}, d.g.InputsCut(d.g.CutFixed))
	}
	return d.ancestors.Has(on)
}

// copiedFrom compares the files of the outputs with those that others made.
func (d *decider) copiedFrom(id closure.ID, h *heritage) {
	files := map[closure.ID]int{} // by whose they are; negative for a whole output
	first := map[closure.ID]string{}
	var order []closure.ID
	note := func(a closure.ID, at string) {
		if _, seen := first[a]; !seen {
			first[a], order = at, append(order, a)
		}
		files[a]++
	}
	for _, it := range d.outputs[id] {
		if it == nil || it.walk == nil {
			continue
		}
		for i := range it.walk.Members {
			f := &it.walk.Members[i]
			d.sameFile(id, f, func(a closure.ID) { note(a, it.place(f.Path)) })
		}
		for _, o := range it.walk.Others {
			for _, a := range d.texts[o] {
				if a != id && d.dependsOn(id, a) {
					note(a, it.path)
				}
			}
		}
		for _, p := range it.walk.StorePaths {
			if a := d.items[d.g.StoreDir()+"/"+p]; a != nil && a.id != closure.None && a.id != id && !d.g.FixedOutput(a.id) &&
				(d.out[a.id].made || d.out[a.id].verdict == audit.Unknown) && d.dependsOn(id, a.id) {
				note(a.id, it.path+"/…/"+p)
				files[a.id] = -1 << 30
			}
		}
	}
	for _, a := range order {
		detail := fmt.Sprintf("its outputs hold %s of %s", count(files[a], "file"), d.g.Name(a))
		if files[a] < 0 {
			detail = "its outputs hold all of " + d.g.Name(a)
		}
		d.taken(h, legacy{a, "trace-through", audit.LevelTrace, first[a], detail, audit.High})
	}
}

// compiledFrom looks at direct inputs that can be compiled into something
// without leaving equal bytes.
func (d *decider) compiledFrom(id closure.ID, h *heritage) {
	var sources map[string]string
	for _, a := range d.g.Inputs(id) {
		if d.g.FixedOutput(a) || slices.Contains(h.through, a) || slices.Contains(h.doubtful, a) {
			continue
		}
		x := &d.out[a]
		unsure := x.verdict == audit.Unknown
		if !x.made && !unsure {
			continue
		}
		if sources == nil {
			sources = d.sourcesOf(id)
		}
		for k, it := range d.outputs[a] {
			if it == nil || it.walk == nil {
				continue
			}
			if key, ok := sources[d.g.Outputs(a)[k].Path]; ok {
				d.taken(h, legacy{a, "text-through", audit.LevelDerivation, "env." + key, "it is built from the output of " + d.g.Name(a), audit.Medium})
				break
			}
			if d.execs[id] == nil || x.usable == 0 || unsure && (!x.suspect || x.slight) {
				continue
			}
			h.doubtful, h.suspect = append(h.doubtful, a), true
			by := "was built by a prebuilt program"
			if unsure {
				by = "may have been built by a prebuilt program"
			}
			h.doubts = append(h.doubts, fmt.Sprintf("its input %s %s and holds %s of no fetch: whether something was compiled from that is not on record", d.g.Name(a), by, count(x.usable, "file")))
			break
		}
	}
}

// sourcesOf are the store paths that a derivation names as what it is made of,
// with the variable that does.
func (d *decider) sourcesOf(id closure.ID) map[string]string {
	out := map[string]string{}
	drv := d.derivation(id)
	if drv == nil {
		return out // that it can't be read is told elsewhere
	}
	for _, key := range []string{"src", "srcs", "sources", "patches"} {
		for _, v := range drv.Strings(key) {
			if strings.HasPrefix(v, d.g.StoreDir()+"/") {
				p, _ := splitStore(d.g.StoreDir(), v)
				out[p] = key
			}
		}
	}
	return out
}

// base is the last part of a path.
func base(p string) string { return p[strings.LastIndexByte(p, '/')+1:] }

// loaded tells of programs that a build executed and that could have loaded
// prebuilt code which they refer to: a library, or bytecode.
func (d *decider) loaded(id closure.ID, doubt func(string, ...any)) {
	x := d.execs[id]
	if x == nil {
		return
	}
	told := map[*item]bool{}
	for _, p := range x.paths {
		storePath, _ := splitStore(d.g.StoreDir(), p)
		it := d.items[storePath]
		if it == nil || it.id == id {
			continue
		}
		if to := d.loads[it.path]; to != nil && to != it && to.id != id && !told[to] {
			told[to] = true
			doubt("its build executed %s, which refers to %s, and whether it loaded prebuilt code of that is not on record", base(p), closure.NameOf(to.path))
		}
	}
}
