package vm

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"fromsource/vm/image"
	"fromsource/vm/qemu"
	"fromsource/vm/wire"
)

// Of a time in which nobody looked only a little counts.
func TestAwake(t *testing.T) {
	at := time.Now()
	a := awake{last: at}
	for _, c := range []struct{ passed, want time.Duration }{
		{time.Second, time.Second},
		{1500 * time.Millisecond, 2500 * time.Millisecond},
		{time.Hour, 4500 * time.Millisecond},
		{-time.Minute, 4500 * time.Millisecond},
		{time.Second, 5500 * time.Millisecond},
	} {
		at = at.Add(c.passed)
		if got := a.look(at, time.Second); got != c.want {
			t.Errorf("%v more: %v, want %v", c.passed, got, c.want)
		}
	}
}

func TestPatience(t *testing.T) {
	short, cancel := withPatience(t.Context(), 20*time.Millisecond)
	defer cancel()
	<-short.Done()
	if err := context.Cause(short); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("cause %v", err)
	}
	parent, stop := context.WithCancel(t.Context())
	long, cancel := withPatience(parent, time.Hour)
	defer cancel()
	stop()
	<-long.Done()
	if err := context.Cause(long); !errors.Is(err, context.Canceled) {
		t.Errorf("cause %v", err)
	}
}

// deaf takes its time for what it is told first.
type deaf struct {
	strings.Builder
	heard bool
}

func (d *deaf) Write(p []byte) (int, error) {
	if !d.heard {
		d.heard = true
		time.Sleep(500 * time.Millisecond)
	}
	return d.Builder.Write(p)
}

// What a guest said last counts, on its console and on its channel, also where
// the host hears it long after QEMU has ended. QEMU is a stand-in that says all
// at once and is gone.
func TestLastWords(t *testing.T) {
	const answer = `read line <&4; printf '{"QMP": {}}\n{"return": {}, "id": "fs-1"}\n' >&4
`
	for _, c := range []struct {
		name, script string
		kind         error
	}{
		{"panic", `head -c 100000 /dev/zero | tr '\0' x >&5
printf '\nKernel panic - not syncing: the last words\n' >&5`, ErrPanic},
		{"goodbye", `{
  printf '{"t":"hello","v":1}\n'
  yes '{"t":"exec","exec":{"path":"/bin/sh"}}' | head -n 3000
  printf '{"t":"bye"}\n'
} >&3`, ErrClosed},
	} {
		t.Run(c.name, func(t *testing.T) {
			bin := t.TempDir()
			if err := os.WriteFile(filepath.Join(bin, qemu.Binary), []byte("#!/bin/sh\n"+answer+c.script+"\n"), 0o755); err != nil {
				t.Fatal(err)
			}
			t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
			var console, channel deaf
			m, err := Boot(t.Context(), Config{
				Image: &image.Image{}, Console: &console, OnExec: func(e wire.Exec) { fmt.Fprintln(&channel, e.Path) },
			})
			if err == nil {
				<-m.Ended()
				err = m.Err()
			}
			if !errors.Is(err, c.kind) {
				t.Errorf("error %v, want %v", err, c.kind)
			}
		})
	}
}
