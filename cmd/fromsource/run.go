package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/pflag"
	"golang.org/x/term"
)

// env is what a command may use of the outside: results go to stdout,
// everything else to stderr.
type env struct {
	stdin  io.Reader
	stdout io.Writer
	stderr io.Writer
	// terminal is true where stderr is one: progress is drawn in place there,
	// and printed as plain lines elsewhere.
	terminal bool
	// stdoutTerminal is true where stdout is one: results may be coloured.
	stdoutTerminal bool
}

func newEnv(stdin io.Reader, stdout, stderr io.Writer) *env {
	return &env{stdin: stdin, stdout: stdout, stderr: stderr, terminal: isTerminal(stderr), stdoutTerminal: isTerminal(stdout)}
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(interface{ Fd() uintptr })
	return ok && term.IsTerminal(int(f.Fd()))
}

// say writes one line to standard error, in the manner of all of them.
func (e *env) say(format string, args ...any) {
	fmt.Fprintf(e.stderr, "fromsource: "+format+"\n", args...)
}

// command is one verb of the command line. setup declares the flags and
// returns what runs once they are parsed; nothing is opened before all of the
// command line is understood.
type command struct {
	name  string
	setup func(*pflag.FlagSet) func(ctx context.Context, e *env, args []string) error
}

func commands() []command {
	return []command{
		{"audit", auditCommand},
		{"scan", scanCommand},
		{"inspect", inspectCommand},
		{"rebuild", rebuildCommand},
		{"verify", verifyCommand},
		{"explain", explainCommand},
		{"diff", diffCommand},
		{"gate", gateCommand},
		{"baseline", baselineCommand},
		{"labels", labelsCommand},
		{"report", reportCommand},
		{"rules", rulesCommand},
		{"vm", vmCommand},
		{"version", versionCommand},
		{"man", manCommand},
		{"completion", completionCommand},
	}
}

// run is the program: it parses, dispatches, and turns an error into a line
// and an exit code.
func run(ctx context.Context, e *env, args []string) int {
	name, err := dispatch(ctx, e, args)
	if err == nil {
		return exitOK
	}
	var coded *exitError
	if !errors.As(err, &coded) || coded.err != nil {
		e.say("%s", message(err))
	}
	if exitCode(err) == exitUsage {
		hint := "fromsource help"
		if name != "" {
			hint += " " + name
		}
		e.say("see %q", hint)
	}
	return exitCode(err)
}

// message is what is said of an error. Of work that was ended by ^C what is known
// is where, and that Go calls it canceled means nothing to a user.
func message(err error) string {
	if interrupted(err) {
		return strings.ReplaceAll(err.Error(), context.Canceled.Error(), "interrupted")
	}
	return err.Error()
}

// dispatch finds the command and runs it; name is the command's, where one
// was found.
func dispatch(ctx context.Context, e *env, args []string) (name string, err error) {
	if len(args) == 0 {
		return "", usageError("no command given")
	}
	switch args[0] {
	case "help", "-h", "--help":
		return "", help(e, args[1:])
	case "--version":
		args[0] = "version"
	}
	for _, c := range commands() {
		if c.name != args[0] {
			continue
		}
		flags := pflag.NewFlagSet(c.name, pflag.ContinueOnError)
		flags.Usage = func() {}
		do := c.setup(flags)
		if err := flags.Parse(args[1:]); err != nil {
			if errors.Is(err, pflag.ErrHelp) {
				return c.name, help(e, []string{c.name})
			}
			return c.name, usageError("%s: %w", c.name, err)
		}
		return c.name, do(ctx, e, flags.Args())
	}
	return "", usageError("unknown command %q", args[0])
}
