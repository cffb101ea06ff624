package compare

import (
	"context"
	"fmt"
	"io"

	"fromsource/analyze/audit"
)

// Opener gives a NAR from its beginning. It is called a second time where
// differing files are too large for memory.
type Opener func(context.Context) (io.ReadCloser, error)

// Options bound a comparison. The zero value has the defaults.
type Options struct {
	// InMemory is the size in bytes up to which a file is looked into without
	// a temporary file; 8 MiB.
	InMemory int64
	// MaxUnpacked is how many spooled and decompressed bytes are held at a
	// time, 4 GiB, and a sixteenth of how many there may be in all. What lies
	// beyond is said to differ, without a place.
	MaxUnpacked int64
	// MaxDepth is how deep containers are opened; 8.
	MaxDepth int
	// MaxMembers is how many members of one archive are looked at; 200,000.
	MaxMembers int
	// MaxDifferences is how many are listed; 100. All are counted.
	MaxDifferences int
	// TempDir holds temporary files; the system's default if empty.
	TempDir string
}

func (o Options) defaults() Options {
	def := func(v *int, d int) {
		if *v == 0 {
			*v = d
		}
	}
	if o.InMemory == 0 {
		o.InMemory = 8 << 20
	}
	if o.MaxUnpacked == 0 {
		o.MaxUnpacked = 4 << 30
	}
	def(&o.MaxDepth, 8)
	def(&o.MaxMembers, 200_000)
	def(&o.MaxDifferences, 100)
	return o
}

// Difference is one place, in the terms of the audit file.
type Difference struct {
	audit.Difference
	// Metadata is true for what a container records beside content: times,
	// owners, the order of members, how it is compressed.
	Metadata bool
}

// Result is what a comparison found.
type Result struct {
	// HashA and HashB are the SRI sha256 of the NARs, and SizeA and SizeB
	// their sizes in bytes, of what was read.
	HashA, HashB string
	SizeA, SizeB int64
	// Differences are the first ones, in the order of the walk.
	Differences []Difference
	// Count is how many there are in all.
	Count int
	// content counts those that are more than metadata.
	content int
	// partial is set where something that differs was not looked at whole.
	partial bool
}

// Equal reports bitwise equality.
func (r *Result) Equal() bool { return r.HashA == r.HashB }

// Stabilised reports that the two differ in metadata of containers only. It is
// never said of containers that are not understood to the last byte.
func (r *Result) Stabilised() bool {
	return !r.Equal() && r.Count > 0 && r.content == 0 && !r.partial
}

// Rows gives the differences as the audit file has them, with a last one that
// says how many were left out.
func (r *Result) Rows() []audit.Difference {
	rows := make([]audit.Difference, 0, len(r.Differences)+1)
	for _, d := range r.Differences {
		rows = append(rows, d.Difference)
	}
	if more := r.Count - len(r.Differences); more > 0 {
		rows = append(rows, audit.Difference{What: "more", Detail: fmt.Sprintf("%d more differences are not listed", more)})
	}
	return rows
}

// NARs compares two. A is the build on record, B the rebuilt one: a file that
// only B has is "added". An error means that no comparison was made.
func NARs(ctx context.Context, a, b Opener, o Options) (*Result, error) {
	w := &walker{ctx: ctx, o: o.defaults(), res: &Result{}}
	if err := w.pass(a, b, nil); err != nil {
		return nil, err
	}
	if len(w.later) > 0 {
		if err := w.pass(a, b, w.later); err != nil {
			return nil, fmt.Errorf("looking into large files: %w", err)
		}
	}
	return w.res, nil
}

// walker is one comparison under way.
type walker struct {
	ctx      context.Context
	o        Options
	res      *Result
	unpacked int64 // bytes held unpacked
	total    int64 // bytes unpacked so far
	// later holds the large files that differ and are looked into in a
	// second pass, by path.
	later map[string]place
}

// place is where two files first differ.
type place struct {
	sizeA, sizeB, first, bytes int64
}

func (p place) String() string {
	if p.sizeA != p.sizeB {
		return fmt.Sprintf("%d and %d bytes; first difference at byte %d", p.sizeA, p.sizeB, p.first)
	}
	return fmt.Sprintf("%d of %d bytes differ; first at byte %d", p.bytes, p.sizeA, p.first)
}

// add records a difference in content, meta one in metadata.
func (w *walker) add(path, what, format string, args ...any) {
	w.record(path, what, false, fmt.Sprintf(format, args...))
}

func (w *walker) meta(path, what, format string, args ...any) {
	w.record(path, what, true, fmt.Sprintf(format, args...))
}

func (w *walker) record(path, what string, metadata bool, detail string) {
	w.res.Count++
	if !metadata {
		w.res.content++
	}
	if len(w.res.Differences) < w.o.MaxDifferences {
		w.res.Differences = append(w.res.Differences, Difference{
			Difference: audit.Difference{Path: printable(path), What: printable(what), Detail: printable(detail)},
			Metadata:   metadata,
		})
	}
}
