package report

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/extension"
	gm "github.com/yuin/goldmark/renderer/html"

	"fromsource/analyze/audit"
	"fromsource/analyze/policy"
	"fromsource/analyze/policy/audittest"
)

// toHTML renders as Forgejo does: with GitHub's extensions and raw HTML.
func toHTML(t *testing.T, md []byte) string {
	t.Helper()
	var b bytes.Buffer
	if err := goldmark.New(goldmark.WithExtensions(extension.GFM), goldmark.WithRendererOptions(gm.WithUnsafe())).Convert(md, &b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

var (
	elements = regexp.MustCompile(`<[a-zA-Z!?/][^>]*>`)
	codes    = regexp.MustCompile(`(?s)<code>.*?</code>`)
)

// Of hostile strings nothing but text is left: only our own elements, and
// outside of code no character that a forge gives a meaning.
func TestMarkdownIsInert(t *testing.T) {
	a, b := audittest.GenerateHostile(2000), audittest.GenerateHostile(1500)
	docs := map[string][]byte{"report": render(t, "markdown", a, Options{Command: audittest.Hostile[0]})}
	var diff, gate bytes.Buffer
	must(t, DiffMarkdown(&diff, policy.Compare(a, b)))
	must(t, GateMarkdown(&gate, policy.Gate(a, &policy.Baseline{}, nil, day)))
	docs["diff"], docs["gate"] = diff.Bytes(), gate.Bytes()
	ours := []string{
		"<h2>", "</h2>", "<h3>", "</h3>", "<h4>", "</h4>", "<p>", "</p>", "<strong>", "</strong>", "<code>", "</code>", "<ul>", "</ul>",
		"<li>", "</li>", "<details>", "</details>", "<summary>", "</summary>", "<table>", "</table>", "<thead>", "</thead>", "<tbody>",
		"</tbody>", "<tr>", "</tr>", "<th>", "</th>", "</td>", "<td>",
	}
	for name, md := range docs {
		h := toHTML(t, md)
		for _, e := range elements.FindAllString(h, -1) {
			if e = regexp.MustCompile(` style="text-align:(left|right)"`).ReplaceAllString(e, ""); !slices.Contains(ours, e) {
				t.Fatalf("%s: a foreign element %q", name, e)
			}
		}
		text := elements.ReplaceAllString(codes.ReplaceAllString(h, ""), "")
		for _, bad := range []string{"@", "#", "://", "www.", "$", "~", "!", "evil", "&lt;", "{{", "]]"} {
			if k := strings.Index(text, bad); k >= 0 {
				t.Errorf("%s: %q stands outside of code: …%q…", name, bad, text[max(0, k-40):min(len(text), k+40)])
			}
		}
		for _, c := range string(md) {
			if c != '\n' && c < ' ' || c == 0x7f || c == '\u202e' || c == '\u2028' {
				t.Fatalf("%s: a raw %U", name, c)
			}
		}
	}
}

// A table has as many cells in every row as it has columns.
func TestMarkdownTables(t *testing.T) {
	for name, a := range cases() {
		h := toHTML(t, render(t, "markdown", a, Options{}))
		for _, table := range regexp.MustCompile(`(?s)<table>.*?</table>`).FindAllString(h, -1) {
			columns := strings.Count(table, "<th ") + strings.Count(table, "<th>")
			for _, row := range strings.Split(table, "<tr>")[2:] {
				if n := strings.Count(row, "<td ") + strings.Count(row, "<td>"); n != columns {
					t.Errorf("%s: a row of %d cells under %d columns: %s", name, n, columns, row)
				}
			}
		}
		if want := min(len(findingsOf(a)), 1); strings.Count(h, "<h3>Findings</h3>") != want {
			t.Errorf("%s: findings are not shown", name)
		}
	}
}

func TestMarkdownFolds(t *testing.T) {
	a := audittest.Generate(30000)
	all := len(findingsOf(a))
	for _, limit := range []int{minLimit, 32 << 10, 65536, 256 << 10, StepSummary} {
		md := render(t, "markdown", a, Options{Limit: limit})
		if len(md) > limit {
			t.Errorf("limit %d: %d bytes", limit, len(md))
		}
		text := string(md)
		if !strings.HasPrefix(text, "## Is ") || !strings.Contains(text, "### How this was made") {
			t.Errorf("limit %d: the answer or the end is missing", limit)
		}
		rows := len(regexp.MustCompile(`(?m)^\| `+"`").FindAllString(text, -1))
		folded := 0
		if m := regexp.MustCompile(`the table leaves out (\d+) finding`).FindStringSubmatch(text); m != nil {
			fmt.Sscan(m[1], &folded)
		}
		if rows+folded != all {
			t.Errorf("limit %d: %d rows and %d folded of %d findings", limit, rows, folded, all)
		}
		if strings.Count(text, "<details>") != strings.Count(text, "</details>") {
			t.Errorf("limit %d: details are not closed", limit)
		}
	}
	if err := Markdown(&bytes.Buffer{}, a, Options{Limit: minLimit - 1}); err == nil {
		t.Error("a limit without room for the answer is accepted")
	}
	if md := render(t, "markdown", audittest.Generate(300), Options{}); bytes.Contains(md, []byte("Folded")) {
		t.Error("a small report is folded")
	}
}

// headlines of audits, from the plain yes to the plain no; the one thing that
// must not happen is a "yes" where something is unknown.
func TestAnswer(t *testing.T) {
	row := func(v audit.Verdict, r audit.Reach, levels ...audit.Level) audit.Derivation {
		d := audit.Derivation{Drv: fmt.Sprintf("/nix/store/%s-%s-%d.drv", v, r, len(levels)), Name: "x-1.0", Verdict: v, Reach: r, Reason: "not inspected"}
		for _, l := range levels {
			d.Evidence = append(d.Evidence, audit.Evidence{Rule: "r", Level: l})
		}
		return d
	}
	src, seed := row(audit.Source, audit.ReachRuntime), row(audit.Seed, audit.ReachBuild)
	unknown := row(audit.Unknown, audit.ReachRuntime)
	for _, c := range []struct {
		name string
		rows []audit.Derivation
		skip bool
		want string
	}{
		{"nothing", nil, false, "Nothing was audited"},
		{"all source", []audit.Derivation{src}, false, "Yes: t is built from source, and no seed was found."},
		{"source and seed", []audit.Derivation{src, seed}, false, "Yes: t is built from source, starting from 1 seed."},
		{"unknown", []audit.Derivation{src, unknown}, false, "Not known: "},
		{"skipped", []audit.Derivation{src}, true, "Not known: "},
		{"build only", []audit.Derivation{src, row(audit.Binary, audit.ReachBuild, audit.LevelContent)}, false, "In part: "},
		{"build only and unknown", []audit.Derivation{unknown, row(audit.Binary, audit.ReachBuild, audit.LevelContent)}, false, "Not entirely: "},
		{"reach unknown", []audit.Derivation{src, row(audit.Binary, audit.ReachUnknown, audit.LevelContent)}, false, "Not as far as known: "},
		{"suspicion", []audit.Derivation{src, row(audit.Binary, audit.ReachRuntime, audit.LevelDerivation)}, false, "Probably not: "},
		{"a rebuilt suspicion", []audit.Derivation{src, row(audit.Binary, audit.ReachRuntime, audit.LevelDerivation, audit.LevelRebuild)}, false, "Probably not: "},
		{"proven", []audit.Derivation{src, row(audit.CarriesBinary, audit.ReachRuntime, audit.LevelTrace)}, false, "No: t is not built from source alone."},
		{"a verdict of later", []audit.Derivation{src, row("odd", audit.ReachRuntime)}, false, "Not known: "},
	} {
		a := &audit.Audit{Target: audit.Target{Name: "t"}, Derivations: c.rows}
		if c.skip {
			a.Skipped = []audit.Skip{{Input: "x", Reason: "y"}}
		}
		out := string(render(t, "text", a, Options{Width: 400}))
		if !strings.HasPrefix(out, c.want) {
			t.Errorf("%s: %q, want %q", c.name, strings.SplitN(out, "\n", 2)[0], c.want)
		}
		for _, f := range []string{"markdown", "html"} {
			if doc := string(render(t, f, a, Options{})); strings.Contains(doc, "Yes: ") != strings.HasPrefix(c.want, "Yes") {
				t.Errorf("%s: %s says another answer than text", c.name, f)
			}
		}
	}
}

// What was named but not at hand needs more than it shows, and every medium
// says that the closure is not whole.
func TestMissing(t *testing.T) {
	a := audittest.Generate(300)
	a.Summary.Missing = 2
	want := "The closure is not whole: 2 derivations named in it were not at hand, and what they need is in no count."
	for _, f := range []string{"markdown", "html", "text"} {
		if got := strings.Join(strings.Fields(string(render(t, f, a, Options{}))), " "); !strings.Contains(got, want) {
			t.Errorf("%s does not say that derivations are missing", f)
		}
	}
	if got := string(render(t, "sarif", a, Options{})); !strings.Contains(got, "the closure is not whole: 2 derivations were not at hand") {
		t.Error("sarif does not say that derivations are missing")
	}
	a.Summary.Missing = 0
	if strings.Contains(string(render(t, "text", a, Options{})), "not whole") {
		t.Error("a whole closure is called incomplete")
	}
}

// What another detector sees is no change of the closure.
func TestDiffOfDetectors(t *testing.T) {
	text := func(was, is string, empty bool) string {
		d := &policy.Diff{Old: policy.Side{Detector: was}, New: policy.Side{Detector: is}}
		if !empty {
			d.Gone = []policy.Change{{Old: &policy.Place{Package: "x"}}}
		}
		var b bytes.Buffer
		if err := DiffMarkdown(&b, d); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	if got := text("rules 5", "rules 9|`", false); !strings.Contains(got, "The detectors differ (`rules 5` before, ") {
		t.Errorf("no word of it:\n%s", got)
	}
	if got := text("", "rules 9", false); !strings.Contains(got, "not on record") {
		t.Errorf("an audit without a detector:\n%s", got)
	}
	if got := text("rules 9", "rules 9", false) + text("rules 5", "rules 9", true); strings.Contains(got, "detectors") {
		t.Errorf("said in vain:\n%s", got)
	}
}
