package main

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/pflag"

	"fromsource/analyze/content"
	"fromsource/analyze/content/inspect"
	"fromsource/report"
)

func inspectCommand(flags *pflag.FlagSet) func(context.Context, *env, []string) error {
	format := flags.StringP("format", "f", "text", "")
	output := flags.StringP("output", "o", "", "")
	strict := flags.Bool("strict", false, "")
	return func(ctx context.Context, e *env, args []string) error {
		if len(args) == 0 {
			return usageError("inspect takes at least one path")
		}
		write := inspect.Report.Text
		switch *format {
		case "text":
		case "json":
			write = inspect.Report.JSON
		default:
			return usageError("inspect prints text or json, not %q", *format)
		}
		// The walks' own bounds keep the process below 300 MB; this has the
		// collector clean up before garbage adds to that.
		content.LimitMemory(content.Memory)
		// The text names no hashes.
		r, err := inspect.Run(ctx, args, content.Options{Unhashed: *format == "text"})
		if err != nil {
			return err
		}
		if *output == "" || *output == "-" {
			err = write(r, e.stdout)
		} else {
			err = report.WriteFile(*output, func(w io.Writer) error { return write(r, w) })
		}
		if err != nil {
			return fmt.Errorf("writing what was found: %w", err)
		}
		return inspected(e, r, *strict)
	}
}

// inspected says how an inspection ends: an input that could not be read at
// all is a failure, one that could not be read whole is incomplete.
func inspected(e *env, r inspect.Report, strict bool) error {
	failed, skipped := 0, 0
	for _, in := range r.Inputs {
		if in.Error != "" {
			e.say("%q: %s", in.Path, in.Error)
			failed++
		}
		skipped += len(in.Skipped)
	}
	switch {
	case failed > 0:
		return &exitError{exitFailed, fmt.Errorf("%d of %d inputs could not be read", failed, len(r.Inputs))}
	case strict && skipped > 0:
		return &exitError{exitIncomplete, fmt.Errorf("incomplete: %d parts were skipped", skipped)}
	}
	return nil
}
