package closure

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	gonix "github.com/nix-community/go-nix/pkg/derivation"
)

// usedOutputs are the outputs of an input, in an object in newer versions.
type usedOutputs []string

func (u *usedOutputs) UnmarshalJSON(b []byte) error {
	var l []string
	if json.Unmarshal(b, &l) != nil {
		var o struct{ Outputs []string }
		if err := json.Unmarshal(b, &o); err != nil {
			return err
		}
		l = o.Outputs
	}
	*u = l
	return nil
}

// Nix's own account of a closure and ours must be the same.
func TestLoadAgreesWithNix(t *testing.T) {
	n := newNix(t)
	drv := n.instantiate(everyKind)
	var read atomic.Int32
	g, names, err := LoadFacts(context.Background(), DrvInput(drv, ""), Options{}, func(d *Derivation) string {
		read.Add(1)
		return strings.Clone(d.Name())
	})
	if err != nil {
		t.Fatal(err)
	}
	type nixDrv struct {
		Outputs map[string]struct {
			Path, HashAlgo, Hash string
			Impure               bool
			Method               string // in newer versions apart from the algorithm
		}
		InputSrcs []string
		InputDrvs map[string]usedOutputs
		System    string
		Builder   string
		Args      []string
		Env       map[string]string
	}
	var want map[string]nixDrv
	if err := json.Unmarshal([]byte(n.run("nix", "show-derivation", "-r", drv)), &want); err != nil {
		t.Fatal(err)
	}
	if g.Len() != len(want) || int(read.Load()) != len(want) {
		t.Fatalf("%d derivations, %d read; Nix has %d", g.Len(), read.Load(), len(want))
	}
	if len(g.Skipped()) != 0 || len(g.Tampered()) != 0 {
		t.Fatalf("skipped %v, tampered %v", g.Skipped(), g.Tampered())
	}
	if len(g.Roots()) != 1 || g.Path(g.Roots()[0]) != drv || g.StoreDir() != n.storeDir {
		t.Errorf("roots %v, store %q", g.Roots(), g.StoreDir())
	}
	kinds := map[OutputKind]int{}
	for p, w := range want {
		i, ok := g.Lookup(p)
		if !ok {
			t.Fatalf("no %s", p)
		}
		d, err := g.Derivation(i)
		if err != nil {
			t.Fatal(err)
		}
		if names[i] != d.Name() || g.Name(i) != d.Name() {
			t.Errorf("%s: name %q, fact %q", p, g.Name(i), names[i])
		}
		got := nixDrv{InputSrcs: d.InputSrcs, InputDrvs: map[string]usedOutputs{}, System: d.System, Builder: d.Builder, Args: d.Args, Env: map[string]string{}}
		got.Outputs = maps(w.Outputs)
		for _, o := range d.Outputs {
			kinds[o.Kind()]++
			v := w.Outputs[o.Name]
			if m, ok := map[string]string{"flat": "", "nar": "r:", "text": "text:", "git": "git:"}[v.Method]; ok {
				v.HashAlgo, v.Method = m+v.HashAlgo, ""
				w.Outputs[o.Name] = v
			}
			v.Path, v.HashAlgo, v.Hash, v.Impure = o.Path, o.HashAlgo, o.Hash, o.Hash == "impure"
			if v.Impure {
				v.Hash = ""
			}
			got.Outputs[o.Name] = v
			if o.Path != "" {
				if at, ok := g.Producer(o.Path); !ok || at != i {
					t.Errorf("producer of %s is %v", o.Path, at)
				}
			}
		}
		var inputs []string
		for _, in := range d.InputDrvs {
			got.InputDrvs[in.Path] = in.Outputs
			inputs = append(inputs, in.Path)
		}
		for _, v := range d.Env {
			got.Env[v.Key] = v.Value
		}
		if d.Structured != nil {
			got.Env[jsonKey] = string(d.Structured)
		}
		if diff := cmp.Diff(w, got, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s (-nix +ours):\n%s", p, diff)
		}
		for k, in := range g.Inputs(i) {
			if g.Path(in) != inputs[k] || !slices.Contains(g.Consumers(in), i) {
				t.Errorf("%s: input %d is %s, not %s", p, k, g.Path(in), inputs[k])
			}
		}
		if d.ComputedPath() != p {
			t.Errorf("%s: computed %s", p, d.ComputedPath())
		}
	}
	for k := InputAddressed; k <= Impure; k++ {
		if kinds[k] == 0 {
			t.Errorf("no output of kind %d in the test's closure", k)
		}
	}
}

// maps is an empty map of m's type.
func maps[M ~map[K]V, K comparable, V any](M) M { return make(M) }

// go-nix is the second opinion: on each derivation that it can read it must
// see what we see. FROMSOURCE_DRV adds the closure of a derivation in the
// machine's store.
func TestAgreesWithGoNix(t *testing.T) {
	n := newNix(t)
	n.run("nix-instantiate", n.write("a.nix", everyKind))
	n.run("nix-instantiate", n.write("b.nix", buildable))
	// go-nix takes paths in /nix/store only, so that is where they shall be.
	var files [][2]string
	for _, f := range glob(t, n.storeDir+"/*.drv") {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, [2]string{defaultStoreDir + "/" + filepath.Base(f), strings.ReplaceAll(string(b), n.storeDir, defaultStoreDir)})
	}
	if root := os.Getenv("FROMSOURCE_DRV"); root != "" {
		g := mustLoad(t, DrvInput(root, ""))
		for i := range ID(g.Len()) {
			b, err := os.ReadFile(g.Path(i))
			if err != nil {
				t.Fatal(err)
			}
			files = append(files, [2]string{g.Path(i), string(b)})
		}
	}
	both := 0
	for _, f := range files {
		ours, err := ParseATerm(f[0], []byte(f[1]))
		if err != nil {
			t.Errorf("%s: %v", f[0], err)
			continue
		}
		theirs, err := gonix.ReadDerivation(strings.NewReader(f[1]))
		if err != nil {
			if reason := beyondGoNix(ours); !reason {
				t.Errorf("%s: go-nix reads it not: %v", f[0], err)
			}
			continue
		}
		both++
		compare(t, f[0], ours, theirs)
	}
	if both < 6 {
		t.Errorf("only %d of %d derivations compared", both, len(files))
	}
	t.Logf("%d derivations, %d compared", len(files), both)
}

// beyondGoNix reports whether a derivation is of a kind that go-nix does not
// read: an output without a path, or structured attributes without a name.
func beyondGoNix(d *Derivation) bool {
	return slices.ContainsFunc(d.Outputs, func(o Output) bool { return o.Path == "" }) || d.Structured != nil
}

func compare(t *testing.T, p string, ours *Derivation, theirs *gonix.Derivation) {
	t.Helper()
	want := &Derivation{
		Path: p, InputSrcs: theirs.InputSources, System: theirs.Platform, Builder: theirs.Builder,
	}
	for name, o := range theirs.Outputs {
		want.Outputs = append(want.Outputs, Output{name, o.Path, o.HashAlgorithm, o.Hash})
	}
	for in, outs := range theirs.InputDerivations {
		want.InputDrvs = append(want.InputDrvs, InputDrv{Path: in, Outputs: outs})
	}
	for _, a := range theirs.Arguments { // go-nix leaves escapes in arguments
		want.Args = append(want.Args, unescaper.Replace(a))
	}
	for k, v := range theirs.Env {
		if k == jsonKey {
			want.Structured = []byte(v)
			continue
		}
		want.Env = append(want.Env, EnvVar{k, v})
	}
	normalize(want)
	a, b := ours.AppendATerm(nil), want.AppendATerm(nil)
	if !bytes.Equal(a, b) {
		t.Errorf("%s:\nours   %q\ngo-nix %q", p, a, b)
	}
	got, err := theirs.DrvPath()
	if err == nil && ours.Structured == nil && len(theirs.Arguments) == len(want.Args) && slices.Equal(theirs.Arguments, want.Args) && got != ours.ComputedPath() {
		t.Errorf("%s: go-nix computes %s, we %s", p, got, ours.ComputedPath())
	}
}

var unescaper = strings.NewReplacer(`\\`, `\`, `\n`, "\n", `\r`, "\r", `\t`, "\t", `\"`, `"`)

func glob(tb testing.TB, pattern string) []string {
	tb.Helper()
	l, err := filepath.Glob(pattern)
	if err != nil || len(l) == 0 {
		tb.Fatalf("nothing at %s (%v)", pattern, err)
	}
	return l
}
