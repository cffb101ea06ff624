package content

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"runtime"
	"sync"
	"testing"
	"time"
)

// TestLedger: many walks that take and give in any order all come to their end,
// and hold no more than is allowed at any time.
func TestLedger(t *testing.T) {
	l := &ledger{held: map[*account]int64{}, changed: make(chan struct{})}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	var wg sync.WaitGroup
	for i := range 8 {
		r := rand.New(rand.NewPCG(7, uint64(i)))
		wg.Go(func() {
			for range 2000 {
				a, held := new(account), []int64{}
				for range 1 + r.IntN(6) {
					n := min(1+r.Int64N(mostHeld>>r.IntN(5)), mostHeld-a.held)
					if err := l.take(ctx, a, n); err != nil {
						t.Errorf("%v: the walks wait for each other", err)
						return
					}
					l.mu.Lock()
					if all, ok := l.fits(a, 0); !ok || all > mostHeld+besides {
						t.Errorf("%d bytes are held", all)
					}
					l.mu.Unlock()
					runtime.Gosched()
					if held = append(held, n); r.IntN(3) == 0 {
						l.give(a, held[0], 0)
						held = held[1:]
					}
				}
				for _, n := range held {
					l.give(a, n, 0)
				}
			}
		})
	}
	wg.Wait()
	if len(l.held) != 0 {
		t.Errorf("%d accounts hold something", len(l.held))
	}
}

// TestLedgerCancelled: a walk that waits is cancelled.
func TestLedgerCancelled(t *testing.T) {
	l := &ledger{held: map[*account]int64{}, changed: make(chan struct{})}
	if err := l.take(context.Background(), new(account), mostHeld); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	time.AfterFunc(10*time.Millisecond, cancel)
	if err := l.take(ctx, new(account), besides+1); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if err := l.take(ctx, new(account), besides); err != nil {
		t.Error(err)
	}
}

// TestWithin: what a Code function walks counts with the walk that shows it, and
// does not wait for it.
func TestWithin(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	program, err := os.ReadFile(os.Args[0])
	if err != nil || len(program) <= smallArena {
		t.Fatalf("%d bytes, %v", len(program), err)
	}
	nested := 0
	_, err = Inspect(ctx, "in", onlyReads{bytes.NewReader(program)}, Options{Code: func(f *File, b []byte) {
		if f.Path != "in" {
			return // what is found in it
		}
		res, err := Inspect(ctx, "in", onlyReads{bytes.NewReader(b)}, Options{Within: f, Code: func(_ *File, again []byte) {
			if bytes.Equal(again, program) {
				nested++
			}
		}})
		if err != nil || len(res.Members) == 0 {
			t.Errorf("%+v, %v", res, err)
		}
	}})
	if err != nil || nested != 1 {
		t.Errorf("walked %d times, %v", nested, err)
	}
	if len(memory.held) != 0 || len(memory.shown) != 0 {
		t.Errorf("%d accounts hold something, %d files are shown", len(memory.held), len(memory.shown))
	}
}

// onlyReads hides that bytes can be read at random.
type onlyReads struct{ r *bytes.Reader }

// Read implements io.Reader.
func (o onlyReads) Read(p []byte) (int, error) { return o.r.Read(p) }
