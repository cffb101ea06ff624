package analyze

import (
	"slices"
	"strings"

	"fromsource/analyze/audit"
	"fromsource/closure"
)

// groundSeeds takes the name of a seed from what is not at the bottom of the
// closure. A seed is what everything else is built from: a download that is
// only called like one, and that is used by what has packages at hand that
// were built without it, is a download like any other. So is one on which
// little stands.
func (s *state) groundSeeds() {
	s.sameSeeds()
	s.lonelySeeds()
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

// sameSeeds gives the name of a seed to what has the declared hash of one: the
// first thing that a minimal seed makes is itself.
func (s *state) sameSeeds() {
	seeds := map[closure.Output]closure.ID{}
	key := func(i closure.ID) (closure.Output, bool) {
		for _, o := range s.g.Outputs(i) {
			if o.Kind() == closure.Fixed && s.g.FixedOutput(i) {
				return closure.Output{HashAlgo: o.HashAlgo, Hash: o.Hash}, true
			}
		}
		return closure.Output{}, false
	}
	for i := range closure.ID(s.g.Len()) {
		if k, ok := key(i); ok && s.text[i].Seed {
			seeds[k] = i
		}
	}
	for i := range closure.ID(s.g.Len()) {
		k, ok := key(i)
		from, is := seeds[k]
		if t := &s.text[i]; ok && is && !t.Seed {
			t.Seed = true
			t.Kinds = addKinds(slices.Clone(t.Kinds), s.text[from].Kinds...)
			t.Evidence = append(slices.Clone(t.Evidence), audit.Evidence{
				Rule: "seed-same", Level: audit.LevelDerivation, At: "outputs.out.hash", Detail: "it has the declared hash of the seed " + s.g.Name(from), From: s.g.Path(from),
			})
		}
	}
}

const (
	// leastBase is how many derivations must be built from a second seed of a
	// closure, a standard environment among them: the packages for another
	// machine, or of another release.
	leastBase = 20
	// leastNameless is the same for the first one where nothing but its use
	// as a builder says that it is a seed.
	leastNameless = 8
)

// lonelySeeds takes the name of a seed from that on which neither half of what
// is built in the closure stands nor a whole distribution of its own.
func (s *state) lonelySeeds() {
	// broken: what it is built from is not known to the end.
	broken := make([]bool, s.g.Len())
	all := 0
	for _, i := range s.g.Topo() {
		broken[i] = s.g.Missing(i) || !s.g.FixedOutput(i) && slices.ContainsFunc(s.g.Inputs(i), func(in closure.ID) bool { return broken[in] })
		if !broken[i] && !s.g.FixedOutput(i) && !s.text[i].Seed {
			all++
		}
	}
	var lonely []closure.ID
	for i := range closure.ID(s.g.Len()) {
		if s.text[i].Seed && (s.g.FixedOutput(i) || len(s.g.InputSrcs(i)) > 0) && !s.isBase(i, broken, all) {
			lonely = append(lonely, i)
		}
	}
	for _, i := range lonely {
		s.unseed(i, "most of what the closure builds is not built from it")
	}
	// What unpacked only such.
	for _, i := range lonely {
		for _, c := range s.g.Consumers(i) {
			if s.text[c].Seed && !s.g.FixedOutput(c) && !slices.ContainsFunc(s.g.Inputs(c), func(in closure.ID) bool { return s.text[in].Seed }) {
				s.unseed(c, "what it unpacks is no seed")
			}
		}
	}
}

// isBase reports whether enough is built from a seed. A seed can make the next
// one, as a fetch would, by the hash: that is followed.
func (s *state) isBase(id closure.ID, broken []bool, all int) bool {
	on := s.g.NewSet()
	n, environment := 0, false
	named := slices.ContainsFunc(s.text[id].Evidence, func(e audit.Evidence) bool {
		return strings.HasPrefix(e.Rule, "seed-") && e.Rule != "seed-builder"
	})
	for todo := []closure.ID{id}; len(todo) > 0; {
		at := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		for _, c := range s.g.Consumers(at) {
			if on.Has(c) || s.g.FixedOutput(c) && !s.text[c].Seed {
				continue
			}
			on.Add(c)
			todo = append(todo, c)
			switch {
			case s.text[c].Seed:
				named = named || !s.g.FixedOutput(c)
			case !broken[c]:
				n++
				environment = environment || strings.Contains("-"+s.g.Name(c)+"-", "-stdenv-")
			}
		}
	}
	return 2*n >= all && (named || n >= leastNameless) || n >= leastBase && environment
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
