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
It is in the target's runtime closure (seen by the references of the outputs).
3 derivations of the runtime closure depend on it.
Fetched from: https://example.org/blob.tar.gz

Why:
  - The trace says: found in an output, identical (at blob/x.so), from /nix/store/3-tool.drv [trace-identical]

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
		"other-1.0":               "Note: not inspected.",
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
