package analyze

import (
	"slices"

	"fromsource/analyze/audit"
	"fromsource/closure"
)

// groundSeeds takes the name of a seed from what is not at the bottom of the
// closure. A seed is what everything else is built from: a download that is
// only called like one, and that is used by what has packages at hand that
// were built without it, is a download like any other.
func (s *state) groundSeeds() {
	// above: it depends on something that was built and is no seed.
	above := make([]bool, s.g.Len())
	for _, i := range s.g.Topo() {
		if s.g.FixedOutput(i) {
			continue
		}
		above[i] = slices.ContainsFunc(s.g.Inputs(i), func(in closure.ID) bool {
			return !s.g.FixedOutput(in) && (!s.text[in].Seed || above[in])
		})
		if above[i] && s.text[i].Seed {
			s.unseed(i, "it depends on packages that are built, and so is not what they are built from")
		}
	}
	for i := range closure.ID(s.g.Len()) {
		if !s.text[i].Seed || !s.g.FixedOutput(i) {
			continue
		}
		var on closure.Set // what is built from it
		for _, c := range s.g.Consumers(i) {
			if s.g.FixedOutput(c) || !above[c] {
				continue
			}
			if on == nil {
				on = s.builtFrom(i)
			}
			if s.notFrom(c, on) {
				s.unseed(i, "what uses it depends on packages that are not built from it")
				break
			}
		}
	}
}

// builtFrom are all derivations that depend on one, not through what only
// fetches.
func (s *state) builtFrom(id closure.ID) closure.Set {
	on := s.g.NewSet()
	for todo := []closure.ID{id}; len(todo) > 0; {
		at := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		for _, c := range s.g.Consumers(at) {
			if !s.g.FixedOutput(c) && !on.Has(c) {
				on.Add(c)
				todo = append(todo, c)
			}
		}
	}
	return on
}

// notFrom reports whether one of the built inputs of a derivation is not in a
// set.
func (s *state) notFrom(id closure.ID, on closure.Set) bool {
	return slices.ContainsFunc(s.g.Inputs(id), func(in closure.ID) bool {
		return !s.g.FixedOutput(in) && !s.text[in].Seed && !on.Has(in)
	})
}

func (s *state) unseed(id closure.ID, why string) {
	t := &s.text[id]
	t.Seed, t.Suspected = false, true
	t.Kinds = addKinds(slices.Clone(t.Kinds), audit.NativeCode)
	t.Confidence = or(t.Confidence, audit.Medium)
	t.Evidence = append(slices.Clone(t.Evidence), audit.Evidence{
		Rule: "seed-by-name", Level: audit.LevelDerivation, At: "graph", Detail: "called like a seed, but " + why,
	})
}
