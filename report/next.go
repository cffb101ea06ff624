package report

import (
	"regexp"
	"slices"

	"fromsource/analyze/audit"
	"fromsource/analyze/policy/finding"
)

// next says what a reader can do about an audit, most useful first: get to
// know what is not known, look at what was found, and be told of what is new.
func next(set *finding.Set) []sentence {
	a := set.Audit
	if len(a.Derivations) == 0 {
		return nil
	}
	var out []sentence
	add := func(s sentence) { out = append(out, s) }
	suspected := slices.ContainsFunc(set.Findings, func(i int) bool { return finding.Suspicion(set.At(i)) })
	switch {
	case textOnly(a):
		add(words("Nothing but the text of derivations was looked at, and text never shows that something is from source. With the bytes at hand most of the unknown gets a verdict: build in a guest with ").
			command("fromsource audit --recipe FILE").add(", or point ").command("fromsource scan --contents STORE").
			add(" at a store, a binary cache or an export that has the outputs."))
	case len(set.Unknown) > 0 || suspected:
		what := "what could not be judged"
		if suspected {
			what += " or rests on text alone"
		}
		add(words("For %s, each row says what was missing. Where that is contents, give ", what).command("fromsource scan --contents STORE").
			add(" one more store, cache or export; where it is a limit, look at the file with ").command("fromsource inspect PATH").add("."))
	}
	if len(set.Findings) > 0 {
		i := set.Findings[0]
		add(words("See why a finding is one, and by which way it comes in, the foremost first: ").command("fromsource explain AUDIT " + explained(set, i)).add("."))
	}
	if anyResult(a, audit.Differs) {
		add(words("See what differs between builds: ").command("fromsource rebuild AUDIT --diffoscope DIR").
			add("; what it depends on is found with ").command("fromsource rebuild AUDIT --vary all").add("."))
	} else if len(set.Findings) > 0 && !tried(a) && !textOnly(a) {
		add(words("Build the suspects again and compare: ").command("fromsource rebuild AUDIT").add("."))
	}
	if len(set.Findings) > 0 {
		add(words("Take what is known as a baseline, and let CI fail on what is new: ").command("fromsource baseline update AUDIT --baseline FILE").
			add(", then ").command("fromsource gate AUDIT --baseline FILE").add("."))
	}
	return out
}

// explained is how to call a row on a command line: by name where no other
// has it. A name or path that is none of Nix's could do something else there.
func explained(set *finding.Set, i int) string {
	d := set.At(i)
	if !nixName.MatchString(d.Name) || !nixName.MatchString(d.Drv) {
		return "DRV"
	}
	for j := range set.Audit.Derivations {
		if j != i && set.At(j).Name == d.Name {
			return d.Drv
		}
	}
	return d.Name
}

var nixName = regexp.MustCompile(`^[A-Za-z0-9+._?=/][A-Za-z0-9+._?=/-]*$`)

// textOnly reports whether no row was followed beyond its text.
func textOnly(a *audit.Audit) bool {
	return !slices.ContainsFunc(a.Derivations, func(d audit.Derivation) bool {
		return d.Verdict == audit.Source || slices.ContainsFunc(d.Evidence, func(e audit.Evidence) bool { return e.Level != audit.LevelDerivation })
	})
}

func anyResult(a *audit.Audit, result string) bool {
	return slices.ContainsFunc(a.Derivations, func(d audit.Derivation) bool {
		return slices.ContainsFunc(d.Rebuild, func(r audit.Rebuild) bool { return r.Result == result })
	})
}

// tried reports whether anything was built again.
func tried(a *audit.Audit) bool {
	return slices.ContainsFunc(a.Derivations, func(d audit.Derivation) bool {
		return slices.ContainsFunc(d.Rebuild, func(r audit.Rebuild) bool { return r.Result != audit.NotAttempted })
	})
}
