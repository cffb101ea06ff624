package policy

import (
	"slices"
	"strings"
	"testing"

	"fromsource/analyze/audit"
)

// What happens to a package set from one release to the next, and what the
// gate makes of it.
func TestScenarios(t *testing.T) {
	type rows = *[]audit.Derivation
	// more adds a copy of the fetch or the package under another name.
	more := func(r rows, i int, drv, name string, change func(d *audit.Derivation)) {
		d := (*r)[i]
		d.Drv, d.Name = "/nix/store/"+drv+".drv", name
		d.URLs, d.Inputs, d.Evidence = slices.Clone(d.URLs), slices.Clone(d.Inputs), slices.Clone(d.Evidence)
		if change != nil {
			change(&d)
		}
		*r = append(*r, d)
		(*r)[2].Inputs = append((*r)[2].Inputs, len(*r)-1)
	}
	url := func(u string) func(d *audit.Derivation) { return func(d *audit.Derivation) { d.URLs = []string{u} } }
	for _, c := range []struct {
		name   string
		before func(rows)
		after  func(rows)
		want   []string // package and why
		text   string   // of the message
	}{
		{"only the hash", nil, func(r rows) {
			(*r)[0].Drv, (*r)[0].Outputs[0].NarHash = "/nix/store/z-fetch.drv", "sha256-BBBB"
			(*r)[1].Evidence[0].From = "/nix/store/z-fetch.drv"
		}, nil, "pass: 2 findings"},
		{"http became https", func(r rows) { (*r)[0].URLs[0] = strings.Replace((*r)[0].URLs[0], "https:", "http:", 1) }, nil, nil, "pass"},
		{"another output", nil, func(r rows) {
			(*r)[1].Outputs = append((*r)[1].Outputs, audit.Output{Name: "lib", Path: "/nix/store/b-lib"})
		}, nil, "pass"},
		{"one more mirror at the end", nil, func(r rows) { (*r)[0].URLs = append((*r)[0].URLs, "https://mirror.example/tool.tar.gz") }, nil, "pass"},
		{"another mirror first", nil, func(r rows) {
			(*r)[0].URLs = slices.Insert((*r)[0].URLs, 0, "https://mirror.example/tool.tar.gz")
		}, []string{"tool-1.0-linux-amd64.tar.gz origin"}, "now      tool-linux-amd64.tar.gz binary binaryNativeCode build mirror.example/tool.tar.gz"},
		{"from a list of mirrors to one host", func(r rows) { (*r)[0].URLs[0] = "mirror://gnu/tool/tool-1.0.tar.gz" }, func(r rows) {
			(*r)[0].URLs[0] = "https://ftp.gnu.org/gnu/tool/tool-1.0.tar.gz"
		}, []string{"tool-1.0-linux-amd64.tar.gz origin"}, "baseline tool-linux-amd64.tar.gz binary binaryNativeCode build mirror:gnu/tool/tool-*.tar.gz"},
		{"a release became a snapshot", nil, func(r rows) {
			(*r)[0].Name, (*r)[1].Name = "tool-1.1-unstable-2026-05-01-linux-amd64.tar.gz", "tool-1.1-unstable-2026-05-01"
			(*r)[0].URLs[0] = "https://github.com/o/tool/releases/download/1e5b2a77/tool-1e5b2a77-linux-amd64.tar.gz"
		}, nil, "pass"},
		{"another architecture", nil, func(r rows) {
			(*r)[0].Name = strings.Replace((*r)[0].Name, "amd64", "arm64", 1)
			(*r)[0].URLs[0] = strings.ReplaceAll((*r)[0].URLs[0], "amd64", "arm64")
		}, []string{"tool-1.0-linux-arm64.tar.gz new"}, "new: "},
		{"renamed", nil, func(r rows) { (*r)[1].Name = "tool-bin-1.0" }, []string{"tool-bin-1.0 new"}, "1 line of the baseline not found any more:\n  \"tool\" (carries-binary, build): gone"},
		{"split in two", nil, func(r rows) { more(r, 1, "d-cli", "tool-cli-1.0", nil) }, []string{"tool-cli-1.0 new"}, `origin   "tool-1.0-linux-amd64.tar.gz"`},
		{"two of one name, of which one is new", func(r rows) { (*r)[0].Name = "source" }, func(r rows) {
			(*r)[0].Name = "source"
			more(r, 0, "d-fetch", "source", url("https://github.com/other/thing/archive/v1.tar.gz"))
		}, []string{"source new"}, "from     https://github.com/other/thing"},
		{
			"two of one name, both known", func(r rows) { more(r, 0, "d-fetch", "tool-1.0-linux-amd64.tar.gz", url("https://a.example/x.tar.gz")) },
			func(r rows) { more(r, 0, "d-fetch", "tool-1.0-linux-amd64.tar.gz", url("https://a.example/x.tar.gz")) }, nil, "pass: 3 findings",
		},
		{"two versions of one", nil, func(r rows) {
			more(r, 0, "d-fetch", "tool-2.0-linux-amd64.tar.gz", url("https://github.com/o/tool/releases/download/v2.0/tool-2.0-linux-amd64.tar.gz"))
		}, nil, "pass: 3 findings"},
		{"the second version reaches runtime", nil, func(r rows) {
			more(r, 1, "d-pkg", "tool-2.0", func(d *audit.Derivation) { d.Reach = audit.ReachRuntime })
		}, []string{"tool-1.0-linux-amd64.tar.gz reach"}, `now in   "tool-2.0"`},
		{"moved by another to where one was", nil, func(r rows) {
			(*r)[0].Name = "other.tar.gz"
			more(r, 0, "d-fetch", "tool-1.0-linux-amd64.tar.gz", url("https://github.com/o/tool/archive/tool-1.0-linux-amd64.tar.gz"))
		}, []string{"other.tar.gz new", "tool-1.0-linux-amd64.tar.gz origin"}, "new origin: "},
	} {
		t.Run(c.name, func(t *testing.T) {
			build := func(change func(rows)) *audit.Audit {
				a := small("1.0", nil)
				if change != nil {
					change(&a.Derivations)
				}
				return a
			}
			r := Gate(build(c.after), FromAudit(build(c.before), nil), nil, today)
			got := []string{}
			for _, it := range r.New {
				got = append(got, it.Package+" "+string(it.Why))
			}
			slices.Sort(got)
			if !slices.Equal(got, c.want) && len(got)+len(c.want) > 0 || r.Pass != (len(c.want) == 0) {
				t.Errorf("new: %q, want %q", got, c.want)
			}
			if msg := text(t, r); !strings.Contains(msg, c.text) {
				t.Errorf("want %q in:\n%s", c.text, msg)
			}
		})
	}
}

// What a new tool has built, at any remove, is said with the tool and not one
// by one.
func TestBuiltByNewTool(t *testing.T) {
	build := func(tool bool) *audit.Audit {
		a := small("1.0", func(f, p, _ *audit.Derivation) {
			p.Verdict = audit.BuiltByBinary
			p.Evidence = []audit.Evidence{{Rule: "exec-recorded", Level: audit.LevelTrace, From: f.Drv}}
		})
		for i := range 5 {
			d := audit.Derivation{
				Drv: "/nix/store/lib" + string(rune('a'+i)) + ".drv", Name: "lib" + string(rune('a'+i)) + "-1.0", Verdict: audit.BuiltByBinary,
				Kinds: []audit.Kind{audit.NativeCode}, Reach: audit.ReachBuild, Inputs: []int{1}, Through: []int{1},
				Evidence: []audit.Evidence{{Rule: "lineage", Level: audit.LevelTrace, From: "/nix/store/b-pkg.drv"}},
			}
			if i > 0 {
				d.Evidence, d.Through = nil, []int{2 + i} // by way of the one before
			}
			a.Derivations = append(a.Derivations, d)
		}
		for i := range a.Derivations {
			if !tool {
				a.Derivations[i].Verdict, a.Derivations[i].Kinds, a.Derivations[i].Through = audit.Source, nil, nil
			}
		}
		return a
	}
	r := Gate(build(true), FromAudit(build(false), nil), nil, today)
	if len(r.New) != 1 || r.New[0].Package != "tool-1.0-linux-amd64.tar.gz" || len(r.New[0].CarriedBy) != 6 {
		t.Errorf("with a new tool:\n%s", text(t, r))
	}
}
