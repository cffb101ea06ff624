package agent

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestSandboxRoot(t *testing.T) {
	const h = "0c1r6nj6mkbp1y5v8xpn6q5zlpdjnarr"
	for in, want := range map[string]string{
		"30 1 254:0 /store/" + h + "-hello-2.10.drv.chroot / rw,noatime - ext4 /dev/vda rw\n":       h + "-hello-2.10.drv",
		"30 1 254:0 /store/" + h + "-hello-2.10.drv.chroot/root / rw,noatime - ext4 /dev/vda rw\n":  h + "-hello-2.10.drv",
		"30 1 254:0 /tmp/b/nix/store/" + h + "-a.drv.chroot / rw - ext4 /dev/vda rw\n":              h + "-a.drv",
		"31 30 254:0 /store/" + h + "-hello-2.10.drv.chroot /nix rw - ext4 /dev/vda rw\n":           "",
		"30 1 0:2 / / rw - rootfs rootfs rw\n":                                                      "",
		"31 30 254:0 /store/" + h + "-a.drv /nix/store/" + h + "-a.drv ro - ext4 /dev/vda rw\n":     "",
		"30 1 254:0 /store/eeee6nj6mkbp1y5v8xpn6q5zlpdjnarr-a.drv.chroot / rw - ext4 /dev/vda rw\n": "", // no e in Nix's base 32
	} {
		got := ""
		if m := sandboxRoot.FindStringSubmatch(in); m != nil {
			got = m[1]
		}
		if got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

// A process outside of any sandbox is known by its environment, or by that of
// the nearest parent that has the variable.
func TestIdentify(t *testing.T) {
	cmd := exec.Command("sh", "-c", `env -i sleep 100 >/dev/null 2>&1 & echo $!; exec 1>&-; wait`)
	cmd.Env = append(os.Environ(), "out=/nix/store/x-out")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(io.LimitReader(out, 20))
	if err != nil {
		t.Fatal(err)
	}
	child := 0
	for _, c := range b {
		if c >= '0' && c <= '9' {
			child = child*10 + int(c-'0')
		}
	}
	defer func() {
		_ = unix.Kill(child, unix.SIGKILL)
		_ = cmd.Wait()
	}()
	if child == 0 {
		t.Fatalf("no child in %q", b)
	}
	for _, pid := range []int{cmd.Process.Pid, child} {
		if drv, got := identify(pid); drv != "" || got != "/nix/store/x-out" {
			t.Errorf("process %d: %q, %q", pid, drv, got)
		}
	}
	if drv, got := identify(1 << 30); drv != "" || got != "" {
		t.Errorf("no process: %q, %q", drv, got)
	}
}

func TestParent(t *testing.T) {
	for in, want := range map[string]int{
		"12 (sh) S 7 12":           7,
		"12 (a) R 1) (b) S 42 1 1": 42,
		"12 (sh":                   0,
		"":                         0,
		"12 (sh) S x":              0,
	} {
		if got := parent([]byte(in)); got != want {
			t.Errorf("%q: %d, want %d", in, got, want)
		}
	}
}

func TestIsOOM(t *testing.T) {
	for in, want := range map[string]bool{
		"Out of memory: Killed process 12 (sh) total-vm:1kB":               true,
		"Memory cgroup out of memory: Killed process 12 (sh) total-vm:1kB": true,
		"a build said Out of memory: Killed process":                       false,
		"oom_reaper: reaped process 12 (sh)":                               false,
	} {
		if got := isOOM(in); got != want {
			t.Errorf("%q: %v", in, got)
		}
	}
}

// The sum is that of the file, also of one changed in place, however soon: a
// file system in memory has times of change as coarse as the guest's kernel has
// them on every one.
func TestSum(t *testing.T) {
	dir := t.TempDir()
	if err := unix.Mount("none", dir, "ramfs", 0, ""); err != nil {
		t.Fatalf("mounting a file system in memory: %v", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	x := &watcher{sums: map[fileID]string{}}
	name := filepath.Join(dir, "x")
	sum := func(want string) {
		t.Helper()
		f, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if got := x.sum(int(f.Fd())); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	hash := func(text string) string {
		h := sha256.Sum256([]byte(text))
		return hex.EncodeToString(h[:])
	}
	last := ""
	for i := range 50 {
		last = fmt.Sprintf("text %02d", i)
		if err := os.WriteFile(name, []byte(last), 0o644); err != nil {
			t.Fatal(err)
		}
		sum(hash(last))
		sum(hash(last))
	}
	// What has not changed for a while is read once.
	time.Sleep(2 * clockGrain)
	sum(hash(last))
	for id := range x.sums {
		x.sums[id] = "kept"
	}
	sum("kept")
	if err := os.WriteFile(name, []byte("text zz"), 0o644); err != nil {
		t.Fatal(err)
	}
	sum(hash("text zz"))
}

// The program itself, under its other name, as a guest starts it.
func TestUptimeCommand(t *testing.T) {
	name := filepath.Join(t.TempDir(), filepath.Base(UptimeCommand))
	build := exec.Command("go", "build", "-o", name, "./testinit")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for _, c := range []struct {
		args []string
		exit int
	}{
		{[]string{"8640000", "sh", "-c", "read up rest < /proc/uptime; [ ${up%%.*} -ge 8640000 ] && exit 10"}, 10},
		{[]string{"0", "sh", "-c", "exit 7"}, 7},
		{[]string{"1"}, 125},
		{[]string{"-1", "true"}, 125},
		{[]string{"x", "true"}, 125},
		{[]string{"1", "no-such-command"}, 125},
	} {
		cmd := exec.Command(name, c.args...)
		out, _ := cmd.CombinedOutput() // its state is looked at
		if got := cmd.ProcessState.ExitCode(); got != c.exit || (c.exit == 125) != bytes.Contains(out, []byte("fromsource-uptime: ")) {
			t.Errorf("%q: exit status %d, want %d: %s", c.args, got, c.exit, out)
		}
	}
}
