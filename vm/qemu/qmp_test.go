package qemu

import (
	"bufio"
	"context"
	"io"
	"net"
	"strings"
	"testing"
	"time"
)

// peer answers commands by a table, one line each, and then hangs up.
func peer(t *testing.T, greeting string, answers ...string) *QMP {
	t.Helper()
	ours, theirs := net.Pipe()
	t.Cleanup(func() { _ = ours.Close(); _ = theirs.Close() })
	go func() {
		_, _ = io.WriteString(theirs, greeting)
		s := bufio.NewScanner(theirs)
		for _, a := range answers {
			if !s.Scan() {
				return
			}
			if a != "" {
				_, _ = io.WriteString(theirs, a+"\n")
			}
		}
		if len(answers) > 0 && answers[len(answers)-1] == "" {
			s.Scan()
		}
		_ = theirs.Close()
	}()
	return newQMP(ours, func() {})
}

const greeting = `{"QMP": {"version": {}, "capabilities": []}}` + "\n"

func TestQMP(t *testing.T) {
	q := peer(t, greeting,
		`{"return": {"status": "running"}, "id": "fs-1"}`,
		`{"event": "GUEST_PANICKED", "data": {"action": "run"}}`+"\n"+`{"error": {"class": "CommandNotFound", "desc": "no"}, "id": "fs-2"}`)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	if r, err := q.Do(ctx, "query-status"); err != nil || !strings.Contains(string(r), "running") {
		t.Errorf("%s, %v", r, err)
	}
	if _, err := q.Do(ctx, "nonsense"); err == nil || !strings.Contains(err.Error(), "CommandNotFound: no") {
		t.Errorf("error %v", err)
	}
	if _, ok := q.Seen("GUEST_PANICKED"); !ok {
		t.Error("the event was missed")
	}
	if _, ok := q.Seen("SHUTDOWN"); ok {
		t.Error("an event that was not")
	}
	if _, err := q.Do(ctx, "quit"); err == nil {
		t.Error("a command after the end gave no error")
	}
}

func TestQMPGarbage(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	for name, g := range map[string]string{"text": "hello\n", "nothing": "\n", "long": strings.Repeat("x", maxQMPLine+1)} {
		q := peer(t, g, `{"return": {}}`)
		if _, err := q.Do(ctx, "x"); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	// One that never answers ends with the context.
	q := peer(t, greeting, "")
	short, stop := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer stop()
	if _, err := q.Do(short, "x"); err == nil {
		t.Error("no answer, and no error")
	}
}
