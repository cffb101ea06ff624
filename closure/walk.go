package closure

import "slices"

// Cut says where a walk along inputs ends: the inputs of a derivation for
// which it is true are not followed. A nil Cut follows all; Graph.CutFixed
// stops at what is only fetched.
type Cut func(ID) bool

func (c Cut) at(i ID) bool { return c != nil && c(i) }

// Reach is everything that can be reached from a list of derivations by next,
// those included. next is g.Inputs, g.Consumers or the caller's own.
func (g *Graph) Reach(from []ID, next func(ID) []ID) Set {
	seen := g.NewSet()
	var todo []ID
	visit := func(l []ID) {
		for _, i := range l {
			if !seen.Has(i) {
				seen.Add(i)
				todo = append(todo, i)
			}
		}
	}
	visit(from)
	for len(todo) > 0 {
		i := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		visit(next(i))
	}
	return seen
}

// InputsCut is g.Inputs that ends where cut says, for Reach.
func (g *Graph) InputsCut(cut Cut) func(ID) []ID {
	return func(i ID) []ID {
		if cut.at(i) {
			return nil
		}
		return g.Inputs(i)
	}
}

// Way is a shortest way from a derivation along inputs to another, both
// included; nil if there is none. Of several the same one is found each time.
func (g *Graph) Way(from, to ID, cut Cut) []ID {
	before := make([]ID, g.Len())
	for i := range before {
		before[i] = None
	}
	before[from] = from
	queue := []ID{from}
	for n := 0; n < len(queue) && before[to] == None; n++ {
		i := queue[n]
		if cut.at(i) {
			continue
		}
		for _, in := range g.Inputs(i) {
			if before[in] == None {
				before[in] = i
				queue = append(queue, in)
			}
		}
	}
	if before[to] == None {
		return nil
	}
	way := []ID{to}
	for i := to; i != from; i = before[i] {
		way = append(way, before[i])
	}
	slices.Reverse(way)
	return way
}

// Topo orders all derivations so that inputs come before their consumers.
// The members of a cycle, where Nix allows none, stand side by side.
func (g *Graph) Topo() []ID {
	order, _ := g.components(nil)
	return order
}

// Cycles lists the sets of derivations that are, through each other, inputs
// of themselves, each in order. A closure that Nix wrote has none: a path is
// a hash of its inputs' paths.
func (g *Graph) Cycles() [][]ID {
	cycles := [][]ID{}
	order, end := g.components(nil)
	for first := 0; first < len(order); first = int(end[order[first]]) {
		c := order[first:end[order[first]]]
		if len(c) > 1 || slices.Contains(g.Inputs(c[0]), c[0]) {
			cycles = append(cycles, slices.Sorted(slices.Values(c)))
		}
	}
	slices.SortFunc(cycles, func(a, b []ID) int { return int(a[0] - b[0]) })
	return cycles
}

// components finds the strongly connected components along inputs, those
// reached first (Tarjan, without recursion). The members of each stand side
// by side in order; end, for the first of them in order, is the index after
// the last one, and 0 for the others.
func (g *Graph) components(cut Cut) (order []ID, end []int32) {
	n := g.Len()
	type frame struct {
		id   ID
		next uint32 // index into the inputs
	}
	order, end = make([]ID, 0, n), make([]int32, n)
	index := make([]int32, n) // 0: not visited
	low := make([]int32, n)
	const finished = 1<<31 - 1
	var open []ID // visited, component not yet complete
	var stack []frame
	visited := int32(0)
	enter := func(i ID) {
		visited++
		index[i], low[i] = visited, visited
		open = append(open, i)
		stack = append(stack, frame{id: i})
	}
	inputs := g.InputsCut(cut)
	for root := range ID(n) {
		if index[root] != 0 {
			continue
		}
		enter(root)
		for len(stack) > 0 {
			f := &stack[len(stack)-1]
			i := f.id
			if ins := inputs(i); int(f.next) < len(ins) {
				in := ins[f.next]
				f.next++
				if index[in] == 0 {
					enter(in)
				} else {
					low[i] = min(low[i], low[in])
				}
				continue
			}
			stack = stack[:len(stack)-1]
			if len(stack) > 0 {
				p := stack[len(stack)-1].id
				low[p] = min(low[p], low[i])
			}
			if low[i] != index[i] {
				continue
			}
			k := len(open) - 1
			for open[k] != i {
				k--
			}
			first := len(order)
			order = append(order, open[k:]...)
			end[order[first]] = int32(len(order))
			for _, m := range open[k:] {
				low[m] = finished
			}
			open = open[:k]
		}
	}
	return order, end
}
