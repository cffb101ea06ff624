package accuracy

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

//go:embed holdout.nix
var holdoutExpr []byte

// Holdout measures against labels of another tree of nixpkgs: the rows of
// file, which has the columns that ReadPackages reads. p.Nixpkgs is that tree;
// without it, the derivations that file names must be in p.Store.
func Holdout(ctx context.Context, p Paths, file string, w, log io.Writer) error {
	labels, err := ReadPackages(file)
	if err != nil {
		return err
	}
	if p.Nixpkgs != "" {
		made, err := instantiateAttrs(ctx, p, labels, log)
		if err != nil {
			return err
		}
		// Another version of the tree gives other derivations of the same
		// packages: the label is the package's.
		other := 0
		for i := range labels {
			if drv := made[labels[i].Name]; drv != labels[i].Drv {
				labels[i].Drv = drv
				other++
			}
		}
		fmt.Fprintf(log, "%d of %d derivations are not those of the labels\n", other, len(labels))
	}
	suspected, err := judge(ctx, p.Store)
	if err != nil {
		return err
	}
	set := strings.TrimSuffix(filepath.Base(file), filepath.Ext(file))
	return Write(w, []Result{Compare(set, labels, suspected)})
}

// instantiateAttrs makes the derivations of the labels' attributes and returns
// their paths by attribute. An attribute that the tree does not have, or that
// it refuses to evaluate, is not among them.
func instantiateAttrs(ctx context.Context, p Paths, labels []Label, log io.Writer) (map[string]string, error) {
	root, err := filepath.Abs(p.Nixpkgs)
	if err != nil {
		return nil, fmt.Errorf("nixpkgs: %w", err)
	}
	if _, err := os.Stat(filepath.Join(root, "pkgs", "top-level")); err != nil {
		return nil, fmt.Errorf("no nixpkgs checkout: %w", err)
	}
	store, err := filepath.Abs(p.Store)
	if err != nil {
		return nil, fmt.Errorf("store: %w", err)
	}
	if err := os.MkdirAll(store, 0o755); err != nil {
		return nil, fmt.Errorf("making store root: %w", err)
	}
	dir, err := os.MkdirTemp("", "fromsource-holdout-")
	if err != nil {
		return nil, fmt.Errorf("instantiating: %w", err)
	}
	defer os.RemoveAll(dir)
	expr := filepath.Join(dir, "holdout.nix")
	if err := os.WriteFile(expr, holdoutExpr, 0o644); err != nil {
		return nil, fmt.Errorf("instantiating: %w", err)
	}
	env := nixEnv(store)
	args := []string{"--eval", "--strict", "--read-write-mode", expr, "--arg", "root", root}
	if p.Overlays != "" {
		overlays, err := filepath.Abs(p.Overlays)
		if err != nil {
			return nil, fmt.Errorf("overlays: %w", err)
		}
		args = append(args, "--arg", "overlays", overlays)
	}
	made := map[string]string{}
	// Some errors cannot be caught: the names are then tried in smaller parts.
	var eval func(names []string) error
	eval = func(names []string) error {
		var list strings.Builder
		for _, n := range names {
			list.WriteString(strconv.Quote(n) + " ")
		}
		var errs strings.Builder
		cmd := exec.CommandContext(ctx, "nix-instantiate", append(slices.Clone(args), "--arg", "names", "[ "+list.String()+"]")...)
		cmd.Env, cmd.Stderr = env, &errs
		out, err := cmd.Output()
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
			if len(names) == 1 {
				fmt.Fprintf(log, "%s does not evaluate\n", names[0])
				return nil
			}
			half := len(names) / 2
			if err := eval(names[:half]); err != nil {
				return err
			}
			return eval(names[half:])
		}
		if err != nil {
			return fmt.Errorf("instantiating with nix-instantiate: %w", err)
		}
		text, err := strconv.Unquote(strings.TrimSpace(string(out)))
		if err != nil {
			return fmt.Errorf("instantiating: reading what nix-instantiate wrote: %w", err)
		}
		for line := range strings.Lines(text) {
			if name, drv, ok := strings.Cut(strings.TrimSpace(line), " "); ok {
				made[name] = drv
			}
		}
		return nil
	}
	const part = 64
	for i := 0; i < len(labels); i += part {
		var names []string
		for _, l := range labels[i:min(i+part, len(labels))] {
			names = append(names, l.Name)
		}
		if err := eval(names); err != nil {
			return nil, err
		}
		fmt.Fprintf(log, "%d of %d\n", min(i+part, len(labels)), len(labels))
	}
	return made, nil
}
