package rules

import "sync"

// Example is a derivation in short form; see its test for how it is written
// out as a real one.
type Example struct {
	// Name of the derivation.
	Name string
	// URL makes it a download; Env are further variables.
	URL string
	Env map[string]string
	// Inputs are names of input derivations; Of is what consumes this one.
	Inputs []string
	Of     *Example
}

var ruleIndex = sync.OnceValue(func() map[string]Rule {
	m := map[string]Rule{}
	for _, r := range All() {
		m[r.ID] = r
	}
	return m
})
