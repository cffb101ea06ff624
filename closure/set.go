package closure

import (
	"iter"
	"math/bits"
)

// Set is a set of derivations of one graph, a bit each.
type Set []uint64

// NewSet is an empty set for the derivations of g.
func (g *Graph) NewSet() Set { return make(Set, (g.Len()+63)/64) }

// Add puts i into the set.
func (s Set) Add(i ID) { s[i>>6] |= 1 << (i & 63) }

// Has reports whether i is in the set. A nil set is empty.
func (s Set) Has(i ID) bool { return int(i>>6) < len(s) && s[i>>6]&(1<<(i&63)) != 0 }

// Len is the number of members.
func (s Set) Len() int {
	n := 0
	for _, w := range s {
		n += bits.OnesCount64(w)
	}
	return n
}

// All yields the members in order.
func (s Set) All() iter.Seq[ID] {
	return func(yield func(ID) bool) {
		for i, w := range s {
			for ; w != 0; w &= w - 1 {
				if !yield(ID(i<<6 + bits.TrailingZeros64(w))) {
					return
				}
			}
		}
	}
}
