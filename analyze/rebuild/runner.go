package rebuild

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"time"
)

// Cmd is a command to run on a builder's machine.
type Cmd struct {
	Argv []string
	// Env is added to the environment that the machine gives.
	Env    []string
	Stdin  io.Reader
	Stdout io.Writer
	Stderr io.Writer
}

// Runner runs commands somewhere. The error is for a command that could not
// be run or whose end is not known; a command that ran has its exit status.
type Runner interface {
	Run(context.Context, Cmd) (exit int, err error)
}

// RunnerFunc is a function as a Runner: the adapter for a guest.
type RunnerFunc func(context.Context, Cmd) (int, error)

// Run implements Runner.
func (f RunnerFunc) Run(ctx context.Context, c Cmd) (int, error) { return f(ctx, c) }

// Local runs commands on this machine, each in its own process group: an
// interrupt from the terminal does not reach them by itself, a cancelled
// context sends them one, and kills what is left after Grace. They get one,
// too, when this process ends without having waited for them.
type Local struct {
	// Grace is how long a cancelled command may take to end; 10 s if zero.
	Grace time.Duration
}

// Run implements Runner.
func (l Local) Run(ctx context.Context, c Cmd) (int, error) {
	if len(c.Argv) == 0 {
		return 0, errors.New("running a command: no command given")
	}
	cmd := exec.CommandContext(ctx, c.Argv[0], c.Argv[1:]...)
	cmd.Env = append(os.Environ(), c.Env...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = c.Stdin, c.Stdout, c.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGINT}
	// The kernel sends it at the end of the thread that started the command
	// (prctl(2)), so that one has to stay.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGINT) }
	cmd.WaitDelay = l.Grace
	if l.Grace == 0 {
		cmd.WaitDelay = 10 * time.Second
	}
	err := cmd.Run()
	if ctx.Err() != nil {
		if cmd.Process != nil {
			// WaitDelay kills the leader only; its group goes with it.
			_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		}
		return 0, fmt.Errorf("running %q: %w", c.Argv[0], ctx.Err())
	}
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.Exited() {
		return exit.ExitCode(), nil
	}
	if err != nil {
		return 0, fmt.Errorf("running %q: %w", c.Argv[0], err)
	}
	return 0, nil
}

// output runs a command and returns what it printed; a status other than zero
// is a *exitError.
func output(ctx context.Context, r Runner, c Cmd) ([]byte, error) {
	var out bytes.Buffer
	errs := &tail{max: tailBytes}
	c.Stdout, c.Stderr = &out, errs
	exit, err := r.Run(ctx, c)
	if err != nil {
		return nil, err
	}
	if exit != 0 {
		return nil, &exitError{argv0: c.Argv[0], exit: exit, stderr: errs.String()}
	}
	return out.Bytes(), nil
}

// exitError is a command that ran and reported failure.
type exitError struct {
	argv0  string
	exit   int
	stderr string
}

func (e *exitError) Error() string {
	return fmt.Sprintf("%s: exit status %d: %s", e.argv0, e.exit, lastLine(e.stderr))
}

// stream runs a command in the background and returns what it prints as a
// reader. Closing the reader early ends the command; an exit status other than
// zero is the reader's last error, so a cut-off stream is never taken for a
// whole one.
func stream(ctx context.Context, r Runner, c Cmd) io.ReadCloser {
	ctx, cancel := context.WithCancel(ctx)
	pr, pw := io.Pipe()
	errs := &tail{max: tailBytes}
	c.Stdout, c.Stderr = pw, errs
	done := make(chan struct{})
	go func() {
		defer close(done)
		exit, err := r.Run(ctx, c)
		if err == nil && exit != 0 {
			err = &exitError{argv0: c.Argv[0], exit: exit, stderr: errs.String()}
		}
		pw.CloseWithError(err)
	}()
	return &streamReader{PipeReader: pr, cancel: cancel, done: done}
}

type streamReader struct {
	*io.PipeReader
	cancel context.CancelFunc
	done   chan struct{}
}

// Close ends the command and waits for it.
func (s *streamReader) Close() error {
	s.cancel()
	err := s.PipeReader.Close()
	<-s.done
	return err
}
