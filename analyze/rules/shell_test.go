package rules

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func split(text string) [][]string {
	var out [][]string
	commands(text, func(argv []string) { out = append(out, slices.Clone(argv)) })
	return out
}

func TestCommands(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want       [][]string
	}{
		{"plain", "cp a b", [][]string{{"cp", "a", "b"}}},
		{"separators", "a 1; b 2 && c | d &\ne", [][]string{{"a", "1"}, {"b", "2"}, {"c"}, {"d"}, {"e"}}},
		{"continuation", "patchelf --set-rpath x \\\n  --set-interpreter y z", [][]string{{"patchelf", "--set-rpath", "x", "--set-interpreter", "y", "z"}}},
		{"quotes", `mv "a b" 'c d'`, [][]string{{"mv", "a b", "c d"}}},
		{"comment", "# make it\ncp a b # and cmake\n", [][]string{{"cp", "a", "b"}}},
		{"substitution is one word", "patchelf --set-interpreter $(cat $NIX_CC/nix-support/dynamic-linker) x", [][]string{{"patchelf", "--set-interpreter", "$(cat $NIX_CC/nix-support/dynamic-linker)", "x"}}},
		{"keywords", "if test -e x; then make; fi", [][]string{{"test", "-e", "x"}, {"make"}, {"fi"}}},
		{"assignment before", "DESTDIR=$out ./install", [][]string{{"./install"}}},
		{"function", "installPhase() {\n  cp a b\n}", [][]string{{"installPhase()"}, {"cp", "a", "b"}}},
		{"array", "gappsWrapperArgs+=(--prefix PATH : x)", [][]string{{"gappsWrapperArgs+="}, {"--prefix", "PATH", ":", "x"}}},
		{"stray apostrophe", "cat <<EOF\ndon't\nEOF\npatchelf x", [][]string{{"cat", "<<EOF"}, {"don't"}, {"EOF"}, {"patchelf", "x"}}},
		{"nothing", "  \n;;\n", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, split(c.text)); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func FuzzCommands(f *testing.F) {
	for _, s := range []string{"a 'b c' \"d\" $(e f) `g` \\\n h; i", "x=(a\nb)", "'", "\\", "$(", "a\\", "{ ( ) }", strings.Repeat("w ", 200)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		commands(text, func(argv []string) {
			if len(argv) == 0 || len(argv) > maxWords {
				t.Fatalf("%d words", len(argv))
			}
			for _, w := range argv {
				if w == "" || !strings.Contains(text, w) {
					t.Fatalf("word %q is not of the text", w)
				}
			}
		})
	})
}

func FuzzShape(f *testing.F) {
	for _, s := range []string{"https://example.org/a/b-1.0-x86_64.tar.gz", "mirror://x/y.jar", "http://h/x.php?name=y.zip", "x#/y.deb", "://", "?", "#", "a.", ".b", "%20"} {
		f.Add(s, "name")
	}
	f.Fuzz(func(t *testing.T, url, name string) {
		if s := shapeOf(url, name); s != shapeOf(url, name) {
			t.Fatal("not a function of its input")
		}
	})
}

func TestShape(t *testing.T) {
	for _, c := range []struct {
		url  string
		want shape
	}{
		{"https://example.org/tool-1.2-linux-x86_64.tar.gz", shape{arch: "amd64", os: "linux"}},
		{"https://example.org/arenalinux_64bit_1.1.tar.gz", shape{arch: "64bit", os: "…linux"}},
		{"https://example.org/AdbeRdr9.5.5-1_i486linux_enu.tar.bz2", shape{arch: "i486", os: "linux"}},
		{"https://example.org/linuxx64-20.06.0.15.tar.gz", shape{arch: "x64", os: "linux"}},
		{"https://example.org/lin_x64/tool.tar.gz", shape{arch: "x64", dir: true, os: "linux", osDir: true}},
		{"https://example.org/tool_linux_ubuntu_64_1.2.tar.gz", shape{arch: "64", os: "linux"}},
		{"https://example.org/tool-64-1.2.tar.gz", shape{}},
		{"https://example.org/tool-win32.zip", shape{arch: "win32", os: "windows"}},
		{"https://example.org/x264-snapshot.tar.bz2", shape{}},
		{"https://example.org/berlin64-1.0.tar.gz", shape{}},
		{"https://github.com/e/tool/archive/v1.tar.gz", shape{forge: true}},
		{"https://github.com/e/tool/releases/download/v1/tool-1.zip", shape{}},
		{"https://example.org/get.php?name=tool-1.0-amd64.zip&x=1", shape{arch: "amd64"}},
	} {
		got := shapeOf(c.url, "")
		if got.arch != c.want.arch || got.os != c.want.os || got.dir != c.want.dir || got.osDir != c.want.osDir || got.forge != c.want.forge {
			t.Errorf("%s: arch %q os %q dir %v osDir %v forge %v, want %q %q %v %v %v", c.url, got.arch, got.os, got.dir, got.osDir, got.forge,
				c.want.arch, c.want.os, c.want.dir, c.want.osDir, c.want.forge)
		}
	}
}
