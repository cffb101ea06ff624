package content

import (
	"fmt"
	"io"
	"strings"
)

// A bomb is a small input that claims to be a large one. A stream may always
// give bombFloor bytes, and bombRatio bytes for each that it was made of: the
// densest real archives (tables of zeros, logs) stay under it, a gzip of zeros
// reaches 1,030. The whole walk may give totalFloor and as many for each byte
// of the input, so that many small bombs are no more than one.
const (
	bombFloor  = 256 << 20
	bombRatio  = 250
	totalFloor = 1 << 30
)

// limitError ends the walk: a bound of the whole walk was reached.
type limitError struct{ what string }

func (e *limitError) Error() string { return e.what }

// bombError ends one stream; the walk goes on behind it.
type bombError struct{ in, out int64 }

func (e *bombError) Error() string {
	return fmt.Sprintf("%d bytes expand to over %d: not read further", e.in, e.out)
}

// meter counts what a decompressor gives and stops it at the bounds.
type meter struct {
	w   *walker
	r   io.Reader
	fed func() int64 // bytes that went into the decompressor
	out int64
	err error // sticky: not all decompressors bear to be asked again
}

// Read implements io.Reader.
func (m *meter) Read(p []byte) (int, error) {
	if m.err != nil {
		return 0, m.err
	}
	if m.err = m.w.check(); m.err != nil {
		return 0, m.err
	}
	var n int
	n, m.err = m.r.Read(p)
	m.out += int64(n)
	m.w.spent += int64(n)
	if in := m.fed(); m.out > bombFloor && m.out-bombFloor > in*bombRatio {
		m.err = &bombError{in, m.out}
	}
	return n, m.err
}

// check says whether the walk may go on.
func (w *walker) check() error {
	if w.stop != nil {
		return w.stop
	}
	if err := w.ctx.Err(); err != nil {
		w.stop = err
		return err
	}
	if w.spent > w.o.MaxBytes {
		w.stop = &limitError{fmt.Sprintf("over %d bytes in all: not read further", w.o.MaxBytes)}
	} else if w.spent > totalFloor && w.spent-totalFloor > w.fed*bombRatio {
		w.stop = &limitError{fmt.Sprintf("%d bytes of input expand to over %d: not read further", w.fed, w.spent)}
	}
	return w.stop
}

// entry counts a member of an archive against the bound.
func (w *walker) entry() error {
	w.entries++
	if w.stop == nil && w.entries > w.o.MaxEntries {
		w.stop = &limitError{fmt.Sprintf("over %d entries: not read further", w.o.MaxEntries)}
	}
	return w.stop
}

// maxPath is the longest path kept of a member.
const maxPath = 4096

// member joins a member's name to its container's path. The name is cleaned of
// what could lead out of the container; escapes says that it tried.
func member(dir, name string) (path string, escapes bool) {
	if len(name) > maxPath {
		name = name[:maxPath]
	}
	if strings.HasSuffix(name, "/") { // a folder, but for what it holds
		name = strings.TrimRight(name, "/")
	}
	if plain(name) {
		return join(dir, name), false
	}
	if strings.ContainsAny(name, "\\\x00") {
		name = strings.ReplaceAll(strings.ReplaceAll(name, "\x00", ""), "\\", "/")
	}
	if strings.HasPrefix(name, "./") || strings.HasPrefix(name, "/") || strings.Contains(name, "//") ||
		strings.Contains(name, "/./") || strings.Contains(name, "..") || name == "." {
		var parts []string
		for p := range strings.SplitSeq(name, "/") {
			switch {
			case p == "" || p == ".":
			case p != "..":
				parts = append(parts, p)
			case len(parts) > 0:
				parts = parts[:len(parts)-1]
			default:
				escapes = true
			}
		}
		name = strings.Join(parts, "/")
	}
	return join(dir, name), escapes
}

// named is member, and notes what of a name is not in the path.
func (w *walker) named(dir, name string) string {
	path, escapes := member(dir, name)
	if escapes {
		w.skip(path, fmt.Sprintf("the name %q leads out of the archive: looked at under this one", clip(name)))
	}
	if len(name) > maxPath {
		w.skip(path, fmt.Sprintf("a name of %d bytes, of which %d were looked at", len(name), maxPath))
	}
	return path
}

// plain says of most names that there is nothing in them to clean.
func plain(name string) bool {
	before, unclean := byte(1), byte(0)
	for i := range len(name) {
		c := inNames[name[i]]
		unclean |= c&before | c&2
		before = c
	}
	return unclean == 0
}

// inNames has 1 for the characters of which two may not follow each other, and
// 2 for those that may not be there.
var inNames = [256]byte{'/': 1, '.': 1, '\\': 2, 0: 2}

func join(dir, name string) string {
	path := dir
	switch {
	case dir == "":
		path = name
	case name != "":
		path = dir + "/" + name
	}
	return path[:min(len(path), 2*maxPath)]
}
