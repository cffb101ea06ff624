package analyze_test

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"fromsource/analyze"
	"fromsource/analyze/audit"
)

var (
	imagesOnce sync.Once
	images     fixture
)

// theImages is testdata/images.nix, built once.
func theImages(t *testing.T) *fixture {
	t.Helper()
	imagesOnce.Do(func() {
		images.err = images.buildFrom("images", "cp /usr/bin/xz inside; cp /usr/bin/sort loose; cp /usr/bin/cpio aside\n", "", "all")
	})
	if images.err != nil {
		t.Fatal(images.err)
	}
	return &images
}

// TestReachByDisk: what is in a volume or a partition of a disk is part of the
// target; where that can't be read, nothing is said to be needed only to build.
func TestReachByDisk(t *testing.T) {
	f := theImages(t)
	const runtime, build, unknown = audit.ReachRuntime, audit.ReachBuild, audit.ReachUnknown
	for _, tc := range []struct {
		root, by, image      string
		inside, loose, aside audit.Reach
	}{
		{"volume-1", audit.ReachByImage, "system.ext4", runtime, runtime, build},
		{"mbr-1", audit.ReachByImage, "system.img", runtime, runtime, build},
		{"gpt-1", audit.ReachByImage, "system.img", runtime, runtime, build},
		{"packed-1", audit.ReachByImage, "system.img.zst/p2", runtime, runtime, build},
		{"cut-1", audit.ReachByImage, "system.img", unknown, runtime, unknown},
		{"qcow-1", audit.ReachByImage, "system.qcow2", runtime, runtime, build},
		{"vmdk-1", audit.ReachByImage, "system.vmdk", unknown, unknown, unknown},
		{"encrypted-1", audit.ReachByReferences, "", unknown, unknown, unknown},
	} {
		req := f.request(t)
		var err error
		if req.Graph, req.Facts, err = f.load(f.path(tc.root)); err != nil {
			t.Fatal(err)
		}
		a := run(t, req)
		got := ""
		if a.Target.Image != nil {
			got = a.Target.Image.Path
		}
		if a.Target.ReachBy != tc.by || got != tc.image {
			t.Errorf("%s: reach is by %s, of the image %q", tc.root, a.Target.ReachBy, got)
		}
		for name, want := range map[string]audit.Reach{"inside-1": tc.inside, "loose-1": tc.loose, "aside-1": tc.aside, "inside": tc.inside, "loose": tc.loose, "aside": tc.aside} {
			if d := row(t, a, name); d.Reach != want {
				t.Errorf("%s: %s has reach %s, want %s", tc.root, name, d.Reach, want)
			}
		}
	}
}

// TestImageBeyondTheClosure: an image that was handed in holds more than the
// closure that is audited makes.
func TestImageBeyondTheClosure(t *testing.T) {
	f := theImages(t)
	for _, tc := range []struct {
		root, image string
		verdict     audit.Verdict
		says        string
	}{
		{"volume-1", "volume-1/system.ext4", audit.CarriesBinary, ""},
		{"plain-1", "volume-1/system.ext4", audit.Unknown, "2 compiled files that nothing in the closure has made or fetched (init)"},
		{"plain-1", "qcow-1/system.qcow2", audit.Unknown, "2 compiled files that nothing in the closure has made or fetched (init)"},
		{"plain-1", "vmdk-1/system.vmdk", audit.Unknown, "of the image: a part of it could not be looked at"},
		{"plain-1", "gone/x", audit.Unknown, "of the image x"},
		{"plain-1", "plain-1/text", audit.Source, ""},
	} {
		req := f.request(t)
		var err error
		if req.Graph, req.Facts, err = f.load(f.path(tc.root)); err != nil {
			t.Fatal(err)
		}
		from, file, _ := strings.Cut(tc.image, "/")
		name := filepath.Join(t.TempDir(), file)
		if from != "gone" {
			name = filepath.Join(f.root, f.output(from), file)
		}
		req.Image = &analyze.Image{Path: filepath.Base(name), Open: func() (io.ReadCloser, error) { return os.Open(name) }}
		d := row(t, run(t, req), tc.root)
		if d.Verdict != tc.verdict || !strings.Contains(d.Reason, tc.says) {
			t.Errorf("%s with the image %s is %s (%s), want %s (%s)", tc.root, tc.image, d.Verdict, d.Reason, tc.verdict, tc.says)
		}
	}
}
