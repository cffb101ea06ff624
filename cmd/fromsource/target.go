package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"fromsource/testdata/demo"
	"fromsource/vm"
	"fromsource/vm/inputs"
	"fromsource/vm/recipe"
)

// targets are the recipes that are embedded, the default first.
var targets = []string{"demo", "nixos-25.05-minimal"}

// findRecipe is the recipe of an embedded target, or of a user's file. The
// inputs of the demo are not fetched yet: see withInputs.
func findRecipe(target, file string) (vm.Recipe, error) {
	switch {
	case file != "" && target != "":
		return vm.Recipe{}, usageError("a target and --recipe exclude each other")
	case file != "":
		return recipe.Load(file)
	case target == "" || target == targets[0]:
		return recipe.Demo(demo.FS, demo.Root, nil), nil
	case target == targets[1]:
		return recipe.NixOSMinimal()
	}
	return vm.Recipe{}, usageError("unknown target %q: want one of %s, or --recipe FILE", target, strings.Join(targets, ", "))
}

// withInputs fetches what a recipe's lock file pins, where it has one.
func withInputs(ctx context.Context, r vm.Recipe, p *progress) (vm.Recipe, error) {
	const lockFile = "inputs.lock"
	text, err := fs.ReadFile(r.Files, lockFile)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return r, nil // a recipe without pinned inputs
	case err != nil:
		return r, fmt.Errorf("recipe %q: reading pinned inputs: %w", r.Name, err)
	}
	lock, err := inputs.ReadLock(bytes.NewReader(text))
	if err != nil {
		return r, fmt.Errorf("recipe %q: %w", r.Name, err)
	}
	dir, err := inputs.CacheDir()
	if err != nil {
		return r, err
	}
	p.update("fetch inputs", 0, 0, "")
	got, err := inputs.Fetch(ctx, lock, dir, func(ev inputs.Event) {
		p.update("fetch inputs", ev.Done, ev.Total, ev.Name)
	})
	if err != nil {
		return r, fmt.Errorf("fetching the inputs of %q: %w", r.Name, err)
	}
	for _, in := range got {
		r.Inputs = append(r.Inputs, recipe.Input{Name: in.Name, Path: in.Path, SHA256: in.SHA256})
	}
	return r, nil
}
