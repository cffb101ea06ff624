// Package audit is the contract between the analysis and everything that
// reads its result: the types of audit.json, and how they are read, checked
// and written. It computes no verdict and knows no format but its own.
package audit

// Schema names the version of the audit file that this package writes.
// Keys may be added to a version; none is renamed or removed.
const Schema = "fromsource/audit/v1"

// Audit is the whole result of one analysis. The same input gives the same
// bytes: no times, no paths of the machine, everything sorted.
type Audit struct {
	Schema  string  `json:"schema"`
	Tool    Tool    `json:"tool"`
	Target  Target  `json:"target"`
	Summary Summary `json:"summary"`
	// Derivations is sorted by Drv; Inputs index into it.
	Derivations []Derivation `json:"derivations"`
	// Promises are what stdenv promises of its seed, tested; absent where the
	// closure has no seed or no contents were at hand.
	Promises []Promise `json:"promises,omitempty"`
	// Skipped lists what could not be looked at. Never null.
	Skipped []Skip `json:"skipped"`
}

// Tool is what made the audit.
type Tool struct {
	Version string `json:"version"`
	// Detector is the version of rules and content tables together: results
	// of the same detector on the same bytes are the same.
	Detector string `json:"detector,omitempty"`
}

// Target is what was audited.
type Target struct {
	Name  string   `json:"name"`
	Roots []string `json:"roots"`
	// Image is the file that the roots' output holds (an ISO), where it was
	// at hand.
	Image *Image `json:"image,omitempty"`
	// Guest says what built the closure, where fromsource built it.
	Guest *Guest `json:"guest,omitempty"`
	// ReachBy says how reach was decided: "image" (the content of the image
	// itself), "references" (of the outputs), or "unknown".
	ReachBy string `json:"reachBy,omitempty"`
}

// Image is a result file, by name and hash.
type Image struct {
	Path   string `json:"path"`
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
}

// Guest is the machine in which a closure was built.
type Guest struct {
	// Nix and Kernel are version strings as the guest reported them.
	Nix         string   `json:"nix"`
	Kernel      string   `json:"kernel"`
	Packages    []string `json:"packages,omitempty"`
	Substitutes bool     `json:"substitutes"`
	Sandbox     bool     `json:"sandbox"`
}

// Summary counts derivations.
type Summary struct {
	Derivations int             `json:"derivations"`
	FixedOutput int             `json:"fixedOutput"`
	Verdicts    map[Verdict]int `json:"verdicts"`
	Suspected   int             `json:"suspected"`
	Missing     int             `json:"missing"`
}

// Verdict is what a derivation is found to be; every derivation has one.
type Verdict string

// The verdicts; see the README for their meaning.
const (
	Source        Verdict = "source"
	Binary        Verdict = "binary"
	CarriesBinary Verdict = "carries-binary"
	BuiltByBinary Verdict = "built-by-binary"
	Seed          Verdict = "seed"
	Unknown       Verdict = "unknown"
)

// Verdicts lists all of them in the order in which reports show them.
var Verdicts = []Verdict{Source, Binary, CarriesBinary, BuiltByBinary, Seed, Unknown}

// Kind is a source type as nixpkgs' lib.sourceTypes names it.
type Kind string

// The kinds of prebuilt content.
const (
	NativeCode Kind = "binaryNativeCode"
	Bytecode   Kind = "binaryBytecode"
	Firmware   Kind = "binaryFirmware"
)

// Reach says whether a derivation's output is part of the target.
type Reach string

// The reaches.
const (
	ReachRuntime Reach = "runtime"
	ReachBuild   Reach = "build"
	ReachUnknown Reach = "unknown"
)

// Confidence grades a verdict.
type Confidence string

// The grades.
const (
	High   Confidence = "high"
	Medium Confidence = "medium"
	Low    Confidence = "low"
)

// Level says how far a piece of evidence was followed.
type Level string

// The levels, in the order in which they are reached.
const (
	LevelDerivation Level = "derivation"
	LevelContent    Level = "content"
	LevelTrace      Level = "trace"
	LevelRebuild    Level = "rebuild"
)

// Derivation is one row: a derivation, its verdict, and why.
type Derivation struct {
	Drv         string     `json:"drv"`
	Name        string     `json:"name"`
	FixedOutput bool       `json:"fixedOutput"`
	Verdict     Verdict    `json:"verdict"`
	Suspected   bool       `json:"suspected"`
	Kinds       []Kind     `json:"kinds"`
	Reach       Reach      `json:"reach"`
	Confidence  Confidence `json:"confidence"`
	// Influence counts the derivations of the target's runtime closure that
	// depend on this one.
	Influence int        `json:"influence"`
	URLs      []string   `json:"urls"`
	Evidence  []Evidence `json:"evidence"`
	Rebuild   []Rebuild  `json:"rebuild"`
	// Reason says why a verdict is unknown, or what else a reader needs.
	Reason string `json:"reason,omitempty"`
	// Through are the rows from which this one has its verdict, where what
	// they made was executed, copied or compiled here: built-by-binary, or
	// unknown, by way of others. Ascending; absent where its own inputs and
	// its own build decide alone.
	Through []int `json:"through,omitempty"`
	// Missing is true for an input that was named but not at hand.
	Missing bool     `json:"missing,omitempty"`
	Outputs []Output `json:"outputs"`
	// Inputs are the rows of the input derivations, ascending. For a
	// fixed-output derivation they are needed only to fetch it.
	Inputs []int `json:"inputs"`
	// Meta is what was given beside the closure (nixpkgs' own label).
	Meta *Meta `json:"meta,omitempty"`
}

// Output is one output path of a derivation, with what is on record of it.
type Output struct {
	Name string `json:"name"`
	Path string `json:"path"`
	// NarHash is SRI; empty where the output was not at hand.
	NarHash string `json:"narHash,omitempty"`
	NarSize int64  `json:"narSize,omitempty"`
	// References are the rows whose outputs this one refers to, itself
	// excluded, ascending; null where the output was not at hand.
	References []int `json:"references,omitempty"`
}

// Evidence is one reason for a verdict, with the exact place.
type Evidence struct {
	Rule  string `json:"rule"`
	Level Level  `json:"level"`
	// At is the place: "env.urls", "args[1]", a member path inside an
	// archive ("src.tar/lib/x.so"), an output path and file.
	At     string `json:"at"`
	Detail string `json:"detail"`
	// From is the derivation that the evidence comes from, where it is
	// another one (the fetch whose bytes were found here).
	From string `json:"from,omitempty"`
}

// Rebuild is one comparison of an output's hash with one on record.
type Rebuild struct {
	Output   string `json:"output"`
	Expected string `json:"expected"`
	Got      string `json:"got"`
	// Result is one of the Result constants.
	Result string `json:"result"`
	// By is who rebuilt ("guest", "second guest", "local").
	By string `json:"by"`
	// Against is what it was compared with ("first build", a cache's name).
	Against string `json:"against,omitempty"`
	// Reason says why there is no result, or where the outputs differ.
	Reason string `json:"reason,omitempty"`
	// Differences are the first places where two outputs differ.
	Differences []Difference `json:"differences,omitempty"`
	// Stabilised is true where the two differ in nothing but metadata of
	// containers: times, owners, order of members. That is not reproduced.
	Stabilised bool `json:"stabilised,omitempty"`
	// Variations names what was varied on purpose, Culprits which of it made
	// the difference.
	Variations []string `json:"variations,omitempty"`
	Culprits   []string `json:"culprits,omitempty"`
	// Log is the end of the log of a build that failed.
	Log string `json:"log,omitempty"`
	// Diffoscope is the file in which diffoscope describes the difference,
	// where it was run.
	Diffoscope string `json:"diffoscope,omitempty"`
}

// Difference is one place where two builds of an output differ.
type Difference struct {
	Path string `json:"path"`
	// What is "added", "removed", "mode", "symlink", "content", or what a
	// format knows: "section .text", "timestamp", "order".
	What   string `json:"what"`
	Detail string `json:"detail,omitempty"`
}

// The results of a rebuild.
const (
	Reproduced   = "reproduced"
	Differs      = "differs"
	NoReference  = "no reference"
	Failed       = "failed"
	NotAttempted = "not attempted"
)

// Skip is something that could not be looked at, and why.
type Skip struct {
	Input  string `json:"input"`
	Reason string `json:"reason"`
}

// Meta is nixpkgs' own statement about a package.
type Meta struct {
	Attr             string   `json:"attr,omitempty"`
	SourceProvenance []string `json:"sourceProvenance"`
}
