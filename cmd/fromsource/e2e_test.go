package main

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"fromsource/analyze/audit"
	"fromsource/testdata/demo"
)

// TestGuests are the tests that run guests, one after the other: an emulated
// one takes a processor. Tests that mostly wait go on beside them.
func TestGuests(t *testing.T) {
	t.Parallel()
	t.Run("Demo", testDemo)
	t.Run("Rebuild", testRebuildInGuests)
	t.Run("Events", testBuildsInGuest)
	t.Run("Remote", testGuestBuildsForAnother)
}

// testDemo runs the main job for real: the demo is built in a guest, audited,
// its suspects are built again there, and everything once more in a second
// fresh guest. Every verdict must be the expected one.
func testDemo(t *testing.T) {
	want, err := demo.ReadExpected()
	if err != nil {
		t.Fatal(err)
	}
	program := staticProgram(t)
	out := filepath.Join(t.TempDir(), "out")
	cmd := exec.Command(program, "audit", "--second-guest", "--out", out)
	var progress strings.Builder
	cmd.Stderr = &progress
	text, err := cmd.Output()
	t.Logf("%s\n%s", progress.String(), text)
	if err != nil {
		t.Fatalf("fromsource audit: %v", err)
	}
	a, err := audit.ReadFile(filepath.Join(out, "audit.json"))
	if err != nil {
		t.Fatal(err)
	}
	checkRows(t, a, want)
	checkImage(t, a, want, out)
	checkRebuilds(t, a, want)
	if len(a.Skipped) > 0 {
		t.Errorf("skipped: %v", a.Skipped)
	}
	for _, name := range []string{"report.md", "report.html", "build.log", "closure.nar"} {
		if st, err := os.Stat(filepath.Join(out, name)); err != nil || st.Size() == 0 {
			t.Errorf("%s: %v, or empty", name, err)
		}
	}
	report, err := os.ReadFile(filepath.Join(out, "report.md"))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(report), "not built from source alone") {
		t.Errorf("the report does not begin with the answer:\n%.500s", report)
	}
}

// checkRows compares every verdict, kind and reach with the expected one.
func checkRows(t *testing.T, a *audit.Audit, want *demo.Expected) {
	t.Helper()
	rows := map[string]audit.Derivation{}
	for _, d := range a.Derivations {
		if _, twice := rows[d.Name]; twice {
			t.Errorf("two derivations are called %s", d.Name)
		}
		rows[d.Name] = d
	}
	if len(rows) != len(want.Derivations) {
		t.Errorf("%d derivations, want %d", len(rows), len(want.Derivations))
	}
	for _, w := range want.Derivations {
		d, ok := rows[w.Name]
		if !ok {
			t.Errorf("%s: not in the audit", w.Name)
			continue
		}
		kinds := []string{}
		for _, k := range d.Kinds {
			kinds = append(kinds, string(k))
		}
		slices.Sort(kinds)
		wantKinds := slices.Sorted(slices.Values(w.Kinds))
		if string(d.Verdict) != w.Verdict || string(d.Reach) != w.Reach || !slices.Equal(kinds, wantKinds) || d.FixedOutput != w.FixedOutput {
			t.Errorf("%s: %s, %s, %q, fixed-output %v (%s); want %s, %s, %q, fixed-output %v, because: %s",
				w.Name, d.Verdict, d.Reach, kinds, d.FixedOutput, d.Reason, w.Verdict, w.Reach, wantKinds, w.FixedOutput, w.Why)
		}
		if d.Verdict != audit.Seed && len(d.Evidence) == 0 {
			t.Errorf("%s: %s without any evidence", w.Name, d.Verdict)
		}
		if d.Verdict == audit.CarriesBinary && !slices.ContainsFunc(d.Evidence, func(e audit.Evidence) bool { return e.Level == audit.LevelTrace }) {
			t.Errorf("%s: carries-binary, and nothing was traced", w.Name)
		}
	}
}

// checkImage compares the ISO of both guests with the expected one.
func checkImage(t *testing.T, a *audit.Audit, want *demo.Expected, out string) {
	t.Helper()
	if a.Target.Image == nil {
		t.Fatal("the audit has no image")
	}
	if a.Target.Image.SHA256 != want.Image.SHA256 || a.Target.Image.Size != want.Image.Size {
		t.Errorf("image: %d bytes, sha256 %s; want %d bytes, %s", a.Target.Image.Size, a.Target.Image.SHA256, want.Image.Size, want.Image.SHA256)
	}
	for _, dir := range []string{out, filepath.Join(out, "second-guest")} {
		isos, err := filepath.Glob(filepath.Join(dir, "result", "*.iso"))
		if err != nil || len(isos) != 1 {
			t.Errorf("%s: images %q, want one (%v)", dir, isos, err)
			continue
		}
		if got := sha256File(t, isos[0]); got != want.Image.SHA256 {
			t.Errorf("%s: sha256 %s, want %s", isos[0], got, want.Image.SHA256)
		}
	}
}

// checkRebuilds wants all of the demo to come out the same in a second guest,
// but for the package that is there to differ.
func checkRebuilds(t *testing.T, a *audit.Audit, want *demo.Expected) {
	t.Helper()
	unsteady := map[string]bool{}
	for _, w := range want.Derivations {
		if !w.FixedOutput && !w.Reproducible {
			unsteady[w.Name] = true
		}
	}
	if len(unsteady) == 0 {
		t.Error("nothing in the demo is expected to differ")
	}
	checked := 0
	for _, d := range a.Derivations {
		results := map[string]bool{}
		for _, r := range d.Rebuild {
			results[r.Result] = true
			if r.By == "guest" {
				checked++
			}
			if r.Result == audit.Differs && len(r.Differences) == 0 {
				t.Errorf("%s: output %s differs, and it is not said where", d.Name, r.Output)
			}
			if r.By == "second guest" && (r.Expected == "" || r.Got == "") {
				t.Errorf("%s: output %s was not compared by its hash: %+v", d.Name, r.Output, r)
			}
		}
		switch {
		case unsteady[d.Name] && !results[audit.Differs]:
			t.Errorf("%s: it is not reproducible, and that was not seen: %+v", d.Name, d.Rebuild)
		case !unsteady[d.Name] && (len(results) != 1 || !results[audit.Reproduced]):
			t.Errorf("%s: not reproduced: %+v", d.Name, d.Rebuild)
		}
	}
	if checked == 0 {
		t.Error("no suspect was built again in the guest itself")
	}
}

func sha256File(t *testing.T, name string) string {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		t.Fatal(err)
	}
	return hex.EncodeToString(h.Sum(nil))
}
