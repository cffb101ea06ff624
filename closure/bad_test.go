package closure

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// folder is a directory of derivations, as if they had been copied from a
// store.
type folder struct {
	t   *testing.T
	dir string
}

func newFolder(t *testing.T) *folder { return &folder{t, t.TempDir()} }

func (f *folder) file(name string, text []byte) string {
	f.t.Helper()
	p := filepath.Join(f.dir, name)
	if err := os.WriteFile(p, text, 0o644); err != nil {
		f.t.Fatal(err)
	}
	return p
}

// add writes a derivation with these inputs under the name that Nix would
// give it, and returns its store path.
func (f *folder) add(name string, env []EnvVar, inputs ...string) string {
	f.t.Helper()
	d := &Derivation{Path: defaultStoreDir + "/" + name + ".drv", System: "x", Builder: "/bin/sh", Env: env}
	for _, in := range inputs {
		d.InputDrvs = append(d.InputDrvs, InputDrv{Path: in, Outputs: []string{"out"}})
	}
	normalize(d)
	p := d.ComputedPath()
	f.file(path.Base(p), d.AppendATerm(nil))
	return p
}

func (f *folder) root(p string) Input { return DrvInput(filepath.Join(f.dir, path.Base(p)), "") }

func id(t *testing.T, g *Graph, p string) ID {
	t.Helper()
	i, ok := g.Lookup(p)
	if !ok {
		t.Fatalf("%s is not in the graph", p)
	}
	return i
}

// One bad derivation among good ones: a missing node, listed with its file
// and byte, and the rest is there.
func TestBadInput(t *testing.T) {
	for _, c := range []struct {
		name, reason string
		offset       int64
		make         func(f *folder, file string)
	}{
		{"not a derivation", `"Derive("`, 0, func(f *folder, file string) { f.file(file, []byte("#!/bin/sh\n")) }},
		{"empty", `"Derive("`, 0, func(f *folder, file string) { f.file(file, nil) }},
		{"truncated", "the end of a string", 10, func(f *folder, file string) { f.file(file, []byte(small[:10])) }},
		{"directory", "not a directory", 0, func(f *folder, file string) { _ = os.Mkdir(filepath.Join(f.dir, file), 0o755) }},
		{"pipe", "a regular file", 0, func(f *folder, file string) { _ = syscall.Mkfifo(filepath.Join(f.dir, file), 0o644) }},
		{"link to itself", "too many", 0, func(f *folder, file string) { _ = os.Symlink(file, filepath.Join(f.dir, file)) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newFolder(t)
			bad := defaultStoreDir + "/00000000000000000000000000000000-bad.drv"
			good := f.add("good", nil)
			root := f.add("root", nil, bad, good)
			c.make(f, path.Base(bad))
			g := mustLoad(t, f.root(root))
			if g.Len() != 3 || !g.Missing(id(t, g, bad)) || g.Missing(id(t, g, good)) || len(g.Tampered()) != 0 {
				t.Fatalf("%d derivations, tampered %v", g.Len(), g.Tampered())
			}
			if len(g.Skipped()) != 1 {
				t.Fatalf("skipped %v", g.Skipped())
			}
			s := g.Skipped()[0]
			if s.Offset != c.offset || !strings.Contains(s.Reason, c.reason) || s.Input != filepath.Join(f.dir, path.Base(bad)) {
				t.Errorf("skipped %+v, want byte %d, %s", s, c.offset, c.reason)
			}
			if _, err := g.Derivation(id(t, g, bad)); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("reading it again: %v", err)
			}
			if all := mustLoad(t, DirInput(f.dir)); all.Len() != 3 || len(all.Skipped()) != 1 {
				t.Errorf("the directory: %d derivations, skipped %v", all.Len(), all.Skipped())
			}
			// Alone it is an error that says the same.
			if _, err := Load(context.Background(), f.root(bad), Options{}); err == nil || !strings.Contains(err.Error(), c.reason) || !strings.Contains(err.Error(), path.Base(bad)) {
				t.Errorf("alone: %v", err)
			}
		})
	}
}

func TestMissing(t *testing.T) {
	f := newFolder(t)
	gone := defaultStoreDir + "/00000000000000000000000000000000-gone.drv"
	root := f.add("root", nil, gone, "/other/store/00000000000000000000000000000000-foreign.drv")
	g := mustLoad(t, f.root(root))
	if g.Len() != 3 || len(g.Skipped()) != 0 || !g.Missing(id(t, g, gone)) || g.Missing(g.Roots()[0]) {
		t.Errorf("%d derivations, skipped %v", g.Len(), g.Skipped())
	}
	for name, in := range map[string]Input{
		"root":       f.root(gone),
		"directory":  DirInput(filepath.Join(f.dir, "none")),
		"store root": DrvInput(root, filepath.Join(f.dir, "none")),
		"export":     ExportInput(filepath.Join(f.dir, "none")),
		"json":       JSONInput(filepath.Join(f.dir, "none")),
		"cache":      CacheInput(filepath.Join(f.dir, "none")),
	} {
		if _, err := Load(context.Background(), in, Options{}); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), filepath.Base(in.name)) {
			t.Errorf("%s that does not exist: %v", name, err)
		}
	}
	if _, err := Load(context.Background(), DirInput(t.TempDir()), Options{}); err == nil || !strings.Contains(err.Error(), "no derivations") {
		t.Errorf("an empty directory: %v", err)
	}
	if _, err := Load(context.Background(), Input{}, Options{}); err == nil {
		t.Error("no input at all")
	}
}

// A derivation that was changed after Nix wrote it, and one that was renamed.
func TestTampered(t *testing.T) {
	f := newFolder(t)
	honest := f.add("honest", nil)
	changed := f.add("changed", []EnvVar{{"url", "https://example.org/a"}})
	file := filepath.Join(f.dir, path.Base(changed))
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	f.file(path.Base(changed), bytes.Replace(text, []byte("org/a"), []byte("org/b"), 1))
	renamed := strings.Replace(honest, "honest", "renamed", 1)
	text, err = os.ReadFile(filepath.Join(f.dir, path.Base(honest)))
	if err != nil {
		t.Fatal(err)
	}
	f.file(path.Base(renamed), text)

	g := mustLoad(t, DirInput(f.dir))
	want := []ID{id(t, g, changed), id(t, g, renamed)}
	slices.Sort(want)
	if len(g.Tampered()) != 2 || g.Tampered()[0].ID != want[0] || g.Tampered()[1].ID != want[1] || len(g.Skipped()) != 0 {
		t.Fatalf("tampered %v, skipped %v", g.Tampered(), g.Skipped())
	}
	for _, x := range g.Tampered() {
		d, err := g.Derivation(x.ID)
		if err != nil || d.ComputedPath() != x.Recomputed || x.Recomputed == g.Path(x.ID) {
			t.Errorf("%s: recomputed %s, %v", g.Path(x.ID), x.Recomputed, err)
		}
	}
}

// Derivations that depend on each other can't be made by Nix, but by hand.
func TestCycle(t *testing.T) {
	f := newFolder(t)
	a, b := defaultStoreDir+"/00000000000000000000000000000000-a.drv", defaultStoreDir+"/00000000000000000000000000000001-b.drv"
	for p, in := range map[string]string{a: b, b: a} {
		f.file(path.Base(p), fmt.Appendf(nil, `Derive([],[(%q,["out"])],[],"","",[],[])`, in))
	}
	root := f.add("root", nil, a)
	g := mustLoad(t, f.root(root))
	if got := g.Cycles(); len(got) != 1 || len(got[0]) != 2 || g.Path(got[0][0]) != a || g.Path(got[0][1]) != b {
		t.Errorf("cycles %v", got)
	}
	if len(g.Topo()) != 3 || len(g.Tampered()) != 2 {
		t.Errorf("order %v, tampered %v", g.Topo(), g.Tampered())
	}
	// In a directory nothing is without a consumer but root.
	if g := mustLoad(t, DirInput(f.dir)); len(g.Roots()) != 1 || g.Path(g.Roots()[0]) != root {
		t.Errorf("roots %v", g.Roots())
	}
}

// A value of 64 MB, with all that has to be escaped.
func TestLargeValue(t *testing.T) {
	f := newFolder(t)
	line := strings.Repeat("x", 100) + "\n\"and\" a \\ more\t"
	big := strings.Repeat(line, 64<<20/len(line)+1)
	p := f.add("big", []EnvVar{{"big", big}})
	root := f.add("root", nil, p)
	g, sizes, err := LoadFacts(context.Background(), f.root(root), Options{}, func(d *Derivation) int { return len(d.Get("big")) })
	if err != nil {
		t.Fatal(err)
	}
	i := id(t, g, p)
	if sizes[i] != len(big) || len(g.Tampered()) != 0 || len(g.Skipped()) != 0 {
		t.Errorf("%d bytes, skipped %v", sizes[i], g.Skipped())
	}
	if d, err := g.Derivation(i); err != nil || d.Get("big") != big {
		t.Errorf("read again: %v", err)
	}
	g, err = Load(context.Background(), f.root(root), Options{MaxSize: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	if !g.Missing(i) || len(g.Skipped()) != 1 || g.Skipped()[0].Offset != 1<<20 {
		t.Errorf("over the limit: skipped %v", g.Skipped())
	}
}

// chainSource is a closure that exists only as it is asked for.
type chainSource struct {
	text  map[string][]byte
	first string
}

func (s *chainSource) begin(context.Context) (beginning, error) {
	return beginning{roots: []string{s.first}}, nil
}

func (s *chainSource) read(_ context.Context, drv string, buf []byte) ([]byte, error) {
	return append(buf, s.text[drv]...), nil
}
func (s *chainSource) locate(drv string) string { return drv }
func (s *chainSource) storeDir() string         { return defaultStoreDir }

// 200,000 derivations in one chain: nothing may recurse by depth, and nothing
// may be more than linear.
func TestLongChain(t *testing.T) {
	const n = 200_000
	s := &chainSource{text: make(map[string][]byte, n)}
	d := &Derivation{System: "x", Builder: "y"}
	for range n {
		text := d.AppendATerm(nil)
		p, _ := contentPath(nil, defaultStoreDir, "link", sha256.Sum256(text), d)
		s.first = string(p)
		s.text[s.first] = text
		d.InputDrvs = []InputDrv{{Path: s.first, Outputs: []string{"out"}}}
	}
	g := mustLoad(t, Input{open: func(context.Context, Options) (source, error) { return s, nil }})
	root := g.Roots()[0]
	if g.Len() != n || len(g.Tampered()) != 0 || len(g.Skipped()) != 0 || len(g.Roots()) != 1 {
		t.Fatalf("%d derivations, roots %v", g.Len(), g.Roots())
	}
	order := g.Topo()
	bottom := order[0]
	if order[n-1] != root || len(g.Inputs(bottom)) != 0 || len(g.Cycles()) != 0 {
		t.Error("not in order")
	}
	if way := g.Way(root, bottom, nil); len(way) != n {
		t.Errorf("a way of %d", len(way))
	}
	if all := g.Reach([]ID{bottom}, g.Consumers); all.Len() != n {
		t.Errorf("%d reached", all.Len())
	}
	some := g.NewSet()
	some.Add(root)
	some.Add(order[n/2])
	if got := g.Influence(some, nil); got[bottom] != 2 || got[order[n/2]] != 1 || got[root] != 0 {
		t.Errorf("influence %d, %d, %d", got[bottom], got[order[n/2]], got[root])
	}
	doms := g.Dominators(root, nil)
	if doms[root] != None || doms[bottom] != order[1] {
		t.Errorf("dominators %d, %d", doms[root], doms[bottom])
	}
}

// A load that is given up ends, with the reason.
func TestCancel(t *testing.T) {
	f := newFolder(t)
	root := f.add("root", nil)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Load(ctx, f.root(root), Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// The numbers do not depend on which worker read what first.
func TestSameForAnyWorkers(t *testing.T) {
	n := newNix(t)
	drv := n.instantiate(everyKind)
	want := ""
	for _, workers := range []int{1, 2, 8} {
		g, err := Load(context.Background(), DrvInput(drv, ""), Options{Workers: workers})
		if err != nil {
			t.Fatal(err)
		}
		if got := g.text(t); want == "" {
			want = got
		} else if got != want {
			t.Errorf("%d workers: another graph", workers)
		}
	}
}

// JSON of something else is no closure; an odd key beside derivations is
// passed over, and said so.
func TestForeignJSON(t *testing.T) {
	file := filepath.Join(t.TempDir(), "x.json")
	write := func(text string) Input {
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return JSONInput(file)
	}
	for _, text := range []string{`{"schema": "a", "derivations": []}`, `{"a": {"outputs": {}}}`, `{"a": 1`} {
		if _, err := Load(context.Background(), write(text), Options{}); err == nil || !strings.Contains(err.Error(), "end in .drv, not ") {
			t.Errorf("%s: %v", text, err)
		}
	}
	drv := `{"args":[],"builder":"b","env":{},"inputDrvs":{},"inputSrcs":[],"outputs":{},"system":"s"}`
	g := mustLoad(t, write(`{"note": [1], "`+defaultStoreDir+`/00000000000000000000000000000000-x.drv": `+drv+`}`))
	if g.Len() != 1 || len(g.Skipped()) != 1 || !strings.Contains(g.Skipped()[0].Reason, `not "note"`) {
		t.Errorf("%d derivations, skipped %v", g.Len(), g.Skipped())
	}
}
