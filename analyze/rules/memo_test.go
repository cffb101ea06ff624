package rules

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"fromsource/closure"
)

// said is what an extractor made of a text that stands in one variable.
func said(x *extractor, name string, read func(x *extractor)) string {
	x.begin(&closure.Derivation{Path: "/nix/store/00000000000000000000000000000000-x.drv"}, nil)
	x.in = x.memo.variable(name)
	read(x)
	f := x.end()
	return fmt.Sprintf("%v\n%v\n%v", f.sigs, f.hits, f.refs)
}

func newExtractor() *extractor {
	x := new(extractor)
	x.memo.reset()
	return x
}

// A script read by lines or paragraphs, from memory or not, says what it says when it is
// read as a whole.
func FuzzScriptByLines(f *testing.F) {
	const path = "/nix/store/0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c-openjdk-8"
	for _, s := range []string{
		"cp -r . $out\n# cp \\\nchmod +x tool\n", "cp \\\n  tool \\\n  $out/bin", "cp 'a\nb' $out/bin/x; patchelf --set-interpreter y $out/bin/x",
		"makeWrapper " + path + "/bin/java $out/bin/x \\\n --add-flags \"-jar x.jar\"\n", "cat > x <<EOF\nexec " + path + "/bin/java -jar x.jar\nEOF\n",
		"# \\\ncp tool $out/bin\n", "\"a\\\nb\" cp x $out\n", "a=(\ncp b $out/bin\n)\n", "$(cat $NIX_CC/nix-support/dynamic-linker)\\\\\ncp x $out/bin", "\\", "\\\n", "x\\",
		"cp \\\n\n tool $out/bin\n\n# \\\n\ncp a $out\n\n\ncp a $out", "\n\n", "a 'b\n\nc' cp x $out/bin",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, name := range []string{"installPhase", "buildPhase", "checkPhase"} {
			whole := said(newExtractor(), name, func(x *extractor) {
				x.loader(text)
				x.line(text)
			})
			x := newExtractor()
			for _, when := range []string{"read", "remembered"} {
				if got := said(x, name, func(x *extractor) { x.script(text) }); got != whole {
					t.Errorf("%s, %s: %s", name, when, cmp.Diff(whole, got))
				}
				paragraphs := func(x *extractor) {
					x.loader(text)
					x.paragraphs(text)
				}
				if got := said(x, name, paragraphs); got != whole {
					t.Errorf("%s, paragraphs, %s: %s", name, when, cmp.Diff(whole, got))
				}
			}
		}
	})
}

// What is remembered of one derivation does not show in another, whatever the
// order and however many come between.
func TestMemoChangesNoAnswer(t *testing.T) {
	derivation := func(i int) *closure.Derivation {
		phase := fmt.Sprintf("install -Dm755 tool-%d $out/bin/tool\n", i%7) + strings.Repeat("cp -r . $out/share\n", i%3)
		return &closure.Derivation{
			Path: fmt.Sprintf("/nix/store/%032d-tool.drv", i),
			Env: []closure.EnvVar{
				{Key: "buildPhase", Value: phase},
				{Key: "checkPhase", Value: phase},
				{Key: "configureFlags", Value: fmt.Sprint("--x=", i%5)},
				{Key: "dontBuild", Value: [...]string{"", "1"}[i%2]},
				{Key: "installPhase", Value: phase},
				{Key: "nativeBuildInputs", Value: fmt.Sprintf("/nix/store/%032d-cmake-3 /nix/store/%032d-jdk-%d", i%11, i%13, i)},
				{Key: "src", Value: fmt.Sprintf("/nix/store/%032d-source", i%17)},
				{Key: "stdenv", Value: "/nix/store/00000000000000000000000000000000-stdenv"},
			},
		}
	}
	facts := func(x *extractor, d *closure.Derivation) string {
		x.begin(d, nil)
		x.package_()
		f := x.end()
		return fmt.Sprintf("%v\n%v\n%v", f.sigs, f.hits, f.refs)
	}
	x := newExtractor()
	for i := range 3 * mostTexts {
		d := derivation(i)
		got := facts(x, d)
		if i%97 != 0 {
			continue
		}
		if want := facts(newExtractor(), d); got != want {
			t.Fatalf("derivation %d: %s", i, cmp.Diff(want, got))
		}
	}
}
