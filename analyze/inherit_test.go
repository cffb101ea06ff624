package analyze_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"fromsource/analyze/audit"
	"fromsource/analyze/trace"
)

var (
	inheritOnce sync.Once
	inherit     fixture
)

// theHeirs is testdata/inherit.nix, built once.
func theHeirs(t *testing.T) *fixture {
	t.Helper()
	inheritOnce.Do(func() {
		inherit.err = inherit.buildFrom("inherit", `set -e
cp /usr/bin/zstd generator
mkdir s; echo text > s/a; zip -q -P secret sealed.zip /usr/bin/cpio s/a
`, "", "all")
	})
	if inherit.err != nil {
		t.Fatal(inherit.err)
	}
	return &inherit
}

// buildFrom builds an attribute of testdata/NAME.nix of what a script puts into
// its directory, and notes that every build executed a shell. args are those of
// the file beside hashes.
func (f *fixture) buildFrom(name, script, args, attr string) error {
	dir := filepath.Join(scratch, name)
	srcs := filepath.Join(dir, "srcs")
	if err := os.MkdirAll(srcs, 0o755); err != nil {
		return err
	}
	cmd := exec.Command("bash", "-c", script)
	cmd.Dir = srcs
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("making sources: %w\n%s", err, out)
	}
	hashes, err := hashesOf(srcs)
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "hashes.json"), hashes, 0o600); err != nil {
		return err
	}
	text, err := filepath.Abs("testdata/" + name + ".nix")
	if err != nil {
		return err
	}
	f.root = filepath.Join(dir, "root")
	call := fmt.Sprintf("(import %s { hashes = builtins.fromJSON (builtins.readFile %s); %s }).%s", text, filepath.Join(dir, "hashes.json"), args, attr)
	if f.drv, err = f.nix(srcs, "nix-instantiate", "-E", call); err != nil {
		return err
	}
	return f.realise(srcs)
}

// heirsRecord is what the guest would have recorded of those builds.
func heirsRecord(t *testing.T, f *fixture) []trace.Exec {
	t.Helper()
	sum := func(file string) string {
		s, err := hashOf(file)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	gen := sum(filepath.Join(scratch, "inherit/srcs/generator"))
	out := slices.Clone(f.exec)
	for _, e := range []trace.Exec{
		{Drv: "generated-1", Path: "/build/gen", SHA256: gen},
		{Drv: "noted-1", Path: "/build/gen", SHA256: gen},
		{Drv: "ran-1", Path: f.output("compiled-1") + "/bin/compiled"},
		{Drv: "ran-copy-1", Path: "/build/x", SHA256: sum(filepath.Join(f.root, f.output("shipped-1"), "bin/other"))},
		{Drv: "called-1", Path: f.output("carrier-1") + "/bin/gen"},
		{Drv: "loads-1", Path: f.output("loader-1") + "/bin/loader"},
	} {
		e.Drv = f.path(e.Drv)
		out = append(out, e)
	}
	return out
}

func names(a *audit.Audit, rows []int) []string {
	out := []string{}
	for _, i := range rows {
		out = append(out, a.Derivations[i].Name)
	}
	slices.Sort(out)
	return out
}

// TestInherit: what prebuilt programs make is not source, however many builds
// it goes through.
func TestInherit(t *testing.T) {
	f := theHeirs(t)
	type want struct {
		name    string
		verdict audit.Verdict
		through string
		rule    string // of its evidence, or words in its reason
	}
	check := func(a *audit.Audit, wants []want) {
		t.Helper()
		for _, w := range wants {
			d := row(t, a, w.name)
			if got := strings.Join(names(a, d.Through), " "); d.Verdict != w.verdict || got != w.through {
				t.Errorf("%s is %s through %q (%s), want %s through %q; %+v", w.name, d.Verdict, got, d.Reason, w.verdict, w.through, d.Evidence)
			}
			if w.rule != "" && !strings.Contains(d.Reason, w.rule) && !slices.ContainsFunc(d.Evidence, func(e audit.Evidence) bool { return e.Rule == w.rule }) {
				t.Errorf("%s: neither evidence nor reason is %q: %q, %+v", w.name, w.rule, d.Reason, d.Evidence)
			}
		}
	}
	req := f.request(t)
	req.Exec = heirsRecord(t, f)
	a := run(t, req)
	check(a, []want{
		{"generated-1", audit.BuiltByBinary, "", "exec-recorded"},
		{"compiled-1", audit.BuiltByBinary, "generated-1", "text-through"},
		{"aside-1", audit.Unknown, "generated-1", "compiled from that"},
		{"shipped-1", audit.BuiltByBinary, "compiled-1", "trace-through"},
		{"text-1", audit.BuiltByBinary, "generated-1", "trace-through"},
		{"packed-1", audit.BuiltByBinary, "text-1", "trace-through"},
		{"stripped-1", audit.BuiltByBinary, "compiled-1 shipped-1", "trace-through"},
		{"ran-1", audit.BuiltByBinary, "compiled-1", "exec-through"},
		{"ran-copy-1", audit.BuiltByBinary, "compiled-1 shipped-1", "exec-through"},
		{"after-1", audit.BuiltByBinary, "ran-1", "trace-through"},
		{"library-1", audit.BuiltByBinary, "generated-1", "text-through"},
		{"linked-1", audit.BuiltByBinary, "library-1", "trace-through"},
		{"carrier-1", audit.CarriesBinary, "", "trace-identical"},
		{"called-1", audit.BuiltByBinary, "carrier-1", "exec-through"},
		{"loader-1", audit.Source, "", "trace-none"},
		{"loads-1", audit.Unknown, "", "which refers to library-1"},
		{"farm-1", audit.Source, "", "trace-none"},
		{"wrapper-1", audit.Source, "", "trace-none"},
		{"noted-1", audit.BuiltByBinary, "", "exec-recorded"},
		{"same-1", audit.Source, "", "trace-none"},
		{"unsure-1", audit.Unknown, "sealed-1", "whose own origin is unknown"},
	})
	if d := row(t, a, "after-1"); d.Reason != "through ran-1" || d.Confidence == audit.Low {
		t.Errorf("after-1: %s, %q", d.Confidence, d.Reason)
	}

	// Without a record nothing that had prebuilt programs at hand is source, nor
	// what is made of that.
	req.Exec = nil
	a = run(t, req)
	for _, name := range []string{
		"generated-1", "compiled-1", "aside-1", "shipped-1", "text-1", "packed-1", "stripped-1", "ran-1", "ran-copy-1", "after-1",
		"library-1", "linked-1", "called-1", "loads-1", "unsure-1",
	} {
		if d := row(t, a, name); d.Verdict == audit.Source {
			t.Errorf("without a record %s is source (%s)", name, d.Reason)
		}
	}
	check(a, []want{{"notes-1", audit.Source, "", "trace-none"}})
}
