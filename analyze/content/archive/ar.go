package archive

import (
	"bytes"
	"fmt"
	"io"
	"strconv"
	"strings"

	"fromsource/analyze/content/stream"
)

// Ar reads Unix archives: System V and GNU long names ("//" table), BSD ones
// ("#1/LEN"), thin archives (no contents), and so .deb and static libraries.
type Ar struct {
	in    *stream.In
	body  *stream.In
	pad   int64
	thin  bool
	begun bool
	own   bool // body has a buffer of its own
	names string
}

// NewAr reads from in, which stands at the magic.
func NewAr(in *stream.In) *Ar { return &Ar{in: in} }

// Next moves to the next member. The tables of symbols and of long names are
// given as well, as parts that are no files.
func (a *Ar) Next() (*Entry, error) {
	if !a.begun {
		a.begun = true
		a.thin = string(a.in.Peek(8)) == "!<thin>\n"
		if err := a.in.Skip(8); err != nil {
			return nil, err
		}
	}
	for {
		if a.body != nil {
			if err := a.body.Drain(); err != nil {
				return nil, err
			}
			if a.own {
				a.body.Close()
			}
			_ = a.in.Skip(a.pad) // the last member may lack its padding
			a.body, a.own = nil, false
		}
		h := a.in.Peek(60)
		if rest := bytes.TrimLeft(h, "\n\x00"); len(rest) == 0 {
			a.in.Advance(len(h))
			return nil, io.EOF
		}
		if len(h) < 60 || h[58] != '`' || h[59] != '\n' {
			return nil, fmt.Errorf("%w: no header of a member at byte %d, where one should be", ErrFormat, a.in.Off())
		}
		head := string(h)
		size, err := strconv.ParseInt(strings.TrimSpace(head[48:58]), 10, 64)
		if err != nil || size < 0 {
			return nil, fmt.Errorf("%w: member size %q", ErrFormat, head[48:58])
		}
		a.in.Advance(60)
		e, err := a.member(head, size)
		if err != nil || e != nil {
			return e, err
		}
	}
}

// member reads one.
func (a *Ar) member(head string, size int64) (*Entry, error) {
	name := strings.TrimRight(head[:16], " ")
	a.pad = size & 1
	switch {
	case name == "//":
		if size > MaxMeta*8 {
			return nil, fmt.Errorf("%w: name table of %d bytes, of at most %d", ErrFormat, size, MaxMeta*8)
		}
		b := make([]byte, size)
		if err := a.in.Full(b); err != nil {
			return nil, err
		}
		a.names = string(b)
		a.body, a.own = stream.New(bytes.NewReader(b), size), true
		return &Entry{Name: "[names]", Regular: true, Part: true, Size: size, Body: a.body}, nil
	case name == "/" || name == "/SYM64/" || name == "__.SYMDEF" || name == "__.SYMDEF SORTED":
		return a.table(size), nil
	case strings.HasPrefix(name, "#1/"):
		n, err := strconv.ParseInt(name[3:], 10, 64)
		if err != nil || n < 0 || n > size || n > MaxName {
			return nil, fmt.Errorf("%w: member name %q", ErrFormat, name)
		}
		b := make([]byte, n)
		if err := a.in.Full(b); err != nil {
			return nil, err
		}
		name = trimNUL(b)
		size -= n
		if n -= int64(len(name)); n >= minLeft {
			return nil, fmt.Errorf("%w: %d bytes behind the name %q", ErrFormat, n, name)
		}
		if strings.HasPrefix(name, "__.SYMDEF") {
			return a.table(size), nil
		}
	case len(name) > 1 && name[0] == '/':
		off, err := strconv.Atoi(name[1:])
		if err != nil || off < 0 || off >= len(a.names) {
			return nil, fmt.Errorf("%w: member name %q", ErrFormat, name)
		}
		name, _, _ = strings.Cut(a.names[off:min(len(a.names), off+MaxName)], "\n")
	}
	name = strings.TrimSuffix(name, "/")
	e := &Entry{Name: name, Size: size}
	if a.thin {
		a.body, a.pad = a.in.Sub(0), 0
		e.Note = "thin archive: the member is a file outside of it"
		return e, nil
	}
	a.body = a.in.Sub(size)
	e.Regular, e.Stored, e.Body = true, true, a.body
	return e, nil
}

// table is an entry of a table of symbols.
func (a *Ar) table(size int64) *Entry {
	a.body = a.in.Sub(size)
	return &Entry{Name: "[symbols]", Regular: true, Part: true, Size: size, Stored: true, Body: a.body}
}
