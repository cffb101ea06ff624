package closure

import (
	"cmp"
	"slices"
	"strings"
)

// freeze turns what the workers have read into an index; order maps node
// numbers, which depend on timing, to IDs, which do not.
func (l *loader) freeze() (*Graph, []ID) {
	n := len(l.paths)
	g := &Graph{src: l.src, storeDir: l.src.storeDir(), flags: make([]uint8, n), start: make([]uint32, 1, n+1)}
	l.nodes = nil // no more lookups: let it go before the index grows
	byPath := make([]int32, n)
	size := 0
	for i := range byPath {
		byPath[i] = int32(i)
		size += len(l.paths[i])
	}
	slices.SortFunc(byPath, func(a, b int32) int { return strings.Compare(l.paths[a], l.paths[b]) })
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
		for _, r := range w.recs {
			if r.fixed {
				g.flags[order[r.node]] |= flagFixed
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

	inputs := gather(l, order, func(w *worker) []int32 { return w.inputs }, func(r *record) int32 { return r.inputs })
	g.in = csr[ID]{inputs.off, make([]ID, len(inputs.vals))}
	for i, node := range inputs.vals {
		g.in.vals[i] = order[node]
	}
	for i := range ID(n) {
		slices.Sort(g.in.at(i))
	}
	g.out = transpose(g.in, n)
	g.outs = gather(l, order, func(w *worker) []Output { return w.outs }, func(r *record) int32 { return r.outs })
	g.srcs = gather(l, order, func(w *worker) []string { return w.srcs }, func(r *record) int32 { return r.srcs })
	l.workers = nil
	g.index()

	for node := range l.listed {
		if id := order[node]; node < l.roots || len(g.Consumers(id)) == 0 {
			g.roots = append(g.roots, id)
		}
	}
	slices.Sort(g.roots)
	return g, order
}

// gather lays out the lists that the workers' records own, by ID.
func gather[E any](l *loader, order []ID, vals func(*worker) []E, count func(*record) int32) csr[E] {
	off := make([]uint32, len(order)+1)
	for i := range l.workers {
		for j := range l.workers[i].recs {
			r := &l.workers[i].recs[j]
			off[order[r.node]+1] = uint32(count(r))
		}
	}
	for i := 1; i < len(off); i++ {
		off[i] += off[i-1]
	}
	c := csr[E]{off, make([]E, off[len(off)-1])}
	for i := range l.workers {
		rest := vals(&l.workers[i])
		for j := range l.workers[i].recs {
			r := &l.workers[i].recs[j]
			n := count(r)
			copy(c.vals[off[order[r.node]]:], rest[:n])
			rest = rest[n:]
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

// index sorts the output paths. Where two derivations claim one path, as a
// tampered one may, the lower ID answers.
func (g *Graph) index() {
	for i := range ID(g.Len()) {
		for _, o := range g.Outputs(i) {
			if o.Path != "" {
				g.producers = append(g.producers, producer{o.Path, i})
			}
		}
	}
	slices.SortFunc(g.producers, func(a, b producer) int {
		return cmp.Or(strings.Compare(a.path, b.path), cmp.Compare(a.id, b.id))
	})
	g.producers = slices.CompactFunc(g.producers, func(a, b producer) bool { return a.path == b.path })
}
