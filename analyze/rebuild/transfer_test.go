package rebuild

import (
	"bytes"
	"context"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"fromsource/closure"
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

// The same from the export of a closure, where the first machine is gone.
func TestWriteDerivations(t *testing.T) {
	w := newWorld(t, sample+`
  base = sh "base" "cat ${./default.nix} > $out";
  noted = sh "noted" "cat ${builtins.toFile "note" "see ${./default.nix}"} > $out";
  root = sh "root" "cat ${base} ${noted} ${user} > $out";`)
	root := w.instantiate("root")
	w.realise(root)
	file := filepath.Join(t.TempDir(), "closure.nar")
	paths := strings.Fields(w.run("nix-store", "--store", w.root, "-q", "-R", "--include-outputs", root))
	b := w.run(append([]string{"sh", "-c", `out=$1; root=$2; shift 2; nix-store --store "$root" --export "$@" > "$out"`, "sh", file, w.root}, paths...)...)
	if b != "" {
		t.Fatal(b)
	}
	g, err := closure.Load(context.Background(), closure.ExportInput(file), closure.Options{})
	if err != nil {
		t.Fatal(err)
	}
	first, err := store.OpenExport(file)
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close()
	var stream bytes.Buffer
	if err := WriteDerivations(context.Background(), &stream, g, first); err != nil {
		t.Fatal(err)
	}
	other := newWorld(t, sample)
	second := other.nix(Plain)
	imported, err := output(context.Background(), Local{}, Cmd{
		Argv: second.nixStore(other.root, "--import", "--option", "require-sigs", "false"), Stdin: &stream,
	})
	if err != nil {
		t.Fatal(err)
	}
	for p := range strings.FieldsSeq(string(imported)) {
		if _, made := g.Producer(second.logical(other.root, p)); made {
			t.Errorf("it has got an output: %s", p)
		}
	}
	jobs, err := Select(g, Selection{Named: []string{"root", "noted"}})
	if err != nil {
		t.Fatal(err)
	}
	if err := FirstFrom(context.Background(), first, jobs); err != nil {
		t.Fatal(err)
	}
	rs, err := Run(context.Background(), jobs, Options{Builders: []Builder{second}})
	if d := cmp.Diff([]string{"noted out: reproduced", "root out: reproduced"}, brief(rs)); d != "" || err != nil {
		t.Errorf("%v %s", err, d)
	}
	// A writer that fails is an error, at every place.
	for n := range 40 {
		if err := WriteDerivations(context.Background(), &failing{left: n * 97}, g, first); err == nil {
			t.Errorf("a stream cut off after %d bytes: no error", n*97)
		}
	}
}

type failing struct{ left int }

func (f *failing) Write(p []byte) (int, error) {
	if f.left -= len(p); f.left < 0 {
		return 0, io.ErrShortWrite
	}
	return len(p), nil
}
