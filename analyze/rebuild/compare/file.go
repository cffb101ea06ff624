package compare

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode"
	"unicode/utf8"
)

// format is a kind of file that can be looked into. look reports false where
// one of the two is not what its first bytes promised; it has then recorded
// nothing.
type format struct {
	name  string
	match func(name string, head []byte) bool
	look  func(w *walker, at string, a, b *blob, depth int) (bool, error)
}

// headBytes are enough for every match: an ISO's descriptor ends at 32 KiB + 6.
const headBytes = 32<<10 + 6

// formats are tried in order; a file is what the first match says.
func formats() []format {
	magic := func(at int, m string) func(string, []byte) bool {
		return func(_ string, h []byte) bool { return len(h) >= at+len(m) && string(h[at:at+len(m)]) == m }
	}
	return []format{
		{"elf", magic(0, "\x7fELF"), (*walker).elf},
		{"gzip", magic(0, "\x1f\x8b\x08"), (*walker).gzip},
		{"xz", magic(0, "\xfd7zXZ\x00"), compressed(unxz)},
		{"zstd", magic(0, "\x28\xb5\x2f\xfd"), compressed(unzstd)},
		{"bzip2", magic(0, "BZh"), compressed(unbzip2)},
		{"zip", magic(0, "PK\x03\x04"), archive(zipMembers)},
		{"ar", magic(0, "!<arch>\n"), archive(arMembers)},
		{"cpio", magic(0, "070701"), archive(cpioMembers)},
		{"iso9660", magic(32769, "CD001"), archive(isoMembers)},
		{"squashfs", magic(0, "hsqs"), archive(squashMembers)},
		{"pyc", isPyc, (*walker).pyc},
		{"tar", func(_ string, h []byte) bool { return isTar(h) }, archive(tarMembers)},
	}
}

// file looks into two files that differ. The error is never about what they
// hold.
func (w *walker) file(at string, a, b *blob, depth int) error {
	if err := w.ctx.Err(); err != nil {
		return err
	}
	if depth < w.o.MaxDepth {
		headA, headB := a.head(headBytes), b.head(headBytes)
		for _, f := range formats() {
			if !f.match(at, headA) || !f.match(at, headB) {
				continue
			}
			before := w.res.Count
			ok, err := f.look(w, at, a, b, depth)
			if err != nil {
				return err
			}
			if ok && w.res.Count == before {
				// Everything that the format is known to hold is the same.
				return w.plain(at, f.name+" framing", a, b)
			}
			if ok {
				return nil
			}
			break
		}
	}
	return w.plain(at, "content", a, b)
}

// plain says where two files differ as bytes, or as lines.
func (w *walker) plain(at, what string, a, b *blob) error {
	p, err := firstDifference(a, b)
	if err != nil {
		return err
	}
	if what == "content" {
		if cause, detail := causes(a, b, p); cause != "" {
			w.add(at, cause, "%s", detail)
			return nil
		}
	}
	w.add(at, what, "%v", p)
	return nil
}

// firstDifference compares two files byte by byte.
func firstDifference(a, b *blob) (place, error) {
	p := place{sizeA: a.size, sizeB: b.size, first: -1}
	bufA, bufB := make([]byte, 64<<10), make([]byte, 64<<10)
	common := min(a.size, b.size)
	for at := int64(0); at < common; {
		n := min(int64(len(bufA)), common-at)
		if _, err := a.ReadAt(bufA[:n], at); err != nil && !errors.Is(err, io.EOF) {
			return p, fmt.Errorf("reading a file to compare: %w", err)
		}
		if _, err := b.ReadAt(bufB[:n], at); err != nil && !errors.Is(err, io.EOF) {
			return p, fmt.Errorf("reading a file to compare: %w", err)
		}
		p.note(at, bufA[:n], bufB[:n])
		at += n
	}
	if p.first < 0 {
		p.first = common
	}
	return p, nil
}

// nested looks into two contents that are read through a decompressor.
func (w *walker) nested(at string, a, b io.Reader, depth int) (bool, error) {
	fa, err := w.spool(a, -1)
	if err != nil {
		return w.unreadable(err)
	}
	defer fa.close()
	fb, err := w.spool(b, -1)
	if err != nil {
		return w.unreadable(err)
	}
	defer fb.close()
	same, err := same(fa.reader(), fb.reader())
	if err != nil {
		return false, err
	}
	if same {
		return true, nil
	}
	return true, w.file(at, fa, fb, depth+1)
}

// unreadable tells trouble of this machine, which ends the comparison, from
// contents that are not what they seem, which are compared as bytes instead.
func (w *walker) unreadable(err error) (bool, error) {
	var sys *os.PathError
	if w.ctx.Err() != nil {
		return false, w.ctx.Err()
	}
	if errors.As(err, &sys) {
		return false, err
	}
	return false, nil
}

// printable makes a string of unknown origin fit for a report: valid UTF-8
// without control characters, of bounded length.
func printable(s string) string {
	const longest = 400
	s = strings.ToValidUTF8(s, string(utf8.RuneError))
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) {
			return ' '
		}
		return r
	}, s)
	if len(s) > longest {
		cut := longest
		for cut > 0 && !utf8.RuneStart(s[cut]) {
			cut--
		}
		s = s[:cut] + "…"
	}
	return s
}

// isText reports whether bytes look like text: no NUL in them.
func isText(b []byte) bool { return bytes.IndexByte(b, 0) < 0 && utf8.Valid(b) }
