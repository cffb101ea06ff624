package recipe

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

func write(t *testing.T, dir, name, text string) string {
	t.Helper()
	p := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(p, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return p
}

const sum = "a11d65b2944ceef0dd783524e1c4cdc21cc3f47cfc0879431bf49751213b4bb8"

func TestLoad(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "nix/iso.nix", "{}")
	write(t, dir, "in/x.tar.gz", "x")
	r, err := Load(write(t, dir, "r.yaml", `
name: mine
summary: my own
files: nix
expression: ./iso.nix
attribute: images.iso
arguments: {stable: "true", "n": "1"}
inputs:
  - {name: x.tar.gz, path: in/x.tar.gz, sha256: `+sum+`}
memory: 2048
cpus: 3
disk: 20
network: true
packages: [git]
results: ["*.iso", "*.img"]
published: [{sha256: `+sum+`, by: somebody}]
`))
	if err != nil {
		t.Fatal(err)
	}
	if err := fstest.TestFS(r.Files, "iso.nix"); err != nil {
		t.Error(err)
	}
	r.Files = nil
	want := Recipe{
		Name: "mine", Summary: "my own", Expr: "iso.nix", Attr: "images.iso",
		Args:     map[string]string{"stable": "true", "n": "1"},
		Inputs:   []Input{{"x.tar.gz", filepath.Join(dir, "in/x.tar.gz"), sum}},
		MemoryMB: 2048, CPUs: 3, DiskGB: 20, Network: true,
		Packages: []string{"git"}, Results: []string{"*.iso", "*.img"}, Published: []Published{{sum, "somebody"}},
	}
	if d := cmp.Diff(want, r); d != "" {
		t.Error(d)
	}
	args := r.Arguments("/recipe")
	if want := []string{"/recipe/iso.nix", "-A", "images.iso", "--arg", "n", "1", "--arg", "stable", "true"}; !slices.Equal(args, want) {
		t.Errorf("arguments %q", args)
	}
}

func TestLoadErrors(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "default.nix", "{}")
	for _, c := range []struct{ name, text, want string }{
		{"empty", "", "it is empty"},
		{"no name", "summary: x\n", `name: "" is not a word`},
		{"unknown key", "name: a\nmemroy: 1\n", "line 2: field memroy is not known"},
		{"unknown key inside", "name: a\ninputs:\n  - {nmae: x}\n", "line 3: field nmae is not known"},
		{"wrong type", "name: a\nmemory: lots\n", "line 2: cannot unmarshal"},
		{"not a mapping", "- a\n", "cannot unmarshal"},
		{"not yaml", "name: [\n", "line"},
		{"key twice", "name: a\nname: b\n", "already defined"},
		{"two documents", "name: a\n---\nname: b\n", "more than one document"},
		{"little memory", "name: a\n\nmemory: 64\n", "line 3: memory: 64 MB"},
		{"no disk", "name: a\ndisk: 0\n", "line 2: disk: 0 GB"},
		{"no files", "name: a\nfiles: nowhere\n", "line 2: files: stat"},
		{"files is a file", "name: a\nfiles: default.nix\n", `line 2: files: "default.nix" is not a directory`},
		{"no expression", "name: a\nexpression: iso.nix\n", "line 2: expression: stat iso.nix"},
		{"expression outside", "name: a\nexpression: ../x.nix\n", "line 2: expression"},
		{"option as attribute", "name: a\nattribute: --help\n", "line 2: attribute"},
		{"bad argument", "name: a\narguments: {\"a b\": \"1\"}\n", "line 2: arguments"},
		{"no input", "name: a\ninputs:\n- {name: x, path: nowhere}\n", "line 2: inputs: stat"},
		{"input twice", "name: a\ninputs: [{name: x, path: default.nix}, {name: x, path: default.nix}]\n", "twice"},
		{"input outside", "name: a\ninputs: [{name: ../x, path: default.nix}]\n", "line 2: inputs: name"},
		{"bad hash", "name: a\ninputs: [{name: x, path: default.nix, sha256: abc}]\n", "64 hex digits"},
		{"bad pattern", "name: a\nresults: ['[']\n", "line 2: results"},
		{"bad published", "name: a\npublished: [{sha256: x, by: y}]\n", "line 2: published"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Load(write(t, dir, "recipe.yaml", c.text))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %q in it", err, c.want)
			}
			if err != nil && strings.Contains(err.Error(), "recipe.file") {
				t.Errorf("error %v names a Go type", err)
			}
		})
	}
	if _, err := Load(filepath.Join(dir, "nowhere.yaml")); err == nil {
		t.Error("a file that is not there is no error")
	}
	if _, err := Load(write(t, dir, "big.yaml", strings.Repeat("#", maxFile+1))); err == nil || !strings.Contains(err.Error(), "larger") {
		t.Errorf("too large: %v", err)
	}
}

func TestEmbedded(t *testing.T) {
	m, err := NixOSMinimal()
	if err != nil {
		t.Fatal(err)
	}
	d := Demo(fstest.MapFS{"default.nix": {}}, "iso", nil)
	for _, r := range []Recipe{m, d} {
		if err := r.Check(); err != nil {
			t.Error(err)
		}
	}
	if !m.Network || d.Network {
		t.Error("the rebuild fetches, the demo must not")
	}
}

// Nix reads the expression of the embedded rebuild.
func TestMinimalParses(t *testing.T) {
	out, err := exec.Command("nix-instantiate", "--parse", "minimal/default.nix").CombinedOutput()
	if err != nil || !strings.Contains(string(out), "802674") {
		t.Errorf("%v: %s", err, out)
	}
}

// Whatever a user writes, parse gives a checked recipe or an error.
func FuzzParse(f *testing.F) {
	f.Add([]byte("name: a\n"))
	f.Add([]byte("name: a\ninputs: [{name: x, path: default.nix}]\nmemory: 512\n"))
	f.Add([]byte("&a [*a]"))
	f.Add([]byte("name: !!binary x"))
	dir := f.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "default.nix"), nil, 0o644); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := parse(b, dir)
		if err != nil {
			return
		}
		if err := r.Check(); err != nil {
			t.Fatalf("accepted, and then: %v", err)
		}
	})
}
