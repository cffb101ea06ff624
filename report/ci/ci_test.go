// Package ci holds the examples of CI files; its test runs the gate of the
// Nix ones for real.
package ci

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// What gate.nix needs of nixpkgs is runCommand, which stands here with the
// host's shell. The target fetches a prebuilt archive, which is never built.
const fixture = `
{ today, waivers ? null }:
let
  fetch = derivation {
    name = "tool-1.0-linux-amd64.tar.gz"; builder = "builtin:fetchurl"; system = "builtin";
    url = "https://github.com/o/tool/releases/download/v1.0/tool-1.0-linux-amd64.tar.gz";
    outputHashMode = "flat"; outputHashAlgo = "sha256";
    outputHash = "0000000000000000000000000000000000000000000000000000000000000000";
  };
  target = derivation {
    name = "tool-1.0"; system = builtins.currentSystem; builder = "/bin/sh"; args = [ "-c" "tar xf $src" ]; src = fetch;
  };
  runCommand = name: attrs: text: derivation {
    inherit name; system = builtins.currentSystem; builder = "/bin/sh";
    args = [ "-euc" ("export PATH=/usr/bin:/bin:" + attrs.TOOLS + "; export TMPDIR=$PWD; " + text + "\n:") ];
  };
in
import ./gate.nix {
  runCommand = name: attrs: runCommand name { TOOLS = toString ./bin; };
  fromsource = null; baseline = ./fromsource.baseline;
  inherit target today waivers;
}
`

const waivers = `waivers:
  - finding: tool-linux-amd64.tar.gz
    reach: unknown
    reason: no-source
    owner: me
    issue: https://example.org/1
    until: 2026-05-20
`

func TestNixGate(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	gate, err := os.ReadFile("gate.nix")
	if err != nil {
		t.Fatal(err)
	}
	write("gate.nix", string(gate))
	write("default.nix", fixture)
	write("waivers.yaml", waivers)
	write("fromsource.baseline", "# fromsource baseline v1\n")
	build := exec.Command("go", "build", "-o", filepath.Join(dir, "bin", "fromsource"), "fromsource/cmd/fromsource")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building the program: %v\n%s", err, out)
	}
	for _, c := range []struct {
		name string
		args []string
		want string // of the log, where it fails
	}{
		{"new", []string{"--argstr", "today", "2026-05-20"}, `new: "tool-1.0-linux-amd64.tar.gz"`},
		{"waived", []string{"--argstr", "today", "2026-05-20", "--arg", "waivers", "./waivers.yaml"}, ""},
		{"expired", []string{"--argstr", "today", "2026-05-21", "--arg", "waivers", "./waivers.yaml"}, "expired on 2026-05-20"},
	} {
		t.Run(c.name, func(t *testing.T) {
			cmd := exec.Command("nix-build", append([]string{"--no-out-link"}, c.args...)...)
			cmd.Dir = dir
			cmd.Env = append(os.Environ(),
				"NIX_STORE_DIR="+filepath.Join(dir, "store"), "NIX_STATE_DIR="+filepath.Join(dir, "state"), "NIX_LOG_DIR="+filepath.Join(dir, "log"),
				"NIX_REMOTE=local", "NIX_CONFIG=build-users-group =\nsandbox = false\nsubstitute = false\nfsync-metadata = false")
			out, err := cmd.CombinedOutput()
			if (err == nil) != (c.want == "") || !strings.Contains(string(out), c.want) {
				t.Errorf("nix-build (Debian package nix-bin): %v, want %q in\n%s", err, c.want, out)
			}
		})
	}
}
