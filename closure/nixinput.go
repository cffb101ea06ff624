package closure

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
)

// AttrInput is an attribute of a Nix file, instantiated by the user's own
// nix-instantiate; attr "" is the file itself. More arguments, such as --arg,
// are handed on.
func AttrInput(file, attr string, args ...string) Input {
	return Input{FormAttr, strings.TrimSpace(file + " " + attr), func(ctx context.Context, o Options) (source, error) {
		argv := []string{file}
		if attr != "" {
			argv = append(argv, "-A", attr)
		}
		return instantiate(ctx, o, "nix-instantiate", append(argv, args...)...)
	}}
}

// FlakeInput is a flake reference, such as "nixpkgs#hello", instantiated by
// the user's own nix.
func FlakeInput(ref string) Input {
	return Input{FormFlake, ref, func(ctx context.Context, o Options) (source, error) {
		return instantiate(ctx, o, "nix", "--extra-experimental-features", "nix-command flakes",
			"path-info", "--derivation", "--", ref)
	}}
}

// instantiate runs a command of Nix that prints store paths of derivations.
func instantiate(ctx context.Context, o Options, name string, args ...string) (source, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			return nil, fmt.Errorf("running %s: %w: %s", name, err, lastLines(errs.String(), 5))
		}
		return nil, fmt.Errorf("running %s: %w", name, err)
	}
	var drvs []string
	for _, l := range strings.Fields(out.String()) {
		l, _, _ = strings.Cut(l, "!") // of drv!output
		if !strings.HasSuffix(l, ".drv") {
			return nil, fmt.Errorf("running %s: expected the path of a derivation, not %q", name, l)
		}
		drvs = append(drvs, l)
	}
	if len(drvs) == 0 {
		return nil, fmt.Errorf("running %s: it named no derivation", name)
	}
	return openDrvs(drvs, "", o)
}

func lastLines(s string, n int) string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "; ")
}
