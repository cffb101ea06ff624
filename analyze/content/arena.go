package content

import (
	"context"
	"errors"

	"golang.org/x/sys/unix"

	"fromsource/analyze/content/stream"
)

// arenaSize bounds what a walk holds in memory of formats that cannot be read
// forward: archives with their directory at the end, and compiled files while
// their sections are hashed. What fits into smallArena needs no turn.
const (
	arenaSize  = 144 << 20
	smallArena = 8 << 20
)

// errNoRoom says that something does not fit into the arena.
var errNoRoom = errors.New("too large to be held in memory")

// arena is memory handed out and taken back like a stack. It is mapped outside
// of the garbage collector's heap, which would otherwise keep as much again in
// reserve, and only pages that are used exist.
type arena struct {
	small, big segment
}

type segment struct {
	mem  []byte
	used int
}

func (s *segment) unmap() {
	if s.mem != nil {
		_ = unix.Munmap(s.mem) // fails only for what is no mapping
		s.mem, s.used = nil, 0
	}
}

func (s *segment) reserve(n int) error {
	if s.mem != nil {
		return nil
	}
	var err error
	s.mem, err = unix.Mmap(-1, 0, n, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	return err
}

func (a *arena) release() {
	a.small.unmap()
	if a.large() {
		a.big.unmap()
		<-arenaTurn
	}
}

// large is true while the walk has the turn for the large arena.
func (a *arena) large() bool { return a.big.mem != nil }

// grow takes the turn for the large arena.
func (a *arena) grow(ctx context.Context) error {
	if a.large() {
		return nil
	}
	select {
	case arenaTurn <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	if err := a.big.reserve(arenaSize); err != nil {
		<-arenaTurn
		return err
	}
	return nil
}

// spill reads all the rest of in. The bytes are valid until undo is called,
// in reverse order of the spills.
func (a *arena) spill(ctx context.Context, in *stream.In) (b []byte, undo func(), err error) {
	if err := a.small.reserve(smallArena); err != nil {
		return nil, func() {}, err
	}
	if in.Remain() <= int64(smallArena-a.small.used) {
		b, full, undo := a.small.fill(in)
		if !full {
			return b, undo, in.Err()
		}
		// The size was not known, and it is more: go on in the large arena
		// with what was read.
		defer undo()
		return a.spillLarge(ctx, b, in)
	}
	return a.spillLarge(ctx, nil, in)
}

func (a *arena) spillLarge(ctx context.Context, head []byte, in *stream.In) ([]byte, func(), error) {
	if in.Remain() > arenaSize {
		return nil, func() {}, errNoRoom
	}
	if err := a.grow(ctx); err != nil {
		return nil, func() {}, err
	}
	start := a.big.used
	back := func() {
		a.big.used = start
		if start == 0 && a.large() {
			a.big.unmap()
			<-arenaTurn
		}
	}
	if len(head) > len(a.big.mem)-start || in.Remain() > int64(len(a.big.mem)-start-len(head)) {
		back()
		return nil, func() {}, errNoRoom
	}
	a.big.used += copy(a.big.mem[start:], head)
	_, full, _ := a.big.fill(in)
	if full {
		back()
		return nil, func() {}, errNoRoom
	}
	return a.big.mem[start:a.big.used:a.big.used], back, in.Err()
}

// fill copies the rest of in; full is true where it does not fit.
func (s *segment) fill(in *stream.In) (b []byte, full bool, undo func()) {
	start := s.used
	undo = func() { s.used = start }
	for {
		n := in.Into(s.mem[s.used:])
		s.used += n
		if n == 0 {
			full = s.used == len(s.mem) && len(in.Next()) > 0
			return s.mem[start:s.used:s.used], full, undo
		}
	}
}
