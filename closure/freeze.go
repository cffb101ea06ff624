package closure

import (
	"cmp"
	"encoding/binary"
	"slices"
	"strings"
	"sync"
)

// freeze turns what the workers have read into an index; order maps node
// numbers, which depend on timing, to IDs, which do not.
func (l *loader) freeze() (*Graph, []ID) {
	n := len(l.paths)
	g := &Graph{src: l.src, storeDir: l.src.storeDir(), flags: make([]uint8, n), start: make([]uint32, 1, n+1)}
	g.producers = sync.OnceValue(g.producersOf)
	l.nodes = pathTable{} // no more lookups: let it go before the index grows
	byPath := sortedNumbers(l.paths)
	size := 0
	for _, p := range l.paths {
		size += len(p)
	}
	order := make([]ID, n)
	var all strings.Builder
	all.Grow(size)
	for id, node := range byPath {
		order[node] = ID(id)
		all.WriteString(l.paths[node])
		g.start = append(g.start, uint32(all.Len()))
	}
	g.paths = all.String()

	for i := range l.workers {
		w := &l.workers[i]
		for _, node := range w.missing {
			g.flags[order[node]] |= flagMissing
		}
		for _, recs := range w.recs.pieces {
			for _, r := range recs {
				if r.fixed {
					g.flags[order[r.node]] |= flagFixed
				}
			}
		}
		for _, t := range w.tampered {
			g.tampered = append(g.tampered, Tampered{order[t.node], t.recomputed})
		}
		l.skipped = append(l.skipped, w.skipped...)
	}
	slices.SortFunc(g.tampered, func(a, b Tampered) int { return cmp.Compare(a.ID, b.ID) })
	g.skipped = l.skipped
	slices.SortFunc(g.skipped, func(a, b Skip) int {
		return cmp.Or(strings.Compare(a.Input, b.Input), cmp.Compare(a.Offset, b.Offset), strings.Compare(a.Reason, b.Reason))
	})

	var wg sync.WaitGroup
	wg.Go(func() {
		g.outs = gather(l, order, func(w *worker) *pile[Output] { return &w.outs }, func(r *record) int32 { return r.outs })
		g.srcs = gather(l, order, func(w *worker) *pile[string] { return &w.srcs }, func(r *record) int32 { return r.srcs })
	})
	inputs := gather(l, order, func(w *worker) *pile[int32] { return &w.inputs }, func(r *record) int32 { return r.inputs })
	g.in = csr[ID]{inputs.off, make([]ID, len(inputs.vals))}
	for i, node := range inputs.vals {
		g.in.vals[i] = order[node]
	}
	for i := range ID(n) {
		slices.Sort(g.in.at(i))
	}
	g.out = transpose(g.in, n)
	wg.Wait()
	l.workers = nil

	for node := range l.listed {
		if id := order[node]; node < l.roots || len(g.Consumers(id)) == 0 {
			g.roots = append(g.roots, id)
		}
	}
	slices.Sort(g.roots)
	return g, order
}

// gather lays out the lists that the workers' records own, by ID.
func gather[E any](l *loader, order []ID, vals func(*worker) *pile[E], count func(*record) int32) csr[E] {
	off := make([]uint32, len(order)+1)
	for i := range l.workers {
		for _, recs := range l.workers[i].recs.pieces {
			for j := range recs {
				off[order[recs[j].node]+1] = uint32(count(&recs[j]))
			}
		}
	}
	for i := 1; i < len(off); i++ {
		off[i] += off[i-1]
	}
	c := csr[E]{off, make([]E, off[len(off)-1])}
	for i := range l.workers {
		rest := vals(&l.workers[i])
		for _, recs := range l.workers[i].recs.pieces {
			for j := range recs {
				at := off[order[recs[j].node]]
				rest.take(c.vals[at : at+uint32(count(&recs[j]))])
			}
		}
	}
	return c
}

// transpose turns every edge round; lists come out sorted.
func transpose(c csr[ID], n int) csr[ID] {
	t := csr[ID]{make([]uint32, n+1), make([]ID, len(c.vals))}
	for _, v := range c.vals {
		t.off[v+1]++
	}
	for i := 1; i <= n; i++ {
		t.off[i] += t.off[i-1]
	}
	next := slices.Clone(t.off[:n])
	for i := range ID(n) {
		for _, v := range c.at(i) {
			t.vals[next[v]] = i
			next[v]++
		}
	}
	return t
}

// producersOf makes output paths findable. Where two derivations claim one
// path, as a tampered one may, the lower ID answers.
func (g *Graph) producersOf() *producers {
	n := len(g.outs.vals)
	p := &producers{table: makePathTable(n), paths: make([]string, 0, n), ids: make([]ID, 0, n)}
	for i := range ID(g.Len()) {
		for _, o := range g.Outputs(i) {
			if o.Path == "" {
				continue
			}
			if hash := p.table.hash(o.Path); p.table.find(p.paths, o.Path, hash) < 0 {
				p.table.add(int32(len(p.ids)), hash)
				p.paths, p.ids = append(p.paths, o.Path), append(p.ids, i)
			}
		}
	}
	return p
}

// sortedNumbers numbers the strings in their order. Store paths differ first
// in their digests: what stands behind the prefix that all have in common is
// compared as a number, and the strings themselves only where those are the
// same.
func sortedNumbers(all []string) []int32 {
	type entry struct {
		key    uint64
		number int32
	}
	if len(all) == 0 {
		return nil
	}
	prefix := all[0]
	for _, s := range all {
		n := 0
		for n < len(s) && n < len(prefix) && s[n] == prefix[n] {
			n++
		}
		prefix = prefix[:n]
	}
	entries := make([]entry, len(all))
	for i, s := range all {
		var digits [8]byte
		copy(digits[:], s[len(prefix):])
		entries[i] = entry{binary.BigEndian.Uint64(digits[:]), int32(i)}
	}
	slices.SortFunc(entries, func(a, b entry) int {
		if a.key != b.key {
			return cmp.Compare(a.key, b.key)
		}
		return strings.Compare(all[a.number], all[b.number])
	})
	numbers := make([]int32, len(all))
	for i, e := range entries {
		numbers[i] = e.number
	}
	return numbers
}
