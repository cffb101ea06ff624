// Package rules suspects prebuilt code from the text of derivations alone:
// what a fetch says of itself, and what its consumers do with it.
//
// Each rule is a value with its reasons, limits and weight, and with examples
// that are its test. No rule names a package. A derivation is suspected when
// the weights of the rules that apply to it reach Threshold; rules with a
// negative weight speak for source (a compiler is run, a forge packs a
// revision). The answer is a suspicion: only content and trace settle it.
//
// Facts are extracted while a closure is loaded (Extract), and judged when
// its graph is complete (Judge), because what a download is shows most in
// what is done with it.
package rules

import (
	"fromsource/analyze/audit"
	"fromsource/analyze/fetch"
)

// Version changes whenever the rules may answer differently on the same
// derivations.
const Version = "10"

// Threshold is the sum of weights from which a derivation is suspected. A
// single rule of this weight is enough on its own, if nothing speaks against
// it.
//
// It is where a missed prebuilt program weighs more than a false alarm, which
// content settles. On 822 packages that no rule had been made with, 50 missed
// 17 of 262 and alarmed falsely for 6 of 560, 40 missed 12 and alarmed for 13.
const Threshold = 40

// Sums from which a suspicion is called of medium and of high confidence.
const (
	mediumFrom = 70
	highFrom   = 100
)

// Scope says what a rule looks at.
type Scope uint8

const (
	// OnFetch rules look at a fixed-output derivation itself.
	OnFetch Scope = iota
	// OnUse rules look at a derivation that builds or repackages something;
	// what they say holds for it and for what it fetches.
	OnUse
	// OnGraph rules look at how derivations relate.
	OnGraph
)

// String is the scope as the listing shows it.
func (s Scope) String() string { return [...]string{"fetch", "use", "graph"}[s] }

// Rule is one reason to suspect, or not to suspect, prebuilt code.
type Rule struct {
	// ID is stable: waivers and baselines refer to it.
	ID    string
	Title string
	// Why is the reason, How what is matched, Limits what it gets wrong,
	// Remedy what a packager can do about a finding.
	Why, How, Limits, Remedy string
	Scope                    Scope
	// Weight in points of Threshold; negative speaks for source.
	Weight int
	// Kind is what a match suggests; empty where it does not tell.
	Kind audit.Kind
	// Positive must match, Negative must not.
	Positive, Negative []Example

	match func(*subject) (at, detail string, ok bool)
}

// subject is what a rule is matched against.
type subject struct {
	f *Facts
	// name is the derivation's name.
	name string
	// shapes are what its addresses say, or its name where it has none.
	shapes []shape
	// builds says that something is compiled, as far as the text tells.
	builds bool
	// fetched says that a download is copied or unpacked, source that one is or
	// that there is a source.
	fetched, source bool
}

// named says that the subject is a build with a declared hash, which the
// package gave its name.
func (s *subject) named() bool {
	return s.f.Fetch != nil && len(s.f.Fetch.URLs) == 0 && !s.f.Fetch.Stub
}

// local says that the subject is such a build and no download by a script of
// its own: the name is not that of a file that somebody published. What is one
// file, and an archive by its name, is hardly built.
func (s *subject) local() bool {
	return s.named() && !(s.f.Fetch.Fetcher == fetch.Local && s.f.Fetch.Mode == "flat" && archiveName(s.f.Fetch.Name))
}

// hitOf finds the place of a signal.
func (s *subject) hitOf(sig signal) (at, detail string, ok bool) {
	if !s.f.sigs.has(sig) {
		return "", "", false
	}
	for _, h := range s.f.hits {
		if h.sig == sig {
			return h.at, h.detail, true
		}
	}
	return "", "", true
}

// unpacksLate says that the source is unpacked when it is installed: nothing
// was made of it before.
func (s *subject) unpacksLate() bool {
	at, _, ok := s.hitOf(sigUnpackSrc)
	return ok && at == "env.installPhase"
}

// anyOf finds the first of several signals.
func (s *subject) anyOf(sigs ...signal) (at, detail string, ok bool) {
	for _, g := range sigs {
		if at, detail, ok := s.hitOf(g); ok {
			return at, detail, ok
		}
	}
	return "", "", false
}

// All lists the rules, in the order in which they are documented. The slice
// is the caller's.
func All() []Rule {
	var out []Rule
	for _, t := range [][]Rule{fetchFileRules(), fetchWordRules(), fetchClearRules(), useNativeRules(), useOtherRules(), useHintRules(), useClears(), graphRules()} {
		out = append(out, t...)
	}
	return out
}

// Find is the rule with an id.
func Find(id string) (Rule, bool) {
	for _, r := range All() {
		if r.ID == id {
			return r, true
		}
	}
	return Rule{}, false
}
