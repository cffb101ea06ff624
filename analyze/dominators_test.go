package analyze

import (
	"math/rand/v2"
	"testing"
)

// reaches walks from the root without passing a node or an edge.
func reaches(next [][]int32, to, without int32, edge [2]int32) bool {
	if without == 0 {
		return false
	}
	seen := make([]bool, len(next))
	stack := []int32{0}
	seen[0] = true
	for len(stack) > 0 {
		v := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		if v == to {
			return true
		}
		for _, w := range next[v] {
			if !seen[w] && w != without && [2]int32{v, w} != edge {
				seen[w] = true
				stack = append(stack, w)
			}
		}
	}
	return false
}

// TestFlow compares with the definitions, on random graphs, cyclic ones too.
func TestFlow(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	none := [2]int32{-1, -1}
	for range 300 {
		n := 2 + rng.IntN(12)
		next := make([][]int32, n)
		for range rng.IntN(3 * n) {
			u, v := rng.IntN(n), int32(1+rng.IntN(n-1))
			next[u] = append(next[u], v)
		}
		f := newFlow(next)
		for v := range int32(n) {
			if got, want := f.rank[v] >= 0, reaches(next, v, -1, none); got != want {
				t.Fatalf("%v: reached(%d) = %v, want %v", next, v, got, want)
			}
			if f.rank[v] < 0 {
				if f.way(v) != nil {
					t.Fatalf("%v: a way to %d, which is not reached", next, v)
				}
				continue
			}
			for d := range int32(n) {
				want := f.rank[d] >= 0 && (d == v || !reaches(next, v, d, none))
				if got := f.dominates(d, v); got != want {
					t.Fatalf("%v: dominates(%d, %d) = %v, want %v", next, d, v, got, want)
				}
				holds := false
				for _, w := range next[d] {
					holds = holds || w == v
				}
				if v != 0 && holds && f.rank[d] >= 0 {
					if got, want := f.onlyThrough(d, v), !reaches(next, v, -1, [2]int32{d, v}); got != want {
						t.Fatalf("%v: onlyThrough(%d, %d) = %v, want %v", next, d, v, got, want)
					}
				}
			}
			way := f.way(v)
			if way[0] != 0 || way[len(way)-1] != v || len(way) > n {
				t.Fatalf("%v: way to %d is %v", next, v, way)
			}
		}
	}
}

// TestFlowDeep: a chain as long as a closure is large needs no stack.
func TestFlowDeep(t *testing.T) {
	const n = 200_000
	next := make([][]int32, n)
	for i := range n - 1 {
		next[i] = []int32{int32(i + 1)}
	}
	// A time that grows with the square would not end within the test's own.
	f := newFlow(next)
	if !f.dominates(1, n-1) || len(f.way(n-1)) != n {
		t.Error("wrong on a chain")
	}
}
