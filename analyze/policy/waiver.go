package policy

import (
	"errors"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"
	"time"

	yaml "go.yaml.in/yaml/v3"

	"fromsource/analyze/audit"
	"fromsource/analyze/policy/finding"
)

// Reasons is the fixed list of reasons for a waiver, each with its meaning.
var Reasons = []struct{ ID, Title string }{
	{"bootstrap", "a compiler that needs itself, until a bootstrap from source is packaged"},
	{"firmware", "code for a device, of which no source is published"},
	{"no-source", "upstream publishes binaries only"},
	{"build-cost", "source exists, but building it is out of reach for now"},
	{"test-only", "used by tests, not by what is built"},
	{"regression", "came in by mistake and is being removed"},
	{"false-positive", "not prebuilt; reported as a defect of the detector"},
}

// Waiver excuses a finding that the baseline does not have, for a while.
type Waiver struct {
	// Finding is the name as a baseline writes it (without version); "*"
	// stands for any characters.
	Finding string
	// Verdict, Kind and Origin narrow it where they are not empty; Origin may
	// have "*", too.
	Verdict audit.Verdict
	Kind    audit.Kind
	Origin  string
	// Reach is the worst reach that it excuses.
	Reach audit.Reach
	// Covers is how many different findings it may match; 1 when not given.
	Covers int
	Reason string
	Owner  string
	Issue  string
	// Until is the last day (UTC) on which it holds.
	Until time.Time
	// Output pins the SRI hash of an output of the finding.
	Output string

	File string
	Line int
}

// Waivers is a list as a file gave it.
type Waivers struct {
	List []Waiver
}

const maxWaivers = 4 << 20

// minLiteral is how many characters of a waiver's name must not be wildcards.
const minLiteral = 3

// ReadWaivers reads a YAML file, or a TOML one where its name ends in .toml:
//
//	waivers:
//	  - finding: hello-bin
//	    reach: build
//	    reason: no-source
//	    owner: "@team"
//	    issue: https://example.org/issues/1
//	    until: 2026-12-31
//
// All errors are reported, each with file and line, joined.
func ReadWaivers(name string, r io.Reader) (*Waivers, error) {
	data, err := readBounded(r, maxWaivers)
	if err != nil {
		return nil, fmt.Errorf("reading waivers %q: %w", name, err)
	}
	for n, line := range lines(data) {
		if conflictMarker(line) {
			return nil, &FileError{File: name, Line: n, Msg: fmt.Sprintf("unresolved merge conflict (%q)", clip(line))}
		}
	}
	w := &Waivers{}
	var root *yaml.Node
	if strings.HasSuffix(name, ".toml") {
		if root, err = readTOML(name, data); err != nil {
			return nil, err
		}
	} else {
		var doc yaml.Node
		if err := yaml.Unmarshal(data, &doc); err != nil {
			return nil, yamlError(name, err)
		}
		if len(doc.Content) == 0 {
			return w, nil
		}
		root = doc.Content[0]
	}
	p := waiverParser{file: name}
	p.mapping(root, `the file, with the list under "waivers",`, map[string]func(*yaml.Node){
		"waivers": func(n *yaml.Node) {
			if n.Kind == yaml.ScalarNode && n.Tag == "!!null" {
				return
			}
			if n.Kind != yaml.SequenceNode {
				p.fail(n, "waivers must be a list")
				return
			}
			for _, item := range n.Content {
				w.List = append(w.List, p.waiver(item))
			}
		},
	})
	if err := errors.Join(p.errs...); err != nil {
		return nil, err
	}
	return w, nil
}

// yamlError turns the library's "yaml: line 3: …" into ours.
func yamlError(name string, err error) error {
	msg := strings.TrimPrefix(err.Error(), "yaml: ")
	line := 1
	if rest, ok := strings.CutPrefix(msg, "line "); ok {
		if _, e := fmt.Sscanf(rest, "%d:", &line); e == nil {
			_, msg, _ = strings.Cut(rest, ": ")
		}
	}
	return &FileError{File: name, Line: line, Msg: "not YAML: " + msg}
}

type waiverParser struct {
	file string
	errs []error
}

func (p *waiverParser) fail(n *yaml.Node, format string, args ...any) {
	p.errs = append(p.errs, &FileError{File: p.file, Line: max(n.Line, 1), Msg: fmt.Sprintf(format, args...)})
}

// mapping calls the field's function for every key, and refuses keys that
// are unknown or said twice.
func (p *waiverParser) mapping(n *yaml.Node, what string, fields map[string]func(*yaml.Node)) bool {
	if n.Kind != yaml.MappingNode {
		p.fail(n, "%s must be a mapping of keys to values", what)
		return false
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i].Value
		set, ok := fields[key]
		switch {
		case !ok:
			p.fail(n.Content[i], "unknown key %q", clip(key))
		case seen[key]:
			p.fail(n.Content[i], "key %q is given twice", key)
		default:
			seen[key] = true
			set(n.Content[i+1])
		}
	}
	return true
}

func (p *waiverParser) text(into *string) func(*yaml.Node) {
	return func(n *yaml.Node) {
		if n.Kind != yaml.ScalarNode {
			p.fail(n, "want a plain value")
			return
		}
		*into = strings.TrimSpace(n.Value)
	}
}

func (p *waiverParser) waiver(n *yaml.Node) Waiver {
	w := Waiver{File: p.file, Line: n.Line, Covers: 1}
	var verdict, kind, reach string
	if !p.mapping(n, "a waiver", map[string]func(*yaml.Node){
		"finding": p.text(&w.Finding), "verdict": p.text(&verdict), "kind": p.text(&kind),
		"reach": p.text(&reach), "origin": p.text(&w.Origin), "reason": p.text(&w.Reason),
		"owner": p.text(&w.Owner), "issue": p.text(&w.Issue), "output": p.text(&w.Output),
		"until": func(v *yaml.Node) {
			day, err := time.Parse(time.DateOnly, v.Value)
			if err != nil {
				p.fail(v, "until is %q, which is no date (want year-month-day, such as 2026-12-31)", clip(v.Value))
				w.Until = time.Unix(1, 0)
				return
			}
			w.Until = day
		},
		"covers": func(v *yaml.Node) {
			if err := v.Decode(&w.Covers); err != nil || w.Covers < 1 {
				p.fail(v, "covers is %q, want a number of findings from 1", clip(v.Value))
			}
		},
	}) {
		return w
	}
	w.Verdict, w.Kind, w.Reach = audit.Verdict(verdict), audit.Kind(kind), audit.Reach(reach)
	p.check(n, &w)
	return w
}

func (p *waiverParser) check(n *yaml.Node, w *Waiver) {
	if len(strings.ReplaceAll(w.Finding, "*", "")) < minLiteral {
		p.fail(n, "finding is %q, which is too broad: want a name with at least %d characters that are no wildcard", clip(w.Finding), minLiteral)
	}
	if w.Verdict != "" && !finding.Is(w.Verdict) && w.Verdict != audit.Seed {
		p.fail(n, "verdict is %q, want binary, carries-binary, built-by-binary or seed", clip(string(w.Verdict)))
	}
	if w.Kind != "" && !slices.Contains(kinds, w.Kind) {
		p.fail(n, "kind is %q, want binaryNativeCode, binaryBytecode or binaryFirmware", clip(string(w.Kind)))
	}
	if reachRank(w.Reach) < 0 {
		p.fail(n, "reach is %q, want the worst reach that is excused: build, unknown or runtime", clip(string(w.Reach)))
	}
	if !slices.ContainsFunc(Reasons, func(r struct{ ID, Title string }) bool { return r.ID == w.Reason }) {
		ids := make([]string, len(Reasons))
		for i, r := range Reasons {
			ids[i] = r.ID
		}
		p.fail(n, "reason is %q, want one of %s", clip(w.Reason), strings.Join(ids, ", "))
	}
	if w.Owner == "" {
		p.fail(n, "owner is missing: who is asked when it expires?")
	}
	if u, err := url.Parse(w.Issue); err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" {
		p.fail(n, "issue is %q, want the URL of the issue that tracks it", clip(w.Issue))
	}
	if w.Until.IsZero() {
		p.fail(n, "until is missing: a waiver has a last day")
	}
	if w.Output != "" && !strings.HasPrefix(w.Output, "sha256-") {
		p.fail(n, "output is %q, want a hash of the form sha256-…", clip(w.Output))
	}
}

// matches reports whether a waiver is about a finding, before reach and pin
// are looked at.
func (w *Waiver) matches(id finding.Identity) bool {
	if !wildcard(w.Finding, id.Name) || w.Verdict != "" && w.Verdict != id.Verdict {
		return false
	}
	if w.Kind != "" && (len(id.Kinds) != 1 || id.Kinds[0] != w.Kind) {
		return false
	}
	return w.Origin == "" || wildcard(w.Origin, id.Origin)
}

// wildcard matches "*" against any run of characters. It is linear in the
// product of both lengths at worst and needs no recursion.
func wildcard(pattern, s string) bool {
	star, mark, p, i := -1, 0, 0, 0
	for i < len(s) {
		switch {
		// A star in the name itself is matched by the star of the pattern.
		case p < len(pattern) && pattern[p] == '*':
			star, mark = p, i
			p++
		case p < len(pattern) && pattern[p] == s[i]:
			p++
			i++
		case star >= 0:
			p = star + 1
			mark++
			i = mark
		default:
			return false
		}
	}
	for p < len(pattern) && pattern[p] == '*' {
		p++
	}
	return p == len(pattern)
}
