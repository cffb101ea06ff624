package archive

import (
	"encoding/binary"
	"fmt"
	"io"
	"strconv"

	"fromsource/analyze/content/stream"
)

// Cpio reads cpio archives: new ASCII with and without checksum, old ASCII,
// and old binary in both byte orders; it stops after the trailer, so that
// what follows (a second archive, as in an initrd) can be looked at.
type Cpio struct {
	in   *stream.In
	body *stream.In
	pad  int64
}

// NewCpio reads from in, which stands at a header.
func NewCpio(in *stream.In) *Cpio { return &Cpio{in: in} }

// cpioHeader is what the dialects have in common.
type cpioHeader struct {
	mode, size, name  int64
	length            int64 // of the header
	namePad, sizeMask int64
}

// Next moves to the next entry; io.EOF after the trailer.
func (c *Cpio) Next() (*Entry, error) {
	if c.body != nil {
		if err := c.body.Drain(); err != nil {
			return nil, err
		}
		_ = c.in.Skip(c.pad)
		c.body = nil
	}
	b := c.in.Peek(110)
	if len(b) == 0 {
		return nil, io.EOF
	}
	h, err := parseCpio(b)
	if err != nil {
		return nil, fmt.Errorf("%w: cpio header at byte %d: %w", ErrFormat, c.in.Off(), err)
	}
	if h.name < 1 || h.name > MaxName {
		return nil, fmt.Errorf("%w: cpio name of %d bytes at byte %d", ErrFormat, h.name, c.in.Off())
	}
	if err := c.in.Skip(h.length); err != nil {
		return nil, err
	}
	name := make([]byte, h.name)
	if err := c.in.Full(name); err != nil {
		return nil, err
	}
	if err := c.in.Skip(h.namePad); err != nil {
		return nil, err
	}
	e := &Entry{Name: trimNUL(name), Size: h.size, Executable: h.mode&0o111 != 0, Regular: h.mode&0o170000 == 0o100000}
	// What is no file has no contents, but for the target of a link.
	if link := h.mode&0o170000 == 0o120000; h.size > 4096 || h.size > 0 && !link {
		e.Regular = true
	}
	if n := len(name) - len(e.Name); n >= minLeft {
		e.Note = fmt.Sprintf("%d bytes behind its name were not looked at", n)
	}
	if e.Name == "TRAILER!!!" {
		return nil, io.EOF
	}
	c.body, c.pad = c.in.Sub(h.size), -h.size&h.sizeMask
	if e.Regular {
		e.Body, e.Stored = c.body, true
	}
	return e, nil
}

func parseCpio(b []byte) (cpioHeader, error) {
	if len(b) < 26 {
		return cpioHeader{}, io.ErrUnexpectedEOF
	}
	switch string(b[:6]) {
	case "070701", "070702":
		if len(b) < 110 {
			return cpioHeader{}, io.ErrUnexpectedEOF
		}
		f := fields{b: b, base: 16}
		h := cpioHeader{length: 110, mode: f.at(14, 8), size: f.at(54, 8), name: f.at(94, 8), sizeMask: 3}
		h.namePad = -(h.length + h.name) & 3
		return h, f.err
	case "070707":
		if len(b) < 76 {
			return cpioHeader{}, io.ErrUnexpectedEOF
		}
		f := fields{b: b, base: 8}
		return cpioHeader{length: 76, mode: f.at(18, 6), name: f.at(59, 6), size: f.at(65, 11)}, f.err
	}
	var order binary.ByteOrder = binary.LittleEndian
	switch {
	case b[0] == 0x71 && b[1] == 0xc7:
		order = binary.BigEndian
	case b[0] != 0xc7 || b[1] != 0x71:
		return cpioHeader{}, fmt.Errorf("no magic in %q", b[:6])
	}
	h := cpioHeader{
		length: 26, mode: int64(order.Uint16(b[6:])), name: int64(order.Uint16(b[20:])),
		size: int64(order.Uint16(b[22:]))<<16 | int64(order.Uint16(b[24:])), sizeMask: 1,
	}
	h.namePad = h.name & 1
	return h, nil
}

// fields parses numbers in text and keeps the first error.
type fields struct {
	b    []byte
	base int
	err  error
}

func (f *fields) at(off, n int) int64 {
	v, err := strconv.ParseUint(string(f.b[off:off+n]), f.base, 63)
	if err != nil && f.err == nil {
		f.err = err
	}
	return int64(v)
}
