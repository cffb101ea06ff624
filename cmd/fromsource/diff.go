package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/pflag"

	"fromsource/analyze/audit"
	"fromsource/analyze/policy"
	"fromsource/report"
)

func diffCommand(flags *pflag.FlagSet) func(context.Context, *env, []string) error {
	format := flags.StringP("format", "f", "markdown", "")
	output := flags.StringP("output", "o", "", "")
	return func(_ context.Context, e *env, args []string) error {
		if len(args) != 2 {
			return usageError("diff takes two audit files, got %d", len(args))
		}
		if args[0] == "-" && args[1] == "-" {
			return usageError("standard input holds one audit, not both")
		}
		write := report.DiffMarkdown
		switch *format {
		case "markdown", "md":
		case "json":
			write = func(w io.Writer, d *policy.Diff) error { return d.WriteJSON(w) }
		default:
			return usageError("diff prints markdown or json, not %q", *format)
		}
		var audits [2]*audit.Audit
		for i, name := range args {
			a, err := e.readAudit(name)
			if err != nil {
				return err
			}
			audits[i] = a
		}
		return emit(e, *output, func(w io.Writer) error { return write(w, policy.Compare(audits[0], audits[1])) })
	}
}

func labelsCommand(flags *pflag.FlagSet) func(context.Context, *env, []string) error {
	meta := flags.String("jobs", "", "")
	nixpkgs := flags.String("nixpkgs", "", "")
	format := flags.StringP("format", "f", "list", "")
	output := flags.StringP("output", "o", "", "")
	return func(_ context.Context, e *env, args []string) error {
		if len(args) != 1 {
			return usageError("labels takes one audit file, got %d", len(args))
		}
		switch *format {
		case "list", "json", "patch":
			if *meta == "" && *nixpkgs == "" {
				return usageError("labels needs --jobs FILE or --nixpkgs DIR, or both")
			}
			if *format == "patch" && *nixpkgs == "" {
				return usageError("a patch needs the checkout that it is for: --nixpkgs DIR")
			}
		case "predicate":
		default:
			return usageError("labels prints list, json, patch or predicate, not %q", *format)
		}
		a, err := e.readAudit(args[0])
		if err != nil {
			return err
		}
		if *format == "predicate" {
			return emit(e, *output, func(w io.Writer) error { return policy.WritePredicate(w, a) })
		}
		labels, err := readLabels(*meta, *nixpkgs)
		if err != nil {
			return err
		}
		r := policy.JoinLabels(a, labels)
		var patch *policy.LabelPatch
		if *nixpkgs != "" {
			dir, err := filepath.Abs(*nixpkgs)
			if err != nil {
				return fmt.Errorf("finding the nixpkgs checkout: %w", err)
			}
			patch = r.Patch(labels, os.DirFS(dir), dir)
		}
		switch *format {
		case "patch":
			return emit(e, *output, func(w io.Writer) error { return patch.Write(w, a.Target.Name) })
		case "json":
			return emit(e, *output, r.WriteJSON)
		}
		return emit(e, *output, r.WriteList)
	}
}

// readLabels reads nixpkgs' own labels: from an evaluation where there is
// one, else from the text of a checkout.
func readLabels(meta, nixpkgs string) (*policy.Labels, error) {
	if nixpkgs != "" {
		st, err := os.Stat(nixpkgs)
		if err != nil {
			return nil, fmt.Errorf("reading a nixpkgs checkout: %w", err)
		}
		if !st.IsDir() {
			return nil, fmt.Errorf("reading a nixpkgs checkout: %q is not a directory", nixpkgs)
		}
	}
	if meta == "" {
		l, err := policy.ReadCheckout(os.DirFS(nixpkgs))
		if err != nil {
			return nil, fmt.Errorf("%q: %w", nixpkgs, err)
		}
		return l, nil
	}
	f, err := os.Open(meta)
	if err != nil {
		return nil, fmt.Errorf("reading labels: %w", err)
	}
	defer f.Close()
	return policy.ReadEvalJobs(meta, f)
}

// emit writes a result to a file or, with no name or "-", to standard output.
func emit(e *env, output string, write func(io.Writer) error) error {
	if output != "" && output != "-" {
		return report.WriteFile(output, write)
	}
	return write(e.stdout)
}
