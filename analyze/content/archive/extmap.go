package archive

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"slices"
)

// runs lists the pieces of a file in order, and how many blocks they have.
func (e *Ext) runs(i *extInode) (out []extRun, stored int64, err error) {
	if i.flags&extExtents != 0 {
		out, err = e.extents(i.data[:])
	} else {
		out, err = e.mapped(i)
	}
	slices.SortStableFunc(out, func(a, b extRun) int { return cmp.Compare(a.from, b.from) })
	for _, r := range out {
		if r.at <= 0 || r.at > e.size/e.block || r.count > e.size/e.block-r.at+1 {
			return nil, 0, fmt.Errorf("%w: blocks behind the end", ErrFormat)
		}
		stored += r.count
	}
	return out, stored, err
}

// extents walks an extent tree; each node is bounded by its block, their number
// by maxRuns.
func (e *Ext) extents(root []byte) ([]extRun, error) {
	le := binary.LittleEndian
	var out []extRun
	type node struct {
		b     []byte
		depth uint16
	}
	todo := []node{{root, 5}}
	for visited := 0; len(todo) > 0; visited++ {
		n := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		count, depth := int(le.Uint16(n.b[2:])), le.Uint16(n.b[6:])
		if le.Uint16(n.b) != 0xf30a || 12+12*count > len(n.b) || depth > n.depth {
			return nil, fmt.Errorf("%w: extent tree", ErrFormat)
		}
		if visited > maxRuns/64 || len(out) > maxRuns || len(todo) > maxRuns {
			return nil, fmt.Errorf("%w: a file in too many pieces", ErrFormat)
		}
		for k := range count {
			x := n.b[12+12*k:]
			if depth == 0 {
				length := int64(le.Uint16(x[4:]))
				if length > 32768 { // not written: zeros
					continue
				}
				at := int64(le.Uint32(x[8:])) | int64(le.Uint16(x[6:]))<<32
				out = append(out, extRun{int64(le.Uint32(x)), at, length})
				continue
			}
			at := int64(le.Uint32(x[4:])) | int64(le.Uint16(x[8:]))<<32
			b, err := e.readBlock(at)
			if err != nil {
				return nil, err
			}
			todo = append(todo, node{b, depth - 1})
		}
	}
	return out, nil
}

// readBlock reads a block of the volume.
func (e *Ext) readBlock(n int64) ([]byte, error) {
	if n <= 0 || n >= e.size/e.block {
		return nil, fmt.Errorf("%w: block %d of %d", ErrFormat, n, e.size/e.block)
	}
	b := make([]byte, e.block)
	if _, err := e.r.ReadAt(b, n*e.block); err != nil {
		return nil, fmt.Errorf("%w: block %d: %w", ErrFormat, n, err)
	}
	return b, nil
}

// mapped walks the block map of ext2: twelve blocks, then blocks of blocks, in
// one, two and three levels.
func (e *Ext) mapped(i *extInode) ([]extRun, error) {
	m := extMap{e: e, last: (i.size + e.block - 1) / e.block}
	le := binary.LittleEndian
	for k := range 12 {
		m.add(int64(le.Uint32(i.data[4*k:])))
	}
	for level := range 3 {
		if err := m.walk(int64(le.Uint32(i.data[48+4*level:])), level+1); err != nil {
			return nil, err
		}
	}
	return m.out, nil
}

// extMap collects the blocks of a map.
type extMap struct {
	e       *Ext
	out     []extRun
	n, last int64 // the next block of the file, and how many it has
	read    int
}

func (m *extMap) add(at int64) {
	if at != 0 && m.n < m.last {
		if k := len(m.out) - 1; k >= 0 && m.out[k].from+m.out[k].count == m.n && m.out[k].at+m.out[k].count == at {
			m.out[k].count++
		} else {
			m.out = append(m.out, extRun{m.n, at, 1})
		}
	}
	m.n++
}

// walk follows a block of block numbers, of at most three levels.
func (m *extMap) walk(at int64, level int) error {
	if m.n >= m.last {
		return nil
	}
	per := m.e.block / 4
	if at == 0 { // a hole
		for span := int64(1); level > 0; level-- {
			if span *= per; level == 1 {
				m.n += span
			}
		}
		return nil
	}
	if m.read++; m.read > maxRuns || len(m.out) > maxRuns {
		return fmt.Errorf("%w: a file in too many pieces", ErrFormat)
	}
	b, err := m.e.readBlock(at)
	if err != nil {
		return err
	}
	for ; len(b) >= 4 && m.n < m.last; b = b[4:] {
		next := int64(binary.LittleEndian.Uint32(b))
		if level == 1 {
			m.add(next)
		} else if err := m.walk(next, level-1); err != nil {
			return err
		}
	}
	return nil
}
