// Package closure holds a Nix derivation's closure: the derivations as Nix
// wrote them, the graph between them, and the questions asked of that graph
// (consumers, the way from a root, runtime reach). It knows no heuristics.
package closure

import (
	"encoding/json"
	"path"
	"slices"
	"strings"
)

// Derivation is one parsed .drv, in the terms of Nix's ATerm format
// (nix: doc/manual/source/protocols/derivation-aterm.md).
//
// Strings are bytes and need not be UTF-8. A Derivation handed to a callback
// may alias a buffer that is reused afterwards: Clone what is kept.
type Derivation struct {
	// Path is the store path of the .drv itself. The name of a derivation is
	// not in its file: it is this path's name part without ".drv".
	Path string
	// Outputs, sorted by name.
	Outputs []Output
	// InputDrvs, sorted by path.
	InputDrvs []InputDrv
	// InputSrcs, sorted.
	InputSrcs []string
	System    string
	Builder   string
	Args      []string
	// Env, sorted by key. With structured attributes it holds what Nix kept
	// beside them (the __json key itself is moved to Structured).
	Env []EnvVar
	// Structured is the JSON object of a derivation with structured
	// attributes (__json, or structuredAttrs in newer JSON), nil otherwise.
	Structured json.RawMessage
}

// Output is one output of a derivation: the triple of the ATerm format.
type Output struct {
	Name string
	// Path is empty where it is not known before the build (floating,
	// deferred and impure outputs).
	Path string
	// HashAlgo is empty, or an algorithm with its method prefix: "sha256",
	// "r:sha256", "text:sha256", "git:sha1".
	HashAlgo string
	// Hash is empty, base16, or the word "impure".
	Hash string
}

// OutputKind says how an output's path is determined.
type OutputKind uint8

// The kinds of output that Nix knows.
const (
	InputAddressed OutputKind = iota
	Fixed
	Floating
	Deferred
	Impure
)

// Kind classifies an output by its triple, as Nix's own reader does.
func (o Output) Kind() OutputKind {
	switch {
	case o.Hash == "impure":
		return Impure
	case o.Hash != "":
		return Fixed
	case o.HashAlgo != "":
		return Floating
	case o.Path == "":
		return Deferred
	}
	return InputAddressed
}

// InputDrv is an edge of the closure: a derivation and the outputs of it that
// are used.
type InputDrv struct {
	Path    string
	Outputs []string
	// Dynamic lists outputs that are themselves derivations, of which outputs
	// are used in turn (experimental dynamic derivations).
	Dynamic []DynamicOutput
}

// DynamicOutput is an output that is a derivation, and what is used of it.
type DynamicOutput struct {
	Output  string
	Outputs []string
	Dynamic []DynamicOutput
}

// EnvVar is one variable of a derivation's environment.
type EnvVar struct{ Key, Value string }

// Name is the derivation's name: its store path's name part without ".drv".
func (d *Derivation) Name() string { return NameOf(d.Path) }

// NameOf is the name part of a store path, without a ".drv" suffix.
func NameOf(p string) string {
	b := p
	if i := strings.LastIndexByte(p, '/'); i >= 0 {
		b = p[i+1:]
	}
	if b == "" {
		b = path.Base(p) // ends in a slash, or is empty
	}
	if len(b) > 33 && b[32] == '-' {
		b = b[33:]
	}
	return strings.TrimSuffix(b, ".drv")
}

// FixedOutput reports whether the derivation's output has a declared hash.
func (d *Derivation) FixedOutput() bool {
	return len(d.Outputs) == 1 && d.Outputs[0].Kind() == Fixed
}

// Lookup finds an environment variable.
func (d *Derivation) Lookup(key string) (string, bool) {
	i, ok := slices.BinarySearchFunc(d.Env, key, func(e EnvVar, k string) int { return strings.Compare(e.Key, k) })
	if !ok {
		return "", false
	}
	return d.Env[i].Value, true
}
