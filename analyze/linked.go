package analyze

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"fromsource/analyze/audit"
	"fromsource/analyze/trace"
	"fromsource/closure"
)

// linked finds prebuilt objects and static libraries that were linked into
// something: by samples of machine code that both share.
type linked struct {
	// by are the origins of each sum; sums that occur where their origin can't
	// have come from are code that anyone's compiler makes, and left out.
	by map[uint32][]trace.Origin
	// seed are, by derivation, the files that hold code of the seed.
	seed map[closure.ID][]trace.Hit
}

// collectObjects gathers the sums of what a linker could have taken in.
func (s *state) collectObjects() {
	s.linked = linked{by: map[uint32][]trace.Origin{}, seed: map[closure.ID][]trace.Hit{}}
	by := s.linked.by
	for o := range s.origins {
		for _, sample := range s.origins[o].item.walk.Samples {
			if !sample.Object {
				continue
			}
			for _, sum := range sample.Sums {
				if !slices.Contains(by[sum], trace.Origin(o)) {
					by[sum] = append(by[sum], trace.Origin(o))
				}
			}
		}
	}
	if len(by) == 0 {
		return
	}
	for i := range closure.ID(s.g.Len()) {
		if s.isOrigin(i) {
			continue
		}
		for _, it := range s.outputs[i] {
			if it != nil && it.walk != nil {
				s.common(i, s.unrecognised(it))
			}
		}
	}
}

// common takes out the sums that a derivation has by itself: those of origins
// that it does not depend on, and those of the seed that are in objects that
// the closure has built: the final C library is often the seed's source.
func (s *state) common(id closure.ID, samples []trace.Sample) {
	by := s.linked.by
	for _, sample := range samples {
		for _, sum := range sample.Sums {
			os, ok := by[sum]
			if !ok {
				continue
			}
			fetched := slices.DeleteFunc(slices.Clone(os), func(o trace.Origin) bool { return s.origins[o].seed })
			nobody := nobodys(s.could[id], fetched, func(o trace.Origin) trace.Origin { return o })
			by[sum] = slices.DeleteFunc(os, func(o trace.Origin) bool {
				if s.origins[o].seed {
					return sample.Object || !s.have[id].has(o)
				}
				return nobody
			})
		}
	}
}

// matchLinked recognises prebuilt objects in what an output has linked. Files
// that are recognised as a whole are left out. Little of one, and one in other
// objects (of which a compiler makes the same from the same source) is a doubt.
func (s *state) matchLinked(it *item, m *trace.Matches, whole map[string]bool) {
	parts, told := map[trace.Origin]string{}, map[trace.Origin]bool{}
	for _, sample := range it.walk.Samples {
		if whole[sample.File] || len(s.linked.by) == 0 {
			continue
		}
		shared := map[trace.Origin]int{}
		for _, sum := range sample.Sums {
			for _, o := range s.linked.by[sum] {
				if s.have[it.id].has(o) {
					shared[o]++
				}
			}
		}
		for o, n := range shared {
			if n < trace.MinShared || sample.Object {
				if !s.origins[o].seed && n >= leastPart {
					parts[o] = min(cmp.Or(parts[o], sample.File), sample.File)
				}
				continue
			}
			h := trace.Hit{
				Origin: o, How: trace.Linked, Member: s.objectOf(o, sample.Sums), File: sample.File,
				Kind: audit.NativeCode, Format: "elf-relocatable", Confidence: audit.Medium,
			}
			if s.origins[o].seed {
				s.linked.seed[it.id] = append(s.linked.seed[it.id], h)
			} else {
				m.Add(h)
				told[o] = true
			}
		}
	}
	for _, o := range slices.Sorted(maps.Keys(parts)) {
		if from := s.origins[o].item; !told[o] {
			s.alike[it.id] = append(s.alike[it.id], resemblance{by: it.id, from: from, detail: fmt.Sprintf(
				"its %s has some of the machine code of prebuilt objects of %s: they could be linked into it in part", it.called(parts[o]), closure.NameOf(from.path))})
		}
	}
}

// leastPart is how many sums a file must share with objects for it to be
// possible that a linker has taken in a part of one: a function or two.
const leastPart = 3

// objectOf is the object of an origin that shares most with a file.
func (s *state) objectOf(o trace.Origin, sums []uint32) string {
	best, most := "", -1
	for _, sample := range s.origins[o].item.walk.Samples {
		if !sample.Object {
			continue
		}
		n := 0
		for _, sum := range sample.Sums {
			if _, ok := slices.BinarySearch(sums, sum); ok && slices.Contains(s.linked.by[sum], o) {
				n++
			}
		}
		if n > most {
			best, most = sample.File, n
		}
	}
	return best
}

// seedLinked is evidence of the seed's static libraries in an output.
func (s *state) seedLinked(id closure.ID) []audit.Evidence {
	hits := s.linked.seed[id]
	slices.SortFunc(hits, trace.CompareHits)
	files := map[trace.Origin]int{}
	var out []audit.Evidence
	for _, h := range hits {
		files[h.Origin]++
	}
	for _, h := range hits {
		n, ok := files[h.Origin]
		if !ok {
			continue
		}
		delete(files, h.Origin)
		o := s.origins[h.Origin]
		detail := fmt.Sprintf("code of %s of the seed is linked into it", h.Member)
		if n > 1 {
			detail = fmt.Sprintf("code of the seed's libraries is linked into %s, into this one that of %s", count(n, "file"), h.Member)
		}
		out = append(out, audit.Evidence{Rule: "seed-generated", Level: audit.LevelTrace, At: s.fileOf(id, h.File), Detail: detail, From: s.from(o)})
	}
	return out
}

// fileOf is the place of a file of one of a derivation's outputs.
func (s *state) fileOf(id closure.ID, file string) string {
	for _, it := range s.outputs[id] {
		if it != nil && it.walk != nil && slices.ContainsFunc(it.walk.Samples, func(x trace.Sample) bool { return x.File == file }) {
			return it.place(file)
		}
	}
	return file
}

// sampled reports whether linking this member of an item into something would
// be seen: enough of its code is sampled, even if relocations change half, and a
// linker takes all of it or nothing.
func (it *item) sampled(path string) bool {
	return slices.ContainsFunc(it.walk.Samples, func(x trace.Sample) bool {
		return x.File == path && len(x.Sums) >= 2*trace.MinShared && !x.Split
	})
}
