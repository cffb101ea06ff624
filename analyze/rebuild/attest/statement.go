// Package attest writes what was found by rebuilding as in-toto attestations,
// and checks them.
//
// For every rebuilt output there are two statements (in-toto Statement v1):
// SLSA provenance v1 of the rebuild itself, and a test result v0.1 that says
// with what it was compared and how that came out. A SLSA verification
// summary v1 sums up a target. Each is signed in a DSSE envelope, one a line.
// The same results give the same bytes: there are no times but those that the
// caller gives, and ed25519 signatures are deterministic.
//
// What is attested is that a build repeats. It says nothing of where the
// inputs of that build came from.
package attest

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
)

// The types of what is written, as their specifications name them.
const (
	StatementType  = "https://in-toto.io/Statement/v1"
	ProvenanceType = "https://slsa.dev/provenance/v1"
	TestResultType = "https://in-toto.io/attestation/test-result/v0.1"
	SummaryType    = "https://slsa.dev/verification_summary/v1"
)

// Names of ours inside of them.
const (
	buildType  = "urn:fromsource:nix-derivation:v1"
	builderID  = "urn:fromsource:builder:"
	verifierID = "urn:fromsource:verifier:" // and the tool's version
	policyID   = "urn:fromsource:policy:every-rebuilt-output-reproduced:v1"
	levelName  = "FROMSOURCE_REPRODUCED"
)

// Statement is an in-toto Statement v1.
type Statement struct {
	Type          string          `json:"_type"`
	Subject       []Resource      `json:"subject"`
	PredicateType string          `json:"predicateType"`
	Predicate     json.RawMessage `json:"predicate"`
}

// Resource is an in-toto ResourceDescriptor, as far as it is used here. The
// sha256 of a store path is that of its NAR.
type Resource struct {
	Name      string            `json:"name,omitempty"`
	URI       string            `json:"uri,omitempty"`
	Digest    map[string]string `json:"digest,omitempty"`
	MediaType string            `json:"mediaType,omitempty"`
}

// Provenance is the predicate of SLSA provenance v1.
type Provenance struct {
	BuildDefinition BuildDefinition `json:"buildDefinition"`
	RunDetails      RunDetails      `json:"runDetails"`
}

// BuildDefinition says what was built.
type BuildDefinition struct {
	BuildType            string             `json:"buildType"`
	ExternalParameters   ExternalParameters `json:"externalParameters"`
	ResolvedDependencies []Resource         `json:"resolvedDependencies"`
}

// ExternalParameters are those of buildType: an output of a derivation.
type ExternalParameters struct {
	Derivation string `json:"derivation"`
	Output     string `json:"output"`
}

// RunDetails says who built.
type RunDetails struct {
	Builder Identity `json:"builder"`
}

// Identity names a builder or a verifier.
type Identity struct {
	ID string `json:"id"`
}

// TestResult is the predicate of a test result: a comparison is a test, named
// "who rebuilt: with what it was compared".
type TestResult struct {
	Result        string     `json:"result"` // PASSED, WARNED, FAILED
	Configuration []Resource `json:"configuration"`
	PassedTests   []string   `json:"passedTests"`
	WarnedTests   []string   `json:"warnedTests"`
	FailedTests   []string   `json:"failedTests"`
}

// Summary is the predicate of a SLSA verification summary.
type Summary struct {
	Verifier           Identity   `json:"verifier"`
	TimeVerified       string     `json:"timeVerified,omitempty"` // RFC 3339
	ResourceURI        string     `json:"resourceUri"`
	Policy             Resource   `json:"policy"`
	InputAttestations  []Resource `json:"inputAttestations"`
	VerificationResult string     `json:"verificationResult"` // PASSED, FAILED
	VerifiedLevels     []string   `json:"verifiedLevels"`
	SLSAVersion        string     `json:"slsaVersion"`
}

// marshal is JSON without HTML escapes: the same bytes each time, and no
// surprise for a reader of "<".
func marshal(v any) ([]byte, error) {
	var buf bytes.Buffer
	e := json.NewEncoder(&buf)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(buf.Bytes(), []byte("\n")), nil
}

func statement(kind string, subject []Resource, predicate any) (Statement, error) {
	p, err := marshal(predicate)
	if err != nil {
		return Statement{}, err
	}
	return Statement{Type: StatementType, Subject: subject, PredicateType: kind, Predicate: p}, nil
}

// narResource describes a store path by the SRI hash of its NAR.
func narResource(name, sri string) (Resource, error) {
	h, err := hexOf(sri)
	if err != nil {
		return Resource{}, fmt.Errorf("hash of %q: %w", name, err)
	}
	return Resource{Name: name, Digest: map[string]string{"sha256": h}, MediaType: "application/x-nix-nar"}, nil
}

// hexOf rewrites an SRI sha256.
func hexOf(sri string) (string, error) {
	b64, ok := strings.CutPrefix(sri, "sha256-")
	raw, err := base64.StdEncoding.DecodeString(b64)
	if !ok || err != nil || len(raw) != 32 {
		return "", fmt.Errorf("%q is not an SRI sha256", sri)
	}
	return hex.EncodeToString(raw), nil
}
