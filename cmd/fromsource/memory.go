package main

import (
	"math"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"sync/atomic"
)

// What a heap may be, in bytes, for each way to collect it.
const (
	// easeHeap is the live heap up to which memory is cheaper than collecting.
	easeHeap = 16 << 20
	// softLimit keeps an audit of 120,000 derivations under 600 MB, of which a
	// part is no heap of ours. A load of that size needs just about as much: less
	// would have it collected, to free next to nothing.
	softLimit = 520 << 20
	// liveLimit is the live heap from which to keep softLimit would mean to
	// collect all the time.
	liveLimit = 470 << 20
)

// loads counts the closures that are being loaded.
var loads atomic.Int32

// easeCollector lets a small heap, and that of a load, grow to five times what
// lives in it before it is collected: a closure of a few thousand derivations
// then costs one collection or none instead of several, and of what a load
// allocates hardly anything is garbage. Any other heap is collected as Go does
// by itself, and more often near softLimit, which bounds the peak on a closure
// as large as all of nixpkgs. GOGC and GOMEMLIMIT of the user's count instead.
func easeCollector() {
	usual, eased := 0, os.Getenv("GOGC") == ""
	if eased {
		usual = debug.SetGCPercent(400)
	}
	limited := os.Getenv("GOMEMLIMIT") == ""
	if limited {
		debug.SetMemoryLimit(softLimit)
	}
	sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	var watch func(*[16]byte)
	watch = func(sentinel *[16]byte) {
		metrics.Read(sample)
		live := sample[0].Value.Uint64()
		if eased && live > easeHeap && loads.Load() == 0 {
			debug.SetGCPercent(usual)
			eased = false
		}
		if limited && live > liveLimit {
			debug.SetMemoryLimit(math.MaxInt64)
			limited = false
		}
		if eased || limited {
			runtime.SetFinalizer(sentinel, watch) // after the next collection
		}
	}
	runtime.SetFinalizer(new([16]byte), watch)
}
