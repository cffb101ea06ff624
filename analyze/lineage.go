package analyze

import (
	"slices"
	"sort"
	"strings"

	"fromsource/analyze/audit"
)

// lineage is by what verdicts come from others: node 0 leads to what is
// prebuilt or of unknown origin by itself, row i is node i+1, and an edge leads
// from a row to one that has its verdict from it.
func lineage(a *audit.Audit) [][]int32 {
	next := make([][]int32, len(a.Derivations)+1)
	add := func(from, to int) {
		if !slices.Contains(next[from+1], int32(to+1)) {
			next[from+1] = append(next[from+1], int32(to+1))
		}
	}
	for i := range a.Derivations {
		d := &a.Derivations[i]
		if !prebuilt(d.Verdict) && d.Verdict != audit.Unknown {
			continue
		}
		alone := true
		for _, from := range d.Through {
			add(from, i)
			alone = false
		}
		for _, ev := range d.Evidence {
			if !strings.HasPrefix(ev.Rule, "exec-") && !strings.HasPrefix(ev.Rule, "trace-") || d.FixedOutput {
				continue
			}
			from, ok := slices.BinarySearchFunc(a.Derivations, ev.From, func(x audit.Derivation, p string) int { return strings.Compare(x.Drv, p) })
			if ok && from != i && prebuilt(a.Derivations[from].Verdict) {
				add(from, i)
				alone = false
			}
		}
		if alone {
			next[0] = append(next[0], int32(i+1))
		}
	}
	return next
}

// inherits tells where the verdict comes from and who has it from here: the
// shortest way from something prebuilt, and what that one row decides alone.
func (e *explainer) inherits() {
	d := e.d()
	if !prebuilt(d.Verdict) && d.Verdict != audit.Unknown {
		return
	}
	f := newFlow(lineage(e.a))
	self := int32(e.row + 1)
	if way := f.way(self); len(way) > 2 && len(d.Through) > 0 && (d.Verdict == audit.BuiltByBinary || d.Verdict == audit.Unknown) {
		e.say("\nThe shortest way from where that begins:")
		for i, v := range way[1:] {
			e.say("  %s%s  (%s)", strings.Repeat("  ", min(i, 12)), e.a.Derivations[v-1].Drv, e.a.Derivations[v-1].Verdict)
		}
	}
	var alone []string
	under := make([]bool, len(f.next))
	for _, w := range f.order {
		under[w] = w == self || w != 0 && under[f.idom[w]]
		if under[w] && w != self {
			alone = append(alone, e.name(w))
		}
	}
	if len(alone) > 0 {
		sort.Strings(alone)
		e.say("\nThrough it alone, %s %s not source: %s.", count(len(alone), "other derivation"), verb(len(alone), "is", "are"), list(slices.Compact(alone)))
	}
}
