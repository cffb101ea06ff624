package content

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/bodgit/sevenzip"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
	"github.com/ulikunitz/xz/lzma"

	"fromsource/analyze/content/archive"
	"fromsource/analyze/content/inflate"
	"fromsource/analyze/content/stream"
)

// random gives random access to all of a node's bytes: in place where the
// input has it, and otherwise from the arena.
func (w *walker) random(n *node) (at io.ReaderAt, size int64, undo func(), err error) {
	if at, size := n.access(); at != nil {
		return at, size, nothing, nil
	}
	b, undo, ok := w.whole(n)
	if !ok {
		if err := n.in.Err(); err != nil {
			return nil, 0, undo, err
		}
		return nil, 0, undo, errNoRoom
	}
	return bytes.NewReader(b), int64(len(b)), undo, nil
}

// volume walks a file system image.
func (w *walker) volume(n *node, name string) error {
	at, size, undo, err := w.random(n)
	defer undo()
	if err != nil {
		return fmt.Errorf("reading %s: %w", name, err)
	}
	return w.volumeAt(n, name, at, size, 0)
}

// volumeAt walks a volume of which the first bytes are known otherwise.
func (w *walker) volumeAt(n *node, name string, at io.ReaderAt, size, known int64) error {
	var r archive.Reader
	var err error
	switch name {
	case "squashfs":
		r, err = archive.NewSquashfs(at, size)
	case "iso9660":
		r, err = archive.NewISO(at, size)
	case "ext":
		r, err = archive.NewExt(at, size)
	default:
		r, err = archive.NewFAT(at, size)
	}
	if err != nil {
		return fmt.Errorf("reading %s: %w", name, err)
	}
	for {
		e, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return fmt.Errorf("reading %s: %w", name, err)
		}
		if err := w.entry(); err != nil {
			return err
		}
		path := w.named(n.path, e.Name)
		if e.Note != "" {
			w.skip(path, e.Note)
		}
		if e.Regular {
			w.placed(n, e, path, size)
		}
	}
	if c, ok := r.(archive.Covering); ok {
		left := rest{cover: c.Cover()}
		left.cover.Add(0, known)
		if s, ok := r.(*archive.Squashfs); ok {
			left.sealed = s.Files()
		}
		return w.uncovered(n, at, size, left)
	}
	return nil
}

// placed looks at a file of a volume of the given size.
func (w *walker) placed(n *node, e *archive.Entry, path string, size int64) {
	in := stream.New(&meter{w: w, r: e.Source, fed: func() int64 { return size }}, e.Size)
	defer in.Close()
	f := &node{path: path, in: in, exec: e.Executable, depth: n.depth + 1, part: e.Part, guess: e.Part}
	if e.Section != nil {
		f.at = e.Section
	}
	w.file(f)
	w.excess(path, in)
}

// excess notes that a member holds more than its header declares.
func (w *walker) excess(path string, in *stream.In) {
	if w.stop == nil && in.Excess() {
		w.skip(path, "holds more than its header declares: the rest was not looked at")
	}
}

// sevenZip walks a 7z archive.
func (w *walker) sevenZip(n *node) error {
	limitSevenZip()
	at, size, undo, err := w.random(n)
	defer undo()
	if err != nil {
		return fmt.Errorf("reading 7z: %w", err)
	}
	cover, dicts, note, err := checkSevenZip(at)
	if err != nil {
		return fmt.Errorf("reading 7z: %w", err)
	}
	dict := dictionary{w: w}
	if err := dict.need(dicts); err != nil {
		return fmt.Errorf("reading 7z: %w", err)
	}
	defer dict.done()
	if note != "" {
		w.skip(n.path, note)
	}
	z, err := openSevenZip(at, size)
	if err != nil {
		return fmt.Errorf("reading 7z: %w", err)
	}
	for _, f := range z.File {
		if err := w.entry(); err != nil {
			return err
		}
		if !f.Mode().IsRegular() {
			continue
		}
		path := w.named(n.path, f.Name)
		r, err := openSevenZipFile(f)
		if err != nil {
			w.skip(path, fmt.Sprintf("reading 7z: %v", err))
			continue
		}
		in := stream.New(&meter{w: w, r: guarded{r}, fed: func() int64 { return size }}, int64(f.UncompressedSize))
		w.file(&node{path: path, in: in, exec: f.Mode()&0o111 != 0, depth: n.depth + 1})
		w.excess(path, in)
		in.Close()
		_ = r.Close() // it was read to its end or failed before
	}
	return w.uncovered(n, at, size, rest{cover: &cover, sealed: size})
}

func openSevenZip(at io.ReaderAt, size int64) (z *sevenzip.Reader, err error) {
	defer func() {
		// The library indexes by numbers of the header without checking all.
		if p := recover(); p != nil {
			z, err = nil, fmt.Errorf("malformed directory: %v", p)
		}
	}()
	return sevenzip.NewReader(at, size)
}

// openSevenZipFile turns the faults that are left into errors as well.
func openSevenZipFile(f *sevenzip.File) (r io.ReadCloser, err error) {
	defer func() {
		if p := recover(); p != nil {
			r, err = nil, fmt.Errorf("malformed directory: %v", p)
		}
	}()
	return f.Open()
}

// limitSevenZip replaces the library's decoders that allocate whatever a
// header asks for by ones that are bounded, and those whose results depend on
// what they read before.
var limitSevenZip = sync.OnceFunc(func() {
	one := func(name string, open func(p []byte, size uint64, r io.Reader) (io.Reader, error)) func([]byte, uint64, []io.ReadCloser) (io.ReadCloser, error) {
		return func(p []byte, size uint64, rs []io.ReadCloser) (io.ReadCloser, error) {
			if len(rs) != 1 {
				return nil, fmt.Errorf("%s: %d streams", name, len(rs))
			}
			r, err := open(p, size, rs[0])
			if err != nil {
				return nil, err
			}
			return closing{&dropped{r: r}, func() { _ = rs[0].Close() }}, nil // of a section it can't fail
		}
	}
	sevenzip.RegisterDecompressor([]byte{0x21}, one("LZMA2", func(p []byte, size uint64, r io.Reader) (io.Reader, error) {
		dict := sevenZipDict("\x21", p)
		if dict == 0 || dict > maxWindow {
			return nil, fmt.Errorf("LZMA2: a dictionary of %d MiB", dict>>20)
		}
		return lzma.Reader2Config{DictCap: int(min(uint64(dict), max(size, lzma.MinDictCap)))}.NewReader2(r)
	}))
	sevenzip.RegisterDecompressor([]byte{3, 1, 1}, one("LZMA", func(p []byte, size uint64, r io.Reader) (io.Reader, error) {
		if len(p) != 5 {
			return nil, errors.New("LZMA properties")
		}
		head := binary.LittleEndian.AppendUint64(bytes.Clone(p), size)
		return lzma.ReaderConfig{DictCap: maxWindow}.NewReader(io.MultiReader(bytes.NewReader(head), r))
	}))
	sevenzip.RegisterDecompressor([]byte{4, 1, 8}, one("deflate", func(_ []byte, _ uint64, r io.Reader) (io.Reader, error) {
		return inflate.New(bufio.NewReader(r)), nil
	}))
	sevenzip.RegisterDecompressor([]byte{4, 0xf7, 0x11, 1}, one("zstd", func(_ []byte, _ uint64, r io.Reader) (io.Reader, error) {
		z, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(sevenZipZstd), zstd.WithDecoderLowmem(true))
		if err != nil {
			return nil, err
		}
		return z.IOReadCloser(), nil
	}))
	sevenzip.RegisterDecompressor([]byte{4, 0xf7, 0x11, 4}, one("lz4", func(_ []byte, _ uint64, r io.Reader) (io.Reader, error) {
		return lz4.NewReader(r), nil
	}))
	sevenzip.RegisterDecompressor([]byte{3, 4, 1}, func([]byte, uint64, []io.ReadCloser) (io.ReadCloser, error) {
		return nil, errors.New("PPMd: its memory is not bounded")
	})
})

// sevenZipZstd is the window of zstd streams in 7z archives, whose properties do
// not say it.
const sevenZipZstd = 64 << 20

// sevenZipDict is the memory that a method of 7z needs, in bytes.
func sevenZipDict(id string, p []byte) int64 {
	switch {
	case id == "\x21" && len(p) == 1 && p[0] >= 40:
		return 1 << 32
	case id == "\x21" && len(p) == 1:
		return int64(2|p[0]&1) << (p[0]/2 + 11)
	case id == "\x03\x01\x01" && len(p) == 5:
		return int64(binary.LittleEndian.Uint32(p[1:]))
	case id == "\x04\xf7\x11\x01":
		return sevenZipZstd
	case id == "\x04\xf7\x11\x02":
		return 16 << 20 // brotli: RFC 7932, 9.1
	case id == "\x04\xf7\x11\x04":
		return 2 * 8 << 20
	case id == "\x04\x02\x02":
		return bzip2Table
	}
	return 0
}

// dropped is a decompressor that is let go of where it ends: the library keeps
// those of folders that could not be read whole.
type dropped struct {
	r   io.Reader
	err error
}

// Read implements io.Reader.
func (d *dropped) Read(p []byte) (n int, err error) {
	if d.err != nil {
		return 0, d.err
	}
	if n, d.err = d.r.Read(p); d.err != nil {
		if c, ok := d.r.(interface{ Close() error }); ok {
			_ = c.Close() // what it failed with was told
		}
		d.r = nil
	}
	return n, d.err
}

// closing is a reader that gives back what it holds.
type closing struct {
	io.Reader
	done func()
}

// Close implements io.Closer.
func (c closing) Close() error {
	c.done()
	return nil
}
