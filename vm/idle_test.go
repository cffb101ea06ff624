package vm

import (
	"context"
	"errors"
	"fmt"
	"io"
	"syscall"
	"testing"
	"time"
)

// A guest that is busy is not one that hangs: its heart beats.
func testBusy(t *testing.T, m *Machine) {
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	busy, w := io.Pipe()
	go func() {
		_, err := m.Run(ctx, Cmd{Stdout: w, Argv: []string{"sh", "-c", `
			for i in 1 2 3 4; do { while :; do :; done; } & done; echo busy; wait`}})
		ended <- err
	}()
	if _, err := io.ReadFull(busy, make([]byte, 5)); err != nil {
		t.Fatal(err)
	}
	for range 4 {
		before := m.State().Uptime
		waitUntil(t, "a heartbeat of a busy guest", func() bool { return m.State().Uptime > before })
	}
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

// A QEMU that somebody has stopped, or that the host gives no time to, is not
// a guest that hangs; it goes on where it was.
func testStopped(t *testing.T, m *Machine) {
	if err := syscall.Kill(m.PID(), syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	waitUntil(t, "QEMU to stop", func() bool { stopped, _ := running(m.PID()); return stopped })
	hangAfter(m, time.Second)
	time.Sleep(4 * time.Second)
	hangAfter(m, defaultHangAfter)
	if err := m.Err(); err != nil {
		t.Fatalf("while QEMU is stopped: %v", err)
	}
	if err := syscall.Kill(m.PID(), syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	if _, err := m.Output(t.Context(), "true"); err != nil {
		t.Error(err)
	}
}

// A machine that is paused does nothing, is not taken for one that hangs, and
// goes on where it was.
func testPaused(t *testing.T, m *Machine) {
	ctx := t.Context()
	uptime := func() (s float64) {
		t.Helper()
		out, err := m.Output(ctx, "cut", "-d ", "-f1", "/proc/uptime")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := fmt.Sscan(string(out), &s); err != nil {
			t.Fatal(err)
		}
		return s
	}
	if err := m.Resume(ctx); err != nil {
		t.Errorf("resuming what was not paused: %v", err)
	}
	start := time.Now()
	before := uptime()
	if err := m.Pause(ctx); err != nil {
		t.Fatal(err)
	}
	hangAfter(m, time.Second)
	answered := make(chan error, 1)
	go func() {
		_, err := m.Output(ctx, "true")
		answered <- err
	}()
	paused := time.Now()
	select {
	case err := <-answered:
		t.Fatalf("it answers while it is paused: %v", err)
	case <-time.After(5 * time.Second):
	}
	if err := m.Err(); err != nil {
		t.Fatalf("after 5 seconds: %v", err)
	}
	hangAfter(m, defaultHangAfter)
	pause := time.Since(paused)
	if err := m.Resume(ctx); err != nil {
		t.Fatal(err)
	}
	if err := <-answered; err != nil {
		t.Errorf("what was asked meanwhile: %v", err)
	}
	after := uptime()
	// What of all that time was no pause; clocks of guests are not exact.
	most := (time.Since(start)-pause).Seconds()*1.1 + 0.5
	if after < before || after-before > most {
		t.Errorf("uptime %v, and %v before the pause of %v, want %v more at most", after, before, pause, most)
	}
}
