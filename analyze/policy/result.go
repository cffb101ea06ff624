package policy

import (
	"fromsource/analyze/policy/finding"
)

// GateSchema names the version of a gate result's JSON.
const GateSchema = "fromsource/gate/v1"

// Why says in which respect a finding is not in the baseline.
type Why string

// The ways in which a finding is new.
const (
	WhyNew     Why = "new"     // nothing of this name is known
	WhyReach   Why = "reach"   // known, but not to reach this far
	WhyKind    Why = "kind"    // known, but not as content of this kind
	WhyOrigin  Why = "origin"  // known, but from elsewhere
	WhyVerdict Why = "verdict" // known, but as something else
)

// Item is a finding that the baseline does not cover.
type Item struct {
	finding.Identity
	Drv     string `json:"drv"`
	Package string `json:"package"`
	Why     Why    `json:"why"`
	// Was is the baseline's line that comes closest, where one does.
	Was *Entry `json:"was,omitempty"`
	// Since is the input of the target through which it comes in, Way the
	// names from the target to it.
	Since string   `json:"since"`
	Way   []string `json:"way"`
	URL   string   `json:"url,omitempty"`
	// CarriedBy are new findings that exist only because of this one.
	CarriedBy []string `json:"carriedBy"`
	// Carries are the findings and seeds that its bytes come from.
	Carries []string `json:"carries"`
	// Suspected is true where text alone speaks for it.
	Suspected bool `json:"suspected"`
	// Waiver is the one that excuses it; absent where none does.
	Waiver *Waiver `json:"-"`

	row int
}

// Problem is an error of the policy files themselves.
type Problem struct {
	File    string `json:"file"`
	Line    int    `json:"line"`
	Message string `json:"message"`
}

// Gone is a line of the baseline that no finding has.
type Gone struct {
	finding.Identity
	// Now says what became of it: "gone", "source" (a row of this name is
	// from source now) or "unknown" (it could not be looked at this time).
	Now string `json:"now"`
}

// Result is what the gate says.
type Result struct {
	Schema string `json:"schema"`
	Target string `json:"target"`
	// Pass is true when nothing is new and no waiver is in error.
	Pass     bool      `json:"pass"`
	New      []Item    `json:"new"`
	Waived   []Item    `json:"waived"`
	Problems []Problem `json:"problems"`
	Gone     []Gone    `json:"gone"`
	// Known counts findings that the baseline has.
	Known int `json:"known"`
	// Unknown and Skipped count what could not be looked at. They do not
	// fail the gate; a caller that is strict asks Incomplete.
	Unknown int `json:"unknown"`
	Skipped int `json:"skipped"`
}

// Incomplete reports whether something could not be looked at, so that a pass
// covers less than the whole target.
func (r *Result) Incomplete() bool { return r.Unknown > 0 || r.Skipped > 0 }
