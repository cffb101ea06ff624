package analyze_test

import (
	"context"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"fromsource/analyze"
	"fromsource/analyze/audit"
	"fromsource/analyze/rules"
	"fromsource/closure"
)

// TestSeeds: a seed is what the distribution is built from, in every era, and
// not what one package is.
func TestSeeds(t *testing.T) {
	text, err := filepath.Abs("testdata/seeds.nix")
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		attr string
		// seeds have the verdict; the addresses of others do not.
		seeds, others []string
	}{
		{"usual", []string{"bootstrap-tools", "bootstrap-tools.tar.xz tarballs", "busybox tarballs", "bootstrap-tools.tar.xz other", "busybox other"}, nil},
		{"private", []string{"bootstrap-tools.tar.xz tarballs", "busybox tarballs"}, []string{"bootstrap-tools.tar.xz private", "busybox private"}},
		{"builder", []string{"bootstrap-tools.tar.xz tarballs", "busybox tarballs"}, []string{"tool private", "leaf-1"}},
		{"committed", []string{"bootstrap-tools.tar.xz tarballs", "busybox tarballs"}, []string{"leaf-1"}},
		{"minimal", []string{"hex0-seed", "hex0"}, nil},
		{"oldest", []string{"bootstrap-tools"}, nil},
		{"language", []string{"bootstrap-tools.tar.xz tarballs", "busybox tarballs"}, []string{"rust-1.79.0-x86_64-unknown-linux-gnu.tar.gz", "rustc-bootstrap-1.79.0", "rustc-1.80.0"}},
	} {
		t.Run(tc.attr, func(t *testing.T) {
			f := fixture{root: filepath.Join(scratch, "seeds")}
			drv, err := f.nix("/tmp", "nix-instantiate", text, "-A", tc.attr)
			if err != nil {
				t.Fatal(err)
			}
			g, facts, err := closure.LoadFacts(context.Background(), closure.DrvInput(drv, f.root), closure.Options{}, rules.Extract)
			if err != nil {
				t.Fatal(err)
			}
			a := run(t, analyze.Request{Graph: g, Facts: facts})
			// is tells rows by name, and by a part of the address.
			is := func(d *audit.Derivation, what string) bool {
				name, host, _ := strings.Cut(what, " ")
				return d.Name == name && strings.Contains(strings.Join(d.URLs, " "), host)
			}
			for _, want := range slices.Concat(tc.seeds, tc.others) {
				n := 0
				for i := range a.Derivations {
					d := &a.Derivations[i]
					if !is(d, want) {
						continue
					}
					n++
					if seed := slices.Contains(tc.seeds, want); seed != (d.Verdict == audit.Seed) {
						t.Errorf("%s is %s (%s), %+v", want, d.Verdict, d.Reason, d.Evidence)
					}
				}
				if n == 0 {
					t.Errorf("no row is %q", want)
				}
			}
		})
	}
}
