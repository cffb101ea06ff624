package trace

import (
	"cmp"
	"slices"

	"fromsource/analyze/audit"
	"fromsource/analyze/content"
)

// Origin numbers what was fetched; the numbers are the caller's.
type Origin int32

// How says by what a file was recognised.
type How uint8

// The ways of recognising a file, the strongest first.
const (
	// Identical: the same bytes.
	Identical How = iota
	// Patched: other bytes, the same executable sections.
	Patched
	// SameBuild: other bytes, the same build-id; the code was not compared
	// or differs.
	SameBuild
	// Linked: part of its code is that of a prebuilt object.
	Linked
	// Embedded: the bytes lie inside a file of another kind.
	Embedded
	// Referred: a link that leads to it, or a script that starts it. This the
	// caller finds by [Walk.Links] and [Walk.Refs].
	Referred
)

// Rule is the id of the evidence rule that stands for h.
func (h How) Rule() string {
	return [...]string{"trace-identical", "trace-patched", "trace-build-id", "trace-linked", "trace-embedded", "trace-reference"}[h]
}

func (h How) String() string {
	return [...]string{"identical to", "the same code, patched, as", "of the same build (build-id) as", "linked with", "found to hold the bytes of", "a link to or a launcher of"}[h]
}

// Hit is a file of an output that was recognised.
type Hit struct {
	Origin Origin
	How    How
	// Member is the path of the recognised member in what was fetched, File
	// that of the file that was looked up.
	Member, File string
	Kind         audit.Kind
	// Format is what the member is: "elf-shared", "java-class".
	Format     string
	Confidence audit.Confidence
}

// Index finds files among the members of fetches. Fill it with Add, then use
// it from any number of goroutines.
type Index struct {
	members []member
	bySum   map[[32]byte][]int32
	byPrint map[content.Print][]int32
}

type member struct {
	origin     Origin
	path       string
	kind       audit.Kind
	format     string
	confidence audit.Confidence
}

// NewIndex is an empty index.
func NewIndex() *Index {
	return &Index{bySum: map[[32]byte][]int32{}, byPrint: map[content.Print][]int32{}}
}

// minFirmware is the least size, in bytes, of opaque data that is matched by
// its hash: shorter ones (a page of zeros' head, a table) coincide.
const minFirmware = 64

// Add puts the compiled members of one origin into the index. Members with
// equal bytes within one origin count once, under the first path.
func (x *Index) Add(o Origin, files []content.File) {
	for i := range files {
		f := &files[i]
		if f.Kind == "" || f.Embedded || f.Kind == audit.Firmware && f.Size < minFirmware {
			continue
		}
		n := int32(len(x.members))
		if !x.note(o, x.bySum[f.SHA256]) {
			x.bySum[f.SHA256] = append(x.bySum[f.SHA256], n)
		}
		for _, p := range f.Code {
			if k, ok := key(p); ok && !x.note(o, x.byPrint[k]) {
				x.byPrint[k] = append(x.byPrint[k], n)
			}
		}
		x.members = append(x.members, member{o, f.Path, f.Kind, f.Format, cmp.Or(f.Confidence, audit.High)})
	}
}

// note reports whether one of the members listed is already of this origin.
func (x *Index) note(o Origin, at []int32) bool {
	return slices.ContainsFunc(at, func(i int32) bool { return x.members[i].origin == o })
}

// key is a print as the index uses it: what identifies code, and nothing of
// how much there was of it.
func key(p content.Print) (content.Print, bool) {
	return content.Print{What: p.What, Sum: p.Sum}, p.What == "text" || p.What == "build-id"
}

// Len is the number of members in the index.
func (x *Index) Len() int { return len(x.members) }

// Match looks one file up. It gives at most one hit an origin, by the
// strongest evidence, in the order of origins.
func (x *Index) Match(f *content.File) []Hit {
	var hits []Hit
	add := func(how How, at []int32) {
		for _, i := range at {
			m := &x.members[i]
			if slices.ContainsFunc(hits, func(h Hit) bool { return h.Origin == m.origin }) {
				continue
			}
			c := m.confidence
			if how == SameBuild {
				c = lower(c, audit.Medium)
			}
			hits = append(hits, Hit{
				Origin: m.origin, How: how, Member: m.path, File: f.Path,
				Kind: m.kind, Format: m.format, Confidence: c,
			})
		}
	}
	add(Identical, x.bySum[f.SHA256])
	for _, how := range []How{Patched, SameBuild} {
		what := "text"
		if how == SameBuild {
			what = "build-id"
		}
		for _, p := range f.Code {
			if p.What == what {
				k, _ := key(p)
				add(how, x.byPrint[k])
			}
		}
	}
	slices.SortStableFunc(hits, func(a, b Hit) int { return cmp.Compare(a.Origin, b.Origin) })
	return hits
}

// lower is the lesser of two confidences.
func lower(a, b audit.Confidence) audit.Confidence {
	grade := map[audit.Confidence]int{audit.High: 2, audit.Medium: 1, audit.Low: 0}
	if grade[b] < grade[a] {
		return b
	}
	return a
}

// AddOpaque puts files of no known format into the index, as what a suspected
// fetch is suspected to be: with low confidence, and by their bytes only.
func (x *Index) AddOpaque(o Origin, files []content.File, kinds []audit.Kind) {
	kind := audit.Firmware
	if len(kinds) > 0 && !slices.Contains(kinds, audit.Firmware) {
		kind = kinds[0]
	}
	for i := range files {
		f := &files[i]
		if !x.note(o, x.bySum[f.SHA256]) {
			x.bySum[f.SHA256] = append(x.bySum[f.SHA256], int32(len(x.members)))
			x.members = append(x.members, member{o, f.Path, kind, "opaque data", audit.Low})
		}
	}
}
