package rules

import (
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"fromsource/closure"
)

// world writes examples out as derivation files.
type world struct {
	t   *testing.T
	dir string
}

func newWorld(t *testing.T) *world { return &world{t, t.TempDir()} }

const nixBase32 = "0123456789abcdfghijklmnpqrsvwxyz"

// storePath makes a path that is valid and unique to what is given.
func storePath(name string, about ...string) string {
	sum := sha256.Sum256([]byte(name + "\x00" + strings.Join(about, "\x00")))
	var b strings.Builder
	for _, c := range sum {
		b.WriteByte(nixBase32[c&31])
	}
	return "/nix/store/" + b.String() + "-" + name
}

// built is an example after it was written out.
type built struct {
	drv, out string
	// about is the derivation that the example is about.
	about string
}

func (w *world) write(e Example) built {
	w.t.Helper()
	name := e.Name
	if name == "" {
		name = urlFile(e.URL)
	}
	d := closure.Derivation{System: "x86_64-linux", Builder: "/nix/store/5iqb5k29qrcvv96nqbjbcpyivh0xdkng-bash-4.4-p23/bin/bash", Args: []string{"-e", "/nix/store/9krlzvny65gdc8s7kpb6lkx8cd02c25b-default-builder.sh"}}
	env := map[string]string{"name": name, "system": d.System}
	input := func(b built) {
		d.InputDrvs = append(d.InputDrvs, closure.InputDrv{Path: b.drv, Outputs: []string{"out"}})
	}
	var others []built
	var source built
	for _, o := range e.Other {
		b := w.write(o)
		others = append(others, b)
		input(b)
	}
	fill := func(v string) string {
		for i, o := range others {
			v = strings.ReplaceAll(v, fmt.Sprintf("%%%d", i), o.out)
		}
		return v
	}
	if e.Src != nil {
		b := w.write(*e.Src)
		input(b)
		env["src"] = b.out
		source = b
	}
	if !e.Raw && e.URL == "" && name != "stdenv-linux" {
		b := w.write(Example{Name: "stdenv-linux", Raw: true, Tools: []string{"gcc-wrapper-9.3.0"}})
		input(b)
		env["stdenv"] = b.out
	}
	var tools []string
	for _, n := range e.Tools {
		b := w.write(Example{Name: n, Raw: true})
		input(b)
		tools = append(tools, b.out)
	}
	if !e.Raw && e.URL == "" {
		env["nativeBuildInputs"] = strings.Join(tools, " ")
	}
	if e.URL != "" {
		env["urls"], env["mirrorsFile"] = e.URL, ""
	}
	for i := 0; i+1 < len(e.Env); i += 2 {
		env[e.Env[i]] = fill(e.Env[i+1])
	}
	if e.Builder != "" {
		d.Builder = fill(e.Builder)
	}
	out := storePath(name, fmt.Sprint(e), e.Builder)
	o := closure.Output{Name: "out", Path: out}
	if e.URL != "" || e.Fixed {
		o.HashAlgo, o.Hash = "sha256", strings.Repeat("0", 64)
	}
	d.Outputs = []closure.Output{o}
	for k, v := range env {
		d.Env = append(d.Env, closure.EnvVar{Key: k, Value: v})
	}
	slices.SortFunc(d.Env, func(a, b closure.EnvVar) int { return strings.Compare(a.Key, b.Key) })
	slices.SortFunc(d.InputDrvs, func(a, b closure.InputDrv) int { return strings.Compare(a.Path, b.Path) })
	d.InputDrvs = slices.CompactFunc(d.InputDrvs, func(a, b closure.InputDrv) bool { return a.Path == b.Path })
	for _, a := range append([]string{d.Builder}, d.Args...) {
		if strings.HasPrefix(a, "/nix/store/") && strings.HasSuffix(a, ".sh") {
			d.InputSrcs = append(d.InputSrcs, a)
		}
	}
	drv := storePath(name+".drv", fmt.Sprint(e), e.Builder)
	if err := os.WriteFile(filepath.Join(w.dir, filepath.Base(drv)), d.AppendATerm(nil), 0o644); err != nil {
		w.t.Fatal(err)
	}
	about := drv
	switch {
	case e.About == AboutSource:
		about = source.drv
	case e.About > 0:
		about = others[e.About-1].drv
	}
	return built{drv, out, about}
}

// judge loads all that was written and judges it.
func (w *world) judge() (*closure.Graph, []Suspicion) {
	w.t.Helper()
	g, facts, err := closure.LoadFacts(context.Background(), closure.DirInput(w.dir), closure.Options{}, Extract)
	if err != nil {
		w.t.Fatal(err)
	}
	if s := g.Skipped(); len(s) > 0 {
		w.t.Fatalf("skipped %v", s)
	}
	return g, Judge(g, facts)
}

// of is the suspicion of one derivation.
func of(t *testing.T, g *closure.Graph, s []Suspicion, drv string) Suspicion {
	t.Helper()
	id, ok := g.Lookup(drv)
	if !ok {
		t.Fatalf("%q is not in the closure", drv)
	}
	return s[id]
}

// fires says that a rule is among the evidence of a derivation's own text.
func fires(s Suspicion, r Rule) bool {
	for _, e := range s.Evidence {
		if e.Rule == r.ID && (e.From == "" || r.Scope == OnGraph) {
			return true
		}
	}
	return false
}

func TestRuleExamples(t *testing.T) {
	for _, r := range All() {
		t.Run(r.ID, func(t *testing.T) {
			t.Parallel()
			for want, list := range map[bool][]Example{true: r.Positive, false: r.Negative} {
				for _, e := range list {
					w := newWorld(t)
					b := w.write(e)
					g, s := w.judge()
					if got := of(t, g, s, b.about); fires(got, r) != want {
						t.Errorf("%s: matched %v, want %v; evidence %v", e, !want, want, got.Evidence)
					}
				}
			}
		})
	}
}

func TestRulesAreDocumented(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range All() {
		if seen[r.ID] {
			t.Errorf("%s: listed twice", r.ID)
		}
		seen[r.ID] = true
		for what, text := range map[string]string{"title": r.Title, "why": r.Why, "how": r.How, "limits": r.Limits, "remedy": r.Remedy} {
			if text == "" {
				t.Errorf("%s: no %s", r.ID, what)
			}
		}
		if r.Weight == 0 {
			t.Errorf("%s: no weight", r.ID)
		}
		if len(r.Positive) == 0 || len(r.Negative) == 0 {
			t.Errorf("%s: lacks a positive or a negative example", r.ID)
		}
		if r.match == nil {
			t.Errorf("%s: matches nothing", r.ID)
		}
		// A rule speaks for source exactly if its name says so.
		if clears := strings.HasPrefix(r.ID, "from-") || r.ID == "graph-compiled"; clears != (r.Weight < 0) {
			t.Errorf("%s: weight %d does not go with its name", r.ID, r.Weight)
		}
		if got, ok := Find(r.ID); !ok || got.Title != r.Title {
			t.Errorf("Find(%q) = %q, %v", r.ID, got.Title, ok)
		}
	}
}
