package agent

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"fromsource/vm/wire"
)

// serveWord as first argument makes the test binary answer requests on its
// standard input: the agent collects the status of every child, those of other
// tests too.
const serveWord = "serve-requests"

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == serveWord {
		s := newServer(wire.NewWriter(os.Stdout))
		s.linger = 500 * time.Millisecond
		if err := s.serve(wire.NewReader(os.Stdin)); err != nil {
			say("%v", err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// agentHere is an agent in a process of its own, which ends with the test.
func agentHere(t *testing.T) (*wire.Writer, *wire.Reader) {
	t.Helper()
	cmd := exec.Command(os.Args[0], serveWord)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	w := wire.NewWriter(in)
	t.Cleanup(func() {
		if err := w.Send(wire.Msg{T: "poweroff", ID: 1 << 30}, nil); err != nil {
			t.Error(err)
		}
		if err := errors.Join(in.Close(), cmd.Wait()); err != nil {
			t.Error(err)
		}
	})
	return w, wire.NewReader(out)
}

// A host that is slow to take the output of a command gets all of it, however
// long ago the command has ended; on a terminal as well.
func TestOutputOutlivesItsCommand(t *testing.T) {
	const size = wire.Window + 60_000 // what a window takes, and almost what a pipe does
	for _, tty := range []bool{false, true} {
		size := size
		if tty {
			size = wire.Window + 40_000 // a terminal holds less
		}
		w, r := agentHere(t)
		next := func() (wire.Msg, []byte) {
			t.Helper()
			m, p, err := r.Next()
			if err != nil {
				t.Fatal(err)
			}
			return m, p
		}
		script := "stty raw 2>/dev/null; head -c $1 /dev/zero"
		if err := w.Send(wire.Msg{T: "run", ID: 1, TTY: tty, Argv: []string{"sh", "-c", script, "sh", fmt.Sprint(size)}}, nil); err != nil {
			t.Fatal(err)
		}
		got := 0
		for got < wire.Window {
			if m, p := next(); m.T == "data" {
				got += len(p)
			}
		}
		time.Sleep(1500 * time.Millisecond) // three times what the agent lingers for
		if err := w.Send(wire.Msg{T: "ack", ID: 1, Stream: wire.Stdout, N: wire.Window}, nil); err != nil {
			t.Fatal(err)
		}
		for {
			m, p := next()
			if m.T == "data" {
				got += len(p)
			}
			if m.T == "done" {
				if got != size || m.Exit != 0 || m.Error != "" {
					t.Errorf("terminal %v: %d bytes of %d, done %+v", tty, got, size, m)
				}
				break
			}
		}
	}
}

// What a command leaves running elsewhere, with its output in hand, holds up
// its end for a while and not for ever, whether it is silent or never is.
func TestLeftoverHoldsOutput(t *testing.T) {
	for _, c := range []struct {
		left string
		tty  bool
	}{{"sleep 600", false}, {"yes", false}, {"sleep 600", true}} {
		w, r := agentHere(t)
		err := w.Send(wire.Msg{T: "run", ID: 1, TTY: c.tty, Argv: []string{"sh", "-c", "setsid " + c.left + " & echo $!; sleep 0.2"}}, nil)
		if err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		for {
			m, p, err := r.Next()
			if err != nil {
				t.Fatal(err)
			}
			if m.T == "data" {
				if out.Len() < 100 {
					out.Write(p)
				}
				if err := w.Send(wire.Msg{T: "ack", ID: 1, Stream: m.Stream, N: len(p)}, nil); err != nil {
					t.Fatal(err)
				}
			}
			if m.T == "done" {
				if m.Error != "" || m.Exit != 0 {
					t.Errorf("%q, terminal %v: %+v", c.left, c.tty, m)
				}
				break
			}
		}
		line, _, _ := strings.Cut(out.String(), "\n")
		var pid int
		if _, err := fmt.Sscan(strings.TrimPrefix(line, "y"), &pid); err == nil && pid > 1 {
			_ = unix.Kill(pid, unix.SIGKILL)
		}
	}
}

// A program that a build executes does nothing before it is on record.
func TestExecIsRecordedFirst(t *testing.T) {
	dir := t.TempDir()
	if err := unix.Mount("none", dir, "tmpfs", 0, "size=8m"); err != nil {
		t.Fatalf("mounting a file system to watch: %v", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	busybox, err := exec.LookPath("busybox")
	if err != nil {
		t.Fatal(err)
	}
	tool := filepath.Join(dir, "busybox")
	if err := copyFile(tool, busybox, 0o755); err != nil {
		t.Fatal(err)
	}
	out, in := io.Pipe()
	if err := watchExec(wire.NewWriter(in), dir); err != nil {
		t.Fatal(err)
	}
	// Executed by a shell, as the agent does it.
	ran := filepath.Join(t.TempDir(), "ran")
	cmd := exec.Command("sh", "-c", `exec "$@"`, "sh", tool, "touch", ran)
	cmd.Env = append(os.Environ(), "out=/nix/store/x-out")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	time.Sleep(500 * time.Millisecond) // for one that does not wait
	if _, err := os.Stat(ran); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("it ran before it was recorded: %v", err)
	}
	m, _, err := wire.NewReader(out).Next()
	if err != nil || m.T != "exec" || m.Exec == nil || m.Exec.Path != tool || m.Exec.Output != "/nix/store/x-out" || len(m.Exec.SHA256) != 64 {
		t.Errorf("record %+v, %v", m, err)
	}
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(ran); err != nil {
		t.Error(err)
	}
}

// The done of a request is its last message, also when it ends while its
// input is still read.
func TestDoneIsLast(t *testing.T) {
	w, r := agentHere(t)
	const requests = 200
	sent := make(chan error, 1)
	go func() {
		input := make([]byte, wire.Chunk)
		for id := uint32(1); id <= requests; id++ {
			err := w.Send(wire.Msg{T: "run", ID: id, Stdin: true, Argv: []string{"true"}}, nil)
			for n := 0; n < wire.Window; n += len(input) {
				err = errors.Join(err, w.Send(wire.Msg{T: "data", ID: id, Stream: wire.Stdin}, input))
			}
			if err != nil {
				sent <- err
				return
			}
		}
		sent <- nil
	}()
	done := map[uint32]bool{}
	for len(done) < requests {
		m, _, err := r.Next()
		if err != nil {
			t.Fatal(err)
		}
		if m.ID != 0 && done[m.ID] {
			t.Fatalf("%q for request %d after its done", m.T, m.ID)
		}
		if m.T == "done" {
			done[m.ID] = true
		}
	}
	if err := <-sent; err != nil {
		t.Error(err)
	}
}
