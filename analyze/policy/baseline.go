// Package policy decides whether a change of an audit is allowed: it keeps a
// baseline of known findings, reads waivers, and says what is new. It also
// compares two audits, and findings with nixpkgs' own labels. It judges no
// derivation: verdicts are the audit's.
package policy

import (
	"bufio"
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"fromsource/analyze/audit"
	"fromsource/analyze/policy/finding"
)

// baselineHeader is the first line of a baseline; a format that this version
// cannot read will have another.
const baselineHeader = "# fromsource baseline v1"

const baselineHelp = `# Known binary dependencies, one a line: name, verdict, kinds, reach, origin.
# Versions are left out, so that an update of a known one changes nothing here.
# Written by "fromsource baseline update"; comments above a line are kept.
`

// maxBaseline bounds what is read, in bytes.
const maxBaseline = 64 << 20

// Entry is one line of a baseline: a finding's identity.
type Entry struct {
	finding.Identity
	// Comment are the comment lines above it, with their signs.
	Comment []string `json:"-"`
	// Line is where it stood in the file that was read; 0 if in none.
	Line int `json:"line,omitempty"`
}

// Baseline is the set of findings that are known.
type Baseline struct {
	Entries []Entry
}

// FileError is an error in a file that a user wrote, with its place.
type FileError struct {
	File string
	Line int
	Msg  string
}

func (e *FileError) Error() string { return fmt.Sprintf("%s:%d: %s", e.File, e.Line, e.Msg) }

// ReadBaseline reads a baseline; name is what errors call it. Every line that
// is not understood is an error: a gate must not pass on a file that it has
// misread.
func ReadBaseline(name string, r io.Reader) (*Baseline, error) {
	return readBaseline(name, r, false)
}

// ReadConflicting reads a baseline in which a merge may have left conflict
// markers: the lines of all sides count. It is for writing the file anew, which
// takes no more than its comments; a gate does not pass on such a file.
func ReadConflicting(name string, r io.Reader) (*Baseline, error) {
	return readBaseline(name, r, true)
}

func readBaseline(name string, r io.Reader, conflicts bool) (*Baseline, error) {
	data, err := readBounded(r, maxBaseline)
	if err != nil {
		return nil, fmt.Errorf("reading baseline %q: %w", name, err)
	}
	if len(bytes.TrimSpace(data)) == 0 {
		return nil, &FileError{File: name, Line: 1, Msg: fmt.Sprintf("empty: a baseline starts with %q", baselineHeader)}
	}
	b := &Baseline{}
	var comment []string
	headed := false
	for n, line := range lines(data) {
		fail := func(format string, args ...any) error {
			return &FileError{File: name, Line: n, Msg: fmt.Sprintf(format, args...)}
		}
		switch {
		case conflictMarker(line) && conflicts, headed && strings.TrimSpace(line) == baselineHeader:
			comment = nil
		case conflictMarker(line):
			return nil, fail("unresolved merge conflict (%q): keep the lines of both sides, or let \"fromsource baseline update\" write it anew", clip(line))
		case !headed:
			if strings.TrimSpace(line) != baselineHeader {
				return nil, fail("not a baseline that this version can read: want the first line %q, have %q", baselineHeader, clip(line))
			}
			headed = true
		case strings.TrimSpace(line) == "":
			comment = nil
		case strings.HasPrefix(line, "#"):
			comment = append(comment, strings.TrimRight(line, " \t"))
		default:
			id, err := parseIdentity(line)
			if err != nil {
				return nil, fail("%v", err)
			}
			if len(b.Entries) == 0 {
				comment = withoutHelp(comment)
			}
			b.Entries = append(b.Entries, Entry{Identity: id, Comment: comment, Line: n})
			comment = nil
		}
	}
	b.sort()
	return b, nil
}

// withoutHelp drops our own explanation from the first entry's comment.
func withoutHelp(comment []string) []string {
	return slices.DeleteFunc(comment, func(c string) bool { return strings.Contains(baselineHelp, c+"\n") })
}

func conflictMarker(line string) bool {
	for _, m := range []string{"<<<<<<<", "|||||||", "=======", ">>>>>>>"} {
		if line == m || strings.HasPrefix(line, m+" ") {
			return true
		}
	}
	return false
}

func parseIdentity(line string) (finding.Identity, error) {
	f := strings.Fields(line)
	if len(f) != 5 {
		return finding.Identity{}, fmt.Errorf("want 5 fields (name, verdict, kinds, reach, origin), have %d", len(f))
	}
	id := finding.Identity{Name: f[0], Verdict: audit.Verdict(f[1]), Reach: audit.Reach(f[3]), Origin: f[4], Kinds: []audit.Kind{}}
	if !finding.Is(id.Verdict) && id.Verdict != audit.Seed {
		return finding.Identity{}, fmt.Errorf("verdict is %q, want binary, carries-binary, built-by-binary or seed", clip(f[1]))
	}
	if f[2] != "-" {
		for k := range strings.SplitSeq(f[2], "+") {
			if !slices.Contains(kinds, audit.Kind(k)) {
				return finding.Identity{}, fmt.Errorf("kind is %q, want binaryNativeCode, binaryBytecode or binaryFirmware", clip(k))
			}
			id.Kinds = append(id.Kinds, audit.Kind(k))
		}
	}
	if reachRank(id.Reach) < 0 {
		return finding.Identity{}, fmt.Errorf("reach is %q, want runtime, build or unknown", clip(f[3]))
	}
	return id, nil
}

var kinds = []audit.Kind{audit.NativeCode, audit.Bytecode, audit.Firmware}

// reachRank orders reaches from the harmless to the worst; -1 is no reach.
func reachRank(r audit.Reach) int {
	return slices.Index([]audit.Reach{audit.ReachBuild, audit.ReachUnknown, audit.ReachRuntime}, r)
}

// FromAudit is the baseline of an audit's findings and seeds. Comments of an
// older baseline stay with the entries that stay; old may be nil.
func FromAudit(a *audit.Audit, old *Baseline) *Baseline {
	comments := map[string][]string{}
	if old != nil {
		for _, e := range old.Entries {
			comments[formatIdentity(e.Identity)] = e.Comment
		}
	}
	b := &Baseline{}
	set := finding.Of(a)
	for _, rows := range [][]int{set.Findings, set.Seeds} {
		for _, i := range rows {
			id := set.Identity(i)
			b.Entries = append(b.Entries, Entry{Identity: id, Comment: comments[formatIdentity(id)]})
		}
	}
	b.sort()
	return b
}

// sort orders entries by their lines and drops those said twice.
func (b *Baseline) sort() {
	slices.SortStableFunc(b.Entries, func(x, y Entry) int {
		return cmp.Compare(formatIdentity(x.Identity), formatIdentity(y.Identity))
	})
	b.Entries = slices.CompactFunc(b.Entries, func(x, y Entry) bool {
		return formatIdentity(x.Identity) == formatIdentity(y.Identity)
	})
}

func formatIdentity(id finding.Identity) string {
	k := "-"
	if len(id.Kinds) > 0 {
		parts := make([]string, len(id.Kinds))
		for i, kind := range id.Kinds {
			parts[i] = string(kind)
		}
		k = strings.Join(parts, "+")
	}
	return strings.Join([]string{id.Name, string(id.Verdict), k, string(id.Reach), id.Origin}, " ")
}

// Write writes the baseline, sorted, one line an entry.
func (b *Baseline) Write(w io.Writer) error {
	bw := bufio.NewWriter(w)
	bw.WriteString(baselineHeader + "\n" + baselineHelp)
	for i, e := range b.Entries {
		if i == 0 || len(e.Comment) > 0 {
			bw.WriteString("\n")
		}
		for _, c := range e.Comment {
			bw.WriteString(c + "\n")
		}
		bw.WriteString(formatIdentity(e.Identity) + "\n")
	}
	if err := bw.Flush(); err != nil {
		return fmt.Errorf("writing baseline: %w", err)
	}
	return nil
}

var errTooLarge = errors.New("file is too large")

func readBounded(r io.Reader, limit int64) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(data)) > limit {
		return nil, fmt.Errorf("%w: more than %d bytes", errTooLarge, limit)
	}
	return data, nil
}

// lines yields the lines of data with their numbers from 1, without their
// ends, CRLF as LF.
func lines(data []byte) func(yield func(int, string) bool) {
	return func(yield func(int, string) bool) {
		n := 0
		for line := range bytes.SplitSeq(bytes.TrimSuffix(data, []byte("\n")), []byte("\n")) {
			n++
			if !yield(n, string(bytes.TrimSuffix(line, []byte("\r")))) {
				return
			}
		}
	}
}

// clip shortens what an error quotes.
func clip(s string) string {
	if len(s) > 60 {
		return s[:60] + "…"
	}
	return s
}
