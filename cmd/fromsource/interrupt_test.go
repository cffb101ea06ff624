package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

const interruptedExpr = `let
  sh = name: script: extra: derivation ({
    inherit name; system = builtins.currentSystem; builder = "/bin/busybox";
    args = [ "sh" "-c" "export PATH=/bin; ${script}" ];
  } // extra);
in rec {
  quick = sh "quick" "echo quick > $out" { };
  slow = sh "slow" "sleep 1067.@; echo $quick > $out" { inherit quick; };
}
`

// ^C at the real program in the middle of a build: once, and it ends what it
// has begun, tells what is missing, and the same command goes on from there;
// twice, and it is gone at once, and nothing of it stays behind.
func TestInterruptedRebuild(t *testing.T) {
	t.Parallel()
	program, dir := staticProgram(t), t.TempDir()
	root, expr, journal := filepath.Join(dir, "root"), filepath.Join(dir, "default.nix"), filepath.Join(dir, "journal")
	// A process that no other run of this test has.
	seconds := fmt.Sprintf("1067.%07d", os.Getpid())
	if err := os.WriteFile(expr, []byte(strings.Replace(interruptedExpr, "1067.@", seconds, 1)), 0o644); err != nil {
		t.Fatal(err)
	}
	env := append(os.Environ(), "NIX_REMOTE=", "NIX_CONFIG=build-users-group =\nsubstitute = false\nfsync-metadata = false\nsandbox = true\nsandbox-paths = /bin/busybox")
	t.Cleanup(func() { _ = exec.Command("chmod", "-R", "u+w", root).Run() })
	nix := func(argv ...string) string {
		t.Helper()
		cmd := exec.Command(argv[0], append([]string{"--store", root}, argv[1:]...)...)
		cmd.Env = env
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("%q: %v", argv, err)
		}
		return strings.TrimSpace(string(out))
	}
	quick, slow := nix("nix-instantiate", expr, "-A", "quick"), nix("nix-instantiate", expr, "-A", "slow")
	nix("nix-store", "--realise", quick)
	building := func() bool {
		files, _ := filepath.Glob("/proc/[0-9]*/cmdline")
		for _, f := range files {
			if b, _ := os.ReadFile(f); bytes.Equal(b, []byte("sleep\x00"+seconds+"\x00")) {
				return true
			}
		}
		return false
	}
	// run builds again what is named, and sends the signals once the slow one
	// is being built.
	run := func(signals int, drvs ...string) (*os.ProcessState, string) {
		t.Helper()
		var said bytes.Buffer
		cmd := exec.Command(program, append([]string{"rebuild", "--store", root, "--journal", journal}, drvs...)...)
		cmd.Env = env
		cmd.Stdout, cmd.Stderr = &said, &said
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		if signals > 0 {
			waitUntil(t, "the build", building)
		}
		for range signals {
			if err := cmd.Process.Signal(os.Interrupt); err != nil {
				t.Error(err)
			}
			time.Sleep(5 * time.Millisecond)
		}
		_ = cmd.Wait() // its state is looked at
		waitUntil(t, "the end of the build", func() bool { return !building() })
		return cmd.ProcessState, said.String()
	}

	state, said := run(1, quick, slow)
	if state.ExitCode() != exitFailed {
		t.Errorf("after ^C: %v, want exit code %d", state, exitFailed)
	}
	for _, want := range []string{
		"a second ^C ends at once", "quick      │ out    │ local │ first build │ reproduced", "not attempted",
		"fromsource: interrupted: 1 results are missing", "the same command does what is left",
	} {
		if !strings.Contains(said, want) {
			t.Errorf("after ^C it does not say %q:\n%s", want, said)
		}
	}

	state, said = run(2, quick, slow)
	if status, _ := state.Sys().(syscall.WaitStatus); state.ExitCode() != exitFailed && status.Signal() != syscall.SIGINT {
		t.Errorf("after ^C twice: %v\n%s", state, said)
	}

	state, said = run(0, quick)
	if state.ExitCode() != exitOK || !strings.Contains(said, "took 1 of 1 results from an earlier run's journal") {
		t.Errorf("afterwards: %v\n%s", state, said)
	}
	// The next build sweeps what a program that was ended so has left.
	if err := os.Remove(journal); err != nil {
		t.Fatal(err)
	}
	if state, said = run(0, quick); state.ExitCode() != exitOK {
		t.Errorf("afterwards: %v\n%s", state, said)
	}
	if left, err := os.ReadDir(filepath.Join(root, "nix/var/fromsource")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}
