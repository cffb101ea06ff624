package vm

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"fromsource/vm/qemu"
)

// A kernel that panics at boot under emulation is tried once more, and that is
// said; one that always does is an error. QEMU is a stand-in that takes the
// initramfs away from the real one, some times: the kernel then finds no root.
func TestPanicAtBoot(t *testing.T) {
	bin, err := exec.LookPath(qemu.Binary)
	if err != nil {
		t.Fatal(err)
	}
	for _, panics := range []int{1, 9} {
		t.Run(fmt.Sprint(panics), func(t *testing.T) {
			dir := t.TempDir()
			script := fmt.Sprintf(`#!/bin/sh
echo x >> %[1]s/starts
[ $(wc -l < %[1]s/starts) -gt %[2]d ] && exec %[3]s "$@"
for a; do
  shift
  if [ "$a" = -initrd ]; then skip=yes
  elif [ "$skip" ]; then skip=
  else set -- "$@" "$a"; fi
done
exec %[3]s "$@"
`, dir, panics, bin)
			if err := os.WriteFile(filepath.Join(dir, qemu.Binary), []byte(script), 0o755); err != nil {
				t.Fatal(err)
			}
			t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
			said := ""
			o := smallOptions()
			o.Progress = func(e Event) { said += e.Text + "\n" }
			m, err := Open(t.Context(), Recipe{
				Name: "again", Files: fstest.MapFS{"default.nix": {Data: []byte("{}")}}, Expr: "default.nix", MemoryMB: 384, CPUs: 1, DiskGB: 1,
			}, o)
			if m != nil {
				defer m.Close()
			}
			starts, rerr := os.ReadFile(filepath.Join(dir, "starts"))
			if rerr != nil || len(starts) != len("x\n")*2 {
				t.Errorf("QEMU was started by %q, %v, want two times", starts, rerr)
			}
			if !strings.Contains(said, "Kernel panic - not syncing: VFS: Unable to mount root fs") || !strings.Contains(said, ": trying once more\n") {
				t.Errorf("said %q", said)
			}
			if panics == 1 && err != nil || panics > 1 && !errors.Is(err, ErrPanic) {
				t.Errorf("error %v", err)
			}
		})
	}
}

// A machine that is paused does nothing, is not taken for one that hangs, goes
// on where it was, and ends as fast as any other.
func TestPause(t *testing.T) {
	m := boot(t, Config{})
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
	hangAfter(m, time.Hour)
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
	if err := m.Pause(ctx); err != nil {
		t.Fatal(err)
	}
	m.leave = patience // however slow the host is
	if err := m.Close(); err != nil || !m.bye {
		t.Errorf("closed: %v, in order: %v", err, m.bye)
	}
}
