package analyze_test

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"fromsource/analyze"
	"fromsource/analyze/audit"
	"fromsource/analyze/rules"
	"fromsource/closure"
	"fromsource/closure/store"
)

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
		if d.Verdict != audit.Seed {
			got[d.Name], influence[d.Name] = d.Reach, d.Influence
		}
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

// TestReachPastImages: what a root refers to beside an image that it holds,
// and what it packs into an archive, by store path or without.
func TestReachPastImages(t *testing.T) {
	f := theHostileClosure(t)
	for name, want := range map[string]map[string]audit.Reach{
		"beside-1": {"profile-1": audit.ReachRuntime, "carrier-1": audit.ReachRuntime, "plain-1": audit.ReachBuild},
		"packed-1": {"profile-1": audit.ReachUnknown, "carrier-1": audit.ReachRuntime, "plain-1": audit.ReachBuild},
		// The RAM disk is inside a file that no reader takes apart.
		"unified-1": {"ramdisk-1": audit.ReachRuntime, "compiler": audit.ReachRuntime},
		// What was packed into a RAM disk that can't be read is not known.
		"holder-1": {"cut-1": audit.ReachRuntime, "carrier-1": audit.ReachUnknown, "plain-1": audit.ReachUnknown},
		"loose-1":  {"carrier-1": audit.ReachRuntime, "compiler": audit.ReachRuntime, "plain-1": audit.ReachBuild},
	} {
		req := f.request(t)
		var err error
		if req.Graph, req.Facts, err = f.load(f.path(name)); err != nil {
			t.Fatal(err)
		}
		a := run(t, req)
		for dep, reach := range want {
			if d := row(t, a, dep); d.Reach != reach {
				t.Errorf("%s: %s has reach %s by %s, want %s", name, dep, d.Reach, a.Target.ReachBy, reach)
			}
		}
	}
}
