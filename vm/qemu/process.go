package qemu

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Process is a running QEMU.
type Process struct {
	// Port is the host's end of the virtio-serial port, which its user closes.
	Port net.Conn
	// QMP is ready for commands.
	QMP *QMP

	cmd     *exec.Cmd
	console *tail
	errs    *tail
	conns   []net.Conn
	readers sync.WaitGroup // of console and QMP
	done    chan struct{}
	err     error
}

// ErrNoQEMU is wrapped where QEMU is not installed.
var ErrNoQEMU = errors.New("QEMU is not installed")

// Find looks QEMU up.
func Find() (string, error) {
	p, err := exec.LookPath(Binary)
	if err != nil {
		return "", fmt.Errorf("%w: %q is not in PATH (Debian's package is qemu-system-x86)", ErrNoQEMU, Binary)
	}
	return p, nil
}

// Start starts a machine; c.Wiring is set by it. disk may be nil. What the
// console says goes to the tail, and to log where that is not nil. When ctx is
// done before QEMU answers, it is killed; afterwards ctx has no effect.
//
// The process dies with this one, whatever ends it: the kernel kills it when
// the thread that started it ends, and that thread is kept for as long as the
// process lives. It has its own process group, so ^C is ours alone to answer.
func Start(ctx context.Context, c Config, disk *os.File, log io.Writer) (*Process, error) {
	bin, err := Find()
	if err != nil {
		return nil, err
	}
	c.Wiring = inherited(disk != nil)
	p := &Process{console: newTail(64<<10, log), errs: newTail(8<<10, nil), done: make(chan struct{})}
	var theirs []*os.File
	defer func() { closeFiles(theirs) }()
	for range 3 {
		conn, file, err := socketpair()
		if err != nil {
			p.closeAll()
			return nil, err
		}
		p.conns = append(p.conns, conn)
		theirs = append(theirs, file)
	}
	p.cmd = exec.Command(bin, Args(c)...)
	p.cmd.ExtraFiles = append([]*os.File{}, theirs...)
	if disk != nil {
		p.cmd.ExtraFiles = append(p.cmd.ExtraFiles, disk)
	}
	p.cmd.Stdout, p.cmd.Stderr = p.errs, p.errs
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}

	// What it says last is read too, however late: its ends of the sockets go
	// with it, and that is where the readers end.
	p.readers.Add(2)
	started := make(chan error)
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread goes with us
		err := p.cmd.Start()
		started <- err
		if err == nil {
			p.err = p.cmd.Wait()
			p.Kill() // whatever it started would hold on to the sockets
			p.drain()
			close(p.done)
		}
	}()
	if err := <-started; err != nil {
		p.closeAll()
		return nil, fmt.Errorf("starting QEMU: %w", err)
	}
	p.Port = p.conns[0]
	p.QMP = newQMP(p.conns[1], p.readers.Done)
	go func() {
		defer p.readers.Done()
		_, _ = io.Copy(p.console, p.conns[2])
		_ = p.conns[2].Close() // nobody is at its other end
	}()
	// The ends that the process was given would otherwise stay open here.
	closeFiles(theirs)
	theirs = nil
	if _, err := p.QMP.Do(ctx, "qmp_capabilities"); err != nil {
		p.Kill()
		<-p.done
		_ = p.Port.Close() // the others are closed by their readers
		if ctx.Err() != nil {
			return nil, fmt.Errorf("starting QEMU: it does not answer: %w%s", context.Cause(ctx), colon(p.errs.String()))
		}
		return nil, fmt.Errorf("starting QEMU: %w%s", p.exit(), colon(p.errs.String()))
	}
	return p, nil
}

// exit says how the process ended.
func (p *Process) exit() error {
	if p.err != nil {
		return p.err
	}
	return errors.New("it ended at once")
}

// drain waits until what the process said last has been read. A minute is
// for a log of the caller's that takes nothing any more.
func (p *Process) drain() {
	drained := make(chan struct{})
	go func() {
		p.readers.Wait()
		close(drained)
	}()
	select {
	case <-drained:
	case <-time.After(time.Minute):
	}
}

func (p *Process) closeAll() {
	for _, c := range p.conns {
		_ = c.Close() // the process is gone, there is nothing to lose
	}
}

func closeFiles(files []*os.File) {
	for _, f := range files {
		_ = f.Close() // QEMU has its own
	}
}

// Done is closed when the process has ended and all that it said on its
// console and by QMP has been read. What is left on the port its reader finds.
func (p *Process) Done() <-chan struct{} { return p.done }

// Err is how the process ended: nil for exit status 0. Valid after Done.
func (p *Process) Err() error { return p.err }

// Kill ends the process at once.
func (p *Process) Kill() {
	// Its own group: whatever it started goes too. It may be gone already.
	_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL)
}

// PID is the process's id.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Console is the end of what the guest's console said.
func (p *Process) Console() string { return p.console.String() }

// Messages is the end of what QEMU itself said.
func (p *Process) Messages() string { return p.errs.String() }

func colon(s string) string {
	if s == "" {
		return ""
	}
	return ": " + s
}

// socketpair makes a connected pair: ours, and a file for the child.
func socketpair() (net.Conn, *os.File, error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("making a socket pair: %w", err)
	}
	ours := os.NewFile(uintptr(fds[0]), "guest")
	theirs := os.NewFile(uintptr(fds[1]), "guest")
	conn, err := net.FileConn(ours) // duplicates
	_ = ours.Close()
	if err != nil {
		_ = theirs.Close()
		return nil, nil, fmt.Errorf("making a socket pair: %w", err)
	}
	return conn, theirs, nil
}

// tail keeps the end of what is written to it, and passes all on.
type tail struct {
	mu   sync.Mutex
	buf  []byte
	max  int
	copy io.Writer
}

func newTail(max int, also io.Writer) *tail { return &tail{max: max, copy: also} }

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.copy != nil {
		if _, err := t.copy.Write(p); err != nil {
			t.copy = nil // the console must be drained whatever happens
		}
	}
	t.buf = append(t.buf, p...)
	if len(t.buf) > 2*t.max {
		t.buf = append([]byte{}, t.buf[len(t.buf)-t.max:]...)
	}
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.buf[max(0, len(t.buf)-t.max):])
}
