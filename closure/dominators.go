package closure

// Dominators finds for each derivation the nearest other one that every way
// from root to it, along inputs, passes: its immediate dominator. Without it
// root would not depend on the derivation. None for root itself and for what
// root does not reach.
//
// The algorithm is Lengauer and Tarjan's with path compression, without
// recursion: O(edges · log derivations), cycles or not.
func (g *Graph) Dominators(root ID, cut Cut) []ID {
	n := g.Len()
	t := &domTree{
		vertex: make([]ID, 0, 64), num: make([]int32, n), inputs: g.InputsCut(cut),
	}
	t.number(root)
	m := int32(len(t.vertex))
	// From here on vertices are their numbers: 0 is root.
	t.semi, t.label, t.ancestor = make([]int32, m), make([]int32, m), make([]int32, m)
	idom := make([]int32, m)
	for v := range m {
		t.semi[v], t.label[v], t.ancestor[v] = v, v, -1
	}
	bucket, link := make([]int32, m), make([]int32, m) // lists by first and next
	for v := range m {
		bucket[v], link[v] = -1, -1
	}
	for w := m - 1; w > 0; w-- {
		i := t.vertex[w]
		for _, c := range g.Consumers(i) {
			if t.num[c] == 0 || cut.at(c) {
				continue
			}
			u := t.eval(t.num[c] - 1)
			t.semi[w] = min(t.semi[w], t.semi[u])
		}
		s := t.semi[w]
		link[w], bucket[s] = bucket[s], w
		p := t.parent[w]
		t.ancestor[w] = p
		for v := bucket[p]; v >= 0; v = link[v] {
			u := t.eval(v)
			idom[v] = p
			if t.semi[u] < t.semi[v] {
				idom[v] = u
			}
		}
		bucket[p] = -1
	}
	doms := make([]ID, n)
	for i := range doms {
		doms[i] = None
	}
	for w := int32(1); w < m; w++ {
		if idom[w] != t.semi[w] {
			idom[w] = idom[idom[w]]
		}
		doms[t.vertex[w]] = t.vertex[idom[w]]
	}
	return doms
}

type domTree struct {
	inputs func(ID) []ID
	vertex []ID    // by number, in depth-first order
	num    []int32 // by ID: number + 1, 0 for not reached
	parent []int32 // in the depth-first tree, by number

	semi, label, ancestor []int32
	path                  []int32
}

// number visits what root reaches, depth first.
func (t *domTree) number(root ID) {
	type frame struct {
		num  int32
		next int
	}
	enter := func(i ID, parent int32) frame {
		t.vertex = append(t.vertex, i)
		t.parent = append(t.parent, parent)
		t.num[i] = int32(len(t.vertex))
		return frame{num: int32(len(t.vertex)) - 1}
	}
	stack := []frame{enter(root, -1)}
	for len(stack) > 0 {
		f := &stack[len(stack)-1]
		ins := t.inputs(t.vertex[f.num])
		if f.next == len(ins) {
			stack = stack[:len(stack)-1]
			continue
		}
		in := ins[f.next]
		f.next++
		if t.num[in] == 0 {
			stack = append(stack, enter(in, f.num))
		}
	}
}

// eval is the vertex of least semidominator on the way from v up to, but
// without, the root of its tree in the forest; it compresses the way.
func (t *domTree) eval(v int32) int32 {
	if t.ancestor[v] < 0 {
		return v
	}
	t.path = t.path[:0]
	for u := v; t.ancestor[t.ancestor[u]] >= 0; u = t.ancestor[u] {
		t.path = append(t.path, u)
	}
	for k := len(t.path) - 1; k >= 0; k-- {
		u := t.path[k]
		a := t.ancestor[u]
		if t.semi[t.label[a]] < t.semi[t.label[u]] {
			t.label[u] = t.label[a]
		}
		t.ancestor[u] = t.ancestor[a]
	}
	return t.label[v]
}
