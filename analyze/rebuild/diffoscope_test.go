package rebuild

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"fromsource/analyze/audit"
)

func TestDiffoscope(t *testing.T) {
	w := newWorld(t, sample)
	j := w.job("bad")
	dir, tmp := t.TempDir(), t.TempDir()
	run := func(d *Diffoscope) Result {
		t.Helper()
		rs, err := Run(context.Background(), []*Job{j}, Options{Builders: []Builder{w.nix(Fresh)}, Diffoscope: d})
		if err != nil || len(rs) != 1 || rs[0].Result != audit.Differs || len(rs[0].Differences) == 0 {
			t.Fatalf("got %+v, %v", rs, err)
		}
		if left, _ := os.ReadDir(tmp); len(left) != 0 {
			t.Errorf("left in the temporary folder: %v", left)
		}
		return rs[0]
	}
	r := run(&Diffoscope{Dir: dir, TempDir: tmp})
	b, err := os.ReadFile(filepath.Join(dir, r.Diffoscope))
	if err != nil {
		t.Fatal(err)
	}
	if s := string(b); !strings.Contains(s, "when") || strings.Contains(s, tmp) {
		t.Errorf("its HTML does not name the file, or names the temporary folder")
	}
	// Without it the comparison stands, and says what is missing.
	r = run(&Diffoscope{Command: "no-such-diffoscope", Dir: dir, TempDir: tmp})
	if r.Diffoscope != "" || !strings.Contains(r.Reason, "no diffoscope: ") {
		t.Errorf("not installed: %+v", r)
	}
}
