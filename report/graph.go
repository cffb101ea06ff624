package report

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"fromsource/analyze/audit"
	"fromsource/analyze/policy/finding"
	"fromsource/report/internal/safe"
)

// neighbourhood is the small graph that DOT and SVG draw.
type neighbourhood struct {
	set   *finding.Set
	nodes []int // rows, ascending
	edges []graphEdge
	notes []string // what was left out
	focus int      // row, -1 for the overview
}

type graphEdge struct {
	from, to int // rows
	bytes    bool
}

const (
	maxNear      = 8  // inputs and consumers shown of a focus
	maxWays      = 20 // findings of an overview
	maxNodes     = 200
	labelLetters = 40
)

// near picks what to draw: around a focus its way from the target, its first
// consumers and inputs and what its bytes come from; without one the ways to
// the foremost findings.
func near(a *audit.Audit, focus string) (*neighbourhood, error) {
	set := finding.Of(a)
	n := &neighbourhood{set: set, focus: -1}
	if focus == "" {
		rows := set.Findings
		if len(rows) == 0 {
			rows = set.Seeds
		}
		for k, i := range rows {
			if k == maxWays || len(n.nodes) > maxNodes {
				n.notes = append(n.notes, fmt.Sprintf("the ways to %d more findings are left out", len(rows)-k))
				break
			}
			n.way(i)
			n.sources(i)
		}
	} else {
		i, err := findRow(set, focus)
		if err != nil {
			return nil, err
		}
		n.focus = i
		n.add(i)
		n.way(i)
		n.sources(i)
		n.some("consumers", n.weigh(set.Consumers(i)), func(j int) { n.edge(j, i, false) })
		if !set.At(i).FixedOutput {
			n.some("inputs", n.weigh(set.Inputs(i)), func(j int) { n.edge(i, j, false) })
		}
	}
	n.thin()
	if slices.ContainsFunc(n.edges, func(e graphEdge) bool { return e.bytes }) {
		n.notes = append(n.notes, "dashed: where prebuilt bytes come from")
	}
	slices.Sort(n.nodes)
	slices.SortFunc(n.edges, func(x, y graphEdge) int {
		if x.from != y.from {
			return x.from - y.from
		}
		return x.to - y.to
	})
	return n, nil
}

// findRow finds a derivation by its path, base name or name.
func findRow(set *finding.Set, focus string) (int, error) {
	if i, ok := set.Row(focus); ok {
		return i, nil
	}
	var found []int
	for i := range set.Audit.Derivations {
		d := set.At(i)
		if base := path.Base(d.Drv); base == focus || strings.TrimSuffix(base, ".drv") == focus || d.Name == focus {
			found = append(found, i)
		}
	}
	switch len(found) {
	case 0:
		return 0, fmt.Errorf("no derivation of the audit is called %q", focus)
	case 1:
		return found[0], nil
	}
	return 0, fmt.Errorf("%d derivations are called %q; say which by its path, such as %q", len(found), focus, set.At(found[0]).Drv)
}

func (n *neighbourhood) add(i int) {
	if !slices.Contains(n.nodes, i) {
		n.nodes = append(n.nodes, i)
	}
}

func (n *neighbourhood) edge(from, to int, bytes bool) {
	n.add(from)
	n.add(to)
	for k := range n.edges {
		if n.edges[k].from == from && n.edges[k].to == to {
			n.edges[k].bytes = n.edges[k].bytes || bytes
			return
		}
	}
	n.edges = append(n.edges, graphEdge{from, to, bytes})
}

// thin takes away what comes from a place by way of another node of the
// picture: its image carries the bytes of each package in it, and an edge to
// the origin of each would hide the rest.
func (n *neighbourhood) thin() {
	has := map[[2]int]bool{}
	for _, e := range n.edges {
		has[[2]int{e.from, e.to}] = true
	}
	n.edges = slices.DeleteFunc(n.edges, func(e graphEdge) bool {
		return e.bytes && slices.ContainsFunc(n.nodes, func(k int) bool {
			return k != e.from && k != e.to && has[[2]int{e.from, k}] && has[[2]int{k, e.to}]
		})
	})
}

func (n *neighbourhood) way(i int) {
	way, _ := n.set.Way(i)
	n.add(i)
	for k := 1; k < len(way); k++ {
		n.edge(way[k-1], way[k], false)
	}
}

func (n *neighbourhood) sources(i int) {
	n.some("origins", n.set.Sources(i), func(j int) { n.edge(i, j, true) })
}

func (n *neighbourhood) some(what string, rows []int, each func(int)) {
	for k, j := range rows {
		if k == maxNear {
			n.notes = append(n.notes, fmt.Sprintf("%d more %s are left out", len(rows)-k, what))
			return
		}
		each(j)
	}
}

// weigh puts findings, seeds and unknowns before what is from source.
func (n *neighbourhood) weigh(rows []int) []int {
	out := slices.Clone(rows)
	rank := func(i int) int {
		switch v := n.set.At(i).Verdict; {
		case finding.Is(v):
			return 0
		case v == audit.Source:
			return 2
		}
		return 1
	}
	slices.SortStableFunc(out, func(i, j int) int { return rank(i) - rank(j) })
	return out
}

func (n *neighbourhood) label(i int) string {
	return safe.Short(safe.Visible(n.set.At(i).Title()), labelLetters)
}

// second is the line below it.
func (n *neighbourhood) second(i int) string {
	d := n.set.At(i)
	reach := reachTitle(d.Reach)
	if d.Reach != audit.ReachRuntime && d.Reach != audit.ReachBuild {
		reach = "reach unknown"
	}
	return verdictTitle(d.Verdict) + ", " + reach
}

// tint is the fill and line of a verdict, readable in black on white.
func tint(v audit.Verdict) (fill, line string) {
	switch v {
	case audit.Source:
		return "#e6f1e9", "#4d9162"
	case audit.Binary:
		return "#fbdfe0", "#c4232e"
	case audit.CarriesBinary:
		return "#fde5d2", "#bf6415"
	case audit.BuiltByBinary:
		return "#ece2fa", "#7c4bc4"
	case audit.Seed:
		return "#dceafc", "#2368bd"
	}
	return "#eceef1", "#6b7580"
}
