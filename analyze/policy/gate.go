package policy

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"fromsource/analyze/audit"
	"fromsource/analyze/policy/finding"
)

// Gate compares an audit with a baseline. today decides which waivers have
// expired; only its day in UTC counts. waivers may be nil.
func Gate(a *audit.Audit, b *Baseline, waivers *Waivers, today time.Time) *Result {
	g := &gate{set: finding.Of(a), uses: map[int]map[string]bool{}}
	if waivers != nil {
		g.waivers = waivers.List
	}
	y, m, d := today.UTC().Date()
	g.today = time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
	g.index(b)
	g.sift()
	r := &Result{
		Schema: GateSchema, Target: a.Target.Name, New: []Item{}, Waived: []Item{}, Problems: []Problem{},
		Known: g.known, Unknown: len(g.set.Unknown), Skipped: len(a.Skipped),
	}
	g.settle(r)
	g.judgeWaivers(r)
	r.Gone = g.gone(b)
	if len(a.Derivations) == 0 {
		r.Problems = append(r.Problems, Problem{Message: "the audit holds no derivations: nothing was looked at"})
	}
	r.Pass = len(r.New) == 0 && len(r.Problems) == 0
	return r
}

type gate struct {
	set     *finding.Set
	waivers []Waiver
	today   time.Time
	known   int
	open    []*Item // not in the baseline, in the order of findings
	byRow   map[int]*Item
	have    map[string]bool // keys of all findings and seeds
	byName  map[string][]Entry
	uses    map[int]map[string]bool // identities that each waiver matched
	refused []Problem               // why a waiver that matched does not excuse
}

func (g *gate) index(b *Baseline) {
	g.byName = map[string][]Entry{}
	for _, e := range b.Entries {
		g.byName[e.Name] = append(g.byName[e.Name], e)
	}
}

// covers reports whether a baseline entry allows a finding: the same thing,
// of no new kind and no further reach.
func covers(e Entry, id finding.Identity) bool {
	if e.Key() != id.Key() || reachRank(id.Reach) > reachRank(e.Reach) {
		return false
	}
	return !slices.ContainsFunc(id.Kinds, func(k audit.Kind) bool { return !slices.Contains(e.Kinds, k) })
}

// sift keeps what the baseline does not cover.
func (g *gate) sift() {
	g.byRow, g.have = map[int]*Item{}, map[string]bool{}
	for _, rows := range [][]int{g.set.Findings, g.set.Seeds} {
		for _, i := range rows {
			g.have[g.set.Identity(i).Key()] = true
		}
	}
	for _, rows := range [][]int{g.set.Findings, g.set.Seeds} {
		for _, i := range rows {
			id := g.set.Identity(i)
			known := g.byName[id.Name]
			if slices.ContainsFunc(known, func(e Entry) bool { return covers(e, id) }) {
				g.known++
				continue
			}
			it := g.item(i, id)
			it.Why, it.Was = g.why(known, id)
			g.open = append(g.open, it)
			g.byRow[i] = it
		}
	}
}

// why says what is new. A known line that this audit has, too, is not where
// the finding comes from: it has become nothing else.
func (g *gate) why(known []Entry, id finding.Identity) (Why, *Entry) {
	for k := range known {
		if known[k].Key() == id.Key() {
			if reachRank(id.Reach) > reachRank(known[k].Reach) {
				return WhyReach, &known[k]
			}
			return WhyKind, &known[k]
		}
	}
	var origin *Entry
	for k := range known {
		if known[k].Verdict != id.Verdict || g.have[known[k].Key()] {
			continue
		}
		if finding.Project(known[k].Origin) == finding.Project(id.Origin) {
			return WhyOrigin, &known[k]
		}
		if origin == nil {
			origin = &known[k]
		}
	}
	if origin != nil {
		return WhyOrigin, origin
	}
	for k := range known {
		if !g.have[known[k].Key()] {
			return WhyVerdict, &known[k]
		}
	}
	return WhyNew, nil
}

func (g *gate) item(i int, id finding.Identity) *Item {
	d := g.set.At(i)
	it := &Item{
		Identity: id, Drv: d.Drv, Package: d.Name, CarriedBy: []string{}, Carries: []string{}, Way: []string{},
		Suspected: finding.Suspicion(d), row: i,
	}
	if it.Kinds == nil {
		it.Kinds = []audit.Kind{}
	}
	if len(d.URLs) > 0 {
		it.URL = d.URLs[0]
	}
	way, _ := g.set.Way(i)
	for _, j := range way {
		it.Way = append(it.Way, g.set.At(j).Name)
	}
	for _, j := range g.set.Origins(i) {
		if o := g.set.At(j); finding.Is(o.Verdict) || o.Verdict == audit.Seed {
			it.Carries = append(it.Carries, o.Name)
		}
	}
	slices.Sort(it.Carries)
	if len(it.Way) > 1 {
		it.Since = it.Way[1]
	}
	return it
}

// settle finds for each open item its waiver, and puts what merely carries
// another open item under that one.
func (g *gate) settle(r *Result) {
	for _, it := range g.open {
		it.Waiver = g.excuse(it)
	}
	carried := map[*Item]bool{}
	for _, it := range g.open {
		if it.Waiver == nil && g.consequence(it) {
			carried[it] = true
		}
	}
	for _, it := range g.open {
		switch {
		case carried[it]:
		case it.Waiver != nil:
			r.Waived = append(r.Waived, *it)
		default:
			r.New = append(r.New, *it)
		}
	}
}

// consequence reports whether an item exists only because of other open
// items, and notes it with those. It does if its bytes come from
// one that is not waived, or from one whose waiver reaches as far as it does.
//
// What also carries a prebuilt member of a source archive is no mere
// consequence: no other item stands for that member.
func (g *gate) consequence(it *Item) bool {
	if it.Origin != "-" {
		return false
	}
	var open, waived []*Item
	for _, j := range g.set.Origins(it.row) {
		src := g.byRow[j]
		switch {
		case src == nil || src == it:
		case src.Waiver == nil:
			open = append(open, src)
		case reachRank(src.Waiver.Reach) >= reachRank(it.Reach):
			waived = append(waived, src)
			// A waiver that excuses the source no further than this does not
			// excuse where it got to.
		}
	}
	if len(open) == 0 {
		open = waived
	}
	for _, cause := range open {
		cause.CarriedBy = append(cause.CarriedBy, it.Package)
	}
	return len(open) > 0
}

// excuse finds the waiver of an item, and notes why one that is about it does
// not hold.
func (g *gate) excuse(it *Item) *Waiver {
	var found *Waiver
	for k := range g.waivers {
		w := &g.waivers[k]
		if !w.matches(it.Identity) {
			continue
		}
		if g.uses[k] == nil {
			g.uses[k] = map[string]bool{}
		}
		g.uses[k][formatIdentity(it.Identity)] = true
		if g.today.After(w.Until) {
			continue // judgeWaivers says so, once
		}
		if reachRank(it.Reach) > reachRank(w.Reach) {
			g.refuse(w, "excuses %q up to reach %s, but its reach is %s", it.Name, w.Reach, it.Reach)
			continue
		}
		if w.Output != "" && !g.hasOutput(it.row, w.Output) {
			g.refuse(w, "excuses %q with output %s only, which it does not have now", it.Name, w.Output)
			continue
		}
		if found == nil {
			found = w
		}
	}
	return found
}

func (g *gate) refuse(w *Waiver, format string, args ...any) {
	g.refused = append(g.refused, Problem{File: w.File, Line: w.Line, Message: "waiver " + fmt.Sprintf(format, args...)})
}

func (g *gate) hasOutput(i int, hash string) bool {
	return slices.ContainsFunc(g.set.At(i).Outputs, func(o audit.Output) bool { return o.NarHash == hash })
}

// judgeWaivers reports waivers that have expired, that excuse nothing, and
// that match more than they say.
func (g *gate) judgeWaivers(r *Result) {
	for k := range g.waivers {
		w := &g.waivers[k]
		problem := func(format string, args ...any) {
			r.Problems = append(r.Problems, Problem{File: w.File, Line: w.Line, Message: fmt.Sprintf(format, args...)})
		}
		if g.today.After(w.Until) {
			problem("waiver for %q expired on %s: fix what it excuses (%s), or ask %q for a new date", w.Finding, w.Until.Format(time.DateOnly), plainURL(w.Issue), w.Owner)
		}
		switch n := len(g.uses[k]); {
		case n == 0:
			problem("waiver for %q is not used: nothing new matches it; remove it", w.Finding)
		case n > w.Covers:
			problem("waiver for %q is too broad: it matches %d findings and says it covers %d (%s)", w.Finding, n, w.Covers, some(g.uses[k], 4))
		}
	}
	r.Problems = append(r.Problems, g.refused...)
}

// some names the first n identities of a set.
func some(ids map[string]bool, n int) string {
	names := make([]string, 0, len(ids))
	for id := range ids {
		name, _, _ := strings.Cut(id, " ")
		names = append(names, name)
	}
	slices.Sort(names)
	if len(names) > n {
		return strings.Join(names[:n], ", ") + fmt.Sprintf(" and %d more", len(names)-n)
	}
	return strings.Join(names, ", ")
}

// gone lists the baseline's lines that no finding has.
func (g *gate) gone(b *Baseline) []Gone {
	now := others(g.set)
	out := []Gone{}
	for _, e := range b.Entries {
		if g.have[e.Key()] {
			continue
		}
		state := "gone"
		if i, ok := now.named(e.Identity); ok {
			state = "unknown"
			if g.set.At(i).Verdict == audit.Source {
				state = "source"
			}
		}
		out = append(out, Gone{Identity: e.Identity, Now: state})
	}
	return out
}
