package closure

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Each form of input gives the same graph.
func TestForms(t *testing.T) {
	n := newNix(t)
	drv := n.instantiate(everyKind)
	want := mustLoad(t, DrvInput(drv, "")).text(t)

	closure := strings.Fields(n.run("nix-store", "-qR", drv))
	export := n.write("closure.export", n.run("nix-store", append([]string{"--export"}, closure...)...))
	show := n.write("closure.json", n.run("nix", "show-derivation", "-r", drv))
	inputs := map[string]Input{
		"drv":       detected(t, drv, FormDrv),
		"output":    detected(t, drv+"!out", FormDrv),
		"outputs":   detected(t, drv+"^dev,out", FormDrv),
		"directory": detected(t, n.storeDir, FormDir),
		"export":    detected(t, export, FormExport),
		"json":      detected(t, show, FormJSON),
		"attr":      AttrInput(n.write("attrs.nix", "{ a.b = import ./default.nix; }"), "a.b"),
	}
	for _, c := range []string{"none", "xz", "bzip2", "gzip", "zstd", "br"} {
		dir := filepath.Join(n.dir, "cache-"+c)
		n.run("nix", "copy", "--derivation", "--to", "file://"+dir+"?compression="+c, drv)
		inputs["cache "+c] = detected(t, dir, FormCache)
	}
	inputs["cache by URL"] = detected(t, "file://"+n.dir+"/cache-xz", FormCache)
	inputs["cache by URL and root"] = detected(t, "file://"+n.dir+"/cache-xz#"+drv, FormCache)

	link := filepath.Join(n.dir, "result.drv")
	if err := os.Symlink(drv, link); err != nil {
		t.Fatal(err)
	}
	inputs["link to a drv"] = detected(t, link, FormDrv)
	setEnv(t, n)
	for name, in := range inputs {
		t.Run(name, func(t *testing.T) {
			got := mustLoad(t, in).text(t)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-drv +%s):\n%s", name, diff)
			}
		})
	}
}

// setEnv makes the process use the test's Nix.
func setEnv(t *testing.T, n *realNix) {
	t.Helper()
	for _, e := range n.env {
		if k, v, _ := strings.Cut(e, "="); strings.HasPrefix(k, "NIX_") {
			t.Setenv(k, v)
		}
	}
}

func detected(t *testing.T, name, form string) Input {
	t.Helper()
	in, err := Detect(name, "")
	if err != nil {
		t.Fatal(err)
	}
	if in.Form() != form {
		t.Fatalf("%s is taken for %q, not %q", name, in.Form(), form)
	}
	forced, err := Detect(name, form)
	if err != nil || forced.Form() != form {
		t.Fatalf("%s as %q: %v, %v", name, form, forced, err)
	}
	return in
}

// A store below another root, and a folder that derivations were copied to,
// keep the store directory that their paths have.
func TestChrootStoreAndCopies(t *testing.T) {
	n := newNix(t)
	root := filepath.Join(n.dir, "root")
	for i, e := range n.env { // the usual store directory, elsewhere on disk
		if strings.HasPrefix(e, "NIX_STORE_DIR=") || strings.HasPrefix(e, "NIX_STATE_DIR=") || strings.HasPrefix(e, "NIX_LOG_DIR=") {
			n.env[i] = "UNUSED="
		}
	}
	drv := strings.TrimSpace(n.run("nix-instantiate", "--store", root, n.write("default.nix", everyKind)))
	if filepath.Dir(drv) != defaultStoreDir {
		t.Fatalf("Nix made %s", drv)
	}
	want := mustLoad(t, DrvInput(drv, root)).text(t)
	if !strings.HasPrefix(want, "store /nix/store\nroots "+drv+"\n") {
		t.Fatalf("got %.200s", want)
	}
	folder := filepath.Join(n.dir, "copied")
	if err := os.Mkdir(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, f := range glob(t, root+"/nix/store/*.drv") {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(folder, filepath.Base(f)), b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for name, in := range map[string]Input{
		"file in the store": detected(t, root+drv, FormDrv),
		"store root":        detected(t, root, FormDir),
		"folder":            detected(t, folder, FormDir),
		"file in a folder":  detected(t, filepath.Join(folder, filepath.Base(drv)), FormDrv),
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(want, mustLoad(t, in).text(t)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// Outputs between the derivations of a stream or a cache are not in the way.
func TestFormsWithOutputs(t *testing.T) {
	n := newNix(t)
	drv := n.instantiate(buildable)
	n.run("nix-store", "--realise", drv)
	want := mustLoad(t, DrvInput(drv, "")).text(t)
	all := strings.Fields(n.run("nix-store", "-qR", "--include-outputs", drv))
	export := n.write("all.export", n.run("nix-store", append([]string{"--export"}, all...)...))
	cache := filepath.Join(n.dir, "cache")
	n.run("nix", "copy", "--derivation", "--to", "file://"+cache, drv)
	n.run("nix", "copy", "--to", "file://"+cache, strings.TrimSpace(n.run("nix-store", "-q", "--outputs", drv)))
	for _, in := range []Input{detected(t, export, FormExport), detected(t, cache, FormCache)} {
		if diff := cmp.Diff(want, mustLoad(t, in).text(t)); diff != "" {
			t.Errorf("%s: %s", in, diff)
		}
	}
}

func TestFlake(t *testing.T) {
	n := newNix(t)
	dir := filepath.Join(n.dir, "flake")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	n.write("flake/flake.nix", `{ outputs = { self }: { packages.x86_64-linux.default = self.a; a = derivation {
		name = "a"; system = "x86_64-linux"; builder = "/bin/sh"; }; }; }`)
	setEnv(t, n)
	t.Setenv("HOME", n.dir)
	t.Setenv("XDG_CACHE_HOME", n.dir+"/cache")
	for _, ref := range []string{"path:" + dir + "#a", dir + "#a"} {
		g := mustLoad(t, detected(t, ref, FormFlake))
		if g.Len() != 1 || g.Name(0) != "a" {
			t.Errorf("%s: %d derivations", ref, g.Len())
		}
	}
	detected(t, dir, FormFlake)
	if _, err := Load(context.Background(), FlakeInput("path:"+dir+"#none"), Options{}); err == nil || !strings.Contains(err.Error(), "none") {
		t.Errorf("an attribute that is not there: %v", err)
	}
	if _, err := Load(context.Background(), AttrInput(n.write("bad.nix", "{ }"), "none"), Options{}); err == nil || !strings.Contains(err.Error(), "none") {
		t.Errorf("an attribute that is not there: %v", err)
	}
}

// What comes through a pipe is looked at and read, though it comes only once.
func TestDetectPipe(t *testing.T) {
	n := newNix(t)
	drv := n.instantiate(buildable)
	want := mustLoad(t, DrvInput(drv, "")).text(t)
	for form, text := range map[string]string{
		FormJSON:   n.run("nix", "show-derivation", "-r", drv),
		FormExport: n.run("nix-store", append([]string{"--export"}, strings.Fields(n.run("nix-store", "-qR", drv))...)...),
	} {
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			_, _ = w.WriteString(text)
			w.Close()
		}()
		stdin := os.Stdin
		os.Stdin = r
		in, err := Detect("-", "")
		os.Stdin = stdin
		if err != nil || in.Form() != form {
			t.Fatalf("%v, %v", in, err)
		}
		if diff := cmp.Diff(want, mustLoad(t, in).text(t)); diff != "" {
			t.Errorf("%s: %s", form, diff)
		}
	}
}

func TestDetectRefuses(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) string {
		p := filepath.Join(dir, name)
		if err := os.WriteFile(p, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return p
	}
	empty := filepath.Join(dir, "empty")
	if err := os.Mkdir(empty, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		filepath.Join(dir, "none"):  "not exist",
		file("readme.txt", "hello"): "expected a derivation",
		file("nothing", ""):         "expected a derivation",
		empty:                       "without .drv files",
	} {
		if in, err := Detect(name, ""); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v, %v", name, in, err)
		}
	}
	if _, err := Detect(dir, "tar"); err == nil || !strings.Contains(err.Error(), `"tar"`) {
		t.Errorf("an unknown form: %v", err)
	}
}

// Several inputs are one closure: each root stays a root, and what one lacks
// the others have.
func TestUnionOfForms(t *testing.T) {
	n := newNix(t)
	app, every := n.instantiate(buildable), n.instantiate(everyKind)
	a, b := mustLoad(t, DrvInput(app, "")), mustLoad(t, DrvInput(every, ""))
	alone := n.write("alone.json", n.run("nix", "show-derivation", app)) // without its inputs
	g := mustLoad(t, UnionInput(detected(t, alone, FormJSON), DrvInput(every, "")))
	if g.Len() != a.Len()+b.Len() || len(g.Roots()) != 2 || len(g.Skipped())+len(g.Tampered()) != 0 {
		t.Errorf("%d derivations, want %d and %d; roots %v", g.Len(), a.Len(), b.Len(), g.Roots())
	}
	for _, src := range []*Graph{a, b} {
		for i := range ID(src.Len()) {
			k, ok := g.Lookup(src.Path(i))
			if !ok || g.Missing(k) {
				t.Errorf("no %s", src.Path(i))
			}
		}
	}
	if only := mustLoad(t, detected(t, alone, FormJSON)); only.Len() <= 1 || !only.Missing(only.Inputs(only.Roots()[0])[0]) {
		t.Errorf("alone: %d derivations", only.Len())
	}
	if _, err := Load(context.Background(), UnionInput(DrvInput(app, ""), DrvInput(app+"x", "")), Options{}); err == nil || !strings.Contains(err.Error(), app+"x") {
		t.Errorf("one that is not there: %v", err)
	}
}

// A cache behind HTTP is read from a root, for what it needs.
func TestHTTPCache(t *testing.T) {
	n := newNix(t)
	drv := n.instantiate(everyKind)
	want := mustLoad(t, DrvInput(drv, "")).text(t)
	n.run("nix", "copy", "--derivation", "--to", "file://"+n.dir+"/cache", drv)
	web := httptest.NewServer(http.FileServer(http.Dir(n.dir + "/cache")))
	defer web.Close()
	in := detected(t, web.URL+"#"+drv, FormCache)
	if diff := cmp.Diff(want, mustLoad(t, in).text(t)); diff != "" {
		t.Error(diff)
	}
	if _, err := Load(context.Background(), detected(t, web.URL, FormCache), Options{}); err == nil || !strings.Contains(err.Error(), "name the derivation") {
		t.Errorf("without a root: %v", err)
	}
}
