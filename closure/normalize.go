package closure

import (
	"slices"
	"strings"
)

// normalize sorts what Nix keeps in sorted maps and sets, and drops repeats
// the way Nix's reader does: of two outputs the first stays, of two inputs or
// variables the last. Derivations that Nix wrote pass through unchanged.
func normalize(d *Derivation) {
	if !increasing(d.Outputs, outputName) {
		d.Outputs = sortUnique(d.Outputs, outputName, false)
	}
	if !increasing(d.InputDrvs, inputPath) {
		d.InputDrvs = sortUnique(d.InputDrvs, inputPath, true)
	}
	for i := range d.InputDrvs {
		in := &d.InputDrvs[i]
		in.Outputs, in.Dynamic = normalUses(in.Outputs, in.Dynamic)
	}
	if !increasing(d.InputSrcs, self) {
		d.InputSrcs = sortUnique(d.InputSrcs, self, false)
	}
	if !increasing(d.Env, envKey) {
		d.Env = sortUnique(d.Env, envKey, true)
	}
}

func normalUses(outs []string, dyn []DynamicOutput) ([]string, []DynamicOutput) {
	if !increasing(outs, self) {
		outs = sortUnique(outs, self, false)
	}
	if !increasing(dyn, dynamicName) {
		dyn = sortUnique(dyn, dynamicName, true)
	}
	for i := range dyn {
		dyn[i].Outputs, dyn[i].Dynamic = normalUses(dyn[i].Outputs, dyn[i].Dynamic)
	}
	return outs, dyn
}

func outputName(o Output) string         { return o.Name }
func inputPath(i InputDrv) string        { return i.Path }
func dynamicName(o DynamicOutput) string { return o.Output }
func envKey(v EnvVar) string             { return v.Key }
func self(s string) string               { return s }

func increasing[E any](s []E, key func(E) string) bool {
	for i := 1; i < len(s); i++ {
		if key(s[i-1]) >= key(s[i]) {
			return false
		}
	}
	return true
}

// sortUnique sorts s by key and keeps the last, or the first, of equals.
func sortUnique[E any](s []E, key func(E) string, last bool) []E {
	slices.SortStableFunc(s, func(a, b E) int { return strings.Compare(key(a), key(b)) })
	n := 0
	for i := range s {
		switch {
		case n == 0 || key(s[n-1]) != key(s[i]):
			s[n] = s[i]
			n++
		case last:
			s[n-1] = s[i]
		}
	}
	return s[:n]
}
