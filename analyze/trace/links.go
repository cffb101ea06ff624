package trace

import (
	"path"
	"strings"
)

// Link is a symbolic link that leads out of its store path.
type Link struct {
	// At is the link's own path, relative to the store path; empty where the
	// store path is the link.
	At string
	// To is its target as it is written: absolute, or relative and leading
	// further up than the store path is.
	To string
}

// maxLinks bounds what is kept of one store path: a profile of a whole system
// has some ten thousand.
const maxLinks = 1 << 17

func (w *Walk) link(at, to string) {
	if len(w.Links) < maxLinks && (path.IsAbs(to) || strings.HasPrefix(path.Join(path.Dir(at), to), "..")) {
		w.Links = append(w.Links, Link{At: at, To: to})
	}
}
