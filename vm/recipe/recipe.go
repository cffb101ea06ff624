// Package recipe says what a guest builds: Nix expressions, the files that
// they fetch, and the size of the machine. Two recipes are embedded; others
// are read from a user's file.
package recipe

import (
	"embed"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"
)

// Recipe is one thing to build.
type Recipe struct {
	// Name is a short word for it; Summary one line.
	Name, Summary string
	// Files holds the expressions. All of it is given to the guest.
	Files fs.FS
	// Expr is the file of Files that is evaluated, Attr the attribute path in
	// it that is built (the whole when empty), Args its arguments by name,
	// as Nix expressions.
	Expr, Attr string
	Args       map[string]string
	// Inputs are offered to the guest as /srcs/NAME, in and out of the
	// builds' sandbox.
	Inputs []Input
	// MemoryMB, CPUs and DiskGB are the machine's size. CPUs of 0 means as
	// many as the host has.
	MemoryMB, CPUs, DiskGB int
	// Network lets the guest out. Fixed-output derivations see it then.
	Network bool
	// Packages of the host distribution whose programs are in the guest.
	Packages []string
	// Results are patterns of path.Match for names of files in the root's
	// outputs that are kept beside the closure. "*.iso" when empty.
	Results []string
	// Published are hashes that others have published for the result.
	Published []Published
}

// Input is a file of the host that builds fetch.
type Input struct {
	// Name is its name in /srcs; Path where it is on the host.
	Name, Path string
	// SHA256 is its hex hash; not checked when empty.
	SHA256 string
}

// Published is a hash that somebody published for a result file.
type Published struct {
	SHA256 string
	// By says who or what: "hydra.nixos.org".
	By string
}

var (
	words    = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9+._-]{0,99}$`)
	attrPath = regexp.MustCompile(`^[A-Za-z0-9_"'.+-]*$`)
	argName  = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_'-]*$`)
	hexSum   = regexp.MustCompile(`^[0-9a-f]{64}$`)
)

// problem is a fault in a recipe, by the key that it is about.
type problem struct {
	key string
	msg string
}

func (p *problem) Error() string { return p.key + ": " + p.msg }

// Check says what is wrong with a recipe.
func (r *Recipe) Check() error {
	bad := func(key, format string, args ...any) error {
		return fmt.Errorf("recipe %q: %w", r.Name, &problem{key, fmt.Sprintf(format, args...)})
	}
	switch {
	case !words.MatchString(r.Name):
		return bad("name", "%q is not a word of letters, digits and +._-", r.Name)
	case r.Files == nil:
		return bad("files", "there are none")
	case !fs.ValidPath(r.Expr) || r.Expr == ".":
		return bad("expression", "%q is not a path inside the recipe's files", r.Expr)
	case !attrPath.MatchString(r.Attr) || strings.HasPrefix(r.Attr, "-"):
		return bad("attribute", "%q is not an attribute path", r.Attr)
	case r.MemoryMB < 256 || r.MemoryMB > 1<<20:
		return bad("memory", "%d MB; Nix needs 256 at least", r.MemoryMB)
	case r.CPUs < 0 || r.CPUs > 255:
		return bad("cpus", "%d", r.CPUs)
	case r.DiskGB < 1 || r.DiskGB > 1<<14:
		return bad("disk", "%d GB; 1 at least", r.DiskGB)
	}
	if _, err := fs.Stat(r.Files, r.Expr); err != nil {
		return bad("expression", "%v", err)
	}
	for k := range r.Args {
		if !argName.MatchString(k) {
			return bad("arguments", "%q is not an argument's name", k)
		}
	}
	seen := map[string]bool{}
	for _, in := range r.Inputs {
		switch {
		case !words.MatchString(in.Name):
			return bad("inputs", "name %q is not a word of letters, digits and +._-", in.Name)
		case seen[in.Name]:
			return bad("inputs", "name %q is there twice", in.Name)
		case in.Path == "":
			return bad("inputs", "%q has no path", in.Name)
		case in.SHA256 != "" && !hexSum.MatchString(in.SHA256):
			return bad("inputs", "sha256 of %q is not 64 hex digits: %q", in.Name, in.SHA256)
		}
		seen[in.Name] = true
	}
	for _, p := range r.Results {
		if _, err := path.Match(p, "x"); err != nil || strings.ContainsAny(p, "/\x00") || p == "" {
			return bad("results", "%q is not a pattern for file names", p)
		}
	}
	for _, p := range r.Published {
		if !hexSum.MatchString(p.SHA256) {
			return bad("published", "sha256 %q is not 64 hex digits", p.SHA256)
		}
	}
	return nil
}

// Arguments are the words that nix-instantiate gets for the recipe, whose
// files are in dir.
func (r *Recipe) Arguments(dir string) []string {
	a := []string{path.Join(dir, r.Expr)}
	if r.Attr != "" {
		a = append(a, "-A", r.Attr)
	}
	names := make([]string, 0, len(r.Args))
	for k := range r.Args {
		names = append(names, k)
	}
	slices.Sort(names)
	for _, k := range names {
		a = append(a, "--arg", k, r.Args[k])
	}
	return a
}

//go:embed minimal
var minimal embed.FS

// NixOSMinimal is the rebuild of the NixOS 25.05 minimal ISO that its release
// team published: the same commit, the same arguments. It needs a network, a
// large machine and a day.
func NixOSMinimal() (Recipe, error) {
	files, err := fs.Sub(minimal, "minimal")
	if err != nil {
		return Recipe{}, err
	}
	return Recipe{
		Name:    "nixos-25.05-minimal",
		Summary: "the NixOS 25.05 minimal ISO, as rebuilt and published by its release team",
		Files:   files,
		Expr:    "default.nix",
		// nixpkgs evaluates in some GB; its compilers, linked in parallel,
		// want more than a GB a core.
		MemoryMB: 18 << 10, DiskGB: 120,
		Network: true,
		Published: []Published{{
			SHA256: "a11d65b2944ceef0dd783524e1c4cdc21cc3f47cfc0879431bf49751213b4bb8",
			By:     "hydra.nixos.org, and the independent rebuild of discourse.nixos.org/t/34756",
		}},
	}, nil
}

// Demo is the embedded default target: files are those of testdata/demo, root
// the attribute that is built, inputs what its fixed-output derivations fetch.
func Demo(files fs.FS, root string, inputs []Input) Recipe {
	return Recipe{
		Name:     "demo",
		Summary:  "a small package set in which each package earns one verdict",
		Files:    files,
		Expr:     "default.nix",
		Attr:     root,
		Inputs:   inputs,
		MemoryMB: 1024, DiskGB: 8,
	}
}
