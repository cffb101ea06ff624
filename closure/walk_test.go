package closure

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"github.com/dominikbraun/graph"
)

// graphOf makes a graph from lists of inputs.
func graphOf(inputs [][]ID) *Graph {
	n := len(inputs)
	g := &Graph{flags: make([]uint8, n), start: []uint32{0}, storeDir: "/s", outs: csr[Output]{off: make([]uint32, n+1)}, srcs: csr[string]{off: make([]uint32, n+1)}}
	g.producers = sync.OnceValue(g.producersOf)
	g.in.off = []uint32{0}
	for i, l := range inputs {
		g.paths += fmt.Sprintf("/s/%06d.drv", i)
		g.start = append(g.start, uint32(len(g.paths)))
		slices.Sort(l)
		g.in.vals = append(g.in.vals, slices.Compact(l)...)
		g.in.off = append(g.in.off, uint32(len(g.in.vals)))
	}
	g.out = transpose(g.in, n)
	return g
}

// randomGraph has n derivations; with cycles, edges go anywhere.
func randomGraph(r *rand.Rand, n int, cycles bool) *Graph {
	inputs := make([][]ID, n)
	for i := range inputs {
		for range r.IntN(4) {
			to := i
			if cycles {
				to = n
			}
			if to > 0 {
				inputs[i] = append(inputs[i], ID(r.IntN(to)))
			}
		}
	}
	return graphOf(inputs)
}

// closureOf is the plain way to find what depends on what: reach[i][j] is
// whether j is reached from i in one step or more.
func closureOf(g *Graph, cut Cut) [][]bool {
	n := g.Len()
	reach := make([][]bool, n)
	for i := range reach {
		reach[i] = make([]bool, n)
		if !cut.at(ID(i)) {
			for _, in := range g.Inputs(ID(i)) {
				reach[i][in] = true
			}
		}
	}
	for k := range n {
		for i := range n {
			for j := range n {
				reach[i][j] = reach[i][j] || reach[i][k] && reach[k][j]
			}
		}
	}
	return reach
}

func eachRandom(t *testing.T, do func(t *testing.T, r *rand.Rand, g *Graph, cut Cut)) {
	t.Helper()
	for seed := range uint64(120) {
		r := rand.New(rand.NewPCG(seed, 1))
		g := randomGraph(r, 1+r.IntN(25), seed%2 == 1)
		var cut Cut
		if seed%3 == 0 {
			cut = func(i ID) bool { return i%5 == 3 }
		}
		t.Run(fmt.Sprint(seed), func(t *testing.T) { do(t, r, g, cut) })
	}
}

func TestTopoAndCycles(t *testing.T) {
	eachRandom(t, func(t *testing.T, _ *rand.Rand, g *Graph, _ Cut) {
		reach := closureOf(g, nil)
		place := make([]int, g.Len())
		order := g.Topo()
		if len(order) != g.Len() {
			t.Fatalf("%d of %d derivations", len(order), g.Len())
		}
		for k, i := range order {
			place[i] = k
		}
		var want [][]ID
		for i := range ID(g.Len()) {
			for _, in := range g.Inputs(i) {
				if !reach[in][i] && place[in] >= place[i] {
					t.Errorf("input %d after %d", in, i)
				}
			}
			if !reach[i][i] || slices.ContainsFunc(want, func(c []ID) bool { return slices.Contains(c, i) }) {
				continue
			}
			c := []ID{i}
			for j := i + 1; int(j) < g.Len(); j++ {
				if reach[i][j] && reach[j][i] {
					c = append(c, j)
				}
			}
			want = append(want, c)
		}
		if got := g.Cycles(); fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("cycles %v, want %v", got, want)
		}
	})
}

func TestReachAndWay(t *testing.T) {
	eachRandom(t, func(t *testing.T, _ *rand.Rand, g *Graph, cut Cut) {
		reach := closureOf(g, cut)
		lib := g.AsGraph()
		for i := range ID(g.Len()) {
			set := g.Reach([]ID{i}, g.InputsCut(cut))
			for j := range ID(g.Len()) {
				want := reach[i][j] || i == j
				way := g.Way(i, j, cut)
				if set.Has(j) != want || (way != nil) != want {
					t.Fatalf("%d to %d: reach %v, way %v, want %v", i, j, set.Has(j), way, want)
				}
				if !want {
					continue
				}
				for k := 1; k < len(way); k++ {
					if cut.at(way[k-1]) || !slices.Contains(g.Inputs(way[k-1]), way[k]) {
						t.Fatalf("%d to %d: %v is no way", i, j, way)
					}
				}
				if cut == nil && i != j {
					short, err := graph.ShortestPath(lib, g.Path(i), g.Path(j))
					if err != nil || len(short) != len(way) {
						t.Fatalf("%d to %d: %v, the library finds %v (%v)", i, j, way, short, err)
					}
				}
			}
			if n := len(slices.Collect(set.All())); n != set.Len() {
				t.Errorf("set of %d has %d members", set.Len(), n)
			}
		}
	})
}

func TestInfluence(t *testing.T) {
	eachRandom(t, func(t *testing.T, r *rand.Rand, g *Graph, cut Cut) {
		reach := closureOf(g, cut)
		some := g.NewSet()
		for i := range ID(g.Len()) {
			if r.IntN(2) == 0 {
				some.Add(i)
			}
		}
		for _, among := range []Set{nil, some} {
			got := g.Influence(among, cut)
			for j := range ID(g.Len()) {
				want := int32(0)
				for i := range ID(g.Len()) {
					if i != j && reach[i][j] && (among == nil || among.Has(i)) {
						want++
					}
				}
				if got[j] != want {
					t.Errorf("influence of %d is %d, want %d", j, got[j], want)
				}
			}
		}
	})
}

// More derivations than one pass holds.
func TestInfluenceOfChain(t *testing.T) {
	g := graphOf(chain(2000))
	for i, n := range g.Influence(nil, nil) {
		if int(n) != g.Len()-1-i {
			t.Fatalf("influence of %d is %d", i, n)
		}
	}
}

// chain is n derivations, each with the one before it as input.
func chain(n int) [][]ID {
	inputs := make([][]ID, n)
	for i := 1; i < n; i++ {
		inputs[i] = []ID{ID(i - 1)}
	}
	return inputs
}

// A dominator is what, taken away, cuts off: tried by taking each away.
func TestDominators(t *testing.T) {
	eachRandom(t, func(t *testing.T, _ *rand.Rand, g *Graph, cut Cut) {
		for root := range ID(g.Len()) {
			got := g.Dominators(root, cut)
			all := g.Reach([]ID{root}, g.InputsCut(cut))
			doms := make([][]ID, g.Len())
			for away := range ID(g.Len()) {
				if away == root || !all.Has(away) {
					continue
				}
				left := g.Reach([]ID{root}, g.InputsCut(func(i ID) bool { return i == away || cut.at(i) }))
				for i := range ID(g.Len()) {
					if all.Has(i) && i != away && (!left.Has(i)) {
						doms[i] = append(doms[i], away)
					}
				}
			}
			for i := range ID(g.Len()) {
				if i == root || !all.Has(i) {
					if got[i] != None {
						t.Errorf("root %d: dominator of %d is %d", root, i, got[i])
					}
					continue
				}
				// The nearest has all the others as its own dominators.
				want := root
				for _, d := range doms[i] {
					if len(doms[d]) == len(doms[i])-1 {
						want = d
					}
				}
				if got[i] != want {
					t.Errorf("root %d: dominator of %d is %d, want %d", root, i, got[i], want)
				}
			}
		}
	})
}

// The library sees the same graph as we do, and can't change it.
func TestAsGraph(t *testing.T) {
	g := randomGraph(rand.New(rand.NewPCG(7, 7)), 200, false)
	lib := g.AsGraph()
	adjacency, err := lib.AdjacencyMap()
	if err != nil {
		t.Fatal(err)
	}
	predecessors, err := lib.PredecessorMap()
	if err != nil {
		t.Fatal(err)
	}
	if order, err := lib.Order(); err != nil || order != g.Len() || len(adjacency) != g.Len() {
		t.Fatalf("order %d (%v), %d in the map", order, err, len(adjacency))
	}
	for i := range ID(g.Len()) {
		if len(adjacency[g.Path(i)]) != len(g.Inputs(i)) || len(predecessors[g.Path(i)]) != len(g.Consumers(i)) {
			t.Errorf("%d: %v", i, adjacency[g.Path(i)])
		}
		for _, in := range g.Inputs(i) {
			if _, err := lib.Edge(g.Path(i), g.Path(in)); err != nil {
				t.Error(err)
			}
		}
		seen := 0
		if err := graph.DFS(lib, g.Path(i), func(string) bool { seen++; return false }); err != nil {
			t.Fatal(err)
		}
		if want := g.Reach([]ID{i}, g.Inputs).Len(); seen != want {
			t.Errorf("DFS from %d sees %d, want %d", i, seen, want)
		}
	}
	if _, err := graph.TopologicalSort(lib); err != nil {
		t.Error(err)
	}
	if _, err := lib.Edge(g.Path(0), g.Path(199)); err == nil {
		t.Error("an edge that is not there")
	}
	if _, err := lib.Vertex("/s/none.drv"); err != graph.ErrVertexNotFound {
		t.Errorf("vertex that is not there: %v", err)
	}
	if err := lib.AddVertex("/s/new.drv"); err != ErrFrozen {
		t.Errorf("adding a vertex: %v", err)
	}
	if err := lib.AddEdge(g.Path(1), g.Path(1)); err != ErrFrozen {
		t.Errorf("adding an edge: %v", err)
	}
	if err := lib.RemoveEdge(g.Path(199), g.Path(g.Inputs(199)[0])); !errors.Is(err, ErrFrozen) {
		t.Errorf("removing an edge: %v", err)
	}
	if makes, err := graph.CreatesCycle(lib, g.Path(g.Inputs(199)[0]), g.Path(199)); err != nil || !makes {
		t.Errorf("the way back makes no cycle: %v, %v", makes, err)
	}
}
