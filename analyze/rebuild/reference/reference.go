// Package reference finds what others have on record of an output: binary
// caches, published lists of file hashes, lists of attestations.
//
// A record that can't be trusted is not a record: it comes back as a problem,
// which a report shows, and never counts as agreement.
package reference

import (
	"context"
	"errors"
	"io"
)

// Query is an output of which something may be on record.
type Query struct {
	Drv    string // store path
	Output string // name
	Path   string // store path
}

// Record is what one witness says of an output.
type Record struct {
	// Against names the witness in reports.
	Against string
	// NarHash is the SRI sha256 of the output's NAR, NarSize its size in
	// bytes where that is known.
	NarHash string
	NarSize int64
	// Files are SRI sha256 sums of files in the output, by base name, for
	// lists that publish those instead of a NAR's hash.
	Files map[string]string
	// Note is a caveat that belongs beside the comparison.
	Note string
	// Problem, where set, says why there is something and yet nothing to
	// compare with: the signature is wrong, the bytes are not those promised.
	Problem string
	// Open gives the witness's NAR; nil where it offers none.
	Open func(context.Context) (io.ReadCloser, error)
}

// Source is somewhere to look for records. Implementations are safe for
// concurrent use.
type Source interface {
	// Name identifies the source among others.
	Name() string
	// Lookup returns the records of an output, in a fixed order; none, with
	// ErrNone, where there are none. Any other error says that the source
	// could not be asked.
	Lookup(context.Context, Query) ([]Record, error)
}

// ErrNone says that a source has nothing on record of an output.
var ErrNone = errors.New("nothing on record")
