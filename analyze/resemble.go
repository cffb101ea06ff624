package analyze

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"fromsource/analyze/audit"
	"fromsource/analyze/content"
	"fromsource/analyze/trace"
	"fromsource/closure"
)

// resemblance is a file of an output that could be a prebuilt one under
// another form, so that its derivation can't be called source.
type resemblance struct {
	by     closure.ID // whose output it is
	from   *item      // where it can have come from
	detail string
	sample bool // it is there to be tested with
}

// program is a sample of one prebuilt program or library.
type program struct {
	origin trace.Origin
	file   string
	of     int // how many of its sums are in the index
}

// sparse thins out the sums that are kept of programs: unlike objects, of
// which a linker takes parts, they are compared whole.
func sparse(sum uint32) bool { return sum&3 == 0 }

// resemblances looks for changed copies: native code of an output that shares
// most of its machine code with a prebuilt program, although neither the file
// nor its code sections are the same; and for programs that a text carries.
func (s *state) resemblances() {
	programs, bySum := s.programs()
	for i := range closure.ID(s.g.Len()) {
		if s.isOrigin(i) {
			continue
		}
		for _, it := range s.outputs[i] {
			if it == nil || it.walk == nil {
				continue
			}
			s.copies(it, programs, bySum)
			s.decoded(it)
		}
		s.sealed(i)
	}
}

// programs indexes the code of prebuilt programs, without what is also in
// something that does not depend on them, or in the seed.
func (s *state) programs() ([]program, map[uint32][]int32) {
	var programs []program
	bySum := map[uint32][]int32{}
	for o := range s.origins {
		if s.origins[o].seed {
			continue
		}
		for _, sample := range s.origins[o].item.walk.Samples {
			if sample.Object {
				continue
			}
			for _, sum := range sample.Sums {
				if sparse(sum) {
					bySum[sum] = append(bySum[sum], int32(len(programs)))
				}
			}
			programs = append(programs, program{origin: trace.Origin(o), file: sample.File})
		}
	}
	if len(programs) == 0 {
		return nil, nil
	}
	drop := func(it *item, have bitset) {
		if it == nil || it.walk == nil {
			return
		}
		for _, sample := range s.unrecognised(it) {
			for _, sum := range sample.Sums {
				if ps, ok := bySum[sum]; ok {
					if nobodys(have, ps, func(p int32) trace.Origin { return programs[p].origin }) {
						bySum[sum] = nil
					}
				}
			}
		}
	}
	for i := range closure.ID(s.g.Len()) {
		for _, it := range s.outputs[i] {
			switch {
			case s.text[i].Seed:
				drop(it, nil)
			case !s.isOrigin(i):
				drop(it, s.could[i])
			}
		}
	}
	for _, ps := range bySum {
		for _, p := range ps {
			programs[p].of++
		}
	}
	return programs, bySum
}

// unrecognised are the samples of an output without those of files that are
// known to be prebuilt: what one carries is no sign that anyone's compiler
// makes such code.
func (s *state) unrecognised(it *item) []trace.Sample {
	if len(it.walk.Samples) == 0 {
		return nil
	}
	known := map[string]bool{}
	for k := range it.walk.Members {
		f := &it.walk.Members[k]
		if f.Kind == audit.NativeCode && s.fetchedBytes(it.id, f) {
			known[f.Path] = true
		}
	}
	if len(known) == 0 {
		return it.walk.Samples
	}
	return slices.DeleteFunc(slices.Clone(it.walk.Samples), func(x trace.Sample) bool { return known[x.File] })
}

// fetchedBytes reports whether a file is known to come from a fetch that is
// not the seed.
func (s *state) fetchedBytes(id closure.ID, f *content.File) bool {
	return slices.ContainsFunc(s.lookup(id, f), func(h trace.Hit) bool { return !s.origins[h.Origin].seed })
}

// copies compares the programs in one output with prebuilt ones.
func (s *state) copies(it *item, programs []program, bySum map[uint32][]int32) {
	if len(programs) == 0 {
		return
	}
	told := map[trace.Origin]bool{}
	for _, sample := range s.unrecognised(it) {
		if sample.Object {
			continue
		}
		shared := map[int32]int{}
		for _, sum := range sample.Sums {
			for _, p := range bySum[sum] {
				if s.have[it.id].has(programs[p].origin) {
					shared[p]++
				}
			}
		}
		best, most := int32(-1), 0
		for p, n := range shared {
			if n > most || n == most && p < best {
				best, most = p, n
			}
		}
		if best < 0 || most < trace.MinShared || 2*most < programs[best].of || told[programs[best].origin] {
			continue
		}
		told[programs[best].origin] = true
		from := s.origins[programs[best].origin].item
		s.alike[it.id] = append(s.alike[it.id], resemblance{by: it.id, from: from, detail: fmt.Sprintf(
			"its %s has most of the machine code of the prebuilt %s of %s: it could be a changed copy",
			it.called(sample.File), programs[best].file, closure.NameOf(from.path))})
	}
}

// decoded finds compiled files in an output that can be what a text among the
// inputs of the build carries: decoded, they are not larger than the text.
func (s *state) decoded(it *item) {
	// By kind, the smallest and the largest that no fetch holds.
	least, largest := map[audit.Kind]*content.File{}, map[audit.Kind]*content.File{}
	for k := range it.walk.Members {
		f := &it.walk.Members[k]
		if f.Embedded || len(s.lookup(it.id, f)) > 0 {
			continue
		}
		if x := least[f.Kind]; x == nil || f.Size < x.Size {
			least[f.Kind] = f
		}
		if x := largest[f.Kind]; x == nil || f.Size > x.Size {
			largest[f.Kind] = f
		}
	}
	if len(least) == 0 {
		return
	}
	look := func(from *item) {
		if from == nil || from.walk == nil {
			return
		}
		for k := range from.walk.Members {
			text := &from.walk.Members[k]
			if !text.Embedded || least[text.Kind] == nil || s.alien(text) {
				continue
			}
			if strings.HasPrefix(nextPath(from.walk.Members, k), text.Path+"/@") || k > 0 && strings.HasPrefix(from.walk.Members[k-1].Path, text.Path+"/@") {
				continue // it was unpacked, and what was in it is looked for by itself
			}
			// An archive in a text unfolds to more than the text.
			f := least[text.Kind]
			if unfolds[text.Format] {
				f = largest[text.Kind]
			} else if text.Kind == audit.Bytecode && f.Format != text.Format {
				continue
			} else if f.Size > text.Size {
				s.faint[it.id] = fmt.Sprintf("a text of its input %s carries a program, or a part of one (%s)", closure.NameOf(from.path), text.Path)
				continue
			}
			s.alike[it.id] = append(s.alike[it.id], resemblance{by: it.id, from: from, sample: samples.MatchString(text.Path), detail: fmt.Sprintf(
				"its %s could be what the text %s of %s carries (%s)",
				it.called(f.Path), text.Path, closure.NameOf(from.path), cmp.Or(text.Detail, text.Format))})
			return
		}
	}
	for _, from := range s.sources[it.id] {
		look(from)
	}
	for _, in := range s.g.Inputs(it.id) {
		for _, from := range s.outputs[in] {
			look(from)
		}
	}
}

// nextPath is the path of the member behind one.
func nextPath(members []content.File, k int) string {
	if k+1 < len(members) {
		return members[k+1].Path
	}
	return ""
}

// unfolds are the formats of which a small file can be a large program.
var unfolds = map[string]bool{
	"gzip": true, "xz": true, "lzma": true, "lzip": true, "bzip2": true, "zstd": true, "lz4": true, "compress": true, "zlib": true,
	"zip": true, "7z": true, "rar": true, "tar": true, "cpio": true, "ar": true, "deb": true, "rpm": true, "nar": true, "squashfs": true, "iso9660": true,
}

// alikeTo is what could be made of a fetch in another form.
func (s *state) alikeTo(id closure.ID) string {
	for _, it := range s.outputs[id] {
		if it == nil {
			continue
		}
		for _, c := range s.g.Consumers(id) {
			for _, a := range s.alike[c] {
				if a.from == it {
					return fmt.Sprintf("of %s: %s", s.g.Name(a.by), a.detail)
				}
			}
		}
	}
	return ""
}
