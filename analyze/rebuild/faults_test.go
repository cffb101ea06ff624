package rebuild

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"fromsource/analyze/audit"
)

const troubled = `
  big = sh "big" "dd if=/dev/zero of=$out bs=1M count=64";
  quick = sh "quick" "echo quick > $out";
  ca = drv "ca" "echo ca > $out" { __contentAddressed = true; outputHashMode = "recursive"; outputHashAlgo = "sha256"; };
  user = drv "user" "cat $ca > $out" { inherit ca; };
`

// A disk that is full in the middle of a build is the machine's fault: it is
// named, and a resumed run tries again. The scratch folder is on a file system
// of its own, so inputs are copied instead of linked.
func TestDiskFull(t *testing.T) {
	w := newWorld(t, troubled)
	small := t.TempDir()
	if err := syscall.Mount("none", small, "tmpfs", 0, "size=8m"); err != nil {
		t.Fatalf("mounting a small file system: %v", err)
	}
	// Nothing keeps it busy once all that was started has ended.
	t.Cleanup(func() {
		waitFor(t, "nobody to use the small file system", func() bool { return syscall.Unmount(small, 0) == nil })
	})
	n := w.nix(Fresh)
	n.Scratch = filepath.Join(small, "scratch")
	rs, err := Run(context.Background(), []*Job{w.unbuilt("big"), w.job("quick")}, Options{Builders: []Builder{n}})
	if err != nil || len(rs) != 2 {
		t.Fatalf("got %+v, %v", rs, err)
	}
	for _, r := range rs {
		switch {
		case strings.Contains(r.Drv, "quick"):
			if r.Result != audit.Reproduced {
				t.Errorf("the next one: %+v", r)
			}
		case r.Result != audit.Failed || r.Reason != "the builder's disk is full" || !r.Transient || r.Log == "":
			t.Errorf("got %+v", r)
		}
	}
	if left, err := os.ReadDir(n.Scratch); err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// processes whose command line has a word.
func processes(t *testing.T, word string) (n int) {
	t.Helper()
	files, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if b, _ := os.ReadFile(f); bytes.Contains(b, []byte(word)) {
			n++
		}
	}
	return n
}

// waitFor waits for something to become true: a machine that stalls for a
// while must not fail a test.
func waitFor(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(5 * time.Minute); !ok(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited for %s", what)
		}
	}
}

// held is a world with a derivation whose build makes a file "begun" and goes
// on until there is a file "go", both in a folder of the host: its name is in
// the builder's command line and in no other. A builder that Nix left behind
// and whose file system was cleaned up sees neither, and ends.
func held(t *testing.T) (w *world, dir string) {
	t.Helper()
	dir = t.TempDir()
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	return newWorld(t, troubled+fmt.Sprintf(`
  held = sh "held" "echo > %[1]s/begun; while [ -e %[1]s/begun -a ! -e %[1]s/go ]; do sleep 0.1; done; echo done > $out";
`, dir), dir), dir
}

// An interrupt ends a build that runs, with all its processes, and cleans up;
// a second one while that goes on changes nothing.
func TestInterrupted(t *testing.T) {
	w, dir := held(t)
	jobs := []*Job{w.unbuilt("held"), w.job("quick")}
	ctx, cancel := context.WithCancel(context.Background())
	n := w.nix(Fresh)
	done := make(chan error)
	var rs []Result
	go func() {
		var err error
		rs, err = Run(ctx, jobs, Options{Builders: []Builder{n}})
		done <- err
	}()
	waitFor(t, "the build", func() bool { _, err := os.Stat(filepath.Join(dir, "begun")); return err == nil })
	if processes(t, dir+"/go") == 0 {
		t.Error("there is no process of the build")
	}
	cancel()
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want %v", err, context.Canceled)
	}
	waitFor(t, "the build's end", func() bool { return processes(t, dir+"/go") == 0 })
	for _, r := range rs {
		if r.Result != audit.NotAttempted || r.Reason != "the run was interrupted" {
			t.Errorf("got %+v", r)
		}
	}
	if left, err := os.ReadDir(n.scratchDir()); err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// Who cleans up has all the time it needs, but for a limit from when it is
// asked to end.
func TestAfterwards(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	c, end := afterwards(ctx, 10*time.Millisecond)
	defer end()
	time.Sleep(100 * time.Millisecond)
	if err := c.Err(); err != nil {
		t.Errorf("nobody is in a hurry, and %v", err)
	}
	cancel()
	<-c.Done()
}

// A Nix that is killed is a lost build, never a result about the derivation.
func TestNixKilled(t *testing.T) {
	w, dir := held(t)
	n := w.nix(Fresh)
	file := filepath.Join(w.root, "pid")
	n.Wrap = []string{"sh", "-c", `echo $$ > ` + file + `; exec "$@"`, "sh"}
	j := w.unbuilt("held")
	// Nix leaves the builder behind when it is killed.
	defer func() {
		if err := os.WriteFile(filepath.Join(dir, "go"), nil, 0o644); err != nil {
			t.Error(err)
		}
		waitFor(t, "the builder's end", func() bool { return processes(t, dir+"/go") == 0 })
	}()
	killed := make(chan error, 1)
	go func() {
		for range 15_000 {
			if _, err := os.Stat(filepath.Join(dir, "begun")); err == nil {
				var pid int
				b, err := os.ReadFile(file)
				if err == nil {
					_, err = fmt.Sscan(string(b), &pid)
				}
				if err == nil {
					err = syscall.Kill(pid, syscall.SIGKILL)
				}
				killed <- err
				return
			}
			time.Sleep(20 * time.Millisecond)
		}
		killed <- errors.New("the build did not begin")
	}()
	rs, err := Run(context.Background(), []*Job{j}, Options{Builders: []Builder{n}})
	if err := <-killed; err != nil {
		t.Error(err)
	}
	if !errors.Is(err, ErrLost) || len(rs) != 1 || rs[0].Result != audit.NotAttempted || !strings.Contains(rs[0].Reason, "signal: killed") {
		t.Errorf("got %+v, %v", rs, err)
	}
	// Where a shell or an agent reports it as a status it is the same.
	n.Wrap = []string{"sh", "-c", "exit 137"}
	rs, err = Run(context.Background(), []*Job{j}, Options{Builders: []Builder{n}})
	if err != nil || len(rs) != 1 || rs[0].Result != audit.Failed || !rs[0].Transient || rs[0].Reason != "nix was killed by signal 9" {
		t.Errorf("got %+v, %v", rs, err)
	}
}

// What a process that was killed has left is removed by the next one; what
// belongs to a living one is not.
func TestSweep(t *testing.T) {
	w := newWorld(t, troubled)
	j := w.job("quick")
	gone := exec.Command("true")
	if err := gone.Run(); err != nil {
		t.Fatal(err)
	}
	n := w.nix(Fresh)
	dead := filepath.Join(n.scratchDir(), fmt.Sprintf("%d-aa-1-x", gone.Process.Pid))
	alive := filepath.Join(n.scratchDir(), fmt.Sprintf("%d-aa-1-x", os.Getppid()))
	foreign := filepath.Join(n.scratchDir(), "something")
	for _, d := range []string{dead, alive, foreign} {
		if err := os.MkdirAll(filepath.Join(d, "nix"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	w.build(n, j)
	for d, want := range map[string]bool{dead: false, alive: true, foreign: true} {
		if _, err := os.Stat(d); (err == nil) != want {
			t.Errorf("%s: there is %v, want %v", d, err == nil, want)
		}
	}
}

// A remote builder that does not answer: Nix's own ssh meets a closed port.
func TestUnreachableBuilder(t *testing.T) {
	w := newWorld(t, troubled)
	n := w.nix(Fresh)
	t.Setenv("NIX_SSHOPTS", "-p 1 -o ConnectTimeout=5 -o BatchMode=yes")
	n.Options = []Option{{"builders", "ssh-ng://nobody@127.0.0.1 x86_64-linux,aarch64-linux - 1 1"}, {"max-jobs", "0"}}
	rs, err := Run(context.Background(), []*Job{w.job("quick")}, Options{Builders: []Builder{n}})
	if err != nil || len(rs) != 1 || rs[0].Result != audit.Failed || !rs[0].Transient ||
		rs[0].Reason != "a remote builder could not be reached" || !strings.Contains(rs[0].Log, "nobody@127.0.0.1") {
		t.Errorf("got %+v, %v", rs, err)
	}
}

// No nix at all.
func TestNoNix(t *testing.T) {
	w := newWorld(t, troubled)
	j := w.job("quick")
	t.Setenv("PATH", "/nonexistent")
	rs, err := Run(context.Background(), []*Job{j}, Options{Builders: []Builder{w.nix(Fresh)}})
	if !errors.Is(err, ErrLost) || !strings.Contains(err.Error(), "nix-store") || len(rs) != 1 || rs[0].Result != audit.NotAttempted {
		t.Errorf("got %+v, %v", rs, err)
	}
}

// A clock that jumps far ahead, seen by whatever runs, changes no result.
func TestClockJump(t *testing.T) {
	w := newWorld(t, troubled)
	j := w.job("quick")
	n := w.nix(Fresh)
	n.Wrap = []string{"unshare", "--fork", "--time", "--boottime", "1000000000", "--monotonic", "1000000000"}
	rs, err := Run(context.Background(), []*Job{j}, Options{Builders: []Builder{n}})
	if err != nil || len(rs) != 1 || rs[0].Result != audit.Reproduced {
		t.Errorf("got %+v, %v", rs, err)
	}
}

// Where Nix can build in no other store, Auto falls back to --check. The
// refusal is Nix's own words, said by the command in its place.
func TestAuto(t *testing.T) {
	w := newWorld(t, sample)
	good, bad := w.job("dep"), w.job("bad")
	n := w.nix(Auto)
	if o := w.build(n, good).Outputs[0]; o.NarHash != o.First.NarHash || o.Note != "" {
		t.Errorf("with a sandbox: %+v", o)
	}
	fresh := 0
	n.Runner = RunnerFunc(func(ctx context.Context, c Cmd) (int, error) {
		line := strings.Join(c.Argv, " ")
		if strings.Contains(line, "--realise") && strings.Contains(line, n.scratchDir()) {
			fresh++
			fmt.Fprintln(c.Stderr, "error: cloning builder process: Operation not permitted")
			return 1, nil
		}
		return Local{}.Run(ctx, c)
	})
	if o := w.build(n, good).Outputs[0]; o.NarHash != o.First.NarHash || o.Note != checkNote {
		t.Errorf("without: %+v", o)
	}
	if o := w.build(n, bad).Outputs[0]; o.NarHash == "" || o.NarHash == o.First.NarHash {
		t.Errorf("without: %+v", o)
	}
	// Nor may it where a fresh store can't be made.
	closed := w.nix(Auto)
	closed.Scratch = "/proc/no-such-folder"
	if o := w.build(closed, good).Outputs[0]; o.NarHash != o.First.NarHash || o.Note != checkNote {
		t.Errorf("no place: %+v", o)
	}
	if fresh != 1 {
		t.Errorf("tried a fresh store %d times, want once", fresh)
	}
}

// A content-addressed input is built again with its consumer, which is said.
func TestContentAddressedInput(t *testing.T) {
	w := newWorld(t, troubled)
	w.realise(w.instantiate("user"))
	jobs, err := Select(w.graph("user"), Selection{Named: []string{w.instantiate("user")}})
	if err != nil || len(jobs) != 1 || len(jobs[0].Unresolved) != 1 {
		t.Fatalf("got %+v, %v", jobs, err)
	}
	rs, err := Run(context.Background(), jobs, Options{Builders: []Builder{w.nix(Fresh)}})
	if err != nil || len(rs) != 1 || rs[0].Result != audit.Reproduced || !strings.Contains(rs[0].Reason, "content-addressed inputs were built again too") {
		t.Errorf("got %+v, %v", rs, err)
	}
}
