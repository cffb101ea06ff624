package trace

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"fromsource/analyze/audit"
)

// Match sums up the hits of one output with one origin: a package that is
// unpacked gives thousands, and one line has to tell of them.
type Match struct {
	Origin Origin
	// Hits counts them; First are the first few, by file.
	Hits  int
	First []Hit
	// How is the strongest way in which any was recognised.
	How        How
	Kinds      []audit.Kind
	Confidence audit.Confidence
}

// examples is how many hits a Match keeps.
const examples = 3

// Matches collects hits.
type Matches struct {
	byOrigin map[Origin]*Match
	kinds    map[Origin]map[audit.Kind]bool
}

// Add notes a hit.
func (m *Matches) Add(h Hit) {
	if m.byOrigin == nil {
		m.byOrigin = map[Origin]*Match{}
		m.kinds = map[Origin]map[audit.Kind]bool{}
	}
	x := m.byOrigin[h.Origin]
	if x == nil {
		x = &Match{Origin: h.Origin, How: h.How, Confidence: h.Confidence}
		m.byOrigin[h.Origin] = x
		m.kinds[h.Origin] = map[audit.Kind]bool{}
	}
	x.Hits++
	m.kinds[h.Origin][h.Kind] = true
	x.How = min(x.How, h.How)
	if lower(x.Confidence, h.Confidence) == x.Confidence {
		x.Confidence = h.Confidence // the best of all hits
	}
	x.First = append(x.First, h)
	slices.SortFunc(x.First, CompareHits)
	x.First = x.First[:min(len(x.First), examples)]
}

// CompareHits orders hits by the strength of the evidence, then by file.
func CompareHits(a, b Hit) int {
	return cmp.Or(cmp.Compare(a.How, b.How), cmp.Compare(a.File, b.File), cmp.Compare(a.Member, b.Member), cmp.Compare(a.Origin, b.Origin))
}

// All gives the matches in the order of origins.
func (m *Matches) All() []Match {
	out := make([]Match, 0, len(m.byOrigin))
	for _, o := range slices.Sorted(maps.Keys(m.byOrigin)) {
		x := *m.byOrigin[o]
		x.Kinds = slices.Sorted(maps.Keys(m.kinds[o]))
		out = append(out, x)
	}
	return out
}

// Merge is the match of several outputs of one derivation.
func Merge(all []Match) []Match {
	var m Matches
	for _, x := range all {
		for _, h := range x.First {
			m.Add(h)
		}
		got := m.byOrigin[x.Origin]
		got.Hits += x.Hits - len(x.First)
		for _, k := range x.Kinds {
			m.kinds[x.Origin][k] = true
		}
	}
	return m.All()
}

// Sentence tells of a match in plain words; from names the origin.
func (m *Match) Sentence(from string) string {
	var b strings.Builder
	h := m.First[0]
	if m.Hits == 1 {
		fmt.Fprintf(&b, "1 file is %s a prebuilt member of %s: %s", h.How, from, h.Member)
	} else {
		fmt.Fprintf(&b, "%d files are prebuilt members of %s; the first is %s %s", m.Hits, from, h.How, h.Member)
	}
	if h.Format != "" {
		fmt.Fprintf(&b, " (%s)", h.Format)
	}
	return b.String()
}
