package vm

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"
)

// One guest for all that leaves it well.
func TestGuest(t *testing.T) {
	m := boot(t, Config{DiskMB: 512})
	for _, c := range []struct {
		name string
		test func(*testing.T, *Machine)
	}{
		{"exit status", testExit},
		{"streams", testStreams},
		{"signal", testSignal},
		{"environment", testEnvironment},
		{"terminal", testTerminal},
		{"many at once", testMany},
		{"slow reader", testSlowReader},
		{"broken input", testBrokenInput},
		{"broken output", testBrokenOutput},
		{"cancel", testCancelCommand},
		{"leftovers", testLeftovers},
		{"files", testFiles},
		{"tree", testTree},
		{"no network", testNoNetwork},
		{"second guest", testSecondGuest},
		{"busy", testBusy},
		{"stopped", testStopped},
		{"paused", testPaused},
	} {
		t.Run(c.name, func(t *testing.T) { c.test(t, m) })
	}
	// One that is paused ends as any other.
	if err := m.Pause(t.Context()); err != nil {
		t.Error(err)
	}
	m.leave = patience // however slow the host is
	if err := m.Close(); err != nil || !m.bye {
		t.Errorf("closed: %v, in order: %v", err, m.bye)
	}
	if _, err := m.Run(t.Context(), Cmd{Argv: []string{"true"}}); !errors.Is(err, ErrClosed) {
		t.Errorf("a command afterwards: %v", err)
	}
	if err := m.Close(); err != nil {
		t.Errorf("a second close: %v", err)
	}
	waitGone(t, m.PID())
}

func testExit(t *testing.T, m *Machine) {
	for _, c := range []struct {
		argv []string
		want int
	}{
		{[]string{"true"}, 0},
		{[]string{"sh", "-c", "exit 7"}, 7},
		{[]string{"/does/not/exist"}, 127},
		{[]string{"/etc/passwd"}, 126},
	} {
		if got, err := m.Run(t.Context(), Cmd{Argv: c.argv}); err != nil || got != c.want {
			t.Errorf("%q: exit %d, %v; want %d", c.argv, got, err, c.want)
		}
	}
	if _, err := m.Run(t.Context(), Cmd{}); err == nil {
		t.Error("no command is no error")
	}
}

func testStreams(t *testing.T, m *Machine) {
	in := make([]byte, 3<<20+17) // more than a window
	if _, err := rand.Read(in); err != nil {
		t.Fatal(err)
	}
	var out, errs bytes.Buffer
	code, err := m.Run(t.Context(), Cmd{Argv: []string{"sh", "-c", "cat; echo trouble >&2"}, Stdin: bytes.NewReader(in), Stdout: &out, Stderr: &errs})
	if err != nil || code != 0 || !bytes.Equal(out.Bytes(), in) || errs.String() != "trouble\n" {
		t.Errorf("exit %d, %v, %d bytes of %d back, stderr %q", code, err, out.Len(), len(in), &errs)
	}
	// One that does not read its input ends all the same.
	code, err = m.Run(t.Context(), Cmd{Argv: []string{"sh", "-c", "exit 3"}, Stdin: bytes.NewReader(in)})
	if err != nil || code != 3 {
		t.Errorf("input not read: exit %d, %v", code, err)
	}
}

func testSignal(t *testing.T, m *Machine) {
	if code, err := m.Run(t.Context(), Cmd{Argv: []string{"sh", "-c", "kill -9 $$"}}); err != nil || code != 137 {
		t.Errorf("exit %d, %v", code, err)
	}
}

func testEnvironment(t *testing.T, m *Machine) {
	var out bytes.Buffer
	code, err := m.Run(t.Context(), Cmd{Argv: []string{"sh", "-c", "pwd; echo $A; id -u"}, Dir: "/usr", Env: []string{"A=b c"}, Stdout: &out})
	if err != nil || code != 0 || out.String() != "/usr\nb c\n0\n" {
		t.Errorf("exit %d, %v, %q", code, err, &out)
	}
	if code, err := m.Run(t.Context(), Cmd{Argv: []string{"true"}, Dir: "/nowhere"}); err == nil {
		t.Errorf("a directory that is not there: exit %d", code)
	}
}

func testTerminal(t *testing.T, m *Machine) {
	var out bytes.Buffer
	code, err := m.Run(t.Context(), Cmd{Argv: []string{"sh", "-c", "tty; stty -echo; read x; echo got $x"}, TTY: true, Stdin: strings.NewReader("word\n"), Stdout: &out})
	if err != nil || code != 0 || !strings.Contains(out.String(), "/dev/pts/") || !strings.Contains(out.String(), "got word") {
		t.Errorf("exit %d, %v, %q", code, err, &out)
	}
}

func testMany(t *testing.T, m *Machine) {
	var wg sync.WaitGroup
	for i := range 16 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			out, err := m.Output(t.Context(), "sh", "-c", fmt.Sprintf("head -c %d /dev/zero | wc -c", i*100000))
			if err != nil || strings.TrimSpace(string(out)) != fmt.Sprint(i*100000) {
				t.Errorf("%d: %q, %v", i, out, err)
			}
		}()
	}
	wg.Wait()
}

// A reader that stops must not hold up other requests or the heartbeat.
func testSlowReader(t *testing.T, m *Machine) {
	r, w := io.Pipe()
	done := make(chan error, 1)
	go func() {
		code, err := m.Run(t.Context(), Cmd{Argv: []string{"head", "-c", "8000000", "/dev/zero"}, Stdout: w})
		if err == nil && code != 0 {
			err = fmt.Errorf("exit %d", code)
		}
		w.CloseWithError(err)
		done <- err
	}()
	if _, err := io.ReadFull(r, make([]byte, 1000)); err != nil {
		t.Fatal(err)
	}
	before := m.State().Uptime
	for range 3 {
		if _, err := m.Output(t.Context(), "true"); err != nil {
			t.Fatal(err)
		}
	}
	waitUntil(t, "a heartbeat while a stream is not read", func() bool { return m.State().Uptime > before })
	n, err := io.Copy(io.Discard, r)
	if err != nil || n != 8000000-1000 {
		t.Errorf("%d bytes, %v", n, err)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func testBrokenInput(t *testing.T, m *Machine) {
	_, err := m.Run(t.Context(), Cmd{Argv: []string{"cat"}, Stdin: &brokenReader{1000}})
	if !errors.Is(err, io.ErrNoProgress) {
		t.Errorf("run: %v", err)
	}
	err = m.Put(t.Context(), "/tmp/half", 0o644, &brokenReader{1000})
	if !errors.Is(err, io.ErrNoProgress) {
		t.Errorf("put: %v", err)
	}
	if out, err := m.Output(t.Context(), "ls", "-A", "/tmp"); err != nil || len(out) != 0 {
		t.Errorf("half a file is there: %q, %v", out, err)
	}
}

func testBrokenOutput(t *testing.T, m *Machine) {
	f, err := os.Open(os.DevNull) // not for writing
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := m.Run(t.Context(), Cmd{Argv: []string{"head", "-c", "5000000", "/dev/zero"}, Stdout: f}); err == nil {
		t.Error("output that could not be written is no error")
	}
}

func testCancelCommand(t *testing.T, m *Machine) {
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	_, err := m.Run(ctx, Cmd{Argv: []string{"sh", "-c", "trap '' TERM; while :; do sleep 1; done"}})
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v", err)
	}
	if _, err := m.Output(t.Context(), "true"); err != nil {
		t.Errorf("the guest is no longer well: %v", err)
	}
}

// What a command leaves running in its session ends with it.
func testLeftovers(t *testing.T, m *Machine) {
	code, err := m.Run(t.Context(), Cmd{Argv: []string{"sh", "-c", "sleep 12345 & exit 0"}})
	if err != nil || code != 0 {
		t.Errorf("exit %d, %v", code, err)
	}
	if out, err := m.Output(t.Context(), "sh", "-c", "ps | grep '[1]2345' || true"); err != nil || len(out) != 0 {
		t.Errorf("still there: %q, %v", out, err)
	}
}

func testFiles(t *testing.T, m *Machine) {
	ctx := t.Context()
	for _, n := range []int{0, 1, 4096, 2<<20 + 1} {
		b := make([]byte, n)
		if _, err := rand.Read(b); err != nil {
			t.Fatal(err)
		}
		if err := m.Put(ctx, "/tmp/dir/x", 0o755, bytes.NewReader(b)); err != nil {
			t.Fatal(err)
		}
		r, err := m.Get(ctx, "/tmp/dir/x")
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(r)
		if err != nil || !bytes.Equal(got, b) {
			t.Errorf("%d bytes: %d back, %v", n, len(got), err)
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}
	if out, err := m.Output(ctx, "stat", "-c", "%a", "/tmp/dir/x"); err != nil || string(out) != "755\n" {
		t.Errorf("mode %q, %v", out, err)
	}
	if _, err := m.Get(ctx, "/nowhere"); err == nil || !strings.Contains(err.Error(), "no such file") {
		t.Errorf("get of nothing: %v", err)
	}
	if _, err := m.Get(ctx, "/tmp"); err == nil || !strings.Contains(err.Error(), "regular") {
		t.Errorf("get of a directory: %v", err)
	}
	if err := m.Put(ctx, "relative", 0o644, strings.NewReader("x")); err == nil {
		t.Error("put under a relative name")
	}
	if err := m.Put(ctx, "/proc/x", 0o644, strings.NewReader("x")); err == nil {
		t.Error("put where nothing can be put")
	}
	// A reader that goes away does not hold up the guest.
	r, err := m.Get(ctx, "/bin/busybox")
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	if _, err := m.Output(ctx, "rm", "-r", "/tmp/dir"); err != nil {
		t.Error(err)
	}
}

func testTree(t *testing.T, m *Machine) {
	files := fstest.MapFS{
		"a.nix":         {Data: []byte("1"), Mode: 0o444},
		"sub/build.sh":  {Data: []byte("echo ran"), Mode: 0o755},
		"sub/deep/x y'": {Data: []byte("odd"), Mode: 0o644},
	}
	if err := m.PutTree(t.Context(), "/tmp/tree", files); err != nil {
		t.Fatal(err)
	}
	out, err := m.Output(t.Context(), "sh", "-c", `cd /tmp/tree; cat a.nix; ./sub/build.sh; cat "sub/deep/x y'"; cd /; rm -r /tmp/tree`)
	if err != nil || string(out) != "1ran\nodd" {
		t.Errorf("%q, %v", out, err)
	}
}

func testNoNetwork(t *testing.T, m *Machine) {
	out, err := m.Output(t.Context(), "ls", "/sys/class/net")
	if err != nil || strings.TrimSpace(string(out)) != "lo" {
		t.Errorf("network interfaces %q, %v", out, err)
	}
}

// A second guest is another machine with a disk of its own.
func testSecondGuest(t *testing.T, m *Machine) {
	two := boot(t, Config{DiskMB: 256})
	if err := m.Put(t.Context(), "/nix/only-here", 0o644, strings.NewReader("x")); err != nil {
		t.Fatal(err)
	}
	if _, err := two.Output(t.Context(), "test", "!", "-e", "/nix/only-here"); err != nil {
		t.Errorf("the second guest sees the first one's disk: %v", err)
	}
	if err := two.Close(); err != nil {
		t.Error(err)
	}
}
