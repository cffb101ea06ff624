package main

import (
	"os"
	"os/exec"
	"strconv"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"fromsource/vm/agent"
)

func TestMain(m *testing.M) {
	if os.Getpid() == 1 { // booted as a guest's init by a test
		agent.Main()
		return
	}
	testscript.Main(cleaned{m}, map[string]func(){
		"fromsource": func() { os.Exit(cli()) },
	})
}

// cleaned removes what the tests have made for all of them.
type cleaned struct{ *testing.M }

// Run implements testscript.TestingM.
func (c cleaned) Run() int {
	code := c.M.Run()
	if built != "" {
		_ = os.RemoveAll(built) // it is in the system's folder of such
	}
	return code
}

// TestScript runs testdata/script: what each command prints, and its exit
// code. `exits N COMMAND...` is exec with an exact code.
func TestScript(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exits,
		},
		Setup: func(e *testscript.Env) error {
			// Real Nix in these scripts works on a store of its own, as root
			// or not, without a daemon and without substitutes.
			fs, err := exec.LookPath("fromsource")
			if err != nil {
				return err
			}
			e.Setenv("FROMSOURCE", fs)
			e.Setenv("NIX_STORE_DIR", "/nix/store")
			e.Setenv("NIX_REMOTE", "local?root="+e.WorkDir+"/root")
			e.Setenv("NIX_CONFIG", "experimental-features = nix-command flakes\nbuild-users-group =\nsandbox = false\nsubstitute = false\nfsync-metadata = false")
			e.Setenv("XDG_CACHE_HOME", e.WorkDir+"/.cache")
			return nil
		},
	})
}

// exits runs a command and wants exactly this exit code.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND [ARG...]")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec(args[1], args[2:]...)
	got := 0
	if err != nil {
		var exit *exec.ExitError
		if !asExit(err, &exit) {
			ts.Fatalf("%v", err)
		}
		got = exit.ExitCode()
	}
	if got != want {
		ts.Fatalf("%v: exit code %d, want %d", args[1:], got, want)
	}
}

func asExit(err error, target **exec.ExitError) bool {
	e, ok := err.(*exec.ExitError) // testscript returns it unwrapped
	*target = e
	return ok
}
