package content

import (
	"bufio"
	"compress/bzip2"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"
	"sync"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/mikelolasagasti/xz"

	"fromsource/analyze/content/format"
	"fromsource/analyze/content/stream"
)

// maxWindow is the largest dictionary that a decompressor may allocate: that
// of xz -9, and of zstd up to level 21. A nested one gets less.
const maxWindow = 64 << 20

// decompressor starts to read a compressed stream; done gives back what it
// holds.
type decompressor func(src *bufio.Reader) (r io.Reader, done func(), err error)

var decompressors = map[string]decompressor{
	"gzip": openGzip,
	// The alternatives for xz, on the same 124 MB source archive: ulikunitz
	// 40 MB/s, therootcompany 51, this one 61; liblzma has 112 but needs cgo,
	// and the binary is static.
	"xz":    openXz,
	"bzip2": func(src *bufio.Reader) (io.Reader, func(), error) { return bzip2.NewReader(src), func() {}, nil },
	"zstd":  openZstd,
}

var gzips sync.Pool

func openGzip(src *bufio.Reader) (io.Reader, func(), error) {
	z, ok := gzips.Get().(*gzip.Reader)
	if !ok {
		z = new(gzip.Reader)
	}
	if err := z.Reset(src); err != nil {
		return nil, nil, err
	}
	return z, func() { gzips.Put(z) }, nil
}

func openXz(src *bufio.Reader) (io.Reader, func(), error) {
	z, err := xz.NewReader(src, maxWindow)
	return z, func() {}, err
}

func openZstd(src *bufio.Reader) (io.Reader, func(), error) {
	z, err := zstd.NewReader(src, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow), zstd.WithDecoderLowmem(true))
	if err != nil {
		return nil, nil, err
	}
	return z, z.Close, nil
}

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

// decompress looks at what a compressed stream holds.
func (w *walker) decompress(n *node, name string, open decompressor) error {
	fed := &tally{in: n.in}
	src := bufio.NewReaderSize(fed, 64<<10)
	r, done, err := open(src)
	if err != nil {
		return fmt.Errorf("reading %s: %w", name, err)
	}
	defer done()
	out := stream.New(&meter{w: w, r: r, fed: func() int64 { return fed.n }}, -1)
	defer out.Close()
	inner := n.path
	if m := format.Detect("", out.Peek(format.Head), -1); !m.Container {
		inner = uncompressed(n.path)
	}
	if n.guess && len(out.Peek(512)) < 1 {
		return errors.New("not a stream")
	}
	w.file(&node{path: inner, in: out, exec: n.exec, depth: n.depth + 1, layer: true, root: n.root, guess: n.guess})
	if err := out.Err(); err != nil && w.stop == nil {
		return fmt.Errorf("reading %s: %w", name, err)
	}
	return nil
}

// uncompressed names the file in a compressed one: "a/b.ko.xz/b.ko".
func uncompressed(p string) string {
	base := path.Base(p)
	name := base
	for _, ext := range []string{".gz", ".xz", ".bz2", ".zst", ".lzma", ".lz4", ".lz", ".Z", ".lzo"} {
		if s, ok := strings.CutSuffix(base, ext); ok && s != "" {
			name = s
			break
		}
	}
	if name == base {
		name = "content"
	}
	if p == "" {
		return name
	}
	return p + "/" + name
}
