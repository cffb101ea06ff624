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

// origin is where prebuilt code can come from: a fetch, an input source, or
// what unpacks the seed.
type origin struct {
	item *item
	seed bool
}

// encoded is a text in an origin that carries an encoded binary.
type encoded struct {
	origin trace.Origin
	path   string
}

// from names an origin as evidence does: its derivation, or its store path.
func (s *state) from(o origin) string {
	if o.item.id == closure.None {
		return o.item.path
	}
	return s.g.Path(o.item.id)
}

// bitset is a set of origins.
type bitset []uint64

func (b bitset) has(i trace.Origin) bool {
	return int(i>>6) < len(b) && b[i>>6]&(1<<(i&63)) != 0
}
func (b bitset) add(i trace.Origin) { b[i>>6] |= 1 << (i & 63) }
func (b bitset) or(o bitset) {
	for i := range o {
		b[i] |= o[i]
	}
}

// isOrigin reports whether the outputs of a derivation are origins: fetches,
// and what unpacks the seed.
func (s *state) isOrigin(id closure.ID) bool { return s.g.FixedOutput(id) || s.text[id].Seed }

// seedSources are input sources that a derivation of the seed uses: the seed
// of the first nixpkgs was committed beside its expressions.
func (s *state) seedSources() map[*item]bool {
	out := map[*item]bool{}
	for i := range closure.ID(s.g.Len()) {
		if s.text[i].Seed {
			for _, it := range s.sources[i] {
				out[it] = true
			}
		}
	}
	return out
}

// collectOrigins fills the index with the members of what was fetched, and
// works out which origins each derivation depends on: a file can only have
// come from one of those.
func (s *state) collectOrigins() {
	seeds := s.seedSources()
	add := func(it *item, seed bool) {
		if it == nil || it.walk == nil || len(it.walk.Members)+len(it.walk.Opaque) == 0 {
			return
		}
		if _, ok := s.number[it]; ok {
			return
		}
		o := s.originFor(it)
		s.origins[o].seed = seed
		s.index.Add(o, it.walk.Members)
		for i := range it.walk.Members {
			if f := &it.walk.Members[i]; f.Embedded && !seed {
				s.encoded[f.SHA256] = append(s.encoded[f.SHA256], encoded{o, f.Path})
			}
		}
		if !seed && it.id != closure.None && s.text[it.id].Suspected && sum(it.walk).opaqueOnly() {
			s.index.AddOpaque(o, it.walk.Opaque, s.text[it.id].Kinds)
		}
	}
	for i := range closure.ID(s.g.Len()) {
		if s.isOrigin(i) {
			for _, it := range s.outputs[i] {
				add(it, s.text[i].Seed)
			}
		}
		for _, it := range s.sources[i] {
			add(it, seeds[it])
		}
	}
	words := (len(s.origins) + 63) / 64
	s.have = make([]bitset, s.g.Len())
	for _, i := range s.g.Topo() {
		s.have[i] = make(bitset, words)
		for _, it := range s.sources[i] {
			if o, ok := s.number[it]; ok {
				s.have[i].add(o)
			}
		}
		for _, in := range s.g.Inputs(i) {
			for _, it := range s.outputs[in] {
				if o, ok := s.number[it]; ok {
					s.have[i].add(o)
				}
			}
			if !s.g.FixedOutput(in) && s.have[in] != nil {
				s.have[i].or(s.have[in])
			}
		}
	}
}

// match recognises the files of an output among the members of what the
// derivation depends on.
func (s *state) match(it *item) {
	if it == nil || it.walk == nil {
		return
	}
	var m trace.Matches
	whole := map[string]bool{}
	for i := range it.walk.Members {
		seed, own := false, false
		hits := s.lookup(it.id, &it.walk.Members[i])
		if len(hits) == 0 {
			hits = s.byPlace(it.id, &it.walk.Members[i])
		}
		if len(hits) > 0 {
			whole[it.walk.Members[i].Path] = true
		}
		for _, h := range hits {
			m.Add(h)
			if s.origins[h.Origin].seed {
				seed = true
			} else if s.startable(&it.walk.Members[i]) {
				it.live, own = addKinds(it.live, h.Kind), true
			}
		}
		if seed {
			it.fromSeed++
		}
		if own {
			it.carries = append(it.carries, &it.walk.Members[i])
		}
	}
	for i := range it.walk.Opaque {
		for _, h := range s.lookup(it.id, &it.walk.Opaque[i]) {
			m.Add(h)
		}
	}
	s.matchTexts(it, &m)
	s.matchLinked(it, &m, whole)
	known := map[trace.Origin]bool{}
	for _, x := range m.All() {
		known[x.Origin] = true
	}
	s.matchEmbedded(it, &m, known)
	s.matchLinks(it, &m)
	it.matches = m.All()
	for _, x := range it.matches {
		if (x.How == trace.Linked || x.How == trace.Embedded) && !s.origins[x.Origin].seed {
			it.live, it.loose = addKinds(it.live, executable(x.Kinds)...), true
		}
	}
}

// matchTexts recognises the texts of an output that carry an encoded binary, as
// the same text of a fetch does. A document is there to be read.
func (s *state) matchTexts(it *item, m *trace.Matches) {
	for i := range it.walk.Members {
		f := &it.walk.Members[i]
		if !f.Embedded || s.alien(f) || trace.IsDoc(f.Path) || samples.MatchString(f.Path) {
			continue
		}
		for _, from := range s.encoded[f.SHA256] {
			if s.have[it.id].has(from.origin) {
				m.Add(trace.Hit{
					Origin: from.origin, How: trace.Identical, Member: from.path, File: f.Path,
					Kind: f.Kind, Format: f.Format + " in a text", Confidence: audit.Low,
				})
			}
		}
	}
}

// byPlace finds the origin of a file that only its place in the output shows
// to be firmware: in the fetch it was data like any other.
func (s *state) byPlace(id closure.ID, f *content.File) []trace.Hit {
	if f.Kind != audit.Firmware || f.Embedded {
		return nil
	}
	var from []*item
	for _, in := range s.g.Inputs(id) {
		if s.g.FixedOutput(in) && !s.text[in].Seed {
			from = append(from, s.outputs[in]...)
		}
	}
	for _, it := range append(from, s.sources[id]...) {
		if it != nil && it.walk != nil && it.walk.Shares(trace.Short(f.SHA256)) {
			return []trace.Hit{{
				Origin: s.originFor(it), How: trace.Identical, Member: closure.NameOf(it.path), File: f.Path,
				Kind: f.Kind, Format: f.Format, Confidence: audit.Low,
			}}
		}
	}
	return nil
}

// originFor is the number of an item, which is given one if it has none yet.
func (s *state) originFor(it *item) trace.Origin {
	o, ok := s.number[it]
	if !ok {
		o = trace.Origin(len(s.origins))
		s.number[it] = o
		s.origins = append(s.origins, origin{item: it})
	}
	return o
}

// collectTwins notes what each derivation has of origins on which it does not
// depend: the same files. Those came by another way, and are not what anyone's
// compiler makes.
func (s *state) collectTwins() {
	s.could = slices.Clone(s.have)
	for i := range closure.ID(s.g.Len()) {
		if s.isOrigin(i) {
			continue
		}
		for _, it := range s.outputs[i] {
			if it == nil || it.walk == nil {
				continue
			}
			for k := range it.walk.Members {
				for _, h := range s.index.Match(&it.walk.Members[k]) {
					if s.origins[h.Origin].seed || s.could[i].has(h.Origin) {
						continue
					}
					if !s.have[i].has(h.Origin) && h.How == trace.Identical && h.Kind == audit.NativeCode && it.walk.Members[k].Size >= leastTwin && s.twin[it] == nil {
						s.twin[it] = &h
					}
					s.could[i] = slices.Clone(s.could[i])
					s.could[i].add(h.Origin)
				}
			}
		}
	}
}

// leastTwin is the size, in bytes, from which two equal programs are no chance:
// below, they can be all a compiler's.
const leastTwin = 32 << 10

// nobodys reports whether code that a derivation has, and that some origins
// have as well, is that of anyone's compiler: it could have come from none of
// them. One is enough to explain it: the same bytes are often fetched twice, in
// two archives.
func nobodys[T any](have bitset, of []T, origin func(T) trace.Origin) bool {
	return !slices.ContainsFunc(of, func(x T) bool { return have.has(origin(x)) })
}

// lookup finds where a file can have come from, given what the derivation
// depends on. What both the seed and a fetch hold is taken to come from the
// fetch: it is prebuilt either way, and the fetch is the stronger finding.
func (s *state) lookup(id closure.ID, f *content.File) []trace.Hit {
	hits := slices.DeleteFunc(s.index.Match(f), func(h trace.Hit) bool { return !s.have[id].has(h.Origin) })
	isSeed := func(h trace.Hit) bool { return s.origins[h.Origin].seed }
	if slices.ContainsFunc(hits, func(h trace.Hit) bool { return !isSeed(h) }) {
		hits = slices.DeleteFunc(hits, isSeed)
	}
	return hits
}

// matchEvidence tells of a derivation's matches, each with its place.
func (s *state) matchEvidence(id closure.ID, seed bool) (ev []audit.Evidence, kinds []audit.Kind, best audit.Confidence) {
	for _, it := range s.outputs[id] {
		if it == nil {
			continue
		}
		for _, m := range it.matches {
			o := s.origins[m.Origin]
			if o.seed != seed {
				continue
			}
			rule := m.How.Rule()
			if seed {
				rule = "seed-content"
			}
			ev = append(ev, audit.Evidence{
				Rule: rule, Level: audit.LevelTrace, At: it.place(m.First[0].File),
				Detail: m.Sentence(closure.NameOf(o.item.path)), From: s.from(o),
			})
			kinds = addKinds(kinds, m.Kinds...)
			best = highest(best, m.Confidence)
		}
	}
	return capped(ev), kinds, best
}

// mostEvidence bounds what one row holds of one sort.
const mostEvidence = 12

// capped keeps the first pieces and says how many there were.
func capped(ev []audit.Evidence) []audit.Evidence {
	if n := len(ev) - mostEvidence; n > 0 {
		ev = ev[:mostEvidence]
		ev[mostEvidence-1].Detail += fmt.Sprintf("; and %d more like this", n)
	}
	return ev
}

// place is where a file of the item lies: a path that begins with its store
// path.
func (it *item) place(file string) string {
	return strings.TrimSuffix(it.path+"/"+it.inside(file), "/")
}

// called is a file's path in the item, or the item's own name where the file is
// all of it.
func (it *item) called(file string) string {
	if in := it.inside(file); in != "" {
		return in
	}
	return closure.NameOf(it.path)
}

// inside is a file's path in the item. Walks of a single file begin their
// paths with its name.
func (it *item) inside(file string) string {
	if it.walk != nil && it.walk.Flat {
		_, file, _ = strings.Cut(file, "/")
	}
	return file
}
