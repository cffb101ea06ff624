package policy

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"fromsource/analyze/audit"
	"fromsource/analyze/policy/audittest"
)

// packages are expressions in the ways in which nixpkgs writes labels. Each
// is called with lib and gives {pname, meta}.
var packages = map[string]string{
	"pkgs/with/default.nix": `{ lib }: {
  pname = "with"; # sourceProvenance = [ lib.sourceTypes.binaryFirmware ];
  text = "sourceProvenance = binaryFirmware;";
  meta = { sourceProvenance = with lib.sourceTypes; [ binaryNativeCode ]; };
}`,
	"pkgs/dotted/default.nix": `{ lib }: rec {
  version = "1.0";
  name = "dotted-${version}";
  script = ''
    meta = { sourceProvenance = ''${binaryFirmware}; }
    ${toString (map (x: "}") [ 1 ])} '''
  '';
  meta.sourceProvenance = [ lib.sourceTypes.binaryBytecode lib.sourceTypes.binaryNativeCode ];
}`,
	"pkgs/source/default.nix": `{ lib }: {
  pname = "source"; /* binary */
  meta = { sourceProvenance = [ lib.sourceTypes.fromSource ]; };
}`,
	"pkgs/plain/default.nix": `{ lib }: {
  pname = "plain";

  meta = { description = "no \"label"; };
}`,
}

const types = `rec {
  sourceTypes = builtins.mapAttrs (shortName: v: { inherit shortName; isSource = shortName == "fromSource"; })
    { fromSource = 1; binaryNativeCode = 1; binaryBytecode = 1; binaryFirmware = 1; };
}`

func nix(t *testing.T, args ...string) []byte {
	t.Helper()
	cmd := exec.Command("nix-instantiate", append([]string{"--eval", "--strict", "--json"}, args...)...)
	cmd.Env = append(os.Environ(), "NIX_STATE_DIR="+t.TempDir(), "NIX_REMOTE=dummy://")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("nix-instantiate (Debian package nix-bin): %v\n%s", err, stderr.String())
	}
	return out
}

// What is read from the text of a checkout is what Nix evaluates.
func TestCheckoutAgreesWithNix(t *testing.T) {
	files := fstest.MapFS{"README.md": {Data: []byte("sourceProvenance = binaryFirmware;")}}
	var evaluated bytes.Buffer
	for file, text := range packages {
		files[file] = &fstest.MapFile{Data: []byte(text)}
		path := filepath.Join(t.TempDir(), "p.nix")
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		out := nix(t, "--expr", `let p = import `+path+` { lib = `+types+`; }; in
			{ attr = "a"; drvPath = "/nix/store/x.drv"; name = p.pname or p.name; meta = { position = "f.nix:3"; } // p.meta; }`)
		evaluated.Write(bytes.TrimSpace(out))
		evaluated.WriteString("\n")
	}
	read, err := ReadCheckout(files)
	if err != nil {
		t.Fatal(err)
	}
	jobs, err := ReadEvalJobs("jobs", &evaluated)
	if err != nil {
		t.Fatal(err)
	}
	if len(read.List) != len(packages) || len(jobs.List) != len(packages) {
		t.Fatalf("%d packages read, %d evaluated, want %d", len(read.List), len(jobs.List), len(packages))
	}
	for _, want := range jobs.List {
		k := slices.IndexFunc(read.List, func(l Label) bool { return l.Name == want.Name })
		if k < 0 {
			t.Errorf("package %q is not read", want.Name)
			continue
		}
		if got := read.List[k]; !slices.Equal(got.Types, want.Types) {
			t.Errorf("%s: read %q, evaluated %q", want.Name, got.Types, want.Types)
		}
		if want.File != "f.nix" || want.Line != 3 {
			t.Errorf("position %s:%d", want.File, want.Line)
		}
	}
	lines := map[string]int{"with": 4, "dotted": 8, "source": 3, "plain": 4}
	for _, l := range read.List {
		if l.Line != lines[l.Name] {
			t.Errorf("%s is on line %d, want %d", l.Name, l.Line, lines[l.Name])
		}
	}
}

func TestReadEvalJobs(t *testing.T) {
	l, err := ReadEvalJobs("jobs", strings.NewReader(`
{"attr":"a","drvPath":"/nix/store/a.drv","name":"a-1.0","meta":{"sourceProvenance":["binaryFirmware"]}}
{"attr":"b","error":"broken"}
{"attr":"c","drvPath":"/nix/store/c.drv","name":"c-1.0","meta":{"sourceProvenance":{"shortName":"binaryBytecode"}}}
{"attr":"d","drvPath":"/nix/store/d.drv","name":"d-1.0","meta":null}
`))
	if err != nil {
		t.Fatal(err)
	}
	if len(l.List) != 3 || l.Failed != 1 || l.List[0].Types[0] != "binaryFirmware" || l.List[1].Types[0] != "binaryBytecode" || len(l.List[2].Types) != 0 {
		t.Errorf("%+v", l)
	}
	for _, c := range []struct{ in, want string }{
		{"{\n", "jobs:1: not a line of nix-eval-jobs"},
		{"\n[]\n", "jobs:2: not a line"},
		{"{}\n", "jobs:1: no drvPath"},
		{`{"drvPath":"x","meta":{"sourceProvenance":[3]}}`, "jobs:1: meta.sourceProvenance holds"},
	} {
		if _, err := ReadEvalJobs("jobs", strings.NewReader(c.in)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: error %v, want %q", c.in, err, c.want)
		}
	}
}

func TestJoinLabels(t *testing.T) {
	for _, c := range []struct {
		name   string
		types  []string
		change func(fetch, pkg, root *audit.Derivation)
		want   string
	}{
		{"no label", nil, nil, "missing"},
		{"labelled as source", []string{"fromSource"}, nil, "missing"},
		{"right", []string{"binaryNativeCode"}, nil, "agreed"},
		{"also source", []string{"binaryNativeCode", "fromSource"}, nil, "agreed"},
		{"another kind", []string{"binaryFirmware"}, nil, "wrong"},
		{"one kind too many", []string{"binaryFirmware", "binaryNativeCode"}, nil, "wrong"},
		{"one kind more than text shows", []string{"binaryFirmware", "binaryNativeCode"}, func(_, p, _ *audit.Derivation) {
			p.Evidence[0].Level, p.Inputs = audit.LevelDerivation, []int{0}
		}, "agreed"},
		{"another kind than text shows", []string{"binaryFirmware"}, func(_, p, _ *audit.Derivation) {
			p.Evidence[0].Level = audit.LevelDerivation
		}, "wrong"},
		{"from source", []string{"binaryNativeCode"}, func(_, p, _ *audit.Derivation) { p.Verdict = audit.Source }, "superfluous"},
		{"built by", []string{"binaryNativeCode"}, func(_, p, _ *audit.Derivation) { p.Verdict = audit.BuiltByBinary }, "superfluous"},
		{"not looked at", []string{"binaryNativeCode"}, func(_, p, _ *audit.Derivation) { p.Verdict = audit.Unknown }, "unjudged"},
		{"from source, not labelled", nil, func(_, p, _ *audit.Derivation) { p.Verdict = audit.Source }, ""},
	} {
		for _, byName := range []bool{true, false} {
			l := Label{Name: "tool", Types: c.types, File: "pkgs/tool/default.nix", Line: 7}
			if !byName {
				l.Drv, l.Name = "/nix/store/b-pkg.drv", "other"
			}
			r := JoinLabels(small("1.0", c.change), &Labels{List: []Label{l}})
			var got []string
			for what, list := range map[string][]LabelItem{"missing": r.Missing, "wrong": r.Wrong, "superfluous": r.Superfluous, "agreed": r.Agreed, "unjudged": r.Unjudged} {
				for range list {
					got = append(got, what)
				}
			}
			if s := strings.Join(got, " "); s != c.want {
				t.Errorf("%s, by name %v: %q, want %q", c.name, byName, s, c.want)
			}
		}
	}
	r := JoinLabels(small("1.0", nil), &Labels{List: []Label{{Name: "tool", File: "pkgs/tool/default.nix", Line: 7}}})
	var b bytes.Buffer
	if err := r.WriteList(&b); err != nil {
		t.Fatal(err)
	}
	const want = "pkgs/tool/default.nix:7: add sourceProvenance = with lib.sourceTypes; [ binaryNativeCode ];  # tool-1.0, trace trace, from tool-1.0-linux-amd64.tar.gz"
	if !strings.HasPrefix(b.String(), want) {
		t.Errorf("got  %s\nwant %s", b.String(), want)
	}
	if r := JoinLabels(small("unstable-2026-05-20", nil), &Labels{List: []Label{{Name: "tool"}}}); len(r.Missing) != 1 {
		t.Errorf("a version with a word: %+v", r)
	}
	if r := JoinLabels(small("1.0", nil), &Labels{}); r.Unjoined != 1 {
		t.Errorf("%d findings without a package, want 1", r.Unjoined)
	}
}

// The predicate is real Nix: it allows what was found, of that kind, and no
// more, whatever the names are.
func TestPredicate(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "p.nix")
	ask := func(a *audit.Audit, pkgs string) []bool {
		t.Helper()
		var b bytes.Buffer
		if err := WritePredicate(&b, a); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		var got []bool
		out := nix(t, "--expr", `let t = (`+types+`).sourceTypes; in map (import `+file+`).allowNonSourcePredicate [ `+pkgs+` ]`)
		if err := json.Unmarshal(out, &got); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		return got
	}
	got := ask(small("1.0", nil), `
		{ pname = "tool"; meta.sourceProvenance = [ t.binaryNativeCode ]; }
		{ name = "tool-2.0"; meta.sourceProvenance = [ t.binaryNativeCode t.fromSource ]; }
		{ pname = "tool"; meta.sourceProvenance = [ t.binaryNativeCode t.binaryFirmware ]; }
		{ pname = "other"; meta.sourceProvenance = [ t.binaryNativeCode ]; }
		{ pname = "tool"; }`)
	if want := []bool{true, true, false, false, true}; !slices.Equal(got, want) {
		t.Errorf("the predicate says %v, want %v", got, want)
	}
	got = ask(small("unstable-2026-05-20", nil), `
		{ pname = "tool"; version = "unstable-2026-06-01"; meta.sourceProvenance = [ t.binaryNativeCode ]; }
		{ name = "tool-unstable-2026-06-01"; meta.sourceProvenance = [ t.binaryNativeCode ]; }
		{ pname = "tool"; version = "1.0"; meta.sourceProvenance = [ t.binaryNativeCode ]; }
		{ pname = "tool-unstable"; meta.sourceProvenance = [ t.binaryFirmware ]; }`)
	if want := []bool{true, true, false, false}; !slices.Equal(got, want) {
		t.Errorf("of a version with a word the predicate says %v, want %v", got, want)
	}
	if got := ask(audittest.GenerateHostile(900), `{ pname = "x"; }`); !slices.Equal(got, []bool{false}) {
		t.Errorf("of hostile names the predicate says %v", got)
	}
}

func FuzzLabelsOf(f *testing.F) {
	for _, p := range packages {
		f.Add([]byte(p))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, l := range labelsOf("f.nix", data) {
			if l.Line < 1 || l.Line > 1+bytes.Count(data, []byte("\n")) {
				t.Fatalf("a label on line %d", l.Line)
			}
		}
	})
}

// What a patch leaves to a person, and why.
func TestPatchRefuses(t *testing.T) {
	const file = "{ lib }: {\n  pname = \"tool\";\n  meta = {\n    license = lib.licenses.mit;\n  };\n}\n"
	checkout := fstest.MapFS{
		"pkgs/tool/default.nix": {Data: []byte(file)}, "odd name.nix": {Data: []byte(file)}, "broken.nix": {Data: []byte("{")},
		"link.nix": {Data: []byte("pkgs/tool/default.nix"), Mode: os.ModeSymlink},
	}
	textOnly := func(_, p, _ *audit.Derivation) { p.Evidence[0].Level = audit.LevelDerivation }
	for _, c := range []struct {
		name   string
		labels []Label
		change func(fetch, pkg, root *audit.Derivation)
		want   string // "" is placed
	}{
		{"by evaluation", []Label{{Drv: "/nix/store/b-pkg.drv", File: "/home/u/nixpkgs/pkgs/tool/default.nix", Line: 4}}, nil, ""},
		{"in the store", []Label{{Drv: "/nix/store/b-pkg.drv", File: "/nix/store/0123456789abcdfghijklmnpqrsvwxyz-source/pkgs/tool/default.nix", Line: 4}}, nil, ""},
		{"by name", []Label{{Name: "tool", File: "pkgs/tool/default.nix", Line: 3}}, nil, ""},
		{"by text alone", []Label{{Name: "tool", File: "pkgs/tool/default.nix", Line: 3}}, textOnly, ""},
		{"by a name of two", []Label{{Name: "tool", File: "pkgs/tool/default.nix", Line: 3}, {Name: "tool", File: "x.nix", Line: 3}}, nil, "2 expressions have this name"},
		{"by a guess", []Label{{Name: "tool", File: "pkgs/tool/default.nix", Line: 3, guessed: true}}, nil, "its name is computed"},
		{"kind by text alone", []Label{{Name: "tool", File: "pkgs/tool/default.nix", Line: 3, Types: []string{"binaryFirmware"}}}, textOnly, "text alone does not show which kind"},
		{"no position", []Label{{Drv: "/nix/store/b-pkg.drv"}}, nil, "gave no position"},
		{"elsewhere", []Label{{Drv: "/nix/store/b-pkg.drv", File: "/home/u/other/tool.nix", Line: 4}}, nil, "outside of the checkout"},
		{"above", []Label{{Drv: "/nix/store/b-pkg.drv", File: "/home/u/nixpkgs/../tool.nix", Line: 4}}, nil, "outside of the checkout"},
		{"gone", []Label{{Drv: "/nix/store/b-pkg.drv", File: "/home/u/nixpkgs/tool.nix", Line: 4}}, nil, "not in the checkout"},
		{"odd name", []Label{{Drv: "/nix/store/b-pkg.drv", File: "/home/u/nixpkgs/odd name.nix", Line: 4}}, nil, "does not fit a patch"},
		{"a link", []Label{{Drv: "/nix/store/b-pkg.drv", File: "/home/u/nixpkgs/link.nix", Line: 4}}, nil, "behind a link"},
		{"not Nix", []Label{{Drv: "/nix/store/b-pkg.drv", File: "/home/u/nixpkgs/broken.nix", Line: 1}}, nil, "does not end"},
		{"another line", []Label{{Drv: "/nix/store/b-pkg.drv", File: "/home/u/nixpkgs/pkgs/tool/default.nix", Line: 40}}, nil, "is this the checkout"},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := &Labels{List: c.labels}
			r := JoinLabels(small("1.0", c.change), l)
			p := r.Patch(l, checkout, "/home/u/nixpkgs")
			var b bytes.Buffer
			if err := p.Write(&b, "t"); err != nil {
				t.Fatal(err)
			}
			if c.want != "" {
				if p.Placed != 0 || p.Unplaced != 1 || len(p.Files) != 0 || !strings.Contains(b.String(), "not placed: ") || !strings.Contains(b.String(), c.want) {
					t.Errorf("want %q:\n%s", c.want, b.String())
				}
				return
			}
			want := strings.Replace(file, "    license", "    sourceProvenance = with lib.sourceTypes; [ binaryNativeCode ];\n    license", 1)
			if p.Placed != 1 || p.Unplaced != 0 || len(p.Files) != 1 || string(p.Files[0].New) != want {
				t.Errorf("got\n%s", b.String())
			}
		})
	}
}

// A nixpkgs from before the labels would not evaluate with them.
func TestPatchOfAnOldCheckout(t *testing.T) {
	for lib, warned := range map[string]bool{"{ trivial = import ./trivial.nix; }": true, "{ sourceTypes = import ./source-types.nix; }": false} {
		checkout := fstest.MapFS{
			"lib/default.nix":       {Data: []byte(lib)},
			"pkgs/tool/default.nix": {Data: []byte("{ lib }: {\n  pname = \"tool\";\n  meta = {\n    license = lib.licenses.mit;\n  };\n}\n")},
		}
		l := &Labels{List: []Label{{Name: "tool", File: "pkgs/tool/default.nix", Line: 3}}}
		p := JoinLabels(small("1.0", nil), l).Patch(l, checkout, "/home/u/nixpkgs")
		var b bytes.Buffer
		if err := p.Write(&b, "t"); err != nil {
			t.Fatal(err)
		}
		if p.Placed != 1 || strings.Contains(b.String(), "has no sourceTypes yet") != warned {
			t.Errorf("with a lib of %s:\n%s", lib, b.String())
		}
	}
}
