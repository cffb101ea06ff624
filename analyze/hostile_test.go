package analyze_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"fromsource/analyze"
	"fromsource/analyze/audit"
	"fromsource/analyze/rules"
	"fromsource/analyze/trace"
	"fromsource/closure"
)

var (
	hostileOnce sync.Once
	hostile     fixture
)

// theHostileClosure is testdata/hostile.nix, built once.
func theHostileClosure(t *testing.T) *fixture {
	t.Helper()
	hostileOnce.Do(func() { hostile.err = hostile.buildHostile() })
	if hostile.err != nil {
		t.Fatal(hostile.err)
	}
	return &hostile
}

func (f *fixture) buildHostile() error {
	dir := filepath.Join(scratch, "hostile")
	srcs := filepath.Join(dir, "srcs")
	script := `set -e
source() { mkdir -p $1; for i in 1 2 3 4 5 6 7 8; do echo "int f$i(int x) { return x * $i; }" > $1/$i.c; done; echo text > $1/README; }
pack() { tar --sort=name --mtime=@1 -czf $1.tar.gz $1; }
source overwritten; cp /usr/bin/sort overwritten/tool; pack overwritten
source encoded; base64 /usr/bin/cpio > notes.txt; base64 -w0 /usr/bin/true > small.txt; cp notes.txt encoded/; pack encoded
source helped; cp /usr/bin/zstd helped/helper; pack helped
cp /usr/bin/xz compiler
cp /usr/bin/patchelf bootstrap-tools-extra
mkdir classes; printf 'class Greeter{String greet(String n){return "hello "+n;}}' > Greeter.java; javac -d classes Greeter.java; jar cf library.jar -C classes .
mkdir large; { echo 'class Large { static int f(int x, String s) { int r = x;'; i=0; while [ $i -lt 600 ]; do echo "if (s.equals(\"word $((i*7919)) of it\")) r = r * $((i+3)) ^ $((i*i));"; i=$((i+1)); done; echo 'return r; } }'; } > Large.java; javac -d large Large.java; jar cf large.jar -C large .
source mixed; cp large.jar mixed/tool.jar; pack mixed
`
	if err := os.MkdirAll(srcs, 0o755); err != nil {
		return err
	}
	cmd := exec.Command("bash", "-c", script)
	cmd.Dir = srcs
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("making sources: %w\n%s", err, out)
	}
	hashes := map[string]string{}
	for _, name := range []string{"overwritten.tar.gz", "encoded.tar.gz", "helped.tar.gz", "compiler", "bootstrap-tools-extra", "library.jar", "large.jar", "mixed.tar.gz"} {
		var err error
		if hashes[name], err = hashOf(filepath.Join(srcs, name)); err != nil {
			return err
		}
	}
	b, err := json.Marshal(hashes)
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "hashes.json"), b, 0o600); err != nil {
		return err
	}
	text, err := filepath.Abs("testdata/hostile.nix")
	if err != nil {
		return err
	}
	f.root = filepath.Join(dir, "root")
	call := fmt.Sprintf("(import %s { hashes = builtins.fromJSON (builtins.readFile %s/hashes.json); notes = builtins.readFile %s/notes.txt; small = builtins.readFile %s/small.txt; }).", text, dir, srcs, srcs)
	if f.drv, err = f.nix(srcs, "nix-instantiate", "-E", call+"all"); err != nil {
		return err
	}
	if f.twin, err = f.nix(srcs, "nix-instantiate", "-E", call+"twin.bylink"); err != nil {
		return err
	}
	return f.realise(srcs)
}

// TestHostile: prebuilt code by ways that leave no equal bytes behind, or
// nothing on record.
func TestHostile(t *testing.T) {
	f := theHostileClosure(t)
	type want struct {
		name    string
		verdict audit.Verdict
		says    string // in the reason
	}
	for _, tc := range []struct {
		name     string
		recorded bool
		wants    []want
	}{
		{"recorded", true, []want{
			{"overwritten-1", audit.CarriesBinary, ""},
			{"overwritten.tar.gz", audit.Binary, ""},
			{"scattered-1", audit.Unknown, "changed copy"},
			{"linked-in-1", audit.CarriesBinary, ""},
			{"array-1", audit.CarriesBinary, ""},
			{"joined-1", audit.CarriesBinary, ""},
			{"modules-1", audit.CarriesBinary, ""},
			{"ramdisk-1", audit.CarriesBinary, ""},
			{"unified-1", audit.CarriesBinary, ""},
			{"shaded-1", audit.Unknown, "changed copy"},
			{"without-1", audit.Source, ""},
			{"decoded-1", audit.Unknown, "notes.txt"},
			{"encoded.tar.gz", audit.Unknown, "notes.txt"},
			{"written-1", audit.Unknown, "notes.txt"},
			{"carried-1", audit.Unknown, "env.small"},
			{"named-1", audit.CarriesBinary, ""},
			{"bootstrap-tools-extra", audit.Binary, ""},
			{"bylink-1", audit.Source, ""}, // the record says that it did not run it
			{"plain-1", audit.Source, ""},
			{"after-1", audit.Source, ""},
			{"unboxed-1", audit.Unknown, "__impureHostDeps"},
		}},
		{"not recorded", false, []want{
			{"scattered-1", audit.Unknown, "changed copy"},
			{"helped-1", audit.Unknown, "holds a program"},
			{"helped.tar.gz", audit.Unknown, "not on record"},
			{"bylink-1", audit.Unknown, "refers to carrier-1"},
			{"byscript-1", audit.Unknown, "refers to carrier-1"},
			{"interpreted-1", audit.Unknown, "not on record"},
			{"plain-1", audit.Source, ""},
			{"after-1", audit.Source, ""},
		}},
	} {
		req := f.request(t)
		if !tc.recorded {
			req.Exec = nil
		}
		a := run(t, req)
		for _, w := range tc.wants {
			d := row(t, a, w.name)
			if d.Verdict != w.verdict || !strings.Contains(d.Reason, w.says) {
				t.Errorf("%s: %s is %s (%s), want %s (%s); %+v", tc.name, w.name, d.Verdict, d.Reason, w.verdict, w.says, d.Evidence)
			}
		}
	}
}

// TestHostileRecord: what a build executed that can't be judged.
func TestHostileRecord(t *testing.T) {
	f := theHostileClosure(t)
	gone := "/nix/store/" + strings.Repeat("0", 32) + "-tool/bin/tool"
	for _, tc := range []struct{ name, path, says string }{
		{"after-1", gone, "nothing that the closure has"},
		{"plain-1", f.output("written-1") + "/bin/tool", "it does not depend"},
		{"interpreted-1", "/usr/lib/jvm/bin/java", "may have been given it"},
		{"mixed-1", "/usr/lib/jvm/bin/java", "Large.class), and its build executed java, which may have been given it"},
		{"without-1", "/lib64/ld-linux-x86-64.so.2", "ld-linux-x86-64.so.2, which may have been given "},
		{"without-1", "/usr/bin/qemu-x86_64-static", "may have been given"},
		{"without-1", "/usr/bin/python3.11", "may have been given"},
	} {
		req := f.request(t)
		req.Exec = append(slices.Clone(req.Exec), trace.Exec{Drv: f.path(tc.name), Path: tc.path, SHA256: strings.Repeat("ef", 32)})
		if d := row(t, run(t, req), tc.name); d.Verdict != audit.Unknown || !strings.Contains(d.Reason, tc.says) {
			t.Errorf("%s that executed %s is %s (%s)", tc.name, tc.path, d.Verdict, d.Reason)
		}
	}
	// One of the machine, and one that could not be hashed.
	for _, e := range []trace.Exec{
		{Path: "/usr/bin/gcc", SHA256: strings.Repeat("ef", 32)},
		{Path: "/build/gone"},
	} {
		req := f.request(t)
		e.Drv = f.path("after-1")
		req.Exec = append(slices.Clone(req.Exec), e)
		if d := row(t, run(t, req), "after-1"); d.Verdict != audit.Unknown || !strings.Contains(d.Reason, e.Path) {
			t.Errorf("after-1 that executed %s is %s (%s)", e.Path, d.Verdict, d.Reason)
		}
	}
	// A decoded program that was run, and is in no output.
	decoded := f.request(t)
	decoded.Exec = append(slices.Clone(decoded.Exec), trace.Exec{Drv: f.path("ran-decoded-1"), Path: "/build/x", SHA256: strings.Repeat("ef", 32)})
	if d := row(t, run(t, decoded), "ran-decoded-1"); d.Verdict != audit.Unknown || !strings.Contains(d.Reason, "notes.txt") {
		t.Errorf("ran-decoded-1 is %s (%s)", d.Verdict, d.Reason)
	}
	// The archive is not cleared by that record either.
	given := f.request(t)
	given.Exec = append(slices.Clone(given.Exec), trace.Exec{Drv: f.path("mixed-1"), Path: "/usr/lib/jvm/bin/java", SHA256: strings.Repeat("ef", 32)})
	if d := row(t, run(t, given), "mixed.tar.gz"); d.Verdict != audit.Unknown || !strings.Contains(d.Reason, "which may have been given") {
		t.Errorf("mixed.tar.gz is %s (%s)", d.Verdict, d.Reason)
	}
	if d := row(t, run(t, f.request(t)), "mixed.tar.gz"); d.Verdict != audit.Source {
		t.Errorf("mixed.tar.gz, unused, is %s (%s)", d.Verdict, d.Reason)
	}
	// One in an archive of source text: had the loader of the machine's own
	// programs been given it, it would be told for all of them.
	loaded := f.request(t)
	loaded.Exec = append(slices.Clone(loaded.Exec), trace.Exec{Drv: f.path("helped-1"), Path: f.output("plain-1") + "/ld-linux-x86-64.so.2"})
	if d := row(t, run(t, loaded), "helped-1"); d.Verdict != audit.Source || d.Confidence != audit.Low || !strings.Contains(d.Reason, "ld-linux-x86-64.so.2 been given it") {
		t.Errorf("helped-1 is %s, %s (%s)", d.Verdict, d.Confidence, d.Reason)
	}
	// A program of something that is no direct input, and not at hand.
	req := f.request(t)
	req.Store = without{req.Store, f.output("carrier-1")}
	req.Exec = append(slices.Clone(req.Exec), trace.Exec{Drv: f.path("bylink-1"), Path: f.output("carrier-1") + "/bin/cc"})
	if d := row(t, run(t, req), "bylink-1"); d.Verdict != audit.Unknown || !strings.Contains(d.Reason, "not at hand") {
		t.Errorf("bylink-1 is %s (%s)", d.Verdict, d.Reason)
	}
}

// TestTamperedDerivation: a derivation that was changed after its path was
// made clears neither itself nor what is built from it.
func TestTamperedDerivation(t *testing.T) {
	f := theHostileClosure(t)
	dir := filepath.Join(t.TempDir(), "nix/store")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for i := range closure.ID(f.graph.Len()) {
		b, err := os.ReadFile(filepath.Join(f.root, f.graph.Path(i)))
		if err != nil {
			t.Fatal(err)
		}
		if f.graph.Name(i) == "plain-1" {
			b = bytes.Replace(b, []byte("echo text"), []byte("echo other"), 1)
		}
		if err := os.WriteFile(filepath.Join(dir, filepath.Base(f.graph.Path(i))), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	req := f.request(t)
	var err error
	in := closure.DrvInput(f.drv, filepath.Dir(filepath.Dir(dir)))
	if req.Graph, req.Facts, err = closure.LoadFacts(context.Background(), in, closure.Options{}, rules.Extract); err != nil {
		t.Fatal(err)
	}
	a, err := analyze.Run(context.Background(), req)
	if err != nil {
		t.Fatal(err)
	}
	d := row(t, a, "plain-1")
	if d.Verdict != audit.Unknown || !strings.Contains(d.Reason, "changed or renamed") {
		t.Errorf("plain-1 is %s (%s)", d.Verdict, d.Reason)
	}
	if !slices.ContainsFunc(d.Evidence, func(e audit.Evidence) bool { return e.Rule == "tampered-or-renamed" }) {
		t.Errorf("no evidence of it: %+v", d.Evidence)
	}
	if d := row(t, a, "after-1"); d.Verdict != audit.Unknown || !strings.Contains(d.Reason, "plain-1") {
		t.Errorf("after-1 is %s (%s)", d.Verdict, d.Reason)
	}
}

// TestBlindProgram: what was built by a program of which the source is not at
// hand.
func TestBlindProgram(t *testing.T) {
	f := theHostileClosure(t)
	req := f.request(t)
	req.Store = without{req.Store, f.output("compiler")}
	req.Exec = append(slices.Clone(req.Exec), trace.Exec{Drv: f.path("bylink-1"), Path: f.output("carrier-1") + "/bin/cc"})
	for _, name := range []string{"carrier-1", "bylink-1"} {
		d := row(t, run(t, req), name)
		if d.Verdict != audit.Unknown || !strings.Contains(d.Reason, "not at hand") {
			t.Errorf("%s is %s (%s)", name, d.Verdict, d.Reason)
		}
	}
}

// TestTwins: several derivations with the same output, as the same file
// fetched from two places gives, are each followed to the same end.
func TestTwins(t *testing.T) {
	f := theHostileClosure(t)
	req := f.request(t)
	req.Exec = nil
	var err error
	in := closure.UnionInput(closure.DrvInput(f.path("bylink-1"), f.root), closure.DrvInput(f.twin, f.root))
	if req.Graph, req.Facts, err = closure.LoadFacts(context.Background(), in, closure.Options{}, rules.Extract); err != nil {
		t.Fatal(err)
	}
	a := run(t, req)
	if len(a.Derivations) != 8 {
		t.Errorf("%d derivations", len(a.Derivations))
	}
	reach := map[string]audit.Reach{}
	for _, d := range a.Derivations {
		if d.Verdict == audit.Source {
			t.Errorf("%s is %s (%s)", d.Drv, d.Verdict, d.Reason)
		}
		if other, ok := reach[d.Name]; ok && other != d.Reach {
			t.Errorf("%s has reach %s, its twin %s", d.Drv, d.Reach, other)
		}
		reach[d.Name] = d.Reach
	}
}
