package report

import (
	"bytes"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/olekukonko/tablewriter"
	"github.com/olekukonko/tablewriter/renderer"
	"github.com/olekukonko/tablewriter/tw"

	"fromsource/analyze/audit"
	"fromsource/analyze/policy/finding"
	"fromsource/report/internal/safe"
)

// StepSummary is the default limit of Markdown in bytes: a CI step summary
// may have 1 MiB, of which some is left to what the caller adds.
const StepSummary = 1000 << 10

// minLimit is where nothing but the answer would be left.
const minLimit = 6 << 10

// Markdown writes the report that people paste: the answer, a table of the
// findings, details to unfold, and how it was made. It renders alike on
// GitHub, GitLab, Forgejo and Discourse. Where it would be larger than
// Options.Limit it leaves out the least important rows and details, and says
// how many.
func Markdown(w io.Writer, a *audit.Audit, o Options) error {
	limit := o.Limit
	if limit == 0 {
		limit = StepSummary
	}
	if limit < minLimit {
		return fmt.Errorf("rendering markdown: a limit of %d bytes leaves no room for the answer, want at least %d", limit, minLimit)
	}
	set := finding.Of(a)
	var head, foot bytes.Buffer
	mdHead(&head, set)
	if err := mdSummary(&head, set); err != nil {
		return fmt.Errorf("rendering markdown: %w", err)
	}
	mdNext(&foot, set)
	mdMade(&foot, set, o)
	// The notes on what was folded are small; 1 KiB holds all of them.
	room := limit - head.Len() - foot.Len() - 1024
	body, err := mdFindings(set, room)
	if err != nil {
		return fmt.Errorf("rendering markdown: %w", err)
	}
	for _, part := range [][]byte{head.Bytes(), body, foot.Bytes()} {
		if _, err := w.Write(part); err != nil {
			return fmt.Errorf("writing markdown: %w", err)
		}
	}
	return nil
}

func (s sentence) markdown() string {
	var b strings.Builder
	for _, p := range s {
		switch {
		case p.mild:
			b.WriteString(prose(p.text))
		case p.raw:
			b.WriteString(code(p.text))
		default:
			b.WriteString(p.text)
		}
	}
	return b.String()
}

// maxString bounds any one string of an audit in characters, so that a single
// name cannot fill a report. A store path has at most 250 or so.
const maxString = 400

func code(s string) string  { return safe.Code(safe.Short(safe.Visible(s), maxString)) }
func prose(s string) string { return safe.Prose(safe.Short(safe.Visible(s), maxString)) }

func mdHead(b *bytes.Buffer, set *finding.Set) {
	ans := makeAnswer(set)
	fmt.Fprintf(b, "## Is %s built from source?\n\n", mdName(set.Audit.Target.Name))
	fmt.Fprintf(b, "**%s**\n\n", strings.TrimSpace(ans.headline.markdown()))
	for _, p := range ans.points {
		fmt.Fprintf(b, "- **%s:**", p.lead)
		for _, s := range p.text {
			b.WriteString(" " + s.markdown())
		}
		b.WriteString("\n")
	}
	b.WriteString("\n")
}

func mdName(name string) string {
	if name == "" {
		return "the target"
	}
	return code(name)
}

// mdSummary is the small table of verdicts against reach, and the promises.
func mdSummary(b *bytes.Buffer, set *finding.Set) error {
	if len(set.Audit.Derivations) == 0 {
		return nil
	}
	n := map[audit.Verdict]map[audit.Reach]int{}
	for i := range set.Audit.Derivations {
		d := set.At(i)
		v := d.Verdict
		if verdictTitle(v) == "unknown" {
			v = audit.Unknown
		}
		if n[v] == nil {
			n[v] = map[audit.Reach]int{}
		}
		r := d.Reach
		if r != audit.ReachRuntime && r != audit.ReachBuild {
			r = audit.ReachUnknown
		}
		n[v][r]++
	}
	var rows [][]string
	for _, v := range audit.Verdicts {
		c := n[v]
		rows = append(rows, []string{
			verdictTitle(v) + " (`" + string(v) + "`)",
			strconv.Itoa(c[audit.ReachRuntime]), strconv.Itoa(c[audit.ReachBuild]), strconv.Itoa(c[audit.ReachUnknown]),
		})
	}
	if err := mdTable(b, []string{"verdict", "runtime", "build only", "reach unknown"}, rows,
		tw.Alignment{tw.AlignLeft, tw.AlignRight, tw.AlignRight, tw.AlignRight}); err != nil {
		return err
	}
	b.WriteString("\n")
	for _, p := range set.Audit.Promises {
		fmt.Fprintf(b, "- seed promise, %s: **%s**", prose(p.Title), promiseWord(p))
		if len(p.Broken) > 0 {
			s := sentence{}
			fmt.Fprintf(b, " by %s", s.names(set, inRange(set, p.Broken), 5).markdown())
		}
		if p.Result != audit.PromiseUntested {
			fmt.Fprintf(b, " (%d looked at, %d could not be)", p.Checked, p.Unchecked)
		}
		if p.Reason != "" {
			fmt.Fprintf(b, "; %s", prose(p.Reason))
		}
		b.WriteString("\n")
	}
	if len(set.Audit.Promises) > 0 {
		b.WriteString("\n")
	}
	return nil
}

func promiseWord(p audit.Promise) string {
	switch p.Result {
	case audit.PromiseKept, audit.PromiseBroken:
		return p.Result
	}
	return audit.PromiseUntested
}

func inRange(set *finding.Set, rows []int) []int {
	var out []int
	for _, i := range rows {
		if i >= 0 && i < len(set.Audit.Derivations) {
			out = append(out, i)
		}
	}
	return out
}

// mdTable writes a table whose cells are already escaped.
func mdTable(w io.Writer, header []string, rows [][]string, align tw.Alignment) error {
	t := tablewriter.NewTable(w,
		tablewriter.WithRenderer(renderer.NewMarkdown()),
		tablewriter.WithConfig(tablewriter.Config{
			Header: tw.CellConfig{Alignment: tw.CellAlignment{PerColumn: align}},
			Row:    tw.CellConfig{Alignment: tw.CellAlignment{PerColumn: align}},
		}),
		tablewriter.WithHeaderAutoFormat(tw.Off),
		tablewriter.WithRowAutoFormat(tw.Off),
		tablewriter.WithHeaderAutoWrap(tw.WrapNone),
		tablewriter.WithRowAutoWrap(tw.WrapNone),
		tablewriter.WithTrimSpace(tw.Off),
	)
	t.Header(header)
	if err := t.Bulk(rows); err != nil {
		return fmt.Errorf("filling table: %w", err)
	}
	if err := t.Render(); err != nil {
		return fmt.Errorf("rendering table: %w", err)
	}
	return nil
}
