package content

import (
	"context"
	"fmt"
	"runtime/debug"
	"sync"
)

// The memory of all walks of the process is bounded, however many there are
// and whatever they read. Each has an account of what it holds of the large
// kind: dictionaries of decompressors and what of its arenas was written to.
// A walk waits while what all of them hold but for the one that holds most
// would be more than besides. So the one that holds most waits for nobody, and
// comes to its end: no two walks wait for each other, in whatever order they
// ask.
const (
	// mostHeld bounds what one walk holds, in bytes: what does not fit is
	// skipped, whatever the other walks do. Beside a full arena that leaves the
	// dictionary of xz -9.
	mostHeld = arenaSize + smallArena + maxWindowBeside
	// besides is what there is for all walks but one.
	besides = 28 << 20
	// smallWindow is the dictionary of a decompressor that is kept for other
	// streams: that of xz -6 and of zstd -19.
	smallWindow = 8 << 20
	// maxWindows bounds the dictionaries of one walk, nested ones together.
	maxWindows = maxWindow + 4*smallWindow
)

// account is what a walk holds, in bytes. Only the walk's goroutine uses it.
type account struct {
	held    int64 // all of it, the dictionaries included
	windows int64 // dictionaries
}

// ledger has the accounts that hold anything.
type ledger struct {
	mu      sync.Mutex
	held    map[*account]int64
	changed chan struct{} // is closed when something was given back
	waiting int
	// loose is what decompressors had that are gone, and that the collector may
	// not have found yet.
	loose int64
	// limit is that of LimitMemory, mapped what of it is no heap, and set what
	// of that the collector was told.
	limit, mapped, set int64
	// shown are the files that a Code function looks at.
	shown map[*File]*account
}

var memory = ledger{held: map[*account]int64{}, changed: make(chan struct{}), shown: map[*File]*account{}}

// Memory is the limit that keeps a process that walks, and does nothing else,
// below 300 MB: what is left is its code and what the collector has no part in.
const Memory = 232 << 20

// LimitMemory has the garbage collector keep what the process holds under limit
// bytes, together with what walks hold outside of its heap. What must be held is
// bounded without it; garbage is not.
func LimitMemory(limit int64) {
	memory.mu.Lock()
	defer memory.mu.Unlock()
	memory.limit = limit
	memory.set = memory.mapped
	debug.SetMemoryLimit(limit - memory.set)
}

// mapping notes that n more bytes are held outside of the heap.
func (l *ledger) mapping(n int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.mapped += n
	if more := l.mapped - l.set; l.limit > 0 && (more >= smallArena || more <= -smallArena) {
		l.set = l.mapped
		debug.SetMemoryLimit(l.limit - l.set)
	}
}

// take waits until n more bytes may be held. The caller sees to it that the
// account holds no more than mostHeld.
func (l *ledger) take(ctx context.Context, a *account, n int64) error {
	if n <= 0 {
		return nil
	}
	for {
		l.mu.Lock()
		if all, fits := l.fits(a, n); fits {
			a.held += n
			l.held[a] += n
			collect := l.loose > 0 && all+l.loose > mostHeld
			if collect {
				l.loose = 0
			}
			l.mu.Unlock()
			if collect {
				debug.FreeOSMemory()
			}
			return nil
		}
		changed := l.changed
		l.waiting++
		l.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// fits says whether an account may hold n more, and what all would hold then.
func (l *ledger) fits(a *account, n int64) (all int64, ok bool) {
	most := l.held[a] + n
	all = n
	for _, held := range l.held {
		all += held
		most = max(most, held)
	}
	return all, all-most <= besides
}

// give gives n bytes back, of which some are loose.
func (l *ledger) give(a *account, n, loose int64) {
	if n <= 0 {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	a.held -= n
	if l.held[a] -= n; l.held[a] <= 0 {
		delete(l.held, a)
	}
	l.loose += loose
	if l.waiting > 0 {
		close(l.changed)
		l.changed, l.waiting = make(chan struct{}), 0
	}
}

// showing has walks that Options.Within says belong to f be on a's account,
// until it ends.
func (l *ledger) showing(f *File, a *account) (end func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.shown[f] = a
	return func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		delete(l.shown, f)
	}
}

// account returns the account of a walk within f, or a new one.
func (l *ledger) account(f *File) *account {
	if f != nil {
		l.mu.Lock()
		defer l.mu.Unlock()
		if a := l.shown[f]; a != nil {
			return a
		}
	}
	return new(account)
}

// dictionary is what one decompressor, or one after the other, looks back to.
type dictionary struct {
	w *walker
	n int64
}

// errDictionary says that a dictionary is not to be had.
type errDictionary struct{ n, most int64 }

func (e *errDictionary) Error() string {
	return fmt.Sprintf("a dictionary of %d MiB is more than the %d MiB to be had here", e.n>>20, max(e.most, 0)>>20)
}

// room is how large it may be.
func (d *dictionary) room() int64 {
	a := d.w.arena.account
	return min(maxWindow, maxWindows-(a.windows-d.n), mostHeld-(a.held-d.n))
}

// need accounts for a dictionary of n bytes, in the place of the one before.
func (d *dictionary) need(n int64) error {
	if n <= d.n {
		return nil
	}
	if most := d.room(); n > most {
		return &errDictionary{n, most}
	}
	if err := memory.take(d.w.ctx, d.w.arena.account, n-d.n); err != nil {
		return err
	}
	d.w.arena.account.windows += n - d.n
	d.n = n
	return nil
}

// done gives it back.
func (d *dictionary) done() {
	loose := int64(0)
	if d.n > smallWindow {
		loose = d.n
	}
	d.w.arena.account.windows -= d.n
	memory.give(d.w.arena.account, d.n, loose)
	d.n = 0
}
