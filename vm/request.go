package vm

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"sync"
	"syscall"
	"time"

	"fromsource/vm/wire"
)

// call is one request that the guest has not answered yet.
type call struct {
	id   uint32
	in   map[string]*wire.Incoming
	out  *wire.Outgoing
	ends int // streams that have ended; for the reading goroutine
	done chan struct{}
	// After done is closed: the answer, or why there is none.
	answer wire.Msg
	err    error
}

// begin sends a request.
func (m *Machine) begin(req wire.Msg) (*call, error) {
	m.mu.Lock()
	if m.calls == nil {
		defer m.mu.Unlock()
		return nil, m.err
	}
	m.nextID++
	req.ID = m.nextID
	c := &call{id: req.ID, in: map[string]*wire.Incoming{}, done: make(chan struct{})}
	switch req.T {
	case "run":
		c.in[wire.Stdout] = wire.NewIncoming(m.w, c.id, wire.Stdout)
		c.in[wire.Stderr] = wire.NewIncoming(m.w, c.id, wire.Stderr)
	case "get":
		c.in[wire.Stdout] = wire.NewIncoming(m.w, c.id, wire.Stdout)
	}
	if req.T == "put" || req.Stdin {
		c.out = wire.NewOutgoing(m.w, c.id, wire.Stdin)
	}
	m.calls[c.id] = c
	m.mu.Unlock()
	if err := m.w.Send(req, nil); err != nil {
		// The guest is gone or going: why, the reading goroutine finds out.
		return nil, m.gone(err)
	}
	return c, nil
}

// gone waits for the reason why the channel failed.
func (m *Machine) gone(err error) error {
	patience, cancel := withPatience(context.Background(), 2*poweroffTimeout)
	defer cancel()
	select {
	case <-m.ended:
		return m.err
	case <-patience.Done():
		return err
	}
}

// finish takes the answer.
func (c *call) finish(f wire.Msg) error {
	end := io.EOF
	if f.Error != "" {
		end = errors.New(f.Error)
	} else if c.ends < len(c.in) {
		return fmt.Errorf("%w: request %d is done before its output has ended", wire.ErrProtocol, c.id)
	}
	for _, in := range c.in {
		in.End(end)
	}
	if c.out != nil {
		c.out.Fail(errDone)
	}
	c.answer = f
	close(c.done)
	return nil
}

// errDone ends the input of a request that the guest has finished with.
var errDone = errors.New("the command takes no more input")

// fail ends a call whose guest is gone.
func (c *call) fail(err error) {
	c.err = err
	for _, in := range c.in {
		in.End(err)
	}
	if c.out != nil {
		c.out.Fail(err)
	}
	close(c.done)
}

// wait waits for the answer.
func (c *call) wait(ctx context.Context) (wire.Msg, error) {
	select {
	case <-c.done:
		if c.err == nil && c.answer.Error != "" {
			return c.answer, errors.New(c.answer.Error)
		}
		return c.answer, c.err
	case <-ctx.Done():
		return wire.Msg{}, ctx.Err()
	}
}

// Cmd is a command to run in the guest.
type Cmd struct {
	Argv []string
	// Env is added to the guest's own environment.
	Env []string
	// Dir is the working directory; / when empty.
	Dir string
	// Stdin may be nil, for none. Stdout and Stderr may be nil, to drop it.
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	// TTY runs it on a terminal of its own; all output is on Stdout.
	TTY bool
}

// Run runs a command to its end and gives its exit status. A command that was
// killed by a signal has 128 and the signal's number, as in a shell. The error
// is about the guest or the streams, never about the exit status.
//
// When ctx is done the command is asked to end, then made to.
func (m *Machine) Run(ctx context.Context, cmd Cmd) (int, error) {
	c, err := m.begin(wire.Msg{T: "run", Argv: cmd.Argv, Env: cmd.Env, Dir: cmd.Dir, Stdin: cmd.Stdin != nil, TTY: cmd.TTY})
	if err != nil {
		return -1, err
	}
	in := &noting{r: cmd.Stdin}
	if c.out != nil {
		go func() {
			// Whatever fails on the channel shows in wait.
			_, _ = io.Copy(struct{ io.Writer }{c.out}, in)
			if in.failure() == nil {
				_ = c.out.Close()
			} else {
				// Half an input must not be taken for a whole one.
				_ = m.w.Send(wire.Msg{T: "kill", ID: c.id, Signal: int(syscall.SIGKILL)}, nil)
			}
		}()
	}
	var wg sync.WaitGroup
	errs := make(chan error, 2)
	for name, w := range map[string]io.Writer{wire.Stdout: cmd.Stdout, wire.Stderr: cmd.Stderr} {
		wg.Add(1)
		go func() {
			defer wg.Done()
			errs <- drain(c.in[name], w)
		}()
	}
	// Its end, or the caller's.
	over := make(chan struct{})
	defer close(over)
	go m.killWith(ctx, c.id, over)
	wg.Wait()
	f, err := c.wait(context.Background()) // always comes: the guest's end is an end
	if ctx.Err() != nil {
		return -1, ctx.Err()
	}
	if err != nil {
		return -1, err
	}
	if err := in.failure(); err != nil {
		return -1, fmt.Errorf("reading the command's input: %w", err)
	}
	for range 2 {
		if err := <-errs; err != nil {
			return -1, err
		}
	}
	if f.Signal != 0 {
		return 128 + f.Signal, nil
	}
	return f.Exit, nil
}

// killWith ends a command when its context is done: politely at first, so
// that Nix can take its builders along.
func (m *Machine) killWith(ctx context.Context, id uint32, over <-chan struct{}) {
	select {
	case <-over:
		return
	case <-ctx.Done():
	}
	for _, s := range []syscall.Signal{syscall.SIGTERM, syscall.SIGKILL} {
		// A channel that fails shows in wait.
		_ = m.w.Send(wire.Msg{T: "kill", ID: id, Signal: int(s)}, nil)
		patience, cancel := withPatience(context.Background(), 5*time.Second)
		select {
		case <-over:
		case <-patience.Done():
		}
		cancel()
		select {
		case <-over:
			return
		default:
		}
	}
}

// drain copies a stream to its end. When the writer fails the rest is dropped
// and the stream goes on, so that the command can end.
func drain(in *wire.Incoming, w io.Writer) error {
	if w == nil {
		w = io.Discard
	}
	_, err := io.CopyBuffer(struct{ io.Writer }{w}, struct{ io.Reader }{in}, make([]byte, 256<<10))
	if err != nil {
		in.Discard()
	}
	return err
}

// Output runs a command and gives what it wrote to standard output. An exit
// status other than 0 is an error that has the end of standard error.
func (m *Machine) Output(ctx context.Context, argv ...string) ([]byte, error) {
	var out capture
	errs := newTailWriter(4 << 10)
	code, err := m.Run(ctx, Cmd{Argv: argv, Stdout: &out, Stderr: errs})
	if err != nil {
		return nil, fmt.Errorf("running %q in the guest: %w", argv[0], err)
	}
	if code != 0 {
		return nil, fmt.Errorf("running %q in the guest: exit status %d: %s", argv[0], code, errs.lines(5))
	}
	return out.b, nil
}

// Put writes a file in the guest. It appears there when it is complete, and
// what the guest wrote is compared with what was sent.
func (m *Machine) Put(ctx context.Context, path string, mode fs.FileMode, r io.Reader) error {
	c, err := m.begin(wire.Msg{T: "put", Path: path, Mode: uint32(mode.Perm())})
	if err != nil {
		return fmt.Errorf("putting %q: %w", path, err)
	}
	h := sha256.New()
	from := &noting{r: ctxReader{ctx, r}}
	// What fails on the channel shows in wait, and why.
	_, _ = io.CopyBuffer(struct{ io.Writer }{io.MultiWriter(h, c.out)}, struct{ io.Reader }{from}, make([]byte, wire.Chunk))
	if err := from.failure(); err != nil {
		// Half a file must not be taken for a whole one. When the guest has
		// answered, nothing is left of it.
		_ = m.w.Send(wire.Msg{T: "kill", ID: c.id}, nil)
		_, _ = c.wait(ctx)
		return fmt.Errorf("putting %q: %w", path, err)
	}
	_ = c.out.Close()
	f, err := c.wait(ctx)
	if err != nil {
		return fmt.Errorf("putting %q: %w", path, err)
	}
	if got := hex.EncodeToString(h.Sum(nil)); got != f.SHA256 {
		return fmt.Errorf("putting %q: sent sha256 %s, the guest has %s", path, got, f.SHA256)
	}
	return nil
}

// Get reads a regular file of the guest. The reader gives io.EOF only when
// the file has arrived whole and with the hash that the guest saw.
func (m *Machine) Get(ctx context.Context, path string) (io.ReadCloser, error) {
	c, err := m.begin(wire.Msg{T: "get", Path: path})
	if err != nil {
		return nil, fmt.Errorf("getting %q: %w", path, err)
	}
	g := &getter{ctx: ctx, path: path, c: c, h: sha256.New()}
	g.buf = bufio.NewReaderSize(readFunc(g.read), wire.Chunk)
	if _, err := g.buf.Peek(1); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	return g, nil
}

// getter is the reader of a get.
type getter struct {
	ctx  context.Context
	path string
	c    *call
	buf  *bufio.Reader
	h    hash.Hash
	n    int64
}

func (g *getter) Read(p []byte) (int, error) { return g.buf.Read(p) }

func (g *getter) read(p []byte) (int, error) {
	if err := g.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := g.c.in[wire.Stdout].Read(p)
	g.h.Write(p[:n])
	g.n += int64(n)
	if err == nil {
		return n, nil
	}
	if !errors.Is(err, io.EOF) {
		return n, fmt.Errorf("getting %q: %w", g.path, err)
	}
	f, err := g.c.wait(g.ctx)
	if err != nil {
		return n, fmt.Errorf("getting %q: %w", g.path, err)
	}
	if got := hex.EncodeToString(g.h.Sum(nil)); got != f.SHA256 || g.n != f.Size {
		return n, fmt.Errorf("getting %q: %d bytes with sha256 %s arrived, the guest sent %d with %s", g.path, g.n, got, f.Size, f.SHA256)
	}
	return n, io.EOF
}

// Close gives up what was not read.
func (g *getter) Close() error {
	g.c.in[wire.Stdout].Discard()
	return nil
}
