package store

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"sync"
)

// Export is a file made by nix-store --export: store paths one after the
// other, each a NAR and a trailer with its path, references and deriver
// (nix: src/libstore/export-import.cc).
type Export struct {
	file    *os.File
	entries map[string]*exported
	paths   []string
	damage  *FormatError
}

type exported struct {
	info       Info
	start, end int64 // of the NAR
	file, size int64 // of the contents, if it is a single file; otherwise -1
	hash       sync.Once
	hashErr    error
}

const (
	exportMagic   = 0x4558494e
	maxReferences = 1 << 20
)

// OpenExport indexes an export stream in one pass that jumps over the
// contents of files. name may be a pipe or "-" for standard input: then it is
// first copied to a temporary file, which has no name and goes away with the
// process.
//
// A stream that breaks off or turns to nonsense is opened with the paths that
// are whole, and Damage tells the rest; it is an error if there are none.
func OpenExport(name string) (*Export, error) {
	f, err := OpenRandom(name)
	if err != nil {
		return nil, fmt.Errorf("opening export: %w", err)
	}
	return NewExport(f, name)
}

// NewExport is OpenExport of a file that is open already; the Export owns it.
func NewExport(f *os.File, name string) (*Export, error) {
	st, err := f.Stat()
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("opening export: %w", err)
	}
	e := &Export{file: f, entries: make(map[string]*exported)}
	s := newSkimmer(name, f, st.Size())
	for e.next(s) {
	}
	if s.err != nil && !errors.As(s.err, &e.damage) || s.err != nil && len(e.entries) == 0 {
		f.Close()
		return nil, s.err
	}
	for p := range e.entries {
		e.paths = append(e.paths, p)
	}
	slices.Sort(e.paths)
	return e, nil
}

// next indexes one path; false at the end or an error.
func (e *Export) next(s *skimmer) bool {
	at := s.pos
	switch s.uint64("1 for another path or 0 for the end") {
	case 0:
		return false
	case 1:
	default:
		s.fail(at, "1 for another path or 0 for the end")
		return false
	}
	x := &exported{start: s.pos}
	x.file, x.size = s.nar()
	x.end = s.pos
	at = s.pos
	if s.uint64("the mark after a NAR") != exportMagic {
		s.fail(at, "the mark after a NAR (4e 49 58 45)")
	}
	at = s.pos
	x.info.Path = s.str(maxName, "a store path")
	if s.err == nil {
		if _, _, err := splitPath(x.info.Path); err != nil {
			s.fail(at, "a store path")
		}
	}
	at = s.pos
	n := s.uint64("the number of references")
	if n > maxReferences {
		s.fail(at, fmt.Sprintf("at most %d references", maxReferences))
	}
	x.info.References = []string{}
	for ; n > 0 && s.err == nil; n-- {
		x.info.References = append(x.info.References, s.str(maxName, "a reference"))
	}
	slices.Sort(x.info.References)
	x.info.Deriver = s.str(maxName, "a deriver or nothing")
	if s.uint64("0, or 1 before a signature") == 1 {
		s.str(maxTarget, "a signature") // Nix stopped to make them in 2.0
	}
	if s.err != nil {
		return false
	}
	x.info.NarSize = x.end - x.start
	e.entries[x.info.Path] = x
	return true
}

// Close closes the file. Streams that are still open fail.
func (e *Export) Close() error { return e.file.Close() }

// Paths lists the paths in the stream, sorted.
func (e *Export) Paths() []string { return e.paths }

// Damage says where the stream could not be read on; nil if it is whole.
func (e *Export) Damage() *FormatError { return e.damage }

// Info describes a path. The stream records no hash: NarHash is computed from
// its bytes when a path is first asked for.
func (e *Export) Info(ctx context.Context, p string) (Info, error) {
	x, ok := e.entries[p]
	if !ok {
		return Info{}, notFound(p)
	}
	x.hash.Do(func() {
		h := sha256.New()
		_, x.hashErr = io.Copy(h, io.NewSectionReader(e.file, x.start, x.end-x.start))
		x.info.NarHash = formatSRI(h)
	})
	if x.hashErr != nil {
		return Info{}, fmt.Errorf("hashing %q: %w", p, x.hashErr)
	}
	info := x.info
	info.References = slices.Clone(info.References)
	return info, ctx.Err()
}

// NAR streams a path from the file.
func (e *Export) NAR(ctx context.Context, p string) (io.ReadCloser, error) {
	x, ok := e.entries[p]
	if !ok {
		return nil, notFound(p)
	}
	return io.NopCloser(&cancelReader{ctx, io.NewSectionReader(e.file, x.start, x.end-x.start)}), nil
}

// readFile is the short way to the contents of a single file.
func (e *Export) readFile(_ context.Context, p string, limit int64, buf []byte) ([]byte, error) {
	x, ok := e.entries[p]
	switch {
	case !ok:
		return buf, notFound(p)
	case x.file < 0:
		return buf, fmt.Errorf("%q: %w", p, ErrNotFile)
	case x.size > limit:
		return buf, tooLarge(p, limit)
	}
	buf = slices.Grow(buf[:0], int(x.size))[:x.size]
	if _, err := e.file.ReadAt(buf, x.file); err != nil {
		return buf, fmt.Errorf("reading %q: %w", p, err)
	}
	return buf, nil
}
