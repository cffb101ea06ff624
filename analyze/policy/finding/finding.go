// Package finding says which rows of an audit a report or a gate is about, in
// which order, by which way they are reached from the target, and under which
// name they are known from one version to the next. It adds no judgement: the
// verdicts are the audit's.
package finding

import (
	"cmp"
	"slices"

	"fromsource/analyze/audit"
)

// Is reports whether a verdict is a finding: something not built from source
// that is not the distribution's own seed.
func Is(v audit.Verdict) bool {
	return v == audit.Binary || v == audit.CarriesBinary || v == audit.BuiltByBinary
}

// Set is an audit with its rows sorted into what reports show.
type Set struct {
	Audit *audit.Audit
	// Findings, Seeds and Unknown are row numbers, most important first.
	Findings, Seeds, Unknown []int

	index   map[string]int
	parent  []int32 // shortest way from a root over inputs, fetches cut
	fetch   []int32 // the same with the inputs of fetches included
	runtime []int32 // shortest way from a root over references
	users   [][]int32
	from    [][]int             // Sources, of the rows that have been asked
	ends    [][]int             // what those lead to, or themselves
	carried map[int]audit.Reach // reach of what carries a row's bytes
}

// Of sorts the rows of an audit. Row numbers outside of the audit, which a
// hand-made file may name as inputs, are ignored.
func Of(a *audit.Audit) *Set {
	s := &Set{Audit: a, index: make(map[string]int, len(a.Derivations))}
	for i := range a.Derivations {
		d := &a.Derivations[i]
		s.index[d.Drv] = i
		switch {
		case Is(d.Verdict):
			s.Findings = append(s.Findings, i)
		case d.Verdict == audit.Seed:
			s.Seeds = append(s.Seeds, i)
		case d.Verdict != audit.Source:
			// A verdict that this version does not know is not "source".
			s.Unknown = append(s.Unknown, i)
		}
	}
	for _, rows := range [][]int{s.Findings, s.Seeds, s.Unknown} {
		slices.SortFunc(rows, s.compare)
	}
	return s
}

// Row gives the number of the row with this derivation path.
func (s *Set) Row(drv string) (int, bool) {
	i, ok := s.index[drv]
	return i, ok
}

// At gives a row.
func (s *Set) At(i int) *audit.Derivation { return &s.Audit.Derivations[i] }

// compare puts what reaches the target first, then by verdict, influence,
// confidence and name. What is hardly suspected comes last of its verdict,
// whatever depends on it.
func (s *Set) compare(i, j int) int {
	a, b := s.At(i), s.At(j)
	return cmp.Or(
		cmp.Compare(reachRank(a.Reach), reachRank(b.Reach)),
		cmp.Compare(verdictRank(a.Verdict), verdictRank(b.Verdict)),
		cmp.Compare(faint(a), faint(b)),
		cmp.Compare(b.Influence, a.Influence),
		cmp.Compare(confidenceRank(a.Confidence), confidenceRank(b.Confidence)),
		cmp.Compare(a.Name, b.Name),
		cmp.Compare(a.Drv, b.Drv),
	)
}

// faint is 1 for a suspicion of low confidence, otherwise 0.
func faint(d *audit.Derivation) int {
	if d.Confidence == audit.Low && Suspicion(d) {
		return 1
	}
	return 0
}

func reachRank(r audit.Reach) int {
	switch r {
	case audit.ReachRuntime:
		return 0
	case audit.ReachBuild:
		return 2
	}
	return 1
}

func verdictRank(v audit.Verdict) int {
	switch v {
	case audit.CarriesBinary:
		return 0
	case audit.Binary:
		return 1
	case audit.BuiltByBinary:
		return 2
	}
	return 3
}

func confidenceRank(c audit.Confidence) int {
	switch c {
	case audit.High:
		return 0
	case audit.Medium:
		return 1
	}
	return 2
}

// Level is the furthest level to which the evidence for a row was followed;
// empty when it has none. A rebuild says whether a build repeats, not where
// its inputs come from, so it counts only where there is nothing else.
func Level(d *audit.Derivation) audit.Level {
	order := []audit.Level{audit.LevelRebuild, audit.LevelDerivation, audit.LevelContent, audit.LevelTrace}
	best := -1
	for i := range d.Evidence {
		best = max(best, slices.Index(order, d.Evidence[i].Level))
	}
	if best < 0 {
		return ""
	}
	return order[best]
}

// Evidence is a row's evidence, what was followed furthest first.
func Evidence(d *audit.Derivation) []audit.Evidence {
	rank := func(l audit.Level) int {
		return slices.Index([]audit.Level{audit.LevelTrace, audit.LevelContent, audit.LevelDerivation, audit.LevelRebuild}, l)
	}
	out := slices.Clone(d.Evidence)
	slices.SortStableFunc(out, func(x, y audit.Evidence) int { return rank(x.Level) - rank(y.Level) })
	return out
}

// Suspicion reports whether a finding rests on the text of derivations alone.
// A rebuild proves no provenance, so it does not lift a suspicion.
func Suspicion(d *audit.Derivation) bool {
	return Is(d.Verdict) && !slices.ContainsFunc(d.Evidence, func(e audit.Evidence) bool {
		return e.Level == audit.LevelContent || e.Level == audit.LevelTrace
	})
}

// Sources are the rows that a row comes from (the fetches whose bytes it
// carries, the tools that built it, and what those made), the best proven
// first, without itself. Evidence also
// names rows that merely speak about it, such as the consumers of a fetch;
// those are left out, and a fetch itself comes from its URL.
func (s *Set) Sources(i int) []int {
	d := s.At(i)
	if d.FixedOutput {
		return nil
	}
	var out []int
	for _, e := range Evidence(d) {
		if e.From == "" {
			continue
		}
		j, ok := s.index[e.From]
		if !ok || j == i || slices.Contains(out, j) {
			continue
		}
		// What the text says of an input that is no finding is why it is none.
		v := s.At(j).Verdict
		if e.Level == audit.LevelTrace || slices.Contains(d.Inputs, j) && (e.Level != audit.LevelDerivation || Is(v) || v == audit.Seed) {
			out = append(out, j)
		}
	}
	if d.Verdict == audit.BuiltByBinary {
		for _, j := range s.Through(i) {
			if !slices.Contains(out, j) {
				out = append(out, j)
			}
		}
	}
	return out
}

// Through are the rows by way of which row i has its verdict, as far as they
// exist.
func (s *Set) Through(i int) []int { return s.valid(s.At(i).Through, i) }
