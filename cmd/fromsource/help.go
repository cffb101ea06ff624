package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/pflag"

	"fromsource/cmd/fromsource/internal/manual"
)

// help prints the overview, or all there is to say of a command.
func help(e *env, words []string) error {
	text := manual.Usage()
	if len(words) > 0 {
		var err error
		if text, err = manual.Help(strings.Join(words, " ")); err != nil {
			return &exitError{exitUsage, err}
		}
	}
	_, err := io.WriteString(e.stdout, text)
	return err
}

func manCommand(*pflag.FlagSet) func(context.Context, *env, []string) error {
	return func(_ context.Context, e *env, args []string) error {
		if len(args) > 0 {
			return usageError("man takes no arguments")
		}
		_, err := io.WriteString(e.stdout, manual.Man(version))
		return err
	}
}

func completionCommand(*pflag.FlagSet) func(context.Context, *env, []string) error {
	return func(_ context.Context, e *env, args []string) error {
		if len(args) != 1 {
			return usageError("completion takes a shell: %s", strings.Join(manual.ShellNames(), ", "))
		}
		script, err := manual.Completion(args[0])
		if err != nil {
			return &exitError{exitUsage, fmt.Errorf("completion: %w", err)}
		}
		_, err = io.WriteString(e.stdout, script)
		return err
	}
}
