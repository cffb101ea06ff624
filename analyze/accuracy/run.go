package accuracy

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"

	"fromsource/analyze/rules"
	"fromsource/closure"
)

// Paths says where everything is.
type Paths struct {
	// Nixpkgs is a checkout of nixpkgs 20.09, from which the labelled
	// derivations are made; empty to use those that Store has already.
	Nixpkgs string
	// Overlays is a folder of repositories with packages for that tree, whose
	// files the labels of Holdout may name; empty if they name none.
	Overlays string
	// Labels is the folder of the label files and of the script that
	// instantiates the labelled packages.
	Labels string
	// Store is the root under which nix/store gets the derivations (about
	// 8,000 files). "/" is the machine's own store.
	Store string
}

// The names of the label files in Paths.Labels.
const (
	fetchesFile  = "nixos-minimal-20.09.labels.jsonl"
	packagesFile = "packages-20.09.tsv"
	scriptFile   = "instantiate.sh"
)

// Run instantiates the labelled derivations where asked to, judges them on
// their text alone, and writes the tables to w. What Nix prints goes to log.
func Run(ctx context.Context, p Paths, w, log io.Writer) error {
	if p.Nixpkgs != "" {
		if err := instantiate(ctx, p, log); err != nil {
			return err
		}
	}
	results, err := Measure(ctx, p)
	if err != nil {
		return err
	}
	return Write(w, results)
}

// Measure judges the derivations of p.Store and compares with the labels.
func Measure(ctx context.Context, p Paths) ([]Result, error) {
	fetches, err := ReadFetches(filepath.Join(p.Labels, fetchesFile))
	if err != nil {
		return nil, err
	}
	packages, err := ReadPackages(filepath.Join(p.Labels, packagesFile))
	if err != nil {
		return nil, err
	}
	suspected, err := judge(ctx, p.Store)
	if err != nil {
		return nil, err
	}
	return []Result{
		Compare("fetches of the minimal ISO", fetches, suspected),
		Compare("packages", packages, suspected),
	}, nil
}

// judge judges the derivations of a store on their text alone.
func judge(ctx context.Context, store string) (suspected func(drv string) (answer, ok bool), err error) {
	x := rules.Extractor{ReadSource: rules.StoreReader(store)}
	g, facts, err := closure.LoadFacts(ctx, closure.DirInput(store), closure.Options{}, x.Extract)
	if err != nil {
		return nil, fmt.Errorf("loading labelled derivations: %w", err)
	}
	s := rules.Judge(g, facts)
	return func(drv string) (bool, bool) {
		id, ok := g.Lookup(drv)
		if !ok || g.Missing(id) {
			return false, false
		}
		return s[id].Suspected, true
	}, nil
}

// nixEnv is the environment of a Nix that only writes derivations to a store.
func nixEnv(store string) []string {
	env := append(os.Environ(), "NIX_CONFIG=build-users-group =\nsandbox = false\nsubstitute = false\nfsync-metadata = false")
	if store != "/" {
		env = append(env, "NIX_REMOTE=local?root="+store)
	}
	return env
}

// instantiate makes the labelled derivations with the user's Nix: the ISO's
// as its release expression has them, the packages' by the labels' script.
func instantiate(ctx context.Context, p Paths, log io.Writer) error {
	nixpkgs, err := filepath.Abs(p.Nixpkgs)
	if err != nil {
		return fmt.Errorf("nixpkgs: %w", err)
	}
	if _, err := os.Stat(filepath.Join(nixpkgs, "nixos", "release-combined.nix")); err != nil {
		sub := filepath.Join(nixpkgs, "nixpkgs")
		if _, err2 := os.Stat(filepath.Join(sub, "nixos", "release-combined.nix")); err2 != nil {
			return fmt.Errorf("no nixpkgs checkout: %w", errors.Join(err, err2))
		}
		nixpkgs = sub
	}
	store, err := filepath.Abs(p.Store)
	if err != nil {
		return fmt.Errorf("store: %w", err)
	}
	if err := os.MkdirAll(store, 0o755); err != nil {
		return fmt.Errorf("making store root: %w", err)
	}
	out, err := os.MkdirTemp("", "fromsource-accuracy-")
	if err != nil {
		return fmt.Errorf("instantiating: %w", err)
	}
	defer os.RemoveAll(out)
	env := nixEnv(store)
	// The labels record the derivation paths of this very version string.
	iso := []string{
		"nix-instantiate", "nixos/release-combined.nix", "-A", "nixos.iso_minimal.x86_64-linux",
		"--arg", "nixpkgs", `{ outPath = ./.; revCount = 1; shortRev = "abcdef1"; rev = "c61a892f1d87e94882746a09940e3e0686c7d0dd"; }`,
		"--arg", "stableBranch", "true", "--arg", "supportedSystems", `["x86_64-linux"]`,
	}
	script, err := filepath.Abs(filepath.Join(p.Labels, scriptFile))
	if err != nil {
		return fmt.Errorf("labels: %w", err)
	}
	for _, argv := range [][]string{iso, {"bash", script, nixpkgs, out}} {
		cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
		cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = nixpkgs, env, log, log
		if err := cmd.Run(); err != nil {
			return fmt.Errorf("instantiating with %s: %w", argv[0], err)
		}
	}
	return nil
}
