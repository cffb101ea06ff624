package content

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
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
	r, done, err := c.open(w, src)
	if large := new(errDictionary); errors.As(err, &large) {
		return fmt.Errorf("reading %s: %w", name, err)
	}
	if err != nil {
		return atByte(name, fed, src, err)
	}
	defer done()
	out := stream.New(&meter{w: w, r: located{r, name, fed, src}, fed: func() int64 { return fed.n }}, -1)
	defer out.Close()
	if n.guess && len(out.Peek(512)) == 0 {
		return errNone
	}
	inner := n.path
	if m := format.Detect("", out.Peek(format.Head), -1); !m.Container {
		inner = uncompressed(n.path)
	}
	w.file(&node{path: inner, in: out, exec: n.exec, depth: n.depth + 1, layer: true, root: n.root, guess: n.guess})
	if a, ok := r.(asided); ok {
		w.asides(n, a.aside())
	}
	if err := out.Err(); err != nil && w.stop == nil {
		return err
	}
	if c.exact {
		var read []byte
		if t, ok := r.(tailed); ok {
			read = t.tail()
		}
		w.behind(n, src, fed, read)
	}
	return nil
}

// located is a decompressor whose errors say where.
type located struct {
	io.Reader
	name string
	fed  *tally
	src  *bufio.Reader
}

func (l located) Read(p []byte) (int, error) {
	n, err := l.Reader.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		err = atByte(l.name, l.fed, l.src, err)
	}
	return n, err
}

// atByte says how far a stream was read when something was wrong with it;
// decompressors read some bytes ahead.
func atByte(name string, fed *tally, src *bufio.Reader, err error) error {
	at := fed.n - int64(src.Buffered())
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		return fmt.Errorf("reading %s: the stream is cut off at byte %d, before its end: %w", name, at, err)
	}
	return fmt.Errorf("reading %s: up to byte %d: %w", name, at, err)
}

// asides looks at what a stream holds beside its contents.
func (w *walker) asides(n *node, a *asides) {
	for _, p := range a.all {
		if w.entry() != nil {
			return
		}
		in := stream.New(bytes.NewReader(p.b), int64(len(p.b)))
		w.file(&node{path: n.path + "/" + p.name, in: in, depth: n.depth + 1, guess: true, part: true})
		in.Close()
	}
	if a.lost > 0 {
		w.skip(n.path, fmt.Sprintf("%d bytes beside the stream's contents were not looked at", a.lost))
	}
}

// behind looks at what follows a compressed stream's end; read is what of it
// the decompressor has taken already.
func (w *walker) behind(n *node, src *bufio.Reader, fed *tally, read []byte) {
	off := fed.n - int64(src.Buffered()) - int64(len(read))
	rest := stream.New(io.MultiReader(bytes.NewReader(read), src), -1)
	defer rest.Close()
	for {
		b := rest.Next()
		i := 0
		for i < len(b) && b[i] == 0 {
			i++
		}
		rest.Advance(i)
		if i < len(b) {
			break
		}
		if len(b) == 0 {
			return
		}
	}
	off += rest.Off()
	if n.depth >= w.o.MaxDepth {
		w.skip(n.path, fmt.Sprintf("nested over %d deep: not searched further", w.o.MaxDepth))
		return
	}
	w.file(&node{path: fmt.Sprintf("%s/@%d", n.path, off), in: rest.Sub(-1), depth: n.depth + 1, layer: true, guess: true})
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
