// Package archive reads the containers that no library at hand reads as this
// project needs it: forward only, from a stream, bounded whatever the headers
// say, and going on after an entry that makes no sense where the format allows.
package archive

import (
	"errors"
	"io"

	"fromsource/analyze/content/stream"
)

// Limits on what a header may ask for.
const (
	// MaxName is the longest member name kept, in bytes.
	MaxName = 64 << 10
	// MaxMeta is the largest extended header that is read into memory.
	MaxMeta = 1 << 20
	// MaxHole is how many bytes of holes in a sparse file are filled with
	// zeros; a file with more is given without them, and says so.
	MaxHole = 64 << 20
)

// ErrFormat is wrapped by every error about the archive's own bytes.
var ErrFormat = errors.New("malformed archive")

// Entry is one member.
type Entry struct {
	Name string
	// Regular is true for files with contents; other entries have no Body.
	Regular    bool
	Executable bool
	// Link is the target of a symbolic link in a NAR; empty otherwise.
	Link string
	Size int64
	// Body is valid until the next call of Next.
	Body *stream.In
	// Source gives the contents of an entry of a volume, which has no Body;
	// Section is set besides where they lie in the volume as they are, from
	// the byte At on.
	Source  io.Reader
	Section *io.SectionReader
	At      int64
	// Part is true for what lies in a volume and belongs to no file.
	Part bool
	// Stored is true where Body is the next Size bytes of the archive itself.
	Stored bool
	// Note says what about the entry could not be represented.
	Note string
}

// Reader walks an archive; Next returns io.EOF after the last entry. An entry is
// valid until the next call.
type Reader interface {
	Next() (*Entry, error)
}

// zeros is an endless source of them.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// multi closes over the pieces of a sparse file.
func pieces(parts []io.Reader, size int64) *stream.In {
	return stream.New(io.MultiReader(parts...), size)
}
