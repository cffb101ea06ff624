package analyze

import (
	"context"
	"io"

	"fromsource/analyze/audit"
	"fromsource/analyze/content"
	"fromsource/analyze/rules"
	"fromsource/analyze/trace"
	"fromsource/closure"
	"fromsource/closure/store"
)

// Request is what to audit and what is at hand for it. Only Graph and Facts
// must be set; the less is at hand, the more is unknown in the audit.
type Request struct {
	// Name of the target, for people.
	Name string
	// Version of the tool, for the audit's head.
	Version string
	// Graph is the closure, Facts what rules.Extract saw in each derivation,
	// by ID: both come from closure.LoadFacts.
	Graph *closure.Graph
	Facts []rules.Facts
	// Store has contents; nil audits by text alone.
	Store store.Store
	// Exec is what builds were seen to execute; nil means that nobody looked.
	Exec []trace.Exec
	// Image is the result itself, where it is at hand apart from the roots'
	// outputs.
	Image *Image
	// Guest and Meta go into the audit as they are; Meta by derivation path.
	Guest *audit.Guest
	Meta  map[string]*audit.Meta
	// Rebuild builds suspects again; nil leaves that stage out.
	Rebuild Rebuilder
	// Cache is a directory for fingerprints that audits share; "" keeps none.
	Cache string
	// Workers look at contents; 0 is one per CPU.
	Workers int
	// Inspect replaces content.Inspect, for tests.
	Inspect content.Inspector
	// Progress, where set, is told of every step. It is called from several
	// goroutines, one at a time.
	Progress func(Event)
}

// Image is a result file that is not in the store.
type Image struct {
	// Path is its name as the audit shows it.
	Path string
	// Open reads it from the start.
	Open func() (io.ReadCloser, error)
}

// Rebuilder builds suspects again and compares them with what is on record.
// It returns what it has even with an error; results are by derivation path.
type Rebuilder func(ctx context.Context, suspects []Suspect, progress func(done, total int, item string)) (map[string][]audit.Rebuild, error)

// Suspect is a derivation that is worth building again.
type Suspect struct {
	Drv     string
	Verdict audit.Verdict
}

// Event is a step of an audit.
type Event struct {
	// Stage is one of the Stage constants.
	Stage string
	// Done of Total are finished; Total is 0 where it is not known.
	Done, Total int
	// Item is what was just finished, or is being worked on.
	Item string
}

// The stages, in their order.
const (
	StageRules   = "rules"
	StageContent = "content"
	StageTrace   = "trace"
	StageVerdict = "verdict"
	StageRebuild = "rebuild"
)
