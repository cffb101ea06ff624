package analyze

import (
	"context"
	"errors"
	"fmt"
	"time"

	"fromsource/analyze/audit"
	"fromsource/analyze/content"
	"fromsource/analyze/rules"
	"fromsource/analyze/trace"
	"fromsource/closure"
)

// Detector is the version of rules and content tables together: with the same
// one, the same bytes get the same result.
const Detector = "rules " + rules.Version + ", content " + content.Version + ", trace " + trace.Version

// Run audits a closure. Every derivation of it gets a verdict; what is at hand
// decides how many are more than unknown.
//
// On a cancelled context Run returns the audit as far as it came, with the
// rest unknown, beside the context's error. Any other error but that of the
// rebuild stage comes without an audit. The same request gives the same audit.
func Run(ctx context.Context, req Request) (*audit.Audit, error) {
	if req.Graph == nil || len(req.Facts) != req.Graph.Len() {
		return nil, errors.New("auditing: a graph and the facts of each of its derivations are needed")
	}
	s := newState(req)
	n := s.g.Len()
	s.event(Event{Stage: StageRules, Total: n})
	s.text = rules.Judge(s.g, req.Facts)
	s.groundSeeds()
	s.event(Event{Stage: StageRules, Done: n, Total: n})
	if req.Store != nil {
		s.look(ctx)
	}
	s.findReach()
	decisions := s.decideAll()
	s.event(Event{Stage: StageVerdict, Done: n, Total: n})
	var err error
	if req.Rebuild != nil && ctx.Err() == nil {
		err = s.rebuild(ctx, decisions)
	}
	a := s.assemble(decisions)
	_ = s.prints.Prune(time.Now()) // what can't be removed today is tried again tomorrow
	if ctx.Err() != nil {
		return a, fmt.Errorf("audit is incomplete: %w", context.Cause(ctx))
	}
	return a, err
}

// look walks the contents: first those of fetches, input sources and seeds,
// then those of everything that was built, to be matched with the former.
func (s *state) look(ctx context.Context) {
	var first, second []*item
	listed := map[*item]bool{}
	add := func(to *[]*item, it *item) {
		if it != nil && !listed[it] {
			listed[it] = true
			*to = append(*to, it)
		}
	}
	for i := range closure.ID(s.g.Len()) {
		to := &second
		if s.isOrigin(i) {
			to = &first
		}
		for _, it := range s.outputs[i] {
			add(to, it)
		}
		for _, it := range s.sources[i] {
			if it.id == closure.None {
				add(&first, it)
			}
		}
	}
	s.walkAll(ctx, StageContent, first)
	s.collectOrigins()
	s.walkAll(ctx, StageTrace, second)
	s.collectTwins()
	s.collectObjects()
	s.collectMakers()
	s.collectWholes()
	s.findInterpreters()
	for i := range closure.ID(s.g.Len()) {
		if !s.g.FixedOutput(i) {
			for _, it := range s.outputs[i] {
				s.match(it)
			}
		}
	}
	s.resemblances()
	s.walkImage(ctx)
}

// rebuild hands the suspects to the rebuild stage. What it could not do is in
// its results; its error is for the caller.
func (s *state) rebuild(ctx context.Context, decisions []decision) error {
	var suspects []Suspect
	for i, d := range decisions {
		if prebuilt(d.verdict) || d.verdict == audit.Unknown && s.text[i].Suspected {
			suspects = append(suspects, Suspect{Drv: s.g.Path(closure.ID(i)), Verdict: d.verdict})
		}
	}
	if len(suspects) == 0 {
		return nil
	}
	got, err := s.req.Rebuild(ctx, suspects, func(done, total int, item string) {
		s.event(Event{Stage: StageRebuild, Done: done, Total: total, Item: item})
	})
	s.rebuilds = got
	if err != nil {
		return fmt.Errorf("rebuilding: %w", err)
	}
	return nil
}
