package rebuild

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// world is a real Nix store of its own, with derivations that are built by
// busybox alone.
type world struct {
	t    *testing.T
	root string
	expr string
}

const preamble = `let
  bb = "/bin/busybox";
  drv = name: script: extra: derivation ({
    inherit name; system = builtins.currentSystem; builder = bb;
    args = [ "sh" "-c" "export PATH=/bin; ${script}" ];
  } // extra);
  sh = name: script: drv name script {};
in rec {
`

// newWorld makes a store and an expression. Builds see busybox, and visible.
func newWorld(t *testing.T, expr string, visible ...string) *world {
	t.Helper()
	w := &world{t: t, root: filepath.Join(t.TempDir(), "root")}
	w.expr = filepath.Join(t.TempDir(), "default.nix")
	if err := os.WriteFile(w.expr, []byte(preamble+expr+"}\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	t.Setenv("NIX_CONFIG", "experimental-features = nix-command ca-derivations\nbuild-users-group =\nsubstitute = false\nfsync-metadata = false\nsandbox = true\nsandbox-paths = /bin/busybox "+strings.Join(visible, " "))
	t.Setenv("NIX_REMOTE", "")
	t.Cleanup(func() { chmodAll(w.root) })
	return w
}

// chmodAll makes store folders removable by the test's own clean-up.
func chmodAll(root string) {
	_ = filepath.WalkDir(root, func(p string, d os.DirEntry, err error) error {
		if err == nil && d.IsDir() {
			return os.Chmod(p, 0o755)
		}
		return nil
	})
}

// run is a command that has to succeed; its standard output, trimmed.
func (w *world) run(argv ...string) string {
	w.t.Helper()
	cmd := exec.Command(argv[0], argv[1:]...)
	var errs strings.Builder
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		w.t.Fatalf("%q: %v\n%s", argv, err, errs.String())
	}
	return strings.TrimSpace(string(out))
}

func (w *world) instantiate(attr string) string {
	w.t.Helper()
	drv, _, _ := strings.Cut(w.run("nix-instantiate", "--store", w.root, w.expr, "-A", attr), "!")
	return drv
}

func (w *world) realise(drv string) []string {
	w.t.Helper()
	return strings.Fields(w.run("nix-store", "--store", w.root, "--realise", drv))
}

// job instantiates and builds an attribute and describes it as a job.
func (w *world) job(attr string) *Job {
	w.t.Helper()
	j := w.unbuilt(attr)
	w.realise(j.Drv)
	return j
}

// unbuilt is job without the build.
func (w *world) unbuilt(attr string) *Job {
	w.t.Helper()
	drv := w.instantiate(attr)
	j := &Job{Drv: drv}
	// The store tells what the tests need to know of a derivation.
	show := w.run("nix", "show-derivation", "--store", w.root, drv)
	outs, inputs, err := parseShown(show)
	if err != nil {
		w.t.Fatal(err)
	}
	j.Outputs = outs
	for in := range inputs {
		for _, p := range strings.Fields(w.run("nix-store", "--store", w.root, "-q", "--outputs", in)) {
			j.Inputs = append(j.Inputs, "/"+strings.TrimPrefix(strings.TrimPrefix(p, w.root), "/"))
		}
	}
	return j
}

func (w *world) nix(m Method) *Nix {
	return &Nix{Title: "local", Runner: Local{}, Store: w.root, Method: m}
}

func (w *world) build(b Builder, j *Job) Built {
	w.t.Helper()
	built, err := b.Build(context.Background(), j)
	if err != nil {
		w.t.Fatal(err)
	}
	if built.Release != nil {
		w.t.Cleanup(func() {
			if err := built.Release(context.Background()); err != nil {
				w.t.Error(err)
			}
		})
	}
	return built
}
