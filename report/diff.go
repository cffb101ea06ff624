package report

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/olekukonko/tablewriter/tw"

	"fromsource/analyze/policy"
	"fromsource/report/internal/safe"
)

// maxChanges bounds the rows of one table of a diff.
const maxChanges = 300

// DiffMarkdown writes what changed between two audits: a sentence, then a
// table a kind of change. Bad news comes first.
func DiffMarkdown(w io.Writer, d *policy.Diff) error {
	var b bytes.Buffer
	fmt.Fprintf(&b, "## From %s to %s\n\n", mdName(d.Old.Target), mdName(d.New.Target))
	fmt.Fprintf(&b, "**%s** %s, %s and %s not looked at before; %s, %s and %d not looked at now.\n\n", diffHeadline(d),
		count(d.Old.Findings, "finding"), count(d.Old.Seeds, "seed"), fmt.Sprint(d.Old.Unknown),
		count(d.New.Findings, "finding"), count(d.New.Seeds, "seed"), d.New.Unknown)
	if was, is := d.Old.Detector, d.New.Detector; was != is && !d.Empty() {
		fmt.Fprintf(&b, "The detectors differ (%s before, %s now): what changed may be what they see, and not the closure. An audit of the old closure made anew tells.\n\n",
			safe.Cell(cmp.Or(was, "not on record"), 70), safe.Cell(cmp.Or(is, "not on record"), 70))
	}
	for _, part := range diffParts(d) {
		if err := diffTable(&b, part); err != nil {
			return fmt.Errorf("rendering diff: %w", err)
		}
	}
	if d.Same > 0 {
		fmt.Fprintf(&b, "%s changed in nothing but the version, if that.\n", count(d.Same, "finding"))
	}
	if _, err := w.Write(b.Bytes()); err != nil {
		return fmt.Errorf("writing diff: %w", err)
	}
	return nil
}

func diffHeadline(d *policy.Diff) string {
	if d.Empty() {
		return "Nothing changed."
	}
	var parts []string
	for _, p := range diffParts(d) {
		if len(p.list) > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", len(p.list), p.short))
		}
	}
	s := list(parts)
	return strings.ToUpper(s[:1]) + s[1:] + "."
}

type diffPart struct {
	title, short string
	list         []policy.Change
	what         func(policy.Change) (string, string) // old and new in this respect
}

func diffParts(d *policy.Diff) []diffPart {
	verdict := func(c policy.Change) (string, string) {
		return side(c.Old, func(p *policy.Place) string { return verdictTitle(p.Verdict) }), side(c.New, describe)
	}
	return []diffPart{
		{"New", "new", d.Added, verdict},
		{"Changed reach", "of another reach", d.Reach, func(c policy.Change) (string, string) {
			return reachTitle(c.Old.Reach), reachTitle(c.New.Reach)
		}},
		{"Changed kind", "of another kind", d.Kind, func(c policy.Change) (string, string) {
			return dash(kindTitle(c.Old.Kinds)), dash(kindTitle(c.New.Kinds))
		}},
		{"Changed verdict", "of another verdict", d.Verdict, func(c policy.Change) (string, string) {
			return verdictTitle(c.Old.Verdict), verdictTitle(c.New.Verdict)
		}},
		{"Changed origin", "from elsewhere", d.Origin, func(c policy.Change) (string, string) {
			return safe.Cell(c.Old.Origin, 70), safe.Cell(c.New.Origin, 70)
		}},
		{"Can no longer be judged", "no longer judged", d.BecameUnknown, func(c policy.Change) (string, string) {
			return describe(c.Old), "unknown"
		}},
		{"Became source", "from source now", d.BecameSource, func(c policy.Change) (string, string) {
			return describe(c.Old), "from source"
		}},
		{"Gone", "gone", d.Gone, func(c policy.Change) (string, string) { return describe(c.Old), "—" }},
	}
}

func side(p *policy.Place, f func(*policy.Place) string) string {
	if p == nil {
		return "—"
	}
	return f(p)
}

func describe(p *policy.Place) string {
	s := verdictTitle(p.Verdict)
	if k := kindTitle(p.Kinds); k != "" {
		s += ": " + k
	}
	return s
}

func diffTable(b *bytes.Buffer, part diffPart) error {
	if len(part.list) == 0 {
		return nil
	}
	fmt.Fprintf(b, "### %s\n\n", part.title)
	var rows [][]string
	for k, c := range part.list {
		if k == maxChanges {
			break
		}
		was, now := part.what(c)
		p := c.New
		if p == nil {
			p = c.Old
		}
		rows = append(rows, []string{safe.Cell(p.Package, 60), was, now, reachTitle(p.Reach), safe.Cell(p.Origin, 70)})
	}
	if err := mdTable(b, []string{"derivation", "before", "now", "reach", "origin"}, rows, slices.Repeat(tw.Alignment{tw.AlignLeft}, 5)); err != nil {
		return err
	}
	if rest := len(part.list) - len(rows); rest > 0 {
		fmt.Fprintf(b, "\nFolded: %d more; the JSON form of this diff has all of them.\n", rest)
	}
	b.WriteString("\n")
	return nil
}

// GateMarkdown writes a gate's result for a CI step summary.
func GateMarkdown(w io.Writer, r *policy.Result) error {
	var b bytes.Buffer
	head := "The gate passes"
	if !r.Pass {
		head = "The gate fails"
	}
	fmt.Fprintf(&b, "## %s\n\n**%d not in the baseline, %s, %d waived, %d known.**", head, len(r.New), count(len(r.Problems), "error")+" in policy files", len(r.Waived), r.Known)
	if r.Incomplete() {
		fmt.Fprintf(&b, " %s and %s could not be looked at.", count(r.Unknown, "derivation"), count(r.Skipped, "place"))
	}
	b.WriteString("\n\n")
	if len(r.New) > 0 {
		var rows [][]string
		for k, it := range r.New {
			if k == maxChanges {
				break
			}
			rows = append(rows, []string{
				safe.Cell(it.Package, 60), string(it.Why), verdictTitle(it.Verdict) + ": " + dash(kindTitle(it.Kinds)),
				reachTitle(it.Reach), safe.Cell(it.Since, 40), safe.Cell(it.Origin, 70),
			})
		}
		if err := mdTable(&b, []string{"derivation", "why", "what it is", "reach", "since input", "origin"}, rows, slices.Repeat(tw.Alignment{tw.AlignLeft}, 6)); err != nil {
			return fmt.Errorf("rendering gate result: %w", err)
		}
		if rest := len(r.New) - len(rows); rest > 0 {
			fmt.Fprintf(&b, "\nFolded: %d more; the JSON form has all of them.\n", rest)
		}
		b.WriteString("\nBuild it from source, or drop the input that brings it in. If it must stay for now, add a waiver; if it is meant to stay, run `fromsource baseline update` and commit the change for review.\n\n")
	}
	for k, p := range r.Problems {
		if k == maxChanges {
			fmt.Fprintf(&b, "- and %d more\n", len(r.Problems)-k)
			break
		}
		fmt.Fprintf(&b, "- %s\n", code(p.String()))
	}
	if _, err := w.Write(b.Bytes()); err != nil {
		return fmt.Errorf("writing gate result: %w", err)
	}
	return nil
}
