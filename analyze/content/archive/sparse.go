package archive

import (
	"bytes"
	"fmt"
	"io"
	"strconv"
	"strings"

	"fromsource/analyze/content/format"
	"fromsource/analyze/content/stream"
)

// maxFragments bounds a sparse file's map.
const maxFragments = 1 << 16

// fragment is a stored part of a sparse file.
type fragment struct{ off, size int64 }

// oldSparse reads GNU's own sparse entries (type 'S'): four fragments in the
// header, more in the blocks after it.
func (t *Tar) oldSparse(h []byte, e *Entry) error {
	var m []fragment
	add := func(b []byte, n int) error {
		for i := range n {
			f := b[i*24:]
			if f[0] == 0 {
				break
			}
			off, err := number(f[:12])
			if err != nil {
				return fmt.Errorf("%w: sparse map of %q: %w", ErrFormat, e.Name, err)
			}
			size, err := number(f[12:24])
			if err != nil {
				return fmt.Errorf("%w: sparse map of %q: %w", ErrFormat, e.Name, err)
			}
			m = append(m, fragment{off, size})
		}
		return nil
	}
	if err := add(h[386:482], 4); err != nil {
		return err
	}
	for more := h[482] != 0; more; {
		b := make([]byte, format.TarBlock)
		if err := t.in.Full(b); err != nil {
			return err
		}
		if err := add(b, 21); err != nil {
			return err
		}
		if more = b[504] != 0; more && len(m) > maxFragments {
			return fmt.Errorf("%w: %q has over %d sparse fragments", ErrFormat, e.Name, maxFragments)
		}
	}
	logical, err := number(h[483:495])
	if err != nil {
		return fmt.Errorf("%w: size of %q: %w", ErrFormat, e.Name, err)
	}
	e.Regular = true
	t.body, t.pad = t.in.Sub(e.Size), padding(e.Size)
	e.Body = t.body
	return t.sparse(e, m, strconv.FormatInt(logical, 10))
}

// sparseMap01 parses "offset,size,offset,size".
func sparseMap01(s string) ([]fragment, error) {
	var m []fragment
	for s != "" {
		var off, size string
		off, s, _ = strings.Cut(s, ",")
		size, s, _ = strings.Cut(s, ",")
		f, err := parseFragment(off, size)
		if err != nil || len(m) > maxFragments {
			return nil, fmt.Errorf("%w: sparse map", ErrFormat)
		}
		m = append(m, f)
	}
	return m, nil
}

func parseFragment(off, size string) (fragment, error) {
	o, err := strconv.ParseInt(off, 10, 64)
	if err != nil {
		return fragment{}, err
	}
	n, err := strconv.ParseInt(size, 10, 64)
	return fragment{o, n}, err
}

// sparseMap10 reads the map at the head of the file's own contents: decimal
// numbers in lines, padded to a block.
func sparseMap10(body *stream.In) ([]fragment, error) {
	start := body.Off()
	line := func() (string, error) {
		b := body.Peek(32)
		i := bytes.IndexByte(b, '\n')
		if i < 0 {
			return "", fmt.Errorf("%w: sparse map", ErrFormat)
		}
		s := string(b[:i])
		body.Advance(i + 1)
		return s, nil
	}
	s, err := line()
	if err != nil {
		return nil, err
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 0 || n > maxFragments {
		return nil, fmt.Errorf("%w: sparse map of %q fragments", ErrFormat, s)
	}
	var m []fragment
	for range n {
		off, err := line()
		if err != nil {
			return nil, err
		}
		size, err := line()
		if err != nil {
			return nil, err
		}
		f, err := parseFragment(off, size)
		if err != nil {
			return nil, fmt.Errorf("%w: sparse map: %w", ErrFormat, err)
		}
		m = append(m, f)
	}
	return m, body.Skip(padding(body.Off() - start))
}

// sparse gives the entry the contents that the map describes. Where the holes
// are larger than MaxHole only the stored bytes are given.
func (t *Tar) sparse(e *Entry, m []fragment, logical string) error {
	size, err := strconv.ParseInt(logical, 10, 64)
	if err != nil || size < 0 {
		return fmt.Errorf("%w: size %q of a sparse file", ErrFormat, logical)
	}
	stored, pos := int64(0), int64(0)
	for _, f := range m {
		if f.off < pos || f.size < 0 || f.size > size-f.off {
			return fmt.Errorf("%w: sparse map of %q", ErrFormat, e.Name)
		}
		pos = f.off + f.size
		stored += f.size
	}
	if more := t.body.Remain() - stored; t.body.Remain() >= 0 && more > 0 {
		e.Note = fmt.Sprintf("sparse file with %d stored bytes that its map does not place: not looked at", more)
	}
	if size-stored > MaxHole {
		e.Size = t.body.Remain()
		e.Note = fmt.Sprintf("sparse file of %d bytes: only the %d bytes that are stored were read", size, e.Size)
		return nil
	}
	t.stored = t.body
	var parts []io.Reader
	pos = 0
	for _, f := range m {
		parts = append(parts, io.LimitReader(zeros{}, f.off-pos), io.LimitReader(t.stored, f.size))
		pos = f.off + f.size
	}
	parts = append(parts, io.LimitReader(zeros{}, size-pos))
	e.Size = size
	e.Body, e.Stored = pieces(parts, size), false
	t.body, t.own = e.Body, true
	return nil
}
