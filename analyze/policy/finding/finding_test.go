package finding

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"fromsource/analyze/audit"
	"fromsource/analyze/policy/audittest"
)

func TestNormalName(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"hello-2.12.1", "hello"},
		{"hello-2.13", "hello"},
		{"zlib-1.3.tar.gz", "zlib.tar.gz"},
		{"rustc-bootstrap-1.47.0", "rustc-bootstrap"},
		{"go-1.21.0-linux-amd64-bootstrap", "go-linux-amd64-bootstrap"},
		{"openjdk-8u292-b10", "openjdk"},
		{"tool-1.0-x64", "tool-x64"},
		{"openssl-1.1.1w", "openssl"},
		{"tool-1.2.3-unstable-2024-01-01", "tool"},
		{"tool-0-unstable-2024-01-01", "tool"},
		{"tool-unstable", "tool-unstable"},
		{"7zip-19.00", "7zip"},
		{"2048-in-terminal-0.9", "2048-in-terminal"},
		{"gtk+3-3.24", "gtk+*"},
		{"x86_64-seed-20240101", "x86_64-seed"},
		{"unstable-2021-03-04", "unstable"},
		{"libfoo.so", "libfoo.so"},
		{"libc6_2.36-9+deb12u14_amd64.deb", "libc6_amd64.deb"},
		{"firmware-x_1.4.0-108-gd856466+dfsg1-1.3+deb12u1_all.deb", "firmware-x_all.deb"},
		{"gettext-0.21", "gettext"},
		{"source", "source"},
		{"1.0", "1.0"},
		{"", ""},
	} {
		if got := NormalName(c.in); got != c.want {
			t.Errorf("NormalName(%q) = %q, want %q", c.in, got, c.want)
		}
	}
}

func TestNormalURL(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{
			"https://github.com/o/r/releases/download/v1.2.3/tool-1.2.3-linux-amd64.tar.gz",
			"github.com/o/r/releases/download/*/tool-*-linux-amd64.tar.gz",
		},
		{
			"https://github.com/o/r/releases/download/v2.0.0-rc1/tool-2.0.0-rc1-linux-amd64.tar.gz",
			"github.com/o/r/releases/download/*/tool-*-linux-amd64.tar.gz",
		},
		{
			"http://tarballs.nixos.org/stdenv/x86_64-unknown-linux-gnu/82b583ba2ba2e5706b35dbe23f31362e62be2a9d/busybox",
			"tarballs.nixos.org/stdenv/x86_64-unknown-linux-gnu/*/busybox",
		},
		{
			"https://repo.maven.apache.org/maven2/org/a/b/1.0/b-1.0.jar",
			"repo.maven.apache.org/maven2/org/a/b/*/b-*.jar",
		},
		{"https://H.Example:8443/a?v=1.2#x", "h.example:8443/a?v=*%23x"},
		{"mirror://gnu/hello/hello-2.12.tar.gz", "mirror:gnu/hello/hello-*.tar.gz"},
		{"https://example.org/node-v18-win-x64.zip", "example.org/node-*-win-x64.zip"},
		{"https://example.org/go1.21.linux-386.tar.gz", "example.org/go1.*.linux-386.tar.gz"},
		{
			"https://files.example.org/packages/ab/c0/0123456789abcdef0123456789abcdef0123456789abcdef0123456789ab/x-1.0-cp311-cp311-manylinux_2_17_x86_64.whl",
			"files.example.org/packages/*/*/*/x-*-manylinux_*_x86_64.whl",
		},
		{"https://example.org/b/3.0.0-M1/b-3.0.0-M1.jar", "example.org/b/*/b-*.jar"},
		{"not a url", "not%20a%20url"},
		{"https://example.org/a b\n#c", "https://example.org/a%20b%0A%23c"},
	} {
		if got := NormalURL(c.in); got != c.want {
			t.Errorf("NormalURL(%q) = %q, want %q", c.in, got, c.want)
		}
	}
}

// What must not become the same: other hosts, owners, projects,
// architectures and file types.
func TestNormalURLKeepsApart(t *testing.T) {
	all := []string{
		"https://github.com/o/r/releases/download/v1/tool-linux-amd64.tar.gz",
		"https://github.com/o/r/releases/download/v1/tool-linux-arm64.tar.gz",
		"https://github.com/o/r/releases/download/v1/tool-linux-386.tar.gz",
		"https://github.com/o/other/releases/download/v1/tool-linux-amd64.tar.gz",
		"https://github.com/evil/r/releases/download/v1/tool-linux-amd64.tar.gz",
		"https://gitlab.com/o/r/releases/download/v1/tool-linux-amd64.tar.gz",
		"https://github.com/o/r/archive/v1/tool-linux-amd64.tar.gz",
		"https://github.com/o/r/releases/download/v1/tool-linux-amd64.jar",
		"https://github.com:8080/o/r/releases/download/v1/tool-linux-amd64.jar",
	}
	seen := map[string]string{}
	for _, u := range all {
		n := NormalURL(u)
		if was, ok := seen[n]; ok {
			t.Errorf("%q and %q are both %q", was, u, n)
		}
		seen[n] = u
	}
}

func FuzzNormalURL(f *testing.F) {
	for _, s := range append(slices.Clone(audittest.Hostile), "https://a/v1.2.3-rc1/*-*/x-1_2+3.tar") {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := NormalURL(s)
		if strings.ContainsAny(got, " \t\r\n#,") {
			t.Fatalf("%q became %q, which does not fit a column", s, got)
		}
		NormalName(s)
	})
}

func TestOrder(t *testing.T) {
	s := Of(audittest.Generate(3000))
	last := -1
	for _, i := range s.Findings {
		if r := reachRank(s.At(i).Reach); r < last {
			t.Fatalf("row %d of reach %s comes after a lesser reach", i, s.At(i).Reach)
		} else {
			last = r
		}
	}
	for _, v := range []struct {
		rows []int
		ok   func(audit.Verdict) bool
	}{
		{s.Findings, Is},
		{s.Seeds, func(v audit.Verdict) bool { return v == audit.Seed }},
		{s.Unknown, func(v audit.Verdict) bool { return v == audit.Unknown }},
	} {
		if len(v.rows) == 0 {
			t.Error("a group is empty")
		}
		for _, i := range v.rows {
			if !v.ok(s.At(i).Verdict) {
				t.Errorf("row %d of verdict %s is in the wrong group", i, s.At(i).Verdict)
			}
		}
	}
}

// TestFaint: what is hardly suspected is not foremost by what depends on it.
func TestFaint(t *testing.T) {
	text := []audit.Evidence{{Rule: "graph-wraps-suspect", Level: audit.LevelDerivation}}
	s := Of(&audit.Audit{Derivations: []audit.Derivation{
		{Drv: "/nix/store/a-libc.drv", Name: "libc", Verdict: audit.CarriesBinary, Confidence: audit.Low, Influence: 900, Evidence: text},
		{Drv: "/nix/store/b-tool.drv", Name: "tool", Verdict: audit.CarriesBinary, Confidence: audit.Medium, Influence: 10, Evidence: text},
		{Drv: "/nix/store/c-radio.drv", Name: "radio", Verdict: audit.CarriesBinary, Confidence: audit.Low, Influence: 20, Evidence: []audit.Evidence{{Rule: "trace-identical", Level: audit.LevelTrace}}},
	}})
	if want := []int{2, 1, 0}; !slices.Equal(s.Findings, want) {
		t.Errorf("findings %v, want %v", s.Findings, want)
	}
}

func TestUnknownVerdictIsNotSource(t *testing.T) {
	a := &audit.Audit{Derivations: []audit.Derivation{{Drv: "/x.drv", Verdict: "from-the-future"}}}
	if s := Of(a); len(s.Unknown) != 1 {
		t.Errorf("a verdict of a newer version is in %v, %v, %v", s.Findings, s.Seeds, s.Unknown)
	}
}

func TestWay(t *testing.T) {
	s := Of(audittest.Generate(3000))
	roots := s.Roots()
	for _, i := range s.Findings {
		way, via := s.Way(i)
		if len(way) == 0 {
			t.Fatalf("no way to row %d", i)
		}
		if way[0] != roots[0] || way[len(way)-1] != i {
			t.Fatalf("the way to %d is %v", i, way)
		}
		for k := 1; k < len(way); k++ {
			d := s.At(way[k-1])
			next := d.Inputs
			if via == ViaReferences {
				next = d.Outputs[0].References
			}
			if !slices.Contains(next, way[k]) {
				t.Fatalf("way by %s: row %d has no edge to %d", via, way[k-1], way[k])
			}
			if via == ViaInputs && d.FixedOutput {
				t.Fatalf("the way to %d goes through the inputs of fetch %d", i, way[k-1])
			}
		}
	}
}

// A hand-made file may be full of nonsense; questions on it must end.
func TestNonsense(t *testing.T) {
	a := &audit.Audit{
		Target: audit.Target{Roots: []string{"/a.drv", "/nowhere.drv", "/a.drv"}},
		Derivations: []audit.Derivation{
			{Drv: "/a.drv", Inputs: []int{-1, 0, 1, 99}, Verdict: audit.CarriesBinary, Evidence: []audit.Evidence{{From: "/b.drv"}, {From: "/a.drv"}}},
			{Drv: "/b.drv", Inputs: []int{0}, Verdict: audit.CarriesBinary, Evidence: []audit.Evidence{{From: "/a.drv"}}},
			{Drv: "/c.drv", Verdict: audit.Seed},
		},
	}
	s := Of(a)
	if w, _ := s.Way(1); !slices.Equal(w, []int{0, 1}) {
		t.Errorf("way %v", w)
	}
	if w, _ := s.Way(2); len(w) != 0 {
		t.Errorf("a way to a row that nothing needs: %v", w)
	}
	s.SeedOf()
	s.Identity(0)
	s.Origins(1)
}

func TestReachOfCarriedBytes(t *testing.T) {
	a := &audit.Audit{Derivations: []audit.Derivation{
		{Drv: "/fetch.drv", FixedOutput: true, Verdict: audit.Binary, Reach: audit.ReachBuild, URLs: []string{"https://e.org/x-1.jar"}},
		{Drv: "/iso.drv", Verdict: audit.CarriesBinary, Reach: audit.ReachRuntime, Evidence: []audit.Evidence{{Level: audit.LevelTrace, From: "/pkg.drv"}}},
		{Drv: "/pkg.drv", Verdict: audit.CarriesBinary, Reach: audit.ReachBuild, Evidence: []audit.Evidence{{Level: audit.LevelTrace, From: "/fetch.drv"}}},
	}}
	s := Of(a)
	if r := s.Reach(0); r != audit.ReachRuntime {
		t.Errorf("bytes of the fetch are in the image, its reach is %s", r)
	}
	if o := s.Origin(1); o != "-" {
		t.Errorf("origin of a carrier of findings is %q", o)
	}
}

// What a long line of builds comes from is found once, not anew for each.
func BenchmarkOrigins(b *testing.B) {
	const n = 30000
	a := &audit.Audit{Derivations: make([]audit.Derivation, n)}
	a.Derivations[0] = audit.Derivation{Drv: "/0.drv", Name: "tool.jar", FixedOutput: true, Verdict: audit.Binary}
	for i := 1; i < n; i++ {
		a.Derivations[i] = audit.Derivation{Drv: fmt.Sprintf("/%d.drv", i), Name: fmt.Sprintf("lib%d", i), Verdict: audit.BuiltByBinary, Inputs: []int{i - 1}, Through: []int{i - 1}}
	}
	a.Derivations[1].Evidence = []audit.Evidence{{Level: audit.LevelTrace, From: "/0.drv"}}
	for b.Loop() {
		s := Of(a)
		for i := range n {
			if o := s.Origins(i); i > 0 && !slices.Equal(o, []int{0}) {
				b.Fatalf("row %d comes from %v", i, o)
			}
		}
	}
}
