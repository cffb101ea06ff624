package attest

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"fromsource/analyze/audit"
)

// Row is a comparison to be attested: a row of the audit, with its derivation
// and the store path of its output.
type Row struct {
	Drv  string
	Path string
	audit.Rebuild
}

// Target is what a summary is about.
type Target struct {
	Name string
	// Outputs are its store paths and their SRI hashes.
	Outputs map[string]string
	// Tool is the version of fromsource.
	Tool string
	// Time is left out where it is zero.
	Time time.Time
}

// output is one rebuilt output by one builder: a set of rows with one hash.
type output struct {
	drv, path, name, by, got string
	rows                     []Row
}

// group gathers the rows of each rebuilt output, in a fixed order. Rows
// without a hash of the rebuild attest nothing, and those of files or of a
// declared hash are no NAR's.
func group(rows []Row) []output {
	rows = slices.Clone(rows)
	slices.SortStableFunc(rows, func(a, b Row) int {
		return slices.Compare(
			[]string{a.Drv, a.Output, a.By, strings.Join(a.Variations, ","), a.Against, a.Expected},
			[]string{b.Drv, b.Output, b.By, strings.Join(b.Variations, ","), b.Against, b.Expected})
	})
	var outs []output
	for _, r := range rows {
		if r.Got == "" || r.Path == "" || len(r.Variations) > 0 || !isNAR(r, rows) {
			continue
		}
		i := slices.IndexFunc(outs, func(o output) bool {
			return o.drv == r.Drv && o.name == r.Output && o.by == r.By && o.got == r.Got
		})
		if i < 0 {
			i = len(outs)
			outs = append(outs, output{drv: r.Drv, path: r.Path, name: r.Output, by: r.By, got: r.Got})
		}
		outs[i].rows = append(outs[i].rows, r)
	}
	return outs
}

// isNAR reports whether a row's hash is that of the rebuilt output, which the
// comparison with the first build has: others may compare a file in it.
func isNAR(r Row, rows []Row) bool {
	return slices.ContainsFunc(rows, func(o Row) bool {
		return o.Drv == r.Drv && o.Output == r.Output && o.By == r.By && o.Got == r.Got && o.Against == "first build"
	})
}

// Statements makes the statements of all rebuilt outputs: for each, its
// provenance and its test result.
func Statements(rows []Row) ([]Statement, error) {
	var all []Statement
	for _, o := range group(rows) {
		subject, err := narResource(o.path, o.got)
		if err != nil {
			return nil, fmt.Errorf("attesting %q: %w", o.drv, err)
		}
		p, err := statement(ProvenanceType, []Resource{subject}, Provenance{
			BuildDefinition: BuildDefinition{
				BuildType:            buildType,
				ExternalParameters:   ExternalParameters{Derivation: o.drv, Output: o.name},
				ResolvedDependencies: []Resource{{Name: o.drv}},
			},
			RunDetails: RunDetails{Builder: Identity{ID: builderID + strings.ReplaceAll(o.by, " ", "-")}},
		})
		if err != nil {
			return nil, fmt.Errorf("attesting %q: %w", o.drv, err)
		}
		t, err := o.test()
		if err != nil {
			return nil, fmt.Errorf("attesting %q: %w", o.drv, err)
		}
		s, err := statement(TestResultType, []Resource{subject}, t)
		if err != nil {
			return nil, fmt.Errorf("attesting %q: %w", o.drv, err)
		}
		all = append(all, p, s)
	}
	return all, nil
}

// test is what the comparisons of an output came to. One that found nothing
// to compare with is a warning, not a pass.
func (o output) test() (TestResult, error) {
	t := TestResult{
		Configuration: []Resource{{Name: o.drv}},
		PassedTests:   []string{}, WarnedTests: []string{}, FailedTests: []string{},
	}
	for _, r := range o.rows {
		name := o.by + ": " + r.Against
		switch r.Result {
		case audit.Reproduced:
			t.PassedTests = append(t.PassedTests, name)
		case audit.Differs:
			t.FailedTests = append(t.FailedTests, name)
		default:
			t.WarnedTests = append(t.WarnedTests, name)
		}
		if r.Expected == "" {
			continue
		}
		c, err := narResource(r.Against, r.Expected)
		if err != nil {
			return TestResult{}, err
		}
		t.Configuration = append(t.Configuration, c)
	}
	switch {
	case len(t.FailedTests) > 0:
		t.Result = "FAILED"
	case len(t.PassedTests) > 0 && len(t.WarnedTests) == 0:
		t.Result = "PASSED"
	default:
		t.Result = "WARNED"
	}
	return t, nil
}

// Summarize makes the summary of a target. It passes if every output that was
// to be rebuilt was reproduced at least once, and nothing differed, failed or
// was left out.
func Summarize(t Target, rows []Row, statements []Statement) (Statement, error) {
	s := Summary{
		Verifier:           Identity{ID: verifierID + t.Tool},
		ResourceURI:        "urn:fromsource:target:" + strings.ReplaceAll(t.Name, " ", "-"),
		Policy:             Resource{URI: policyID},
		InputAttestations:  []Resource{},
		VerificationResult: "PASSED",
		VerifiedLevels:     []string{levelName},
		SLSAVersion:        "1.0",
	}
	if !t.Time.IsZero() {
		s.TimeVerified = t.Time.UTC().Format(time.RFC3339)
	}
	if !allReproduced(rows) {
		s.VerificationResult, s.VerifiedLevels = "FAILED", []string{}
	}
	for _, in := range statements {
		b, err := marshal(in)
		if err != nil {
			return Statement{}, fmt.Errorf("summing up %q: %w", t.Name, err)
		}
		sum := sha256.Sum256(b)
		s.InputAttestations = append(s.InputAttestations, Resource{
			URI: in.PredicateType, Digest: map[string]string{"sha256": hex.EncodeToString(sum[:])},
		})
	}
	var subject []Resource
	for p, sri := range t.Outputs {
		r, err := narResource(p, sri)
		if err != nil {
			return Statement{}, fmt.Errorf("summing up %q: %w", t.Name, err)
		}
		subject = append(subject, r)
	}
	if len(subject) == 0 {
		return Statement{}, fmt.Errorf("summing up %q: no output of it is at hand, so there is nothing to sign a summary of", t.Name)
	}
	slices.SortFunc(subject, func(a, b Resource) int { return strings.Compare(a.Name, b.Name) })
	return statement(SummaryType, subject, s)
}

// allReproduced is the policy. A reference that has nothing on record is no
// failure as long as another has.
func allReproduced(rows []Row) bool {
	type out struct{ drv, name string }
	reproduced := map[out]bool{}
	for _, r := range rows {
		o := out{r.Drv, r.Output}
		switch r.Result {
		case audit.Reproduced:
			reproduced[o] = true
		case audit.NoReference:
			if !reproduced[o] {
				reproduced[o] = false
			}
		default:
			return false
		}
	}
	for _, ok := range reproduced {
		if !ok {
			return false
		}
	}
	return len(reproduced) > 0
}
