package main

import (
	"context"
	"fmt"
	"os"
	"slices"

	"github.com/spf13/pflag"
	"golang.org/x/term"

	"fromsource/vm"
)

func vmCommand(flags *pflag.FlagSet) func(context.Context, *env, []string) error {
	var o vm.Options
	vmFlags(flags, &o)
	recipeFile := flags.String("recipe", "", "")
	return func(ctx context.Context, e *env, args []string) error {
		if len(args) == 0 {
			return usageError("vm takes one of list, prepare, show, shell, remove")
		}
		if err := checkVM(&o); err != nil {
			return err
		}
		verb, rest := args[0], args[1:]
		if verb == "remove" && len(rest) > 0 {
			// An empty name would be all of them, as from a variable that is not set.
			if slices.Contains(rest, "") {
				return usageError("vm remove takes names of images, and one of these is empty")
			}
			for _, key := range rest {
				if err := vm.Remove(o, key); err != nil {
					return err
				}
			}
			return nil
		}
		if len(rest) > 1 {
			return usageError("vm %s takes one argument at most, got %d", verb, len(rest))
		}
		arg := ""
		if len(rest) == 1 {
			arg = rest[0]
		}
		switch verb {
		case "list":
			if arg != "" {
				return usageError("vm list takes no arguments")
			}
			return vmList(e, o)
		case "remove":
			return vm.Remove(o, "")
		case "prepare", "show", "shell":
		default:
			return usageError("vm takes one of list, prepare, show, shell, remove, not %q", verb)
		}
		r, err := findRecipe(arg, *recipeFile)
		if err != nil {
			return err
		}
		p := newProgress(e)
		defer p.end()
		o.Progress = p.guest
		switch verb {
		case "prepare":
			img, verdict, err := vm.Prepare(ctx, r, o)
			if err != nil {
				return guestError(e, err)
			}
			p.end()
			_, err = fmt.Fprintf(e.stdout, "%s\nkernel %s, %d packages\nguests run on %s: %s\n",
				img.Key, img.Manifest.Kernel, len(img.Manifest.Packages), verdict.Accel, verdict.Why)
			return err
		case "show":
			return guestError(e, vm.Show(ctx, e.stdout, r, o))
		}
		return vmShell(ctx, e, p, r, o)
	}
}

func vmList(e *env, o vm.Options) error {
	images, err := vm.List(o)
	if err != nil {
		return err
	}
	for _, img := range images {
		state := fmt.Sprintf("kernel %s, %d packages", img.Manifest.Kernel, len(img.Manifest.Packages))
		if img.Manifest.Kernel == "" {
			state = "damaged: it is made anew when it is needed"
		}
		if _, err := fmt.Fprintf(e.stdout, "%s\t%s\n", img.Key, state); err != nil {
			return err
		}
	}
	return nil
}

// vmShell gives the user's terminal to a shell in a guest.
func vmShell(ctx context.Context, e *env, p *progress, r vm.Recipe, o vm.Options) error {
	r, err := withInputs(ctx, r, p)
	if err != nil {
		return err
	}
	if in, ok := e.stdin.(*os.File); ok && term.IsTerminal(int(in.Fd())) {
		old, err := term.MakeRaw(int(in.Fd()))
		if err != nil {
			return fmt.Errorf("setting up the terminal: %w", err)
		}
		defer func() { _ = term.Restore(int(in.Fd()), old) }()
	}
	code, err := vm.Shell(ctx, r, o, e.stdin, e.stdout, []string{"TERM=" + os.Getenv("TERM")})
	if err != nil {
		return guestError(e, err)
	}
	if code != 0 {
		return &exitError{exitFailed, fmt.Errorf("the guest's shell ended with status %d", code)}
	}
	return nil
}
