package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/pflag"

	"fromsource/analyze/policy"
	"fromsource/report"
)

func gateCommand(flags *pflag.FlagSet) func(context.Context, *env, []string) error {
	baseline := flags.String("baseline", "", "")
	waivers := flags.String("waivers", "", "")
	format := flags.StringP("format", "f", "text", "")
	strict := flags.Bool("strict", false, "")
	today := flags.String("today", "", "")
	return func(_ context.Context, e *env, args []string) error {
		if len(args) != 1 {
			return usageError("gate takes one audit file, got %d", len(args))
		}
		if *baseline == "" {
			return usageError("gate needs --baseline FILE")
		}
		write := (*policy.Result).WriteText
		switch *format {
		case "text":
		case "json":
			write = (*policy.Result).WriteJSON
		case "markdown", "md":
			write = func(r *policy.Result, w io.Writer) error { return report.GateMarkdown(w, r) }
		default:
			return usageError("gate prints text, json or markdown, not %q", *format)
		}
		day, err := parseDay(*today)
		if err != nil {
			return err
		}
		r, err := e.judge(args[0], *baseline, *waivers, day)
		if err != nil {
			return err
		}
		if err := write(r, e.stdout); err != nil {
			return fmt.Errorf("writing the gate's result: %w", err)
		}
		switch {
		case !r.Pass:
			return &exitError{code: exitPolicy}
		case *strict && r.Incomplete():
			return &exitError{code: exitIncomplete, err: fmt.Errorf("incomplete: %d derivations are unknown and %d inputs were skipped", r.Unknown, r.Skipped)}
		}
		return nil
	}
}

// judge reads the gate's files and runs it.
func (e *env) judge(auditFile, baselineFile, waiversFile string, today time.Time) (*policy.Result, error) {
	a, err := e.readAudit(auditFile)
	if err != nil {
		return nil, err
	}
	b, err := readBaseline(baselineFile, policy.ReadBaseline)
	if err != nil {
		return nil, err
	}
	var w *policy.Waivers
	if waiversFile != "" {
		f, err := os.Open(waiversFile)
		if err != nil {
			return nil, fmt.Errorf("reading waivers: %w", err)
		}
		defer f.Close()
		if w, err = policy.ReadWaivers(waiversFile, f); err != nil {
			return nil, err
		}
	}
	return policy.Gate(a, b, w, today), nil
}

func readBaseline(name string, read func(string, io.Reader) (*policy.Baseline, error)) (*policy.Baseline, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("reading the baseline: %w", err)
	}
	defer f.Close()
	return read(name, f)
}

// parseDay reads --today, which makes a gate repeatable; empty is now.
func parseDay(s string) (time.Time, error) {
	if s == "" {
		return time.Now(), nil
	}
	day, err := time.Parse(time.DateOnly, s)
	if err != nil {
		return time.Time{}, usageError("--today wants a date as 2006-01-02, got %q", s)
	}
	return day, nil
}

func baselineCommand(flags *pflag.FlagSet) func(context.Context, *env, []string) error {
	file := flags.String("baseline", "", "")
	return func(_ context.Context, e *env, args []string) error {
		if len(args) != 2 || args[0] != "update" {
			return usageError("baseline takes `update AUDIT`")
		}
		a, err := e.readAudit(args[1])
		if err != nil {
			return err
		}
		if *file == "" {
			return policy.FromAudit(a, nil).Write(e.stdout)
		}
		old, err := readBaseline(*file, policy.ReadConflicting)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
		b := policy.FromAudit(a, old)
		if err := report.WriteFile(*file, func(w io.Writer) error { return b.Write(w) }); err != nil {
			return err
		}
		e.say("%s: %d findings", *file, len(b.Entries))
		return nil
	}
}
