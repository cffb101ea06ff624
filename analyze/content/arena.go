package content

import (
	"errors"
	"sync"

	"golang.org/x/sys/unix"

	"fromsource/analyze/content/stream"
)

// arenaSize bounds what a walk holds in memory of formats that cannot be read
// forward: archives with their directory at the end, and compiled files while
// their sections are hashed.
const arenaSize = 160 << 20

// errNoRoom says that something does not fit into the arena.
var errNoRoom = errors.New("too large to be held in memory")

// arena is memory handed out and taken back like a stack. It is mapped outside
// of the garbage collector's heap, which would otherwise keep as much again in
// reserve, and only pages that are used exist.
type arena struct {
	mem  []byte
	used int
}

// arenas keeps one mapping for reuse; what a walk used of it is given back to
// the system when the walk is over.
var arenas = sync.Pool{New: func() any { return &arena{} }}

func getArena() *arena { return arenas.Get().(*arena) }

func (a *arena) release() {
	if a.mem != nil {
		_ = unix.Munmap(a.mem) // fails for a mapping that is not one only
		a.mem, a.used = nil, 0
	}
	arenas.Put(a)
}

// spill reads all the rest of in. The bytes are valid until undo is called,
// in reverse order of the spills.
func (a *arena) spill(in *stream.In) (b []byte, undo func(), err error) {
	if a.mem == nil {
		if a.mem, err = unix.Mmap(-1, 0, arenaSize, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE); err != nil {
			return nil, func() {}, err
		}
	}
	start := a.used
	undo = func() { a.used = start }
	if in.Remain() > int64(len(a.mem)-start) {
		return nil, undo, errNoRoom
	}
	for {
		p := in.Next()
		if len(p) == 0 {
			break
		}
		if len(p) > len(a.mem)-a.used {
			undo()
			return nil, undo, errNoRoom
		}
		copy(a.mem[a.used:], p)
		a.used += len(p)
		in.Advance(len(p))
	}
	return a.mem[start:a.used:a.used], undo, in.Err()
}
