package inputs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
)

// fetchNPM lets npm write the packages' archives into dir, as published.
func (f *fetcher) fetchNPM(ctx context.Context, dir string, pins []*Pin) error {
	args := []string{"pack", "--pack-destination", dir}
	for _, p := range pins {
		args = append(args, p.Package+"@"+p.Version)
	}
	_, err := npm(ctx, dir, args...)
	if err == nil || ctx.Err() != nil {
		return err
	}
	// Which of them was it? npm's message names one at most.
	var errs []error
	for _, p := range pins {
		if served, verr := npmVersions(ctx, dir, p.Package); verr == nil && !slices.Contains(served, p.Version) {
			errs = append(errs, &UnservedError{Pin: *p, Served: served, From: "npm"})
		}
	}
	if len(errs) > 0 {
		return errors.Join(errs...)
	}
	return err
}

// npmVersions lists the published versions, oldest first; none where there is
// no such package.
func npmVersions(ctx context.Context, dir, name string) ([]string, error) {
	out, err := npm(ctx, dir, "view", name, "versions", "--json")
	if err != nil {
		if strings.Contains(err.Error(), "E404") {
			return nil, nil
		}
		return nil, err
	}
	// A package with one version gives a string rather than a list.
	var many []string
	if err := json.Unmarshal(out, &many); err == nil {
		return many, nil
	}
	var one string
	if err := json.Unmarshal(out, &one); err != nil {
		return nil, fmt.Errorf("reading npm's list of versions: %w", err)
	}
	return []string{one}, nil
}

func npm(ctx context.Context, dir string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, "npm", append(args, "--ignore-scripts", "--no-update-notifier", "--no-color")...)
	// A folder of its own: npm reads the package.json around it.
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	var stderr limited
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if errors.Is(err, exec.ErrNotFound) {
		return nil, fmt.Errorf("some inputs are npm packages, and npm is not installed: %w", err)
	}
	if err != nil {
		return nil, fmt.Errorf("npm %s: %w: %s", args[0], err, stderr.String())
	}
	return out, nil
}
