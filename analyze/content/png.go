package content

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"fromsource/analyze/content/stream"
)

// pngChunks follows the chunks of a picture (PNG specification, 5.3).
type pngChunks struct {
	next int64 // where the next chunk begins
	bad  bool  // there is none
}

// Its chunks of compressed text and profiles, with how many bytes behind a
// name, which ends in a zero, their stream begins.
var pngPacked = map[string]int{"zTXt": 1, "iCCP": 1, "iTXt": 2}

// scan passes the chunks that lie in a window at off. It returns where the
// picture ends; negative where that is not in the window, or not known.
func (c *pngChunks) scan(off int64, b []byte, visit func(kind string, at int64, data []byte)) int64 {
	for !c.bad {
		i := c.next - off
		if i < 0 || i+12 > int64(len(b)) {
			return -1
		}
		n, kind := int64(binary.BigEndian.Uint32(b[i:])), string(b[i+4:i+8])
		for _, l := range []byte(kind) {
			c.bad = c.bad || l|0x20 < 'a' || l|0x20 > 'z'
		}
		if c.bad {
			return -1
		}
		if kind == "IEND" {
			return c.next + 12 + n
		}
		if _, ok := pngPacked[kind]; ok {
			if i+8+n > int64(len(b)) && i > 0 && n+64 < stream.Window {
				return -1 // it is whole in the next window
			}
			visit(kind, c.next+8, b[i+8:min(i+8+n, int64(len(b)))])
		}
		c.next += 12 + n
	}
	return -1
}

// png reads a picture like any other data, looks into what is compressed beside
// its pixels, and at what follows its end as at a file. The pixels themselves
// are not looked at: nothing that unpacks files makes one of them.
func (w *walker) png(n *node, f *File) {
	c := pngChunks{next: 8}
	for first := true; w.stop == nil; first = false {
		b, off := n.in.Chunk(), n.in.Off()
		last := len(b) < stream.Window
		end := c.scan(off, b, func(kind string, at int64, data []byte) { w.pngText(n, kind, at, data) })
		switch {
		case end >= 0 && end-off <= int64(len(b)):
			sub := *n
			sub.in = n.in.Sub(end - off)
			w.leaf(&sub, f)
			w.behindFile(n)
			return
		case len(b) == 0:
			return
		case c.bad || last:
			w.leaf(n, f)
			return
		}
		if i := c.next - off; i > int64(tail) && i < int64(len(b)) {
			b = b[:i] // a chunk that is not whole in the window
		}
		w.payloads(n, b, false, first)
	}
}

// behindFile looks at what follows the end of a file of data.
func (w *walker) behindFile(n *node) {
	if b := n.in.Peek(minRest); len(b) < minRest || uniform(b) {
		return // what is behind a fill is found like all else in data
	}
	if n.depth >= w.o.MaxDepth {
		w.skip(n.path, fmt.Sprintf("nested over %d deep: not searched further", w.o.MaxDepth))
		return
	}
	w.file(&node{path: fmt.Sprintf("%s/@%d", n.path, n.in.Off()), in: n.in.Sub(-1), depth: n.depth + 1, part: true, guess: true})
}

// pngText looks at a chunk of compressed text.
func (w *walker) pngText(n *node, kind string, at int64, data []byte) {
	name := bytes.IndexByte(data, 0)
	if len(data) < minRest || name < 0 || w.stop != nil || n.depth >= w.o.MaxDepth {
		return
	}
	rest := data[min(name+1+pngPacked[kind], len(data)):]
	if kind == "iTXt" { // its language and the name in that follow
		if data[min(name+1, len(data)-1)] == 0 {
			return // not compressed: like all else in data
		}
		for range 2 {
			_, rest, _ = bytes.Cut(rest, []byte{0})
		}
	}
	in := stream.New(bytes.NewReader(rest), int64(len(rest)))
	defer in.Close()
	w.file(&node{path: fmt.Sprintf("%s/@%d", n.path, at+int64(len(data)-len(rest))), in: in, depth: n.depth + 1, part: true, guess: true})
}
