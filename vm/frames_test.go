package vm

import (
	"errors"
	"io"
	"strings"
	"testing"

	"fromsource/vm/wire"
)

// fake is a machine of which there is only the channel, with one command
// running.
func fake() (*Machine, *call) {
	m := &Machine{calls: map[uint32]*call{}, hello: make(chan struct{}), ended: make(chan struct{})}
	m.w = wire.NewWriter(io.Discard)
	c, err := m.begin(wire.Msg{T: "run", Argv: []string{"x"}, Stdin: true})
	if err != nil {
		panic(err)
	}
	return m, c
}

const hello = `{"t":"hello","v":1,"info":{"kernel":"6.1"}}` + "\n"

// Whatever a guest says, the host neither panics nor waits; what must not be
// said is a protocol error that tells what it was.
func TestHostileGuest(t *testing.T) {
	for _, c := range []struct{ name, say, want string }{
		{"no hello", `{"t":"beat"}`, `"beat" at the wrong time`},
		{"two hellos", hello + hello, `"hello" at the wrong time`},
		{"another version", `{"t":"hello","v":99}`, "version 99"},
		{"unknown", hello + `{"t":"sing"}`, `unknown message "sing"`},
		{"a request", hello + `{"t":"run","id":5}`, `unknown message "run"`},
		{"done for nothing", hello + `{"t":"done","id":77}`, "request 77, which is not open"},
		{"data for nothing", hello + `{"t":"data","id":77,"s":"stdout","len":1}` + "\nx", "not open"},
		{"unknown stream", hello + `{"t":"data","id":1,"s":"stdin","len":1}` + "\nx", `"stdin" of request 1`},
		{"done twice", hello + `{"t":"done","id":1,"error":"x"}` + "\n" + `{"t":"done","id":1,"error":"x"}`, "not open"},
		{"done before the end", hello + `{"t":"done","id":1}`, "before its output has ended"},
		{"data after the end", hello + `{"t":"eof","id":1,"s":"stdout"}` + "\n" + `{"t":"data","id":1,"s":"stdout","len":1}` + "\nx", "after its end"},
		{"ack of nothing", hello + `{"t":"ack","id":1,"s":"stdin","n":5}`, "ack of 5 bytes with 0 outstanding"},
		{"ack of output", hello + `{"t":"ack","id":1,"s":"stdout","n":5}`, "ack for"},
		{"overrun", hello + strings.Repeat(`{"t":"data","id":1,"s":"stdout","len":1048576}`+"\n"+strings.Repeat("x", wire.MaxPayload), 2), "overran its window"},
		{"garbage", hello + "\x00\x01\x02\n", "not a JSON line"},
	} {
		t.Run(c.name, func(t *testing.T) {
			m, _ := fake()
			err := m.frames(wire.NewReader(strings.NewReader(c.say + "\n")))
			if !errors.Is(err, wire.ErrProtocol) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %q in it", err, c.want)
			}
		})
	}
}

func TestEventsAreBounded(t *testing.T) {
	m, _ := fake()
	say := hello + strings.Repeat(`{"t":"event","event":"oom","detail":"x"}`+"\n", 10*maxEvents)
	if err := m.frames(wire.NewReader(strings.NewReader(say))); !errors.Is(err, io.EOF) {
		t.Fatal(err)
	}
	if len(m.ooms) != maxEvents {
		t.Errorf("%d kept", len(m.ooms))
	}
}

// FuzzFrames: no bytes make the host panic or wait.
func FuzzFrames(f *testing.F) {
	f.Add([]byte(hello + `{"t":"data","id":1,"s":"stdout","len":2}` + "\nhi" + `{"t":"eof","id":1,"s":"stdout"}` + "\n"))
	f.Add([]byte(hello + `{"t":"done","id":1,"error":"no"}` + "\n" + `{"t":"bye"}` + "\n"))
	f.Add([]byte(hello + `{"t":"exec","exec":{"path":"/bin/sh"}}` + "\n" + `{"t":"event","event":"oom"}` + "\n"))
	f.Add([]byte(hello + `{"t":"beat","info":null}` + "\n" + `{"t":"ack","id":1,"s":"stdin","n":-1}` + "\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, c := fake()
		if err := m.frames(wire.NewReader(strings.NewReader(string(b)))); err == nil {
			t.Fatal("frames ended without an error")
		}
		c.out.Fail(io.EOF)
	})
}

func TestConsoleVerdict(t *testing.T) {
	for _, c := range []struct {
		console string
		kind    error
	}{
		{"Linux version 6.1\nall is well\n", nil},
		{"[ 1.0] Kernel panic - not syncing: sysrq triggered crash\n", ErrPanic},
		{"[ 1.0] Kernel panic - not syncing: System is deadlocked on memory\n", ErrNoMemory},
		{"[ 1.0] Kernel panic - not syncing: Out of memory: compulsory panic_on_oom\n", ErrNoMemory},
		{"[ 1.0] Initramfs unpacking failed: write error\n[ 1.1] Kernel panic - not syncing: VFS: Unable to mount root fs on unknown-block(0,0)\n", ErrNoMemory},
		{"[ 1.0] Initramfs unpacking failed: junk within compressed archive\n[ 1.1] Kernel panic - not syncing: VFS: Unable to mount root fs on unknown-block(0,0)\n", ErrPanic},
		{"[ 1.0] Initramfs unpacking failed: write error\nall is well\n", nil},
		{"a build said kernel panic\n", nil},
	} {
		f := consoleVerdict(c.console)
		switch {
		case f == nil && c.kind != nil, f != nil && f.Kind != c.kind:
			t.Errorf("%q: %v, want %v", c.console, f, c.kind)
		}
	}
}

// However long a trace is, the message that it follows is kept: what was said
// before it gives way. A line that only repeats it at the trace's end does not
// count as one.
func TestConsoleOfPanic(t *testing.T) {
	const message = "Kernel panic - not syncing: sysrq triggered crash"
	for _, trace := range []int{0, 1, 38, 39, 40, 60, 500} {
		f := consoleVerdict(strings.Repeat("[ 1.0] before\r\n", 300) +
			"[ 2.0] " + message + "\r\n" + strings.Repeat("[ 2.1]  ? frame\r\n", trace) +
			"[ 2.2] ---[ end " + message + " ]---\r\n")
		if f == nil || f.Detail != message {
			t.Fatalf("trace of %d lines: %v", trace, f)
		}
		before, after, found := strings.Cut(f.Console, "[ 2.0] "+message+"\n")
		if !found || !strings.HasSuffix(before, "[ 1.0] before\n") || !strings.HasPrefix(after, "[ 2.") {
			t.Errorf("trace of %d lines: console %q", trace, f.Console)
		}
		if n := strings.Count(f.Console, "\n"); n > panicContext+panicTrace {
			t.Errorf("trace of %d lines: %d lines of console", trace, n)
		}
	}
}

func TestConsoleTail(t *testing.T) {
	got := ConsoleTail("\x1b[2J\x1b[1;31mred\x1b[0m\x07 text\r\n" + strings.Repeat("line\n", 100))
	if strings.ContainsAny(got, "\x1b\x07\r") || strings.Count(got, "\n") != consoleLines-1 {
		t.Errorf("%q", got)
	}
	if got := ConsoleTail("\x1b[1;31mred\x1b[0m\n"); got != "red" {
		t.Errorf("%q", got)
	}
}

func TestBuildLog(t *testing.T) {
	var out strings.Builder
	type step struct {
		drv         string
		done, total int
	}
	var got []step
	b := &buildLog{to: teeWriter{&out, io.Discard}, say: func(d string, done, total int) { got = append(got, step{d, done, total}) }}
	text := "these 2 derivations will be built:\n  /nix/store/a.drv\n  /nix/store/b.drv\nbuilding '/nix/store/a.drv'...\n" +
		"  /nix/store/no.drv\nbuilding '/nix/store/b.drv' on 'x'...\n" + strings.Repeat("x", 3*maxLogLine) + "\n"
	for i := range len(text) {
		if _, err := b.Write([]byte{text[i]}); err != nil {
			t.Fatal(err)
		}
	}
	if len(got) != 2 || got[0] != (step{"/nix/store/a.drv", 0, 2}) || got[1] != (step{"/nix/store/b.drv", 1, 2}) {
		t.Errorf("%v", got)
	}
	if out.String() != text {
		t.Error("the log was changed")
	}
}
