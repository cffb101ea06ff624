package main

import (
	"context"
	"errors"
	"io"
	"os"
	"strconv"

	"github.com/spf13/pflag"

	"fromsource/analyze"
	"fromsource/analyze/audit"
	"fromsource/report"
)

func reportCommand(flags *pflag.FlagSet) func(context.Context, *env, []string) error {
	format := flags.StringP("format", "f", "markdown", "")
	output := flags.StringP("output", "o", "", "")
	focus := flags.String("focus", "", "")
	anchor := flags.String("anchor", "", "")
	limit := flags.Int("limit", 0, "")
	return func(_ context.Context, e *env, args []string) error {
		if len(args) != 1 {
			return usageError("report takes one audit file, got %d", len(args))
		}
		f, err := report.Lookup(*format)
		if err != nil {
			return &exitError{exitUsage, err}
		}
		a, err := e.readAudit(args[0])
		if err != nil {
			return err
		}
		return render(e, f, *output, a, report.Options{Focus: *focus, Anchor: *anchor, Limit: *limit})
	}
}

// readAudit reads an audit from a file, a folder of results, or with "-" from
// standard input.
func (e *env) readAudit(name string) (*audit.Audit, error) {
	if name != "-" {
		return audit.ReadFile(name)
	}
	a, err := audit.Read(e.stdin)
	var at *audit.Error
	if errors.As(err, &at) {
		at.File = "standard input"
	}
	return a, err
}

// render writes a report to a file or, with no name or "-", to standard
// output.
func render(e *env, f report.Format, output string, a *audit.Audit, o report.Options) error {
	if output != "" && output != "-" {
		return report.WriteFile(output, func(w io.Writer) error { return f.Write(w, a, o) })
	}
	o.Color = report.ColorAllowed(e.stdoutTerminal, os.LookupEnv)
	if columns, err := strconv.Atoi(os.Getenv("COLUMNS")); err == nil {
		o.Width = columns
	}
	return f.Write(e.stdout, a, o)
}

func explainCommand(*pflag.FlagSet) func(context.Context, *env, []string) error {
	return func(_ context.Context, e *env, args []string) error {
		if len(args) != 2 {
			return usageError("explain takes an audit file and a derivation, got %d", len(args))
		}
		a, err := e.readAudit(args[0])
		if err != nil {
			return err
		}
		text, err := analyze.Explain(a, args[1])
		if err != nil {
			return err
		}
		_, err = io.WriteString(e.stdout, text)
		return err
	}
}
