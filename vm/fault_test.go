package vm

import (
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"fromsource/vm/image"
	"fromsource/vm/qemu"
)

// failure checks that an error is a failure of a kind, with a console.
func failure(t *testing.T, err, kind error) *Failure {
	t.Helper()
	var f *Failure
	if !errors.Is(err, kind) || !errors.As(err, &f) {
		t.Fatalf("error %v, want %v", err, kind)
	}
	return f
}

func TestPanic(t *testing.T) {
	m := boot(t, Config{})
	_, err := m.Run(t.Context(), Cmd{Argv: []string{"sh", "-c", "echo c > /proc/sysrq-trigger; sleep 100"}})
	f := failure(t, err, ErrPanic)
	if !strings.Contains(f.Detail, "sysrq triggered crash") || !strings.Contains(f.Console, "Kernel panic") {
		t.Errorf("detail %q, console %q", f.Detail, f.Console)
	}
	waitGone(t, m.PID())
	if _, err := m.Run(t.Context(), Cmd{Argv: []string{"true"}}); !errors.Is(err, ErrPanic) {
		t.Errorf("a command afterwards: %v", err)
	}
	if err := m.Close(); !errors.Is(err, ErrPanic) {
		t.Errorf("close: %v", err)
	}
}

// hangAfter changes how long a machine may be silent, from now on.
func hangAfter(m *Machine, d time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.cfg.HangAfter, m.heard = d, true
}

// A process of the highest real-time priority that never sleeps starves all
// others of a guest with one processor: the kernel is well, nobody answers.
func TestHang(t *testing.T) {
	m := boot(t, Config{})
	spin, err := os.Open(goBuild(t, "./testdata/spin"))
	if err != nil {
		t.Fatal(err)
	}
	defer spin.Close()
	if err := m.Put(t.Context(), "/tmp/spin", 0o755, spin); err != nil {
		t.Fatal(err)
	}
	hangAfter(m, 8*time.Second)
	_, err = m.Run(t.Context(), Cmd{Argv: []string{"/tmp/spin"}, Stderr: t.Output()})
	f := failure(t, err, ErrHang)
	if !strings.Contains(f.Detail, "no sign of life for 8s, where there is one every 2s; QEMU had ") {
		t.Errorf("detail %q", f.Detail)
	}
	waitGone(t, m.PID())
}

func TestDiskFull(t *testing.T) {
	x, err := Build(t.Context(), smallRecipe(t, "big"), t.TempDir(), smallOptions())
	f := failure(t, err, ErrDiskFull)
	if !strings.Contains(f.Detail, "MiB") {
		t.Errorf("detail %q", f.Detail)
	}
	if x == nil || x.Guest.Complete || !strings.Contains(x.Guest.Error, "disk is full") {
		t.Errorf("export %+v", x)
	}
	if _, err := os.Stat(x.Path(ClosureFile)); err != nil {
		t.Errorf("what was there was not exported: %v", err)
	}
}

func TestOutOfMemory(t *testing.T) {
	o := smallOptions()
	o.MemoryMB = 320
	x, err := Build(t.Context(), smallRecipe(t, "greedy"), t.TempDir(), o)
	f := failure(t, err, ErrNoMemory)
	if !strings.Contains(f.Detail, "Killed process") {
		t.Errorf("detail %q", f.Detail)
	}
	if x == nil || x.Guest.Complete {
		t.Errorf("export %+v", x)
	}
}

// Too little memory to come up at all.
func TestNoMemoryToBoot(t *testing.T) {
	_, err := Boot(t.Context(), small(t, Config{MemoryMB: 128}))
	failure(t, err, ErrNoMemory)
}

func TestNoInit(t *testing.T) {
	img := *testImage
	img.Initrd = img.Dir + "/base.cpio"
	cfg := small(t, Config{})
	cfg.Image = &img
	_, err := Boot(t.Context(), cfg)
	f := failure(t, err, ErrPanic)
	if !strings.Contains(f.Console, "Kernel panic") {
		t.Errorf("console %q", f.Console)
	}
}

func TestBootTimeout(t *testing.T) {
	_, err := Boot(t.Context(), small(t, Config{BootTimeout: 100 * time.Millisecond}))
	if err == nil || !strings.Contains(err.Error(), "no word in 100ms") && !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v", err)
	}
}

func TestQEMUKilled(t *testing.T) {
	m := boot(t, Config{})
	go func() {
		time.Sleep(300 * time.Millisecond)
		_ = syscall.Kill(m.PID(), syscall.SIGKILL)
	}()
	_, err := m.Run(t.Context(), Cmd{Argv: []string{"sleep", "100"}})
	f := failure(t, err, ErrCrash)
	if !strings.Contains(f.Detail, "killed") {
		t.Errorf("detail %q", f.Detail)
	}
}

// A guest that dies in a build: what was seen until then is kept.
func TestGuestLostInBuild(t *testing.T) {
	o := smallOptions()
	var once sync.Once
	o.Progress = func(e Event) {
		if e.Stage == StageBuild && strings.HasSuffix(e.Text, "-slow.drv") {
			once.Do(func() { killChildren(t) })
		}
	}
	x, err := Build(t.Context(), smallRecipe(t, "slow"), t.TempDir(), o)
	failure(t, err, ErrCrash)
	if x == nil {
		t.Fatal("no export")
	}
	if x.Guest.Complete || x.Guest.Error == "" || len(x.Roots) != 1 || x.Guest.Kernel == "" {
		t.Errorf("guest %+v", x.Guest)
	}
	for file, want := range map[string]string{
		LogFile: "-tool.drv'...", RootsFile: "-slow.drv\n", GuestFile: `"complete": false`, ExecFile: "/build/echo",
	} {
		b, err := os.ReadFile(x.Path(file))
		if err != nil || !strings.Contains(string(b), want) {
			t.Errorf("%s: no %q in %q, %v", file, want, b, err)
		}
	}
	if _, err := os.Stat(x.Path(ClosureFile)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a closure that was never exported: %v", err)
	}
}

// killChildren kills this process's children.
func killChildren(t *testing.T) {
	lists, err := filepath.Glob("/proc/self/task/*/children")
	if err != nil {
		t.Error(err)
	}
	killed := 0
	for _, l := range lists {
		b, err := os.ReadFile(l)
		if err != nil {
			continue // a thread that has ended
		}
		for _, f := range strings.Fields(string(b)) {
			if pid, err := strconv.Atoi(f); err == nil && syscall.Kill(pid, syscall.SIGKILL) == nil {
				killed++
			}
		}
	}
	if killed == 0 {
		t.Error("there was nothing to kill")
	}
}

// ^C: the context of the machine ends, the guest is shut down in order.
func TestCancel(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	m, err := Boot(ctx, small(t, Config{DiskMB: 256}))
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		time.Sleep(500 * time.Millisecond)
		cancel()
	}()
	_, err = m.Run(ctx, Cmd{Argv: []string{"sleep", "1000"}})
	if !errors.Is(err, context.Canceled) && !errors.Is(err, ErrClosed) {
		t.Errorf("the command: %v", err)
	}
	select {
	case <-m.Ended():
	case <-time.After(patience):
		t.Fatal("the guest is still there")
	}
	if !errors.Is(m.Err(), ErrClosed) {
		t.Errorf("the end was not orderly: %v", m.Err())
	}
	waitGone(t, m.PID())
}

func TestNoQEMU(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	_, err := Boot(t.Context(), Config{Image: testImage, Accel: qemu.TCG, CPUs: 1, MemoryMB: 256})
	if !errors.Is(err, qemu.ErrNoQEMU) || !strings.Contains(err.Error(), "qemu-system-x86") {
		t.Errorf("error %v", err)
	}
}

func TestBadKernel(t *testing.T) {
	img := image.Image{Kernel: "/dev/null", Initrd: testImage.Initrd}
	_, err := Boot(t.Context(), Config{Image: &img, Accel: qemu.TCG, CPUs: 1, MemoryMB: 256})
	if err == nil {
		t.Fatal("it booted")
	}
	if !strings.Contains(err.Error(), "qemu") && !errors.Is(err, ErrBoot) {
		t.Errorf("error %v", err)
	}
}

// goBuild builds a static program and gives its path.
func goBuild(t *testing.T, pkg string) string {
	t.Helper()
	out := filepath.Join(t.TempDir(), "program")
	cmd := exec.Command("go", "build", "-o", out, pkg)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if b, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("building %s: %v: %s", pkg, err, b)
	}
	return out
}

// brokenReader fails half way.
type brokenReader struct{ n int }

func (b *brokenReader) Read(p []byte) (int, error) {
	if b.n <= 0 {
		return 0, io.ErrNoProgress
	}
	n := min(len(p), b.n)
	b.n -= n
	return n, nil
}
