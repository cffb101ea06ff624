package analyze

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"fromsource/analyze/audit"
)

// explained is a target of two packages. Only one needs tool, which carries
// blob; both need lib.
func explained() *audit.Audit {
	row := func(name string, v audit.Verdict, inputs ...int) audit.Derivation {
		return audit.Derivation{
			Drv: "/nix/store/" + name + ".drv", Name: strings.TrimLeft(name, "0123456789-"), Verdict: v,
			Confidence: audit.High, Reach: audit.ReachRuntime, Inputs: inputs,
		}
	}
	a := &audit.Audit{
		Target: audit.Target{Name: "system", Roots: []string{"/nix/store/0-system.drv"}, ReachBy: audit.ReachByReferences},
		Derivations: []audit.Derivation{
			row("0-system", audit.CarriesBinary, 1, 2),
			row("1-app", audit.CarriesBinary, 3, 4),
			row("2-editor", audit.Source, 4),
			row("3-tool", audit.CarriesBinary, 5),
			row("4-lib", audit.Source),
			row("5-blob.tar.gz", audit.Binary, 6),
			row("6-curl", audit.Source),
			row("7-other-1.0", audit.Unknown),
			row("8-other-2.0", audit.Unknown),
		},
	}
	blob := &a.Derivations[5]
	blob.FixedOutput = true
	blob.Kinds = []audit.Kind{audit.NativeCode}
	blob.Influence = 3
	blob.URLs = []string{"https://example.org/blob.tar.gz"}
	blob.Outputs = []audit.Output{{Name: "out", Path: "/nix/store/9-blob.tar.gz"}}
	blob.Evidence = []audit.Evidence{{Rule: "trace-identical", Level: audit.LevelTrace, At: "blob/x.so", Detail: "found in an output, identical", From: "/nix/store/3-tool.drv"}}
	blob.Rebuild = []audit.Rebuild{{Output: "out", Result: audit.Reproduced, By: "guest"}}
	a.Derivations[7].Reason = "not inspected"
	return a
}

func TestExplain(t *testing.T) {
	got, err := Explain(explained(), "/nix/store/9-blob.tar.gz/x.so")
	if err != nil {
		t.Fatal(err)
	}
	want := `/nix/store/5-blob.tar.gz.drv
Verdict: binary (a prebuilt binary that was fetched), high confidence.
What is prebuilt: native code.
It, or a part of it, is in the target's runtime closure (seen by the references of the outputs).
3 derivations of the runtime closure depend on it.
Fetched from: https://example.org/blob.tar.gz

By the bytes of outputs and the record of builds (level trace):
  - Found in an output, identical (at blob/x.so), see /nix/store/3-tool.drv. [trace-identical]

Rebuild:
  - output out, by guest: reproduced
  That it reproduces says nothing of its origin: the same prebuilt bytes repackaged are always the same.

The shortest way from the root:
  /nix/store/0-system.drv  (carries-binary)
    /nix/store/1-app.drv  (carries-binary)
      /nix/store/3-tool.drv  (carries-binary)
        /nix/store/5-blob.tar.gz.drv  (binary)

If tool did not need blob.tar.gz, 1 derivation would leave the closure.
Findings that this one edge would clear: blob.tar.gz.
`
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
}

func TestExplainOthers(t *testing.T) {
	for name, says := range map[string]string{
		"tool":                    "If app did not need tool, 2 derivations would leave the closure.\nFindings that this one edge would clear: blob.tar.gz, tool.",
		"0-system.drv":            "It is a root of the target itself.",
		"/nix/store/4-lib.drv":    "No single edge holds it: 2 derivations need it (app, editor).",
		"curl":                    "The target does not need it, except perhaps to fetch something else.",
		"/nix/store/2-editor.drv": "There is no evidence on record.",
		"other-1.0":               "Not inspected.\n\nThere is no evidence on record. The reason above is all that there is to say.\n",
	} {
		got, err := Explain(explained(), name)
		if err != nil || !strings.Contains(got, says) {
			t.Errorf("%s: %v\n%s\ndoes not say %q", name, err, got, says)
		}
	}
}

func TestExplainErrors(t *testing.T) {
	if got, err := Explain(explained(), "none"); !errors.Is(err, ErrNoSuchDerivation) || got != "" {
		t.Errorf("got %q, %v", got, err)
	}
	_, err := Explain(explained(), "other")
	if err == nil || !strings.Contains(err.Error(), "2 derivations") || !strings.Contains(err.Error(), "7-other-1.0.drv") {
		t.Errorf("got %v", err)
	}
}

// TestExplainInheritance: a verdict by way of others tells the way, and what
// stands on it.
func TestExplainInheritance(t *testing.T) {
	row := func(name string, v audit.Verdict, through []int, inputs ...int) audit.Derivation {
		return audit.Derivation{Drv: "/nix/store/" + name + ".drv", Name: name[2:], Verdict: v, Confidence: audit.High, Reach: audit.ReachRuntime, Through: through, Inputs: inputs}
	}
	a := &audit.Audit{
		Target: audit.Target{Name: "system", Roots: []string{"/nix/store/0-system.drv"}, ReachBy: audit.ReachByReferences},
		Derivations: []audit.Derivation{
			row("0-system", audit.Source, nil, 1, 2),
			row("1-app", audit.BuiltByBinary, []int{3}, 3, 5),
			row("2-doc", audit.BuiltByBinary, []int{3, 4}, 3, 4),
			row("3-compiler", audit.BuiltByBinary, []int{4}, 4),
			row("4-stage0", audit.BuiltByBinary, nil, 6),
			row("5-odd", audit.Unknown, nil),
			row("6-bootstrap", audit.Binary, nil),
		},
	}
	a.Derivations[6].FixedOutput = true
	a.Derivations[4].Evidence = []audit.Evidence{
		{Rule: "url-machine-file", Level: audit.LevelDerivation, At: "env.urls", Detail: "compiler-x86_64.tar.gz", From: "/nix/store/6-bootstrap.drv"},
		{Rule: "from-forge", Level: audit.LevelDerivation, At: "env.urls", Detail: "GitHub"},
		{Rule: "exec-recorded", Level: audit.LevelTrace, At: "/build/cc", Detail: "its build executed cc", From: "/nix/store/6-bootstrap.drv"},
	}
	a.Derivations[1].Reason = "through compiler"
	for name, says := range map[string][]string{
		"app": {
			"Verdict: built-by-binary (built here, by or from what a prebuilt program that is no distribution seed has made), high confidence.",
			"Through compiler.",
			"The shortest way from where that begins:\n  /nix/store/6-bootstrap.drv  (binary)\n    /nix/store/4-stage0.drv  (built-by-binary)\n      /nix/store/3-compiler.drv  (built-by-binary)\n        /nix/store/1-app.drv  (built-by-binary)\n",
		},
		"bootstrap": {"Through it alone, 4 other derivations are not source: app, compiler, doc, stage0."},
		"compiler":  {"Through it alone, 1 other derivation is not source: app."},
		"stage0": {
			"The text of bootstrap suggests prebuilt code. File name names a machine: compiler-x86_64.tar.gz (at env.urls). [url-machine-file]",
			"Its text speaks for source. Revision packed by a source forge: GitHub (at env.urls). [from-forge]",
			"Its build executed cc (at /build/cc), see /nix/store/6-bootstrap.drv. [exec-recorded]",
		},
	} {
		got, err := Explain(a, name)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range says {
			if !strings.Contains(got, s) {
				t.Errorf("%s:\n%s\ndoes not say %q", name, got, s)
			}
		}
	}
	if got, _ := Explain(a, "odd"); strings.Contains(got, "Through") || strings.Contains(got, "begins") {
		t.Errorf("odd:\n%s", got)
	}
}

// A row of exactly that name comes before those that have a version behind
// it; of several, the findings come first, and each tells where it is from.
func TestExplainNames(t *testing.T) {
	a := &audit.Audit{Derivations: []audit.Derivation{
		{Drv: "/nix/store/a-busybox.drv", Name: "busybox", FixedOutput: true, Verdict: audit.Seed},
		{Drv: "/nix/store/b-busybox-1.36.drv", Name: "busybox-1.36", Verdict: audit.Unknown},
		{Drv: "/nix/store/c-source.drv", Name: "source", FixedOutput: true, Verdict: audit.Source, URLs: []string{"https://example.org/c"}},
		{Drv: "/nix/store/d-source.drv", Name: "source", FixedOutput: true, Verdict: audit.Unknown, URLs: []string{"https://example.org/d"}},
		{Drv: "/nix/store/e-source.drv", Name: "source", FixedOutput: true, Verdict: audit.Binary, URLs: []string{"https://example.org/e\x1b"}},
		{Drv: "/nix/store/f-source.drv", Name: "source", FixedOutput: true, Verdict: audit.Seed, URLs: []string{"https://git.example.net/owner/a-long-repository/archive/1.zip"}},
	}}
	got, err := Explain(a, "busybox")
	if err != nil || !strings.HasPrefix(got, "/nix/store/a-busybox.drv\n") {
		t.Errorf("busybox: %v\n%s", err, got)
	}
	_, err = Explain(a, "source")
	want := `4 derivations are called "source", give one of their paths:
  /nix/store/e-source.drv (binary, "https://example.org/e\x1b")
  /nix/store/f-source.drv (seed, "https://git.example.net/owner/a-long-repository/archive/1.zip")
  /nix/store/d-source.drv (unknown, "https://example.org/d")
  /nix/store/c-source.drv (source, "https://example.org/c")`
	if err == nil || err.Error() != want {
		t.Errorf("source: %v", err)
	}
	for _, c := range []struct{ name, drv string }{
		{"https://example.org/d", "d"},                                        // a URL
		{"source of example.org", ""},                                         // as tables have it, of three
		{"source of git.example.net/owner/a-long-repository", "f"},            // of one
		{"source of git.example…/a-long-repository", "f"},                     // where there was no room
		{"source of git.…/b-long-repository", ""},                             // of another
		{"source of…", ""},                                                    // of too many
		{"https://git.example.net/owner/a-long-repository/archive/2.zip", ""}, // of none
	} {
		got, err := Explain(a, c.name)
		if (err == nil) != (c.drv != "") || !strings.HasPrefix(got, "/nix/store/"+c.drv) && c.drv != "" {
			t.Errorf("%s: %v\n%s", c.name, err, got)
		}
	}
}

// TestExplainUsers: two that need it are told apart, or counted.
func TestExplainUsers(t *testing.T) {
	source := func(drv, url string) audit.Derivation {
		return audit.Derivation{Drv: "/nix/store/" + drv, Name: "source", FixedOutput: true, Verdict: audit.Binary, URLs: []string{url}}
	}
	a := &audit.Audit{
		Target: audit.Target{Name: "system", Roots: []string{"/nix/store/a-system.drv"}},
		Derivations: []audit.Derivation{
			{Drv: "/nix/store/a-system.drv", Name: "system", Inputs: []int{1, 2, 3}},
			{Drv: "/nix/store/b-perl.drv", Name: "perl", Inputs: []int{4, 5}},
			{Drv: "/nix/store/c-perl.drv", Name: "perl", Inputs: []int{4, 5}},
			{Drv: "/nix/store/d-tool.drv", Name: "tool", Inputs: []int{5}},
			source("e-source.drv", "https://git.example.net/owner/one/archive/1.zip"),
			source("f-source.drv", "https://git.example.net/owner/two/archive/1.zip"),
		},
	}
	got, err := Explain(a, "/nix/store/f-source.drv")
	if want := "3 derivations need it (2 called perl, tool)."; err != nil || !strings.Contains(got, want) {
		t.Errorf("want %q: %v\n%s", want, err, got)
	}
	a.Derivations[3].Inputs, a.Derivations[0].Inputs, a.Derivations[1].Inputs = nil, []int{2}, nil
	got, err = Explain(a, "/nix/store/f-source.drv")
	if want := "If perl did not need source of git.example.net/owner/two, 1 derivation would leave the closure."; err != nil || !strings.Contains(got, want) {
		t.Errorf("want %q: %v\n%s", want, err, got)
	}
}
