package analyze

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"fromsource/analyze/audit"
	"fromsource/analyze/trace"
	"fromsource/closure"
)

// decideAll gives every derivation its verdict, inputs before consumers.
func (s *state) decideAll() []decision {
	d := &decider{
		state: s, out: make([]decision, s.g.Len()),
		unknown: trace.NewIndex(), made: trace.NewIndex(), texts: map[uint64][]closure.ID{}, clean: map[uint64]struct{}{}, bySum: map[uint32][]int32{},
		unmadeFiles: map[closure.ID]*unmadeFile{}, changed: s.tampered(), blind: map[closure.ID]bool{}, leads: map[string]*item{}, loads: map[string]*item{},
	}
	d.past = s.beyond()
	d.runs = s.runs()
	d.usages = s.usages(d.runs)
	for _, it := range s.items {
		if it.id == closure.None {
			d.withinReach([]*item{it})
		}
	}
	for _, i := range s.g.Topo() {
		switch {
		case s.g.Missing(i):
			d.out[i] = decision{verdict: audit.Unknown, confidence: audit.Low, reason: "the derivation itself was not at hand"}
		case s.g.FixedOutput(i):
			f := d.fetched(i)
			d.out[i] = f.decide()
		default:
			b := d.built(i)
			d.out[i] = b.decide()
		}
		if d.changed[i] {
			d.out[i] = distrust(d.out[i])
		}
		d.remember(i)
		d.withinReach(d.outputs[i])
	}
	return d.out
}

// compiled counts the compiled files of an item, without texts that carry one.
func (it *item) compiled() int {
	n := 0
	for i := range it.walk.Members {
		if !it.walk.Members[i].Embedded {
			n++
		}
	}
	return n
}

// decider carries what the verdicts of a whole closure need of each other.
type decider struct {
	*state
	out    []decision
	runs   map[closure.ID][]run
	usages []usage
	// unknown holds the compiled files of outputs whose verdict is unknown, made
	// those of outputs that prebuilt programs made; texts, of both, the files
	// that are not compiled. Who has one of them inherits. clean are the files
	// of all that is source.
	unknown, made *trace.Index
	texts         map[uint64][]closure.ID
	clean         map[uint64]struct{}
	fetchedFiles  []uint64 // of all fetches, sorted; made when needed
	// bulks are outputs that are not source, by the samples of their bytes.
	bulks []whole
	bySum map[uint32][]int32
	// ancestors are what ancestorsOf is built with.
	ancestors   closure.Set
	ancestorsOf closure.ID
	// past are why the target's image could be more than the closure.
	past []string
	// unmadeFiles are what unmade has found, nil where that is nothing.
	unmadeFiles map[closure.ID]*unmadeFile
	// changed are derivations that are not what their paths name.
	changed map[closure.ID]bool
	// blind are derivations of which nothing can be said because they, or what
	// they are built from, were not at hand.
	blind map[closure.ID]bool
	// leads is, by store path, a prebuilt item that it is or refers to, and
	// that a build could execute: by path, because several derivations can have
	// the same output.
	leads map[string]*item
	loads map[string]*item // the same of what can be loaded by a program
}

func (s *state) textOf(id closure.ID) text {
	t := &s.text[id]
	return text{t.Suspected, t.Seed, t.Kinds, t.Confidence}
}

// sum puts a walk into the few numbers that decide.
func sum(w *trace.Walk) *contents {
	c := &contents{text: w.SourceFiles, textBytes: w.TextBytes, dataBytes: w.DataBytes, opaque: len(w.Opaque)}
	opaque := map[string]bool{}
	for i := range w.Opaque {
		opaque[w.Opaque[i].Path] = true
	}
	for i := range w.Opaque {
		// What a program is tested with says nothing of it, and the rest of a
		// file, from some byte on, is counted with the file.
		if p := w.Opaque[i].Path; samples.MatchString(p) || within(opaque, p) {
			c.opaque--
			continue
		}
		c.opaqueBytes += w.Opaque[i].Size
	}
	for i := range w.Members {
		f := &w.Members[i]
		if f.Embedded {
			c.embedded++
			continue
		}
		if c.members == 0 {
			c.first, c.firstAt = f.Format, f.Path
			if f.Detail != "" {
				c.first += " (" + f.Detail + ")"
			}
		}
		c.members++
		c.memberBytes += f.Size
		c.kinds = addKinds(c.kinds, f.Kind)
		c.confidence = highest(c.confidence, or(f.Confidence, audit.High))
	}
	return c
}

// within reports whether a path is of a part of one of some files.
func within(files map[string]bool, p string) bool {
	for i := strings.LastIndex(p, "/@"); i >= 0; i = strings.LastIndex(p[:i], "/@") {
		if files[p[:i]] {
			return true
		}
	}
	return false
}

func (d *decider) fetched(id closure.ID) fetched {
	f := fetched{text: d.textOf(id), recorded: true}
	for _, it := range d.outputs[id] {
		switch {
		case it == nil && d.req.Store == nil:
			f.absent = notInspected
		case it == nil:
			f.absent = "its output path is not known before it is built"
		case it.walk == nil:
			f.absent = it.absent
		default:
			f.contents = sum(it.walk)
			f.contents.unread, f.contents.unreadAt = it.unread()
		}
	}
	for _, it := range d.outputs[id] {
		if o, ok := d.number[it]; ok {
			u := d.usages[o]
			f.used = append(f.used, u.evidence...)
			f.usedKinds = addKinds(f.usedKinds, u.kinds...)
			f.usedConfidence = highest(f.usedConfidence, u.confidence)
		}
	}
	f.target = d.reach.in.Has(id)
	f.alike = cmp.Or(d.alikeTo(id), d.becomes(id))
	d.follow(id, &f)
	return f
}

// follow finds out whether everything that could hold a fetch's members was
// looked at.
func (d *decider) follow(id closure.ID, f *fetched) {
	for _, c := range d.g.Consumers(id) {
		if d.g.FixedOutput(c) {
			continue
		}
		f.recorded = f.recorded && d.execs[c] != nil
		for _, it := range d.outputs[id] {
			if it != nil && it.walk != nil && f.unsampled == "" {
				f.unsampled = d.unsampled(c, it)
			}
		}
		if f.unfollowed != "" {
			continue
		}
		for _, it := range d.outputs[id] {
			if it == nil || it.walk == nil || f.unfollowed != "" {
				continue
			}
			if d.execs[c] == nil && (d.programFor(c, it) != nil || d.loose(c, it) != nil) {
				f.unfollowed = fmt.Sprintf("whether the build of %s executed it is not on record", d.g.Name(c))
			} else if m, how := d.unseen(c, it); m != nil {
				f.unfollowed = fmt.Sprintf("of %s, which uses it: %s (%s)", d.g.Name(c), how, m.Path)
			} else if m, how := d.turned(c, it); m != nil {
				f.unfollowed = fmt.Sprintf("of %s, which uses it: %s (%s)", d.g.Name(c), how, m.Path)
			} else if m := d.looseFor(it); m != nil && d.refersTo(c, it) {
				f.unfollowed = fmt.Sprintf("%s refers to it, and what that is used by could have executed or loaded %s", d.g.Name(c), m.Path)
			}
		}
		if why := d.outputsAbsent(c); f.unfollowed == "" && why != "" {
			f.unfollowed = fmt.Sprintf("of %s, which uses it: %s", d.g.Name(c), why)
			continue
		}
		for _, it := range d.outputs[c] {
			if why, _ := it.unread(); why != "" && f.unfollowed == "" {
				f.unfollowed = fmt.Sprintf("of %s, which uses it: %s", d.g.Name(c), why)
			}
		}
	}
}

// refersTo reports whether an output of a derivation refers to an item.
func (s *state) refersTo(id closure.ID, to *item) bool {
	return slices.ContainsFunc(s.outputs[id], func(it *item) bool {
		return it != nil && it.walk != nil && slices.Contains(s.references(it), to)
	})
}

// outputsAbsent is why the outputs of a derivation are not all at hand.
func (s *state) outputsAbsent(id closure.ID) string {
	if s.g.Missing(id) {
		return "the derivation itself was not at hand"
	}
	for _, it := range s.outputs[id] {
		switch {
		case it == nil && s.req.Store == nil:
			return notInspected
		case it == nil:
			return "the path of an output is not known before it is built"
		case it.walk == nil:
			return it.absent
		}
	}
	return ""
}

func (d *decider) built(id closure.ID) built {
	b := built{text: d.textOf(id), absent: d.outputsAbsent(id), recorded: d.execs[id] != nil}
	if d.req.Store == nil {
		return b
	}
	b.carried, b.carriedKinds, b.carriedConfidence = d.matchEvidence(id, false)
	b.seedFiles, b.seedKinds, _ = d.matchEvidence(id, true)
	compiled, seeds, opaque := 0, 0, 0
	for _, it := range d.outputs[id] {
		if it != nil && it.walk != nil {
			compiled += it.compiled()
			seeds += it.fromSeed
			opaque += len(it.walk.Opaque)
			b.live = addKinds(b.live, it.live...)
		}
	}
	b.onlySeed = compiled > 0 && compiled == seeds
	for _, r := range d.runs[id] {
		b.executed = append(b.executed, d.runEvidence(r))
		b.executedKinds = addKinds(b.executedKinds, r.kind)
		b.executedConfidence = highest(b.executedConfidence, r.confidence)
	}
	h := d.inherit(id)
	for _, r := range d.runs[id] {
		if r.via != closure.None && !slices.Contains(h.through, r.via) {
			h.through = append(h.through, r.via)
		}
	}
	b.takes(d, h)
	d.doubts(id, &b, h)
	if b.absent != "" {
		d.blind[id] = true
	}
	b.suspect = b.suspect || b.handed || d.blind[id]
	b.near = b.near && compiled+opaque > 0
	if b.absent == "" {
		b.clean = d.cleanEvidence(id, compiled)
	}
	return b
}

// takes adds to what is known of a derivation what it inherits.
func (b *built) takes(d *decider, h *heritage) {
	direct := len(b.executed) > 0
	if len(h.carried) > 0 {
		b.vague = true
		b.carried = capped(append(b.carried, h.carried...))
		b.carriedKinds = addKinds(b.carriedKinds, h.carriedKinds...)
		b.carriedConfidence = highest(b.carriedConfidence, audit.Medium)
	}
	b.executed = capped(append(b.executed, h.evidence...))
	b.executedKinds = addKinds(b.executedKinds, h.kinds...)
	b.executedConfidence = highest(b.executedConfidence, h.confidence)
	b.through = h.through
	if len(b.executed)+len(h.carried) == 0 {
		b.through, b.doubted = h.doubtful, true
	}
	slices.Sort(b.through)
	if names := d.names(h.through); !direct && len(names) > 0 {
		b.by = "through " + list(names)
	}
}

// names are the names of derivations, sorted.
func (s *state) names(ids []closure.ID) []string {
	var out []string
	for _, i := range ids {
		out = append(out, s.g.Name(i))
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// cleanEvidence tells what was looked at and did not show anything.
func (d *decider) cleanEvidence(id closure.ID, compiled int) []audit.Evidence {
	members := 0
	for o := range d.origins {
		if d.have[id].has(trace.Origin(o)) && !d.origins[o].seed {
			members += len(d.origins[o].item.walk.Members)
		}
	}
	detail := "no compiled file in its outputs"
	if compiled > 0 {
		detail = fmt.Sprintf("%s in its outputs, none of them known from the %s of what it depends on",
			count(compiled, "compiled file"), count(members, "prebuilt member"))
		if members == 0 {
			detail = fmt.Sprintf("%s in its outputs, and nothing prebuilt among what it depends on but the seed",
				count(compiled, "compiled file"))
		}
	}
	out := []audit.Evidence{{Rule: "trace-none", Level: audit.LevelTrace, Detail: detail}}
	if x := d.execs[id]; x != nil {
		out = append(out, audit.Evidence{
			Rule: "exec-none", Level: audit.LevelTrace,
			Detail: fmt.Sprintf("its build executed %s, none prebuilt but the seed's", count(len(x.paths)+len(x.sums), "program")),
		})
	}
	return out
}
