package analyze

import (
	"slices"

	"fromsource/analyze/audit"
	"fromsource/closure"
)

// groundSeeds takes the name of a seed from what is not at the bottom of the
// closure. A seed is what everything else is built from, so something that
// uses it must come before everything that is built: a download that is only
// called like one, and that packages fetch who have a compiler already, is a
// download like any other.
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
		users, below := 0, 0
		for _, c := range s.g.Consumers(i) {
			if s.g.FixedOutput(c) {
				continue
			}
			users++
			if !above[c] {
				below++
			}
		}
		if users > 0 && below == 0 {
			s.unseed(i, "all that uses it depends on packages that are built, and so it is not what they are built from")
		}
	}
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
