package rebuild

import (
	"cmp"
	"slices"
	"strings"

	"fromsource/analyze/audit"
)

// Result is one comparison, with what the audit's row of it does not say.
type Result struct {
	Drv string `json:"drv"`
	// Path is the output's store path, where it is known.
	Path string `json:"path,omitempty"`
	audit.Rebuild
	// Transient is true where trying again may give another result: the
	// machine was to blame, or a reference could not be asked.
	Transient bool `json:"transient,omitempty"`
	// Refused is true where a reference has a record that can't be believed:
	// not signed by a trusted key, or not of the bytes that it serves.
	Refused bool `json:"refused,omitempty"`
}

// Rows gives results as the audit file has them, by derivation. Each row's
// list is sorted.
func Rows(results []Result) map[string][]audit.Rebuild {
	rows := map[string][]audit.Rebuild{}
	for _, r := range sorted(results) {
		rows[r.Drv] = append(rows[r.Drv], r.Rebuild)
	}
	return rows
}

// sorted orders results by derivation, output, builder, and what was compared.
func sorted(results []Result) []Result {
	results = slices.Clone(results)
	slices.SortStableFunc(results, func(a, b Result) int {
		return cmp.Or(
			strings.Compare(a.Drv, b.Drv),
			strings.Compare(a.Output, b.Output),
			strings.Compare(a.By, b.By),
			slices.Compare(a.Variations, b.Variations),
			cmp.Compare(rank(a.Against), rank(b.Against)),
			strings.Compare(a.Against, b.Against),
			strings.Compare(a.Expected, b.Expected),
		)
	})
	return results
}

// firstBuild is what results are compared with before all else.
const firstBuild = "first build"

func rank(against string) int {
	if against == firstBuild {
		return 0
	}
	return 1
}

// Summary counts results.
type Summary struct {
	Reproduced, Differs, Stabilised, NoReference, Failed, NotAttempted int
	// Refused are among those without a reference, Unasked those whose
	// reference could not be asked.
	Refused, Unasked int
}

// Summarize counts results; Stabilised ones are among those that differ.
func Summarize(results []Result) Summary {
	var s Summary
	for _, r := range results {
		switch r.Result {
		case audit.Reproduced:
			s.Reproduced++
		case audit.Differs:
			s.Differs++
			if r.Stabilised {
				s.Stabilised++
			}
		case audit.NoReference:
			s.NoReference++
			if r.Refused {
				s.Refused++
			}
			if r.Transient {
				s.Unasked++
			}
		case audit.Failed:
			s.Failed++
		case audit.NotAttempted:
			s.NotAttempted++
		}
	}
	return s
}
