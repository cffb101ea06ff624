package attest

import (
	"encoding/json"
	"fmt"
)

// Claim is what a verified statement says of one store path, next to what is
// known of it.
type Claim struct {
	Path string
	// Attested is the hash in the statement, Known the one at hand, both in
	// base16; Known is empty where nothing is known of the path.
	Attested, Known string
	// Kind is the predicate's type, Result its outcome: PASSED, WARNED,
	// FAILED, empty for provenance.
	Kind, Result string
	By           string
	Line         int
}

// Holds reports whether the path is known and has the attested hash.
func (c Claim) Holds() bool { return c.Known != "" && c.Known == c.Attested }

// Claims lists what statements say, against what is known: SRI hashes of
// NARs, by store path.
func Claims(vs []Verified, known map[string]string) ([]Claim, error) {
	var all []Claim
	for _, v := range vs {
		result, err := outcome(v.Statement)
		if err != nil {
			return nil, fmt.Errorf("attestation on line %d: %w", v.Line, err)
		}
		for _, s := range v.Subject {
			c := Claim{Path: s.Name, Attested: s.Digest["sha256"], Kind: v.PredicateType, Result: result, By: v.By, Line: v.Line}
			if c.Attested == "" {
				return nil, fmt.Errorf("attestation on line %d: no sha256 of %q", v.Line, s.Name)
			}
			if sri, ok := known[s.Name]; ok {
				if c.Known, err = hexOf(sri); err != nil {
					return nil, fmt.Errorf("hash of %q: %w", s.Name, err)
				}
			}
			all = append(all, c)
		}
	}
	return all, nil
}

func outcome(s Statement) (string, error) {
	var p struct {
		Result             string `json:"result"`
		VerificationResult string `json:"verificationResult"`
	}
	if err := json.Unmarshal(s.Predicate, &p); err != nil {
		return "", fmt.Errorf("reading the predicate: %w", err)
	}
	switch s.PredicateType {
	case TestResultType:
		return p.Result, nil
	case SummaryType:
		return p.VerificationResult, nil
	}
	return "", nil
}
