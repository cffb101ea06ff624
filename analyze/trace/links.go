package trace

import (
	"encoding/binary"
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

const (
	// maxLinks bounds what is kept of one store path: a profile of a whole
	// system has some ten thousand.
	maxLinks = 1 << 17
	// maxToken bounds the words and names of a NAR, in bytes; a link's target
	// has at most 4,095.
	maxToken = 4096
	// maxNesting bounds how deep a NAR's directories nest, two brackets each.
	maxNesting = 2 * 4096
)

// linkReader collects the symbolic links of a NAR that is written to it. A NAR
// is a sequence of strings, each after its length in 8 bytes and padded to 8
// (nix: doc/manual/source/protocols/nix-archive). It is an io.Writer that
// never fails: of what is malformed it sees nothing, and who reads the NAR says
// so.
type linkReader struct {
	links  []Link
	broken bool

	head  [8]byte // of the next string's length
	heads int
	left  int64 // bytes of the string and its padding that are still to come
	size  int   // of the string, without padding
	token []byte
	skip  bool // the string is the contents of a file

	last  string   // the string before this one, where it was a word
	names []string // one an open bracket; empty where it has no name
}

// Write reads the next bytes of the NAR.
func (l *linkReader) Write(p []byte) (int, error) {
	n := len(p)
	for len(p) > 0 && !l.broken {
		if l.left == 0 {
			k := copy(l.head[l.heads:], p)
			l.heads += k
			if p = p[k:]; l.heads == len(l.head) {
				l.begin(binary.LittleEndian.Uint64(l.head[:]))
			}
			continue
		}
		k := int(min(int64(len(p)), l.left))
		if !l.skip {
			l.token = append(l.token, p[:k]...)
		}
		p = p[k:]
		if l.left -= int64(k); l.left == 0 {
			l.end()
		}
	}
	return n, nil
}

func (l *linkReader) begin(size uint64) {
	l.heads, l.token, l.skip = 0, l.token[:0], l.last == "contents"
	if size > 1<<62 || !l.skip && size > maxToken {
		l.broken = true
		return
	}
	l.size, l.left = int(size), int64(size+7)&^7
	if l.left == 0 {
		l.end()
	}
}

// end is called when all of a string is there.
func (l *linkReader) end() {
	word := ""
	if !l.skip {
		word = string(l.token[:min(l.size, len(l.token))])
	}
	before := l.last
	l.last = ""
	switch {
	case l.skip:
	case before == "name":
		if len(l.names) > 0 {
			l.names[len(l.names)-1] = word
		}
	case before == "target":
		l.add(word)
	case word == "(":
		if l.names = append(l.names, ""); len(l.names) > maxNesting {
			l.broken = true
		}
	case word == ")":
		l.names = l.names[:max(0, len(l.names)-1)]
	case before == "type": // "regular", "directory" or "symlink"
	default:
		l.last = word
	}
}

func (l *linkReader) add(to string) {
	at := path.Join(l.names...)
	if len(l.links) < maxLinks && (path.IsAbs(to) || strings.HasPrefix(path.Join(path.Dir(at), to), "..")) {
		l.links = append(l.links, Link{At: at, To: to})
	}
}
