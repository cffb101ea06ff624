package archive

import (
	"encoding/binary"
	"fmt"
	"io"

	"fromsource/analyze/content/stream"
)

// Nar reads Nix archives. go-nix's reader starts a goroutine an archive and
// leaks it when closed inside an entry; an audit opens thousands, and leaves
// many early, hence this one, which also accepts unsorted names. The grammar
// is that of the Nix manual, "Nix Archive (NAR) format".
type Nar struct {
	in    *stream.In
	body  *stream.In
	pad   int64
	stack []string // open directories' paths
	begun bool
	done  bool
}

// MaxNarDepth bounds directories in directories.
const MaxNarDepth = 4096

// NewNar reads from in, which stands at the magic.
func NewNar(in *stream.In) *Nar { return &Nar{in: in} }

// str reads one length-prefixed, padded string of at most limit bytes.
func (n *Nar) str(limit uint64) (string, error) {
	var l [8]byte
	if err := n.in.Full(l[:]); err != nil {
		return "", err
	}
	size := binary.LittleEndian.Uint64(l[:])
	if size > limit {
		return "", fmt.Errorf("%w: string of %d bytes at byte %d", ErrFormat, size, n.in.Off())
	}
	b := make([]byte, (size+7)&^7)
	if err := n.in.Full(b); err != nil {
		return "", err
	}
	return string(b[:size]), nil
}

func (n *Nar) expect(words ...string) error {
	for _, w := range words {
		s, err := n.str(32)
		if err != nil {
			return err
		}
		if s != w {
			return fmt.Errorf("%w: %q where %q should be, at byte %d", ErrFormat, s, w, n.in.Off())
		}
	}
	return nil
}

// Next moves to the next file or symlink; the root, where it is a file, has an
// empty name. It returns io.EOF after the root's closing parenthesis.
func (n *Nar) Next() (*Entry, error) {
	if n.done {
		return nil, io.EOF
	}
	if n.body != nil {
		if err := n.close(); err != nil {
			return nil, err
		}
	}
	if !n.begun {
		n.begun = true
		if err := n.expect("nix-archive-1", "("); err != nil {
			return nil, err
		}
		return n.node("")
	}
	for !n.done {
		if len(n.stack) == 0 {
			n.done = true
			break
		}
		s, err := n.str(32)
		if err != nil {
			return nil, err
		}
		dir := n.stack[len(n.stack)-1]
		if s == ")" { // of the directory's node
			n.stack = n.stack[:len(n.stack)-1]
			if len(n.stack) > 0 {
				if err := n.expect(")"); err != nil { // of its entry
					return nil, err
				}
			}
			continue
		}
		if s != "entry" {
			return nil, fmt.Errorf("%w: %q in a directory, at byte %d", ErrFormat, s, n.in.Off())
		}
		if err := n.expect("(", "name"); err != nil {
			return nil, err
		}
		name, err := n.str(4096)
		if err != nil {
			return nil, err
		}
		if name == "" || name == "." || name == ".." {
			return nil, fmt.Errorf("%w: entry named %q", ErrFormat, name)
		}
		if dir != "" {
			name = dir + "/" + name
		}
		if len(name) > MaxName {
			return nil, fmt.Errorf("%w: path of %d bytes", ErrFormat, len(name))
		}
		if err := n.expect("node", "("); err != nil {
			return nil, err
		}
		e, err := n.node(name)
		if err != nil || e != nil {
			return e, err
		}
	}
	return nil, io.EOF
}

// node reads a node after its opening parenthesis. A directory is entered,
// and the result is that of the next entry in it.
func (n *Nar) node(path string) (*Entry, error) {
	if err := n.expect("type"); err != nil {
		return nil, err
	}
	typ, err := n.str(32)
	if err != nil {
		return nil, err
	}
	switch typ {
	case "directory":
		if len(n.stack) >= MaxNarDepth {
			return nil, fmt.Errorf("%w: directories nested over %d deep", ErrFormat, MaxNarDepth)
		}
		n.stack = append(n.stack, path)
		if path == "" {
			return n.Next()
		}
		return nil, nil
	case "symlink":
		if err := n.expect("target"); err != nil {
			return nil, err
		}
		to, err := n.str(MaxName)
		if err != nil {
			return nil, err
		}
		n.body = n.in.Sub(0)
		n.pad = 0
		return &Entry{Name: path, Link: to}, nil
	case "regular":
		return n.file(path)
	}
	return nil, fmt.Errorf("%w: node of type %q", ErrFormat, typ)
}

func (n *Nar) file(path string) (*Entry, error) {
	e := &Entry{Name: path, Regular: true}
	s, err := n.str(32)
	if err != nil {
		return nil, err
	}
	if s == "executable" {
		e.Executable = true
		if err := n.expect(""); err != nil {
			return nil, err
		}
		if s, err = n.str(32); err != nil {
			return nil, err
		}
	}
	if s == ")" { // a file without contents
		if len(n.stack) > 0 {
			if err := n.expect(")"); err != nil {
				return nil, err
			}
		}
		n.body, n.pad = nil, 0
		n.done = len(n.stack) == 0
		e.Body = n.in.Sub(0)
		return e, nil
	}
	if s != "contents" {
		return nil, fmt.Errorf("%w: %q in a file", ErrFormat, s)
	}
	var l [8]byte
	if err := n.in.Full(l[:]); err != nil {
		return nil, err
	}
	size := binary.LittleEndian.Uint64(l[:])
	if size > 1<<60 {
		return nil, fmt.Errorf("%w: file of %d bytes", ErrFormat, size)
	}
	e.Size = int64(size)
	n.body, n.pad = n.in.Sub(e.Size), -e.Size&7
	e.Body, e.Stored = n.body, true
	return e, nil
}

// close ends a file or symlink: its padding, its node and its entry.
func (n *Nar) close() error {
	if err := n.body.Drain(); err != nil {
		return err
	}
	n.body = nil
	if err := n.in.Skip(n.pad); err != nil {
		return err
	}
	if err := n.expect(")"); err != nil {
		return err
	}
	if len(n.stack) == 0 {
		n.done = true
		return nil
	}
	return n.expect(")")
}
