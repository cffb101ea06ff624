package report

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"unicode/utf8"

	"fromsource/analyze/audit"
	"fromsource/analyze/policy/finding"
	"fromsource/report/internal/safe"
)

// ColorAllowed says whether colours may go to a terminal, from the
// environment: not when NO_COLOR is set to anything, or TERM is "dumb" or
// not set.
func ColorAllowed(terminal bool, lookup func(string) (string, bool)) bool {
	if lookup == nil {
		lookup = os.LookupEnv
	}
	if v, ok := lookup("NO_COLOR"); ok && v != "" {
		return false
	}
	t, _ := lookup("TERM")
	return terminal && t != "" && t != "dumb"
}

// textRows is how many findings Text lists before it counts the rest.
const textRows = 40

type textWriter struct {
	*bufio.Writer
	color bool
	width int
}

// Text writes the report for a terminal: the answer, and a line a finding.
// What a name could do to a terminal is shown as an escape instead.
func Text(w io.Writer, a *audit.Audit, o Options) error {
	set := finding.Of(a)
	t := &textWriter{Writer: bufio.NewWriter(w), color: o.Color, width: o.Width}
	if t.width <= 0 {
		t.width = 100
	}
	t.width = max(t.width, 40)
	ans := makeAnswer(set)
	tone := map[string]string{"good": "1;32", "part": "1;33", "bad": "1;31", "open": "1;33"}[ans.tone]
	t.paragraph("", []sentence{ans.headline}, tone)
	if len(ans.points) > 0 {
		t.WriteString("\n")
	}
	for _, p := range ans.points {
		t.point(p)
	}
	t.table(set)
	t.promises(set)
	t.WriteString("\n")
	for _, s := range next(set) {
		t.point(point{"Next", []sentence{s}})
	}
	t.WriteString("\n")
	for _, s := range made(a, o) {
		t.paragraph("  ", []sentence{s}, "2")
	}
	if err := t.Flush(); err != nil {
		return fmt.Errorf("writing text report: %w", err)
	}
	return nil
}

func (s sentence) text() string {
	var b strings.Builder
	for _, p := range s {
		if p.line {
			b.WriteString("`" + strings.ReplaceAll(safe.Visible(p.text), " ", joint) + "`")
		} else if p.raw {
			b.WriteString(safe.Short(safe.Visible(p.text), maxString))
		} else {
			b.WriteString(p.text)
		}
	}
	return b.String()
}

// paint wraps s in a colour; the caller has made s visible.
func (t *textWriter) paint(color, s string) string {
	if !t.color || color == "" || s == "" {
		return s
	}
	return "\x1b[" + color + "m" + s + "\x1b[0m"
}

func (t *textWriter) paragraph(indent string, body []sentence, color string) {
	var all []string
	for _, s := range body {
		all = append(all, s.text())
	}
	for line := range wrap(strings.Join(all, " "), t.width-len(indent)) {
		t.WriteString(indent + t.paint(color, line) + "\n")
	}
}

// point writes a lead, and the text beside it.
func (t *textWriter) point(p point) {
	const column = 11
	var all []string
	for _, s := range p.text {
		all = append(all, s.text())
	}
	lead := p.lead
	for line := range wrap(strings.Join(all, " "), t.width-column) {
		t.WriteString(t.paint("1", lead) + strings.Repeat(" ", column-len(lead)) + line + "\n")
		lead = ""
	}
}

// joint stands for a blank at which no line breaks, within a command. No string
// of others has it: Visible shows control characters as escapes.
const joint = "\x1f"

// wrap breaks at blanks; a longer word gets a line of its own.
func wrap(s string, width int) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		line, n := "", 0
		for word := range strings.FieldsSeq(s) {
			w := utf8.RuneCountInString(word)
			if n > 0 && n+1+w > width {
				if !yield(strings.ReplaceAll(line, joint, " ")) {
					return
				}
				line, n = "", 0
			}
			if n > 0 {
				line += " "
				n++
			}
			line += word
			n += w
		}
		if n > 0 {
			yield(strings.ReplaceAll(line, joint, " "))
		}
	}
}

func (t *textWriter) table(set *finding.Set) {
	if len(set.Findings) == 0 {
		return
	}
	rows := set.Findings[:min(len(set.Findings), textRows)]
	head := []string{"derivation", "what it is", "where from", "reach", "infl.", "evidence", "rebuild"}
	cells := [][]string{head}
	for _, i := range rows {
		d := set.At(i)
		what := verdictTitle(d.Verdict)
		if k := kindTitle(d.Kinds); k != "" {
			what += " (" + k + ")"
		}
		level := string(finding.Level(d))
		if finding.Suspicion(d) {
			level = "text only"
		}
		cells = append(cells, []string{
			safe.Short(safe.Visible(d.Title()), 48), what, dash(safe.Short(safe.Visible(whereFrom(set, i)), 40)), reachTitle(d.Reach),
			fmt.Sprint(d.Influence), safe.Visible(level), dash(rebuildTitle(d)),
		})
	}
	widths := make([]int, len(head))
	for _, row := range cells {
		for c, s := range row {
			widths[c] = max(widths[c], utf8.RuneCountInString(s))
		}
	}
	const from = 2 // the column that gives way to a narrow terminal
	all := 2 * (len(head) - 1)
	for _, w := range widths {
		all += w
	}
	t.WriteString("\n")
	for r, row := range cells {
		line := ""
		for c, s := range row {
			if c == from && all > t.width {
				continue
			}
			pad := strings.Repeat(" ", widths[c]-utf8.RuneCountInString(s))
			switch {
			case head[c] == "infl.":
				line += pad + s
			case c == len(row)-1:
				line += s
			default:
				line += s + pad
			}
			line += "  "
		}
		color := "1"
		if r > 0 {
			color = reachColor(set.At(rows[r-1]).Reach)
		}
		t.WriteString(t.paint(color, strings.TrimRight(line, " ")) + "\n")
	}
	if rest := len(set.Findings) - len(rows); rest > 0 {
		fmt.Fprintf(t, "and %s more; the markdown, html and json reports have them\n", count(rest, "finding"))
	}
}

func reachColor(r audit.Reach) string {
	switch r {
	case audit.ReachRuntime:
		return "31"
	case audit.ReachBuild:
		return ""
	}
	return "33"
}

func (t *textWriter) promises(set *finding.Set) {
	for k, p := range set.Audit.Promises {
		if k == 0 {
			t.WriteString("\n")
		}
		s := words("seed promise, ").name(p.Title).add(": %s", promiseWord(p))
		if broken := inRange(set, p.Broken); len(broken) > 0 {
			s = s.add(" by ").names(set, slices.Clone(broken), 4)
		}
		t.paragraph("", []sentence{s}, "")
	}
}
