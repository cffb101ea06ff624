package content

import (
	"archive/zip"
	"bufio"
	"bytes"
	"compress/bzip2"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/zstd"

	"fromsource/analyze/audit"
	"fromsource/analyze/content/archive"
	"fromsource/analyze/content/stream"
)

var flates sync.Pool

// pooledFlate gives its state back when it is closed.
type pooledFlate struct{ io.ReadCloser }

func newFlate(r io.Reader) io.ReadCloser {
	if z, ok := flates.Get().(io.ReadCloser); ok {
		if z.(flate.Resetter).Reset(r, nil) == nil {
			return pooledFlate{z}
		}
	}
	return pooledFlate{flate.NewReader(r)}
}

func (p pooledFlate) Close() error {
	err := p.ReadCloser.Close()
	flates.Put(p.ReadCloser)
	return err
}

// zip walks a zip archive by its central directory.
func (w *walker) zip(n *node, whole *File) error {
	at, size, undo, err := w.random(n)
	defer undo()
	if errors.Is(err, errNoRoom) && n.in.Remain() > arenaSize {
		return w.zipForward(n) // nothing was consumed yet
	}
	if err != nil {
		return fmt.Errorf("reading zip: %w", err)
	}
	listed := directoryEntries(at, size, maxListed-w.listed)
	if listed > maxListed-w.listed { // forward it needs no directory
		in := stream.New(io.NewSectionReader(at, 0, size), size)
		defer in.Close()
		return w.zipForward(&node{path: n.path, in: in, depth: n.depth})
	}
	w.listed += listed
	defer func() { w.listed -= listed }()
	z, err := zip.NewReader(at, size)
	if err != nil {
		return fmt.Errorf("reading zip: %w", err)
	}
	z.RegisterDecompressor(zip.Deflate, newFlate)
	z.RegisterDecompressor(12, func(r io.Reader) io.ReadCloser { return io.NopCloser(bzip2.NewReader(r)) })
	z.RegisterDecompressor(93, newZstd)
	members, files, manifest := len(w.res.Members), 0, false
	for _, f := range z.File {
		if err := w.entry(); err != nil {
			return err
		}
		if f.Mode().IsRegular() {
			manifest = manifest || f.Name == "META-INF/MANIFEST.MF"
			files++
			w.zipFile(n, f)
		}
	}
	// An archive of classes is a jar, one of sources with a class among them
	// is not.
	if classes := w.direct(n, members, "java-class"); classes == 0 || !manifest && 2*classes < files {
		return nil
	}
	whole.Format, whole.Kind, whole.Confidence = "jar", audit.Bytecode, audit.High
	if n.sum == nil && !w.o.Unhashed { // only now is it known to be a member
		h := sha256.New()
		if _, err := io.Copy(h, io.NewSectionReader(at, 0, size)); err != nil {
			return fmt.Errorf("reading zip: %w", err)
		}
		h.Sum(whole.SHA256[:0])
	}
	return nil
}

// maxListed bounds the zip directories that a walk holds, nested ones together:
// an entry takes some 200 bytes and its name.
const (
	maxListed    = 60_000
	maxDirectory = 16 << 20
)

// directoryEntries counts what zip.NewReader will hold of a zip archive: the
// headers from where the directory is said to begin (APPNOTE 4.3.12 to
// 4.3.16), at most a few more than most, each for as many as its size is worth.
func directoryEntries(at io.ReaderAt, size int64, most int) int {
	tail := make([]byte, min(size, 65<<10+22))
	base := size - int64(len(tail))
	if _, err := at.ReadAt(tail, base); err != nil && !errors.Is(err, io.EOF) {
		return 0
	}
	end := bytes.LastIndex(tail, []byte("PK\x05\x06"))
	if end < 0 || len(tail)-end < 22 {
		return 0
	}
	le := binary.LittleEndian
	length, start := int64(le.Uint32(tail[end+12:])), int64(le.Uint32(tail[end+16:]))
	last := base + int64(end)
	if loc := end - 20; loc >= 0 && string(tail[loc:loc+4]) == "PK\x06\x07" {
		var h [56]byte
		if _, err := at.ReadAt(h[:], int64(le.Uint64(tail[loc+8:]))&(1<<62-1)); err == nil && string(h[:4]) == "PK\x06\x06" {
			length, start = int64(le.Uint64(h[40:])), int64(le.Uint64(h[48:]))
			last = int64(le.Uint64(tail[loc+8:]))
		}
	}
	count := 0
	// What lies before the archive moves it: the reader tries both places.
	for _, off := range []int64{start, last - length} {
		if off >= 0 && off < size {
			count = max(count, countHeaders(bufio.NewReaderSize(io.NewSectionReader(at, off, size-off), 64<<10), most))
		}
	}
	return count
}

func countHeaders(r *bufio.Reader, most int) int {
	count, held := 0, 0
	for count <= most {
		h, err := r.Peek(46)
		if err != nil || string(h[:4]) != "PK\x01\x02" {
			return count
		}
		le := binary.LittleEndian
		n := int(le.Uint16(h[28:])) + int(le.Uint16(h[30:])) + int(le.Uint16(h[32:]))
		if held += n; held > maxDirectory {
			return most + 1
		}
		if _, err := r.Discard(46 + n); err != nil {
			return count
		}
		count++
	}
	return count
}

// zipForward walks a zip archive that does not fit into memory, or whose
// directory would not.
func (w *walker) zipForward(n *node) error {
	fed := &tally{in: n.in}
	z := archive.NewZipStream(bufio.NewReaderSize(fed, 64<<10))
	for {
		e, err := z.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("reading zip forward: %w", err)
		}
		if err := w.entry(); err != nil {
			return err
		}
		path, _ := member(n.path, e.Name)
		if e.Note != "" {
			w.skip(path, e.Note)
		}
		if e.Regular {
			w.placed(n, e, path, fed.n+bombFloor/bombRatio)
		}
	}
}

// newZstd reads zip's method 93.
func newZstd(r io.Reader) io.ReadCloser {
	z, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(smallWindow), zstd.WithDecoderLowmem(true))
	if err != nil {
		return io.NopCloser(failing{err})
	}
	return z.IOReadCloser()
}

// failing is a reader that has nothing but an error.
type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

func (w *walker) zipFile(n *node, f *zip.File) {
	path, escapes := member(n.path, f.Name)
	if escapes {
		w.skip(path, fmt.Sprintf("the name %q leads out of the archive: looked at under this one", clip(f.Name)))
	}
	if f.Flags&1 != 0 {
		w.skip(path, "encrypted")
		return
	}
	r, err := f.Open()
	if err != nil {
		w.skip(path, fmt.Sprintf("reading zip: %v", err))
		return
	}
	defer r.Close()
	in := stream.New(&meter{w: w, r: r, fed: func() int64 { return int64(f.CompressedSize64) }}, int64(f.UncompressedSize64))
	defer in.Close()
	w.file(&node{path: path, in: in, exec: f.Mode()&0o111 != 0, depth: n.depth + 1})
	w.excess(path, in)
}
