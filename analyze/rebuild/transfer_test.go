package rebuild

import (
	"context"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"fromsource/closure/store"
)

// A second machine gets the derivations and the sources, builds everything
// itself, and is compared with the first one's bytes.
func TestSecondMachine(t *testing.T) {
	w := newWorld(t, sample+`withsrc = sh "withsrc" "cat ${./default.nix} > $out";`)
	g := w.graph("user", "bad", "withsrc", "fetch")
	for _, a := range []string{"user", "bad", "withsrc", "fetch"} {
		w.realise(w.instantiate(a))
	}
	jobs, err := Select(g, Selection{All: true})
	if err != nil {
		t.Fatal(err)
	}
	first, err := store.OpenLocal(w.root)
	if err != nil {
		t.Fatal(err)
	}
	if err := FirstFrom(context.Background(), first, jobs); err != nil {
		t.Fatal(err)
	}
	other := newWorld(t, sample)
	second := other.nix(Plain)
	second.Title = "second machine"
	var drvs []string
	for _, j := range jobs {
		drvs = append(drvs, j.Drv)
	}
	if err := Transfer(context.Background(), w.nix(Fresh), second, drvs); err != nil {
		t.Fatal(err)
	}
	outs, _ := filepath.Glob(filepath.Join(other.root, "nix/store/[0-9a-z]*"))
	if slices.ContainsFunc(outs, func(p string) bool { return !strings.HasSuffix(p, ".drv") && !strings.HasSuffix(p, "default.nix") }) {
		t.Errorf("it has got more than derivations and sources: %v", outs)
	}
	rs, err := Run(context.Background(), jobs, Options{Builders: []Builder{second}, Parallel: 2})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"bad out: differs", "dep out: reproduced", "fetch out: reproduced", "good dev: reproduced", "good out: reproduced",
		"user out: reproduced", "withsrc out: reproduced",
	}
	if d := cmp.Diff(want, brief(rs)); d != "" {
		t.Error(d)
	}
	for _, r := range rs {
		if strings.Contains(r.Drv, "-bad") && (len(r.Differences) != 1 || r.Differences[0].Path != "when") {
			t.Errorf("no place: %+v", r)
		}
	}
	// What is not there can't be given.
	if err := Transfer(context.Background(), other.nix(Fresh), w.nix(Fresh), []string{"/nix/store/" + strings.Repeat("0", 32) + "-x.drv"}); err == nil {
		t.Error("a derivation that is not there: no error")
	}
}
