package content

import (
	"bufio"
	"compress/bzip2"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash/crc32"
	"io"

	"fromsource/analyze/audit"
	"fromsource/analyze/content/archive"
	"fromsource/analyze/content/inflate"
	"fromsource/analyze/content/stream"
)

// zip walks a zip archive by its central directory, and then what that does not
// list. Where there is none it is read forward.
func (w *walker) zip(n *node, whole *File) error {
	at, size, undo, err := w.random(n)
	defer undo()
	if errors.Is(err, errNoRoom) && n.in.Remain() > arenaSize {
		return w.zipForward(n) // nothing was consumed yet
	}
	if err != nil {
		return fmt.Errorf("reading zip: %w", err)
	}
	z, err := archive.NewZip(at, size)
	if err != nil {
		in := stream.New(io.NewSectionReader(at, 0, size), size)
		defer in.Close()
		forward := w.zipForward(&node{path: n.path, in: in, depth: n.depth, guess: n.guess})
		if n.part && errors.Is(forward, archive.ErrNoDirectory) { // that is elsewhere
			return nil
		}
		if forward != nil && !n.guess {
			w.skip(n.path, forward.Error())
		}
		return fmt.Errorf("reading zip: %w", err)
	}
	members, files, manifest := len(w.res.Members), 0, false
	for {
		e, err := z.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil { // what it would have listed is left over
			if !n.guess || files > 0 {
				w.skip(n.path, "reading zip: "+err.Error())
			}
			break
		}
		if err := w.entry(); err != nil {
			return err
		}
		if e.Regular {
			manifest = manifest || e.Name == "META-INF/MANIFEST.MF"
			files++
		}
		w.zipFile(n, z, e, at)
	}
	if err := w.uncovered(n, at, size, zipRest(at, z)); err != nil {
		return err
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

// zipRest names what is known to lie in zip archives beside their entries: the
// signatures of Android and of Chrome.
func zipRest(at io.ReaderAt, z *archive.Zip) rest {
	return rest{cover: z.Cover(), sealed: z.Size(), known: func(s archive.Span) string {
		var b [16]byte
		if _, err := at.ReadAt(b[:], max(z.Directory()-16, 0)); err == nil && s.Off+s.Len == z.Directory() && string(b[:]) == "APK Sig Block 42" {
			return "[APK signing block]"
		}
		if _, err := at.ReadAt(b[:4], 0); err == nil && s.Off == 0 && string(b[:4]) == "Cr24" {
			return "[CRX header]"
		}
		return ""
	}}
}

// zipFile looks at an entry, and accounts for the bytes of it that were read.
func (w *walker) zipFile(n *node, z *archive.Zip, e *archive.ZipEntry, at io.ReaderAt) {
	path := w.named(n.path, e.Name)
	if e.Note != "" {
		w.skip(path, e.Note)
	}
	if e.Lost {
		return
	}
	if e.Encrypted {
		w.skip(path, "encrypted")
	}
	if e.Encrypted || !e.Regular {
		z.Cover().Add(e.At, e.Packed)
		return
	}
	section := io.NewSectionReader(at, e.At, e.Packed)
	src := sources.Get().(*bufio.Reader) //nolint:forcetypeassert // of New
	src.Reset(section)
	defer func() {
		src.Reset(nil) // it holds the input no longer
		sources.Put(src)
	}()
	r, err := unzip(w, src, e.Method)
	if err != nil {
		w.skip(path, fmt.Sprintf("reading zip: %v", err))
		z.Cover().Add(e.At, e.Packed)
		return
	}
	defer r.Close()
	sum := &zipSum{r: r, e: e}
	in := stream.New(&meter{w: w, r: sum, fed: func() int64 { return e.Packed }}, e.Size)
	defer in.Close()
	w.file(&node{path: path, in: in, exec: e.Executable, depth: n.depth + 1})
	w.excess(path, in)
	if c, ok := r.(closing); ok {
		if a, ok := c.Reader.(asided); ok {
			w.asides(&node{path: path, depth: n.depth + 1}, a.aside())
		}
	}
	used := e.Packed
	if in.Err() == nil && (e.Method == 8 || e.Method == 93) { // the stream may end before its bytes do
		left, _ := section.Seek(0, io.SeekCurrent) // of a section it can't fail
		used = left - int64(src.Buffered())
	}
	z.Cover().Add(e.At, used)
}

// unzip reads one of the methods of APPNOTE.TXT 4.4.5.
func unzip(w *walker, src *bufio.Reader, method uint16) (io.ReadCloser, error) {
	switch method {
	case 0:
		return io.NopCloser(src), nil
	case 8:
		return inflate.New(src), nil
	case 12:
		table := dictionary{w: w}
		return closing{bzip2.NewReader(src), table.done}, table.need(bzip2Table)
	case 93:
		r, done, err := openZstd(w, src)
		return closing{r, done}, err
	}
	return nil, fmt.Errorf("there is no reader for method %d here", method)
}

// zipSum checks what an entry holds against the sum and the size that the
// directory has for it.
type zipSum struct {
	r   io.Reader
	e   *archive.ZipEntry
	n   int64
	crc uint32
}

// Read implements io.Reader.
func (s *zipSum) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	s.n += int64(n)
	s.crc = crc32.Update(s.crc, crc32.IEEETable, p[:n])
	if s.n == s.e.Size && (err == nil || errors.Is(err, io.EOF)) && s.crc != s.e.CRC {
		return n, fmt.Errorf("reading zip: the sum of %d bytes is %08x, the directory has %08x", s.n, s.crc, s.e.CRC)
	}
	return n, err
}

// zipForward walks a zip archive that does not fit into memory, or that has no
// directory at its end.
func (w *walker) zipForward(n *node) error {
	fed := &tally{in: n.in}
	src := bufio.NewReaderSize(fed, 64<<10)
	z := archive.NewZipStream(src)
	for {
		e, err := z.Next()
		if errors.Is(err, io.EOF) {
			w.behind(n, src, fed, nil)
			return nil
		}
		if err != nil {
			return fmt.Errorf("reading zip forward: at byte %d: %w", fed.n-int64(src.Buffered()), err)
		}
		if err := w.entry(); err != nil {
			return err
		}
		path := w.named(n.path, e.Name)
		if e.Note != "" {
			w.skip(path, e.Note)
		}
		if e.Regular {
			w.placed(n, e, path, fed.n+bombFloor/bombRatio)
		}
	}
}
