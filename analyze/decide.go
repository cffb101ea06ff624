package analyze

import (
	"cmp"
	"fmt"
	"slices"

	"fromsource/analyze/audit"
	"fromsource/closure"
)

// decision is a verdict with what it rests on beyond the text's evidence.
type decision struct {
	verdict    audit.Verdict
	confidence audit.Confidence
	kinds      []audit.Kind
	reason     string
	evidence   []audit.Evidence
	// through are the derivations from which it is inherited, sorted.
	through []closure.ID
	// made: its build executed prebuilt programs, or it inherits from one whose
	// build did; the kinds and confidence are of those programs.
	made           bool
	madeKinds      []audit.Kind
	madeConfidence audit.Confidence
	// seedOnly: what it carries is only the seed's.
	seedOnly bool
	// live are the kinds of what it carries that a build could execute or load;
	// vague: it is not known which of its files those are.
	live  []audit.Kind
	vague bool
	// suspect: of unknown origin, and prebuilt programs could have made it, or
	// what it is made of.
	suspect bool
	// slight: unknown, and for no other reason than that samples for tests in
	// its source could not be looked at.
	slight bool
	// usable counts the files in its outputs that no fetch and nothing clean
	// has, and that a later build could compile or run.
	usable int
}

func (d decision) with(ev ...audit.Evidence) decision {
	d.evidence = append(d.evidence, ev...)
	return d
}

// after puts evidence before what there is.
func (d decision) after(ev []audit.Evidence) decision {
	d.evidence = append(ev, d.evidence...)
	return d
}

// text is what the rules say of one derivation.
type text struct {
	suspected, seed bool
	kinds           []audit.Kind
	confidence      audit.Confidence
}

// contents sums up what a walk found in a fetch.
type contents struct {
	text        int // files of text
	textBytes   int64
	members     int // compiled files
	memberBytes int64
	dataBytes   int64 // of what is neither
	opaque      int   // files of unknown data among that
	opaqueBytes int64
	kinds       []audit.Kind
	confidence  audit.Confidence // of the best member
	// first is the first member, in words.
	first    string
	firstAt  string
	embedded int // texts that carry a binary
	// unread is why some of it could not be looked at; empty if all was.
	unread   string
	unreadAt string
}

// fetched is all that is known of a fixed-output derivation.
type fetched struct {
	text
	// contents is nil where they were not at hand; absent says why.
	contents *contents
	absent   string
	// used tells of members that were found in outputs or executed: any one
	// of them is evidence enough. Its confidence is the best among them.
	used           []audit.Evidence
	usedKinds      []audit.Kind
	usedConfidence audit.Confidence
	// unfollowed is why the members could not be followed everywhere.
	unfollowed string
	// alike is a file of an output that could be made of this, in another
	// form; empty if none was found.
	alike string
	// recorded: what all consumers' builds executed is on record.
	recorded bool
	// unsampled is an object that could have been linked without being seen.
	unsampled string
	// target: the fetch itself is part of the target.
	target bool
}

// mainly reports whether the content is compiled code rather than an archive
// that happens to hold some.
func (f *fetched) mainly() bool {
	c := f.contents
	return c.members > 0 && c.memberBytes >= c.textBytes+c.dataBytes && (c.text < 2*c.members || f.suspected)
}

func (f *fetched) decide() decision {
	c := f.contents
	switch {
	case f.seed:
		return decision{verdict: audit.Seed, confidence: f.sure(), kinds: f.whatKinds()}
	case c == nil && f.suspected:
		return decision{verdict: audit.Binary, confidence: f.confidence, kinds: f.kinds, reason: "by its text alone: " + f.absent}
	case c == nil:
		return decision{verdict: audit.Unknown, confidence: audit.Low, reason: f.absent}
	case len(f.used) > 0:
		conf := f.usedConfidence
		if f.mainly() {
			conf = highest(conf, c.confidence)
		}
		return decision{verdict: audit.Binary, confidence: conf, kinds: f.usedKinds}.with(c.evidence()...).with(f.used...)
	case c.members > 0:
		return f.decideMembers().after(c.evidence())
	}
	return f.decideNone().after(c.evidence())
}

// sure is the confidence of a seed: what the text says, and the bytes.
func (f *fetched) sure() audit.Confidence {
	if f.contents != nil && f.contents.members > 0 || f.confidence == "" {
		return audit.High
	}
	return f.confidence
}

func (f *fetched) whatKinds() []audit.Kind {
	if f.contents != nil && f.contents.members > 0 {
		return f.contents.kinds
	}
	return f.kinds
}

// decideMembers judges a fetch with compiled members of which none is known
// to be used.
func (f *fetched) decideMembers() decision {
	c := f.contents
	switch {
	case f.mainly():
		return decision{verdict: audit.Binary, confidence: c.confidence, kinds: c.kinds}.with(audit.Evidence{
			Rule: "content-mainly-compiled", Level: audit.LevelContent, At: c.firstAt,
			Detail: fmt.Sprintf("%d%% of its bytes are compiled code", 100*c.memberBytes/max(c.memberBytes+c.textBytes+c.dataBytes, 1)),
		})
	case f.target:
		return decision{verdict: audit.Binary, confidence: c.confidence, kinds: c.kinds}.with(audit.Evidence{
			Rule: "trace-in-target", Level: audit.LevelTrace, At: c.firstAt, Detail: "the fetch itself is part of the target",
		})
	case f.alike != "" || f.unfollowed != "" || c.unread != "" || f.unsampled != "" && !samples.MatchString(f.unsampled):
		why := cmp.Or(f.alike, f.unfollowed, c.unread, fmt.Sprintf("had %s been linked into something, that would not be seen", f.unsampled))
		if f.suspected {
			return decision{verdict: audit.Binary, confidence: lowest(f.confidence, audit.Medium), kinds: c.kinds, reason: why}
		}
		return decision{
			verdict: audit.Unknown, confidence: audit.Low, kinds: c.kinds,
			reason: fmt.Sprintf("it holds %s and where that went could not be followed: %s", count(c.members, "compiled file"), why),
		}
	}
	conf := audit.High
	if !f.recorded {
		conf = audit.Low
	} else if f.suspected || c.embedded > 0 {
		conf = audit.Medium
	}
	d := decision{verdict: audit.Source, confidence: conf}
	if f.unsampled != "" {
		d.confidence, d.reason = audit.Low, fmt.Sprintf("had %s been linked into something, that would not be seen", f.unsampled)
	}
	return d.with(audit.Evidence{
		Rule: "trace-unused", Level: audit.LevelTrace, At: c.firstAt,
		Detail: fmt.Sprintf("%s seen, none found in any output, none seen executed", count(c.members, "compiled member")),
	})
}

// decideNone judges a fetch without compiled members.
func (f *fetched) decideNone() decision {
	c := f.contents
	switch {
	case f.suspected && c.opaqueOnly():
		return decision{verdict: audit.Binary, confidence: audit.Low, kinds: f.kinds}.with(audit.Evidence{
			Rule: "content-opaque", Level: audit.LevelContent,
			Detail: fmt.Sprintf("no known compiled format, but %s of data that nothing is known of, as the text suspects", count(c.opaque, "file")),
		})
	case c.unread != "" && f.suspected:
		return decision{verdict: audit.Binary, confidence: lowest(f.confidence, audit.Medium), kinds: f.kinds, reason: c.unread}
	case f.alike != "" || c.unread != "":
		return decision{verdict: audit.Unknown, confidence: audit.Low, reason: cmp.Or(f.alike, c.unread)}
	}
	conf := audit.High
	detail := "no compiled file in it"
	if f.suspected {
		conf = audit.Medium
		detail += ", although the text suspects one"
	}
	if c.embedded > 0 {
		conf = audit.Low
	}
	reason := ""
	if c.opaqueOnly() && c.opaqueBytes >= leastOpaque {
		conf, reason = audit.Low, "most of it is data of no known format"
	}
	return decision{verdict: audit.Source, confidence: conf, reason: reason}.with(audit.Evidence{Rule: "content-none", Level: audit.LevelContent, Detail: detail})
}

// leastOpaque is the size, in bytes, from which data of no known format could be
// a program's.
const leastOpaque = 4 << 10

// opaqueOnly reports whether the content is data of no known format rather
// than anything that was recognised.
func (c *contents) opaqueOnly() bool {
	return c.members == 0 && c.opaque > 0 && 2*c.opaqueBytes >= c.textBytes+c.dataBytes
}

// evidence tells what the walk found.
func (c *contents) evidence() []audit.Evidence {
	var out []audit.Evidence
	if c.members > 0 {
		detail := "1 compiled file: " + c.first
		if c.members > 1 {
			detail = fmt.Sprintf("%d compiled files, the first: %s", c.members, c.first)
		}
		out = append(out, audit.Evidence{Rule: "content-compiled", Level: audit.LevelContent, At: c.firstAt, Detail: detail})
	}
	if c.embedded > 0 {
		out = append(out, audit.Evidence{
			Rule: "content-embedded", Level: audit.LevelContent,
			Detail: count(c.embedded, "text file") + " that carry an encoded binary",
		})
	}
	if c.unread != "" {
		out = append(out, audit.Evidence{Rule: "content-unread", Level: audit.LevelContent, At: c.unreadAt, Detail: c.unread})
	}
	return out
}

// built is all that is known of a derivation that builds something.
type built struct {
	text
	// absent is why its outputs are not at hand; empty if all are.
	absent string
	// carried and executed are evidence of prebuilt code that is not the
	// seed's; the kinds and confidence are of both, carried first.
	carried            []audit.Evidence
	carriedKinds       []audit.Kind
	carriedConfidence  audit.Confidence
	live               []audit.Kind
	vague              bool // some of carried is not of single files
	executed           []audit.Evidence
	executedKinds      []audit.Kind
	executedConfidence audit.Confidence
	// seedFiles is evidence of the seed's files in its outputs; onlySeed is
	// true if no other compiled code is in them.
	seedFiles []audit.Evidence
	seedKinds []audit.Kind
	onlySeed  bool
	// doubts are why it can't be called source, the weightiest first.
	doubts []string
	// grave counts those that are more than samples for tests which could not
	// be looked at; slight are such of what it has from others.
	grave  int
	slight []string
	// weak is what lowers the confidence in source, likewise.
	weak []string
	// near is true if prebuilt code that is not the seed's was among what the
	// build had at hand, and its outputs have something that could be it.
	near bool
	// handed is the same of what is more than samples among tests, whatever its
	// outputs have.
	handed bool
	// had are those of its inputs that are such code.
	had []*item
	// suspect: such code was among it, or something suspect, whatever its
	// outputs have.
	suspect bool
	// through are the derivations that it inherits from, doubted those whose
	// own origin is unknown; by says so where that alone makes it
	// built-by-binary.
	through []closure.ID
	doubted bool
	by      string
	// recorded: what its build executed is on record.
	recorded bool
	// clean tells what was looked at, for a source verdict.
	clean []audit.Evidence
}

func (b *built) decide() decision {
	d := b.verdict()
	if d.through = b.through; b.doubted && (d.verdict == audit.CarriesBinary || d.verdict == audit.Seed) {
		// What is only doubted is no way by which a finding came in.
		d.through = nil
	}
	d.live = b.live
	d.vague = d.verdict == audit.CarriesBinary && (b.vague || len(b.carried) == 0 && !d.seedOnly)
	d.suspect = b.suspect && d.verdict == audit.Unknown
	d.slight = d.verdict == audit.Unknown && b.absent == "" && len(b.doubts) > 0 && b.grave == 0 && !(b.suspected && b.near)
	if len(b.executed) > 0 && d.verdict != audit.Seed {
		d.made, d.madeKinds, d.madeConfidence = true, b.executedKinds, b.executedConfidence
	}
	return d
}

func (b *built) verdict() decision {
	switch {
	case b.seed:
		conf := or(b.confidence, audit.High)
		if b.onlySeed {
			conf = audit.High
		}
		return decision{verdict: audit.Seed, confidence: conf, kinds: b.kinds}.with(b.seedFiles...)
	case len(b.carried) > 0:
		return decision{verdict: audit.CarriesBinary, confidence: b.carriedConfidence, kinds: b.carriedKinds}.
			with(b.carried...).with(b.seedFiles...).with(b.executed...)
	case len(b.seedFiles) > 0 && b.onlySeed && b.absent == "" && len(b.executed) == 0:
		return decision{verdict: audit.Seed, confidence: audit.High, kinds: b.seedKinds, reason: "all compiled code in its outputs is the seed's"}.
			with(b.seedFiles...)
	case len(b.seedFiles) > 0:
		return decision{verdict: audit.CarriesBinary, confidence: audit.High, kinds: b.seedKinds, reason: "what it carries is the seed's", seedOnly: true}.
			with(b.seedFiles...).with(b.executed...)
	case b.absent != "" && b.suspected:
		return decision{verdict: audit.CarriesBinary, confidence: b.confidence, kinds: b.kinds, reason: "by its text alone: " + b.absent}.with(b.executed...)
	case len(b.executed) > 0:
		return decision{verdict: audit.BuiltByBinary, confidence: b.executedConfidence, kinds: b.executedKinds, reason: b.by}.with(b.executed...)
	case b.absent != "":
		return decision{verdict: audit.Unknown, confidence: audit.Low, reason: b.absent}
	case b.suspected && b.near:
		reason := "its text suggests that it carries prebuilt code that its build had at hand, but none was recognised in its outputs"
		if len(b.doubts) > 0 {
			reason += "; " + b.doubts[0]
		}
		return decision{verdict: audit.Unknown, confidence: audit.Low, reason: reason}.with(b.doubtful()...)
	case len(b.doubts) > 0:
		reason := b.doubts[0]
		if n := len(b.doubts) - 1; n > 0 {
			reason += fmt.Sprintf(" (and %s)", count(n, "other doubt"))
		}
		return decision{verdict: audit.Unknown, confidence: audit.Low, reason: reason}.with(b.doubtful()...)
	}
	d := decision{verdict: audit.Source, confidence: audit.High}
	if !b.recorded {
		d.confidence = audit.Medium
		d.reason = "what its build executed is not on record"
	}
	if b.suspected {
		d.confidence = audit.Medium
	}
	if len(b.slight) > 0 {
		d.confidence, d.reason = audit.Medium, b.slight[0]
	}
	if len(b.weak) > 0 {
		d.confidence, d.reason = audit.Low, b.weak[0]
	}
	return d.with(b.clean...)
}

// doubtful is every doubt, as evidence.
func (b *built) doubtful() []audit.Evidence {
	var out []audit.Evidence
	for _, why := range b.doubts {
		out = append(out, audit.Evidence{Rule: "not-followed", Level: audit.LevelTrace, Detail: why})
	}
	return capped(out)
}

// or is a, or b where a is not set.
func or(a, b audit.Confidence) audit.Confidence {
	if a == "" {
		return b
	}
	return a
}

var grade = map[audit.Confidence]int{"": -1, audit.Low: 0, audit.Medium: 1, audit.High: 2}

// lowest and highest compare confidences; "" is below all.
func lowest(a, b audit.Confidence) audit.Confidence {
	if grade[a] < grade[b] {
		return or(a, audit.Low)
	}
	return b
}

func highest(a, b audit.Confidence) audit.Confidence {
	if grade[a] > grade[b] {
		return a
	}
	return b
}

// addKinds adds kinds to a sorted list without repeats.
func addKinds(to []audit.Kind, more ...audit.Kind) []audit.Kind {
	for _, k := range more {
		if i, ok := slices.BinarySearch(to, k); !ok && k != "" {
			to = slices.Insert(to, i, k)
		}
	}
	return to
}
