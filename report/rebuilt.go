package report

import (
	"slices"
	"strings"

	"fromsource/analyze/audit"
)

// rebuilt says what was reproduced, by whom and against what.
func rebuilt(a *audit.Audit) []sentence {
	n := map[string]int{}
	var by, against, differs []string
	note := func(set *[]string, s string) {
		if s != "" && !slices.Contains(*set, s) {
			*set = append(*set, s)
		}
	}
	for i := range a.Derivations {
		d := &a.Derivations[i]
		for _, r := range d.Rebuild {
			n[r.Result]++
			if r.Result == audit.NotAttempted {
				continue
			}
			note(&by, r.By)
			note(&against, r.Against)
			if r.Result == audit.Differs {
				note(&differs, d.Name)
			}
		}
	}
	compared := n[audit.Reproduced] + n[audit.Differs]
	tried := compared + n[audit.NoReference] + n[audit.Failed]
	if tried == 0 {
		return []sentence{words("Nothing.")}
	}
	slices.Sort(by)
	slices.Sort(against)
	s := words("%s", count(tried, "output"))
	if len(by) > 0 {
		s = s.add(" by ").listed(by)
	}
	if compared > 0 {
		s = s.add("; %d of %s came out bit for bit the same", n[audit.Reproduced], count(compared, "compared output"))
		if len(against) > 0 {
			s = s.add(" as ").listed(against)
		}
	}
	if len(differs) > 0 {
		slices.Sort(differs)
		s = s.add("; %s: ", plural(n[audit.Differs], "1 differs", count(n[audit.Differs], "output")+" differ")).called(differs)
	}
	if c := n[audit.NoReference]; c > 0 {
		s = s.add("; %d had nothing to be compared with", c)
	}
	if c := n[audit.Failed]; c > 0 {
		s = s.add("; %d did not build again", c)
	}
	out := []sentence{s.add(".")}
	if n[audit.Reproduced] > 0 {
		out = append(out, words("That a build repeats says nothing of where its inputs came from: a repackaged binary always repeats."))
	}
	return out
}

// listed adds words of others, called adds names, four at most.
func (s sentence) listed(items []string) sentence { return s.each(items, sentence.say) }
func (s sentence) called(items []string) sentence { return s.each(items, sentence.name) }

func (s sentence) each(items []string, add func(sentence, string) sentence) sentence {
	for k, it := range items {
		if k == 4 {
			return s.add(" and %d more", len(items)-k)
		}
		if k > 0 {
			s = s.add(", ")
		}
		s = add(s, it)
	}
	return s
}

// verdictTitle, kindTitle and reachTitle are what tables say.
func verdictTitle(v audit.Verdict) string {
	switch v {
	case audit.Source:
		return "from source"
	case audit.Binary:
		return "prebuilt"
	case audit.CarriesBinary:
		return "carries prebuilt"
	case audit.BuiltByBinary:
		return "built by prebuilt"
	case audit.Seed:
		return "seed"
	}
	return "unknown"
}

func kindTitle(kinds []audit.Kind) string {
	var out []string
	for _, k := range kinds {
		switch k {
		case audit.NativeCode:
			out = append(out, "native code")
		case audit.Bytecode:
			out = append(out, "bytecode")
		case audit.Firmware:
			out = append(out, "firmware")
		default:
			out = append(out, "other")
		}
	}
	return strings.Join(out, ", ")
}

func reachTitle(r audit.Reach) string {
	switch r {
	case audit.ReachRuntime:
		return "runtime"
	case audit.ReachBuild:
		return "build only"
	}
	return "unknown"
}

// influenceTitle says how much depends on a row. Where the runtime closure is
// not known, all of the closure counts.
func influenceTitle(a *audit.Audit, d *audit.Derivation) string {
	of := "the closure"
	if a.Target.ReachBy == audit.ReachByImage || a.Target.ReachBy == audit.ReachByReferences {
		of = "the runtime closure"
	}
	return count(d.Influence, "derivation") + " of " + of + plural(d.Influence, " depends", " depend") + " on it"
}

// rebuildTitle sums up a row's rebuilds in a word or two.
func rebuildTitle(d *audit.Derivation) string {
	var out []string
	for _, r := range d.Rebuild {
		t := "unclear"
		switch r.Result {
		case audit.Reproduced, audit.Differs, audit.Failed, audit.NoReference:
			t = r.Result
		case audit.NotAttempted:
			continue
		}
		if !slices.Contains(out, t) {
			out = append(out, t)
		}
	}
	slices.Sort(out)
	return strings.Join(out, ", ")
}

// rebuildNotes is what else there is to say of one comparison.
func rebuildNotes(r audit.Rebuild) []sentence {
	var out []sentence
	if r.Reason != "" {
		out = append(out, sentence{}.say(r.Reason))
	}
	if r.Stabilised {
		out = append(out, words("differs in nothing but metadata of containers, which is not reproduced"))
	}
	if len(r.Variations) > 0 {
		out = append(out, words("varied on purpose: ").listed(r.Variations))
	}
	if len(r.Culprits) > 0 {
		out = append(out, words("made different by ").listed(r.Culprits))
	}
	if r.Diffoscope != "" {
		out = append(out, words("described in ").name(r.Diffoscope))
	}
	return out
}
