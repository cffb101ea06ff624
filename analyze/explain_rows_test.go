package analyze_test

import (
	"regexp"
	"strings"
	"testing"

	"fromsource/analyze"
	"fromsource/analyze/audit"
)

// TestExplainEveryVerdict: for every row of a closure that was built for real,
// the explanation has the verdict, evidence with its level or a reason, the way
// from the root, and what the last edge that all ways share would clear.
func TestExplainEveryVerdict(t *testing.T) {
	for _, recorded := range []bool{true, false} {
		req := theClosure(t).request(t)
		if !recorded {
			req.Exec = nil
		}
		a := run(t, req)
		seen := map[audit.Verdict]bool{}
		for i := range a.Derivations {
			d := &a.Derivations[i]
			got, err := analyze.Explain(a, d.Drv)
			if err != nil {
				t.Fatal(err)
			}
			for _, want := range []*regexp.Regexp{
				regexp.MustCompile(`(?m)^Verdict: ` + string(d.Verdict) + ` \(.+\)`),
				regexp.MustCompile(`(?m)^By .+ \(level (derivation|content|trace|rebuild)\):\n  - .+\. \[[a-z-]+\]$|^There is no evidence on record\. The reason above`),
				regexp.MustCompile(`(?m)^The shortest way from the root:\n  /nix/store/|^It is a root of the target|^The target does not need it`),
				regexp.MustCompile(`(?m)^If .+ did not need .+, \d+ derivations? would leave the closure\.$|^No single edge holds it: \d+ derivations? need it|^It is a root of the target|^The target does not need it`),
			} {
				if !want.MatchString(got) {
					t.Errorf("%s: %q is not said:\n%s", d.Name, want, got)
				}
			}
			if d.Verdict == audit.Unknown && (d.Reason == "" || !strings.Contains(strings.ToLower(got), strings.ToLower(strings.TrimSuffix(d.Reason, ".")))) {
				t.Errorf("%s: the reason %q is not said:\n%s", d.Name, d.Reason, got)
			}
			seen[d.Verdict] = true
		}
		for _, v := range audit.Verdicts {
			if !seen[v] && (recorded || v != audit.BuiltByBinary) {
				t.Errorf("no row is %s", v)
			}
		}
	}
}
