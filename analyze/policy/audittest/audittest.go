// Package audittest makes audits for tests and benchmarks: of the shape of a
// NixOS closure (a seed at the bottom, half of the rows fetches, a few percent
// prebuilt, an image as root), of any size, and always the same for the same
// size.
package audittest

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"fromsource/analyze/audit"
)

const nix32 = "0123456789abcdfghijklmnpqrsvwxyz"

// Generate makes an audit of n derivations; n must be at least 20.
func Generate(n int) *audit.Audit {
	g := &generator{rng: rand.New(rand.NewPCG(20, 9))}
	g.seed()
	for len(g.rows) < n-1 {
		if len(g.rows)%2 == 0 {
			g.fetch()
		} else {
			g.build()
		}
	}
	g.root()
	return g.finish()
}

type generator struct {
	rng    *rand.Rand
	rows   []audit.Derivation
	builds []int // rows of built derivations
	loose  []int // fetches that nothing uses yet
}

func (g *generator) path(name, suffix string) string {
	var b strings.Builder
	for range 32 {
		b.WriteByte(nix32[g.rng.IntN(32)])
	}
	return "/nix/store/" + b.String() + "-" + name + suffix
}

func (g *generator) sri() string {
	var b [8]byte
	for i := range b {
		b[i] = byte(g.rng.IntN(256))
	}
	sum := sha256.Sum256(b[:])
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}

func (g *generator) row(d audit.Derivation) int {
	d.Drv = g.path(d.Name, ".drv")
	if d.Verdict != audit.Unknown {
		d.Outputs = []audit.Output{{Name: "out", Path: g.path(d.Name, ""), NarHash: g.sri(), NarSize: int64(1) << (8 + g.rng.IntN(18))}}
	} else {
		d.Outputs = []audit.Output{{Name: "out", Path: g.path(d.Name, "")}}
		d.Reason = "not inspected"
	}
	g.rows = append(g.rows, d)
	return len(g.rows) - 1
}

func (g *generator) seed() {
	files := g.row(audit.Derivation{
		Name: "bootstrap-tools.tar.xz", FixedOutput: true, Verdict: audit.Seed, Suspected: true,
		Kinds: []audit.Kind{audit.NativeCode}, Reach: audit.ReachBuild, Confidence: audit.High,
		URLs: []string{"http://tarballs.nixos.org/stdenv/x86_64-unknown-linux-gnu/82b583ba2ba2e5706b35dbe23f31362e62be2a9d/bootstrap-tools.tar.xz"},
		Evidence: []audit.Evidence{
			{Rule: "seed-shape", Level: audit.LevelDerivation, At: "env.urls", Detail: "the bootstrap of a standard environment"},
			{Rule: "content-elf", Level: audit.LevelContent, At: "bootstrap-tools.tar.xz/bin/gcc", Detail: "ELF executable, x86-64"},
		},
	})
	tools := g.row(audit.Derivation{
		Name: "bootstrap-tools", Verdict: audit.Seed, Suspected: true, Kinds: []audit.Kind{audit.NativeCode},
		Reach: audit.ReachBuild, Confidence: audit.High, Inputs: []int{files},
	})
	g.builds = append(g.builds, tools)
}

var stems = strings.Fields("glibc zlib openssl curl perl python3 linux systemd util-linux bash coreutils grub2 nix sqlite dbus " +
	"libffi gmp readline ncurses expat pcre2 icu4c llvm rust-lang mesa libdrm wayland qtbase kwin plasma-desktop firefox")

func (g *generator) stem() string {
	s := stems[g.rng.IntN(len(stems))]
	return fmt.Sprintf("%s-%d.%d.%d", s, 1+g.rng.IntN(9), g.rng.IntN(30), g.rng.IntN(10))
}

func (g *generator) reach() audit.Reach {
	if g.rng.IntN(4) == 0 {
		return audit.ReachRuntime
	}
	return audit.ReachBuild
}

func (g *generator) fetch() {
	name := g.stem()
	d := audit.Derivation{
		Name: name + ".tar.xz", FixedOutput: true, Verdict: audit.Source, Kinds: nil,
		Reach: audit.ReachBuild, Confidence: audit.High,
		URLs: []string{"https://example.org/" + name[:3] + "/" + name + ".tar.xz"},
	}
	switch g.rng.IntN(40) {
	case 0, 1:
		d.Name = name + "-linux-amd64.tar.gz"
		d.Verdict, d.Suspected, d.Reach = audit.Binary, true, g.reach()
		d.Kinds = []audit.Kind{[]audit.Kind{audit.NativeCode, audit.Bytecode, audit.Firmware}[g.rng.IntN(3)]}
		d.URLs = []string{"https://github.com/owner/" + name[:4] + "/releases/download/v" + name[len(name)-5:] + "/" + d.Name}
		d.Evidence = []audit.Evidence{
			{Rule: "url-arch-release", Level: audit.LevelDerivation, At: "env.urls", Detail: "the file name has an architecture"},
			{Rule: "content-elf", Level: audit.LevelContent, At: d.Name + "/bin/tool", Detail: "ELF executable, x86-64, dynamically linked"},
		}
		if g.rng.IntN(4) == 0 {
			d.Evidence, d.Confidence = d.Evidence[:1], audit.Medium
		}
		d.Rebuild = []audit.Rebuild{g.rebuild()}
	case 2, 3:
		d.Verdict, d.Reach = audit.Unknown, audit.ReachUnknown
	}
	i := g.row(d)
	g.loose = append(g.loose, i)
}

func (g *generator) rebuild() audit.Rebuild {
	h := g.sri()
	r := audit.Rebuild{Output: "out", Expected: h, Got: h, Result: audit.Reproduced, By: "guest", Against: "first build"}
	switch g.rng.IntN(8) {
	case 0:
		r.Got, r.Result = g.sri(), audit.Differs
		r.Differences = []audit.Difference{{Path: "bin/tool", What: "section .text", Detail: "4 of 4096 bytes"}, {Path: "share/doc.gz", What: "timestamp"}}
	case 1:
		r.Expected, r.Got, r.Result, r.Reason = "", "", audit.Failed, "builder exited with 2"
	}
	return r
}

func (g *generator) build() {
	d := audit.Derivation{Name: g.stem(), Verdict: audit.Source, Reach: g.reach(), Confidence: audit.High}
	d.Inputs = append(d.Inputs, g.loose...)
	for range 2 + g.rng.IntN(6) {
		// Recent rows more often than old ones, as in a real closure.
		k := len(g.builds) - 1 - int(float64(len(g.builds))*g.rng.Float64()*g.rng.Float64())
		d.Inputs = append(d.Inputs, g.builds[max(k, 0)])
	}
	for _, f := range g.loose {
		if p := &g.rows[f]; p.Verdict == audit.Binary {
			d.Verdict, d.Kinds, d.Suspected, d.Reach = audit.CarriesBinary, p.Kinds, true, p.Reach
			if g.rng.IntN(3) == 0 {
				d.Verdict = audit.BuiltByBinary
			}
			d.Evidence = []audit.Evidence{{
				Rule: "trace-patched-elf", Level: audit.LevelTrace, At: "out/bin/tool",
				Detail: "code sections equal, interpreter changed", From: p.Drv,
			}}
			d.Rebuild = []audit.Rebuild{g.rebuild()}
		} else if p.Verdict == audit.Unknown {
			d.Verdict = audit.Unknown
		}
	}
	g.loose = g.loose[:0]
	g.builds = append(g.builds, g.row(d))
}

func (g *generator) root() {
	i := g.row(audit.Derivation{
		Name: "nixos-minimal-25.05-x86_64-linux.iso", Verdict: audit.CarriesBinary, Kinds: []audit.Kind{audit.NativeCode},
		Reach: audit.ReachRuntime, Confidence: audit.High,
	})
	d := &g.rows[i]
	used := make([]bool, len(g.rows))
	for _, r := range g.rows {
		for _, in := range r.Inputs {
			used[in] = true
		}
	}
	for j := range g.rows[:i] {
		if !used[j] {
			d.Inputs = append(d.Inputs, j)
		}
	}
	for j := range g.rows[:i] {
		if g.rows[j].Verdict == audit.CarriesBinary && g.rows[j].Reach == audit.ReachRuntime {
			d.Evidence = append(d.Evidence, audit.Evidence{
				Rule: "trace-identical", Level: audit.LevelTrace, At: "nix-store.squashfs/bin/tool", Detail: "the same file", From: g.rows[j].Drv,
			})
			break
		}
	}
}

// finish sorts the rows, renumbers, and fills references, influence and the
// summary.
func (g *generator) finish() *audit.Audit {
	order := make([]int, len(g.rows))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return strings.Compare(g.rows[a].Drv, g.rows[b].Drv) })
	at := make([]int, len(order))
	for to, from := range order {
		at[from] = to
	}
	root := g.rows[len(g.rows)-1].Drv
	rows := make([]audit.Derivation, len(order))
	for to, from := range order {
		d := g.rows[from]
		ins := make([]int, 0, len(d.Inputs))
		refs := []int{}
		for _, in := range d.Inputs {
			ins = append(ins, at[in])
			if d.Reach == audit.ReachRuntime && g.rows[in].Reach == audit.ReachRuntime && !g.rows[in].FixedOutput {
				refs = append(refs, at[in])
			}
		}
		slices.Sort(ins)
		slices.Sort(refs)
		d.Inputs = slices.Compact(ins)
		if d.Verdict != audit.Unknown {
			d.Outputs[0].References = slices.Compact(refs)
		}
		if audit.Seed != d.Verdict && len(d.Kinds) > 0 {
			d.Influence = 1 + from%97
		}
		rows[to] = d
	}
	return &audit.Audit{
		Schema: audit.Schema,
		Tool:   audit.Tool{Version: "0.1.0", Detector: "test"},
		Target: audit.Target{
			Name: "nixos-minimal-25.05", Roots: []string{root}, ReachBy: audit.ReachByImage,
			Image: &audit.Image{Path: "iso/nixos-minimal-25.05-x86_64-linux.iso", Size: 1 << 30, SHA256: strings.Repeat("5a", 32)},
			Guest: &audit.Guest{Nix: "2.8.0", Kernel: "6.1.0-40-amd64", Packages: []string{}, Sandbox: true},
		},
		Summary:     audit.Summarize(rows),
		Derivations: rows,
		Promises: []audit.Promise{
			{Rule: "seed-reference", Title: "no output refers to the seed", Result: audit.PromiseKept, Checked: len(rows) / 4, Broken: []int{}},
			{Rule: "seed-generated", Title: "no code was generated by the seed", Result: audit.PromiseUntested, Broken: []int{}, Reason: "builds were not watched"},
		},
		Skipped: []audit.Skip{{Input: root, Reason: "output is larger than the limit"}},
	}
}

// Hostile are strings that try to be more than text: markup, scripts,
// terminal escapes, forge references, and what breaks tables and quotes.
var Hostile = []string{
	"</script><script>alert(1)</script>", `"><img src=x onerror=alert(1)>`, "<!--<script>", "]]>", "--></style><b>",
	"a|b|c", "`code`", "``", "line\nbreak\r\n| x |", "# title", "[x](javascript:alert(1))", "![i](https://evil.example/i.png)",
	"@user #1 !2 ~label :smile: GH-3", "https://evil.example/", "www.evil.example", "\x1b[2J\x1b]0;pwned\a", "\u202egnp.exe",
	"\xff\xfe", "${builtins.abort \"x\"}", "'; drop", "*/ end", "\\", "{{x}}", "&lt;b&gt;", "\u2028\u2029", "$x$", "''${x}''", "%0a::error::x",
	"=cmd()", strings.Repeat("long", 60),
}

// GenerateHostile is Generate(n) with hostile strings wherever an audit has
// a string of others.
func GenerateHostile(n int) *audit.Audit {
	a := Generate(n)
	k := 0
	next := func() string { k++; return Hostile[k%len(Hostile)] }
	a.Target.Name = next()
	a.Tool.Version = next()
	a.Target.Image.Path = next() + ".iso"
	a.Target.Guest.Nix, a.Target.Guest.Kernel = next(), next()
	for i := range a.Derivations {
		d := &a.Derivations[i]
		d.Name = next()
		for u := range d.URLs {
			d.URLs[u] = "https://" + next()
		}
		for e := range d.Evidence {
			d.Evidence[e].Rule, d.Evidence[e].At, d.Evidence[e].Detail = next(), next(), next()
		}
		for r := range d.Rebuild {
			d.Rebuild[r].By, d.Rebuild[r].Against, d.Rebuild[r].Reason, d.Rebuild[r].Output = next(), next(), next(), next()
			for x := range d.Rebuild[r].Differences {
				d.Rebuild[r].Differences[x].Path, d.Rebuild[r].Differences[x].What = next(), next()
			}
		}
		if d.Reason != "" {
			d.Reason = next()
		}
		for o := range d.Outputs {
			d.Outputs[o].Path = "/nix/store/" + next()
		}
	}
	for i := range a.Promises {
		a.Promises[i].Title, a.Promises[i].Reason = next(), next()
	}
	for i := range a.Skipped {
		a.Skipped[i].Input, a.Skipped[i].Reason = next(), next()
	}
	return a
}
