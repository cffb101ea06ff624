package rebuild

import (
	"fmt"
	"slices"
	"strings"

	"fromsource/closure"
)

// Selection says what to build again.
type Selection struct {
	// Suspects are derivations by store path; their nearest consumers, those
	// that have one of them as an input, are built again too.
	Suspects []string
	// Named are built again themselves, without consumers. A name without a
	// slash is a derivation's name and stands for all that have it.
	Named []string
	// All selects the whole closure.
	All bool
}

// Select makes jobs of what is selected, in dependency order. A derivation
// that can't be a job is one with the reason in Skip. What is named and not in
// the graph is an error.
func Select(g *closure.Graph, s Selection) ([]*Job, error) {
	chosen := g.NewSet()
	for _, p := range s.Suspects {
		id, ok := g.Lookup(p)
		if !ok {
			return nil, fmt.Errorf("selecting derivations: %q is not in the closure", p)
		}
		chosen.Add(id)
		for _, c := range g.Consumers(id) {
			// A fetch's result does not depend on what fetches it.
			if !g.FixedOutput(c) {
				chosen.Add(c)
			}
		}
	}
	for _, p := range s.Named {
		if err := named(g, chosen, p); err != nil {
			return nil, err
		}
	}
	if s.All {
		for id := range g.Len() {
			chosen.Add(closure.ID(id))
		}
	}
	var jobs []*Job
	needs := newNeeds(g, chosen)
	for _, id := range g.Topo() {
		if chosen.Has(id) {
			jobs = append(jobs, newJob(g, id, needs.of(id)))
		}
	}
	return jobs, nil
}

func named(g *closure.Graph, chosen closure.Set, p string) error {
	if strings.Contains(p, "/") {
		id, ok := g.Lookup(p)
		if !ok {
			if id, ok = g.Producer(p); !ok {
				return fmt.Errorf("selecting derivations: %q is not in the closure", p)
			}
		}
		chosen.Add(id)
		return nil
	}
	found := false
	for i := range g.Len() {
		if id := closure.ID(i); g.Name(id) == p {
			chosen.Add(id)
			found = true
		}
	}
	if !found {
		return fmt.Errorf("selecting derivations: none in the closure is called %q", p)
	}
	return nil
}

// needs finds, for a chosen derivation, the chosen ones that come before it:
// the nearest on every way along inputs. Those behind them come before by
// themselves.
type needs struct {
	g      *closure.Graph
	chosen closure.Set
}

func newNeeds(g *closure.Graph, chosen closure.Set) needs { return needs{g, chosen} }

func (n needs) of(id closure.ID) []string {
	// Inputs are asked once for id itself, and never for another chosen one:
	// the walk ends there.
	seen := n.g.Reach(n.g.Inputs(id), func(i closure.ID) []closure.ID {
		if n.chosen.Has(i) || n.g.FixedOutput(i) {
			return nil
		}
		return n.g.Inputs(i)
	})
	var paths []string
	for i := range seen.All() {
		if n.chosen.Has(i) && i != id {
			paths = append(paths, n.g.Path(i))
		}
	}
	return paths
}

// newJob describes a derivation as the graph knows it.
func newJob(g *closure.Graph, id closure.ID, needs []string) *Job {
	j := &Job{Drv: g.Path(id), Outputs: slices.Clone(g.Outputs(id)), Needs: needs}
	if g.Missing(id) {
		j.Skip = "the derivation is not at hand"
		return j
	}
	d, err := g.Derivation(id)
	if err != nil {
		j.Skip = "the derivation can't be read again: " + err.Error()
		return j
	}
	j.Outputs = slices.Clone(d.Outputs)
	j.Inputs = slices.Clone(d.InputSrcs)
	for _, in := range d.InputDrvs {
		if len(in.Dynamic) > 0 {
			j.Skip = fmt.Sprintf("its input %q is a derivation that is only made by a build", in.Path)
		}
		paths, ok := outputPaths(g, in)
		if !ok {
			j.Unresolved = append(j.Unresolved, in.Path)
			continue
		}
		j.Inputs = append(j.Inputs, paths...)
	}
	slices.Sort(j.Inputs)
	j.Inputs = slices.Compact(j.Inputs)
	return j
}

// outputPaths gives the paths of the outputs that are used of an input, where
// all are known before a build.
func outputPaths(g *closure.Graph, in closure.InputDrv) ([]string, bool) {
	id, ok := g.Lookup(in.Path)
	if !ok || g.Missing(id) {
		return nil, false
	}
	var paths []string
	for _, want := range in.Outputs {
		i := slices.IndexFunc(g.Outputs(id), func(o closure.Output) bool { return o.Name == want })
		if i < 0 || g.Outputs(id)[i].Path == "" {
			return nil, false
		}
		paths = append(paths, g.Outputs(id)[i].Path)
	}
	return paths, true
}
