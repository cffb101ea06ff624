package content

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"

	"fromsource/analyze/audit"
	"fromsource/analyze/content/armor"
	"fromsource/analyze/content/format"
	"fromsource/analyze/content/stream"
)

// Version names the detector: results of the same version on the same bytes
// are the same. It changes whenever a result could.
const Version = "12"

// Inspect walks the bytes of r and all containers in them. Name is the path of
// the input in the result, and a hint that never decides alone; the members of
// a Nix archive of a directory have their paths in it without name before them.
// Where r is also an io.ReaderAt and io.Seeker (an *os.File), formats that
// need it are read in place.
//
// What could not be looked at is in Result.Skipped; the error is only for a
// walk that was cancelled or an input that could not be read at all, and comes
// with what was found until then.
func Inspect(ctx context.Context, name string, r io.Reader, o Options) (Result, error) {
	w := newWalker(ctx, o)
	defer w.release()
	return w.run(name, r)
}

// walker is the state of one walk.
type walker struct {
	ctx     context.Context
	o       Options
	res     Result
	arena   arena
	spent   int64 // bytes given by the input and by all decompressors
	fed     int64 // bytes of the input
	entries int
	depths  []int // of res.Members
	parts   int   // of containers that belong to no entry
	stop    error // why the whole walk ends early
	spare   *File // see newFile
	scratch []byte
	finder  armor.Finder
	told    error // the last read error, or w.stop, that is in Skipped
}

func newWalker(ctx context.Context, o Options) *walker {
	return &walker{ctx: ctx, o: o.withDefaults(), arena: arena{account: memory.account(o.Within)}, finder: armor.Finder{Begins: format.Magic}}
}

// release gives back the walk's memory.
func (w *walker) release() { w.arena.release() }

// node is a file or stream to look at.
type node struct {
	path string
	in   *stream.In
	// at gives random access to the bytes of in, where that is to be had.
	at io.ReaderAt
	// within is what the node lies in as it is, from the byte start on: where
	// at is not set it gives random access.
	within *node
	start  int64
	exec   bool
	depth  int
	// layer is true for what a compressed file turns into: an archive there
	// is no file of its own.
	layer bool
	// guess is true for something found by its header inside other data:
	// that it can't be read means that it was none.
	guess bool
	// part is true for what lies in a container and is none of its entries.
	part bool
	// root is true for the input itself.
	root bool
	// sum is the hash of what is consumed, where one is made.
	sum hash.Hash
}

// hash has the node hashed; it must be called before anything is consumed.
func (w *walker) hash(n *node) {
	if n.sum == nil && !w.o.Unhashed {
		n.sum = sha256.New()
		n.in.Tap(n.sum)
	}
}

// input counts what is read of the walk's input.
type input struct {
	w     *walker
	r     io.Reader
	known bool
}

func (i input) Read(p []byte) (int, error) {
	if err := i.w.check(); err != nil {
		return 0, err
	}
	n, err := i.r.Read(p)
	if !i.known {
		i.w.fed += int64(n)
	}
	i.w.spent += int64(n)
	return n, err
}

func (w *walker) run(name string, r io.Reader) (Result, error) {
	size, at := extent(r)
	w.input(r, size, &node{path: name, at: at})
	return w.finish()
}

// input walks one of the inputs of the walk; its size, where it is known,
// counts as read from the start.
func (w *walker) input(r io.Reader, size int64, n *node) {
	w.fed += max(size, 0)
	in := stream.NewFile(input{w: w, r: r, known: size >= 0}, size)
	defer in.Close()
	w.from(in, n)
}

// from walks an input whose size counts as read.
func (w *walker) from(in *stream.In, n *node) {
	n.in, n.root = in, true
	w.file(n)
}

// access returns what gives random access to the node's bytes, from the first
// on, and how many there are; nil where nothing does.
func (n *node) access() (io.ReaderAt, int64) {
	if n.at == nil && n.within != nil {
		if at, _ := n.within.access(); at != nil {
			n.at = io.NewSectionReader(at, n.start, n.in.Off()+n.in.Remain())
		}
	}
	if s, ok := n.at.(interface{ Size() int64 }); ok {
		return n.at, s.Size()
	}
	return n.at, n.in.Remain()
}

func (w *walker) finish() (Result, error) {
	err := w.stop
	var limit *limitError
	if errors.As(err, &limit) {
		err = nil
	}
	return w.res, err
}

// extent finds out whether r gives random access, and how much of it.
func extent(r io.Reader) (int64, io.ReaderAt) {
	at, ok := r.(io.ReaderAt)
	s, seeks := r.(io.Seeker)
	if !ok || !seeks {
		return -1, nil
	}
	here, err := s.Seek(0, io.SeekCurrent)
	if err != nil {
		return -1, nil // a pipe
	}
	end, err := s.Seek(0, io.SeekEnd)
	if err != nil {
		return -1, nil
	}
	if _, err := s.Seek(here, io.SeekStart); err != nil || end < here {
		return -1, nil
	}
	return end - here, io.NewSectionReader(at, here, end-here)
}

// skip notes what could not be looked at.
func (w *walker) skip(path, reason string) {
	switch n := len(w.res.Skipped); {
	case n < MaxSkipped:
		w.res.Skipped = append(w.res.Skipped, Skip{path, reason})
	case n == MaxSkipped:
		w.res.Skipped = append(w.res.Skipped, Skip{path, fmt.Sprintf("over %d places could not be looked at: the rest is not listed", MaxSkipped)})
	}
}

// failed notes an error, once: the containers around it see it as well.
func (w *walker) failed(path string, err error) {
	if err == nil {
		return
	}
	for e := err; e != nil; e = errors.Unwrap(e) {
		if e == w.told { //nolint:errorlint // the same one, not one like it
			return
		}
	}
	w.told = err
	var read *stream.Error
	if w.stop != nil && errors.Is(err, w.stop) {
		w.told = w.stop
	} else if errors.As(err, &read) {
		w.told = read
	}
	w.skip(path, err.Error())
}

// file looks at one file or stream and consumes all of it.
func (w *walker) file(n *node) {
	if w.check() != nil {
		w.failed(n.path, w.stop)
		return
	}
	m := format.Detect(n.path, n.in.Peek(format.Head), n.in.Remain())
	if m.Compiled() || m.Name == "ar" || w.o.Visit != nil && !(n.layer && m.Container) {
		w.hash(n)
	}
	f := w.newFile()
	*f = File{Path: n.path, Executable: n.exec, Format: m.Name}
	start := n.in.Off()
	switch {
	case m.Container:
		w.container(n, m, f)
	case m.Compiled():
		w.compiled(n, m, f)
	case m.Name == "png":
		w.png(n, f)
	default:
		w.leaf(n, f)
	}
	if err := n.in.Drain(); err != nil && !n.guess {
		w.failed(n.path, err)
	}
	f.Size = n.in.Off() - start
	// A part without anything compiled is no file.
	if (!n.layer || !m.Container) && (!n.part || f.Kind != "") {
		if n.sum != nil {
			n.sum.Sum(f.SHA256[:0])
		}
		w.count(f, n.depth)
	}
	w.spare = f
}

// newFile takes the memory of a file that nobody has kept.
func (w *walker) newFile() *File {
	f := w.spare
	if f == nil || w.o.Visit != nil || w.o.Code != nil {
		return new(File)
	}
	w.spare = nil
	return f
}

func appendDetail(s, more string) string {
	if s == "" {
		return more
	}
	return s + ", " + more
}

// count adds a file to the result and shows it to the visitor.
func (w *walker) count(f *File, depth int) {
	w.res.Files++
	w.res.Bytes += f.Size
	if f.Kind != "" {
		switch n := len(w.res.Members); {
		case n < MaxMembers:
			w.res.Members, w.depths = append(w.res.Members, *f), append(w.depths, depth)
		case n == MaxMembers:
			w.skip(f.Path, fmt.Sprintf("over %d compiled members: the rest is not listed", MaxMembers))
			w.res.Members, w.depths = append(w.res.Members, *f), append(w.depths, depth)
		}
	} else if f.Format == "text" {
		w.res.SourceFiles++
	} else {
		w.res.DataFiles++
	}
	if w.o.Visit != nil {
		w.o.Visit(f)
	}
}

// compiled looks at a file of a compiled format: its fingerprints, and what
// may be appended to it.
func (w *walker) compiled(n *node, m format.Match, f *File) {
	seen := n.in.Remain() // of which m was made of the first bytes
	b, undo, whole := w.whole(n)
	defer undo()
	f.Format, f.Kind, f.Confidence = m.Name, m.Kind, m.Confidence
	if whole {
		if seen < 0 || seen > format.Head {
			if better := format.Detect(n.path, b, int64(len(b))); better.Compiled() {
				m = better
			}
		}
		if !w.o.Unhashed {
			for _, p := range format.Prints(b) {
				f.Code = append(f.Code, Print(p))
			}
		}
	} else {
		m.Detail = appendDetail(m.Detail, "too large for fingerprints of its parts")
	}
	f.Format, f.Kind, f.Confidence, f.Detail = m.Name, m.Kind, m.Confidence, m.Detail
	if n.guess {
		f.Confidence = audit.Medium
	}
	if w.polyglot(n, b) {
		return
	}
	if whole && w.o.Code != nil {
		end := memory.showing(f, w.arena.account)
		w.o.Code(f, b)
		end()
	}
	switch {
	case whole && m.End > 0 && m.End < int64(len(b)):
		w.overlay(n, b[m.End:], m.End)
	case !whole && m.End > n.in.Off():
		if n.in.Skip(m.End-n.in.Off()) == nil {
			w.overlay(n, nil, m.End)
		}
	}
}

// polyglot looks into an ISO image that begins as a program, as AppImages of
// the first kind and images for several firmwares do: the first 32 KiB of an
// image are free for that.
func (w *walker) polyglot(n *node, b []byte) bool {
	const at, mark = 32769, "CD001"
	if len(b) < at+len(mark) || string(b[at:at+len(mark)]) != mark {
		return false
	}
	if n.depth >= w.o.MaxDepth {
		w.skip(n.path, fmt.Sprintf("nested over %d deep: not opened", w.o.MaxDepth))
		return true
	}
	w.failed(n.path, w.volumeAt(n, "iso9660", bytes.NewReader(b), int64(len(b)), at-1))
	return true
}

// whole returns all the bytes of a node, without a copy where they fit into
// the buffer, and otherwise from the arena.
func (w *walker) whole(n *node) (b []byte, undo func(), ok bool) {
	if r := n.in.Remain(); r >= 0 && r <= stream.Window {
		b = n.in.Peek(int(r))
		return b, func() {}, int64(len(b)) == r
	}
	b, undo, err := w.arena.spill(w.ctx, n.in)
	return b, undo, err == nil
}
