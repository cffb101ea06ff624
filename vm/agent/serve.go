package agent

import (
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"syscall"
	"time"

	"fromsource/vm/wire"
)

// server answers requests.
type server struct {
	w      *wire.Writer
	procs  *procs
	kernel *kernelLog // may be nil
	// linger is how long output is waited for after the end of its command.
	linger time.Duration

	mu   sync.Mutex
	jobs map[uint32]*job
}

// newServer makes one that answers on w.
func newServer(w *wire.Writer) *server {
	return &server{w: w, procs: newProcs(), kernel: openKernelLog(w), linger: 30 * time.Second, jobs: map[uint32]*job{}}
}

// job is one request being answered.
type job struct {
	what string
	in   *wire.Incoming
	out  map[string]*wire.Outgoing
	// pid is the process of a run, -1 once that has ended; end the signal that
	// arrived before there was one. Both are guarded by the server's mutex.
	pid int
	end syscall.Signal
}

// serve reads requests until poweroff, which gives nil.
func (s *server) serve(r *wire.Reader) error {
	for {
		m, payload, err := r.Next()
		if err != nil {
			return fmt.Errorf("reading requests: %w", err)
		}
		switch m.T {
		case "run", "put", "get":
			if err := s.begin(m); err != nil {
				return err
			}
		case "data", "eof", "ack", "kill":
			if err := s.forward(m, payload); err != nil {
				return err
			}
		case "poweroff":
			return s.w.Send(wire.Msg{T: "done", ID: m.ID}, nil)
		default:
			return fmt.Errorf("%w: unknown request %q", wire.ErrProtocol, m.T)
		}
	}
}

// begin starts a job.
func (s *server) begin(m wire.Msg) error {
	j := &job{what: m.T, out: map[string]*wire.Outgoing{
		wire.Stdout: wire.NewOutgoing(s.w, m.ID, wire.Stdout),
	}}
	if m.T == "run" {
		j.out[wire.Stderr] = wire.NewOutgoing(s.w, m.ID, wire.Stderr)
	}
	if m.T == "put" || m.Stdin {
		j.in = wire.NewIncoming(s.w, m.ID, wire.Stdin)
	}
	s.mu.Lock()
	_, dup := s.jobs[m.ID]
	s.jobs[m.ID] = j
	s.mu.Unlock()
	if dup {
		return fmt.Errorf("%w: request %d is already there", wire.ErrProtocol, m.ID)
	}
	go func() {
		done := wire.Msg{T: "done", ID: m.ID}
		var err error
		switch m.T {
		case "run":
			err = s.run(m, j, &done)
		case "put":
			err = put(m, j.in, &done)
		case "get":
			err = get(m, j.out[wire.Stdout], &done)
		}
		if err != nil {
			done.Error = err.Error()
		}
		if j.in != nil {
			// What the host still sends is dropped, it may not know yet; an
			// ack after the done would be for a request that is closed.
			j.in.Close()
		}
		if m.T == "run" && (done.Exit != 0 || done.Signal != 0) {
			// What it may have failed for is known before its end is.
			s.kernel.read()
			_ = s.w.Send(wire.Msg{T: "beat", Info: state()}, nil)
		}
		if err := s.w.Send(done, nil); err != nil {
			say("answering: %v", err)
		}
		s.mu.Lock()
		delete(s.jobs, m.ID)
		s.mu.Unlock()
	}()
	return nil
}

// forward gives a message about a job to it. One for a job that is over is
// no error: the done may have crossed it on the way.
func (s *server) forward(m wire.Msg, payload []byte) error {
	s.mu.Lock()
	j := s.jobs[m.ID]
	s.mu.Unlock()
	if j == nil {
		return nil
	}
	switch m.T {
	case "data":
		if j.in == nil || m.Stream != wire.Stdin {
			return fmt.Errorf("%w: data for %q of request %d", wire.ErrProtocol, m.Stream, m.ID)
		}
		return j.in.Data(payload)
	case "eof":
		if j.in != nil {
			j.in.End(io.EOF)
		}
	case "ack":
		if o := j.out[m.Stream]; o != nil {
			return o.Ack(m.N)
		}
		return fmt.Errorf("%w: ack for %q of request %d", wire.ErrProtocol, m.Stream, m.ID)
	case "kill":
		if j.what == "put" {
			j.in.End(errors.New("given up by the host"))
			return nil
		}
		sig := syscall.SIGKILL
		if m.Signal > 0 {
			sig = syscall.Signal(m.Signal)
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		switch {
		case j.pid == 0:
			j.end = sig
		case j.pid > 0: // the number of one that ended may be another's now
			_ = syscall.Kill(-j.pid, sig)
		}
	}
	return nil
}

// run answers a run request.
func (s *server) run(m wire.Msg, j *job, done *wire.Msg) error {
	p, err := plumb(m.TTY)
	if err != nil {
		return err
	}
	pid, ended, err := s.procs.start(m.Argv, m.Env, m.Dir, p.child, m.TTY)
	for _, f := range p.child {
		_ = f.Close() // the child has its own
	}
	if err != nil {
		p.close()
		return err
	}
	s.mu.Lock()
	j.pid = pid
	if j.end != 0 {
		_ = syscall.Kill(-pid, j.end) // as above
	}
	s.mu.Unlock()

	if j.in != nil {
		go func() {
			_, _ = io.Copy(p.stdin, j.in) // it may stop reading whenever it likes
			j.in.Discard()
			if !m.TTY {
				_ = p.stdin.Close()
			}
		}()
	} else if !m.TTY {
		_ = p.stdin.Close()
	}
	var streams sync.WaitGroup
	pump := func(name string, from *os.File) {
		streams.Go(func() {
			// A terminal ends with EIO, which is its way to say EOF.
			_, _ = io.CopyBuffer(struct{ io.Writer }{j.out[name]}, &outputOf{f: from}, make([]byte, wire.Chunk))
		})
	}
	pump(wire.Stdout, p.stdout)
	if p.stderr != nil {
		pump(wire.Stderr, p.stderr)
	}
	st := <-ended
	s.mu.Lock()
	j.pid = -1
	s.mu.Unlock()
	// What it left behind goes with it, or its output would never end. Where
	// something in another session holds on to it, it ends all the same; the
	// host may be slow, so what was written until then is sent, however long
	// that takes.
	_ = syscall.Kill(-pid, syscall.SIGKILL)
	late := time.AfterFunc(s.linger, func() {
		for _, f := range []*os.File{p.stdout, p.stderr} {
			if f != nil && f.SetReadDeadline(time.Now()) != nil {
				_ = f.Close() // all that is left to do
			}
		}
	})
	streams.Wait()
	late.Stop()
	p.close()
	for _, name := range []string{wire.Stdout, wire.Stderr} {
		if err := j.out[name].Close(); err != nil {
			return err
		}
	}
	if st.Signaled() {
		done.Exit, done.Signal = -1, int(st.Signal())
	} else {
		done.Exit = st.ExitStatus()
	}
	return nil
}

// outputOf reads what a command writes. Once its deadline has passed it gives
// what is there, at most what a pipe can hold, and then ends.
type outputOf struct {
	f    *os.File
	last bool
	left int
}

// pipeMax is the most that a pipe holds, unless root asks for more (pipe(7)).
const pipeMax = 1 << 20

func (o *outputOf) Read(b []byte) (int, error) {
	if !o.last {
		n, err := o.f.Read(b)
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			return n, err
		}
		o.last, o.left = true, pipeMax
		if err := o.f.SetReadDeadline(time.Time{}); err != nil {
			return 0, err
		}
	}
	raw, err := o.f.SyscallConn()
	if err != nil {
		return 0, err
	}
	n := 0
	rerr := raw.Read(func(fd uintptr) bool {
		n, err = syscall.Read(int(fd), b[:min(len(b), o.left)])
		return true // never wait
	})
	if rerr != nil || err != nil || n <= 0 { // nothing there is an end, too
		return 0, io.EOF
	}
	o.left -= n
	return n, nil
}

// plumbing is the ends of a process's standard streams.
type plumbing struct {
	stdin          *os.File
	stdout, stderr *os.File
	child          []*os.File
}

func plumb(tty bool) (*plumbing, error) {
	if tty {
		m, sl, err := openPTY()
		if err != nil {
			return nil, err
		}
		return &plumbing{stdin: m, stdout: m, child: []*os.File{sl, sl, sl}}, nil
	}
	var all []*os.File
	for range 3 {
		r, w, err := os.Pipe()
		if err != nil {
			for _, f := range all {
				err = errors.Join(err, f.Close())
			}
			return nil, err
		}
		all = append(all, r, w)
	}
	return &plumbing{
		stdin: all[1], stdout: all[2], stderr: all[4],
		child: []*os.File{all[0], all[3], all[5]},
	}, nil
}

// close closes our ends; those already closed stay so.
func (p *plumbing) close() {
	for _, f := range []*os.File{p.stdin, p.stdout, p.stderr} {
		if f != nil {
			_ = f.Close()
		}
	}
}
