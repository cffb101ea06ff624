package closure

import (
	"errors"
	"fmt"
	"slices"

	"github.com/dominikbraun/graph"
)

// ErrFrozen is returned for any attempt to change a loaded closure.
var ErrFrozen = errors.New("a closure's graph can't be changed")

// AsGraph is the closure as a directed graph of the graph library, with an
// edge from each derivation to each of its inputs. Vertices are store paths.
//
// The library reads the frozen index itself; nothing is copied until an
// algorithm of its own does. Its linear ones (DFS, BFS, ShortestPath) serve
// well; its TopologicalSort, TransitiveReduction and AllPathsBetween are
// quadratic or worse: the methods of Graph answer the same questions.
func (g *Graph) AsGraph() graph.Graph[string, string] {
	return graph.NewWithStore(graph.StringHash, graph.Store[string, string](frozen{g}), graph.Directed())
}

// frozen implements graph.Store.
type frozen struct{ g *Graph }

func (s frozen) find(p string) (ID, error) {
	i, ok := s.g.Lookup(p)
	if !ok {
		return None, fmt.Errorf("%q: %w", p, graph.ErrVertexNotFound)
	}
	return i, nil
}

func (s frozen) Vertex(p string) (string, graph.VertexProperties, error) {
	i, ok := s.g.Lookup(p)
	if !ok {
		// As is: the library compares with ==.
		return "", graph.VertexProperties{}, graph.ErrVertexNotFound
	}
	return s.g.Path(i), graph.VertexProperties{}, nil
}

func (s frozen) ListVertices() ([]string, error) {
	l := make([]string, s.g.Len())
	for i := range l {
		l[i] = s.g.Path(ID(i))
	}
	return l, nil
}

func (s frozen) VertexCount() (int, error) { return s.g.Len(), nil }

func (s frozen) Edge(from, to string) (graph.Edge[string], error) {
	a, ok1 := s.g.Lookup(from)
	b, ok2 := s.g.Lookup(to)
	if ok1 && ok2 {
		if _, ok := slices.BinarySearch(s.g.Inputs(a), b); ok {
			return graph.Edge[string]{Source: s.g.Path(a), Target: s.g.Path(b)}, nil
		}
	}
	return graph.Edge[string]{}, graph.ErrEdgeNotFound
}

func (s frozen) ListEdges() ([]graph.Edge[string], error) {
	l := make([]graph.Edge[string], 0, len(s.g.in.vals))
	for a := range ID(s.g.Len()) {
		for _, b := range s.g.Inputs(a) {
			l = append(l, graph.Edge[string]{Source: s.g.Path(a), Target: s.g.Path(b)})
		}
	}
	return l, nil
}

// CreatesCycle is asked by the library where a graph prevents cycles.
func (s frozen) CreatesCycle(from, to string) (bool, error) {
	a, err := s.find(from)
	if err != nil {
		return false, err
	}
	b, err := s.find(to)
	if err != nil {
		return false, err
	}
	return a == b || s.g.Way(b, a, nil) != nil, nil
}

func (frozen) AddVertex(string, string, graph.VertexProperties) error { return ErrFrozen }
func (frozen) RemoveVertex(string) error                              { return ErrFrozen }
func (frozen) AddEdge(_, _ string, _ graph.Edge[string]) error        { return ErrFrozen }
func (frozen) UpdateEdge(_, _ string, _ graph.Edge[string]) error     { return ErrFrozen }
func (frozen) RemoveEdge(_, _ string) error                           { return ErrFrozen }
