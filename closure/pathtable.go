package closure

import "hash/maphash"

// pathTable finds the numbers of strings that are kept elsewhere, by number.
// It is an open hash table of eight bytes an entry: a hash, which tells nearly
// all others apart without a look at the string, and the number.
type pathTable struct {
	seed    maphash.Seed
	entries []uint64 // hash in the upper half, number + 1 in the lower; 0 is free
	used    int
}

// makePathTable has room for n strings before it grows.
func makePathTable(n int) pathTable {
	size := 64
	for size < 2*n {
		size *= 2
	}
	return pathTable{seed: maphash.MakeSeed(), entries: make([]uint64, size)}
}

func (t *pathTable) hash(s string) uint32 { return uint32(maphash.String(t.seed, s)) }

// find is the number of s, whose hash is given, or -1. Numbers index all.
func (t *pathTable) find(all []string, s string, hash uint32) int32 {
	mask := uint32(len(t.entries) - 1)
	for i := hash & mask; ; i = (i + 1) & mask {
		e := t.entries[i]
		if e == 0 {
			return -1
		}
		if n := int32(uint32(e)) - 1; uint32(e>>32) == hash && all[n] == s {
			return n
		}
	}
}

// add takes in a number that find has not found. Half of the table stays
// free.
func (t *pathTable) add(number int32, hash uint32) {
	if 2*t.used >= len(t.entries) {
		old := t.entries
		t.entries = make([]uint64, 2*len(old))
		for _, e := range old {
			if e != 0 {
				t.put(e)
			}
		}
	}
	t.put(uint64(hash)<<32 | uint64(uint32(number+1)))
	t.used++
}

func (t *pathTable) put(entry uint64) {
	mask := uint32(len(t.entries) - 1)
	i := uint32(entry>>32) & mask
	for t.entries[i] != 0 {
		i = (i + 1) & mask
	}
	t.entries[i] = entry
}
