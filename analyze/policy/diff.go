package policy

import (
	"cmp"
	"io"
	"slices"

	"fromsource/analyze/audit"
	"fromsource/analyze/policy/finding"
)

// DiffSchema names the version of a diff's JSON.
const DiffSchema = "fromsource/diff/v1"

// Diff is what changed of the findings between two audits, seeds included.
type Diff struct {
	Schema string `json:"schema"`
	Old    Side   `json:"old"`
	New    Side   `json:"new"`
	// Added are findings that the old audit has not; Old is what the same
	// derivation was then (from source, unknown), if it was there. Gone have
	// left the closure altogether.
	Added []Change `json:"added"`
	Gone  []Change `json:"gone"`
	// BecameSource were findings and are from source now; BecameUnknown were
	// findings and could not be looked at this time, which is no progress.
	BecameSource  []Change `json:"becameSource"`
	BecameUnknown []Change `json:"becameUnknown"`
	// Verdict, Kind, Reach and Origin are findings of both sides that changed in it.
	// One that changed in several respects is in several lists.
	Verdict []Change `json:"verdict"`
	Kind    []Change `json:"kind"`
	Reach   []Change `json:"reach"`
	Origin  []Change `json:"origin"`
	// Same counts findings of both sides that did not change but for their
	// version.
	Same int `json:"same"`
}

// Side sums up one of the two audits.
type Side struct {
	Target   string `json:"target"`
	Version  string `json:"version"`
	Detector string `json:"detector,omitempty"`
	Findings int    `json:"findings"`
	Seeds    int    `json:"seeds"`
	Unknown  int    `json:"unknown"`
}

// Change is one derivation on both sides; a side where it is not is null.
type Change struct {
	Old *Place `json:"old"`
	New *Place `json:"new"`
}

// Place is a row as a diff shows it.
type Place struct {
	Package string        `json:"package"`
	Drv     string        `json:"drv"`
	Verdict audit.Verdict `json:"verdict"`
	Kinds   []audit.Kind  `json:"kinds"`
	Reach   audit.Reach   `json:"reach"`
	Origin  string        `json:"origin"`
	Reason  string        `json:"reason,omitempty"`
}

// Empty reports whether nothing changed.
func (d *Diff) Empty() bool {
	return len(d.Added)+len(d.Gone)+len(d.BecameSource)+len(d.BecameUnknown)+len(d.Verdict)+len(d.Kind)+len(d.Reach)+len(d.Origin) == 0
}

// WriteJSON writes the diff as JSON, indented; see [DiffSchema].
func (d *Diff) WriteJSON(w io.Writer) error { return writeJSON(w, d) }

// Compare finds what changed from one audit to another. Rows are the same
// when their derivation is; else when their name without version and their
// origin are, or their name and the project that it begins with; else when
// only their name is.
func Compare(old, now *audit.Audit) *Diff {
	c := &comparison{old: finding.Of(old), now: finding.Of(now)}
	d := &Diff{
		Schema: DiffSchema, Old: side(c.old), New: side(c.now),
		Added: []Change{}, Gone: []Change{}, BecameSource: []Change{}, BecameUnknown: []Change{},
		Verdict: []Change{}, Kind: []Change{}, Reach: []Change{}, Origin: []Change{},
	}
	c.match()
	for i, j := range c.pairs {
		c.pair(d, i, j)
	}
	before := others(c.old)
	for _, j := range c.left(c.now, c.taken) {
		ch := Change{New: place(c.now, j)}
		if i, ok := before.find(c.now, j); ok {
			ch.Old = place(c.old, i)
		}
		d.Added = append(d.Added, ch)
	}
	c.unpaired(d)
	for _, list := range []*[]Change{&d.Added, &d.Gone, &d.BecameSource, &d.BecameUnknown, &d.Verdict, &d.Kind, &d.Reach, &d.Origin} {
		slices.SortFunc(*list, compareChanges)
	}
	return d
}

func side(s *finding.Set) Side {
	return Side{
		Target: s.Audit.Target.Name, Version: s.Audit.Tool.Version, Detector: s.Audit.Tool.Detector,
		Findings: len(s.Findings), Seeds: len(s.Seeds), Unknown: len(s.Unknown) + len(s.Audit.Skipped),
	}
}

func place(s *finding.Set, i int) *Place {
	d, id := s.At(i), s.Identity(i)
	if id.Kinds == nil {
		id.Kinds = []audit.Kind{}
	}
	return &Place{Package: d.Name, Drv: d.Drv, Verdict: d.Verdict, Kinds: id.Kinds, Reach: id.Reach, Origin: id.Origin, Reason: d.Reason}
}

func compareChanges(x, y Change) int {
	p, q := cmp.Or(x.New, x.Old), cmp.Or(y.New, y.Old)
	return cmp.Or(cmp.Compare(reachRank(q.Reach), reachRank(p.Reach)), cmp.Compare(p.Package, q.Package), cmp.Compare(p.Drv, q.Drv))
}

// comparison pairs rows of two audits; only findings and seeds are paired.
type comparison struct {
	old, now *finding.Set
	pairs    map[int]int  // old row to new row
	taken    map[int]bool // new rows in pairs
}

func reported(s *finding.Set) []int {
	rows := append(slices.Clone(s.Findings), s.Seeds...)
	slices.Sort(rows)
	return rows
}

func (c *comparison) left(s *finding.Set, taken map[int]bool) []int {
	return slices.DeleteFunc(reported(s), func(i int) bool { return taken[i] })
}

func (c *comparison) match() {
	c.pairs, c.taken = map[int]int{}, map[int]bool{}
	keys := []func(s *finding.Set, i int) string{
		func(s *finding.Set, i int) string { return s.At(i).Drv },
		func(s *finding.Set, i int) string { id := s.Identity(i); return id.Key() },
		func(s *finding.Set, i int) string { return s.Identity(i).Name + "\x00" + s.Origin(i) },
		func(s *finding.Set, i int) string { return s.Identity(i).Name + "\x00" + finding.Project(s.Origin(i)) },
		func(s *finding.Set, i int) string { return s.Identity(i).Name },
	}
	for _, key := range keys {
		free := map[string][]int{}
		for _, j := range c.left(c.now, c.taken) {
			k := key(c.now, j)
			free[k] = append(free[k], j)
		}
		for _, i := range reported(c.old) {
			if _, ok := c.pairs[i]; ok {
				continue
			}
			k := key(c.old, i)
			if len(free[k]) == 0 {
				continue
			}
			c.pairs[i] = free[k][0]
			c.taken[free[k][0]] = true
			free[k] = free[k][1:]
		}
	}
}

func (c *comparison) pair(d *Diff, i, j int) {
	p, q := place(c.old, i), place(c.now, j)
	ch := Change{Old: p, New: q}
	same := true
	for _, t := range []struct {
		differs bool
		list    *[]Change
	}{
		{p.Verdict != q.Verdict, &d.Verdict},
		{!slices.Equal(p.Kinds, q.Kinds), &d.Kind},
		{p.Reach != q.Reach, &d.Reach},
		// One that lost its origin has lost what carried it: no news of its own.
		{p.Origin != q.Origin && q.Origin != "-", &d.Origin},
	} {
		if t.differs {
			*t.list = append(*t.list, ch)
			same = false
		}
	}
	if same {
		d.Same++
	}
}

// unpaired says of each old finding without a partner what became of it: a
// row of the same name that is from source now, one that could not be looked
// at, or nothing.
func (c *comparison) unpaired(d *Diff) {
	after := others(c.now)
	for _, i := range reported(c.old) {
		if _, ok := c.pairs[i]; ok {
			continue
		}
		ch := Change{Old: place(c.old, i)}
		j, ok := after.find(c.old, i)
		switch {
		case !ok:
			d.Gone = append(d.Gone, ch)
		case c.now.At(j).Verdict == audit.Source:
			ch.New = place(c.now, j)
			d.BecameSource = append(d.BecameSource, ch)
		default:
			ch.New = place(c.now, j)
			d.BecameUnknown = append(d.BecameUnknown, ch)
		}
	}
}

// fates are rows that are neither finding nor seed, by path and by name.
type fates struct {
	set  *finding.Set
	drv  map[string]int
	name map[string][]int
	from map[int]string // projects that have been asked for
}

func others(s *finding.Set) *fates {
	f := &fates{s, map[string]int{}, map[string][]int{}, map[int]string{}}
	for i := range s.Audit.Derivations {
		r := s.At(i)
		if finding.Is(r.Verdict) || r.Verdict == audit.Seed {
			continue
		}
		f.drv[r.Drv] = i
		name := finding.NormalName(r.Name)
		f.name[name] = append(f.name[name], i)
	}
	return f
}

// find looks for what became of a row of another audit, or what it was.
func (f *fates) find(of *finding.Set, i int) (int, bool) {
	if j, ok := f.drv[of.At(i).Drv]; ok {
		return j, true
	}
	return f.named(of.Identity(i))
}

// named looks for a row of this name. Of several fetches of one name ("source")
// only one of the same project can be it; and a seed that is fetched is not the
// package of its name (busybox). Of several rows that can be it, an unknown one
// comes before one from source.
func (f *fates) named(id finding.Identity) (int, bool) {
	project := finding.Project(id.Origin)
	best, same, n := -1, false, 0
	for _, j := range f.name[id.Name] {
		p := f.project(j)
		if id.Verdict == audit.Seed && (p == "") != (project == "") {
			continue
		}
		n++
		switch {
		case best < 0, p == project && !same:
		case p != project && same, f.set.At(best).Verdict != audit.Source, f.set.At(j).Verdict == audit.Source:
			continue
		}
		best, same = j, p == project
	}
	return best, same || n == 1 || project == "" && n > 0
}

func (f *fates) project(j int) string {
	if len(f.set.At(j).URLs) == 0 {
		return ""
	}
	p, ok := f.from[j]
	if !ok {
		p = finding.Project(f.set.Origin(j))
		f.from[j] = p
	}
	return p
}
