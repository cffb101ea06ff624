package compare

import (
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
)

// member is one entry of an archive.
type member struct {
	name string
	// fields are what the archive records beside the contents, in a fixed
	// order for each format.
	fields []field
	// size of the contents; off is where they lie in the archive if open is
	// nil.
	size int64
	off  int64
	// open is set where the contents are compressed.
	open func() (io.ReadCloser, error)
}

// field is one recorded fact of a member.
type field struct {
	what  string // "timestamp", "owner", "mode", "symlink", …
	name  string
	value string
	// metadata as in Difference.
	metadata bool
}

// lister lists an archive's members in their order, at most max of them, and
// fails on what it can't read to its end. whole says that members and their
// fields are all that the archive holds: where they are not, equality of all
// of them does not show that the rest is the same.
type lister func(b *blob, max int) (ms []member, whole bool, err error)

// archive looks into two archives of one format.
func archive(list lister) func(*walker, string, *blob, *blob, int) (bool, error) {
	return func(w *walker, at string, a, b *blob, depth int) (bool, error) {
		ma, wholeA, errA := list(a, w.o.MaxMembers)
		mb, wholeB, errB := list(b, w.o.MaxMembers)
		if errA != nil || errB != nil {
			return false, nil
		}
		if !wholeA || !wholeB {
			w.res.partial = true
		}
		unique(ma)
		unique(mb)
		return true, w.members(at, a, b, ma, mb, depth)
	}
}

// unique numbers members of the same name, in their order.
func unique(ms []member) {
	seen := make(map[string]int, len(ms))
	for i := range ms {
		n := seen[ms[i].name]
		seen[ms[i].name]++
		if n > 0 {
			ms[i].name = fmt.Sprintf("%s#%d", ms[i].name, n+1)
		}
	}
}

func (w *walker) members(at string, a, b *blob, ma, mb []member, depth int) error {
	inB := make(map[string]int, len(mb))
	for i, m := range mb {
		inB[m.name] = i
	}
	var order []int // of common members, as B has them
	for _, m := range ma {
		i, ok := inB[m.name]
		if !ok {
			w.add(path.Join(at, m.name), "removed", "member of %d bytes", m.size)
			continue
		}
		order = append(order, i)
		delete(inB, m.name)
		err := w.member(path.Join(at, m.name), a, b, m, mb[i], depth)
		if errors.Is(err, errBudget) {
			w.add(at, "content", "not looked into from %q on: %v", m.name, err)
			return nil
		}
		if err != nil {
			return err
		}
	}
	for _, m := range mb {
		if _, ok := inB[m.name]; ok {
			w.add(path.Join(at, m.name), "added", "member of %d bytes", m.size)
		}
	}
	if i := firstDescent(order); i >= 0 {
		w.meta(at, "order", "its members are in another order, first at %q", mb[order[i]].name)
	}
	return nil
}

func firstDescent(order []int) int {
	for i := 1; i < len(order); i++ {
		if order[i] < order[i-1] {
			return i
		}
	}
	return -1
}

func (w *walker) member(at string, a, b *blob, ma, mb member, depth int) error {
	for i := range max(len(ma.fields), len(mb.fields)) {
		if i >= len(ma.fields) || i >= len(mb.fields) {
			w.add(at, "type", "another kind of member")
			return nil
		}
		if fa, fb := ma.fields[i], mb.fields[i]; fa != fb {
			w.record(at, fa.what, fa.metadata && fb.metadata, fmt.Sprintf("%s %s became %s", fa.name, fa.value, fb.value))
		}
	}
	ca, err := w.contents(a, ma)
	if err != nil {
		return w.damaged(at, err)
	}
	defer ca.close()
	cb, err := w.contents(b, mb)
	if err != nil {
		return w.damaged(at, err)
	}
	defer cb.close()
	if ca.size == cb.size {
		same, err := same(ca.reader(), cb.reader())
		if err != nil {
			return w.damaged(at, err)
		}
		if same {
			return nil
		}
	}
	return w.file(at, ca, cb, depth+1)
}

// contents gives a member's bytes, decompressed.
func (w *walker) contents(archive *blob, m member) (*blob, error) {
	if m.open == nil {
		if m.size == 0 {
			return memory(nil), nil
		}
		return archive.part(m.off, m.size), nil
	}
	r, err := m.open()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return w.spool(r, -1)
}

// damaged records a member that can't be looked into. That is a difference of
// its own: nothing shows that the two are the same.
func (w *walker) damaged(at string, err error) error {
	if errors.Is(err, errBudget) {
		return err
	}
	if _, fatal := w.unreadable(err); fatal != nil {
		return fatal
	}
	w.add(at, "content", "not looked into: %v", err)
	return nil
}

// within reports whether a range lies inside a blob.
func within(b *blob, off, size int64) bool {
	return off >= 0 && size >= 0 && off <= b.size && size <= b.size-off
}

// sortedPairs renders a small map in a fixed order.
func sortedPairs(m map[string]string) string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	s := ""
	for _, k := range keys {
		s += fmt.Sprintf("%s=%q ", k, m[k])
	}
	return s
}
