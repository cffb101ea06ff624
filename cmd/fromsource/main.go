package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"fromsource/vm/agent"
)

// version is set at link time.
var version = "unknown"

func main() {
	// The same static program is the guest's init: there it is process 1.
	switch {
	case os.Getpid() == 1:
		agent.Main()
	case agent.Called(os.Args):
		os.Exit(agent.Call(os.Args))
	default:
		os.Exit(cli())
	}
}

// cli runs the command line and returns the exit code. A first ^C ends the
// work in hand and keeps its results; a second one ends the program.
func cli() int {
	easeCollector()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	go func() {
		<-ctx.Done()
		stop()
	}()
	return run(ctx, newEnv(os.Stdin, os.Stdout, os.Stderr), os.Args[1:])
}
