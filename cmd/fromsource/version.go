package main

import (
	"context"
	"fmt"
	"runtime"

	"github.com/spf13/pflag"

	"fromsource/analyze/audit"
)

func versionCommand(*pflag.FlagSet) func(context.Context, *env, []string) error {
	return func(_ context.Context, e *env, args []string) error {
		if len(args) > 0 {
			return usageError("version takes no arguments")
		}
		_, err := fmt.Fprintf(e.stdout, "fromsource %s (%s, %s %s/%s)\n", version, audit.Schema, runtime.Version(), runtime.GOOS, runtime.GOARCH)
		return err
	}
}
