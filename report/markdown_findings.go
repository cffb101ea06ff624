package report

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/olekukonko/tablewriter/pkg/twwidth"
	"github.com/olekukonko/tablewriter/tw"

	"fromsource/analyze/audit"
	"fromsource/analyze/policy/finding"
	"fromsource/report/internal/safe"
)

var mdColumns = []string{"derivation", "what it is", "where from", "reach", "influence", "evidence", "rebuild"}

// mdFindings is the table of findings with their details, in at most room
// bytes. The table comes first; what follows gets its share of what is left,
// so that no long list drives out the next one.
func mdFindings(set *finding.Set, room int) ([]byte, error) {
	var b bytes.Buffer
	if len(set.Findings) > 0 {
		rows := make([][]string, 0, len(set.Findings))
		for _, i := range set.Findings {
			rows = append(rows, mdRow(set, i))
		}
		fit := tableFit(rows, room*6/10)
		b.WriteString("### Findings\n\n")
		if fit > 0 {
			if err := mdTable(&b, mdColumns, rows[:fit], tw.Alignment{
				tw.AlignLeft, tw.AlignLeft, tw.AlignLeft, tw.AlignLeft, tw.AlignRight, tw.AlignLeft, tw.AlignLeft,
			}); err != nil {
				return nil, err
			}
			b.WriteString("\n")
		}
		if rest := len(rows) - fit; rest > 0 {
			fmt.Fprintf(&b, "Folded: the table leaves out %s of less weight, to stay within the size limit; the audit file has all of them.\n\n", count(rest, "finding"))
		}
	}
	details := func(upTo int, title string, rows []int, each func(*bytes.Buffer, int)) {
		if len(rows) == 0 {
			return
		}
		fmt.Fprintf(&b, "<details>\n<summary>%s</summary>\n\n", title)
		n := 0
		for _, i := range rows {
			start := b.Len()
			each(&b, i)
			if b.Len() > upTo {
				b.Truncate(start)
				break
			}
			n++
		}
		if rest := len(rows) - n; rest > 0 {
			fmt.Fprintf(&b, "Folded: %d more, to stay within the size limit; the audit file has all of them.\n", rest)
		}
		b.WriteString("\n</details>\n\n")
	}
	details(room*85/100, fmt.Sprintf("Details of %s", count(len(set.Findings), "finding")), set.Findings, func(b *bytes.Buffer, i int) { mdDetail(b, set, i) })
	details(room*88/100, fmt.Sprintf("%s of the distribution", count(len(set.Seeds), "seed")), set.Seeds, func(b *bytes.Buffer, i int) { mdDetail(b, set, i) })
	groups := byReason(set)
	details(room*96/100, fmt.Sprintf("%s that could not be judged", count(len(set.Unknown), "derivation")), numbers(len(groups)), func(b *bytes.Buffer, k int) {
		mdReason(b, set, groups[k])
	})
	skips := numbers(len(set.Audit.Skipped))
	details(room*100/100, fmt.Sprintf("%s that could not be looked into", count(len(skips), "place")), skips, func(b *bytes.Buffer, i int) {
		s := set.Audit.Skipped[i]
		fmt.Fprintf(b, "- %s: %s\n", code(s.Input), prose(s.Reason))
	})
	return b.Bytes(), nil
}

// numbers are those from 0 to before n.
func numbers(n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = i
	}
	return out
}

// byReason groups what could not be judged, the most frequent reason first.
func byReason(set *finding.Set) [][]int {
	at := map[string]int{}
	var groups [][]int
	for _, i := range set.Unknown {
		r := set.At(i).Reason
		k, ok := at[r]
		if !ok {
			k = len(groups)
			at[r] = k
			groups = append(groups, nil)
		}
		groups[k] = append(groups[k], i)
	}
	slices.SortStableFunc(groups, func(x, y []int) int { return len(y) - len(x) })
	return groups
}

// maxNamed bounds the names after one reason.
const maxNamed = 60

// mdReason names the rows of one reason, what reaches furthest first.
func mdReason(b *bytes.Buffer, set *finding.Set, rows []int) {
	reason := set.At(rows[0]).Reason
	by := map[string]int{}
	for _, i := range rows {
		by[reachTitle(set.At(i).Reach)]++
	}
	var parts []string
	for _, r := range []string{"runtime", "build only", "unknown"} {
		if by[r] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", by[r], r))
		}
	}
	said := "no reason given"
	if reason != "" {
		said = prose(reason)
	}
	fmt.Fprintf(b, "- %s: %s (reach: %s): %s\n", said, count(len(rows), "derivation"), strings.Join(parts, ", "), sentence{}.names(set, rows, maxNamed).markdown())
}

// tableFit is how many rows of a table fit into room bytes. The renderer
// pads every column to its widest cell, so the widths decide.
func tableFit(rows [][]string, room int) int {
	widths := make([]int, len(mdColumns))
	extra := 0 // bytes beyond columns, in characters of several bytes
	for c, h := range mdColumns {
		widths[c] = len(h)
	}
	used := 0
	for n, row := range rows {
		line := len("|\n")
		for c, cell := range row {
			w := twwidth.Width(cell)
			widths[c] = max(widths[c], w)
			extra += len(cell) - w
			line += widths[c] + len("|  ")
		}
		used = line * (n + 3) // header, separator
		if used+extra > room {
			return n
		}
	}
	return len(rows)
}

func mdRow(set *finding.Set, i int) []string {
	d := set.At(i)
	what := verdictTitle(d.Verdict)
	if k := kindTitle(d.Kinds); k != "" {
		what += ": " + k
	}
	if finding.Suspicion(d) {
		what += " (suspected)"
	}
	return []string{
		safe.Cell(d.Name, 60), what, mdFrom(set, i), reachTitle(d.Reach),
		strconv.Itoa(d.Influence), mdEvidence(d), dash(rebuildTitle(d)),
	}
}

func dash(s string) string {
	if s == "" {
		return "—"
	}
	return s
}

// mdFrom says where the prebuilt bytes come from in few words: the host of a
// fetch, or the rows that the evidence names.
func mdFrom(set *finding.Set, i int) string {
	from := whereFrom(set, i)
	if from == "" {
		return "—"
	}
	cell := safe.Cell(from, 48)
	if n := len(set.Sources(i)); n > 1 && len(set.At(i).URLs) == 0 {
		cell += fmt.Sprintf(" +%d", n-1)
	}
	return cell
}

// whereFrom is the place that a row is fetched from, or the first row that it
// comes from: by name, unless that is one that every fetch of a kind has.
func whereFrom(set *finding.Set, i int) string {
	d := set.At(i)
	if len(d.URLs) > 0 {
		return audit.Place(d.URLs[0])
	}
	from := set.Sources(i)
	if len(from) == 0 {
		return ""
	}
	if d = set.At(from[0]); d.Name == "source" && len(d.URLs) > 0 {
		return audit.Place(d.URLs[0])
	}
	return d.Name
}

// mdEvidence names the furthest level and its first rule.
func mdEvidence(d *audit.Derivation) string {
	l := finding.Level(d)
	if l == "" {
		return "—"
	}
	k := slices.IndexFunc(d.Evidence, func(e audit.Evidence) bool { return e.Level == l })
	s := string(l) + ": " + safe.Cell(d.Evidence[k].Rule, 30)
	if n := len(d.Evidence) - 1; n > 0 {
		s += fmt.Sprintf(" +%d", n)
	}
	return s
}

func mdDetail(b *bytes.Buffer, set *finding.Set, i int) {
	d := set.At(i)
	fmt.Fprintf(b, "#### %s\n\n", code(d.Name))
	fmt.Fprintf(b, "- %s; verdict `%s`", code(d.Drv), verdictWord(d.Verdict))
	for _, k := range d.Kinds {
		fmt.Fprintf(b, ", %s", code(string(k)))
	}
	fmt.Fprintf(b, "; reach %s; confidence %s; %s\n", reachTitle(d.Reach), prose(string(d.Confidence)), influenceTitle(set.Audit, d))
	if d.Reason != "" {
		fmt.Fprintf(b, "- note: %s\n", prose(d.Reason))
	}
	if rows := set.Through(i); len(rows) > 0 {
		fmt.Fprintf(b, "- takes this by way of %s: what was made there was executed, copied or compiled here\n", sentence{}.names(set, rows, 6).markdown())
	}
	for k, u := range d.URLs {
		if k == 3 {
			fmt.Fprintf(b, "- and %s more\n", count(len(d.URLs)-k, "URL"))
			break
		}
		fmt.Fprintf(b, "- fetched from %s\n", code(u))
	}
	if way, via := set.Way(i); len(way) > 1 {
		fmt.Fprintf(b, "- way from the target, by %s: %s\n", via, mdWay(set, way))
	}
	mdEvidenceList(b, set, d)
	mdRebuilds(b, d)
	b.WriteString("\n")
}

func verdictWord(v audit.Verdict) string {
	if slices.Contains(audit.Verdicts, v) {
		return string(v)
	}
	return string(audit.Unknown)
}

// maxWay bounds the steps of a way that are spelled out.
const maxWay = 12

func mdWay(set *finding.Set, way []int) string {
	var parts []string
	for k, i := range way {
		if len(way) > maxWay && k == maxWay/2 {
			parts = append(parts, fmt.Sprintf("%d more", len(way)-maxWay))
		}
		if len(way) > maxWay && k >= maxWay/2 && k < len(way)-maxWay/2 {
			continue
		}
		parts = append(parts, code(set.At(i).Name))
	}
	return strings.Join(parts, " → ")
}

// maxEvidence bounds the evidence shown for one derivation.
const maxEvidence = 8

func mdEvidenceList(b *bytes.Buffer, set *finding.Set, d *audit.Derivation) {
	for k, e := range finding.Evidence(d) {
		if k == maxEvidence {
			fmt.Fprintf(b, "- and %d more of evidence\n", len(d.Evidence)-k)
			return
		}
		fmt.Fprintf(b, "- evidence of level %s, rule %s", prose(string(e.Level)), code(e.Rule))
		if e.At != "" {
			fmt.Fprintf(b, ", at %s", code(e.At))
		}
		if e.From != "" {
			from := e.From
			if j, ok := set.Row(e.From); ok {
				from = set.At(j).Name
			}
			fmt.Fprintf(b, ", from %s", code(from))
		}
		if e.Detail != "" {
			fmt.Fprintf(b, ": %s", prose(e.Detail))
		}
		b.WriteString("\n")
	}
}

func mdRebuilds(b *bytes.Buffer, d *audit.Derivation) {
	for _, r := range d.Rebuild {
		fmt.Fprintf(b, "- rebuild of output %s: **%s**", code(r.Output), resultWord(r.Result))
		if r.By != "" {
			fmt.Fprintf(b, " by %s", prose(r.By))
		}
		if r.Against != "" {
			fmt.Fprintf(b, ", against %s", prose(r.Against))
		}
		if r.Expected != "" || r.Got != "" {
			fmt.Fprintf(b, "; expected %s, got %s", code(r.Expected), code(r.Got))
		}
		for _, note := range rebuildNotes(r) {
			fmt.Fprintf(b, "; %s", note.markdown())
		}
		b.WriteString("\n")
		for k, f := range r.Differences {
			if k == maxEvidence {
				fmt.Fprintf(b, "  - and %d more\n", len(r.Differences)-k)
				break
			}
			fmt.Fprintf(b, "  - %s: %s %s\n", code(f.Path), prose(f.What), prose(f.Detail))
		}
	}
}

func resultWord(r string) string {
	switch r {
	case audit.Reproduced, audit.Differs, audit.NoReference, audit.Failed, audit.NotAttempted:
		return r
	}
	return "unclear"
}
