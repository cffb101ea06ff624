package content

import (
	"cmp"
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
	account    *account
	small, big segment
}

// segment is a mapping of size bytes, and of those that are left out so that
// what is read lies as stream.Align has it.
type segment struct {
	mem             []byte
	size, used, out int
	held            int // of the account: what was written to at any time
}

const (
	// slack is what may be left out of a segment: less is had where more nest.
	slack = 4 << 10
	// page is how much becomes memory at once, where the kernel can.
	page = 2 << 20
)

// arenas are small ones that are not in use, whose first page need not be
// cleared once more. No more are kept than some walks need at once.
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
		memory.give(a.account, int64(a.small.held), 0)
		memory.mapping(-int64(a.small.held))
		if a.small.held > page {
			_ = unix.Madvise(a.small.mem[page:], unix.MADV_DONTNEED) // it is aligned
		}
		select {
		case arenas <- segment{mem: a.small.mem, size: a.small.size}:
		default:
			a.small.unmap()
		}
		a.small = segment{}
	}
	a.big.used = 0
	a.shrink()
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

// large is true while the walk has the large arena.
func (a *arena) large() bool { return a.big.mem != nil }

// grow reserves the large arena.
func (a *arena) grow() error {
	if a.large() {
		return nil
	}
	if err := a.big.reserve(arenaSize); err != nil {
		return err
	}
	return nil
}

// shrink gives the large arena back where nothing is in it.
func (a *arena) shrink() {
	if a.large() && a.big.used == 0 {
		held := int64(a.big.held)
		a.big.unmap()
		memory.give(a.account, held, 0)
		memory.mapping(-held)
	}
}

// more is how much more is held where the first n bytes of s are written to.
func (s *segment) more(n int) int64 {
	n = min((n+page-1)&^(page-1), len(s.mem))
	return int64(max(n-s.held, 0))
}

// fits says whether that may be held.
func (a *arena) fits(s *segment, n int) bool { return a.account.held+s.more(n) <= mostHeld }

// cover has the first n bytes of s be held.
func (a *arena) cover(ctx context.Context, s *segment, n int) error {
	more := s.more(n)
	if more == 0 {
		return nil
	}
	if !a.fits(s, n) {
		return errNoRoom
	}
	if err := memory.take(ctx, a.account, more); err != nil {
		return err
	}
	memory.mapping(more)
	s.held += int(more)
	return nil
}

// spill reads all the rest of in. The bytes are valid until undo is called,
// in reverse order of the spills.
func (a *arena) spill(ctx context.Context, in *stream.In) (b []byte, undo func(), err error) {
	if err := a.reserve(); err != nil {
		return nil, func() {}, err
	}
	if in.Remain() <= int64(a.small.room()) {
		b, undo, err := a.fill(ctx, &a.small, nil, in)
		if !errors.Is(err, errNoRoom) {
			return b, undo, cmp.Or(err, in.Err())
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
	if err := a.grow(); err != nil {
		return nil, func() {}, err
	}
	size := len(head) + int(max(in.Remain(), 0))
	if size > a.big.room() || !a.fits(&a.big, a.big.used+size) {
		a.shrink()
		return nil, func() {}, errNoRoom
	}
	b, undo, err := a.fill(ctx, &a.big, head, in)
	back := func() {
		undo()
		a.shrink()
	}
	if err != nil {
		back()
		return nil, func() {}, err
	}
	return b, back, in.Err()
}

// fill copies head, for which there is room, and the rest of in. The error is
// errNoRoom where that does not fit, and what was read comes with it.
func (a *arena) fill(ctx context.Context, s *segment, head []byte, in *stream.In) (b []byte, undo func(), err error) {
	before := *s
	undo = func() { s.used, s.out = before.used, before.out }
	pad := (in.Phase() - s.used - len(head)) & (stream.Align - 1)
	start, end := s.used+pad, min(s.used+pad+s.room(), len(s.mem))
	if err := a.cover(ctx, s, start+len(head)); err != nil {
		return nil, undo, err
	}
	s.used, s.out = start+copy(s.mem[start:end], head), s.out+pad
	for {
		next := min(end, max(s.used+1, s.held))
		if left := in.Remain(); left >= 0 {
			next = int(min(int64(end), int64(s.used)+left))
		}
		if err := a.cover(ctx, s, next); err != nil {
			return s.mem[start:s.used:s.used], undo, err
		}
		n := in.Into(s.mem[s.used:min(end, s.held)])
		s.used += n
		if n == 0 {
			if s.used == end && len(in.Next()) > 0 {
				err = errNoRoom
			}
			return s.mem[start:s.used:s.used], undo, err
		}
	}
}
