package content

import "fmt"

// The memory of all walks of the process is bounded, however many there are:
// small needs are free, one walk at a time may use a large arena, and two may
// use large dictionaries. A walk takes the dictionaries' turn before it takes
// the arena's and never after, so that no two wait for each other.
var (
	arenaTurn  = make(chan struct{}, 1)
	windowTurn = make(chan struct{}, 2)
)

const (
	// smallWindow is the dictionary that needs no turn: xz -6, zstd -19.
	smallWindow = 8 << 20
	// maxWindows bounds the dictionaries of one walk, nested ones together.
	maxWindows = maxWindow + 4*smallWindow
)

// window accounts for a decompressor's dictionary until back is called.
func (w *walker) window(n int64) (back func(), err error) {
	most := int64(maxWindows)
	if w.arena.large() {
		most = maxWindowBeside
	}
	if most = min(maxWindow, most-w.windows); n > most {
		return nil, fmt.Errorf("a dictionary of %d MiB is more than the %d MiB to be had here", n>>20, max(most, 0)>>20)
	}
	w.windows += n
	turn := false
	if w.windows > 2*smallWindow && !w.windowTurn && !w.arena.large() {
		select {
		case windowTurn <- struct{}{}:
			turn, w.windowTurn = true, true
		case <-w.ctx.Done():
			return nil, w.ctx.Err()
		}
	}
	return func() {
		w.windows -= n
		if turn {
			w.windowTurn = false
			<-windowTurn
		}
	}, nil
}
