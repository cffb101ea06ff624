package analyze_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"fromsource/analyze"
	"fromsource/analyze/audit"
	"fromsource/analyze/trace"
)

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
		if err != nil || len(b) == 0 { // when it was pruned is noted by an empty file
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
