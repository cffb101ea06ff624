package accuracy

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A tree of two packages, an attribute that throws, and one whose evaluation
// cannot be caught.
const tree = `{ system, config, overlays ? [ ] }:
let
  fetch = name: derivation {
    inherit name system;
    builder = "/bin/sh";
    urls = "https://example.org/${name}";
    outputHashAlgo = "sha256";
    outputHash = "0000000000000000000000000000000000000000000000000000000000000000";
  };
in
{
  inherit fetch;
  vendored = fetch "tool_1.0_amd64.deb";
  set.plain = fetch "tool-1.0.tar.gz";
  broken = throw "no";
  worse = abort "never";
}
`

// A package of a repository that takes its source from a generated list, its
// helper from a folder beside it, and does without what has a default.
const overlay = `{ fetching, sources, unknown ? null, version ? "1" }:
if unknown == null then fetching "tool-${version}.jar" // { src = sources.tool; } else throw "no"
`

func TestHoldout(t *testing.T) {
	dir := t.TempDir()
	put := func(name, text string) string {
		t.Helper()
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return file
	}
	put("nixpkgs/default.nix", tree)
	put("nixpkgs/pkgs/top-level/all-packages.nix", "")
	row := func(attr, truth string) string { return attr + "\t-\t" + truth + "\tjudgement\t-\t\n" }
	labels := put("2014-06.tsv", "attr\tdrv\ttruth\ttruth_source\tlabel_path@commit\tnote\n"+
		row("vendored", "native")+row("set.plain", "bytecode")+row("repo/pkgs/tool/default.nix", "bytecode")+row("repo/pkgs/absent.nix", "native")+row("broken", "source")+row("worse", "source"))
	put("overlays/repo/pkgs/tool/default.nix", overlay)
	put("overlays/repo/pkgs/fetching/package.nix", "{ fetch }: fetch")
	put("overlays/repo/_sources/generated.nix", `{ fetch }: { tool = fetch "other.jar"; }`)
	p := Paths{Nixpkgs: filepath.Join(dir, "nixpkgs"), Overlays: filepath.Join(dir, "overlays"), Store: filepath.Join(dir, "store")}
	var out, log bytes.Buffer
	if err := Holdout(context.Background(), p, labels, &out, &log); err != nil {
		t.Fatalf("%v\n%s", err, log.String())
	}
	for _, want := range []string{"| 2014-06 | 2 of 3 ", "| miss  | 2014-06 | set.plain | bytecode |"} {
		if !strings.Contains(squeeze(out.String()), squeeze(want)) {
			t.Errorf("table lacks %q:\n%s", want, out.String())
		}
	}
	if !strings.Contains(log.String(), "worse does not evaluate") || !strings.Contains(log.String(), "absent.nix does not evaluate") {
		t.Errorf("log: %s", log.String())
	}
	p.Nixpkgs = dir
	if err := Holdout(context.Background(), p, labels, io.Discard, io.Discard); err == nil {
		t.Error("a folder that is no nixpkgs is no error")
	}
}

// squeeze makes tables of any width comparable.
func squeeze(s string) string { return strings.Join(strings.Fields(s), " ") }
