package finding

import (
	"slices"

	"fromsource/analyze/audit"
)

// Via says by which kind of edge a way goes.
type Via string

// The kinds of way, in the order in which they are looked for.
const (
	ViaReferences Via = "references"   // each output refers to the next one
	ViaInputs     Via = "inputs"       // each derivation is an input of the one before
	ViaFetch      Via = "fetch inputs" // the same, through the inputs of a fetch
)

// Way is the shortest way from a root of the target to row i, both included,
// and its kind. It is empty where no root reaches the row.
func (s *Set) Way(i int) ([]int, Via) {
	s.search()
	if s.At(i).Reach == audit.ReachRuntime {
		if w := back(s.runtime, i); len(w) > 0 {
			return w, ViaReferences
		}
	}
	if w := back(s.parent, i); len(w) > 0 {
		return w, ViaInputs
	}
	return back(s.fetch, i), ViaFetch
}

// Consumers are the rows that have row i among their inputs, ascending.
func (s *Set) Consumers(i int) []int {
	if s.users == nil {
		s.users = make([][]int32, len(s.Audit.Derivations))
		for j := range s.Audit.Derivations {
			for _, in := range s.Inputs(j) {
				s.users[in] = append(s.users[in], int32(j))
			}
		}
	}
	out := make([]int, len(s.users[i]))
	for k, u := range s.users[i] {
		out[k] = int(u)
	}
	return out
}

// Inputs are the input rows of row i that exist, without itself.
func (s *Set) Inputs(i int) []int { return s.valid(s.At(i).Inputs, i) }

func (s *Set) valid(rows []int, self int) []int {
	n := len(s.Audit.Derivations)
	bad := func(j int) bool { return j < 0 || j >= n || j == self }
	if !slices.ContainsFunc(rows, bad) {
		return rows
	}
	return slices.DeleteFunc(slices.Clone(rows), bad)
}

// Roots are the rows of the target's roots that exist.
func (s *Set) Roots() []int {
	var out []int
	for _, r := range s.Audit.Target.Roots {
		if i, ok := s.index[r]; ok && !slices.Contains(out, i) {
			out = append(out, i)
		}
	}
	return out
}

// search finds all shortest ways at once, breadth first, so that a report of
// many findings stays linear.
func (s *Set) search() {
	if s.parent != nil {
		return
	}
	s.parent = s.breadthFirst(func(i int) []int {
		if s.At(i).FixedOutput {
			return nil
		}
		return s.At(i).Inputs
	})
	s.fetch = s.breadthFirst(func(i int) []int { return s.At(i).Inputs })
	s.runtime = s.breadthFirst(func(i int) []int {
		outs := s.At(i).Outputs
		if len(outs) == 1 {
			return outs[0].References
		}
		var refs []int
		for _, o := range outs {
			refs = append(refs, o.References...)
		}
		return refs
	})
}

const (
	unreached = -1
	isRoot    = -2
)

func (s *Set) breadthFirst(next func(int) []int) []int32 {
	from := make([]int32, len(s.Audit.Derivations))
	for i := range from {
		from[i] = unreached
	}
	queue := s.Roots()
	for _, r := range queue {
		from[r] = isRoot
	}
	for len(queue) > 0 {
		i := queue[0]
		queue = queue[1:]
		for _, j := range s.valid(next(i), i) {
			if from[j] == unreached {
				from[j] = int32(i)
				queue = append(queue, j)
			}
		}
	}
	return from
}

func back(from []int32, i int) []int {
	if from[i] == unreached {
		return nil
	}
	var way []int
	for j := int32(i); ; j = from[j] {
		way = append(way, int(j))
		if from[j] == isRoot {
			break
		}
	}
	slices.Reverse(way)
	return way
}

// SeedOf gives for every row the seed that is nearest to it over inputs (its
// own number for a seed), or -1 where no seed leads to it. Rows are visited
// from the seeds on, so that the seeds are the roots of the forest.
func (s *Set) SeedOf() []int {
	out := make([]int, len(s.Audit.Derivations))
	for i := range out {
		out[i] = -1
	}
	queue := slices.Clone(s.Seeds)
	for _, i := range queue {
		out[i] = i
	}
	for len(queue) > 0 {
		i := queue[0]
		queue = queue[1:]
		for _, j := range s.Consumers(i) {
			if out[j] < 0 && !s.At(j).FixedOutput {
				out[j] = out[i]
				queue = append(queue, j)
			}
		}
	}
	return out
}
