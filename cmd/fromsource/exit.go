package main

import (
	"context"
	"errors"
	"fmt"
)

// Exit codes, as documented in doc.go.
const (
	exitOK         = 0
	exitFailed     = 1
	exitUsage      = 2
	exitPolicy     = 3
	exitIncomplete = 4
)

// exitError carries an exit code. A nil err says that all that is to be said
// was said.
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit status %d", e.code)
	}
	return e.err.Error()
}

func (e *exitError) Unwrap() error { return e.err }

// usageError is misuse: one line, and a hint at the command's help.
func usageError(format string, args ...any) error {
	return &exitError{exitUsage, fmt.Errorf(format, args...)}
}

// exitCode is the status that an error of a command ends the program with.
func exitCode(err error) int {
	var e *exitError
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &e):
		return e.code
	}
	return exitFailed
}

// interrupted reports whether the work ended because the user asked for it.
func interrupted(err error) bool { return errors.Is(err, context.Canceled) }
