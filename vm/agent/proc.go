package agent

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// procs starts processes and collects the status of all that end. Process 1
// inherits every orphan of the guest, so there is one wait for all of them:
// os/exec's own would race with it.
type procs struct {
	mu    sync.Mutex
	ended map[int]chan syscall.WaitStatus
	more  chan struct{}
}

func newProcs() *procs {
	p := &procs{ended: map[int]chan syscall.WaitStatus{}, more: make(chan struct{}, 1)}
	go p.reap()
	return p
}

func (p *procs) reap() {
	for {
		var st syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &st, 0, nil)
		switch {
		case errors.Is(err, syscall.ECHILD):
			<-p.more // no children: wait for the next start
		case err == nil && (st.Exited() || st.Signaled()):
			p.mu.Lock()
			if c := p.ended[pid]; c != nil {
				c <- st
				delete(p.ended, pid)
			}
			p.mu.Unlock()
		}
	}
}

// start runs argv in a session of its own. The program is executed by a
// shell's exec and not by our own fork: until a fork's exec is done the Go
// runtime is held, and were that exec to wait for the exec watch, which is
// part of this process, both would wait for ever. The shell is on a file
// system that is not watched.
func (p *procs) start(argv, env []string, dir string, files []*os.File, tty bool) (int, <-chan syscall.WaitStatus, error) {
	if len(argv) == 0 {
		return 0, nil, errors.New("no command given")
	}
	if dir == "" {
		dir = "/"
	}
	fds := make([]uintptr, len(files))
	for i, f := range files {
		fds[i] = f.Fd()
	}
	const shell = "/bin/sh"
	p.mu.Lock()
	defer p.mu.Unlock()
	pid, err := syscall.ForkExec(shell, append([]string{shell, "-c", `exec "$@"`, shell}, argv...), &syscall.ProcAttr{
		Dir: dir, Env: append(environment(), env...), Files: fds,
		Sys: &syscall.SysProcAttr{Setsid: true, Setctty: tty, Ctty: 0},
	})
	if err != nil {
		return 0, nil, fmt.Errorf("starting %q: %w", argv[0], err)
	}
	c := make(chan syscall.WaitStatus, 1)
	p.ended[pid] = c
	select {
	case p.more <- struct{}{}:
	default:
	}
	return pid, c, nil
}

// openPTY makes a pseudo-terminal: its master and its slave.
func openPTY() (master, slave *os.File, err error) {
	master, err = os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		return nil, nil, err
	}
	// Not by Fd, which would make reads block for good.
	raw, err := master.SyscallConn()
	n := 0
	if err == nil {
		cerr := raw.Control(func(fd uintptr) {
			if n, err = unix.IoctlGetInt(int(fd), unix.TIOCGPTN); err == nil {
				err = unix.IoctlSetPointerInt(int(fd), unix.TIOCSPTLCK, 0)
			}
		})
		err = errors.Join(cerr, err)
	}
	if err == nil {
		slave, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|syscall.O_NOCTTY, 0)
	}
	if err != nil {
		_ = master.Close() // the first error is the one to report
		return nil, nil, fmt.Errorf("making a terminal: %w", err)
	}
	return master, slave, nil
}
