package main

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

// easeHeap is the live heap, in bytes, up to which memory is cheaper than
// collecting it.
const easeHeap = 16 << 20

// easeCollector lets a small heap grow to five times what lives in it before
// it is collected: a closure of a few thousand derivations then costs one
// collection or none instead of several. A larger heap is collected as Go does
// by itself, so that the peak on a large closure stays. A GOGC of the user's
// counts instead.
func easeCollector() {
	if os.Getenv("GOGC") != "" {
		return
	}
	usual := debug.SetGCPercent(400)
	live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	var watch func(*[16]byte)
	watch = func(sentinel *[16]byte) {
		metrics.Read(live)
		if live[0].Value.Uint64() > easeHeap {
			debug.SetGCPercent(usual)
			return
		}
		runtime.SetFinalizer(sentinel, watch) // again after the next collection
	}
	runtime.SetFinalizer(new([16]byte), watch)
}
