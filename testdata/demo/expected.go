package demo

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// Expected is what an audit of the demo must find.
type Expected struct {
	Image       Image        `json:"image"`
	Derivations []Derivation `json:"derivations"`
}

// Image is the ISO: the same bytes wherever it is built.
type Image struct {
	// Path is relative to the root's output.
	Path   string `json:"path"`
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
}

// Derivation is one row of expected.json, in the words of audit.json.
type Derivation struct {
	Name        string   `json:"name"`
	FixedOutput bool     `json:"fixedOutput"`
	Verdict     string   `json:"verdict"`
	Kinds       []string `json:"kinds"`
	Reach       string   `json:"reach"`
	// Reproducible is what a rebuild must find; of no meaning for a
	// fixed-output derivation.
	Reproducible bool `json:"reproducible,omitempty"`
	// Why is for whoever reads a failed test.
	Why string `json:"why"`
}

// ReadExpected reads expected.json.
func ReadExpected() (*Expected, error) {
	data, err := FS.ReadFile("expected.json")
	if err != nil {
		return nil, err
	}
	var e Expected
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&e); err != nil {
		return nil, fmt.Errorf("reading expected.json: %w", err)
	}
	return &e, nil
}
