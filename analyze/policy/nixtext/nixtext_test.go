package nixtext

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// cases are expressions in the ways in which nixpkgs writes a meta, with the
// text on the line of the position, and what an edit makes of them.
var cases = []struct {
	name, at   string
	have, want []string
	in, out    string // out is an error where it starts with "!"
}{
	{
		name: "before the license", at: "description", want: []string{"binaryNativeCode"},
		in: `{ lib, stdenv }:
stdenv.mkDerivation {
  meta = {
    description = "no \"}\" here";
    # not sure
    license = lib.licenses.mit;
  };
}
`,
		out: `{ lib, stdenv }:
stdenv.mkDerivation {
  meta = {
    description = "no \"}\" here";
    sourceProvenance = with lib.sourceTypes; [ binaryNativeCode ];
    # not sure
    license = lib.licenses.mit;
  };
}
`,
	},
	{
		name: "after the description", at: "description", want: []string{"binaryFirmware", "binaryBytecode"},
		in: `{ stdenv }: {
  text = ''
    meta = { description = "x"; };
    ${builtins.concatStringsSep "}" [ "{" ]} ''${
  '';
  meta = with stdenv.lib; {
    description = "two" + /* ; */ "words"; # ;
    maintainers = [ ];
  };
}
`,
		out: `{ stdenv }: {
  text = ''
    meta = { description = "x"; };
    ${builtins.concatStringsSep "}" [ "{" ]} ''${
  '';
  meta = with stdenv.lib; {
    description = "two" + /* ; */ "words"; # ;
    sourceProvenance = with stdenv.lib.sourceTypes; [ binaryBytecode binaryFirmware ];
    maintainers = [ ];
  };
}
`,
	},
	{
		name: "on one line", at: "meta", want: []string{"binaryNativeCode"},
		in:  "{ lib, ... }@args: { pname = \"a\"; meta = { description = \"x\"; }; }",
		out: "{ lib, ... }@args: { pname = \"a\"; meta = { description = \"x\"; sourceProvenance = with lib.sourceTypes; [ binaryNativeCode ]; }; }",
	},
	{
		name: "before the end", at: "platforms", want: []string{"binaryNativeCode"},
		in:  "args@{ lib, ... }: {\n  meta = {\n    platforms = let a = with lib; platforms; in a.linux;\n  };\n}\n",
		out: "args@{ lib, ... }: {\n  meta = {\n    platforms = let a = with lib; platforms; in a.linux;\n    sourceProvenance = with lib.sourceTypes; [ binaryNativeCode ];\n  };\n}\n",
	},
	{
		name: "dotted", at: "meta.description", want: []string{"binaryNativeCode"},
		in:  "{ lib }: {\r\n  meta.description = \"x\";\r\n  meta.license = 1;\r\n  a = 1;\r\n}\r\n",
		out: "{ lib }: {\r\n  meta.description = \"x\";\r\n  meta.license = 1;\r\n  meta.sourceProvenance = with lib.sourceTypes; [ binaryNativeCode ];\r\n  a = 1;\r\n}\r\n",
	},
	{
		name: "beside the version", at: "version", want: []string{"binaryNativeCode"},
		in:  "{ lib }: {\n  version = \"1\";\n  src = { name = \"s\"; };\n  meta = old.meta // {\n    license = 1;\n  };\n}\n",
		out: "{ lib }: {\n  version = \"1\";\n  src = { name = \"s\"; };\n  meta = old.meta // {\n    sourceProvenance = with lib.sourceTypes; [ binaryNativeCode ];\n    license = 1;\n  };\n}\n",
	},
	{
		name: "lib of the file", at: "description", want: []string{"binaryNativeCode"},
		in:  "{ stdenv }@args:\n\nwith x; with stdenv.lib;\n\n{\n  meta = {\n    description = \"x\";\n    license = licenses.mit;\n  };\n}\n",
		out: "{ stdenv }@args:\n\nwith x; with stdenv.lib;\n\n{\n  meta = {\n    description = \"x\";\n    sourceProvenance = with stdenv.lib.sourceTypes; [ binaryNativeCode ];\n    license = licenses.mit;\n  };\n}\n",
	},
	{
		name: "of a let", at: "description", want: []string{"binaryNativeCode"},
		in:  "{ lib }: let meta = {\n  description = \"x\";\n  n = lib.x;\n}; in { inherit meta; }\n",
		out: "{ lib }: let meta = {\n  description = \"x\";\n  sourceProvenance = with lib.sourceTypes; [ binaryNativeCode ];\n  n = lib.x;\n}; in { inherit meta; }\n",
	},
	{
		name: "another kind", at: "description", have: []string{"binaryFirmware"}, want: []string{"binaryNativeCode"},
		in:  "{ meta = {\n description = 1; sourceProvenance = with lib.sourceTypes; [ fromSource binaryFirmware ]; }; }",
		out: "{ meta = {\n description = 1; sourceProvenance = with lib.sourceTypes; [ fromSource binaryNativeCode ]; }; }",
	},
	{
		name: "one more, a line each", at: "sourceProvenance", have: []string{"binaryFirmware"}, want: []string{"binaryFirmware", "binaryNativeCode"},
		in:  "{\n  meta.sourceProvenance = [\n    lib.sourceTypes.binaryFirmware\n  ];\n}\n",
		out: "{\n  meta.sourceProvenance = [\n    lib.sourceTypes.binaryFirmware\n    lib.sourceTypes.binaryNativeCode\n  ];\n}\n",
	},
	{
		name: "of no list", at: "sourceProvenance", have: []string{"binaryFirmware"}, want: []string{"binaryNativeCode"},
		in:  "{\n  meta.sourceProvenance = lib.sourceTypes.binaryFirmware;\n}\n",
		out: "{\n  meta.sourceProvenance = [ lib.sourceTypes.binaryNativeCode ];\n}\n",
	},
	{
		name: "removed with its line", at: "description", have: []string{"binaryNativeCode"},
		in:  "{ meta = {\n    description = 1;\n    sourceProvenance = with lib.sourceTypes; [ binaryNativeCode ]; # blob\n    license = 1;\n} ; }",
		out: "{ meta = {\n    description = 1;\n    license = 1;\n} ; }",
	},
	{
		name: "removed from a line", at: "description", have: []string{"binaryNativeCode"},
		in:  "{ meta = { description = 1; sourceProvenance = [ x.binaryNativeCode ]; license = 1; }; }",
		out: "{ meta = { description = 1; license = 1; }; }",
	},
	{
		name: "partly removed", at: "description", have: []string{"binaryNativeCode"},
		in:  "{ meta = { description = 1; sourceProvenance = [ x.binaryNativeCode x.fromSource ]; }; }",
		out: "{ meta = { description = 1; sourceProvenance = [ x.fromSource ]; }; }",
	},
	{name: "computed", at: "meta", want: []string{"binaryNativeCode"}, in: "{ lib }: { meta = f { description = 1; }; }", out: "!its meta is not written out"},
	{name: "updated", at: "meta", want: []string{"binaryNativeCode"}, in: "{ lib }: { meta = { description = 1; } // x; }", out: "!its meta is not written out"},
	{name: "inherited", at: "name", want: []string{"binaryNativeCode"}, in: "{ lib }: {\n name = \"a\"; inherit (x) meta; }", out: "!its meta is inherited"},
	{name: "no meta", at: "name", want: []string{"binaryNativeCode"}, in: "{ lib }: {\n name = \"a\"; }", out: "!no meta stands beside"},
	{name: "common set", at: "description", want: []string{"binaryNativeCode"}, in: "{ lib }: { common = {\n description = 1; };\n a = { meta = common // { }; }; }", out: "!no meta stands beside"},
	{name: "two at once", at: "meta", want: []string{"binaryNativeCode"}, in: "{ lib }: { a = { meta = { }; }; b = { meta = { }; }; }", out: "!two packages stand on its line"},
	{name: "two forms", at: "name", want: []string{"binaryNativeCode"}, in: "{ lib }: {\n name = 1;\n meta = { };\n meta.a = 1; }", out: "!more than one meta"},
	{name: "no lib", at: "meta", want: []string{"binaryNativeCode"}, in: "{ stdenv }: { meta = { license = 1; x = ./lib.nix; }; }", out: "!lib is not in scope"},
	{
		name: "computed label", at: "meta", have: []string{"binaryNativeCode"}, want: []string{"binaryFirmware"},
		in: "{ meta = { sourceProvenance = [ a.binaryNativeCode ] ++ b; }; }", out: "!its label is computed",
	},
	{
		name: "conditional label", at: "meta", have: []string{"binaryNativeCode"},
		in: "{ meta = { sourceProvenance = if x then [ a.binaryNativeCode ] else [ ]; }; }", out: "!its label is computed",
	},
	{
		name: "inherited label", at: "meta", have: []string{"binaryNativeCode"},
		in: "{ meta = { inherit (x) sourceProvenance; }; }", out: "!its label is inherited",
	},
	{
		name: "label from elsewhere", at: "meta", have: []string{"binaryNativeCode"}, want: []string{"binaryFirmware"},
		in: "{ lib }: { meta = x // { a = lib.b; }; }", out: "!its label does not stand in its meta",
	},
	{
		name: "another label than evaluated", at: "meta", have: []string{"binaryNativeCode"}, want: []string{"binaryFirmware"},
		in: "{ meta = { sourceProvenance = [ a.binaryBytecode ]; }; }", out: "!the text says",
	},
	{
		name: "comment in the label", at: "meta", have: []string{"binaryNativeCode"}, want: []string{"binaryFirmware"},
		in: "{ meta = { sourceProvenance = [ /* a jar */ a.binaryNativeCode ]; }; }", out: "!a comment stands",
	},
}

func lineOf(t *testing.T, text, at string) int {
	t.Helper()
	k := strings.LastIndex(text, at)
	if k < 0 {
		t.Fatalf("%q is not in the text", at)
	}
	return 1 + strings.Count(text[:k], "\n")
}

func TestRelabel(t *testing.T) {
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			x, err := Parse([]byte(c.in))
			if err != nil {
				t.Fatal(err)
			}
			e, err := x.Relabel(lineOf(t, c.in, c.at), c.have, c.want)
			if want, refused := strings.CutPrefix(c.out, "!"); refused {
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Fatalf("edit %+v, error %v, want %q", e, err, want)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			got, err := Apply([]byte(c.in), []Edit{e})
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(c.out, string(got)); d != "" {
				t.Errorf("(want -, got +):\n%s", d)
			}
		})
	}
}

// What we edit is Nix before and after.
func TestCasesAreNix(t *testing.T) {
	for _, c := range cases {
		for _, text := range []string{c.in, c.out} {
			if strings.HasPrefix(text, "!") || c.name == "two forms" {
				continue // "two forms" is the one that Nix refuses, too
			}
			file := filepath.Join(t.TempDir(), "x.nix")
			text = "lib: old: x: f: a: b: stdenv: common: " + text
			if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
			if out, err := exec.Command("nix-instantiate", "--parse", file).CombinedOutput(); err != nil {
				t.Errorf("%s (Debian package nix-bin): %v\n%s\n%s", c.name, err, out, text)
			}
		}
	}
}

func TestName(t *testing.T) {
	const text = `{ fetch }: rec {
  name = "tool-${version}";
  src = fetch { name = "source"; url = ""; };
  meta = { };
  other = { pname = "more"; passthru = { meta = { }; }; };
  third = { name = "x-${a}-bin"; meta = { }; };
}`
	x, err := Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for i := range x.toks {
		if x.isMeta(i) {
			n, exact := x.Name(i)
			got = append(got, n)
			if exact != (n != "x-") {
				t.Errorf("%q: exact is %v", n, exact)
			}
		}
	}
	if want := []string{"tool-", "more", "x-"}; !slices.Equal(got, want) {
		t.Errorf("names %q, want %q", got, want)
	}
}

func TestParseErrors(t *testing.T) {
	for _, s := range []string{"{", "}", "[)", "\"", "''a'''", "/*", "\"${", "{ a = \"${b\"; }", "(]"} {
		if _, err := Parse([]byte(s)); err == nil {
			t.Errorf("%q is read", s)
		}
	}
	if _, err := Parse([]byte(`"$${" ''$${ ''\${ ''${''' '' f'' ]`)); err == nil {
		t.Error("the last bracket is read")
	}
}

func FuzzTokens(f *testing.F) {
	f.Add([]byte(`"${"${''${x}''}"}" ''$''' ''\n '' /* */ # "`))
	f.Add([]byte("{ a, b ? \"$${\" }: a''b"))
	f.Fuzz(func(t *testing.T, data []byte) {
		toks, err := Tokens(data)
		line, at := 1, 0
		for _, tok := range toks {
			if tok.Line < line || tok.Pos < at || tok.End < tok.Pos || tok.End > len(data) {
				t.Fatalf("token %+v after line %d, byte %d", tok, line, at)
			}
			if len(data) < 1<<12 && tok.Line != 1+bytes.Count(data[:tok.Pos], []byte("\n")) {
				t.Fatalf("token %+v is on another line", tok)
			}
			line, at = tok.Line, tok.End
		}
		if _, e := Parse(data); err != nil && e == nil {
			t.Fatal("what does not end is parsed")
		}
	})
}

// Where an edit is made, the same lines are read back with the new label, and
// all else is as before.
func FuzzRelabel(f *testing.F) {
	for _, c := range cases {
		f.Add([]byte(c.in))
	}
	types := []string{"binaryFirmware", "binaryNativeCode"}
	f.Fuzz(func(t *testing.T, data []byte) {
		x, err := Parse(data)
		if err != nil || len(data) > 1<<12 {
			return
		}
		for line := range 1 + bytes.Count(data, []byte("\n")) {
			line++
			have, err := x.Label(line)
			if err != nil {
				continue
			}
			kept := slices.DeleteFunc(slices.Clone(have), func(s string) bool { return s != fromSource })
			have = slices.DeleteFunc(have, func(s string) bool { return s == fromSource })
			for _, want := range [][]string{types, types[:1], nil} {
				e, err := x.Relabel(line, have, want)
				if err != nil {
					continue
				}
				after, err := Apply(data, []Edit{e})
				if err != nil {
					t.Fatal(err)
				}
				y, err := Parse(after)
				if err != nil {
					t.Fatalf("%v\n%s\nbecame\n%s", err, data, after)
				}
				if len(want) == 0 {
					if len(y.toks) >= len(x.toks) {
						t.Fatalf("removing a label adds to %q: %q", data, after)
					}
					continue
				}
				at, start := line, lineStart(data, line)
				if e.Pos < start && start < e.End {
					continue // the line itself was written anew
				}
				if e.Pos <= start {
					at += strings.Count(e.Text, "\n") - bytes.Count(data[e.Pos:e.End], []byte("\n"))
				}
				if got, err := y.Label(at); err != nil || !slices.Equal(got, sorted(append(slices.Clone(want), kept...))) {
					t.Fatalf("line %d of\n%s\nis line %d of\n%s\nand says %q, %v", line, data, at, after, got, err)
				}
			}
		}
	})
}

func lineStart(data []byte, line int) int {
	at := 0
	for ; line > 1; line-- {
		at += bytes.IndexByte(data[at:], '\n') + 1
	}
	return at
}
