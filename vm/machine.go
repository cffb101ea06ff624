package vm

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"fromsource/vm/agent"
	"fromsource/vm/image"
	"fromsource/vm/qemu"
	"fromsource/vm/wire"
)

// Config is a machine to boot.
type Config struct {
	// Image is what it boots.
	Image *image.Image
	// Accel is qemu.KVM or qemu.TCG; CPU overrides QEMU's model.
	Accel, CPU string
	// CPUs and MemoryMB are its size; DiskMB that of its disk, of which only
	// what is written takes space. Without a disk it keeps all in memory.
	CPUs, MemoryMB, DiskMB int
	// DiskDir is the directory on whose file system the disk is.
	DiskDir string
	// Network gives it QEMU's user network.
	Network bool
	// Clock is the machine's time at boot, as -rtc base= takes it.
	Clock string
	// Append is added to the kernel's command line, QEMU to its own: what
	// stands there twice, counts as it stands last. MakeFS is added to the
	// arguments of mke2fs.
	Append, QEMU, MakeFS []string
	// BootTimeout and HangAfter are how long it may take to say hello, and
	// how long it may say nothing. Zero for the defaults. Time in which this
	// program or QEMU was stopped, or the whole host stalled, does not count.
	BootTimeout, HangAfter time.Duration
	// BootCPU is how much processor time QEMU may take until hello; no limit
	// where it is zero.
	BootCPU time.Duration
	// Console receives what the guest's console says; may be nil.
	Console io.Writer
	// OnExec receives each program that a build executed; may be nil. It is
	// called from one goroutine and must not block.
	OnExec func(wire.Exec)
}

// The defaults, for an emulated guest on a busy machine: boots were measured
// at 5 to 19 seconds there.
const (
	defaultBootTimeout = 3 * time.Minute
	defaultHangAfter   = 2 * time.Minute
	poweroffTimeout    = 10 * time.Second
)

// Machine is a running guest. Its methods may be used by several goroutines.
type Machine struct {
	cfg  Config
	proc *qemu.Process
	disk *os.File
	w    *wire.Writer
	// Hello is what the guest said of itself when it came up.
	Hello wire.Info
	// BootTime is how long that took.
	BootTime time.Duration

	mu       sync.Mutex
	calls    map[uint32]*call
	nextID   uint32
	heard    bool // since the last look of watch
	state    wire.Info
	ooms     []string
	watchEnd string
	hung     string // how it was seen
	paused   bool
	bye      bool
	cause    error // why the channel ended, where it was not the guest

	ended chan struct{}
	err   error // valid after ended
	hello chan struct{}
	once  sync.Once
	// leave is how long an orderly end may take.
	leave time.Duration
}

// Boot starts a machine and waits until it answers. The machine lives until
// Close, or until ctx is done, which shuts it down.
func Boot(ctx context.Context, cfg Config) (_ *Machine, err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if cfg.BootTimeout == 0 {
		cfg.BootTimeout = defaultBootTimeout
	}
	if cfg.HangAfter == 0 {
		cfg.HangAfter = defaultHangAfter
	}
	m := &Machine{
		cfg: cfg, calls: map[uint32]*call{}, ended: make(chan struct{}), hello: make(chan struct{}), leave: poweroffTimeout,
	}
	if cfg.DiskMB > 0 {
		if m.disk, err = qemu.NewDisk(ctx, cfg.DiskDir, int64(cfg.DiskMB)<<20, cfg.MakeFS...); err != nil {
			return nil, err
		}
		// QEMU has its own; with ours closed its end frees the space.
		defer m.disk.Close()
	}
	start := time.Now()
	qc := cfg.qemu()
	patience, cancel := withPatience(ctx, cfg.BootTimeout)
	defer cancel()
	m.proc, err = qemu.Start(patience, qc, m.disk, cfg.Console)
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, err
	}
	m.w = wire.NewWriter(m.proc.Port)
	go m.read()
	if err := m.greeted(ctx, patience); err != nil {
		return nil, err
	}
	m.BootTime = time.Since(start)
	go m.watch(ctx, lookEvery(cfg.HangAfter))
	return m, nil
}

// greeted waits for hello, and ends a machine that does not say it.
func (m *Machine) greeted(ctx, patience context.Context) error {
	tick := time.NewTicker(lookEvery(m.cfg.BootTimeout))
	defer tick.Stop()
	why := ""
	for why == "" {
		select {
		case <-m.hello:
			return nil
		case <-m.ended:
			return bootFailure(m.err)
		case <-patience.Done():
			why = fmt.Sprintf("no word in %v", m.cfg.BootTimeout)
		case <-tick.C:
			if _, had := running(m.proc.PID()); m.cfg.BootCPU > 0 && had > m.cfg.BootCPU {
				why = fmt.Sprintf("no word in %v of processor time", m.cfg.BootCPU)
			}
		}
	}
	if ctx.Err() != nil {
		m.stop(ctx.Err())
		return ctx.Err()
	}
	f := &Failure{Kind: ErrBoot, Detail: why, Console: ConsoleTail(m.proc.Console())}
	m.stop(f)
	return f
}

// bootFailure makes a crash before hello one of booting; panics and the like
// stay what they are.
func bootFailure(err error) error {
	var f *Failure
	if errors.As(err, &f) && errors.Is(f.Kind, ErrCrash) {
		f.Kind = ErrBoot
	}
	return err
}

// qemu is the command line's part of a configuration.
func (c Config) qemu() qemu.Config {
	q := qemu.Config{
		Accel: c.Accel, CPU: c.CPU, CPUs: c.CPUs, MemoryMB: c.MemoryMB,
		Append:     append([]string{}, c.Append...),
		DiskSerial: agent.WorkDisk, PortName: agent.Port, Network: c.Network, Clock: c.Clock,
		Extra: c.QEMU,
	}
	if c.Image != nil {
		q.Kernel, q.Initrd = c.Image.Kernel, c.Image.Initrd
	}
	if c.Network {
		q.Append = append(q.Append, agent.NetFlag)
	}
	return q
}

// watch ends a machine that hangs, or whose owner's context is done.
func (m *Machine) watch(ctx context.Context, every time.Duration) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	silence := awake{last: time.Now()}
	var before time.Duration // the processor time that QEMU had when the silence began
	for {
		select {
		case <-m.ended:
			return
		case <-ctx.Done():
			_ = m.Close() // the caller learns of it by its own context
			return
		case <-tick.C:
			now := time.Now()
			stopped, had := running(m.proc.PID())
			m.mu.Lock()
			switch {
			case m.heard || m.paused:
				m.heard = false
				silence, before = awake{last: now}, had
			case stopped:
				silence.last = now
			case silence.look(now, every) > m.cfg.HangAfter:
				m.hung = fmt.Sprintf("no sign of life for %v, where there is one every %v; QEMU had %v of processor time in it",
					m.cfg.HangAfter, wire.BeatEvery, (had - before).Round(100*time.Millisecond))
			}
			hung := m.hung != ""
			m.mu.Unlock()
			if hung {
				m.proc.Kill()
				return
			}
		}
	}
}

// read takes what the guest says until it ends, and then says why it did.
func (m *Machine) read() {
	err := m.frames(wire.NewReader(m.proc.Port))
	if errors.Is(err, wire.ErrProtocol) {
		m.mu.Lock()
		if m.cause == nil {
			m.cause = err
		}
		m.mu.Unlock()
		m.proc.Kill() // what can't be understood can't be asked to stop
	}
	patience, cancel := withPatience(context.Background(), m.leave)
	defer cancel()
	select {
	case <-m.proc.Done():
	case <-patience.Done():
		m.proc.Kill()
		<-m.proc.Done()
	}
	_ = m.proc.Port.Close() // nobody is at its other end
	err = m.verdict()
	m.mu.Lock()
	m.err = err
	calls := m.calls
	m.calls = nil
	m.mu.Unlock()
	for _, c := range calls {
		c.fail(err)
	}
	close(m.ended)
}

// verdict says why a machine has ended.
func (m *Machine) verdict() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	console := m.proc.Console()
	if f := consoleVerdict(console); f != nil {
		return f
	}
	_, panicked := m.proc.QMP.Seen("GUEST_PANICKED")
	f := &Failure{Console: ConsoleTail(console)}
	switch {
	case panicked:
		f.Kind, f.Detail = ErrPanic, "QEMU says so, the console has no message"
	case m.hung != "":
		f.Kind, f.Detail = ErrHang, m.hung
	case m.cause != nil:
		return m.cause
	case m.bye:
		return ErrClosed
	default:
		f.Kind, f.Detail = ErrCrash, "the channel closed without a goodbye"
		if err := m.proc.Err(); err != nil {
			f.Detail = fmt.Sprintf("QEMU: %v", err)
		}
		if s := m.proc.Messages(); s != "" {
			f.Detail += ": " + ConsoleTail(s)
		}
	}
	return f
}

// stop ends the machine at once, for a cause.
func (m *Machine) stop(cause error) {
	m.mu.Lock()
	if m.cause == nil {
		m.cause = cause
	}
	m.mu.Unlock()
	m.proc.Kill()
	<-m.ended
}

// Pause stops the machine where it is: it takes no processor time, and its own
// time stands still. Requests that are made meanwhile are answered after Resume.
func (m *Machine) Pause(ctx context.Context) error {
	_, err := m.proc.QMP.Do(ctx, "stop")
	m.mu.Lock()
	m.paused = true // its silence means nothing from now on
	m.mu.Unlock()
	if err != nil {
		return fmt.Errorf("pausing the guest: %w", err)
	}
	return nil
}

// Resume lets a paused machine go on. One that was not paused is left alone.
func (m *Machine) Resume(ctx context.Context) error {
	m.mu.Lock()
	paused := m.paused
	m.mu.Unlock()
	if !paused {
		return nil
	}
	if _, err := m.proc.QMP.Do(ctx, "cont"); err != nil {
		return fmt.Errorf("resuming the guest: %w", err)
	}
	m.mu.Lock()
	m.paused, m.heard = false, true
	m.mu.Unlock()
	return nil
}

// Close shuts the machine down and waits for its end. A machine that has
// failed before gives that failure.
func (m *Machine) Close() error {
	m.once.Do(func() {
		ctx, cancel := withPatience(context.Background(), m.leave)
		defer cancel()
		_ = m.Resume(ctx) // where that fails, so does what follows
		if c, err := m.begin(wire.Msg{T: "poweroff"}); err == nil {
			_, _ = c.wait(ctx) // what matters is that it ends
		}
		select {
		case <-m.ended:
		case <-ctx.Done():
			m.stop(ErrClosed)
		}
	})
	<-m.ended
	if errors.Is(m.err, ErrClosed) {
		return nil
	}
	return m.err
}

// Ended is closed when the machine has ended; Err then says why, ErrClosed
// for an orderly end.
func (m *Machine) Ended() <-chan struct{} { return m.ended }

// Err is why the machine has ended, nil while it runs.
func (m *Machine) Err() error {
	select {
	case <-m.ended:
		return m.err
	default:
		return nil
	}
}

// State is what the last heartbeat said.
func (m *Machine) State() wire.Info {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.state
}

// PID is QEMU's process id.
func (m *Machine) PID() int { return m.proc.PID() }

// Console is the end of what the guest's console said.
func (m *Machine) Console() string { return ConsoleTail(m.proc.Console()) }
