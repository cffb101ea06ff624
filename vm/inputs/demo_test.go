package inputs_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"fromsource/testdata/demo"
	"fromsource/vm/inputs"
)

// nixStore is a store of its own with the demo's expressions and inputs: the
// guest's double, which has no machine around it and takes seconds.
type nixStore struct{ root, expr, conf string }

func newStore(t *testing.T) *nixStore {
	t.Helper()
	dir := t.TempDir()
	// Nix takes the right to write from what it built.
	t.Cleanup(func() {
		_ = filepath.WalkDir(dir, func(p string, d fs.DirEntry, _ error) error {
			if d != nil && d.IsDir() {
				_ = os.Chmod(p, 0o755) // to be removed
			}
			return nil
		})
	})
	s := &nixStore{root: filepath.Join(dir, "store"), expr: filepath.Join(dir, "demo")}
	if err := os.CopyFS(s.expr, demo.FS); err != nil {
		t.Fatal(err)
	}
	f, err := demo.FS.Open("inputs.lock")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	lock, err := inputs.ReadLock(f)
	if err != nil {
		t.Fatal(err)
	}
	cache, err := inputs.CacheDir()
	if err != nil {
		t.Fatal(err)
	}
	files, err := inputs.Fetch(context.Background(), lock, cache, nil)
	if err != nil {
		t.Fatal(err)
	}
	srcs := filepath.Join(dir, "srcs")
	if err := os.Mkdir(srcs, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, in := range files {
		data, err := os.ReadFile(in.Path)
		if err == nil {
			err = os.WriteFile(filepath.Join(srcs, in.Name), data, 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	s.conf = "sandbox = true\nsandbox-fallback = false\nsubstitute = false\nbuild-users-group =\nfsync-metadata = false\n" +
		"experimental-features =\nextra-sandbox-paths = " + demo.Sources + "=" + srcs
	return s
}

// nix runs one of Nix's programs on the store; it gives its output and what
// it logged.
func (s *nixStore) nix(t *testing.T, prog string, args ...string) (out []string, log string, err error) {
	t.Helper()
	cmd := exec.Command(prog, append([]string{"--store", s.root}, args...)...)
	cmd.Env = append(os.Environ(), "NIX_CONFIG="+s.conf, "NIX_PATH=", "NIX_REMOTE=")
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err = cmd.Run()
	return strings.Fields(stdout.String()), stderr.String(), err
}

func (s *nixStore) mustNix(t *testing.T, prog string, args ...string) []string {
	t.Helper()
	out, log, err := s.nix(t, prog, args...)
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", prog, strings.Join(args, " "), err, log)
	}
	return out
}

func TestDemo(t *testing.T) {
	want, err := demo.ReadExpected()
	if err != nil {
		t.Fatal(err)
	}
	s := newStore(t)
	root := s.mustNix(t, "nix-instantiate", s.expr, "-A", demo.Root)
	drvs := map[string]string{}
	for _, p := range s.mustNix(t, "nix-store", "-qR", root[0]) {
		if name, ok := strings.CutSuffix(p, ".drv"); ok {
			drvs[name[strings.Index(name, "-")+1:]] = p
		}
	}

	t.Run("every derivation is expected", func(t *testing.T) {
		var names, expected []string
		for name := range drvs {
			names = append(names, name)
		}
		for _, d := range want.Derivations {
			expected = append(expected, d.Name)
		}
		slices.Sort(names)
		slices.Sort(expected)
		if diff := cmp.Diff(expected, names); diff != "" {
			t.Fatal(diff)
		}
	})
	t.Run("image", func(t *testing.T) {
		out := s.mustNix(t, "nix-store", "--realise", root[0])
		data, err := os.ReadFile(filepath.Join(s.root, out[0], want.Image.Path))
		if err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprintf("%x", sha256.Sum256(data)); got != want.Image.SHA256 || int64(len(data)) != want.Image.Size {
			t.Errorf("the image has %d bytes, sha256 %s; expected.json says %d, %s", len(data), got, want.Image.Size, want.Image.SHA256)
		}
	})
	for _, d := range want.Derivations {
		t.Run(d.Name, func(t *testing.T) {
			checkFixed(t, s, drvs[d.Name], d.FixedOutput)
			if d.FixedOutput {
				return
			}
			_, log, err := s.nix(t, "nix-store", "--realise", "--check", drvs[d.Name])
			if got := err == nil; got != d.Reproducible {
				t.Errorf("reproducible is %t, expected %t:\n%s", got, d.Reproducible, log)
			}
			if !d.Reproducible && !strings.Contains(log, "may not be deterministic") {
				t.Errorf("it failed for another reason than not being reproducible:\n%s", log)
			}
			if d.Verdict == "seed" {
				return
			}
			for _, ref := range s.mustNix(t, "nix-store", append([]string{"-q", "--references"}, s.mustNix(t, "nix-store", "-q", "--outputs", drvs[d.Name])...)...) {
				if strings.HasSuffix(ref, "-bootstrap-tools") {
					t.Errorf("it refers to the seed, %s", ref)
				}
			}
		})
	}
}

func checkFixed(t *testing.T, s *nixStore, drv string, want bool) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(s.root, drv))
	if err != nil {
		t.Fatal(err)
	}
	if got := bytes.Contains(data, []byte(`("outputHash",`)); got != want {
		t.Errorf("fixed-output is %t, expected %t", got, want)
	}
}

// TestExpectedIsSound: the file that the end-to-end test believes.
func TestExpectedIsSound(t *testing.T) {
	want, err := demo.ReadExpected()
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]int{}
	for _, d := range want.Derivations {
		seen[d.Verdict]++
		prebuilt := d.Verdict != "source"
		if prebuilt != (len(d.Kinds) > 0) {
			t.Errorf("%s: verdict %s with kinds %q", d.Name, d.Verdict, d.Kinds)
		}
		if d.Reach != "runtime" && d.Reach != "build" {
			t.Errorf("%s: reach %q", d.Name, d.Reach)
		}
	}
	for _, v := range []string{"source", "binary", "carries-binary", "built-by-binary", "seed"} {
		if seen[v] == 0 {
			t.Errorf("nothing earns the verdict %s", v)
		}
	}
}
