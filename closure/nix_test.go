package closure

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// realNix is the machine's Nix with a store of its own in a temporary
// directory. The store directory is not /nix/store, so that builds need
// neither root nor a sandbox, and nothing may take that name for granted.
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
		"NIX_CONFIG=experimental-features = nix-command flakes ca-derivations impure-derivations\nbuild-users-group =\nsandbox = false\nsubstitute = false\nfsync-metadata = false",
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

// run returns the standard output of a command of Nix.
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

// instantiate returns the derivation of an expression.
func (n *realNix) instantiate(expr string) string {
	n.tb.Helper()
	return strings.TrimSpace(n.run("nix-instantiate", n.write("default.nix", expr)))
}

// everyKind is a closure with one of each thing that Nix 2.8 can write: fixed
// outputs (flat and recursive), several outputs, structured attributes,
// sources, escapes, bytes beyond ASCII, and outputs that are floating,
// deferred and impure. It needs no package set.
const everyKind = `
let
  sh = "/bin/sh";
  base = { system = builtins.currentSystem; builder = sh; };
  drv = a: derivation (base // a);
  fetched = derivation {
    name = "hello.tar.gz"; system = "builtin"; builder = "builtin:fetchurl"; url = "https://example.org/hello.tar.gz";
    outputHashMode = "flat"; outputHashAlgo = "sha256";
    outputHash = "0000000000000000000000000000000000000000000000000000000000000001"; preferLocalBuild = true;
  };
  tree = drv {
    name = "source"; args = [ "-c" "fetch" ]; outputHashMode = "recursive"; outputHashAlgo = "sha256";
    outputHash = "sha256-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="; fetcher = tool;
  };
  old = drv { name = "old-1.0"; outputHashAlgo = "sha1"; outputHash = "da39a3ee5e6b4b0d3255bfef95601890afd80709"; };
  tool = drv { name = "tool"; args = [ "-c" "echo tool > $out" ]; };
  many = drv {
    name = "many"; outputs = [ "out" "dev" "doc" ]; src = fetched; tree = tree; inherit old;
    setup = builtins.toFile "setup.sh" "echo \"quoted\"\n\ttab";
    script = "a \"quote\", a \\ backslash,\na line,\r a return,\ta tab and caf\u00e9 \${notAVar}";
  };
  structured = drv {
    __structuredAttrs = true; name = "structured"; src = fetched; list = [ "a" "b c" many.dev ]; nested = { x = [ 1 2 { y = null; } ]; z = true; };
    text = "l1\nl2\t\"q\" \\ caf\u00e9"; number = 42; float = 1.5; outputs = [ "out" "lib" ];
  };
  floating = drv { name = "floating"; __contentAddressed = true; outputHashMode = "recursive"; outputHashAlgo = "sha256"; dep = tool; };
  deferred = drv { name = "deferred"; dep = floating; };
  impure = drv { name = "impure"; __impure = true; };
in drv { name = "everything"; inherit many structured floating deferred; dev = many.dev; docs = [ many.doc many.dev ]; also = impure; __impure = true; }
`

// buildable is a small closure that builds at once with a shell alone.
const buildable = `
let
  drv = a: derivation ({ system = builtins.currentSystem; builder = "/bin/sh"; } // a);
  src = builtins.toFile "src.txt" "some text";
  lib = drv { name = "lib"; args = [ "-c" "echo lib ${src} > $out" ]; };
  fixed = drv { name = "fixed"; args = [ "-c" "echo -n hello > $out" ]; outputHashAlgo = "sha256"; outputHashMode = "flat";
    outputHash = builtins.hashString "sha256" "hello"; };
in drv { name = "app"; args = [ "-c" "echo ${lib} ${fixed} > $out" ]; }
`
