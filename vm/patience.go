package vm

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"strconv"
	"time"
)

// awake counts time in which this program could see what happens. Of a span
// between two looks that is longer than it should be only a little counts: the
// machine was stalled or suspended, or the program stopped, and what a guest
// said or could have said meanwhile nobody has heard yet.
type awake struct {
	last  time.Time
	total time.Duration
}

// look counts the time since the last look, when looks are so far apart.
func (a *awake) look(now time.Time, every time.Duration) time.Duration {
	if d := now.Sub(a.last); d > 0 {
		a.total += min(d, 2*every)
	}
	a.last = now
	return a.total
}

// lookEvery is how often a limit of that length is looked at.
func lookEvery(limit time.Duration) time.Duration {
	return max(min(limit/8, time.Second), time.Millisecond)
}

// withPatience gives a context that is done after so much time, of which only
// what this program was awake for counts. Its end has the cause
// context.DeadlineExceeded.
func withPatience(ctx context.Context, limit time.Duration) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	go func() {
		every := lookEvery(limit)
		tick := time.NewTicker(every)
		defer tick.Stop()
		for a := (awake{last: time.Now()}); a.total < limit; {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				a.look(time.Now(), every)
			}
		}
		cancel(context.DeadlineExceeded)
	}()
	return ctx, func() { cancel(nil) }
}

// running is what the host's kernel says of a process: whether it was stopped
// by a signal, and the processor time that it has had (proc(5), stat). A
// process of which nothing is known counts as one that runs.
func running(pid int) (stopped bool, had time.Duration) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false, 0
	}
	// The name, in parentheses, may hold anything.
	f := bytes.Fields(b[bytes.LastIndexByte(b, ')')+1:])
	if len(f) < 13 {
		return false, 0
	}
	const tick = 10 * time.Millisecond // USER_HZ is 100 wherever we run
	for _, n := range f[11:13] {
		v, err := strconv.ParseInt(string(n), 10, 64)
		if err != nil {
			return false, 0
		}
		had += time.Duration(v) * tick
	}
	return string(f[0]) == "T", had
}
