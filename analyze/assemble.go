package analyze

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"path"
	"slices"

	"fromsource/analyze/audit"
	"fromsource/analyze/content"
	"fromsource/closure"
)

// assemble writes the rows, in the order of the graph's IDs: both are sorted
// by path.
func (s *state) assemble(decisions []decision) *audit.Audit {
	a := &audit.Audit{
		Schema: audit.Schema,
		Tool:   audit.Tool{Version: s.req.Version, Detector: Detector},
		Target: audit.Target{Name: s.req.Name, Roots: []string{}, Guest: s.req.Guest, ReachBy: s.reach.by, Image: s.imageOf()},
	}
	for _, r := range s.g.Roots() {
		a.Target.Roots = append(a.Target.Roots, s.g.Path(r))
	}
	among := s.reach.in
	if s.reach.by == audit.ReachByNothing {
		among = nil
	}
	influence := s.g.Influence(among, s.g.CutFixed)
	tampered := map[closure.ID]string{}
	for _, t := range s.g.Tampered() {
		tampered[t.ID] = t.Recomputed
	}
	a.Derivations = make([]audit.Derivation, s.g.Len())
	for i := range closure.ID(s.g.Len()) {
		row := s.row(i, &decisions[i])
		row.Influence = int(influence[i])
		row.Outputs = s.outputRows(i)
		if p, ok := tampered[i]; ok {
			row.Evidence = append(row.Evidence, audit.Evidence{
				Rule: "tampered-or-renamed", Level: audit.LevelDerivation,
				Detail: "the derivation's content gives another path: " + p,
			})
		}
		a.Derivations[i] = row
	}
	a.Promises = s.promises(a)
	a.Summary = audit.Summarize(a.Derivations)
	a.Skipped = s.skips()
	return a
}

func (s *state) row(id closure.ID, d *decision) audit.Derivation {
	t := &s.text[id]
	row := audit.Derivation{
		Drv: s.g.Path(id), Name: s.g.Name(id), FixedOutput: s.g.FixedOutput(id),
		Verdict: d.verdict, Suspected: t.Suspected, Kinds: d.kinds,
		Reach: s.reach.of(id), Confidence: d.confidence, Reason: d.reason,
		URLs: t.URLs, Missing: s.g.Missing(id), Rebuild: s.rebuilds[s.g.Path(id)],
		Inputs: []int{}, Meta: s.req.Meta[s.g.Path(id)],
	}
	if row.Kinds == nil {
		row.Kinds = []audit.Kind{}
	}
	if row.URLs == nil {
		row.URLs = []string{}
	}
	row.Evidence = slices.Concat([]audit.Evidence{}, t.Evidence, d.evidence, rebuildEvidence(d.verdict, row.Rebuild))
	if row.Rebuild == nil {
		row.Rebuild = []audit.Rebuild{}
	}
	for _, in := range s.g.Inputs(id) {
		row.Inputs = append(row.Inputs, int(in))
	}
	slices.Sort(row.Inputs)
	for _, a := range d.through {
		row.Through = append(row.Through, int(a))
	}
	return row
}

// rebuildEvidence puts the results of a rebuild into words. That prebuilt code
// reproduces is said for what it is.
func rebuildEvidence(v audit.Verdict, results []audit.Rebuild) []audit.Evidence {
	var out []audit.Evidence
	for _, r := range results {
		ev := audit.Evidence{Rule: "rebuild", Level: audit.LevelRebuild, At: r.Output}
		switch r.Result {
		case audit.Reproduced:
			ev.Detail = "built again by " + r.By + ", bit for bit the same"
			if v == audit.Binary || v == audit.CarriesBinary {
				ev.Detail += "; that says nothing of its origin: the same prebuilt bytes always are"
			}
		case audit.Differs:
			ev.Detail = fmt.Sprintf("built again by %s, with another result", r.By)
		default:
			continue // nothing was learnt; the row's rebuild says why
		}
		out = append(out, ev)
	}
	return out
}

func (s *state) outputRows(id closure.ID) []audit.Output {
	out := []audit.Output{}
	for k, o := range s.g.Outputs(id) {
		row := audit.Output{Name: o.Name, Path: o.Path}
		if it := s.outputs[id][k]; it != nil {
			row.NarHash, row.NarSize = it.info.NarHash, it.info.NarSize
			if it.walk != nil {
				for _, ref := range s.references(it) {
					if ref.id != closure.None && ref.id != id {
						row.References = append(row.References, int(ref.id))
					}
				}
				slices.Sort(row.References)
				row.References = slices.Compact(row.References)
			}
		}
		out = append(out, row)
	}
	return out
}

// imageOf describes the first image that the target is.
func (s *state) imageOf() *audit.Image {
	if s.image != nil && s.image.walk != nil {
		return s.imageRow(s.image)
	}
	for _, r := range s.g.Roots() {
		for _, it := range s.outputs[r] {
			if it != nil && it.walk != nil && len(it.walk.Images) > 0 {
				return s.imageRow(it)
			}
		}
	}
	return nil
}

// imageRow takes the largest image of an item.
func (s *state) imageRow(it *item) *audit.Image {
	if len(it.walk.Images) == 0 {
		return &audit.Image{Path: path.Base(it.path)}
	}
	f := slices.MaxFunc(it.walk.Images, func(a, b content.File) int {
		return cmp.Or(cmp.Compare(a.Size, b.Size), cmp.Compare(b.Path, a.Path))
	})
	zero := [sha256.Size]byte{}
	img := &audit.Image{Path: f.Path, Size: f.Size}
	if f.SHA256 != zero {
		img.SHA256 = hex.EncodeToString(f.SHA256[:])
	}
	return img
}

// mostSkips is how many places of one store path are listed.
const mostSkips = 20

// skips lists everything that could not be looked at.
func (s *state) skips() []audit.Skip {
	out := []audit.Skip{}
	for _, k := range s.g.Skipped() {
		reason := k.Reason
		if k.Offset > 0 {
			reason = fmt.Sprintf("at byte %d: %s", k.Offset, reason)
		}
		out = append(out, audit.Skip{Input: k.Input, Reason: reason})
	}
	for _, it := range s.items {
		out = append(out, it.skips()...)
	}
	if s.image != nil {
		out = append(out, s.image.skips()...)
	}
	slices.SortFunc(out, func(a, b audit.Skip) int {
		return cmp.Or(cmp.Compare(a.Input, b.Input), cmp.Compare(a.Reason, b.Reason))
	})
	return slices.Compact(out)
}

func (it *item) skips() []audit.Skip {
	var out []audit.Skip
	if it.walk == nil {
		if it.unreadable {
			out = append(out, audit.Skip{Input: it.path, Reason: it.absent})
		}
		return out
	}
	all := it.walk.Skipped
	for i, k := range all {
		if i == mostSkips {
			out = append(out, audit.Skip{Input: it.path, Reason: fmt.Sprintf("%d more places could not be looked at", len(all)-i)})
			break
		}
		out = append(out, audit.Skip{Input: it.place(k.Path), Reason: k.Reason})
	}
	return out
}
