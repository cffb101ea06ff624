package analyze

import (
	"fmt"
	"slices"

	"fromsource/analyze/audit"
	"fromsource/analyze/trace"
	"fromsource/closure"
)

// remember keeps of a derivation that was just decided what later ones can
// have from it: the files of those that are made by prebuilt programs or whose
// origin is unknown. Files that were fetched, or that come from something
// clean, are no sign of it.
func (d *decider) remember(id closure.ID) {
	x := &d.out[id]
	if d.g.FixedOutput(id) || x.verdict == audit.Seed {
		return
	}
	unsure := x.verdict == audit.Unknown
	if x.made || unsure || x.carries() {
		d.rememberBulk(id)
	}
	for _, it := range d.outputs[id] {
		if it == nil || it.walk == nil {
			continue
		}
		if !x.made && !unsure {
			for i := range it.walk.Members {
				d.clean[trace.Short(it.walk.Members[i].SHA256)] = struct{}{}
			}
			for _, o := range it.walk.Others {
				d.clean[o] = struct{}{}
			}
			continue
		}
		to := d.made
		if unsure {
			to = d.unknown
		}
		for i := range it.walk.Members {
			if _, clean := d.clean[trace.Short(it.walk.Members[i].SHA256)]; !clean {
				to.Add(trace.Origin(id), it.walk.Members[i:i+1])
			}
		}
		x.usable += it.walk.Small
		for _, o := range it.walk.Others {
			if _, clean := d.clean[o]; clean || d.wasFetched(o) {
				continue
			}
			if !slices.Contains(d.texts[o], id) {
				d.texts[o] = append(d.texts[o], id)
			}
			if _, doc := slices.BinarySearch(it.walk.Docs, o); !doc {
				x.usable++
			}
		}
	}
}

// wasFetched reports whether a fetch or an input source has a file.
func (d *decider) wasFetched(short uint64) bool {
	if d.fetchedFiles == nil {
		d.fetchedFiles = []uint64{}
		for _, it := range d.items {
			if it.walk != nil && (it.id == closure.None || d.isOrigin(it.id)) {
				d.fetchedFiles = append(d.fetchedFiles, it.walk.Others...)
			}
		}
		slices.Sort(d.fetchedFiles)
		d.fetchedFiles = slices.Compact(d.fetchedFiles)
	}
	_, ok := slices.BinarySearch(d.fetchedFiles, short)
	return ok
}

// makers are the derivations with objects in their outputs, which others can
// have linked: the same by samples of code that [linked] does for fetches.
type makers struct {
	ids  []closure.ID
	by   map[uint32][]trace.Origin
	have []bitset // by ID: the makers it depends on
}

func (s *state) collectMakers() {
	m := &s.makers
	m.by = map[uint32][]trace.Origin{}
	number := map[closure.ID]trace.Origin{}
	for i := range closure.ID(s.g.Len()) {
		if s.isOrigin(i) {
			continue
		}
		for _, it := range s.outputs[i] {
			if it == nil || it.walk == nil {
				continue
			}
			for _, sample := range it.walk.Samples {
				if !sample.Object {
					continue
				}
				n, ok := number[i]
				if !ok {
					n = trace.Origin(len(m.ids))
					number[i], m.ids = n, append(m.ids, i)
				}
				for _, sum := range sample.Sums {
					if !slices.Contains(m.by[sum], n) {
						m.by[sum] = append(m.by[sum], n)
					}
				}
			}
		}
	}
	if len(m.ids) == 0 {
		return
	}
	words := (len(m.ids) + 63) / 64
	m.have = make([]bitset, s.g.Len())
	for _, i := range s.g.Topo() {
		m.have[i] = make(bitset, words)
		if s.g.FixedOutput(i) {
			continue
		}
		for _, in := range s.g.Inputs(i) {
			if m.have[in] != nil {
				m.have[i].or(m.have[in])
			}
			if n, ok := number[in]; ok {
				m.have[i].add(n)
			}
		}
	}
	for i := range closure.ID(s.g.Len()) {
		own, isMaker := number[i]
		for _, it := range s.outputs[i] {
			if it == nil || it.walk == nil {
				continue
			}
			for _, sample := range it.walk.Samples {
				for _, sum := range sample.Sums {
					if ms, ok := m.by[sum]; ok {
						if nobodys(m.have[i], ms, func(n trace.Origin) trace.Origin { return n }) && (!isMaker || !slices.Contains(ms, own)) {
							m.by[sum] = nil
						}
					}
				}
			}
		}
	}
}

// linkedFrom finds objects of others that were linked into the outputs.
func (d *decider) linkedFrom(id closure.ID, h *heritage) {
	if len(d.makers.ids) == 0 {
		return
	}
	told := map[trace.Origin]bool{}
	for _, it := range d.outputs[id] {
		if it == nil || it.walk == nil {
			continue
		}
		for _, sample := range it.walk.Samples {
			if sample.Object {
				continue
			}
			shared := map[trace.Origin]int{}
			for _, sum := range sample.Sums {
				for _, n := range d.makers.by[sum] {
					if d.makers.have[id].has(n) {
						shared[n]++
					}
				}
			}
			for n := range d.makers.ids {
				if o := trace.Origin(n); shared[o] >= trace.MinShared && !told[o] {
					told[o] = true
					a := d.makers.ids[n]
					if d.out[a].made || d.out[a].verdict == audit.Unknown {
						d.taken(h, legacy{a, "trace-through", audit.LevelTrace, it.place(sample.File), fmt.Sprintf("objects of %s are linked into it", d.g.Name(a)), audit.Medium})
					}
				}
			}
		}
	}
}
