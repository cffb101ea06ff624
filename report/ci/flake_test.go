package ci

import (
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write the hash of the vendored modules anew")

// The hash in package.nix is that of the modules which go.sum names: a stale
// one would fail every user's build.
func TestVendorHash(t *testing.T) {
	h := newHost(t)
	dir := filepath.Join(h.dir, "vendor")
	// Here, and only here, the network may be asked for a module: one that other
	// systems need is nowhere else. It may be out of reach for a moment.
	for try := 1; ; try++ {
		out, code := h.run(t, "../..", []string{"GOPROXY=" + os.Getenv("GOPROXY")}, "go", "mod", "vendor", "-o", dir)
		if code == 0 {
			break
		}
		if try == 3 {
			t.Fatalf("go mod vendor: %s", out)
		}
		time.Sleep(time.Duration(try) * 5 * time.Second)
	}
	out, code := h.run(t, h.dir, nil, "nix", "hash", "path", dir)
	want := strings.TrimSpace(out[strings.LastIndex(strings.TrimSpace(out), "\n")+1:])
	if code != 0 || !strings.HasPrefix(want, "sha256-") {
		t.Fatalf("nix hash path: exit code %d: %s", code, out)
	}
	data, err := os.ReadFile("package.nix")
	h.must(t, err)
	pattern := regexp.MustCompile(`vendorHash = "([^"]*)";`)
	m := pattern.FindSubmatch(data)
	if m == nil {
		t.Fatal("package.nix has no vendorHash")
	}
	if string(m[1]) == want {
		return
	}
	if *update {
		h.must(t, os.WriteFile("package.nix", pattern.ReplaceAll(data, []byte(`vendorHash = "`+want+`";`)), 0o644))
		return
	}
	t.Errorf("package.nix says %s, the modules of go.sum have %s; run: go test ./report/ci -run VendorHash -update", m[1], want)
}

// The flake is checked by a real Nix, which builds the program from the
// vendored modules alone, and the gate with it.
func TestFlake(t *testing.T) {
	h := newHost(t)
	h.firstBuild(t)
	dir := h.project(t, "flake")
	h.write(t, "flake/flake.nix", h.example(t, "flake.nix"))
	h.write(t, "flake/configuration.nix", "{ ... }: { toplevel = (import ./default.nix { }).system; }\n")
	h.baseline(t, dir)

	check := func(args ...string) (string, int) {
		t.Helper()
		return h.run(t, dir, nil, "nix", append([]string{"flake", "check", "--print-build-logs", "--override-input", "nixpkgs", "path:" + h.dir + "/nixpkgs"}, args...)...)
	}
	if out, code := check("--no-build"); code != 0 {
		t.Fatalf("nix flake check --no-build: exit code %d\n%s", code, out)
	}
	if out, code := check(); code != 0 {
		t.Fatalf("nix flake check: exit code %d\n%s", code, out)
	}
	h.addBinary(t, dir)
	if out, code := check(); code == 0 || !strings.Contains(out, `new: "agent-1.0-linux-amd64.tar.gz"`) {
		t.Fatalf("nix flake check with a new dependency: exit code %d\n%s", code, out)
	}
}

// baseline does what README.md says, and commits it.
func (h *host) baseline(t *testing.T, dir string) {
	t.Helper()
	out, code := h.run(t, dir, []string{"PATH=" + h.dir + "/home/bin:" + pathOf(h.env)}, "bash", "-ec", readmeBlock(t, "sh"))
	if code != 0 {
		t.Fatalf("the commands of README.md: exit code %d\n%s", code, out)
	}
	h.must(t, os.RemoveAll(filepath.Join(dir, "results")))
	h.commit(t, dir)
}

// Hydra gives a job's inputs as sets with an outPath, and builds what the
// expression's attributes are.
func TestHydra(t *testing.T) {
	h := newHost(t)
	h.firstBuild(t)
	dir := h.project(t, "src")
	h.baseline(t, dir)
	h.write(t, "hydra.nix", h.example(t, "hydra.nix"))
	input := func(path string) string {
		return `{ outPath = builtins.path { name = "input"; path = ` + path + `; }; }`
	}
	build := func(program string) (string, int) {
		t.Helper()
		return h.run(t, h.dir, nil, program, "hydra.nix", "-A", "fromsource-gate", "--argstr", "today", "2026-05-20",
			"--arg", "nixpkgs", input(h.dir+"/nixpkgs"), "--arg", "src", input(dir), "--arg", "fromsource", input(h.clone))
	}
	if out, code := build("nix-instantiate"); code != 0 || !strings.Contains(out, "fromsource-gate.drv") {
		t.Fatalf("nix-instantiate: exit code %d\n%s", code, out)
	}
	out, code := build("nix-build")
	if code != 0 {
		t.Fatalf("nix-build: exit code %d\n%s", code, out)
	}
	products, err := os.ReadFile(filepath.Join(h.dir, "result/nix-support/hydra-build-products"))
	h.must(t, err)
	f := strings.Fields(string(products))
	if len(f) != 4 || f[0] != "report" {
		t.Fatalf("build products %q", products)
	}
	if _, err := os.Stat(filepath.Join(f[2], f[3])); err != nil {
		t.Error(err)
	}
	h.addBinary(t, dir)
	if out, code := build("nix-build"); code == 0 || !strings.Contains(out, `new: "agent-1.0-linux-amd64.tar.gz"`) {
		t.Fatalf("nix-build with a new dependency: exit code %d\n%s", code, out)
	}
}
