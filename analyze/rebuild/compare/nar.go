package compare

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
)

// The NAR format is a sequence of strings, each its length in 8 bytes little
// endian, its bytes, and zeros to a multiple of 8 (Nix's thesis, figure 5.2;
// nix: doc/manual/source/protocols/nix-archive.md).

// nodeType is the type of a node in a NAR.
type nodeType uint8

const (
	end nodeType = iota // of the directory that is open
	regular
	symlink
	directory
)

func (t nodeType) String() string {
	return [...]string{"nothing", "file", "symbolic link", "directory"}[t]
}

// node is one node of a NAR; the first one has no name.
type node struct {
	name       string
	kind       nodeType
	executable bool
	size       int64  // of a file
	target     string // of a link
}

// Limits of a name and of a link's target, as Linux has them.
const (
	maxName   = 255
	maxTarget = 4095
)

var errNAR = errors.New("malformed NAR")

// token is a sequence of words as a NAR has them: each with its length before
// it and zeros behind it, up to a multiple of 8.
type token struct {
	words string
	raw   []byte
}

func newToken(words ...string) token {
	t := token{words: strings.Join(words, " ")}
	for _, w := range words {
		t.raw = binary.LittleEndian.AppendUint64(t.raw, uint64(len(w)))
		t.raw = append(append(t.raw, w...), make([]byte, -len(w)&7)...)
	}
	return t
}

// What a NAR is made of, beside names and contents.
var (
	magicToken    = newToken("nix-archive-1")
	nameToken     = newToken("(", "name")
	nodeToken     = newToken("node")
	typeToken     = newToken("(", "type")
	targetToken   = newToken("target")
	contentsToken = newToken("", "contents")
	closeToken    = newToken(")")
)

// narReader walks a NAR without keeping it: next gives a node, and its
// contents are read, or skipped by the following next.
type narReader struct {
	src     source
	started bool
	depth   int // of directories that are open
	last    []string
	file    bool  // a file was given and its end is to be read
	left    int64 // of its contents
	pad     int64
	open    bool // an entry was given and its ")" is to be read
	scratch [maxTarget + 8]byte
}

// source gives a stream in pieces, which are not copied.
type source interface {
	// peek gives some of the bytes that are next, at least one unless there is
	// an error. They are valid until the next peek after a take.
	peek() ([]byte, error)
	// take passes over n of them.
	take(n int)
}

func newNARReader(r io.Reader) *narReader {
	return &narReader{src: &buffered{r: r, buf: make([]byte, 64<<10)}}
}

// buffered is any reader as a source.
type buffered struct {
	r         io.Reader
	buf, rest []byte
}

func (b *buffered) peek() ([]byte, error) {
	for len(b.rest) == 0 {
		n, err := b.r.Read(b.buf)
		b.rest = b.buf[:n]
		if n == 0 && err != nil {
			return nil, err
		}
	}
	return b.rest, nil
}

func (b *buffered) take(n int) { b.rest = b.rest[n:] }

// next gives the next node, end at the end of each directory, and io.EOF after
// the last one.
func (n *narReader) next() (node, error) {
	if !n.started {
		n.started = true
		if err := n.expect(magicToken); err != nil {
			return node{}, err
		}
		return n.node("")
	}
	if err := n.finish(); err != nil {
		return node{}, err
	}
	if n.depth == 0 {
		if _, err := n.src.peek(); err == nil {
			return node{}, fmt.Errorf("%w: bytes after its end", errNAR)
		} else if !errors.Is(err, io.EOF) {
			return node{}, err
		}
		return node{}, io.EOF
	}
	s, err := n.word(maxName)
	if err != nil {
		return node{}, err
	}
	switch string(s) {
	case ")":
		n.depth--
		n.last = n.last[:n.depth]
		n.open = n.depth > 0 // the directory was itself an entry
		return node{kind: end}, nil
	case "entry":
		return n.entry()
	}
	return node{}, fmt.Errorf("%w: %q in a directory", errNAR, s)
}

func (n *narReader) entry() (node, error) {
	if err := n.expect(nameToken); err != nil {
		return node{}, err
	}
	name, err := n.str(maxName)
	if err != nil {
		return node{}, err
	}
	if name == "" || name == "." || name == ".." || strings.ContainsAny(name, "/\x00") {
		return node{}, fmt.Errorf("%w: %q as a name", errNAR, name)
	}
	if at := n.depth - 1; n.last[at] >= name {
		return node{}, fmt.Errorf("%w: %q comes after %q", errNAR, name, n.last[at])
	}
	n.last[n.depth-1] = name
	if err := n.expect(nodeToken); err != nil {
		return node{}, err
	}
	n.open = true
	return n.node(name)
}

// node reads a node up to its contents.
func (n *narReader) node(name string) (node, error) {
	nd := node{name: name}
	if err := n.expect(typeToken); err != nil {
		return nd, err
	}
	kind, err := n.word(maxName)
	if err != nil {
		return nd, err
	}
	switch string(kind) {
	case "directory":
		nd.kind = directory
		n.depth++
		n.last = append(n.last, "")
		n.open = false
		return nd, nil
	case "symlink":
		nd.kind = symlink
		if err := n.expect(targetToken); err != nil {
			return nd, err
		}
		if nd.target, err = n.str(maxTarget); err != nil {
			return nd, err
		}
		return nd, n.expect(closeToken)
	case "regular":
		nd.kind = regular
	default:
		return nd, fmt.Errorf("%w: node of type %q", errNAR, kind)
	}
	s, err := n.word(maxName)
	if err != nil {
		return nd, err
	}
	if string(s) == "executable" {
		nd.executable = true
		if err := n.expect(contentsToken); err != nil {
			return nd, err
		}
	} else if string(s) != "contents" {
		return nd, fmt.Errorf("%w: %q in a file", errNAR, s)
	}
	size, err := n.length()
	if err != nil {
		return nd, err
	}
	if size < 0 {
		return nd, fmt.Errorf("%w: a file of 2^63 bytes or more", errNAR)
	}
	nd.size = size
	n.file, n.left, n.pad = true, size, -size&7
	return nd, nil
}

// Read reads the current file's contents.
func (n *narReader) Read(p []byte) (int, error) {
	if n.left == 0 {
		return 0, io.EOF
	}
	b, err := n.chunk()
	if err != nil {
		return 0, err
	}
	k := copy(p, b)
	n.pass(k)
	return k, nil
}

// chunk gives some of what is left of the current file's contents, at least a
// byte, without passing over it. It is valid until the next chunk.
func (n *narReader) chunk() ([]byte, error) {
	b, err := n.src.peek()
	if err != nil {
		return nil, unexpected(err)
	}
	return b[:min(int64(len(b)), n.left)], nil
}

// pass passes over a part of the last chunk.
func (n *narReader) pass(k int) {
	n.src.take(k)
	n.left -= int64(k)
}

// finish reads what is left of the node that was given last.
func (n *narReader) finish() error {
	if n.file {
		n.file = false
		for n.left > 0 {
			b, err := n.chunk()
			if err != nil {
				return err
			}
			n.pass(len(b))
		}
		pad, err := n.full(n.pad)
		if err != nil {
			return err
		}
		if err := zeros(pad); err != nil {
			return err
		}
		if err := n.expect(closeToken); err != nil {
			return err
		}
	}
	if n.open {
		n.open = false
		return n.expect(closeToken)
	}
	return nil
}

// full reads a few bytes of the NAR's own structure. They are valid until the
// next call.
func (n *narReader) full(size int64) ([]byte, error) {
	if size == 0 {
		return nil, nil // nor is there need to wait for more
	}
	b, err := n.src.peek()
	if err == nil && int64(len(b)) >= size {
		n.src.take(int(size))
		return b[:size], nil
	}
	for got := int64(0); got < size; {
		b, err := n.src.peek()
		if err != nil {
			return nil, unexpected(err)
		}
		k := copy(n.scratch[got:size], b)
		n.src.take(k)
		got += int64(k)
	}
	return n.scratch[:size], nil
}

// zeros wants padding to be what it has to be.
func zeros(b []byte) error {
	for _, c := range b {
		if c != 0 {
			return fmt.Errorf("%w: padding that is not zero", errNAR)
		}
	}
	return nil
}

func (n *narReader) length() (int64, error) {
	b, err := n.full(8)
	if err != nil {
		return 0, err
	}
	return int64(binary.LittleEndian.Uint64(b)), nil
}

func (n *narReader) str(most int) (string, error) {
	b, err := n.word(most)
	return string(b), err
}

// word reads a string of at most so many bytes, which is valid until the next
// read.
func (n *narReader) word(most int) ([]byte, error) {
	size, err := n.length()
	if err != nil {
		return nil, err
	}
	if size < 0 || size > int64(most) {
		return nil, fmt.Errorf("%w: a string of %d bytes", errNAR, uint64(size))
	}
	b, err := n.full(size + -size&7)
	if err != nil {
		return nil, err
	}
	return b[:size], zeros(b[size:])
}

func (n *narReader) expect(t token) error {
	b, err := n.full(int64(len(t.raw)))
	if err != nil {
		return err
	}
	if !bytes.Equal(b, t.raw) {
		return fmt.Errorf("%w: %q is not where it belongs", errNAR, t.words)
	}
	return nil
}

func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
