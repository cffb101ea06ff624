package store

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// realNix is the machine's Nix with a store of its own in a temporary
// directory, of its own name, so that builds need neither root nor a sandbox.
type realNix struct {
	tb       testing.TB
	dir      string
	storeDir string
	env      []string
}

func newNix(tb testing.TB) *realNix {
	tb.Helper()
	dir, err := filepath.EvalSymlinks(tb.TempDir())
	if err != nil {
		tb.Fatal(err)
	}
	n := &realNix{tb: tb, dir: dir, storeDir: dir + "/st/store"}
	for _, e := range os.Environ() {
		if !strings.HasPrefix(e, "NIX_") {
			n.env = append(n.env, e)
		}
	}
	n.env = append(n.env,
		"NIX_STORE_DIR="+n.storeDir, "NIX_STATE_DIR="+dir+"/var", "NIX_LOG_DIR="+dir+"/log", "NIX_CONF_DIR="+dir+"/etc",
		"XDG_CACHE_HOME="+dir+"/cache", "XDG_CONFIG_HOME="+dir+"/config", "HOME="+dir,
		"NIX_CONFIG=experimental-features = nix-command\nbuild-users-group =\nsandbox = false\nsubstitute = false\nfsync-metadata = false",
	)
	tb.Cleanup(func() { // store paths are read-only
		_ = filepath.WalkDir(dir, func(p string, d os.DirEntry, _ error) error {
			if d != nil && d.IsDir() {
				_ = os.Chmod(p, 0o755)
			}
			return nil
		})
	})
	return n
}

func (n *realNix) run(name string, args ...string) string {
	n.tb.Helper()
	cmd := exec.Command(name, args...)
	cmd.Env, cmd.Dir = n.env, n.dir
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		n.tb.Fatalf("%s %q: %v\n%s", name, args, err, errs.String())
	}
	return out.String()
}

func (n *realNix) write(name, text string) string {
	n.tb.Helper()
	p := filepath.Join(n.dir, name)
	if err := os.WriteFile(p, []byte(text), 0o644); err != nil {
		n.tb.Fatal(err)
	}
	return p
}

// build makes a small closure and returns the paths in it, outputs and
// derivations, and the output that was asked for: a tree with everything that
// a NAR can hold and a reference to another output.
func (n *realNix) build() (paths []string, app string) {
	n.tb.Helper()
	drv := strings.TrimSpace(n.run("nix-instantiate", n.write("default.nix", `
		let
		  drv = a: derivation ({ system = builtins.currentSystem; builder = "/bin/sh"; PATH = "/usr/bin:/bin"; } // a);
		  lib = drv { name = "lib"; args = [ "-c" "echo a library > $out" ]; };
		  big = drv { name = "big"; args = [ "-c" "head -c 300000 /dev/urandom > $out; :" ]; };
		in drv { name = "app"; args = [ "-c" ''
		  mkdir -p $out/bin $out/empty $out/b $out/b.d $out/B
		  printf '#!%s\n' ${lib} > $out/bin/app; chmod +x $out/bin/app
		  : > $out/b/nothing
		  for i in 1 2 3 4 5 6 7 8 9; do head -c $i ${lib} > $out/b.d/$i; done
		  ln -s ../bin/app $out/b/link; ln -s ${big} $out/B/big; : # Nix kills what has closed its output, as ln does before it exits
		'' ]; }`)))
	app = strings.TrimSpace(n.run("nix-store", "--realise", drv))
	return strings.Fields(n.run("nix-store", "-qR", "--include-outputs", drv)), app
}

// narHash is Nix's own record of a path.
func (n *realNix) narHash(p string) string {
	n.tb.Helper()
	h := strings.TrimSpace(n.run("nix-store", "-q", "--hash", p))
	s, err := sri(h)
	if err != nil {
		n.tb.Fatal(err)
	}
	return s
}

func readNAR(tb testing.TB, s Store, p string) []byte {
	tb.Helper()
	r, err := s.NAR(tb.Context(), p)
	if err != nil {
		tb.Fatal(err)
	}
	defer r.Close()
	b, err := io.ReadAll(r)
	if err != nil {
		tb.Fatal(err)
	}
	return b
}
