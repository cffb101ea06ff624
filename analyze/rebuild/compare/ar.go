package compare

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

const arHeader = 60

// arMembers reads a Unix archive: a .a of either flavour, or a .deb. GNU's
// long names are looked up, BSD's are part of the contents and stay there.
func arMembers(b *blob, most int) ([]member, bool, error) {
	var ms []member
	var long []byte
	for at := int64(8); at < b.size; {
		var h [arHeader]byte
		if n, _ := b.ReadAt(h[:], at); n < arHeader || h[58] != '`' || h[59] != '\n' {
			return nil, false, fmt.Errorf("no header at byte %d", at)
		}
		text := func(from, to int) string { return strings.TrimRight(string(h[from:to]), " ") }
		size, err := strconv.ParseInt(text(48, 58), 10, 64)
		if err != nil || !within(b, at+arHeader, size) {
			return nil, false, fmt.Errorf("no size at byte %d", at)
		}
		name := text(0, 16)
		if name == "//" {
			if size > 16<<20 {
				return nil, false, errors.New("too long a table of names")
			}
			long = b.part(at+arHeader, size).head(size)
		}
		if len(ms) == most {
			return nil, false, errBudget
		}
		ms = append(ms, member{
			name: arName(name, long), size: size, off: at + arHeader,
			fields: []field{
				{what: "timestamp", name: "time", value: text(16, 28), metadata: true},
				{what: "owner", name: "owner", value: text(28, 34) + ":" + text(34, 40), metadata: true},
				{what: "mode", name: "mode", value: text(40, 48)},
			},
		})
		at += arHeader + size + size&1
	}
	return ms, true, nil
}

func arName(name string, long []byte) string {
	if n, err := strconv.Atoi(strings.TrimPrefix(name, "/")); err == nil && name[0] == '/' && n >= 0 && n < len(long) {
		end := bytes.IndexByte(long[n:], '\n')
		if end < 0 {
			end = len(long) - n
		}
		return strings.TrimSuffix(string(long[n:n+end]), "/")
	}
	switch name {
	case "/":
		return "(symbol table)"
	case "//":
		return "(long names)"
	}
	return strings.TrimSuffix(name, "/")
}
