package archive

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"fromsource/analyze/content/format"
	"fromsource/analyze/content/stream"
)

// Tar reads tar archives of all dialects: v7 (known by the checksum alone),
// ustar, GNU (long names, base-256 numbers, sparse files), pax (all records,
// its three sparse formats) and star. It follows POSIX.1-2017 pax, "ustar
// Interchange Format" and "pax Header Block", and GNU tar's manual, appendix
// "Basic Tar Format".
type Tar struct {
	in     *stream.In
	body   *stream.In
	pad    int64
	own    bool // body has a buffer of its own
	block  [format.TarBlock]byte
	global map[string]string
	// view and next are the memory of body and of what Next returns.
	view stream.In
	next Entry
	// stored is what is left of a sparse file's stored bytes.
	stored *stream.In
	// pax and long are what extended headers said of the next entry, while one
	// that is long was given itself.
	pax  map[string]string
	long string
}

// longMeta is the length of an extended header that is used and no more; of a
// longer one the bytes are given as an entry as well, since its values may be
// anything (extended attributes are). Names and times take far less.
const longMeta = 1 << 10

// NewTar reads from in, which stands at the first header.
func NewTar(in *stream.In) *Tar { return &Tar{in: in} }

// Next moves to the next entry. After a block that is no header it looks no
// further and returns an error that wraps ErrFormat.
func (t *Tar) Next() (*Entry, error) {
	if err := t.finish(); err != nil {
		return nil, err
	}
	pax, long := t.pax, t.long
	t.pax, t.long = nil, ""
	for {
		h, err := t.header()
		if err != nil {
			return nil, err
		}
		size, err := number(h[124:136])
		if err != nil {
			return nil, fmt.Errorf("%w: size of %q in the header at byte %d: %w", ErrFormat, trimNUL(h[:100]), t.in.Off()-format.TarBlock, err)
		}
		typ := h[156]
		var raw string
		switch typ {
		case 'x', 'X', 'g':
			raw, err = t.meta(size, MaxMeta)
		case 'L', 'K':
			raw, err = t.meta(size, MaxName)
		default:
			return t.entry(h, size, long, pax)
		}
		if err != nil {
			return nil, err
		}
		switch typ {
		case 'x', 'X':
			pax, err = records(raw)
		case 'g':
			t.global, err = records(raw)
		case 'L':
			long = trimNUL([]byte(raw))
		}
		if err != nil {
			return nil, err
		}
		if len(raw) > longMeta {
			t.pax, t.long = pax, long
			return t.extended(raw), nil
		}
	}
}

// extended is an entry of the bytes of an extended header.
func (t *Tar) extended(raw string) *Entry {
	t.body, t.pad, t.own, t.stored = stream.New(strings.NewReader(raw), int64(len(raw))), 0, true, nil
	at := t.in.Off() - int64(len(raw)) - padding(int64(len(raw)))
	t.next = Entry{Name: fmt.Sprintf("@%d", at), Regular: true, Size: int64(len(raw)), Body: t.body}
	return &t.next
}

// finish passes what is left of the current entry.
func (t *Tar) finish() error {
	if t.body == nil {
		return nil
	}
	body := t.body
	t.body = nil
	if t.own {
		body.Close()
		if body, t.own = t.stored, false; body == nil {
			return nil
		}
	}
	if err := body.Drain(); err != nil {
		return err
	}
	// The padding of the last entry is missing in some archives.
	_ = t.in.Skip(t.pad)
	return t.in.Err()
}

func padding(size int64) int64 { return -size & (format.TarBlock - 1) }

// header returns the next header block, valid until the next call: io.EOF at a block of zeros
// and at the end of the input.
func (t *Tar) header() ([]byte, error) {
	b := t.in.Peek(format.TarBlock)
	if err := t.in.Err(); err != nil {
		return nil, err
	}
	if len(b) == 0 {
		return nil, io.EOF
	}
	if allZero(b) {
		t.in.Advance(len(b))
		return nil, io.EOF
	}
	if len(b) < format.TarBlock {
		return nil, fmt.Errorf("%w: %d bytes where a header of %d should be, at byte %d: %w", ErrFormat, len(b), format.TarBlock, t.in.Off(), io.ErrUnexpectedEOF)
	}
	if !format.TarChecksum(b) { // the name may be in an extended header
		return nil, fmt.Errorf("%w: no header at byte %d, where one should be: its checksum is wrong", ErrFormat, t.in.Off())
	}
	h := t.block[:copy(t.block[:], b)]
	t.in.Advance(format.TarBlock)
	return h, nil
}

func allZero(b []byte) bool {
	return b[0] == 0 && bytes.Count(b, []byte{0}) == len(b)
}

func trimNUL(b []byte) string {
	if i := bytes.IndexByte(b, 0); i >= 0 {
		b = b[:i]
	}
	return string(b)
}

// number reads a size: octal digits, or base-256 where the first bit is set.
func number(b []byte) (int64, error) {
	if b[0]&0x80 != 0 {
		if b[0]&0x40 != 0 {
			return 0, errors.New("negative number")
		}
		v := int64(b[0] & 0x3f)
		for _, c := range b[1:] {
			if v > 1<<54 {
				return 0, errors.New("number over 2^62")
			}
			v = v<<8 | int64(c)
		}
		return v, nil
	}
	for len(b) > 0 && (b[0] == ' ' || b[0] == 0) {
		b = b[1:]
	}
	for len(b) > 0 && (b[len(b)-1] == ' ' || b[len(b)-1] == 0) {
		b = b[:len(b)-1]
	}
	if len(b) == 0 {
		return 0, nil
	}
	var v int64
	for _, c := range b {
		if c < '0' || c > '7' || v > 1<<59 {
			return 0, fmt.Errorf("octal number %q", b)
		}
		v = v<<3 | int64(c-'0')
	}
	return v, nil
}

// meta reads an extended header's contents.
func (t *Tar) meta(size, limit int64) (string, error) {
	if size > limit {
		return "", fmt.Errorf("%w: extended header of %d bytes at byte %d, of at most %d", ErrFormat, size, t.in.Off(), limit)
	}
	b := make([]byte, size)
	if err := t.in.Full(b); err != nil {
		return "", err
	}
	return string(b), t.in.Skip(padding(size))
}

// records parses pax records: "LENGTH KEY=VALUE\n". Sparse maps of format 0.0
// repeat their keys and are joined with commas, as format 0.1 has them.
func records(s string) (map[string]string, error) {
	out := map[string]string{}
	var sparse []string
	for s != "" && s[0] != 0 {
		digits, _, ok := strings.Cut(s, " ")
		n, err := strconv.Atoi(digits)
		if !ok || err != nil || n <= len(digits)+1 || n > len(s) || s[n-1] != '\n' {
			return nil, fmt.Errorf("%w: pax record %q", ErrFormat, s[:min(len(s), 40)])
		}
		k, v, ok := strings.Cut(s[len(digits)+1:n-1], "=")
		if !ok {
			return nil, fmt.Errorf("%w: pax record without value", ErrFormat)
		}
		if k == "GNU.sparse.offset" || k == "GNU.sparse.numbytes" {
			sparse = append(sparse, v)
		}
		out[k] = v
		s = s[n:]
	}
	if len(sparse) > 0 {
		out["GNU.sparse.map"] = strings.Join(sparse, ",")
	}
	return out, nil
}

// entry makes an entry of a header and what was said before it.
func (t *Tar) entry(h []byte, size int64, name string, pax map[string]string) (*Entry, error) {
	plain := pax == nil && t.global == nil // as of most entries
	get := func(k string) string {
		if plain {
			return ""
		}
		if v, ok := pax[k]; ok {
			return v
		}
		return t.global[k]
	}
	if name == "" {
		name = trimNUL(h[:100])
		if string(h[257:263]) == "ustar\x00" && h[345] != 0 {
			prefix := h[345:500]
			if h[475] == 0 && string(h[508:512]) == "tar\x00" {
				prefix = h[345:476] // star
			}
			name = trimNUL(prefix) + "/" + name
		}
	}
	if v := get("path"); v != "" {
		name = v
	}
	if v := get("GNU.sparse.name"); v != "" {
		name = v
	}
	if v := get("size"); v != "" {
		n, err := strconv.ParseInt(v, 10, 64)
		if err != nil || n < 0 {
			return nil, fmt.Errorf("%w: pax size %q", ErrFormat, v)
		}
		size = n
	}
	if len(name) > MaxName {
		return nil, fmt.Errorf("%w: name of %d bytes", ErrFormat, len(name))
	}
	mode, _ := number(h[100:108])
	e := &t.next
	*e = Entry{Name: name, Size: size, Executable: mode&0o111 != 0}
	switch typ := h[156]; {
	case typ == 'S':
		return e, t.oldSparse(h, e)
	case typ == '0' || typ == 0 || typ == '7':
		e.Regular = typ != 0 || !strings.HasSuffix(name, "/")
	case typ >= '1' && typ <= '6':
		size = 0 // links and devices have none, whatever the field says
	case strings.IndexByte("DNVA", typ) >= 0:
		// A list of names, old GNU names, a volume's label, access rights:
		// where they have contents, these can be anything.
		e.Regular = size > 0
	default:
		// POSIX: an unknown type is a regular file. So are the vendors' own, of
		// which 'M' is the rest of a file that began in another archive.
		e.Regular = true
	}
	e.Size = size
	t.in.SubInto(&t.view, size)
	t.body, t.pad = &t.view, padding(size)
	if !e.Regular {
		return e, nil
	}
	e.Body, e.Stored = t.body, true
	switch {
	case get("GNU.sparse.major") == "1" && get("GNU.sparse.minor") == "0":
		m, err := sparseMap10(t.body)
		if err != nil {
			return nil, err
		}
		return e, t.sparse(e, m, get("GNU.sparse.realsize"))
	case get("GNU.sparse.map") != "":
		m, err := sparseMap01(get("GNU.sparse.map"))
		if err != nil {
			return nil, err
		}
		return e, t.sparse(e, m, get("GNU.sparse.size"))
	}
	return e, nil
}
