package main

import (
	"context"

	"github.com/spf13/pflag"

	"fromsource/analyze/rules"
)

func rulesCommand(*pflag.FlagSet) func(context.Context, *env, []string) error {
	return func(_ context.Context, e *env, args []string) error {
		switch len(args) {
		case 0:
			return rules.WriteList(e.stdout)
		case 1:
			return rules.Write(e.stdout, args[0])
		}
		return usageError("rules takes one rule's id, got %d arguments", len(args))
	}
}
