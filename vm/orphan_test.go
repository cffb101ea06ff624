package vm

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"fromsource/vm/image"
	"fromsource/vm/qemu"
)

// orphanMaker as first argument makes the test binary boot a guest and wait
// to be killed.
const orphanMaker = "make-an-orphan"

// makeOrphan boots the image and in the directory that its environment says,
// prints QEMU's process id and waits.
func makeOrphan() {
	var img image.Image
	err := json.Unmarshal([]byte(os.Getenv("ORPHAN_IMAGE")), &img)
	if err == nil {
		var m *Machine
		m, err = Boot(context.Background(), Config{
			Image: &img, Accel: qemu.TCG, CPUs: 1, MemoryMB: 384, DiskMB: 256, DiskDir: os.Getenv("ORPHAN_DIR"),
		})
		if err == nil {
			fmt.Println(m.PID())
			select {}
		}
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

// A fromsource that is killed leaves neither QEMU nor files behind.
func TestKilledLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	img, err := json.Marshal(testImage)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0], orphanMaker)
	cmd.Env = append(os.Environ(), "ORPHAN_IMAGE="+string(img), "ORPHAN_DIR="+dir, "TMPDIR="+dir)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Process.Kill()
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(line))
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(pid, 0); err != nil {
		t.Fatalf("QEMU, process %d, is not there: %v", pid, err)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	waitGone(t, pid)
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 0 {
		t.Errorf("files are left: %v, %v", left, err)
	}
}

// patience is what a test has for something that takes seconds: a machine that
// is busy, or stalls for a while, must not fail it.
const patience = 5 * time.Minute

// waitUntil waits for something to become true.
func waitUntil(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !ok(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited for %s", what)
		}
	}
}

// waitGone waits for a process to end.
func waitGone(t *testing.T, pid int) {
	t.Helper()
	waitUntil(t, fmt.Sprintf("the end of process %d", pid), func() bool {
		if err := syscall.Kill(pid, 0); errors.Is(err, syscall.ESRCH) {
			return true
		}
		// One that nobody waits for stays as a zombie.
		b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		return err == nil && strings.Contains(string(b), ") Z ")
	})
}
