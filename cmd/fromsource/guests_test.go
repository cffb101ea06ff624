package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"fromsource/analyze/audit"
)

// staticProgram is the real program, static as a guest's init has to be, and
// without the race detector that these tests may run under. It is built once.
func staticProgram(t *testing.T) string {
	t.Helper()
	program, err := builtProgram()
	if err != nil {
		t.Fatal(err)
	}
	return program
}

var builtProgram = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "fromsource-built-")
	if err != nil {
		return "", err
	}
	built = dir
	program := filepath.Join(dir, "fromsource")
	build := exec.Command("go", "build", "-trimpath", "-o", program, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building fromsource: %w: %s", err, out)
	}
	return program, nil
})

// built is the folder of the program, where there is one.
var built string

// guestRecipe is testdata/guest with a real prebuilt program as its input.
func guestRecipe(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	const tool = "/bin/busybox"
	for name, change := range map[string]*strings.Replacer{
		"recipe.yaml": strings.NewReplacer("TOOL", tool),
		"default.nix": strings.NewReplacer("HASH", sha256File(t, tool)),
	} {
		b, err := os.ReadFile(filepath.Join("testdata/guest", name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(change.Replace(string(b))), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, "recipe.yaml")
}

// A recipe is audited, and its suspects are built again: in a guest whose QEMU
// is killed, in one whose disk is too small, in guests that are varied in every
// way, and by a second guest that has nothing but derivations and sources.
func testRebuildInGuests(t *testing.T) {
	program, recipe := staticProgram(t), guestRecipe(t)
	out := filepath.Join(t.TempDir(), "out")
	// run gives the exit code, and what was said.
	run := func(during func(pid int), args ...string) (int, string) {
		t.Helper()
		var said bytes.Buffer
		cmd := exec.Command(program, args...)
		cmd.Stdout, cmd.Stderr = &said, &said
		start := time.Now()
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		if during != nil {
			during(cmd.Process.Pid)
		}
		err := cmd.Wait()
		var exit *exec.ExitError
		if err != nil && !errors.As(err, &exit) {
			t.Fatal(err)
		}
		t.Logf("%q in %v: %v\n%s", args, time.Since(start).Round(time.Second), err, &said)
		return cmd.ProcessState.ExitCode(), said.String()
	}
	again := func(during func(pid int), args ...string) (int, string) {
		t.Helper()
		return run(during, append([]string{"rebuild", out, "--recipe", recipe, "--accel", "tcg"}, args...)...)
	}
	if code, _ := run(nil, "audit", "--recipe", recipe, "--out", out, "--rebuild", "none", "--accel", "tcg"); code != 0 {
		t.Fatalf("audit: exit code %d", code)
	}
	journal := filepath.Join(out, journalFile)

	t.Run("another build", func(t *testing.T) {
		a, err := audit.ReadFile(filepath.Join(out, auditFile))
		if err != nil {
			t.Fatal(err)
		}
		for i := range a.Derivations {
			for k := range a.Derivations[i].Outputs {
				a.Derivations[i].Outputs[k].NarHash = "sha256-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
			}
		}
		other := filepath.Join(out, "other.json")
		if err := audit.WriteFile(other, a); err != nil {
			t.Fatal(err)
		}
		if code, said := run(nil, "rebuild", other, "--in", "guest", "--recipe", recipe); code != exitFailed || !strings.Contains(said, "is of another build than the audit") {
			t.Errorf("exit code %d", code)
		}
		if code, said := run(nil, "rebuild", out, "--in", "guest"); code != exitUsage || !strings.Contains(said, "--recipe FILE") {
			t.Errorf("without its recipe: exit code %d", code)
		}
	})
	results := func() int {
		b, _ := os.ReadFile(journal)
		return bytes.Count(b, []byte(`"drv"`))
	}
	// Something more is done, and something else is being built.
	building := func() {
		before := results()
		waitUntil(t, "a result", func() bool { return results() > before })
	}
	t.Run("interrupted", func(t *testing.T) {
		var guests []int
		code, said := again(func(pid int) {
			building()
			guests = qemus(t, pid)
			if err := syscall.Kill(pid, syscall.SIGINT); err != nil {
				t.Error(err)
			}
		}, "--in", "guest", "--disk", "1")
		if code != exitFailed || !strings.Contains(said, "fromsource: interrupted: ") || !strings.Contains(said, "the same command does what is left") {
			t.Errorf("exit code %d", code)
		}
		gone(t, guests)
	})
	t.Run("interrupted twice", func(t *testing.T) {
		var guests []int
		code, said := again(func(pid int) {
			waitUntil(t, "a guest", func() bool { guests = qemus(t, pid); return len(guests) > 0 })
			for range 2 {
				if err := syscall.Kill(pid, syscall.SIGINT); err != nil {
					t.Error(err)
				}
				time.Sleep(20 * time.Millisecond)
			}
		}, "--in", "guest", "--disk", "1")
		// By the signal itself, or by having ended before it came.
		if code != -1 && code != exitFailed {
			t.Errorf("exit code %d: %s", code, said)
		}
		gone(t, guests)
	})
	t.Run("killed", func(t *testing.T) {
		code, said := again(func(pid int) {
			building()
			killQEMU(t, pid)
		}, "--in", "guest", "--disk", "1")
		if code != exitFailed || !strings.Contains(said, "the channel closed without a goodbye") && !strings.Contains(said, "killed") {
			t.Errorf("exit code %d", code)
		}
		if !strings.Contains(said, "not attempted") {
			t.Error("it is not said what is missing")
		}
	})
	t.Run("disk full", func(t *testing.T) {
		code, said := again(nil, "--in", "guest", "--disk", "1")
		if code != exitPolicy || !strings.Contains(said, "the builder's disk is full") || !strings.Contains(said, "from an earlier run's journal") {
			t.Errorf("exit code %d", code)
		}
		if n := strings.Count(said, "│ reproduced"); n < 4 {
			t.Errorf("%d results after a guest was lost, want at least 4", n)
		}
	})
	t.Run("varied", func(t *testing.T) {
		// Each output depends on one thing, and that is what is named of all
		// that is varied. Few of the machine at a time: each set of those that
		// is tried takes a guest.
		depends := map[string]string{
			"listed": "directory-order", "days": "uptime", "cores": "cores", "processors": "processors",
			"memory": "memory", "flags": "cpu", "release": "kernel", "folder": "build-dir",
			"spoken": "", "named": "", "out": "",
		}
		named := map[string]bool{}
		merged := filepath.Join(out, "varied.json")
		for _, list := range []string{
			"directory-order,locale", "uptime,hostname,cores,processors,memory,build-dir,locale", "cpu,kernel",
		} {
			if code, _ := again(nil, "looking", "--in", "guest", "--vary", list, "--option", "cores=2", "-o", merged); code != exitPolicy {
				t.Errorf("--vary %s: exit code %d", list, code)
			}
			for output, culprit := range depends {
				want, seen := audit.Reproduced, ""
				if strings.Contains(list, "hostname") {
					seen = "out of sight in Nix's sandbox: hostname, locale"
				}
				if culprit != "" && slices.Contains(strings.Split(list, ","), culprit) {
					want, seen = audit.Differs+" by "+culprit, "it depends on: "+culprit+" ("
					named[culprit] = true
				}
				got, reason := variedResult(t, merged, "looking", output)
				if got != want || !strings.Contains(reason, seen) {
					t.Errorf("--vary %s: %s: %s (%s), want %s (%s)", list, output, got, reason, want, seen)
				}
			}
		}
		if len(named) != 8 {
			t.Errorf("varied were %v, want all that an output depends on", named)
		}
		if _, reason := variedResult(t, merged, "looking", "release"); !strings.Contains(reason, "-cloud-amd64)") || strings.Contains(reason, "UNAME26") {
			t.Errorf("it is not said which kernels: %s", reason)
		}
		dated := filepath.Join(out, "dated.json")
		if code, _ := again(nil, "dated", "--in", "guest", "--vary", "clock,kernel=2.6", "-o", dated); code != exitPolicy {
			t.Errorf("exit code %d", code)
		}
		if got, reason := variedResult(t, dated, "dated", "out"); got != audit.Differs+" by clock" {
			t.Errorf("dated: %s (%s)", got, reason)
		}
	})
	t.Run("second guest", func(t *testing.T) {
		merged := filepath.Join(out, "second.json")
		if code, _ := again(nil, "--in", "second-guest", "--all", "-o", merged); code != exitPolicy {
			t.Errorf("exit code %d", code)
		}
		a, err := audit.ReadFile(merged)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range a.Derivations {
			if len(d.Rebuild) != len(d.Outputs) {
				t.Errorf("%s: %d results of %d outputs", d.Name, len(d.Rebuild), len(d.Outputs))
			}
			for _, r := range d.Rebuild {
				want := audit.Reproduced
				if r.Output == "listed" {
					want = audit.Differs // every disk has an order of its own
				}
				named := slices.ContainsFunc(r.Differences, func(d audit.Difference) bool { return d.What == "order" })
				if r.By != "second guest" || r.Result != want || r.Got == "" || (r.Got == r.Expected) != (want == audit.Reproduced) || named == (want == audit.Reproduced) {
					t.Errorf("%s: %+v", d.Name, r)
				}
			}
		}
	})
}

// variedResult is what an audit says of an output under variations, and why.
func variedResult(t *testing.T, file, name, output string) (result, reason string) {
	t.Helper()
	a, err := audit.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range a.Derivations {
		for _, r := range d.Rebuild {
			if d.Name == name && r.Output == output && len(r.Variations) > 0 {
				return strings.TrimSuffix(r.Result+" by "+strings.Join(r.Culprits, " "), " by "), r.Reason
			}
		}
	}
	return "no result", ""
}

// qemus lists the QEMUs that a process of this test has started.
func qemus(t *testing.T, parent int) (pids []int) {
	t.Helper()
	lists, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", parent))
	if err != nil {
		t.Fatal(err)
	}
	for _, list := range lists {
		b, _ := os.ReadFile(list) // of a thread that may have ended
		for _, word := range strings.Fields(string(b)) {
			pid, err := strconv.Atoi(word)
			if err != nil {
				t.Fatal(err)
			}
			if name, _ := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid)); bytes.HasPrefix(name, []byte("qemu")) {
				pids = append(pids, pid)
			}
		}
	}
	return pids
}

// killQEMU kills them.
func killQEMU(t *testing.T, parent int) {
	t.Helper()
	pids := qemus(t, parent)
	for _, pid := range pids {
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			t.Error(err)
		}
	}
	if len(pids) == 0 {
		t.Error("there was no QEMU to kill")
	}
}

// gone wants processes to have ended, or to be about to.
func gone(t *testing.T, pids []int) {
	t.Helper()
	if len(pids) == 0 {
		t.Error("there was no QEMU")
	}
	for _, pid := range pids {
		waitUntil(t, "the end of a guest", func() bool {
			if errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
				return true
			}
			// One that nobody waits for stays as a zombie.
			b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
			return err == nil && bytes.Contains(b, []byte(") Z "))
		})
	}
}

// waitUntil gives something ten minutes: guests boot under emulation, on a
// machine that may be busy.
func waitUntil(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Minute); !ok(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited for %s", what)
		}
	}
}
