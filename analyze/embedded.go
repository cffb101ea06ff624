package analyze

import (
	"cmp"
	"fmt"
	"slices"

	"fromsource/analyze/audit"
	"fromsource/analyze/trace"
	"fromsource/closure"
)

// whole is one prebuilt file that could lie inside another one, or, with a
// file of "", all that a derivation has made.
type whole struct {
	origin trace.Origin
	file   string
	kind   audit.Kind
	format string
	by     closure.ID // for a derivation, or closure.None
	of     int        // how many of its sums are in the index
}

// embedded finds files inside other files, whatever those are: by bulk samples
// of their bytes, nearly all of which must be there.
type embedded struct {
	wholes []whole
	by     map[uint32][]int32
}

// collectWholes indexes the prebuilt members of fetches. What something that
// does not depend on a fetch has as well is nobody's.
func (s *state) collectWholes() {
	x := &s.embedded
	x.by = map[uint32][]int32{}
	for o := range s.origins {
		if s.origins[o].seed {
			continue
		}
		it := s.origins[o].item
		for _, sample := range it.walk.Wholes {
			f := it.member(sample.File)
			if f == nil || f.Embedded {
				continue
			}
			for _, sum := range sample.Sums {
				x.by[sum] = append(x.by[sum], int32(len(x.wholes)))
			}
			x.wholes = append(x.wholes, whole{origin: trace.Origin(o), file: f.Path, kind: f.Kind, format: f.Format, by: closure.None})
		}
	}
	if len(x.wholes) == 0 {
		return
	}
	for i := range closure.ID(s.g.Len()) {
		for _, it := range s.outputs[i] {
			if it == nil || it.walk == nil || s.isOrigin(i) && !s.text[i].Seed {
				continue
			}
			for _, sum := range it.walk.Bulk {
				if ws, ok := x.by[sum]; ok {
					if nobodys(s.could[i], ws, func(w int32) trace.Origin { return x.wholes[w].origin }) {
						x.by[sum] = nil
					}
				}
			}
		}
	}
	for _, ws := range x.by {
		for _, w := range ws {
			x.wholes[w].of++
		}
	}
}

// sums are the bulk samples of an item: of its own bytes, and of the compiled
// files in it, which can be compressed.
func (it *item) sums() []uint32 {
	if len(it.walk.Wholes) == 0 {
		return it.walk.Bulk
	}
	out := slices.Clone(it.walk.Bulk)
	for _, w := range it.walk.Wholes {
		out = append(out, w.Sums...)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// matchEmbedded recognises prebuilt members inside the files of an output.
// Origins of which anything was recognised otherwise are left out.
func (s *state) matchEmbedded(it *item, m *trace.Matches, known map[trace.Origin]bool) {
	x := &s.embedded
	if len(x.wholes) == 0 {
		return
	}
	var halves []*whole
	shared := map[int32]int{}
	for _, sum := range it.sums() {
		for _, w := range x.by[sum] {
			if o := x.wholes[w].origin; !known[o] && s.have[it.id].has(o) {
				shared[w]++
			}
		}
	}
	for w, n := range shared {
		x := &x.wholes[w]
		if !trace.MostOf(n, x.of) {
			if n >= trace.MinBulk && 2*n >= x.of {
				halves = append(halves, x)
			}
			continue
		}
		conf := audit.High
		if n < 4*trace.MinBulk {
			conf = audit.Medium
		}
		m.Add(trace.Hit{Origin: x.origin, How: trace.Embedded, Member: x.file, File: s.holder(it, x), Kind: x.kind, Format: x.format, Confidence: conf})
	}
	// A part of it, or bytecode into which other names were written, as shading
	// does.
	slices.SortFunc(halves, func(a, b *whole) int { return cmp.Or(cmp.Compare(a.origin, b.origin), cmp.Compare(a.file, b.file)) })
	for _, x := range halves[:min(1, len(halves))] {
		from := s.origins[x.origin].item
		s.alike[it.id] = append(s.alike[it.id], resemblance{by: it.id, from: from, detail: fmt.Sprintf(
			"its outputs have most of the bytes of the prebuilt %s of %s: it could be a changed copy", x.file, closure.NameOf(from.path))})
	}
}

// holder is the compiled file of an item that holds the bytes of another one;
// "" where it is no compiled file.
func (s *state) holder(it *item, x *whole) string {
	sums := s.origins[x.origin].item.whole(x.file)
	for _, w := range it.walk.Wholes {
		n := 0
		for _, sum := range w.Sums {
			if _, ok := slices.BinarySearch(sums, sum); ok {
				n++
			}
		}
		if trace.MostOf(n, x.of) {
			return w.File
		}
	}
	return ""
}

// whole is the bulk sample of one file of an item.
func (it *item) whole(file string) []uint32 {
	for _, w := range it.walk.Wholes {
		if w.File == file {
			return w.Sums
		}
	}
	return nil
}

// embeddedFrom finds all that another derivation made inside a file of the
// outputs: a RAM disk in a kernel image, generated tables in a program.
func (d *decider) embeddedFrom(id closure.ID, h *heritage) {
	if len(d.bulks) == 0 {
		return
	}
	for _, it := range d.outputs[id] {
		if it == nil || it.walk == nil {
			continue
		}
		shared := map[int32]int{}
		for _, sum := range it.walk.Bulk {
			for _, b := range d.bySum[sum] {
				shared[b]++
			}
		}
		for b := range d.bulks {
			from := d.bulks[b]
			if !trace.MostOf(shared[int32(b)], from.of) || from.by == id || slices.Contains(h.through, from.by) || slices.Contains(h.doubtful, from.by) || !d.dependsOn(id, from.by) {
				continue
			}
			detail := "in its outputs are the bytes of all of " + d.g.Name(from.by)
			l := legacy{from.by, "trace-through", audit.LevelTrace, it.path, detail, audit.Medium}
			if x := &d.out[from.by]; x.carries() && !x.made {
				if d.sharesOrigin(it, from.by) {
					continue // what that carries was recognised by itself
				}
				h.carried = append(h.carried, audit.Evidence{Rule: l.rule, Level: l.level, At: l.at, Detail: detail + ", which carries prebuilt code", From: d.g.Path(from.by)})
				h.carriedKinds = addKinds(h.carriedKinds, x.kinds...)
				h.through = append(h.through, from.by)
				continue
			}
			d.taken(h, l)
		}
	}
}

// sharesOrigin reports whether prebuilt code of the same fetch was recognised in
// an item and in an output of a derivation.
func (s *state) sharesOrigin(it *item, id closure.ID) bool {
	for _, other := range s.outputs[id] {
		if other == nil {
			continue
		}
		for _, m := range other.matches {
			if slices.ContainsFunc(it.matches, func(x trace.Match) bool { return x.Origin == m.Origin }) {
				return true
			}
		}
	}
	return false
}

// rememberBulk keeps what embeddedFrom needs of a derivation that is not
// source.
func (d *decider) rememberBulk(id closure.ID) {
	for _, it := range d.outputs[id] {
		if it == nil || it.walk == nil || len(it.walk.Bulk) < trace.MinBulk || len(it.walk.Bulk) > maxBulk {
			continue
		}
		n := int32(len(d.bulks))
		d.bulks = append(d.bulks, whole{by: id, of: len(it.walk.Bulk)})
		for _, sum := range it.walk.Bulk {
			d.bySum[sum] = append(d.bySum[sum], n)
		}
	}
}

// maxBulk is the size of an output, in sums of about a kibibyte, up to which it
// is looked for inside others.
const maxBulk = 1 << 20
