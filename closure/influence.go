package closure

import (
	"math/bits"
	"runtime"
	"sync"
	"sync/atomic"
)

// Influence counts, for each derivation, how many of the derivations in among
// depend on it through any number of steps; a nil among counts all. None
// depends on itself. A derivation for which cut is true depends on nothing.
//
// It takes time proportional to edges × members of among ÷ 512, shared by the
// CPUs, and 68 bytes for each derivation on each of them.
func (g *Graph) Influence(among Set, cut Cut) []int32 {
	in := &influence{inputs: g.InputsCut(cut)}
	in.order, in.end = g.components(cut)
	for k := 0; k < len(in.order); k = int(in.end[in.order[k]]) {
		in.starts = append(in.starts, int32(k))
		for at := int32(k); at < in.end[in.order[k]]; at++ {
			if among == nil || among.Has(in.order[at]) {
				in.members = append(in.members, member{in.order[at], int32(len(in.starts)) - 1})
			}
		}
	}
	workers := min(runtime.GOMAXPROCS(0), (len(in.members)+blockSize-1)/blockSize)
	counts := make([][]int32, max(workers, 1))
	counts[0] = make([]int32, g.Len())
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			counts[w] = make([]int32, g.Len())
			in.run(counts[w])
		})
	}
	wg.Wait()
	for _, c := range counts[1:] {
		for i, n := range c {
			counts[0][i] += n
		}
	}
	return counts[0]
}

const (
	blockWords = 8 // one cache line for each derivation
	blockSize  = blockWords * 64
)

// mask is which members of a block depend on a derivation.
type mask [blockWords]uint64

type influence struct {
	inputs  func(ID) []ID
	order   []ID    // inputs before consumers
	end     []int32 // of the component that begins with an ID, in order
	starts  []int32 // of components, in order
	members []member
	next    atomic.Int64 // block to be done
}

type member struct {
	id   ID
	comp int32 // index into starts
}

// run takes block after block and adds up what depends on what.
func (in *influence) run(count []int32) {
	dependents := make([]mask, len(count))
	for {
		from := int(in.next.Add(1)-1) * blockSize
		if from >= len(in.members) {
			return
		}
		block := in.members[from:min(from+blockSize, len(in.members))]
		clear(dependents)
		for b, m := range block {
			dependents[m.id][b>>6] |= 1 << (b & 63)
		}
		in.spread(dependents, block[len(block)-1].comp)
		for i := range dependents {
			for _, w := range dependents[i] {
				count[i] += int32(bits.OnesCount64(w))
			}
		}
		for _, m := range block {
			count[m.id]-- // itself
		}
	}
}

// spread hands each component's mask on to its inputs. Consumers come first,
// so that a component is complete when it is passed; the members of a cycle
// depend on the same derivations. No member of the block depends on what comes
// after the last one's component.
func (in *influence) spread(dependents []mask, last int32) {
	for s := last; s >= 0; s-- {
		comp := in.order[in.starts[s]:in.end[in.order[in.starts[s]]]]
		var all mask
		for _, i := range comp {
			all.or(&dependents[i])
		}
		if all == (mask{}) {
			continue
		}
		for _, i := range comp {
			dependents[i] = all
		}
		for _, i := range comp {
			for _, input := range in.inputs(i) {
				dependents[input].or(&all)
			}
		}
	}
}

func (m *mask) or(o *mask) {
	for w := range m {
		m[w] |= o[w]
	}
}
