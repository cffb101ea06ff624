package analyze

// flow is a rooted graph over small integers: node 0 stands for "the target"
// and leads to every root. It answers what one edge holds up.
type flow struct {
	next [][]int32 // what a node needs
	prev [][]int32 // who needs it
	// order lists the nodes that the root reaches, in reverse postorder, and
	// rank is a node's place in it, -1 for one that is not reached.
	order []int32
	rank  []int32
	// idom is the node through which every way from the root passes last.
	idom []int32
}

// newFlow numbers the graph and finds its dominators (Cooper, Harvey and
// Kennedy, "A Simple, Fast Dominance Algorithm"). Nothing recurses: a chain
// of derivations can be as long as the closure is large.
func newFlow(next [][]int32) *flow {
	f := &flow{next: next, prev: make([][]int32, len(next))}
	f.number()
	for _, v := range f.order {
		for _, w := range next[v] {
			f.prev[w] = append(f.prev[w], v)
		}
	}
	f.dominate()
	return f
}

func (f *flow) number() {
	n := len(f.next)
	f.rank = make([]int32, n)
	seen := make([]bool, n)
	at := make([]int, n) // the next edge to look at, by node
	post := make([]int32, 0, n)
	stack := []int32{0}
	seen[0] = true
	for len(stack) > 0 {
		v := stack[len(stack)-1]
		if at[v] < len(f.next[v]) {
			w := f.next[v][at[v]]
			at[v]++
			if !seen[w] {
				seen[w] = true
				stack = append(stack, w)
			}
			continue
		}
		post = append(post, v)
		stack = stack[:len(stack)-1]
	}
	for i := range f.rank {
		f.rank[i] = -1
	}
	for i := len(post) - 1; i >= 0; i-- {
		f.rank[post[i]] = int32(len(f.order))
		f.order = append(f.order, post[i])
	}
}

func (f *flow) dominate() {
	f.idom = make([]int32, len(f.next))
	for i := range f.idom {
		f.idom[i] = -1
	}
	f.idom[0] = 0
	for changed := true; changed; {
		changed = false
		for _, v := range f.order[1:] {
			dom := int32(-1)
			for _, p := range f.prev[v] {
				if f.idom[p] < 0 {
					continue
				}
				if dom < 0 {
					dom = p
				} else {
					dom = f.meet(dom, p)
				}
			}
			if dom != f.idom[v] {
				f.idom[v] = dom
				changed = true
			}
		}
	}
}

// meet is the nearest node that dominates both.
func (f *flow) meet(a, b int32) int32 {
	for a != b {
		for f.rank[a] > f.rank[b] {
			a = f.idom[a]
		}
		for f.rank[b] > f.rank[a] {
			b = f.idom[b]
		}
	}
	return a
}

// dominates reports whether every way from the root to v passes through d.
func (f *flow) dominates(d, v int32) bool {
	if f.rank[d] < 0 || f.rank[v] < 0 {
		return false
	}
	for f.rank[v] > f.rank[d] {
		v = f.idom[v]
	}
	return v == d
}

// onlyThrough reports whether every way from the root to v ends with the edge
// from u: then that one edge holds v, and all that v dominates.
func (f *flow) onlyThrough(u, v int32) bool {
	for _, p := range f.prev[v] {
		if p != u && !f.dominates(v, p) {
			return false
		}
	}
	return true
}

// way is a shortest way from the root to v, both included; among equally
// short ones the one whose nodes come first. It is nil where there is none.
func (f *flow) way(v int32) []int32 {
	if f.rank[v] < 0 {
		return nil
	}
	from := make([]int32, len(f.next))
	for i := range from {
		from[i] = -1
	}
	from[0] = 0
	queue := []int32{0}
	for len(queue) > 0 && from[v] < 0 {
		u := queue[0]
		queue = queue[1:]
		for _, w := range f.next[u] {
			if from[w] < 0 {
				from[w] = u
				queue = append(queue, w)
			}
		}
	}
	out := []int32{v}
	for v != 0 {
		v = from[v]
		out = append(out, v)
	}
	for i, j := 0, len(out)-1; i < j; i, j = i+1, j-1 {
		out[i], out[j] = out[j], out[i]
	}
	return out
}
