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

// usage is what became of the members of one fetch or input source.
type usage struct {
	evidence   []audit.Evidence
	kinds      []audit.Kind
	confidence audit.Confidence
}

func (u *usage) add(ev audit.Evidence, kinds []audit.Kind, c audit.Confidence) {
	u.evidence = append(u.evidence, ev)
	u.kinds = addKinds(u.kinds, kinds...)
	u.confidence = highest(u.confidence, c)
}

// run is one prebuilt file that a build executed.
type run struct {
	by         closure.ID
	origin     trace.Origin
	rule       string
	level      audit.Level
	at, member string
	via        closure.ID // the package that carries it, or closure.None
	kind       audit.Kind
	confidence audit.Confidence
}

// The rules of what a record shows.
const (
	execRecorded = "exec-recorded"
	execGiven    = "exec-given"
)

// runs finds the prebuilt files, not the seed's, that builds executed.
func (s *state) runs() map[closure.ID][]run {
	out := map[closure.ID][]run{}
	for i := range closure.ID(s.g.Len()) {
		if s.g.FixedOutput(i) {
			continue // what a fetch executes does not reach its bytes
		}
		if x := s.execs[i]; x != nil {
			out[i] = append(out[i], s.recorded(i, &x.programs, execRecorded)...)
			out[i] = append(out[i], s.recorded(i, &x.given, execGiven)...)
		}
		out[i] = append(out[i], s.textual(i)...)
		if s.req.Store != nil {
			out[i] = append(out[i], s.asBuilder(i, out[i])...)
		}
	}
	return out
}

// recorded goes through one part of the record of one build.
func (s *state) recorded(id closure.ID, x *programs, rule string) []run {
	var out []run
	for _, p := range x.paths {
		storePath, rest := splitStore(s.g.StoreDir(), p)
		it := s.items[storePath]
		if it == nil || it.walk == nil || it.id == id {
			continue
		}
		f := it.member(rest)
		if f == nil {
			continue // a script, or compiled elsewhere
		}
		out = append(out, s.runOf(id, it, f, p, rule)...)
	}
	for _, sum := range x.bySum() {
		for _, h := range s.lookup(id, &content.File{SHA256: sum}) {
			if !s.origins[h.Origin].seed {
				out = append(out, run{
					by: id, origin: h.Origin, rule: rule, level: audit.LevelTrace,
					at: x.sums[sum], member: h.Member, via: closure.None, kind: h.Kind, confidence: h.Confidence,
				})
			}
		}
	}
	return out
}

// asBuilder is what it means that a derivation's builder is prebuilt. That Nix
// executes it needs no record.
func (s *state) asBuilder(id closure.ID, known []run) []run {
	drv := s.derivation(id)
	if drv == nil || !strings.HasPrefix(drv.Builder, s.g.StoreDir()+"/") {
		return nil
	}
	storePath, rest := splitStore(s.g.StoreDir(), drv.Builder)
	it := s.items[storePath]
	if it == nil || it.walk == nil || it.id == id || slices.ContainsFunc(known, func(r run) bool { return r.at == drv.Builder && r.rule == execRecorded }) {
		return nil
	}
	f := it.member(rest)
	if f == nil {
		return nil // a script, or compiled elsewhere
	}
	return s.runOf(id, it, f, drv.Builder, "exec-builder")
}

// runOf is what it means that a file of an item was executed.
func (s *state) runOf(by closure.ID, it *item, f *content.File, at, rule string) []run {
	var out []run
	if o, ok := s.number[it]; ok {
		if s.origins[o].seed {
			return nil
		}
		return []run{{
			by: by, origin: o, rule: rule, level: audit.LevelTrace,
			at: at, member: f.Path, via: closure.None, kind: f.Kind, confidence: or(f.Confidence, audit.High),
		}}
	}
	if it.id == closure.None {
		return nil
	}
	for _, h := range s.lookup(it.id, f) {
		if !s.origins[h.Origin].seed {
			out = append(out, run{
				by: by, origin: h.Origin, rule: rule, level: audit.LevelTrace,
				at: at, member: h.Member, via: it.id, kind: h.Kind, confidence: h.Confidence,
			})
		}
	}
	return out
}

// member finds a compiled file by its path in the item; rest is empty where
// the store path is the file itself, which walks call by its name.
func (it *item) member(rest string) *content.File {
	if rest == "" {
		rest = closure.NameOf(it.path)
	}
	if it.byPath == nil {
		it.byPath = make(map[string]*content.File, len(it.walk.Members))
		for i := range it.walk.Members {
			it.byPath[it.walk.Members[i].Path] = &it.walk.Members[i]
		}
	}
	return it.byPath[rest]
}

// textual is what the text says that the build runs. It counts where the
// bytes agree that there is prebuilt code in it.
func (s *state) textual(id closure.ID) []run {
	out := s.runSources(id)
	for _, x := range s.text[id].Executes {
		if s.text[x].Seed || s.contradicted(id, x) {
			continue
		}
		conf := audit.Medium
		if s.execs[id] == nil {
			conf = audit.Low
		}
		for _, it := range s.outputs[x] {
			if it == nil || it.walk == nil {
				continue
			}
			if s.g.FixedOutput(x) {
				if o, f := s.originOf(it); f != nil {
					out = append(out, run{
						by: id, origin: o, rule: "exec-text", level: audit.LevelDerivation,
						at: it.path, member: f.Path, via: closure.None, kind: f.Kind, confidence: conf,
					})
				}
				continue
			}
			for _, m := range it.matches {
				if h := m.First[0]; !s.origins[m.Origin].seed {
					out = append(out, run{
						by: id, origin: m.Origin, rule: "exec-text", level: audit.LevelDerivation,
						at: it.place(h.File), member: h.Member, via: x, kind: h.Kind, confidence: conf,
					})
				}
			}
		}
	}
	return out
}

// runSources are prebuilt input sources that the text says are run, where no
// record tells.
func (s *state) runSources(id closure.ID) []run {
	if s.execs[id] != nil {
		return nil // they lie in the store: the record has them
	}
	var out []run
	for _, p := range s.text[id].BinarySources {
		storePath, rest := splitStore(s.g.StoreDir(), p)
		it := s.items[storePath]
		if it == nil || it.walk == nil || it.id != closure.None {
			continue
		}
		o, f := s.originOf(it)
		if f == nil || s.origins[o].seed || rest != "" && it.member(rest) == nil {
			continue
		}
		out = append(out, run{
			by: id, origin: o, rule: "exec-text", level: audit.LevelDerivation,
			at: p, member: f.Path, via: closure.None, kind: f.Kind, confidence: audit.Medium,
		})
	}
	return out
}

// contradicted reports whether the record of a build tells its text wrong:
// native programs that are run are in the record, bytecode and scripts that an
// interpreter is given are not.
func (s *state) contradicted(id, x closure.ID) bool {
	if s.execs[id] == nil {
		return false
	}
	for _, it := range s.outputs[x] {
		if it == nil || it.walk == nil {
			return false
		}
		for i := range it.walk.Members {
			if it.walk.Members[i].Kind != audit.NativeCode {
				return false
			}
		}
	}
	return true
}

// originOf is the origin of an item that has compiled members, and the first.
func (s *state) originOf(it *item) (trace.Origin, *content.File) {
	if o, ok := s.number[it]; ok && len(it.walk.Members) > 0 {
		return o, &it.walk.Members[0]
	}
	return 0, nil
}

// evidence tells of a run for the row of the derivation whose build it was.
func (s *state) runEvidence(r run) audit.Evidence {
	o := s.origins[r.origin]
	what := "its build executed"
	switch r.rule {
	case "exec-text":
		what = "its text says that its build runs"
	case "exec-builder":
		what = "its builder is"
	case execGiven:
		what = "its build started an interpreter with"
	}
	detail := fmt.Sprintf("%s a prebuilt member of %s: %s", what, closure.NameOf(o.item.path), r.member)
	if r.via != closure.None {
		detail += ", carried by " + s.g.Name(r.via)
	}
	return audit.Evidence{Rule: r.rule, Level: r.level, At: r.at, Detail: detail, From: s.from(o)}
}

// usages sums up, by origin, where members were found and which were run.
func (s *state) usages(runs map[closure.ID][]run) []usage {
	out := make([]usage, len(s.origins))
	for i := range closure.ID(s.g.Len()) {
		if s.isOrigin(i) {
			continue
		}
		for _, it := range s.outputs[i] {
			if it == nil {
				continue
			}
			for _, m := range it.matches {
				h := m.First[0]
				out[m.Origin].add(audit.Evidence{
					Rule: m.How.Rule(), Level: audit.LevelTrace, At: h.Member,
					Detail: fmt.Sprintf("found in an output, %s: %s", found(h.How), strings.TrimPrefix(it.place(h.File), s.g.StoreDir()+"/")),
					From:   s.g.Path(i),
				}, m.Kinds, m.Confidence)
			}
		}
		for _, r := range runs[i] {
			detail := "executed by a build"
			switch r.rule {
			case "exec-text":
				detail = "run by a build, as its text says"
			case "exec-builder":
				detail = "the builder of a derivation"
			case execGiven:
				detail = "given to an interpreter by a build"
			}
			out[r.origin].add(audit.Evidence{
				Rule: r.rule, Level: r.level, At: r.member, Detail: detail, From: s.g.Path(i),
			}, []audit.Kind{r.kind}, r.confidence)
		}
	}
	for i := range out {
		out[i].evidence = capped(out[i].evidence)
	}
	return out
}

func found(h trace.How) string {
	return [...]string{"identical", "patched (the same code sections)", "rebuilt or patched (the same build-id)", "linked into something", "inside another file", "by a link or a launcher"}[h]
}
