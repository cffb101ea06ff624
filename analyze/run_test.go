package analyze_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"fromsource/analyze"
	"fromsource/analyze/audit"
	"fromsource/analyze/rules"
	"fromsource/analyze/trace"
	"fromsource/closure"
	"fromsource/closure/store"
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
	clean := []string{"trace-none", "exec-none"}
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
		{"made-1", audit.BuiltByBinary, native, audit.ReachRuntime, []string{"exec-recorded"}},
		{"objects.tar.gz", audit.Binary, native, audit.ReachRuntime, []string{"trace-linked"}},
		{"linked-1", audit.CarriesBinary, native, audit.ReachRuntime, []string{"trace-linked"}},
		{"aside-1", audit.Source, none, audit.ReachRuntime, clean},
		{"seedlinked-1", audit.Source, none, audit.ReachRuntime, append(slices.Clone(clean), "seed-generated")},
		{"wrapper-1", audit.Source, none, audit.ReachRuntime, clean},
		{"unused-linux-x86_64.tar.gz", audit.Binary, native, audit.ReachBuild, nil},
		{"unused-1", audit.Source, none, audit.ReachRuntime, clean},
		{"sealed.tar.gz", audit.Unknown, none, audit.ReachBuild, nil},
		{"sealed-1", audit.Unknown, none, audit.ReachRuntime, nil},
		{"copied-1", audit.Unknown, none, audit.ReachRuntime, nil},
		{"gone.tar.gz", audit.Unknown, none, audit.ReachUnknown, nil},
		{"gone-1", audit.Unknown, none, audit.ReachRuntime, nil},
		{"bootstrap-tools-busybox", audit.Seed, native, audit.ReachBuild, nil},
		{"bootstrap-tools.tar.xz", audit.Seed, native, audit.ReachRuntime, nil},
		{"bootstrap-tools", audit.Seed, native, audit.ReachRuntime, []string{"seed-content"}},
		{"leaky-1", audit.CarriesBinary, native, audit.ReachRuntime, []string{"seed-content", "seed-reference", "seed-generated"}},
		{
			"image-1", audit.CarriesBinary,
			[]audit.Kind{audit.Bytecode, audit.Firmware, audit.NativeCode},
			audit.ReachRuntime,
			[]string{"trace-patched", "trace-identical", "trace-linked", "seed-content", "seed-generated"},
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
		"copied-1":      "comes from sealed-1, whose own origin is unknown",
		"gone.tar.gz":   "not at hand",
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
		case !seed && (d.Verdict != audit.Unknown || !strings.HasPrefix(d.Reason, "not inspected")):
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

func TestSameBytes(t *testing.T) {
	f := theClosure(t)
	req := f.request(t)
	req.Workers = 1
	want := bytesOf(t, run(t, req))
	cache := t.TempDir()
	for _, step := range []struct {
		name    string
		workers int
		cache   string
		before  func()
	}{
		{"many workers", 7, "", nil},
		{"cold cache", 3, cache, nil},
		{"warm cache", 3, cache, nil},
		{"damaged cache", 3, cache, func() { damage(t, cache) }},
	} {
		if step.before != nil {
			step.before()
		}
		req := f.request(t)
		req.Workers, req.Cache = step.workers, step.cache
		if got := bytesOf(t, run(t, req)); got != want {
			t.Errorf("%s: another audit:\n%s", step.name, cmp.Diff(want, got))
		}
	}
}

// damage flips a byte in every file of a directory.
func damage(t *testing.T, dir string) {
	t.Helper()
	n := 0
	err := filepath.WalkDir(dir, func(p string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(p)
		if err != nil {
			return err
		}
		b[len(b)*2/3] ^= 1
		n++
		return os.WriteFile(p, b, 0o600)
	})
	if err != nil || n == 0 {
		t.Fatalf("damaged %d files: %v", n, err)
	}
}

// TestSecondAuditLooksAtWhatIsNew counts the walks that an audit makes.
func TestSecondAuditLooksAtWhatIsNew(t *testing.T) {
	f := theClosure(t)
	cache := t.TempDir()
	count := func() int64 {
		req := f.request(t)
		req.Cache = cache
		var n atomic.Int64
		req.Inspect = counting(&n)
		run(t, req)
		return n.Load()
	}
	first, second := count(), count()
	if first < 20 || second != 0 {
		t.Errorf("%d walks, then %d; want many, then none", first, second)
	}
	damage(t, cache)
	if third, fourth := count(), count(); third != first || fourth != 0 {
		t.Errorf("after damage %d walks, then %d; want %d, then none", third, fourth, first)
	}
}

// TestInterrupted: ^C in the middle leaves an audit of what was done.
func TestInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancelCause(context.Background())
	stop := errors.New("the user has had enough")
	req := theClosure(t).request(t)
	req.Workers = 1
	req.Progress = func(e analyze.Event) {
		if e.Stage == analyze.StageContent && e.Done == 6 {
			cancel(stop)
		}
	}
	a, err := analyze.Run(ctx, req)
	if !errors.Is(err, stop) {
		t.Errorf("error %v, want %v", err, stop)
	}
	if a == nil {
		t.Fatal("no audit")
	}
	if err := a.Validate(); err != nil {
		t.Error(err)
	}
	interrupted := 0
	for _, d := range a.Derivations {
		if strings.Contains(d.Reason, "interrupted") {
			interrupted++
		}
		if d.Verdict == audit.Source && !d.FixedOutput {
			t.Errorf("%s is source, although no output was looked at", d.Name)
		}
	}
	if interrupted < 10 {
		t.Errorf("%d rows say that they were interrupted", interrupted)
	}
}

func TestProgress(t *testing.T) {
	req := theClosure(t).request(t)
	var stages []string
	last := map[string]analyze.Event{}
	req.Progress = func(e analyze.Event) {
		if !slices.Contains(stages, e.Stage) {
			stages = append(stages, e.Stage)
		}
		if e.Done < last[e.Stage].Done {
			t.Errorf("%+v after %+v", e, last[e.Stage])
		}
		last[e.Stage] = e
	}
	req.Rebuild = func(_ context.Context, _ []analyze.Suspect, p func(int, int, string)) (map[string][]audit.Rebuild, error) {
		p(1, 1, "x")
		return nil, nil
	}
	run(t, req)
	if d := cmp.Diff([]string{analyze.StageRules, analyze.StageContent, analyze.StageTrace, analyze.StageVerdict, analyze.StageRebuild}, stages); d != "" {
		t.Error(d)
	}
	for s, e := range last {
		if e.Done != e.Total || e.Total == 0 {
			t.Errorf("stage %s ends at %d of %d", s, e.Done, e.Total)
		}
	}
}

func TestRebuildStage(t *testing.T) {
	f := theClosure(t)
	req := f.request(t)
	var asked []analyze.Suspect
	failed := errors.New("the machine went away")
	req.Rebuild = func(_ context.Context, s []analyze.Suspect, _ func(int, int, string)) (map[string][]audit.Rebuild, error) {
		asked = s
		return map[string][]audit.Rebuild{f.path("patched-1"): {{
			Output: "out", Expected: "sha256-a", Got: "sha256-a", Result: audit.Reproduced, By: "guest",
		}}}, failed
	}
	a, err := analyze.Run(context.Background(), req)
	if !errors.Is(err, failed) || a == nil {
		t.Fatalf("got %v, %v; want an audit beside the error", a, err)
	}
	for _, s := range asked {
		if s.Verdict == audit.Source || s.Verdict == audit.Seed {
			t.Errorf("asked to rebuild %+v", s)
		}
	}
	d := row(t, a, "patched-1")
	if d.Verdict != audit.CarriesBinary || len(d.Rebuild) != 1 {
		t.Errorf("a binary that reproduces is %s with %d results; want carries-binary, 1", d.Verdict, len(d.Rebuild))
	}
	if !slices.ContainsFunc(d.Evidence, func(e audit.Evidence) bool {
		return e.Level == audit.LevelRebuild && strings.Contains(e.Detail, "says nothing of its origin")
	}) {
		t.Errorf("evidence does not say it in words: %+v", d.Evidence)
	}
}

func TestBadRequest(t *testing.T) {
	if a, err := analyze.Run(context.Background(), analyze.Request{}); err == nil || a != nil {
		t.Errorf("got %v, %v", a, err)
	}
}

// TestForeignRecord: executions of other derivations are none of ours.
func TestForeignRecord(t *testing.T) {
	req := theClosure(t).request(t)
	want := bytesOf(t, run(t, req))
	req.Exec = append(slices.Clone(req.Exec), trace.Exec{Drv: "/nix/store/" + strings.Repeat("0", 32) + "-x.drv", Path: "/bin/x"})
	if got := bytesOf(t, run(t, req)); got != want {
		t.Error(cmp.Diff(want, got))
	}
}

// TestReachByReferences: a root that is no image.
func TestReachByReferences(t *testing.T) {
	f := theClosure(t)
	req := f.request(t)
	var err error
	if req.Graph, req.Facts, err = f.load(f.path("wrapper-1")); err != nil {
		t.Fatal(err)
	}
	a := run(t, req)
	if a.Target.ReachBy != audit.ReachByReferences || a.Target.Image != nil {
		t.Errorf("reach is by %q, image %v", a.Target.ReachBy, a.Target.Image)
	}
	got := map[string]audit.Reach{}
	influence := map[string]int{}
	for _, d := range a.Derivations {
		got[d.Name], influence[d.Name] = d.Reach, d.Influence
	}
	want := map[string]audit.Reach{"wrapper-1": audit.ReachRuntime, "patched-1": audit.ReachRuntime, "prebuilt.tar.gz": audit.ReachRuntime}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff(map[string]int{"wrapper-1": 0, "patched-1": 1, "prebuilt.tar.gz": 2}, influence); d != "" {
		t.Error(d)
	}
	refs := row(t, a, "wrapper-1").Outputs[0].References
	if len(refs) != 1 || a.Derivations[refs[0]].Name != "patched-1" {
		t.Errorf("wrapper-1 refers to rows %v", refs)
	}
	// "made" is compiled in the same way, but does not refer to anything.
	if req.Graph, req.Facts, err = f.load(f.path("made-1")); err != nil {
		t.Fatal(err)
	}
	a = run(t, req)
	if d := row(t, a, "patched-1"); d.Reach != audit.ReachBuild || d.Influence != 1 {
		t.Errorf("patched-1 is needed at %s by %d, want build, 1", d.Reach, d.Influence)
	}
}

// without is a store that has not got one path.
type without struct {
	store.Store
	path string
}

func (w without) Info(ctx context.Context, p string) (store.Info, error) {
	if p == w.path {
		return store.Info{}, store.ErrNotFound
	}
	return w.Store.Info(ctx, p)
}

// TestImageApart: the image is at hand as a file, not as an output.
func TestImageApart(t *testing.T) {
	f := theClosure(t)
	req := f.request(t)
	req.Store = without{req.Store, f.output("image-1")}
	req.Image = &analyze.Image{
		Path: "the.squashfs",
		Open: func() (io.ReadCloser, error) {
			return os.Open(filepath.Join(f.root, f.output("image-1"), "nix-store.squashfs"))
		},
	}
	a := run(t, req)
	if a.Target.ReachBy != audit.ReachByImage || a.Target.Image == nil || a.Target.Image.Path != "the.squashfs" || len(a.Target.Image.SHA256) != 64 {
		t.Errorf("reach is by %q, image %+v", a.Target.ReachBy, a.Target.Image)
	}
	for name, want := range map[string]audit.Reach{
		"plain-1": audit.ReachRuntime, "patched-1": audit.ReachRuntime, "prebuilt.tar.gz": audit.ReachRuntime,
		"wifi-firmware-1": audit.ReachBuild, "generator.tar.gz": audit.ReachBuild, // not in this part of it
	} {
		if d := row(t, a, name); d.Reach != want {
			t.Errorf("%s: reach %s, want %s", name, d.Reach, want)
		}
	}
	req.Image.Open = func() (io.ReadCloser, error) { return nil, os.ErrPermission }
	if a = run(t, req); a.Target.ReachBy != audit.ReachByNothing || !slices.ContainsFunc(a.Skipped, func(s audit.Skip) bool { return s.Input == "the.squashfs" }) {
		t.Errorf("an image that can't be opened: reach is by %q, skipped %v", a.Target.ReachBy, a.Skipped)
	}
}

// TestMissingDerivation: an input that is only known by its name.
func TestMissingDerivation(t *testing.T) {
	f := theClosure(t)
	req := f.request(t)
	// A directory of all derivations but one.
	dir := filepath.Join(t.TempDir(), "nix/store")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for i := range closure.ID(f.graph.Len()) {
		if f.graph.Name(i) == "generator.tar.gz" {
			continue
		}
		b, err := os.ReadFile(filepath.Join(f.root, f.graph.Path(i)))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, filepath.Base(f.graph.Path(i))), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var err error
	in := closure.DrvInput(f.drv, filepath.Dir(filepath.Dir(dir)))
	if req.Graph, req.Facts, err = closure.LoadFacts(context.Background(), in, closure.Options{}, rules.Extract); err != nil {
		t.Fatal(err)
	}
	req.Exec = nil
	a := run(t, req)
	if d := row(t, a, "generator.tar.gz"); !d.Missing || d.Verdict != audit.Unknown || a.Summary.Missing != 1 {
		t.Errorf("the missing one is %s, missing %v; %d in all", d.Verdict, d.Missing, a.Summary.Missing)
	}
	if d := row(t, a, "generated-1"); d.Verdict != audit.Unknown || !strings.Contains(d.Reason, "generator.tar.gz was not at hand") {
		t.Errorf("its consumer is %s (%s)", d.Verdict, d.Reason)
	}
}
