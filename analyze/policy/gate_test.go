package policy

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"fromsource/analyze/audit"
	"fromsource/analyze/policy/audittest"
)

var today = time.Date(2026, 5, 20, 23, 30, 0, 0, time.UTC)

// small is an audit of a root, a package that carries a fetch, and that.
func small(version string, change func(fetch, pkg, root *audit.Derivation)) *audit.Audit {
	rows := []audit.Derivation{
		{
			Drv: "/nix/store/a-fetch.drv", Name: "tool-" + version + "-linux-amd64.tar.gz", FixedOutput: true, Verdict: audit.Binary,
			Kinds: []audit.Kind{audit.NativeCode}, Reach: audit.ReachBuild, Confidence: audit.High,
			URLs:    []string{"https://github.com/o/tool/releases/download/v" + version + "/tool-" + version + "-linux-amd64.tar.gz"},
			Outputs: []audit.Output{{Name: "out", Path: "/nix/store/a-fetch", NarHash: "sha256-AAAA"}},
			Evidence: []audit.Evidence{
				{Rule: "content-elf", Level: audit.LevelContent, At: "bin/tool", Detail: "ELF"},
			},
		},
		{
			Drv: "/nix/store/b-pkg.drv", Name: "tool-" + version, Verdict: audit.CarriesBinary, Kinds: []audit.Kind{audit.NativeCode},
			Reach: audit.ReachBuild, Confidence: audit.High, Inputs: []int{0},
			Evidence: []audit.Evidence{{Rule: "trace", Level: audit.LevelTrace, From: "/nix/store/a-fetch.drv"}},
		},
		{
			Drv: "/nix/store/c-root.drv", Name: "image-" + version + ".iso", Verdict: audit.Source, Reach: audit.ReachRuntime,
			Confidence: audit.High, Inputs: []int{1},
		},
	}
	if change != nil {
		change(&rows[0], &rows[1], &rows[2])
	}
	return &audit.Audit{
		Schema: audit.Schema, Target: audit.Target{Name: "image", Roots: []string{"/nix/store/c-root.drv"}},
		Summary: audit.Summarize(rows), Derivations: rows,
	}
}

func text(t *testing.T, r *Result) string {
	t.Helper()
	var b bytes.Buffer
	if err := r.WriteText(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestVersionBumpIsNotNew(t *testing.T) {
	b := FromAudit(small("1.2.3", nil), nil)
	if r := Gate(small("2.0.0", nil), b, nil, today); !r.Pass || r.Known != 2 {
		t.Errorf("an update of a known dependency fails:\n%s", text(t, r))
	}
}

func TestWhatIsNew(t *testing.T) {
	base := FromAudit(small("1.0", nil), nil)
	for _, c := range []struct {
		name   string
		change func(fetch, pkg, root *audit.Derivation)
		want   []string // package and why
	}{
		{"another kind", func(f, _, _ *audit.Derivation) {
			f.Kinds = []audit.Kind{audit.NativeCode, audit.Firmware}
		}, []string{"tool-1.1-linux-amd64.tar.gz kind"}},
		{"fewer kinds", func(f, _, _ *audit.Derivation) { f.Kinds = nil }, nil},
		{"the fetch reaches runtime", func(f, _, _ *audit.Derivation) {
			f.Reach = audit.ReachRuntime
		}, []string{"tool-1.1-linux-amd64.tar.gz reach"}},
		{"its bytes reach runtime", func(_, p, _ *audit.Derivation) {
			p.Reach = audit.ReachRuntime
		}, []string{"tool-1.1-linux-amd64.tar.gz reach"}},
		{"reach no longer known", func(f, _, _ *audit.Derivation) {
			f.Reach = audit.ReachUnknown
		}, []string{"tool-1.1-linux-amd64.tar.gz reach"}},
		{"another host", func(f, _, _ *audit.Derivation) {
			f.URLs[0] = strings.Replace(f.URLs[0], "github.com", "evil.example", 1)
		}, []string{"tool-1.1-linux-amd64.tar.gz origin"}},
		{"another owner", func(f, _, _ *audit.Derivation) {
			f.URLs[0] = strings.Replace(f.URLs[0], "/o/", "/evil/", 1)
		}, []string{"tool-1.1-linux-amd64.tar.gz origin"}},
		{"another name", func(f, _, _ *audit.Derivation) {
			f.Name = "other-1.1-linux-amd64.tar.gz"
		}, []string{"other-1.1-linux-amd64.tar.gz new"}},
		{"a tool of the build instead", func(_, p, _ *audit.Derivation) {
			p.Verdict = audit.BuiltByBinary
			p.Evidence[0].From = ""
		}, []string{"tool-1.1 verdict"}},
		{"a member of a source archive", func(f, _, _ *audit.Derivation) {
			f.Verdict = audit.Source
		}, []string{"tool-1.1 origin"}},
		{"a seed", func(f, _, _ *audit.Derivation) {
			f.Verdict = audit.Seed
		}, []string{"tool-1.1-linux-amd64.tar.gz verdict"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := Gate(small("1.1", c.change), base, nil, today)
			got := []string{}
			for _, it := range r.New {
				got = append(got, it.Package+" "+string(it.Why))
			}
			if !slices.Equal(got, c.want) && len(got)+len(c.want) > 0 {
				t.Errorf("new: %q, want %q\n%s", got, c.want, text(t, r))
			}
			if r.Pass != (len(c.want) == 0) {
				t.Errorf("pass is %v", r.Pass)
			}
		})
	}
}

const waiverText = `# why
waivers:
  - finding: tool-linux-amd64.tar.gz
    reach: build
    reason: no-source
    owner: "@team"
    issue: https://example.org/issues/1
    until: 2026-05-20
`

// The life of a waiver: a new binary dependency fails the gate and is named;
// waived, it passes, together with what only carries it; expired, it fails.
func TestWaiverLife(t *testing.T) {
	clean := small("1.0", func(f, p, _ *audit.Derivation) {
		f.Verdict, p.Verdict = audit.Source, audit.Source
	})
	base := FromAudit(clean, nil)
	a := small("1.0", nil)
	r := Gate(a, base, nil, today)
	msg := text(t, r)
	if r.Pass || len(r.New) != 1 || r.New[0].Since != "tool-1.0" || !slices.Equal(r.New[0].CarriedBy, []string{"tool-1.0"}) {
		t.Fatalf("a new dependency: %+v\n%s", r, msg)
	}
	for _, want := range []string{
		`new: "tool-1.0-linux-amd64.tar.gz"`, "https://github.com/o/tool/releases", `since    input "tool-1.0"`,
		`"image-1.0.iso" -> "tool-1.0" -> "tool-1.0-linux-amd64.tar.gz"`, "baseline update",
	} {
		if !strings.Contains(msg, want) {
			t.Errorf("message lacks %q:\n%s", want, msg)
		}
	}
	w, err := ReadWaivers("w.yaml", strings.NewReader(waiverText))
	if err != nil {
		t.Fatal(err)
	}
	if r := Gate(a, base, w, today); !r.Pass || len(r.Waived) != 1 {
		t.Fatalf("on its last day a waiver does not hold:\n%s", text(t, r))
	}
	r = Gate(a, base, w, today.Add(time.Hour))
	if msg := text(t, r); r.Pass || len(r.New) != 1 || !strings.Contains(msg, "w.yaml:3: waiver for \"tool-linux-amd64.tar.gz\" expired on 2026-05-20") {
		t.Fatalf("an expired waiver: %s", msg)
	}
}

func TestWaiverLimits(t *testing.T) {
	base := FromAudit(small("1.0", func(f, p, _ *audit.Derivation) { f.Verdict, p.Verdict = audit.Source, audit.Source }), nil)
	for _, c := range []struct {
		name, old, new string
		change         func(fetch, pkg, root *audit.Derivation)
		want           string // "" is a pass
	}{
		{"as it is", "", "", nil, ""},
		{"not used", "finding: tool-linux", "finding: other-linux", nil, "is not used"},
		{"other origin", "reason:", "origin: example.org/*\n    reason:", nil, "is not used"},
		{"right origin", "reason:", "origin: github.com/o/*\n    reason:", nil, ""},
		{"other verdict", "reason:", "verdict: seed\n    reason:", nil, "is not used"},
		{"other kind", "reason:", "kind: binaryFirmware\n    reason:", nil, "is not used"},
		{"too far a reach", "", "", func(f, _, _ *audit.Derivation) { f.Reach = audit.ReachRuntime }, "its reach is runtime"},
		{"carried too far", "", "", func(_, p, _ *audit.Derivation) { p.Reach = audit.ReachRuntime }, "its reach is runtime"},
		{"too broad", "finding: tool-linux-amd64.tar.gz", "finding: tool*", nil, "too broad: it matches 2 findings and says it covers 1 (tool, tool-linux-amd64.tar.gz)"},
		{"broad as said", "finding: tool-linux-amd64.tar.gz", "finding: tool*\n    covers: 2", nil, ""},
		{"right pin", "reason:", "output: sha256-AAAA\n    reason:", nil, ""},
		{"wrong pin", "reason:", "output: sha256-BBBB\n    reason:", nil, "which it does not have now"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w, err := ReadWaivers("w.yaml", strings.NewReader(strings.Replace(waiverText, c.old, c.new, 1)))
			if err != nil {
				t.Fatal(err)
			}
			r := Gate(small("1.0", c.change), base, w, today)
			msg := text(t, r)
			if r.Pass != (c.want == "") || !strings.Contains(msg, c.want) {
				t.Errorf("pass %v, want %q in:\n%s", r.Pass, c.want, msg)
			}
		})
	}
}

// The same on a real audit: one dependency of it was not there before.
func TestDemoLife(t *testing.T) {
	const fetch, carrier = "7zip-bin-5.2.0.tgz", "sevenzip-5.2.0"
	before, err := audit.ReadFile("../../report/testdata/audit.json")
	if err != nil {
		t.Fatal(err)
	}
	now, err := audit.ReadFile("../../report/testdata/audit.json")
	if err != nil {
		t.Fatal(err)
	}
	for i := range before.Derivations {
		if d := &before.Derivations[i]; d.Name == fetch || d.Name == carrier {
			d.Verdict, d.Kinds = audit.Source, nil
		}
	}
	base := FromAudit(before, nil)
	if r := Gate(before, base, nil, today); !r.Pass {
		t.Fatalf("before:\n%s", text(t, r))
	}
	r := Gate(now, base, nil, today)
	if r.Pass || len(r.New) != 1 || r.New[0].Package != fetch || r.New[0].Reach != audit.ReachRuntime || r.New[0].Since != carrier ||
		!slices.Contains(r.New[0].CarriedBy, carrier) {
		t.Fatalf("with the new dependency:\n%s", text(t, r))
	}
	waiver := strings.NewReplacer("tool-linux-amd64.tar.gz", r.New[0].Name, "reach: build", "reach: runtime").Replace(waiverText)
	w, err := ReadWaivers("w.yaml", strings.NewReader(waiver))
	if err != nil {
		t.Fatal(err)
	}
	if r := Gate(now, base, w, today); !r.Pass {
		t.Fatalf("waived:\n%s", text(t, r))
	}
	if r := Gate(now, base, w, today.AddDate(0, 0, 1)); r.Pass {
		t.Fatal("it passes with an expired waiver")
	}
	if d := Compare(before, now); len(d.Added) != 2 || d.Added[0].Old == nil || d.Added[0].Old.Verdict != audit.Source {
		t.Errorf("the comparison: %s", summary(d))
	}
}

// The waivers that the documentation shows are ones that are read.
func TestDocumentedWaivers(t *testing.T) {
	data, err := os.ReadFile("../../report/ci/README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, block, ok := strings.Cut(string(data), "```yaml\n")
	block, _, _ = strings.Cut(block, "```")
	w, err := ReadWaivers("README.md", strings.NewReader(block))
	if !ok || err != nil || len(w.List) != 1 {
		t.Fatalf("%v, %v", w, err)
	}
	for _, r := range Reasons {
		if !strings.Contains(block, r.ID) {
			t.Errorf("the reason %s is not documented", r.ID)
		}
	}
}

func TestWaiverErrors(t *testing.T) {
	for _, c := range []struct{ old, new, want string }{
		{"2026-05-20", "2026-02-30", `w.yaml:8: until is "2026-02-30", which is no date`},
		{"2026-05-20", "soon", `w.yaml:8: until is "soon"`},
		{"    until: 2026-05-20\n", "", "w.yaml:3: until is missing"},
		{"no-source", "because", `w.yaml:3: reason is "because", want one of bootstrap,`},
		{"    owner: \"@team\"\n", "", "w.yaml:3: owner is missing"},
		{"https://example.org/issues/1", "see above", `w.yaml:3: issue is "see above"`},
		{"reach: build", "reach: far", `w.yaml:3: reach is "far"`},
		{"tool-linux-amd64.tar.gz", "\"*\"", "w.yaml:3: finding is \"*\", which is too broad"},
		{"tool-linux-amd64.tar.gz", "\"a*b*\"", "too broad"},
		{"owner:", "ownr:", `w.yaml:6: unknown key "ownr"`},
		{"reach: build", "reach: build\n    reach: runtime", `w.yaml:5: key "reach" is given twice`},
		{"waivers:", "waiver:", `w.yaml:2: unknown key "waiver"`},
		{"reason: no-source", "covers: 0\n    reason: no-source", `w.yaml:5: covers is "0"`},
		{"reason: no-source", "output: md5:00\n    reason: no-source", "w.yaml:3: output is"},
		{"  - finding", "<<<<<<< HEAD\n  - finding", "w.yaml:3: unresolved merge conflict"},
		{"reach: build", "reach: [", "not YAML"},
		{"reach: build", "reach: [build]", "w.yaml:4: want a plain value"},
	} {
		_, err := ReadWaivers("w.yaml", strings.NewReader(strings.Replace(waiverText, c.old, c.new, 1)))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s instead of %s: error %v, want %q", c.new, c.old, err, c.want)
		}
	}
	for _, empty := range []string{"", "# nothing\n", "waivers:\n", "waivers: []\n"} {
		if w, err := ReadWaivers("w", strings.NewReader(empty)); err != nil || len(w.List) != 0 {
			t.Errorf("%q: %v, %v", empty, w, err)
		}
	}
}

const waiverTOML = `# why
[[waivers]]
finding = "tool-linux-amd64.tar.gz"
reach = "build"
reason = "no-source"
owner = "@team"
issue = "https://example.org/issues/1"
until = 2026-05-20
`

// A TOML file says the same as a YAML one, and its errors have their lines.
func TestWaiversInTOML(t *testing.T) {
	want, err := ReadWaivers("w", strings.NewReader(waiverText))
	if err != nil {
		t.Fatal(err)
	}
	inline := "waivers = [\n\n{ " + strings.ReplaceAll(strings.TrimSpace(strings.SplitN(waiverTOML, "\n", 3)[2]), "\n", ", ") + " } ]"
	for _, text := range []string{waiverTOML, inline, strings.ReplaceAll(waiverTOML, "\n", "\r\n")} {
		w, err := ReadWaivers("w.toml", strings.NewReader(text))
		if err != nil || len(w.List) != 1 {
			t.Fatalf("%v, %v", w, err)
		}
		got := w.List[0]
		if got.Line < 2 || got.Line > 3 {
			t.Errorf("a waiver on line %d", got.Line)
		}
		got.File, got.Line = want.List[0].File, want.List[0].Line
		if got != want.List[0] {
			t.Errorf("got %+v, want %+v", got, want.List[0])
		}
	}
	for _, c := range []struct{ old, new, want string }{
		{"2026-05-20", "2026-02-30", `w.toml:8: until is "2026-02-30", which is no date`},
		{"2026-05-20", "\"soon\"", `w.toml:8: until is "soon"`},
		{"until = 2026-05-20\n", "", "w.toml:2: until is missing"},
		{"owner =", "ownr =", `w.toml:6: unknown key "ownr"`},
		{"reach = \"build\"", "reach = \"build\"\nreach = \"runtime\"", `w.toml:5: key "reach" is given twice`},
		{"[[waivers]]", "[[waiver]]", `w.toml:2: unknown key "waiver"`},
		{"[[waivers]]", "[waivers]", "w.toml:2: waivers must be a list"},
		{"reason =", "covers = 0\nreason =", `w.toml:5: covers is "0"`},
		{"\"build\"", "[\"build\"]", "w.toml:4: want a plain value"},
		{"\"build\"", "\"build", "w.toml:4: not TOML: "},
		{"\"build\"", strings.Repeat("[", 40) + strings.Repeat("]", 40), "w.toml:4: nested too deep"},
		{"[[waivers]]", "waivers = 1\n[[waivers]]", `w.toml:2: waivers must be a list`},
		{"finding", "<<<<<<< HEAD\nfinding", "w.toml:3: unresolved merge conflict"},
	} {
		_, err := ReadWaivers("w.toml", strings.NewReader(strings.Replace(waiverTOML, c.old, c.new, 1)))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s instead of %s: error %v, want %q", c.new, c.old, err, c.want)
		}
	}
	for _, empty := range []string{"", "# nothing\n", "waivers = []\n"} {
		if w, err := ReadWaivers("w.toml", strings.NewReader(empty)); err != nil || len(w.List) != 0 {
			t.Errorf("%q: %v, %v", empty, w, err)
		}
	}
	w, err := ReadWaivers("w.toml", strings.NewReader(strings.Replace(waiverTOML, "reason", "covers = 3\nreason", 1)))
	if err != nil || w.List[0].Covers != 3 {
		t.Errorf("covers: %+v, %v", w, err)
	}
}

func TestBaselineRoundTrip(t *testing.T) {
	b := FromAudit(audittest.GenerateHostile(3000), nil)
	var first, second bytes.Buffer
	if err := b.Write(&first); err != nil {
		t.Fatal(err)
	}
	got, err := ReadBaseline("b", bytes.NewReader(first.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	if err := got.Write(&second); err != nil {
		t.Fatal(err)
	}
	if first.String() != second.String() {
		t.Error("reading and writing a baseline changes it")
	}
	if r := Gate(audittest.GenerateHostile(3000), got, nil, today); !r.Pass {
		t.Errorf("an audit fails its own baseline:\n%s", text(t, r))
	}
}

func TestBaselineUpdateKeepsComments(t *testing.T) {
	b := FromAudit(small("1.0", nil), nil)
	var out bytes.Buffer
	if err := b.Write(&out); err != nil {
		t.Fatal(err)
	}
	edited := strings.Replace(out.String(), "\ntool carries", "\n# asked upstream\ntool carries", 1)
	old, err := ReadBaseline("b", strings.NewReader(strings.ReplaceAll(edited, "\n", "\r\n")))
	if err != nil {
		t.Fatal(err)
	}
	out.Reset()
	if err := FromAudit(small("2.0", nil), old).Write(&out); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), "# asked upstream\ntool carries-binary binaryNativeCode build -\n") {
		t.Errorf("the comment is gone:\n%s", out.String())
	}
	if n := strings.Count(out.String(), "# Known binary"); n != 1 {
		t.Errorf("the explanation is there %d times", n)
	}
}

// A baseline that a merge has left in conflict is written anew with the
// comments of both sides; all else that is wrong with it stays an error.
func TestBaselineUpdateAfterConflict(t *testing.T) {
	var out bytes.Buffer
	if err := FromAudit(small("1.0", nil), nil).Write(&out); err != nil {
		t.Fatal(err)
	}
	lines := strings.SplitAfter(out.String(), "\n")
	n := len(lines) - 3 // before the two entries
	text := strings.Join(lines[:n], "") + "<<<<<<< HEAD\n# ours\n" + lines[n] + "=======\n# theirs\n" + lines[n+1] + ">>>>>>> topic\n"
	if _, err := ReadBaseline("b", strings.NewReader(text)); err == nil {
		t.Fatal("a gate reads a conflict")
	}
	old, err := ReadConflicting("b", strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	out.Reset()
	if err := FromAudit(small("2.0", nil), old).Write(&out); err != nil {
		t.Fatal(err)
	}
	if s := out.String(); !strings.Contains(s, "# ours\ntool") || !strings.Contains(s, "# theirs\ntool") || strings.Count(s, baselineHeader) != 1 {
		t.Errorf("written anew:\n%s", s)
	}
	if _, err := ReadConflicting("b", strings.NewReader(baselineHeader+"\n<<<<<<< HEAD\na binary\n")); err == nil {
		t.Error("a line that is none is read")
	}
}

func TestBaselineErrors(t *testing.T) {
	const good = "a binary - build x"
	for _, c := range []struct{ in, want string }{
		{"", "b:1: empty"},
		{good, `b:1: not a baseline`},
		{"# fromsource baseline v2\n", "b:1: not a baseline that this version can read"},
		{baselineHeader + "\n<<<<<<< HEAD\n" + good + "\n=======\n", "b:2: unresolved merge conflict"},
		{baselineHeader + "\n" + good + "\n=======\n", "b:3: unresolved merge conflict"},
		{"<<<<<<< HEAD\n" + baselineHeader, "b:1: unresolved merge conflict"},
		{baselineHeader + "\na binary - build\n", "b:2: want 5 fields"},
		{baselineHeader + "\na source - build x\n", `b:2: verdict is "source"`},
		{baselineHeader + "\na binary elf build x\n", `b:2: kind is "elf"`},
		{baselineHeader + "\na binary - far x\n", `b:2: reach is "far"`},
	} {
		_, err := ReadBaseline("b", strings.NewReader(c.in))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: error %v, want %q", c.in, err, c.want)
		}
	}
}

func TestGone(t *testing.T) {
	b := FromAudit(small("1.0", nil), nil)
	r := Gate(small("1.0", func(f, p, _ *audit.Derivation) {
		f.Verdict, p.Verdict = audit.Unknown, audit.Source
		f.Reason = "no content"
	}), b, nil, today)
	var got []string
	for _, e := range r.Gone {
		got = append(got, e.Name+" "+e.Now)
	}
	if want := []string{"tool source", "tool-linux-amd64.tar.gz unknown"}; !slices.Equal(got, want) {
		t.Errorf("gone %q, want %q", got, want)
	}
	if !r.Pass || !r.Incomplete() {
		t.Errorf("pass %v, incomplete %v: what could not be looked at is no pass of the whole", r.Pass, r.Incomplete())
	}
}

func TestEmptyAuditFails(t *testing.T) {
	if r := Gate(&audit.Audit{}, &Baseline{}, nil, today); r.Pass {
		t.Error("an audit without derivations passes")
	}
}

func TestMessageIsPlain(t *testing.T) {
	r := Gate(audittest.GenerateHostile(400), &Baseline{}, nil, today)
	if len(r.New) == 0 {
		t.Fatal("nothing new")
	}
	for _, c := range text(t, r) {
		if c != '\n' && (c < ' ' || c == 0x7f || c == '\u202e') {
			t.Fatalf("the message has a raw %U", c)
		}
	}
}

func FuzzReadBaseline(f *testing.F) {
	f.Add(baselineHeader + "\n\n# c\na binary - build x\nb seed binaryFirmware+binaryBytecode runtime -\n")
	f.Add("<<<<<<<")
	f.Fuzz(func(t *testing.T, s string) {
		b, err := ReadBaseline("b", strings.NewReader(s))
		if err != nil {
			if b != nil {
				t.Fatal("a baseline beside an error")
			}
			return
		}
		var first, second bytes.Buffer
		if err := b.Write(&first); err != nil {
			t.Fatal(err)
		}
		again, err := ReadBaseline("b", bytes.NewReader(first.Bytes()))
		if err != nil {
			t.Fatalf("our own output is not read: %v\n%s", err, first.String())
		}
		if err := again.Write(&second); err != nil || first.String() != second.String() {
			t.Fatalf("not stable: %v\n%q\n%q", err, first.String(), second.String())
		}
	})
}

func FuzzReadWaivers(f *testing.F) {
	f.Add(waiverText)
	f.Add("waivers: [{}]")
	f.Add("a: &a [*a]")
	f.Add(waiverTOML)
	f.Add("waivers = [{a = [1, {}]}]\n[a.\"b\"]\n[[a]]")
	f.Fuzz(func(t *testing.T, s string) {
		for _, name := range []string{"w", "w.toml"} {
			if w, err := ReadWaivers(name, strings.NewReader(s)); err == nil && w == nil {
				t.Fatal("neither waivers nor an error")
			}
		}
	})
}

func FuzzWildcard(f *testing.F) {
	f.Add("a*b", "aXXb")
	f.Add("***", "")
	f.Fuzz(func(t *testing.T, p, s string) {
		if !wildcard("*", s) || !wildcard(s, s) && !strings.Contains(s, "*") {
			t.Fatalf("%q does not match itself", s)
		}
		if wildcard(p, s) && !wildcard("*"+p, "x"+s) {
			t.Fatalf("%q matches %q, and not with a star before it", p, s)
		}
	})
}

func BenchmarkGate(b *testing.B) {
	a := audittest.Generate(30000)
	base := FromAudit(a, nil)
	w := &Waivers{}
	for i := range 50 {
		w.List = append(w.List, Waiver{Finding: fmt.Sprintf("tool-%d", i), Covers: 1, Reach: audit.ReachBuild, Until: today})
	}
	for b.Loop() {
		Gate(a, base, w, today)
	}
}

// A list without its key is the first thing that one tries.
func TestWaiversNeedTheirKey(t *testing.T) {
	_, err := ReadWaivers("w.yaml", strings.NewReader("- finding: tool\n"))
	if err == nil || !strings.Contains(err.Error(), `w.yaml:1: the file, with the list under "waivers", must be a mapping`) {
		t.Error(err)
	}
}
