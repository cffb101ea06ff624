package analyze

import (
	"strings"
	"testing"

	"fromsource/analyze/audit"
	"fromsource/closure"
)

func TestDecideFetched(t *testing.T) {
	native := []audit.Kind{audit.NativeCode}
	suspected := text{suspected: true, kinds: native, confidence: audit.Medium}
	ev := []audit.Evidence{{Rule: "trace-identical", Level: audit.LevelTrace}}
	// tree is a source archive with two compiled files among many others.
	tree := func() *contents {
		return &contents{text: 100, textBytes: 1000, members: 2, memberBytes: 400, kinds: native, confidence: audit.High, first: "elf-shared", firstAt: "t/x.so"}
	}
	blob := func() *contents {
		return &contents{text: 1, textBytes: 10, members: 3, memberBytes: 900, kinds: native, confidence: audit.High}
	}
	clean := func() *contents { return &contents{text: 10, textBytes: 1000} }
	with := func(c *contents, change func(*contents)) *contents { change(c); return c }
	unread := func(c *contents) { c.unread, c.unreadAt = "encrypted", "a.zip" }

	tests := []struct {
		name       string
		in         fetched
		verdict    audit.Verdict
		confidence audit.Confidence
		says       string // in the reason
		rule       string // among the evidence
	}{
		{"seed", fetched{text: text{seed: true, suspected: true}, contents: blob()}, audit.Seed, audit.High, "", ""},
		{"seed, not at hand", fetched{text: text{seed: true, confidence: audit.Medium}, absent: "x"}, audit.Seed, audit.Medium, "", ""},
		{"suspected, not at hand", fetched{text: suspected, absent: "gone"}, audit.Binary, audit.Medium, "gone", ""},
		{"not at hand", fetched{absent: "gone"}, audit.Unknown, audit.Low, "gone", ""},
		{"clean", fetched{contents: clean()}, audit.Source, audit.High, "", "content-none"},
		{"clean, although suspected", fetched{text: suspected, contents: clean()}, audit.Source, audit.Medium, "", "content-none"},
		{"empty", fetched{contents: &contents{}}, audit.Source, audit.High, "", "content-none"},
		{"clean, with an embedded binary", fetched{contents: with(clean(), func(c *contents) { c.embedded = 1 })}, audit.Source, audit.Low, "", "content-embedded"},
		{"unread", fetched{contents: with(clean(), unread)}, audit.Unknown, audit.Low, "encrypted", "content-unread"},
		{"unread and suspected", fetched{text: suspected, contents: with(clean(), unread)}, audit.Binary, audit.Medium, "encrypted", "content-unread"},
		{"opaque and suspected", fetched{text: suspected, contents: &contents{opaque: 1, opaqueBytes: 100, dataBytes: 100}}, audit.Binary, audit.Low, "", "content-opaque"},
		{"opaque", fetched{contents: &contents{opaque: 1, opaqueBytes: 100, dataBytes: 100}}, audit.Source, audit.High, "", "content-none"},
		{"much opaque data", fetched{contents: &contents{opaque: 1, opaqueBytes: 1 << 20, dataBytes: 1 << 20}}, audit.Source, audit.Low, "no known format", "content-none"},
		{"members unused, one too small to be seen", fetched{contents: tree(), recorded: true, unsampled: "x/x.o"}, audit.Unknown, audit.Low, "x/x.o", "content-compiled"},
		{"the same among tests", fetched{contents: tree(), recorded: true, unsampled: "x/tests/x.o"}, audit.Source, audit.Low, "x/tests/x.o", "trace-unused"},
		{"some opaque data, suspected", fetched{text: suspected, contents: &contents{opaque: 1, opaqueBytes: 100, dataBytes: 100, text: 9, textBytes: 500}}, audit.Source, audit.Medium, "", ""},
		{"mainly compiled, unused", fetched{contents: blob(), recorded: true}, audit.Binary, audit.High, "", "content-mainly-compiled"},
		{"mainly by bytes, but a tree", fetched{contents: with(blob(), func(c *contents) { c.text = 50 }), recorded: true}, audit.Source, audit.High, "", "trace-unused"},
		{"the same, suspected", fetched{text: suspected, contents: with(blob(), func(c *contents) { c.text = 50 }), recorded: true}, audit.Binary, audit.High, "", "content-mainly-compiled"},
		{"a member used", fetched{contents: tree(), used: ev, usedKinds: native, usedConfidence: audit.Medium}, audit.Binary, audit.Medium, "", "trace-identical"},
		{"a member used, part unread", fetched{contents: with(tree(), unread), used: ev, usedKinds: native, usedConfidence: audit.High}, audit.Binary, audit.High, "", "content-unread"},
		{"members unused", fetched{contents: tree(), recorded: true}, audit.Source, audit.High, "", "trace-unused"},
		{"members unused, no record", fetched{contents: tree()}, audit.Source, audit.Low, "", "trace-unused"},
		{"members unused, suspected", fetched{text: suspected, contents: tree(), recorded: true}, audit.Source, audit.Medium, "", "trace-unused"},
		{"members not followed", fetched{contents: tree(), recorded: true, unfollowed: "of foo: not at hand"}, audit.Unknown, audit.Low, "of foo", "content-compiled"},
		{"members not followed, suspected", fetched{text: suspected, contents: tree(), unfollowed: "of foo"}, audit.Binary, audit.Medium, "of foo", ""},
		{"members unused, part unread", fetched{contents: with(tree(), unread), recorded: true}, audit.Unknown, audit.Low, "encrypted", "content-unread"},
		{"members in the target itself", fetched{contents: tree(), recorded: true, target: true}, audit.Binary, audit.High, "", "trace-in-target"},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			check(t, tc.in.decide(), tc.verdict, tc.confidence, tc.says, tc.rule)
		})
	}
}

func TestDecideBuilt(t *testing.T) {
	native := []audit.Kind{audit.NativeCode}
	suspected := text{suspected: true, kinds: native, confidence: audit.Medium}
	carried := []audit.Evidence{{Rule: "trace-patched", Level: audit.LevelTrace}}
	ran := []audit.Evidence{{Rule: "exec-recorded", Level: audit.LevelTrace}}
	fromSeed := []audit.Evidence{{Rule: "seed-content", Level: audit.LevelTrace}}
	none := []audit.Evidence{{Rule: "trace-none", Level: audit.LevelTrace}}
	tests := []struct {
		name       string
		in         built
		verdict    audit.Verdict
		confidence audit.Confidence
		says, rule string
	}{
		{"clean", built{recorded: true, clean: none}, audit.Source, audit.High, "", "trace-none"},
		{"clean, no record", built{}, audit.Source, audit.Medium, "not on record", ""},
		{"clean, weak", built{recorded: true, weak: []string{"linked"}}, audit.Source, audit.Low, "linked", ""},
		{"clean, suspected", built{text: suspected, recorded: true}, audit.Source, audit.Medium, "", ""},
		{"suspected, prebuilt near", built{text: suspected, recorded: true, near: true}, audit.Unknown, audit.Low, "none was recognised", ""},
		{"prebuilt near, not suspected", built{recorded: true, near: true}, audit.Source, audit.High, "", ""},
		{"doubts", built{recorded: true, doubts: []string{"first", "second", "third"}}, audit.Unknown, audit.Low, "first (and 2 other doubts)", ""},
		{"not at hand", built{absent: "not inspected"}, audit.Unknown, audit.Low, "not inspected", ""},
		{"not at hand, suspected", built{text: suspected, absent: "gone"}, audit.CarriesBinary, audit.Medium, "gone", ""},
		{"carried", built{carried: carried, carriedKinds: native, carriedConfidence: audit.High}, audit.CarriesBinary, audit.High, "", "trace-patched"},
		{"carried, with doubts", built{carried: carried, carriedConfidence: audit.High, doubts: []string{"x"}}, audit.CarriesBinary, audit.High, "", "trace-patched"},
		{"carried by one output, another not at hand", built{carried: carried, carriedConfidence: audit.High, absent: "gone"}, audit.CarriesBinary, audit.High, "", "trace-patched"},
		{"carried and executed", built{carried: carried, carriedConfidence: audit.High, executed: ran}, audit.CarriesBinary, audit.High, "", "exec-recorded"},
		{"executed", built{executed: ran, executedConfidence: audit.High}, audit.BuiltByBinary, audit.High, "", "exec-recorded"},
		{"executed, not at hand", built{executed: ran, executedConfidence: audit.High, absent: "gone"}, audit.BuiltByBinary, audit.High, "", "exec-recorded"},
		{"executed, with doubts", built{executed: ran, executedConfidence: audit.Medium, doubts: []string{"x"}}, audit.BuiltByBinary, audit.Medium, "", ""},
		{"seed by its text", built{text: text{seed: true}}, audit.Seed, audit.High, "", ""},
		{"all of it the seed's", built{seedFiles: fromSeed, onlySeed: true}, audit.Seed, audit.High, "all compiled code", "seed-content"},
		{"all of it the seed's, an output not at hand", built{seedFiles: fromSeed, onlySeed: true, absent: "gone"}, audit.CarriesBinary, audit.High, "the seed's", "seed-content"},
		{"the seed's among others", built{seedFiles: fromSeed}, audit.CarriesBinary, audit.High, "the seed's", "seed-content"},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			check(t, tc.in.decide(), tc.verdict, tc.confidence, tc.says, tc.rule)
		})
	}
}

// TestDecideWay: a doubt about what a build used explains an unknown; it is
// no way by which something prebuilt came in.
func TestDecideWay(t *testing.T) {
	carried := []audit.Evidence{{Rule: "trace-patched", Level: audit.LevelTrace}}
	for name, tc := range map[string]struct {
		in   built
		want int
	}{
		"by text alone":     {built{text: text{suspected: true}, absent: "gone", through: []closure.ID{1}, doubted: true}, 0},
		"carried":           {built{carried: carried, through: []closure.ID{1}, doubted: true}, 0},
		"seed":              {built{text: text{seed: true}, through: []closure.ID{1}, doubted: true}, 0},
		"unknown":           {built{absent: "gone", through: []closure.ID{1}, doubted: true}, 1},
		"carried by others": {built{carried: carried, through: []closure.ID{1}}, 1},
	} {
		if d := tc.in.decide(); len(d.through) != tc.want {
			t.Errorf("%s: %s through %v, want %d", name, d.verdict, d.through, tc.want)
		}
	}
}

func check(t *testing.T, d decision, v audit.Verdict, c audit.Confidence, says, rule string) {
	t.Helper()
	if d.verdict != v || d.confidence != c {
		t.Errorf("%s, %s; want %s, %s", d.verdict, d.confidence, v, c)
	}
	if !strings.Contains(d.reason, says) {
		t.Errorf("reason %q does not say %q", d.reason, says)
	}
	if d.verdict == audit.Unknown && d.reason == "" {
		t.Error("unknown without a reason")
	}
	for _, e := range d.evidence {
		if e.Rule == rule {
			return
		}
	}
	if rule != "" {
		t.Errorf("no evidence %q in %+v", rule, d.evidence)
	}
}
