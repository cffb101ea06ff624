package main

import (
	"context"

	"github.com/spf13/pflag"

	"fromsource/analyze"
	"fromsource/analyze/rules"
)

func rulesCommand(*pflag.FlagSet) func(context.Context, *env, []string) error {
	return func(_ context.Context, e *env, args []string) error {
		switch len(args) {
		case 0:
			return rules.WriteList(e.stdout, analyze.Rules()...)
		case 1:
			return rules.Write(e.stdout, args[0], analyze.Rules()...)
		}
		return usageError("rules takes one rule's id, got %d", len(args))
	}
}
