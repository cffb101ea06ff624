package content

import (
	"bytes"
	"fmt"
	"io"

	"fromsource/analyze/content/archive"
	"fromsource/analyze/content/format"
	"fromsource/analyze/content/stream"
)

// rest is what the directory of a container does not account for.
type rest struct {
	cover *archive.Cover
	// known names a part that this format is known to have beside its files;
	// nil and "" for none.
	known func(archive.Span) string
	// sealed is up to where what nobody lists may be compressed, which the
	// bytes do not tell: such a part is noted unless it is known.
	sealed int64
}

const (
	// minRest is the least length that is looked at: that of the header of a
	// program. Checksums and counters between entries are shorter.
	minRest = 64
	// fill is a block that is told to be filled with one byte, and apart are
	// as many of them as part what lies before from what lies behind.
	fill  = 512
	apart = 8 * fill
	// maxRests bounds the parts of one container that are looked at.
	maxRests = 4096
	// maxParts bounds those of a walk: an archive that holds itself twice, as an
	// entry and as a part, is one of two to the power of the depth.
	maxParts = 5000
)

// uncovered looks at what lies in a container and belongs to none of its
// entries, as at files that are named by where they are.
func (w *walker) uncovered(n *node, at io.ReaderAt, size int64, r rest) error {
	gaps, ok := r.cover.Gaps(size)
	if !ok {
		w.skip(n.path, "in too many pieces to tell what belongs to no entry")
		return nil
	}
	count := 0
	for _, g := range gaps {
		for g.Len >= minRest {
			used, ok := firstBlock(at, g)
			if g.Off, g.Len = g.Off+used, g.Len-used; !ok || g.Len < minRest {
				break
			}
			if count++; count > maxRests {
				w.skip(n.path, fmt.Sprintf("over %d parts belong to no entry: from byte %d on they were not looked at", maxRests, g.Off))
				return nil
			}
			if w.parts++; w.parts > maxParts {
				w.skip(n.path, fmt.Sprintf("over %d parts of containers belong to no entry: from byte %d on this one was not looked at", maxParts, g.Off))
				return nil
			}
			if err := w.entry(); err != nil {
				return err
			}
			used = w.part(n, at, g, r)
			g.Off, g.Len = g.Off+used, g.Len-used
		}
	}
	return nil
}

// part looks at one part, and returns how much of the gap that was.
func (w *walker) part(n *node, at io.ReaderAt, g archive.Span, r rest) int64 {
	head := make([]byte, min(g.Len, format.Head))
	k, _ := at.ReadAt(head, g.Off) // less is an error of the node
	head = head[:k]
	m := format.Detect("", head, g.Len)
	name, known := fmt.Sprintf("@%d", g.Off), ""
	if r.known != nil {
		known = r.known(g)
	}
	if known != "" {
		name = known
	} else if !m.Container && !m.Compiled() {
		g.Len = until(at, g)
	}
	if n.depth >= w.o.MaxDepth {
		w.skip(n.path, fmt.Sprintf("nested over %d deep: not searched further", w.o.MaxDepth))
		return g.Len
	}
	found := len(w.res.Members) + len(w.res.Skipped)
	sealed := g.Off < r.sealed && known == ""
	section := io.NewSectionReader(at, g.Off, g.Len)
	in := stream.New(&meter{w: w, r: section, fed: func() int64 { return g.Len }}, g.Len)
	defer in.Close()
	w.file(&node{path: n.path + "/" + name, in: in, at: section, depth: n.depth + 1, guess: !sealed, part: true})
	w.failed(n.path+"/"+name, in.Err()) // which a guess may pass over
	if sealed && m.Name == "" && found == len(w.res.Members)+len(w.res.Skipped) && opaqueTail(head) {
		w.skip(n.path+"/"+name, fmt.Sprintf("%d bytes at byte %d belong to no entry and are of no known format", g.Len, g.Off))
	}
	return g.Len
}

// firstBlock returns how many bytes at the beginning of a gap are filled with
// one byte a block; ok is false where all are.
func firstBlock(at io.ReaderAt, g archive.Span) (n int64, ok bool) {
	all := eachBlock(at, g, func(off int64, b []byte) bool {
		n, ok = off, !uniform(b)
		return !ok
	})
	return n, ok || !all
}

// until returns where, from the gap's beginning, enough filled blocks follow
// each other.
func until(at io.ReaderAt, g archive.Span) int64 {
	end, filled := g.Len, int64(0)
	eachBlock(at, g, func(off int64, b []byte) bool {
		if !uniform(b) {
			filled = 0
			return true
		}
		if filled += int64(len(b)); filled >= apart {
			end = off + int64(len(b)) - filled
			return false
		}
		return true
	})
	return end
}

// eachBlock gives a gap's blocks, with their offsets in it, until told to stop.
// They end where those of the container do. It returns false where they can't
// all be read: whoever looks at these bytes then meets the error.
func eachBlock(at io.ReaderAt, g archive.Span, visit func(off int64, b []byte) bool) bool {
	buf := make([]byte, 64<<10)
	for off := int64(0); off < g.Len; {
		n := min(g.Len-off, int64(len(buf))-(g.Off+off)%fill)
		k, _ := at.ReadAt(buf[:n], g.Off+off)
		for b := buf[:k]; len(b) > 0; {
			step := min(len(b), int(fill-(g.Off+off)%fill))
			if !visit(off, b[:step]) {
				return true
			}
			off += int64(step)
			b = b[step:]
		}
		if int64(k) < n {
			return false
		}
	}
	return true
}

// uniform says whether a block is filled with one byte.
func uniform(b []byte) bool {
	return len(b) < 2 || bytes.Equal(b[1:], b[:len(b)-1])
}
