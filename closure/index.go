package closure

// ID numbers the derivations of one Graph, in the order of their paths.
type ID int32

// None is no derivation.
const None ID = -1

// Graph is a closure's frozen index: sorted paths and adjacency in both
// directions, in a few flat slices. It is safe for concurrent use. A
// derivation's full text is not kept: Derivation reads it again.
type Graph struct {
	src      source
	storeDir string
	// paths holds all paths end to end; path i is paths[start[i]:start[i+1]].
	paths string
	start []uint32
	flags []uint8

	in, out   csr[ID] // inputs, consumers
	outs      csr[Output]
	srcs      csr[string]
	producers func() *producers // made when first asked for
	roots     []ID
	skipped   []Skip
	tampered  []Tampered
}

const (
	flagMissing uint8 = 1 << iota
	flagFixed
)

// csr is a list of lists: list i is vals[off[i]:off[i+1]].
type csr[E any] struct {
	off  []uint32
	vals []E
}

func (c *csr[E]) at(i ID) []E {
	a, b := c.off[i], c.off[i+1]
	return c.vals[a:b:b]
}

// producers finds derivations by output path: table gives indices into the
// other two.
type producers struct {
	table pathTable
	paths []string
	ids   []ID
}

// Skip is a piece of input that could not be read and was left out.
type Skip struct {
	Input  string // a file or store path
	Offset int64  // in bytes, where reading stopped
	Reason string // what was expected there
}

// Tampered is a derivation whose content does not give its path: it was
// changed, or renamed, after Nix wrote it.
type Tampered struct {
	ID         ID
	Recomputed string // the path that the content gives
}

// Len is the number of derivations, missing ones included.
func (g *Graph) Len() int { return len(g.start) - 1 }

// Path is the store path of a derivation.
func (g *Graph) Path(i ID) string { return g.paths[g.start[i]:g.start[i+1]] }

// Name is the derivation's name, without hash and ".drv".
func (g *Graph) Name(i ID) string { return NameOf(g.Path(i)) }

// Lookup finds a derivation by its store path.
func (g *Graph) Lookup(p string) (ID, bool) {
	lo, hi := 0, g.Len()
	for lo < hi {
		m := int(uint(lo+hi) >> 1)
		if g.Path(ID(m)) < p {
			lo = m + 1
		} else {
			hi = m
		}
	}
	return ID(lo), lo < g.Len() && g.Path(ID(lo)) == p
}

// Inputs lists the derivations that i names as inputs, in order. The slice is
// the index's own: don't change it.
func (g *Graph) Inputs(i ID) []ID { return g.in.at(i) }

// Consumers lists the derivations that have i as an input, in order. The slice
// is the index's own: don't change it.
func (g *Graph) Consumers(i ID) []ID { return g.out.at(i) }

// Roots lists the derivations that were asked for, in order; where an input
// is a bare collection, those that nothing else in it consumes.
func (g *Graph) Roots() []ID { return g.roots }

// Outputs lists the outputs of i by name. The slice is the index's own.
func (g *Graph) Outputs(i ID) []Output { return g.outs.at(i) }

// InputSrcs lists the store paths that i uses and that no derivation makes.
// The slice is the index's own.
func (g *Graph) InputSrcs(i ID) []string { return g.srcs.at(i) }

// FixedOutput reports whether i's output has a declared hash.
func (g *Graph) FixedOutput(i ID) bool { return g.flags[i]&flagFixed != 0 }

// Missing reports whether i is only known by name: absent from the input, or
// not readable (and then listed by Skipped too).
func (g *Graph) Missing(i ID) bool { return g.flags[i]&flagMissing != 0 }

// Producer finds the derivation that has an output at this path.
func (g *Graph) Producer(outputPath string) (ID, bool) {
	p := g.producers()
	i := p.table.find(p.paths, outputPath, p.table.hash(outputPath))
	if i < 0 {
		return None, false
	}
	return p.ids[i], true
}

// Skipped lists what could not be read, sorted by input.
func (g *Graph) Skipped() []Skip { return g.skipped }

// Tampered lists the derivations whose path does not follow from their
// content, in order.
func (g *Graph) Tampered() []Tampered { return g.tampered }

// StoreDir is the store directory of the closure, such as /nix/store.
func (g *Graph) StoreDir() string { return g.storeDir }

// CutFixed ends a walk at fixed-output derivations. What such a derivation
// has as inputs only fetches it: its content is fixed by its hash, and Nix
// leaves the inputs out of everything that is computed downstream.
func (g *Graph) CutFixed(i ID) bool { return g.FixedOutput(i) }
