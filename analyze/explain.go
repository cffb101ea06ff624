package analyze

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"sort"
	"strings"

	"fromsource/analyze/audit"
	"fromsource/analyze/rules"
)

// ErrNoSuchDerivation is wrapped by [Explain] for a name that no row has.
var ErrNoSuchDerivation = errors.New("no such derivation in the audit")

// Explain tells in plain sentences why a derivation got its verdict, how the
// target comes to need it, and what would be cleared if the target did not.
//
// The derivation is given as its store path, the base name of that, one of
// its output paths, or a name that only one row has. Everything told is read
// from the audit.
func Explain(a *audit.Audit, drv string) (string, error) {
	row, err := find(a, drv)
	if err != nil {
		return "", err
	}
	e := explainer{a: a, flow: newFlow(edges(a)), row: row}
	e.verdict()
	e.why()
	e.inherits()
	e.rebuilds()
	e.wayHere()
	e.clears()
	return e.b.String(), nil
}

// find resolves what a user may call a derivation.
func find(a *audit.Audit, drv string) (int, error) {
	var exact, named []int
	for i := range a.Derivations {
		d := &a.Derivations[i]
		if d.Drv == drv || path.Base(d.Drv) == drv {
			return i, nil
		}
		for _, o := range d.Outputs {
			if o.Path != "" && (o.Path == drv || strings.HasPrefix(drv, o.Path+"/")) {
				return i, nil
			}
		}
		switch {
		case d.Name == drv, slices.Contains(d.URLs, drv), d.Title() == drv, fits(d.Title(), drv):
			exact = append(exact, i)
		case strings.HasPrefix(d.Name, drv+"-") && isVersion(d.Name[len(drv)+1:]):
			named = append(named, i)
		}
	}
	if len(exact) > 0 {
		named = exact // a seed, and not the package of that name
	}
	builds := slices.DeleteFunc(slices.Clone(named), func(i int) bool { return a.Derivations[i].FixedOutput })
	if len(builds) == 1 {
		named = builds // what is called so, rather than what it fetches
	}
	switch len(named) {
	case 0:
		return 0, fmt.Errorf("%w: %q", ErrNoSuchDerivation, drv)
	case 1:
		return named[0], nil
	}
	// What is found comes first: it is what is asked for of hundreds of "source".
	slices.SortStableFunc(named, func(i, j int) int { return asked(a.Derivations[i].Verdict) - asked(a.Derivations[j].Verdict) })
	var b strings.Builder
	for _, i := range named {
		d := &a.Derivations[i]
		fmt.Fprintf(&b, "\n  %s (%s", d.Drv, d.Verdict)
		if len(d.URLs) > 0 {
			fmt.Fprintf(&b, ", %q", d.URLs[0])
		}
		b.WriteString(")")
	}
	return 0, fmt.Errorf("%d derivations are called %q, give one of their paths:%s", len(named), drv, b.String())
}

func asked(v audit.Verdict) int {
	switch v {
	case audit.Source:
		return 2
	case audit.Unknown:
		return 1
	}
	return 0
}

// fits says that a name is one that a table shortened to fit.
func fits(name, short string) bool {
	head, tail, ok := strings.Cut(short, "…")
	return ok && len(head)+len(tail) >= 16 && strings.HasPrefix(name, head) && strings.HasSuffix(name, tail) && len(name) > len(head)+len(tail)
}

func isVersion(s string) bool { return s != "" && s[0] >= '0' && s[0] <= '9' }

// edges is the audit's graph as [newFlow] wants it: node 0 is the target, row
// i is node i+1. A fixed-output derivation's own inputs only fetch it and
// hold nothing up.
func edges(a *audit.Audit) [][]int32 {
	next := make([][]int32, len(a.Derivations)+1)
	for i := range a.Derivations {
		d := &a.Derivations[i]
		if slices.Contains(a.Target.Roots, d.Drv) {
			next[0] = append(next[0], int32(i+1))
		}
		if d.FixedOutput {
			continue
		}
		for _, in := range d.Inputs {
			next[i+1] = append(next[i+1], int32(in+1))
		}
	}
	return next
}

type explainer struct {
	a    *audit.Audit
	flow *flow
	row  int
	b    strings.Builder
}

func (e *explainer) d() *audit.Derivation { return &e.a.Derivations[e.row] }

func (e *explainer) say(format string, args ...any) { fmt.Fprintf(&e.b, format+"\n", args...) }

var verdictWords = map[audit.Verdict]string{
	audit.Source:        "built from source, as far as could be seen",
	audit.Binary:        "a prebuilt binary that was fetched",
	audit.CarriesBinary: "built here, but its output carries prebuilt code",
	audit.BuiltByBinary: "built here, by or from what a prebuilt program that is no distribution seed has made",
	audit.Seed:          "part of the distribution's own bootstrap seed",
	audit.Unknown:       "not known: not all of it could be looked at or followed",
}

func (e *explainer) verdict() {
	d := e.d()
	e.say("%s", d.Drv)
	words := verdictWords[d.Verdict]
	if d.FixedOutput && d.Verdict == audit.Source {
		words = "what was fetched is source, as far as could be seen"
	}
	line := fmt.Sprintf("Verdict: %s (%s)", d.Verdict, words)
	if d.Verdict != audit.Unknown {
		line += fmt.Sprintf(", %s confidence", d.Confidence)
	}
	e.say("%s.", line)
	switch {
	case len(d.Kinds) == 0:
	case d.Verdict == audit.BuiltByBinary:
		e.say("What it was built by is prebuilt %s, or made by that.", kindWords(d.Kinds))
	case d.Verdict == audit.Unknown:
		e.say("What could be prebuilt in it: %s.", kindWords(d.Kinds))
	default:
		e.say("What is prebuilt: %s.", kindWords(d.Kinds))
	}
	switch d.Reach {
	case audit.ReachRuntime:
		if d.FixedOutput {
			e.say("It, or a part of it, is in the target's runtime closure (seen by %s).", reachBy(e.a.Target.ReachBy))
			break
		}
		e.say("It is in the target's runtime closure (seen by %s).", reachBy(e.a.Target.ReachBy))
	case audit.ReachBuild:
		e.say("It is needed only to build the target (seen by %s).", reachBy(e.a.Target.ReachBy))
	default:
		e.say("Whether it reaches the target's runtime closure is not known: outputs were not at hand.")
	}
	if d.Influence > 0 {
		of := "of the runtime closure"
		if e.a.Target.ReachBy == audit.ReachByNothing || e.a.Target.ReachBy == "" {
			of = "of the closure"
		}
		e.say("%s %s %s on it.", count(d.Influence, "derivation"), of, verb(d.Influence, "depends", "depend"))
	}
	if len(d.URLs) > 0 {
		e.say("Fetched from: %s", strings.Join(d.URLs, " "))
	}
	if d.Reason != "" {
		e.say("%s.", upper(strings.TrimSuffix(d.Reason, ".")))
	}
}

func reachBy(s string) string {
	if s == audit.ReachByImage {
		return "the content of the image itself"
	}
	return "the references of the outputs"
}

func kindWords(kinds []audit.Kind) string {
	words := map[audit.Kind]string{audit.NativeCode: "native code", audit.Bytecode: "bytecode", audit.Firmware: "firmware"}
	out := make([]string, len(kinds))
	for i, k := range kinds {
		out[i] = words[k]
	}
	return strings.Join(out, ", ")
}

// levelWords say how far a piece of evidence was followed.
var levelWords = map[audit.Level]string{
	audit.LevelDerivation: "the text of derivations",
	audit.LevelContent:    "the bytes that were fetched",
	audit.LevelTrace:      "the bytes of outputs and the record of builds",
	audit.LevelRebuild:    "a build made again",
}

// why lists the evidence, a sentence each, level by level.
func (e *explainer) why() {
	d := e.d()
	if len(d.Evidence) == 0 {
		why := ""
		if d.Verdict == audit.Unknown && d.Reason != "" {
			why = " The reason above is all that there is to say."
		}
		e.say("\nThere is no evidence on record.%s", why)
		return
	}
	for _, level := range []audit.Level{audit.LevelDerivation, audit.LevelContent, audit.LevelTrace, audit.LevelRebuild} {
		head := fmt.Sprintf("\nBy %s (level %s):", levelWords[level], level)
		for i := range d.Evidence {
			if d.Evidence[i].Level != level {
				continue
			}
			if head != "" {
				e.say("%s", head)
				head = ""
			}
			e.say("  - %s", e.piece(&d.Evidence[i]))
		}
	}
	if !slices.ContainsFunc(d.Evidence, func(ev audit.Evidence) bool { return ev.Level != audit.LevelDerivation }) &&
		d.Verdict != audit.Unknown && d.Verdict != audit.Seed {
		e.say("\nThis is by text alone: a suspicion, the bytes do not show it.")
	}
}

// piece tells of one piece of evidence, and where else to look for it. What the
// text shows is a line of it under the title of a rule, and speaks for source
// where the rule does; all else is a sentence already.
func (e *explainer) piece(ev *audit.Evidence) string {
	other := ""
	if ev.From != "" && ev.From != e.d().Drv {
		other = ev.From
	}
	at := ""
	if ev.At != "" {
		at = fmt.Sprintf(" (at %s)", ev.At)
	}
	rule, known := rules.Find(ev.Rule)
	if ev.Level != audit.LevelDerivation || !known {
		line := upper(ev.Detail) + at
		if other != "" {
			line += ", see " + other
		}
		return fmt.Sprintf("%s. [%s]", line, ev.Rule)
	}
	whose := "Its text"
	if other != "" {
		whose = "The text of " + e.nameOf(other)
	}
	what := "suggests prebuilt code"
	if rule.Weight < 0 {
		what = "speaks for source"
	}
	return fmt.Sprintf("%s %s. %s: %s%s. [%s]", whose, what, rule.Title, ev.Detail, at, ev.Rule)
}

// nameOf is the name of a row by its path.
func (e *explainer) nameOf(drv string) string {
	if i, ok := slices.BinarySearchFunc(e.a.Derivations, drv, func(d audit.Derivation, p string) int { return strings.Compare(d.Drv, p) }); ok {
		return e.a.Derivations[i].Title()
	}
	return path.Base(drv)
}

func upper(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

func (e *explainer) rebuilds() {
	d := e.d()
	if len(d.Rebuild) == 0 {
		return
	}
	e.say("\nRebuild:")
	for _, r := range d.Rebuild {
		line := fmt.Sprintf("  - output %s, by %s: %s", r.Output, r.By, r.Result)
		if r.Reason != "" {
			line += " (" + r.Reason + ")"
		}
		e.say("%s", line)
	}
	if prebuilt(d.Verdict) && slices.ContainsFunc(d.Rebuild, func(r audit.Rebuild) bool { return r.Result == audit.Reproduced }) {
		e.say("  That it reproduces says nothing of its origin: the same prebuilt bytes repackaged are always the same.")
	}
}

func prebuilt(v audit.Verdict) bool {
	return v == audit.Binary || v == audit.CarriesBinary || v == audit.BuiltByBinary
}

func (e *explainer) name(node int32) string {
	if node == 0 {
		return "the target " + e.a.Target.Name
	}
	return e.a.Derivations[node-1].Title()
}

func (e *explainer) wayHere() {
	way := e.flow.way(int32(e.row + 1))
	switch {
	case way == nil:
		e.say("\nThe target does not need it, except perhaps to fetch something else.")
		return
	case len(way) == 2:
		e.say("\nIt is a root of the target itself.")
		return
	}
	e.say("\nThe shortest way from the root:")
	for i, v := range way[1:] {
		d := e.a.Derivations[v-1]
		e.say("  %s%s  (%s)", strings.Repeat("  ", min(i, 12)), d.Drv, d.Verdict)
	}
}

// clears says what removing one edge of the way would take out of the
// closure: the last edge on it that every way passes.
func (e *explainer) clears() {
	self := int32(e.row + 1)
	way := e.flow.way(self)
	if len(way) < 3 {
		return
	}
	for i := len(way) - 1; i >= 2; i-- {
		u, v := way[i-1], way[i]
		if !e.flow.onlyThrough(u, v) {
			continue
		}
		// Is v on every way to the row itself?
		if !e.flow.dominates(v, self) {
			continue
		}
		gone, found, unknown := e.heldBy(v)
		e.say("\nIf %s did not need %s, %s would leave the closure.", e.name(u), e.name(v), count(gone, "derivation"))
		if len(found) > 0 {
			e.say("Findings that this one edge would clear: %s.", list(found))
		}
		if len(unknown) > 0 {
			e.say("Unknown ones that it would clear: %s.", list(unknown))
		}
		return
	}
	users := e.users(self)
	e.say("\nNo single edge holds it: %s need it (%s).", count(len(e.flow.prev[self]), "derivation"), list(users))
}

// heldBy counts what a node dominates, and names the findings among it and what
// is unknown.
func (e *explainer) heldBy(v int32) (gone int, findings, unknown []string) {
	under := make([]bool, len(e.flow.next))
	for _, w := range e.flow.order {
		under[w] = w == v || w != 0 && under[e.flow.idom[w]]
		if !under[w] {
			continue
		}
		gone++
		switch verdict := e.a.Derivations[w-1].Verdict; {
		case prebuilt(verdict):
			findings = append(findings, e.name(w))
		case verdict == audit.Unknown:
			unknown = append(unknown, e.name(w))
		}
	}
	sort.Strings(findings)
	sort.Strings(unknown)
	return gone, slices.Compact(findings), slices.Compact(unknown)
}

// users names what needs a node; of those with one name, how many there are.
func (e *explainer) users(v int32) []string {
	var out []string
	for _, p := range e.flow.prev[v] {
		out = append(out, e.name(p))
	}
	sort.Strings(out)
	for i := 0; i < len(out); i++ {
		same := 1
		for i+same < len(out) && out[i+same] == out[i] {
			same++
		}
		if same > 1 {
			out[i] = fmt.Sprintf("%d called %s", same, out[i])
			out = slices.Delete(out, i+1, i+same)
		}
	}
	return out
}

// list joins names and cuts a long list.
func list(names []string) string {
	const most = 8
	switch {
	case len(names) == 0:
		return "none"
	case len(names) <= most:
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
}

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

func verb(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}
