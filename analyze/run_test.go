package analyze_test

import (
	"bytes"
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"fromsource/analyze"
	"fromsource/analyze/audit"
	"fromsource/analyze/rules"
)

func run(t *testing.T, req analyze.Request) *audit.Audit {
	t.Helper()
	a, err := analyze.Run(context.Background(), req)
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Validate(); err != nil {
		t.Fatal(err)
	}
	return a
}

func bytesOf(t *testing.T, a *audit.Audit) string {
	t.Helper()
	var b bytes.Buffer
	if err := audit.Write(&b, a); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func row(t *testing.T, a *audit.Audit, name string) *audit.Derivation {
	t.Helper()
	for i := range a.Derivations {
		if a.Derivations[i].Name == name {
			return &a.Derivations[i]
		}
	}
	t.Fatalf("no row is called %q", name)
	return nil
}

func rulesOf(d *audit.Derivation, level audit.Level) []string {
	var out []string
	for _, e := range d.Evidence {
		if e.Level == level && !slices.Contains(out, e.Rule) {
			out = append(out, e.Rule)
		}
	}
	return out
}

// TestVerdicts audits a closure that real tools have built, with contents and
// the record of what was executed.
func TestVerdicts(t *testing.T) {
	type want struct {
		Name    string
		Verdict audit.Verdict
		Kinds   []audit.Kind
		Reach   audit.Reach
		// Trace are the rules of level trace.
		Trace []string
	}
	native, byteCode, firmware := []audit.Kind{audit.NativeCode}, []audit.Kind{audit.Bytecode}, []audit.Kind{audit.Firmware}
	none := []audit.Kind{}
	clean, doubted := []string{"trace-none", "exec-none"}, []string{"not-followed"}
	wants := []want{
		{"plain.tar.gz", audit.Source, none, audit.ReachBuild, nil},
		{"plain-1", audit.Source, none, audit.ReachRuntime, clean},
		{"tested.tar.gz", audit.Source, none, audit.ReachBuild, []string{"trace-unused"}},
		{"tested-1", audit.Source, none, audit.ReachRuntime, clean},
		{"prebuilt.tar.gz", audit.Binary, native, audit.ReachRuntime, []string{"trace-patched", "exec-recorded"}},
		{"patched-1", audit.CarriesBinary, native, audit.ReachRuntime, []string{"trace-patched"}},
		{"library.jar", audit.Binary, byteCode, audit.ReachRuntime, []string{"trace-identical"}},
		{"repacked-1", audit.CarriesBinary, byteCode, audit.ReachRuntime, []string{"trace-identical"}},
		{"wifi-firmware-1.bin", audit.Binary, firmware, audit.ReachRuntime, []string{"trace-identical"}},
		{"wifi-firmware-1", audit.CarriesBinary, firmware, audit.ReachRuntime, []string{"trace-identical"}},
		{"generator.tar.gz", audit.Binary, native, audit.ReachBuild, []string{"exec-recorded"}},
		{"generated-1", audit.BuiltByBinary, native, audit.ReachRuntime, []string{"exec-recorded"}},
		{"changed-1", audit.Unknown, none, audit.ReachRuntime, doubted},
		{"made-1", audit.BuiltByBinary, native, audit.ReachRuntime, []string{"exec-recorded"}},
		{"objects.tar.gz", audit.Binary, native, audit.ReachRuntime, []string{"trace-linked"}},
		{"linked-1", audit.CarriesBinary, native, audit.ReachRuntime, []string{"trace-linked"}},
		{"aside-1", audit.Source, none, audit.ReachRuntime, clean},
		{"seedlinked-1", audit.Source, none, audit.ReachRuntime, append(slices.Clone(clean), "seed-generated")},
		{"wrapper-1", audit.Source, none, audit.ReachRuntime, clean},
		{"unused-linux-x86_64.tar.gz", audit.Binary, native, audit.ReachBuild, nil},
		{"unused-1", audit.Source, none, audit.ReachRuntime, clean},
		{"sealed.tar.gz", audit.Unknown, none, audit.ReachBuild, nil},
		{"sealed-1", audit.Unknown, none, audit.ReachRuntime, doubted},
		{"copied-1", audit.Unknown, none, audit.ReachRuntime, doubted},
		{"gone.tar.gz", audit.Unknown, none, audit.ReachUnknown, nil},
		{"gone-1", audit.Unknown, none, audit.ReachRuntime, doubted},
		{"bootstrap-tools-busybox", audit.Seed, native, audit.ReachBuild, nil},
		{"bootstrap-tools.tar.xz", audit.Seed, native, audit.ReachRuntime, nil},
		{"bootstrap-tools", audit.Seed, native, audit.ReachRuntime, []string{"seed-content"}},
		{"leaky-1", audit.CarriesBinary, native, audit.ReachRuntime, []string{"seed-content", "seed-reference", "seed-generated"}},
		{
			"image-1", audit.CarriesBinary,
			[]audit.Kind{audit.Bytecode, audit.Firmware, audit.NativeCode},
			audit.ReachRuntime,
			[]string{"trace-patched", "trace-identical", "trace-linked", "trace-through", "seed-content", "seed-generated"},
		},
	}
	a := run(t, theClosure(t).request(t))
	for _, w := range wants {
		d := row(t, a, w.Name)
		got := want{d.Name, d.Verdict, d.Kinds, d.Reach, rulesOf(d, audit.LevelTrace)}
		for _, l := range [][]string{w.Trace, got.Trace} {
			slices.Sort(l)
		}
		if diff := cmp.Diff(w, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s%s %+v", w.Name, diff, d.Reason, d.Evidence)
		}
	}
	if a.Target.ReachBy != audit.ReachByImage {
		t.Errorf("reach is by %q", a.Target.ReachBy)
	}
	for _, p := range a.Promises {
		if p.Result != audit.PromiseBroken || !slices.ContainsFunc(p.Broken, func(i int) bool { return a.Derivations[i].Name == "leaky-1" }) {
			t.Errorf("promise %s: %s, %v", p.Rule, p.Result, p.Broken)
		}
	}
	if len(a.Promises) != 3 {
		t.Errorf("%d promises", len(a.Promises))
	}
	wantReasons(t, a)
	wantRules(t, a)
}

// wantRules: every rule that an audit names is described.
func wantRules(t *testing.T, a *audit.Audit) {
	t.Helper()
	known := map[string]bool{}
	for _, r := range analyze.Rules() {
		if known[r.ID] || r.Title == "" || r.Why == "" || r.How == "" || strings.HasSuffix(r.Title, ".") {
			t.Errorf("rule %q is described twice or badly", r.ID)
		}
		known[r.ID] = true
	}
	seen := map[string]bool{}
	for _, d := range a.Derivations {
		for _, e := range d.Evidence {
			if _, text := rules.Find(e.Rule); !text && !known[e.Rule] && e.Level != audit.LevelDerivation {
				t.Errorf("rule %q of %s is nowhere described", e.Rule, d.Name)
			}
			seen[e.Rule] = true
		}
	}
	if n := len(seen); n < 15 {
		t.Errorf("only %d rules in the audit", n)
	}
}

// wantReasons checks the words of those that are not self-evident.
func wantReasons(t *testing.T, a *audit.Audit) {
	t.Helper()
	for name, says := range map[string]string{
		"sealed.tar.gz": "encrypted",
		"sealed-1":      "of its input sealed.tar.gz",
		"copied-1":      "hold 1 file of sealed-1, whose own origin is unknown",
		"gone.tar.gz":   "not at hand",
		"changed-1":     "may be a changed copy",
		"gone-1":        "its input gone.tar.gz",
	} {
		if d := row(t, a, name); !strings.Contains(d.Reason, says) {
			t.Errorf("%s: reason %q does not say %q", name, d.Reason, says)
		}
	}
	if !slices.ContainsFunc(a.Skipped, func(s audit.Skip) bool { return strings.Contains(s.Input, "sealed/data.zip") }) {
		t.Errorf("the encrypted archive is not among what was skipped: %v", a.Skipped)
	}
}

// TestTextAlone: without contents nothing is source, and what is not suspected
// is not inspected.
func TestTextAlone(t *testing.T) {
	req := theClosure(t).request(t)
	req.Store, req.Exec = nil, nil
	a := run(t, req)
	suspects := 0
	for _, d := range a.Derivations {
		seed := d.Verdict == audit.Seed
		switch {
		case d.Suspected && !seed:
			suspects++
			if want := map[bool]audit.Verdict{true: audit.Binary, false: audit.CarriesBinary}[d.FixedOutput]; d.Verdict != want {
				t.Errorf("%s is suspected and %s, want %s", d.Name, d.Verdict, want)
			}
			if len(rulesOf(&d, audit.LevelDerivation)) == 0 {
				t.Errorf("%s is suspected without evidence", d.Name)
			}
		case !seed && (d.Verdict != audit.Unknown || d.Reason != "not inspected"):
			t.Errorf("%s is %s (%s), want unknown, not inspected", d.Name, d.Verdict, d.Reason)
		}
		if d.Reach != audit.ReachUnknown {
			t.Errorf("%s: reach %s", d.Name, d.Reach)
		}
		for _, e := range d.Evidence {
			if e.Level != audit.LevelDerivation {
				t.Errorf("%s has evidence of level %s", d.Name, e.Level)
			}
		}
	}
	if suspects < 5 || a.Summary.Verdicts[audit.Source] != 0 {
		t.Errorf("%d suspects, summary %+v", suspects, a.Summary)
	}
}

// TestWithoutRecord: nothing is known of what builds executed, so nothing of
// it is claimed.
func TestWithoutRecord(t *testing.T) {
	req := theClosure(t).request(t)
	req.Exec = nil
	a := run(t, req)
	if d := row(t, a, "plain-1"); d.Verdict != audit.Source || d.Confidence != audit.Medium || d.Reason == "" {
		t.Errorf("plain-1 is %s, %s (%s); want source, medium", d.Verdict, d.Confidence, d.Reason)
	}
	// These had prebuilt programs at hand. Two of them did run one.
	for _, name := range []string{"generated-1", "made-1", "unused-1", "wrapper-1"} {
		if d := row(t, a, name); d.Verdict == audit.Source {
			t.Errorf("%s is source (%s)", name, d.Reason)
		}
	}
	for i := range a.Derivations {
		if slices.ContainsFunc(a.Derivations[i].Evidence, func(e audit.Evidence) bool { return e.Rule == "exec-recorded" || e.Rule == "exec-none" }) {
			t.Errorf("%s has evidence of a record that there is not", a.Derivations[i].Name)
		}
	}
}
