package analyze

import (
	"cmp"
	"fmt"
	"slices"

	"fromsource/analyze/audit"
	"fromsource/analyze/content"
	"fromsource/analyze/trace"
	"fromsource/closure"
)

// A build that had prebuilt code at hand and did not execute it may still have
// put it into its output in a form that nothing recognises. What could be such
// a form is a doubt, and nothing else is: a prebuilt program among the inputs
// alone says nothing.

// compiledHere are the compiled files of a derivation's outputs that no fetch
// is known to hold.
func (d *decider) compiledHere(id closure.ID) (files []*content.File, in []*item) {
	for _, it := range d.outputs[id] {
		if it == nil || it.walk == nil {
			continue
		}
		for i := range it.walk.Members {
			if f := &it.walk.Members[i]; !f.Embedded && len(d.lookup(id, f)) == 0 {
				files, in = append(files, f), append(in, it)
			}
		}
	}
	return files, in
}

// mostUnpacked is how many times larger than what it was unpacked from a
// program can be.
const mostUnpacked = 16

// sealed tells of data of no known format among what a build was given: a
// program that is encrypted, or packed in a way that content can't open, looks
// like that.
func (s *state) sealed(id closure.ID) {
	var from []*item
	for _, in := range s.g.Inputs(id) {
		if s.g.FixedOutput(in) && !s.text[in].Seed {
			from = append(from, s.outputs[in]...)
		}
	}
	for _, it := range append(from, s.sources[id]...) {
		if it == nil || it.walk == nil || it.id != closure.None && !s.g.FixedOutput(it.id) {
			continue
		}
		if c := sum(it.walk); c.opaqueOnly() && c.opaqueBytes >= leastOpaque {
			s.unsealed(id, it, c.opaqueBytes)
		}
	}
}

// unsealed finds what such an input could have become, or that it was taken
// over as it is.
func (s *state) unsealed(id closure.ID, from *item, size int64) {
	for _, out := range s.outputs[id] {
		if out == nil || out.walk == nil {
			continue
		}
		for i := range out.walk.Members {
			f := &out.walk.Members[i]
			if !f.Embedded && f.Size <= mostUnpacked*size && len(s.lookup(id, f)) == 0 {
				s.alike[id] = append(s.alike[id], resemblance{by: id, from: from, detail: fmt.Sprintf(
					"its input %s is mostly data of no known format, and could be %s in another form", closure.NameOf(from.path), out.called(f.Path))})
				return
			}
		}
	}
	for _, out := range s.outputs[id] {
		if out == nil || out.walk == nil {
			continue
		}
		for i := range from.walk.Opaque {
			if f := &from.walk.Opaque[i]; f.Size >= leastOpaque && out.walk.Shares(trace.Short(f.SHA256)) {
				s.faint[id] = fmt.Sprintf("its output holds data of no known format that its input %s holds (%s)", closure.NameOf(from.path), from.called(f.Path))
				return
			}
		}
	}
}

// hidden looks in the outputs for what prebuilt inputs that the build could
// have executed could have become.
func (d *decider) hidden(id closure.ID, had []*item, doubt func(string, ...any)) {
	if len(had) == 0 {
		return
	}
	name := closure.NameOf(had[0].path)
	for _, it := range d.outputs[id] {
		if it == nil || it.walk == nil {
			continue
		}
		for i := range it.walk.Members {
			f := &it.walk.Members[i]
			if f.Embedded && !trace.IsDoc(f.Path) && slices.ContainsFunc(had, func(h *item) bool { return h.holds(f.Kind) || f.Kind == audit.Firmware }) {
				doubt("its %s carries an encoded %s, and its build had the prebuilt %s at hand", it.called(f.Path), f.Format, name)
				return
			}
		}
		for i := range it.walk.Members {
			f := &it.walk.Members[i]
			if f.Kind == audit.Firmware && !f.Embedded && f.Size >= leastOpaque && len(d.lookup(id, f)) == 0 && !trace.IsDoc(f.Path) {
				doubt("its %s is firmware, and its build had the prebuilt %s at hand", it.called(f.Path), name)
				return
			}
		}
		for i := range it.walk.Opaque {
			f := &it.walk.Opaque[i]
			if f.Size >= leastOpaque && !trace.IsDoc(f.Path) && !d.wasFetched(trace.Short(f.SHA256)) {
				doubt("its %s is data of no known format, and its build had the prebuilt %s at hand", it.called(f.Path), name)
				return
			}
		}
	}
	files, in := d.compiledHere(id)
	for i, f := range files {
		for _, h := range had {
			if m := h.resembled(f); m != nil {
				doubt("its %s could be %s of the prebuilt %s, changed: that is too small to be compared in part", in[i].called(f.Path), base(m.Path), closure.NameOf(h.path))
				return
			}
		}
	}
}

// heavy reports whether most bytes of something fetched are of compiled code,
// however many small texts there are beside it.
func (d *decider) heavy(it *item) bool {
	c := sum(it.walk)
	return c.memberBytes >= c.textBytes+c.dataBytes && slices.ContainsFunc(it.walk.Members, func(f content.File) bool { return d.lively(&f) })
}

// holds reports whether an item has compiled files of a kind.
func (it *item) holds(k audit.Kind) bool {
	return slices.ContainsFunc(it.walk.Members, func(f content.File) bool { return f.Kind == k && !f.Embedded })
}

// resembled is a member of a prebuilt item that a file could be a changed copy
// of, and that is too small to be recognised once it is changed.
func (it *item) resembled(f *content.File) *content.File {
	if it.small == nil {
		it.small = map[string][]*content.File{}
		sampled := map[string]bool{}
		for i := range it.walk.Wholes {
			sampled[it.walk.Wholes[i].File] = true
		}
		for i := range it.walk.Members {
			if m := &it.walk.Members[i]; m.Kind != audit.Firmware && !m.Embedded && !sampled[m.Path] {
				it.small[m.Format] = append(it.small[m.Format], m)
			}
		}
		for _, ms := range it.small {
			slices.SortStableFunc(ms, func(a, b *content.File) int { return cmp.Compare(a.Size, b.Size) })
		}
	}
	ms := it.small[f.Format]
	i, _ := slices.BinarySearchFunc(ms, (f.Size+1)/2, func(m *content.File, size int64) int { return cmp.Compare(m.Size, size) })
	if i < len(ms) && ms[i].Size <= 2*f.Size {
		return ms[i]
	}
	return nil
}
