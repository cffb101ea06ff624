package wire

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func TestRoundTrip(t *testing.T) {
	msgs := []struct {
		m Msg
		p []byte
	}{
		{Msg{T: "hello", V: Version, Info: &Info{Kernel: "6.1", DiskFree: 1 << 40}}, nil},
		{Msg{T: "run", ID: 1, Argv: []string{"sh", "-c", "echo \"\n\x00\" é"}, Env: []string{"A=b"}, Stdin: true}, nil},
		{Msg{T: "data", ID: 1, Stream: Stdin}, []byte("{\"t\":\"done\"}\n")},
		{Msg{T: "data", ID: 1, Stream: Stdout}, bytes.Repeat([]byte{'\n', 0, 0xff}, Chunk/3)},
		{Msg{T: "exec", Exec: &Exec{Drv: "/nix/store/x.drv", Path: "/bin/sh", SHA256: "00"}}, nil},
		{Msg{T: "done", ID: 1, Exit: -1, Signal: 9}, nil},
	}
	var b bytes.Buffer
	w := NewWriter(&b)
	for _, m := range msgs {
		if err := w.Send(m.m, m.p); err != nil {
			t.Fatal(err)
		}
	}
	whole := b.Bytes()
	for name, in := range map[string]io.Reader{
		"at once":      bytes.NewReader(whole),
		"byte by byte": iotest.OneByteReader(bytes.NewReader(whole)),
	} {
		r := NewReader(in)
		for i, want := range msgs {
			got, p, err := r.Next()
			if err != nil {
				t.Fatalf("%s: message %d: %v", name, i, err)
			}
			want.m.Len = len(want.p)
			if d := cmp.Diff(want.m, got); d != "" || !bytes.Equal(p, want.p) {
				t.Errorf("%s: message %d: %s, payload %q", name, i, d, p)
			}
		}
		if _, _, err := r.Next(); !errors.Is(err, io.EOF) || errors.Is(err, ErrProtocol) {
			t.Errorf("%s: at the end: %v", name, err)
		}
	}
	// Cut anywhere, what arrived whole is read and the cut is an error.
	for n := range min(len(whole), 400) {
		r := NewReader(bytes.NewReader(whole[:n]))
		var err error
		for err == nil {
			_, _, err = r.Next()
		}
		if err == io.EOF && n > 0 && whole[n-1] != '\n' {
			t.Errorf("cut at %d: %v", n, err)
		}
	}
}

func TestGarbage(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"text", "login: \n", `at byte 0: not a JSON line: "login: "`},
		{"binary", "\x7fELF\x02\n", "not a JSON line"},
		{"array", "[]\n", "not a JSON line"},
		{"no type", "{\"id\":1}\n", "without a type"},
		{"negative", "{\"t\":\"data\",\"len\":-1}\n", "payload of -1 bytes"},
		{"huge", "{\"t\":\"data\",\"len\":99999999}\n", "payload of 99999999 bytes"},
		{"not a number", "{\"t\":\"data\",\"len\":\"1\"}\n", "not a JSON line"},
		{"overflow", "{\"t\":\"data\",\"len\":9999999999999999999999}\n", "not a JSON line"},
		{"endless", strings.Repeat("x", MaxLine+1), "line longer than"},
		{"second", "{\"t\":\"beat\"}\nx\n", "at byte 13"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := NewReader(strings.NewReader(c.in))
			var err error
			for err == nil {
				_, _, err = r.Next()
			}
			if !errors.Is(err, ErrProtocol) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %q in it", err, c.want)
			}
		})
	}
}

func TestSendBounds(t *testing.T) {
	w := NewWriter(io.Discard)
	if err := w.Send(Msg{T: "data"}, make([]byte, MaxPayload+1)); err == nil {
		t.Error("too large a payload was sent")
	}
	if err := w.Send(Msg{T: "run", Argv: []string{strings.Repeat("x", MaxLine)}}, nil); err == nil {
		t.Error("too long a line was sent")
	}
	// After half a frame nothing may follow.
	w = NewWriter(iotest.TruncateWriter(failing{}, 0))
	if err := w.Send(Msg{T: "beat"}, nil); err != nil {
		t.Fatal(err) // TruncateWriter says it wrote
	}
	w = NewWriter(failing{})
	if err := w.Send(Msg{T: "beat"}, nil); err == nil {
		t.Fatal("no error")
	}
	if err := w.Send(Msg{T: "beat"}, nil); !errors.Is(err, errWrite) {
		t.Errorf("second: %v", err)
	}
}

var errWrite = errors.New("no")

type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, errWrite }

// FuzzReader: whatever comes, the reader neither panics nor grows beyond its
// bounds, and frames that it accepts are read the same when written again.
func FuzzReader(f *testing.F) {
	f.Add([]byte("{\"t\":\"hello\",\"v\":1,\"info\":{\"kernel\":\"6.1\"}}\n"))
	f.Add([]byte("{\"t\":\"data\",\"id\":1,\"s\":\"stdout\",\"len\":3}\nabc{\"t\":\"eof\",\"id\":1}\n"))
	f.Add([]byte("{\"t\":\"data\",\"len\":5}\nab"))
	f.Add([]byte("{\"t\":\"run\",\"argv\":[\"\\u0000\"]}\n"))
	f.Add([]byte("garbage"))
	f.Add([]byte("{\"t\":\"x\",\"len\":-1}\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		r := NewReader(bytes.NewReader(b))
		for {
			m, p, err := r.Next()
			if err != nil {
				if err != io.EOF && !errors.Is(err, ErrProtocol) && !errors.Is(err, io.ErrUnexpectedEOF) {
					t.Fatalf("error %v is of no kind", err)
				}
				return
			}
			if len(p) != m.Len || len(p) > len(b) {
				t.Fatalf("payload of %d bytes, announced %d", len(p), m.Len)
			}
			var out bytes.Buffer
			if err := NewWriter(&out).Send(m, p); err != nil {
				t.Fatalf("sending what was read: %v", err)
			}
			m2, p2, err := NewReader(&out).Next()
			if d := cmp.Diff(m, m2, cmpopts.EquateEmpty()); err != nil || d != "" || !bytes.Equal(p, p2) {
				t.Fatalf("read again: %v %s", err, d)
			}
		}
	})
}

// The throughput of frames and windows, against copying through the same kind
// of pipe without them.
func BenchmarkStream(b *testing.B) {
	const size = 32 << 20
	b.SetBytes(size)
	var plain time.Duration
	for b.Loop() {
		b.StopTimer()
		start := time.Now()
		if err := plainly(size); err != nil {
			b.Fatal(err)
		}
		plain += time.Since(start)
		b.StartTimer()
		if err := pump(size); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(b.Elapsed().Seconds()/plain.Seconds(), "x-plain")
}

// plainly copies size bytes through a pipe.
func plainly(size int) error {
	r, w := io.Pipe()
	go func() {
		buf := make([]byte, Chunk)
		for range size / Chunk {
			if _, err := w.Write(buf); err != nil {
				return
			}
		}
		_ = w.Close()
	}()
	_, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, r, make([]byte, 64<<10))
	return err
}

// pump sends size bytes over a stream and reads them.
func pump(size int) error {
	up, upW := io.Pipe()
	down, downW := io.Pipe()
	out := NewOutgoing(NewWriter(upW), 1, Stdout)
	in := NewIncoming(NewWriter(downW), 1, Stdout)
	errs := make(chan error, 4)
	go func() { // the receiver's loop
		r := NewReader(up)
		for {
			m, p, err := r.Next()
			if err != nil {
				errs <- err
				return
			}
			if m.T == "eof" {
				in.End(io.EOF)
				return
			}
			if err := in.Data(p); err != nil {
				errs <- err
				in.End(err)
				return
			}
		}
	}()
	go func() { // the sender's loop
		r := NewReader(down)
		for {
			m, _, err := r.Next()
			if err != nil {
				return
			}
			if err := out.Ack(m.N); err != nil {
				errs <- err
				return
			}
		}
	}()
	go func() {
		if _, err := out.Write(make([]byte, size)); err != nil {
			errs <- err
		}
		if err := out.Close(); err != nil {
			errs <- err
		}
	}()
	n, err := io.Copy(io.Discard, struct{ io.Reader }{in})
	if err == nil && n != int64(size) {
		err = fmt.Errorf("%d bytes of %d", n, size)
	}
	_ = downW.Close()
	select {
	case e := <-errs:
		return e
	default:
		return err
	}
}
