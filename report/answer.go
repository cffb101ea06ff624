package report

import (
	"fmt"
	"slices"
	"strings"

	"fromsource/analyze/audit"
	"fromsource/analyze/policy/finding"
)

// span is a piece of a sentence: our own words, or a string of the audit
// that each medium has to neutralise.
type span struct {
	text string
	raw  bool // text is untrusted: a name, a path, a reason
	mild bool // text is untrusted, and most likely running words
	line bool // text is a command line
}

type sentence []span

// answer is what every format that people read begins with.
type answer struct {
	// tone is "good", "part", "bad" or "open", for a colour or a sign.
	tone     string
	headline sentence
	points   []point
}

// point is one aspect of the answer, with the word that a reader in a hurry
// looks for.
type point struct {
	lead string
	text []sentence
}

func words(format string, args ...any) sentence {
	return sentence{{text: fmt.Sprintf(format, args...)}}
}

func (s sentence) add(format string, args ...any) sentence {
	return append(s, span{text: fmt.Sprintf(format, args...)})
}

func (s sentence) name(n string) sentence { return append(s, span{text: n, raw: true}) }

func (s sentence) say(n string) sentence { return append(s, span{text: n, raw: true, mild: true}) }

// command adds a command line; what is in it of others is fit for one.
func (s sentence) command(c string) sentence { return append(s, span{text: c, raw: true, line: true}) }

// names adds at most n names of rows, then how many more there are.
func (s sentence) names(set *finding.Set, rows []int, n int) sentence {
	for k, i := range rows {
		if k == n {
			return s.add(" and %d more", len(rows)-n)
		}
		switch {
		case k > 0 && k == len(rows)-1:
			s = s.add(" and ")
		case k > 0:
			s = s.add(", ")
		}
		s = s.name(set.At(i).Title())
	}
	return s
}

// result is what the target is called in a sentence.
func result(a *audit.Audit) string {
	switch img := a.Target.Image; {
	case img == nil:
		return "the runtime closure"
	case strings.HasSuffix(img.Path, ".iso"):
		return "the ISO"
	}
	return "the image"
}

// blind counts what could not be looked at.
func blind(set *finding.Set) int {
	return len(set.Unknown) + len(set.Audit.Skipped)
}

func makeAnswer(set *finding.Set) answer {
	a := set.Audit
	if len(a.Derivations) == 0 {
		return answer{tone: "open", headline: words("Nothing was audited: the audit holds no derivations.")}
	}
	by := byReach(set, set.Findings)
	out := answer{}
	out.tone, out.headline = headline(set, by)
	add := func(lead string, text ...sentence) {
		text = slices.DeleteFunc(text, func(s sentence) bool { return len(s) == 0 })
		if len(text) > 0 {
			out.points = append(out.points, point{lead, text})
		}
	}
	add("Found", whatIsNot(set))
	add("Reach", reaches(set, by))
	add("Certainty", suspicions(set))
	add("Seeds", seeds(set))
	add("Unknown", unknowns(set))
	add("Rebuilt", rebuilt(a)...)
	return out
}

func byReach(set *finding.Set, rows []int) map[audit.Reach][]int {
	by := map[audit.Reach][]int{}
	for _, i := range rows {
		r := set.At(i).Reach
		if r != audit.ReachRuntime && r != audit.ReachBuild {
			r = audit.ReachUnknown
		}
		by[r] = append(by[r], i)
	}
	return by
}

func headline(set *finding.Set, by map[audit.Reach][]int) (string, sentence) {
	name := sentence{}.name(set.Audit.Target.Name)
	if set.Audit.Target.Name == "" {
		name = words("the target")
	}
	runtime := by[audit.ReachRuntime]
	proven := slices.ContainsFunc(runtime, func(i int) bool { return !finding.Suspicion(set.At(i)) })
	say := func(before, after string) sentence {
		return append(append(words("%s", before), name...), span{text: after})
	}
	res := result(set.Audit)
	switch {
	case proven:
		return "bad", say("No: ", " is not built from source alone.")
	case len(runtime) > 0:
		return "bad", say("Probably not: by the text of its derivations, ", " is not built from source alone.")
	case len(by[audit.ReachUnknown]) > 0 && !slices.ContainsFunc(set.Findings, func(i int) bool { return !finding.Suspicion(set.At(i)) }):
		return "open", say("Probably not: by the text of its derivations, ", " has prebuilt inputs. It is not known whether they reach "+res+".")
	case len(by[audit.ReachUnknown]) > 0:
		return "open", say("Not as far as known: ", " has prebuilt inputs, and it is not known whether they reach "+res+".")
	case len(set.Findings) > 0 && blind(set) == 0:
		return "part", say("In part: nothing prebuilt beyond the seeds was found in what reaches "+res+" of ",
			", but prebuilt inputs are needed to build it.")
	case len(set.Findings) > 0:
		return "open", say("Not entirely: prebuilt inputs are needed to build ",
			fmt.Sprintf(", and not everything could be looked at. None was found to reach %s.", res))
	case blind(set) > 0:
		return "open", say("Not known: nothing prebuilt beyond the seeds was found in ", ", but not everything could be looked at.")
	case len(set.Seeds) == 0:
		return "good", say("Yes: ", " is built from source, and no seed was found.")
	}
	return "good", say("Yes: ", fmt.Sprintf(" is built from source, starting from %s.", count(len(set.Seeds), "seed")))
}

func whatIsNot(set *finding.Set) sentence {
	n := map[audit.Verdict]int{}
	for _, i := range set.Findings {
		n[set.At(i).Verdict]++
	}
	total := len(set.Audit.Derivations)
	if len(set.Findings) == 0 && total == 1 {
		return words("Its one derivation is not known to be prebuilt, to carry prebuilt files or to be made by a prebuilt tool.")
	}
	if len(set.Findings) == 0 {
		return words("None of its %s is known to be prebuilt, to carry prebuilt files or to be made by a prebuilt tool.",
			count(total, "derivation"))
	}
	var parts []string
	for _, p := range []struct {
		v         audit.Verdict
		one, many string
	}{
		{audit.Binary, "is a prebuilt download", "are prebuilt downloads"},
		{audit.CarriesBinary, "carries prebuilt files", "carry prebuilt files"},
		{audit.BuiltByBinary, "was made by a prebuilt tool", "were made by a prebuilt tool"},
	} {
		switch c := n[p.v]; {
		case c == 1:
			parts = append(parts, "1 "+p.one)
		case c > 1:
			parts = append(parts, fmt.Sprintf("%d %s", c, p.many))
		}
	}
	return words("Of its %s, %s.", count(total, "derivation"), list(parts))
}

func reaches(set *finding.Set, by map[audit.Reach][]int) sentence {
	if len(set.Findings) == 0 {
		return nil
	}
	res := result(set.Audit)
	var s sentence
	clause := func(rows []int, one, many string, names int) {
		if len(rows) == 0 {
			return
		}
		if len(s) > 0 {
			s = s.add("; ")
		}
		verb := many
		if len(rows) == 1 {
			verb = one
		}
		s = s.add("%d %s", len(rows), verb)
		if names > 0 {
			s = s.add(": ").names(set, rows, names)
		}
	}
	clause(by[audit.ReachRuntime], "reaches "+res, "reach "+res, 6)
	clause(by[audit.ReachUnknown], "may reach "+res, "may reach "+res, 3)
	if len(by[audit.ReachRuntime]) == 0 && len(by[audit.ReachUnknown]) == 0 {
		s = words("None of them was found to reach %s", res)
		clause(by[audit.ReachBuild], "is needed only to build it", "are needed only to build it", 4)
	} else {
		clause(by[audit.ReachBuild], "is needed only to build it", "are needed only to build it", 0)
	}
	return s.add(".")
}

func suspicions(set *finding.Set) sentence {
	n := 0
	for _, i := range set.Findings {
		if finding.Suspicion(set.At(i)) {
			n++
		}
	}
	switch {
	case n == 0:
		return nil
	case n == len(set.Findings):
		return words("All of this is suspicion, drawn from the text of derivations: no content was looked at.")
	}
	return words("%d of these %s drawn from the text of a derivation alone.", n, plural(n, "is a suspicion", "are suspicions"))
}

func seeds(set *finding.Set) sentence {
	if len(set.Seeds) == 0 {
		return nil
	}
	in := len(byReach(set, set.Seeds)[audit.ReachRuntime])
	s := words("It starts from %s (", count(len(set.Seeds), "seed")).names(set, set.Seeds, 3).add(")")
	if in > 0 {
		s = s.add(", of which %d %s %s", in, plural(in, "reaches", "reach"), result(set.Audit))
	}
	return s.add(".")
}

func unknowns(set *finding.Set) sentence {
	n, skips := len(set.Unknown), len(set.Audit.Skipped)
	if n == 0 && skips == 0 {
		if slices.ContainsFunc(set.Findings, func(i int) bool { return finding.Suspicion(set.At(i)) }) {
			return nil
		}
		return words("None: everything could be looked at.")
	}
	var s sentence
	if n > 0 {
		s = words("%s could not be judged", count(n, "derivation"))
		if in := len(byReach(set, set.Unknown)[audit.ReachRuntime]); in > 0 {
			s = s.add(", %d of them in %s", in, result(set.Audit))
		}
		if r := topReason(set); r != "" {
			s = s.add(" (most often: ").say(r).add(")")
		}
	}
	if skips > 0 {
		if n > 0 {
			s = s.add(", and ")
		}
		s = s.add("%s could not be looked into", count(skips, "place"))
	}
	s = s.add("; more prebuilt code may hide there.")
	if m := set.Audit.Summary.Missing; m > 0 {
		s = s.add(" The closure is not whole: %s named in it %s not at hand, and what %s is in no count.",
			count(m, "derivation"), plural(m, "was", "were"), plural(m, "it needs", "they need"))
	}
	return s
}

// topReason is the most frequent reason for an unknown verdict; of equals,
// the first in the alphabet.
func topReason(set *finding.Set) string {
	n := map[string]int{}
	best := ""
	for _, i := range set.Unknown {
		r := set.At(i).Reason
		if r == "" {
			continue
		}
		n[r]++
		if best == "" || n[r] > n[best] || n[r] == n[best] && r < best {
			best = r
		}
	}
	return best
}

func count(n int, what string) string { return fmt.Sprintf("%d %s", n, plural(n, what, what+"s")) }

func plural(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

func list(parts []string) string {
	if len(parts) < 2 {
		return strings.Join(parts, "")
	}
	return strings.Join(parts[:len(parts)-1], ", ") + " and " + parts[len(parts)-1]
}
