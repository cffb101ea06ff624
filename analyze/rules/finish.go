package rules

import (
	"slices"
	"strings"

	"fromsource/analyze/audit"
	"fromsource/analyze/fetch"
	"fromsource/closure"
)

// finish turns scores into suspicions.
func (j *judge) finish(p *part, id closure.ID) {
	f := &j.facts[id]
	s := &j.self[id]
	o := &j.out[id]
	o.Score = s.sum
	o.Fetch = f.Fetch
	o.URLs = []string{}
	o.BinarySources = f.inputSrcs
	if f.Fetch != nil {
		o.URLs = f.Fetch.Resolve(j.mirrors(p, id))
	}
	o.Suspected = o.Suspected || s.sum >= Threshold
	if s.patch {
		o.Suspected = false
	}
	o.Evidence = s.evidence
	slices.SortStableFunc(o.Evidence, func(a, b audit.Evidence) int {
		if c := strings.Compare(a.From, b.From); c != 0 {
			return c
		}
		return weightOf(b.Rule) - weightOf(a.Rule)
	})
	if o.Evidence == nil {
		o.Evidence = []audit.Evidence{}
	}
	o.Kinds = []audit.Kind{}
	if o.Suspected {
		o.Kinds = kindsOf(s)
		switch {
		case s.sum >= highFrom:
			o.Confidence = audit.High
		case s.sum >= mediumFrom:
			o.Confidence = audit.Medium
		default:
			o.Confidence = audit.Low
		}
	}
}

// kindsOf names the kinds that weigh enough; native where nothing tells.
func kindsOf(s *scored) []audit.Kind {
	out := []audit.Kind{}
	top := 0
	for _, k := range s.kinds {
		top = max(top, k)
	}
	for i, k := range s.kinds {
		if k > 0 && 2*k >= top {
			out = append(out, kindOrder[i])
		}
	}
	if len(out) == 0 {
		out = append(out, audit.NativeCode)
	}
	slices.Sort(out)
	return out
}

// mirrors is the mirrors list among a fetch's inputs.
func (j *judge) mirrors(p *part, id closure.ID) fetch.Mirrors {
	f := j.facts[id].Fetch
	if f == nil || f.MirrorsFile == "" {
		return nil
	}
	if f.MirrorsFile != p.mirrorsFile {
		p.mirrors, p.mirrorsFile = nil, f.MirrorsFile
		if i := j.makers.find(hashPath(f.MirrorsFile)); i != closure.None {
			p.mirrors = j.facts[i].Mirrors
		}
	}
	return p.mirrors
}
