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

// segment is a mapping of size bytes, and of those that are left out so that
// what is read lies as stream.Align has it.
type segment struct {
	mem             []byte
	size, used, out int
}

// slack is what may be left out of a segment: less is had where more nest.
const slack = 4 << 10

// arenas are small ones that are not in use, whose pages need not be cleared
// once more. No more are kept than some walks need at once.
var arenas = make(chan segment, 2)

func (s *segment) unmap() {
	if s.mem != nil {
		_ = unix.Munmap(s.mem) // fails only for what is no mapping
		*s = segment{}
	}
}

func (s *segment) reserve(size int) error {
	mem, err := unix.Mmap(-1, 0, size+slack, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		return err
	}
	_ = unix.Madvise(mem, unix.MADV_HUGEPAGE) // fewer faults where the kernel can
	*s = segment{mem: mem, size: size}
	return nil
}

// room is how many bytes fit in.
func (s *segment) room() int { return s.size - (s.used - s.out) }

func (a *arena) release() {
	if a.small.mem != nil {
		select {
		case arenas <- segment{mem: a.small.mem, size: a.small.size}:
		default:
			a.small.unmap()
		}
		a.small = segment{}
	}
	if a.large() {
		a.big.unmap()
		<-arenaTurn
	}
}

// reserve takes a small arena.
func (a *arena) reserve() error {
	if a.small.mem != nil {
		return nil
	}
	select {
	case a.small = <-arenas:
		return nil
	default:
		return a.small.reserve(smallArena)
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
	if err := a.reserve(); err != nil {
		return nil, func() {}, err
	}
	if in.Remain() <= int64(a.small.room()) {
		b, full, undo := a.small.fill(nil, in)
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
	if room := a.big.room(); len(head) > room || in.Remain() > int64(room-len(head)) {
		a.shrink()
		return nil, func() {}, errNoRoom
	}
	b, full, undo := a.big.fill(head, in)
	back := func() {
		undo()
		a.shrink()
	}
	if full {
		back()
		return nil, func() {}, errNoRoom
	}
	return b, back, in.Err()
}

// shrink gives the large arena back where nothing is in it.
func (a *arena) shrink() {
	if a.large() && a.big.used == 0 {
		a.big.unmap()
		<-arenaTurn
	}
}

// fill copies head, for which there is room, and the rest of in; full is true
// where that does not fit.
func (s *segment) fill(head []byte, in *stream.In) (b []byte, full bool, undo func()) {
	before := *s
	undo = func() { s.used, s.out = before.used, before.out }
	pad := (in.Phase() - s.used - len(head)) & (stream.Align - 1)
	start, end := s.used+pad, min(s.used+pad+s.room(), len(s.mem))
	s.used, s.out = start+copy(s.mem[start:end], head), s.out+pad
	for {
		n := in.Into(s.mem[s.used:end])
		s.used += n
		if n == 0 {
			full = s.used == end && len(in.Next()) > 0
			return s.mem[start:s.used:s.used], full, undo
		}
	}
}
