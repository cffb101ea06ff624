package report

import (
	"bytes"
	"encoding/xml"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"fromsource/analyze/audit"
	"fromsource/analyze/policy"
	"fromsource/analyze/policy/audittest"
)

var day = time.Date(2026, 5, 20, 0, 0, 0, 0, time.UTC)

var update = flag.Bool("update", false, "write the golden files anew")

// demo is an audit from a file when there is one, so that the golden files
// show real output; see testdata/README.
func demo(t *testing.T) *audit.Audit {
	t.Helper()
	a, err := audit.ReadFile(filepath.Join("testdata", "audit.json"))
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		must(t, os.WriteFile(file, got, 0o644))
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), string(got)); d != "" {
		t.Errorf("%s (want -, got +):\n%s", name, d)
	}
}

func TestGolden(t *testing.T) {
	a := demo(t)
	for _, f := range Formats() {
		o := Options{Command: "fromsource audit demo"}
		golden(t, "report"+f.Ext, render(t, f.Name, a, o))
	}
	var b bytes.Buffer
	base := policy.FromAudit(a, nil)
	must(t, base.Write(&b))
	golden(t, "baseline.txt", b.Bytes())
	b.Reset()
	must(t, GateMarkdown(&b, policy.Gate(a, &policy.Baseline{}, nil, day)))
	golden(t, "gate.md", b.Bytes())
	b.Reset()
	must(t, policy.Gate(a, &policy.Baseline{}, nil, day).WriteText(&b))
	golden(t, "gate.txt", b.Bytes())
	b.Reset()
	must(t, policy.WritePredicate(&b, a))
	golden(t, "predicate.nix", b.Bytes())
	old := demo(t)
	for i := range old.Derivations {
		switch d := &old.Derivations[i]; d.Name {
		case "7zip-bin-5.2.0.tgz", "sevenzip-5.2.0":
			d.Verdict, d.Kinds = audit.Source, nil
		case "ms-2.1.3":
			d.Reach = audit.ReachBuild
		case "stamp-1":
			d.Verdict, d.Kinds = audit.CarriesBinary, []audit.Kind{audit.Firmware}
		}
	}
	b.Reset()
	must(t, DiffMarkdown(&b, policy.Compare(old, a)))
	golden(t, "diff.md", b.Bytes())
}

func TestSameBytes(t *testing.T) {
	for _, f := range Formats() {
		if !bytes.Equal(render(t, f.Name, audittest.Generate(900), Options{}), render(t, f.Name, audittest.Generate(900), Options{})) {
			t.Errorf("%s is not the same twice", f.Name)
		}
	}
}

// A failing writer is noticed by every format.
func TestWriteErrors(t *testing.T) {
	a := audittest.Generate(900)
	for _, f := range Formats() {
		size := len(render(t, f.Name, a, Options{}))
		for _, room := range []int{0, size / 2, size - 1} {
			if err := f.Write(&full{room: room}, a, Options{}); !errors.Is(err, errFull) {
				t.Errorf("%s with room for %d of %d bytes: %v", f.Name, room, size, err)
			}
		}
	}
}

var errFull = errors.New("no space left")

type full struct{ room int }

func (f *full) Write(p []byte) (int, error) {
	if len(p) > f.room {
		n := f.room
		f.room = 0
		return n, errFull
	}
	f.room -= len(p)
	return len(p), nil
}

func TestLookup(t *testing.T) {
	for _, name := range []string{"md", "markdown", "html", "cdx", "svg"} {
		if _, err := Lookup(name); err != nil {
			t.Error(err)
		}
	}
	if _, err := Lookup("pdf"); err == nil || !strings.Contains(err.Error(), "markdown, html, text") {
		t.Errorf("an unknown format: %v", err)
	}
}

func TestText(t *testing.T) {
	a := audittest.GenerateHostile(3000)
	plain := string(render(t, "text", a, Options{}))
	if k := strings.IndexFunc(plain, func(c rune) bool { return c != '\n' && c < ' ' || c >= 0x7f && c < 0xa0 || c == '\u202e' }); k >= 0 {
		t.Errorf("a control character in plain text: %q", plain[k:min(len(plain), k+20)])
	}
	painted := string(render(t, "text", a, Options{Color: true}))
	if painted == plain {
		t.Error("no colours where they are allowed")
	}
	if stripped := regexp.MustCompile("\x1b\\[[0-9;]*m").ReplaceAllString(painted, ""); stripped != plain {
		t.Error("a coloured report says something else")
	}
	for line := range strings.SplitSeq(string(render(t, "text", audittest.Generate(300), Options{Width: 60})), "\n") {
		if len([]rune(line)) > 60 && !strings.Contains(line, "  ") && strings.Contains(strings.TrimSpace(line), " ") {
			t.Errorf("a line of %d columns: %q", len([]rune(line)), line)
		}
	}
}

func TestColorAllowed(t *testing.T) {
	env := func(pairs ...string) func(string) (string, bool) {
		return func(k string) (string, bool) {
			for i := 0; i < len(pairs); i += 2 {
				if pairs[i] == k {
					return pairs[i+1], true
				}
			}
			return "", false
		}
	}
	for _, c := range []struct {
		terminal bool
		env      func(string) (string, bool)
		want     bool
	}{
		{true, env("TERM", "xterm"), true},
		{true, env("TERM", "xterm", "NO_COLOR", ""), true},
		{true, env("TERM", "xterm", "NO_COLOR", "0"), false},
		{true, env("TERM", "dumb"), false},
		{true, env(), false},
		{false, env("TERM", "xterm"), false},
	} {
		if got := ColorAllowed(c.terminal, c.env); got != c.want {
			t.Errorf("terminal %v: %v, want %v", c.terminal, got, c.want)
		}
	}
}

func TestGraphs(t *testing.T) {
	for name, a := range cases() {
		focus := []string{""}
		if rows := findingsOf(a); len(rows) > 0 {
			focus = append(focus, a.Derivations[rows[0]].Drv, filepath.Base(a.Derivations[rows[len(rows)/2]].Drv))
		}
		for _, f := range focus {
			svg := render(t, "svg", a, Options{Focus: f})
			d := xml.NewDecoder(bytes.NewReader(svg))
			for {
				tok, err := d.Token()
				if errors.Is(err, io.EOF) {
					break
				}
				if err != nil {
					t.Fatalf("%s %q: no XML: %v", name, f, err)
				}
				if e, ok := tok.(xml.StartElement); ok && !strings.Contains(" svg g rect path text title defs marker ", " "+e.Name.Local+" ") {
					t.Fatalf("%s %q: a foreign element %s", name, f, e.Name.Local)
				}
			}
			dot := string(render(t, "dot", a, Options{Focus: f}))
			// Outside of quoted strings there is our own syntax only.
			bare := regexp.MustCompile(`"(\\.|[^"\\])*"`).ReplaceAllString(dot, "")
			if m := regexp.MustCompile(`[^a-z0-9A-Z\s{}\[\];=,>_-]`).FindString(bare); m != "" {
				t.Errorf("%s %q: %q outside of strings", name, f, m)
			}
		}
	}
	a := audittest.Generate(400)
	if err := DOT(io.Discard, a, Options{Focus: "no such thing"}); err == nil || !strings.Contains(err.Error(), `"no such thing"`) {
		t.Errorf("an unknown focus: %v", err)
	}
	a.Derivations[1].Name = a.Derivations[0].Name
	if err := SVG(io.Discard, a, Options{Focus: a.Derivations[0].Name}); err == nil || !strings.Contains(err.Error(), "say which") {
		t.Errorf("an ambiguous focus: %v", err)
	}
}

// FuzzStrings puts one string wherever an audit has one of others: no format
// may fail, end early, or become something else.
func FuzzStrings(f *testing.F) {
	for _, s := range audittest.Hostile {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		a := audittest.Generate(40)
		a.Target.Name, a.Tool.Version = s, s
		for i := range a.Derivations {
			d := &a.Derivations[i]
			d.Name = s
			for u := range d.URLs {
				d.URLs[u] = s
			}
			for e := range d.Evidence {
				d.Evidence[e].Rule, d.Evidence[e].At, d.Evidence[e].Detail = s, s, s
			}
			for r := range d.Rebuild {
				d.Rebuild[r].By, d.Rebuild[r].Reason = s, s
			}
		}
		h := toHTML(t, render(t, "markdown", a, Options{}))
		for _, e := range elements.FindAllString(h, -1) {
			for _, bad := range []string{"<a", "<img", "<script", "<em", "<!", "<?", "<input", "<del", "<h1"} {
				if strings.HasPrefix(e, bad) && !strings.HasPrefix(e, "<details") {
					t.Fatalf("%q makes the element %q", s, e)
				}
			}
		}
		page := string(render(t, "html", a, Options{}))
		if n := strings.Count(page, "<script"); n != 2 || strings.Count(page, "</script") != 2 {
			t.Fatalf("%q makes %d scripts", s, n)
		}
		d := xml.NewDecoder(bytes.NewReader(render(t, "svg", a, Options{})))
		for {
			if _, err := d.Token(); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatalf("%q breaks svg: %v", s, err)
			}
		}
		for _, name := range []string{"sarif", "cyclonedx", "json", "text", "dot"} {
			render(t, name, a, Options{})
		}
	})
}

// What README.md shows of a run is what the audit of the demo renders to.
func TestReadme(t *testing.T) {
	const file, from, to = "../README.md", "    $ make audit\n", "    fromsource: wrote "
	data, err := os.ReadFile(file)
	must(t, err)
	before, rest, ok := strings.Cut(string(data), from)
	shown, after, ok2 := strings.Cut(rest, to)
	if !ok || !ok2 {
		t.Fatal("README.md shows no run")
	}
	var want strings.Builder
	for line := range strings.Lines(string(render(t, "text", demo(t), Options{}))) {
		if strings.TrimSpace(line) != "" {
			line = "    " + line
		}
		want.WriteString(line)
	}
	if *update {
		must(t, os.WriteFile(file, []byte(before+from+want.String()+to+after), 0o644))
		return
	}
	if d := cmp.Diff(want.String(), shown); d != "" {
		t.Errorf("README.md (want -, got +):\n%s", d)
	}
}

// One derivation is no plural, and no "none".
func TestAnswerCounts(t *testing.T) {
	for n, want := range map[int]string{1: "Its one derivation is not known to be prebuilt", 2: "None of its 2 derivations is known to be prebuilt"} {
		a := &audit.Audit{Schema: audit.Schema, Target: audit.Target{Name: "tool"}}
		for i := range n {
			a.Derivations = append(a.Derivations, audit.Derivation{Drv: fmt.Sprintf("/nix/store/%032d-tool-%d.drv", i, i), Name: fmt.Sprintf("tool-%d", i), Verdict: audit.Unknown, Reason: "not looked at", Reach: audit.ReachRuntime})
		}
		if out := string(render(t, "text", a, Options{Width: 200})); !strings.Contains(out, want) {
			t.Errorf("%d derivations: want %q in:\n%s", n, want, out)
		}
	}
}
