package policy

import (
	"bytes"
	"strings"
	"testing"

	"fromsource/analyze/audit"
	"fromsource/analyze/policy/audittest"
)

func names(list []Change) string {
	var out []string
	for _, c := range list {
		o, n := "-", "-"
		if c.Old != nil {
			o = c.Old.Package
		}
		if c.New != nil {
			n = c.New.Package
		}
		out = append(out, o+">"+n)
	}
	return strings.Join(out, " ")
}

func summary(d *Diff) string {
	var out []string
	for _, l := range []struct {
		name string
		list []Change
	}{
		{"added", d.Added},
		{"gone", d.Gone},
		{"source", d.BecameSource},
		{"unknown", d.BecameUnknown},
		{"verdict", d.Verdict},
		{"kind", d.Kind},
		{"reach", d.Reach},
		{"origin", d.Origin},
	} {
		if s := names(l.list); s != "" {
			out = append(out, l.name+" "+s)
		}
	}
	return strings.Join(out, "; ")
}

func TestCompare(t *testing.T) {
	const pkg, fetch = "tool-1.0>tool-2.0", "tool-1.0-linux-amd64.tar.gz>tool-2.0-linux-amd64.tar.gz"
	for _, c := range []struct {
		name   string
		change func(fetch, pkg, root *audit.Derivation)
		want   string
	}{
		{"a new version", nil, ""},
		{"new kind", func(f, _, _ *audit.Derivation) { f.Kinds = []audit.Kind{audit.Firmware} }, "kind " + fetch},
		{"new reach", func(f, p, _ *audit.Derivation) {
			f.Reach, p.Reach = audit.ReachRuntime, audit.ReachRuntime
		}, "reach " + pkg + " " + fetch},
		{"new verdict", func(_, p, _ *audit.Derivation) { p.Verdict = audit.BuiltByBinary }, "verdict " + pkg},
		{"became source", func(f, p, _ *audit.Derivation) { p.Verdict = audit.Source }, "source " + pkg},
		{"became unknown", func(f, p, _ *audit.Derivation) {
			p.Verdict, p.Reason = audit.Unknown, "no content"
		}, "unknown " + pkg},
		{"renamed", func(f, _, _ *audit.Derivation) {
			f.Name = "other.tar.gz"
		}, "added ->other.tar.gz; gone tool-1.0-linux-amd64.tar.gz>-"},
		{"another origin", func(f, _, _ *audit.Derivation) { f.URLs[0] = "https://example.org/x" }, "origin " + fetch},
		{"the root carries it, too", func(_, _, r *audit.Derivation) {
			r.Verdict, r.Kinds = audit.CarriesBinary, []audit.Kind{audit.NativeCode}
			r.Evidence = []audit.Evidence{{Rule: "trace", Level: audit.LevelTrace, From: "/nix/store/b-pkg.drv"}}
		}, "added image-1.0.iso>image-2.0.iso; reach " + fetch},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := Compare(small("1.0", nil), rename(small("2.0", c.change)))
			if got := summary(d); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
			if d.Empty() != (c.want == "") {
				t.Errorf("empty is %v", d.Empty())
			}
			back := Compare(rename(small("2.0", c.change)), small("1.0", nil))
			if len(back.Gone)+len(back.BecameSource)+len(back.BecameUnknown) != len(d.Added) || len(back.Kind) != len(d.Kind) || len(back.Reach) != len(d.Reach) {
				t.Errorf("the other way round: %s", summary(back))
			}
		})
	}
}

// rename gives the derivations other paths, as a new release has.
func rename(a *audit.Audit) *audit.Audit {
	for i := range a.Derivations {
		a.Derivations[i].Drv = strings.Replace(a.Derivations[i].Drv, ".drv", "-next.drv", 1)
		for e := range a.Derivations[i].Evidence {
			a.Derivations[i].Evidence[e].From = strings.Replace(a.Derivations[i].Evidence[e].From, ".drv", "-next.drv", 1)
		}
	}
	return a
}

func TestCompareLarge(t *testing.T) {
	a := audittest.Generate(3000)
	d := Compare(a, a)
	if !d.Empty() || d.Same != d.Old.Findings+d.Old.Seeds {
		t.Errorf("an audit differs from itself: %s", summary(d))
	}
	var x, y bytes.Buffer
	b := audittest.Generate(2600)
	for _, out := range []*bytes.Buffer{&x, &y} {
		if err := Compare(a, b).WriteJSON(out); err != nil {
			t.Fatal(err)
		}
	}
	if x.String() != y.String() {
		t.Error("the same comparison gives other bytes")
	}
	if strings.Contains(x.String(), "null,") && strings.Contains(x.String(), `"added": null`) {
		t.Error("an empty list is null")
	}
}

func BenchmarkCompare(b *testing.B) {
	x, y := audittest.Generate(30000), audittest.Generate(28000)
	for b.Loop() {
		Compare(x, y)
	}
}

// Fetches of a forge are all called "source": which of them is which is told
// by the project, in the diff and in the gate.
func TestSharedName(t *testing.T) {
	fetch := func(drv string, v audit.Verdict, url string) audit.Derivation {
		return audit.Derivation{Drv: drv, Name: "source", FixedOutput: true, Verdict: v, Kinds: []audit.Kind{audit.Firmware}, Reach: audit.ReachUnknown, URLs: []string{url}}
	}
	seed := audit.Derivation{Drv: "/seed.drv", Name: "busybox", FixedOutput: true, Verdict: audit.Seed, Reach: audit.ReachUnknown, URLs: []string{"http://t.example/stdenv/x/busybox"}}
	pkg := audit.Derivation{Drv: "/busybox.drv", Name: "busybox-1.37.0", Verdict: audit.Unknown, Reach: audit.ReachUnknown}
	old := &audit.Audit{Derivations: []audit.Derivation{
		fetch("/a1.drv", audit.Binary, "https://github.com/o/a/archive/1.tar.gz"),
		fetch("/b1.drv", audit.Binary, "https://github.com/o/b/archive/1.tar.gz"),
		fetch("/c1.drv", audit.Binary, "https://github.com/o/c/archive/1.tar.gz"),
		seed,
	}}
	now := &audit.Audit{Derivations: []audit.Derivation{
		fetch("/b2.drv", audit.Binary, "https://github.com/o/b/archive/refs/tags/2.tar.gz"),
		fetch("/c2.drv", audit.Unknown, "https://github.com/o/c/archive/refs/tags/2.tar.gz"),
		fetch("/d2.drv", audit.Unknown, "https://github.com/o/d/archive/refs/tags/2.tar.gz"),
		fetch("/e2.drv", audit.Unknown, "https://github.com/o/e/archive/refs/tags/2.tar.gz"),
		pkg,
	}}
	d := Compare(old, now)
	if got := summary(d); got != "gone busybox>- source>-; unknown source>source; origin source>source" {
		t.Error(got)
	}
	if o := d.Origin[0]; o.Old.Drv != "/b1.drv" || o.New.Drv != "/b2.drv" {
		t.Errorf("%s is taken for what %s was", o.New.Drv, o.Old.Drv)
	}
	if u := d.BecameUnknown[0]; u.Old.Drv != "/c1.drv" || u.New.Drv != "/c2.drv" {
		t.Errorf("%s is taken for what %s was", u.New.Drv, u.Old.Drv)
	}
	r := Gate(now, FromAudit(old, nil), nil, today)
	if len(r.New) != 1 || r.New[0].Was == nil || r.New[0].Was.Origin != "github.com/o/b/archive/*.tar.gz" {
		t.Errorf("new: %+v", r.New)
	}
	var gone []string
	for _, e := range r.Gone {
		gone = append(gone, e.Origin+" "+e.Now)
	}
	want := "t.example/stdenv/x/busybox gone; github.com/o/a/archive/*.tar.gz gone; github.com/o/b/archive/*.tar.gz gone; github.com/o/c/archive/*.tar.gz unknown"
	if got := strings.Join(gone, "; "); got != want {
		t.Error(got)
	}
}
