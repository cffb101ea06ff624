package content

import (
	"bufio"
	"errors"
	"fmt"
	"path"
	"strings"
	"sync"

	"fromsource/analyze/content/format"
	"fromsource/analyze/content/stream"
)

// tally counts what a decompressor was given.
type tally struct {
	in *stream.In
	n  int64
}

func (t *tally) Read(p []byte) (int, error) {
	n, err := t.in.Read(p)
	t.n += int64(n)
	return n, err
}

// errNone says that what looked like a compressed stream was none.
var errNone = errors.New("no compressed stream")

// sources are buffers in front of decompressors.
var sources = sync.Pool{New: func() any { return bufio.NewReaderSize(nil, 64<<10) }}

// decompress looks at what a compressed stream holds.
func (w *walker) decompress(n *node, name string, c codec) error {
	fed := &tally{in: n.in}
	src := sources.Get().(*bufio.Reader) //nolint:forcetypeassert // of New
	src.Reset(fed)
	defer func() {
		src.Reset(nil) // it holds the input no longer
		sources.Put(src)
	}()
	if c.window != nil {
		b, _ := src.Peek(64) // less is an error of the decompressor
		back, err := w.window(c.window(b))
		if err != nil {
			return fmt.Errorf("reading %s: %w", name, err)
		}
		defer back()
	}
	r, done, err := c.open(src)
	if err != nil {
		return fmt.Errorf("reading %s: %w", name, err)
	}
	defer done()
	out := stream.New(&meter{w: w, r: r, fed: func() int64 { return fed.n }}, -1)
	defer out.Close()
	if n.guess && len(out.Peek(512)) == 0 {
		return errNone
	}
	inner := n.path
	if m := format.Detect("", out.Peek(format.Head), -1); !m.Container {
		inner = uncompressed(n.path)
	}
	w.file(&node{path: inner, in: out, exec: n.exec, depth: n.depth + 1, layer: true, root: n.root, guess: n.guess})
	if err := out.Err(); err != nil && w.stop == nil {
		return fmt.Errorf("reading %s: %w", name, err)
	}
	if c.exact {
		w.behind(n, src, fed)
	}
	return nil
}

// behind looks at what follows a compressed stream's end.
func (w *walker) behind(n *node, src *bufio.Reader, fed *tally) {
	for {
		b, _ := src.Peek(1)
		if len(b) == 0 {
			return
		}
		if b[0] != 0 {
			break
		}
		_, _ = src.Discard(1) // it was shown
	}
	off := fed.n - int64(src.Buffered())
	if n.depth >= w.o.MaxDepth {
		w.skip(n.path, fmt.Sprintf("nested over %d deep: not searched further", w.o.MaxDepth))
		return
	}
	rest := stream.New(src, -1)
	defer rest.Close()
	w.file(&node{path: fmt.Sprintf("%s/@%d", n.path, off), in: rest, depth: n.depth + 1, layer: true, guess: true})
}

// uncompressed names the file in a compressed one: "a/b.ko.xz/b.ko".
func uncompressed(p string) string {
	base := path.Base(p)
	name := "content"
	for _, ext := range []string{".gz", ".xz", ".bz2", ".zst", ".lzma", ".lz4", ".lz", ".Z", ".zlib", ".lzo"} {
		if s, ok := strings.CutSuffix(base, ext); ok && s != "" {
			name = s
			break
		}
	}
	if p == "" {
		return name
	}
	return p + "/" + name
}
