package accuracy

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"fromsource/closure"
)

func TestCompareCounts(t *testing.T) {
	labels := []Label{
		{Drv: "a", Positive: true, Quiet: true},
		{Drv: "b", Positive: true, Quiet: true},
		{Drv: "c", Positive: true},
		{Drv: "d"},
		{Drv: "e"},
		{Drv: "f", Mixed: true},
		{Drv: "g"},
	}
	yes := map[string]bool{"a": true, "c": true, "e": true, "f": true}
	r := Compare("set", labels, func(drv string) (bool, bool) { return yes[drv], drv != "g" })
	want := Result{Set: "set", Found: 2, Missed: 1, False: 1, Cleared: 1, QuietFound: 1, Quiet: 2, Absent: 1, Wrong: []Label{labels[1], labels[4], labels[5]}}
	if diff := cmp.Diff(want, r); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if got := []float64{r.Recall(), r.Precision(), r.QuietRecall()}; got[0] != 2.0/3 || got[1] != 2.0/3 || got[2] != 0.5 {
		t.Errorf("recall, precision, quiet recall %v", got)
	}
}

// TestMeasure goes the whole way on label files and derivations of its own.
func TestMeasure(t *testing.T) {
	dir := t.TempDir()
	put := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	path := func(c, name string) string { return "/nix/store/" + strings.Repeat(c, 32) + "-" + name }
	fetch := func(c, url string) string {
		d := closure.Derivation{
			Builder: "/bin/sh", System: "x86_64-linux",
			Outputs: []closure.Output{{Name: "out", Path: path(c, "x"), HashAlgo: "sha256", Hash: strings.Repeat("0", 64)}},
			Env:     []closure.EnvVar{{Key: "name", Value: "x"}, {Key: "urls", Value: url}},
		}
		drv := path(c, "x.drv")
		put(filepath.Base(drv), string(d.AppendATerm(nil)))
		return drv
	}
	deb, plain := fetch("1", "https://example.org/x_1_amd64.deb"), fetch("2", "https://example.org/x-1.tar.gz")
	put(fetchesFile, `{"drv": "`+deb+`", "name": "x", "label": "native", "reason": "a|b"}`+"\n"+`{"drv": "`+plain+`", "name": "quiet one", "label": "bytecode"}`+"\n")
	put(packagesFile, "attr\tdrv\ttruth\ttruth_source\tlabel_path@commit\tnote\nx\t"+deb+"\tsource\tjudgement\t-\t[quiet]\nz\t"+path("3", "z.drv")+"\tsource\tjudgement\t-\t\n")
	results, err := Measure(context.Background(), Paths{Labels: dir, Store: dir})
	if err != nil {
		t.Fatal(err)
	}
	if f, p := results[0], results[1]; f.Found != 1 || f.Missed != 1 || p.False != 1 || p.Absent != 1 {
		t.Errorf("%+v", results)
	}
	var b bytes.Buffer
	if err := Write(&b, results); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"1 of 2", "50.0 %", "quiet one", "false alarm", "miss"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("table lacks %q:\n%s", want, b.String())
		}
	}
	put(packagesFile, "only\ttwo\n")
	if _, err := Measure(context.Background(), Paths{Labels: dir, Store: dir}); err == nil {
		t.Error("a broken label file is no error")
	}
}
