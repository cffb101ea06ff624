package reference

import (
	"bufio"
	"context"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"path"
	"strings"
)

// List is a published list of file hashes, as beside a release: the sha256 of
// an ISO. It says something of every output that has a file of such a name.
type List struct {
	name  string
	files map[string]string // base name to SRI
}

// ParseList reads the output of sha256sum in either of its forms, or a single
// bare hash for the file called bare. Empty lines and comments are skipped.
func ParseList(name, bare string, r io.Reader) (*List, error) {
	l := &List{name: name, files: map[string]string{}}
	in := bufio.NewScanner(io.LimitReader(r, 64<<20))
	for n := 1; in.Scan(); n++ {
		line := strings.TrimSpace(in.Text())
		if line == "" || line[0] == '#' {
			continue
		}
		sum, file, ok := listLine(line)
		if !ok && bare != "" && !strings.ContainsAny(line, " \t") {
			sum, file, ok = line, bare, true
		}
		raw, err := hex.DecodeString(sum)
		if !ok || err != nil || len(raw) != 32 {
			return nil, fmt.Errorf("%s, line %d: expected a sha256 and a file name, not %q", name, n, line)
		}
		sri := "sha256-" + base64.StdEncoding.EncodeToString(raw)
		base := path.Base(file)
		if old, ok := l.files[base]; ok && old != sri {
			return nil, fmt.Errorf("%s, line %d: a second hash for %q", name, n, base)
		}
		l.files[base] = sri
	}
	if err := in.Err(); err != nil {
		return nil, fmt.Errorf("reading %s: %w", name, err)
	}
	return l, nil
}

// listLine cuts "hash  file", "hash *file" and "SHA256 (file) = hash".
func listLine(line string) (sum, file string, ok bool) {
	if rest, ok := strings.CutPrefix(line, "SHA256 ("); ok {
		i := strings.LastIndex(rest, ") = ")
		if i < 0 {
			return "", "", false
		}
		return rest[i+len(") = "):], rest[:i], true
	}
	sum, file, ok = strings.Cut(line, " ")
	file = strings.TrimPrefix(strings.TrimLeft(file, " "), "*")
	return sum, file, ok && file != ""
}

// Name implements Source.
func (l *List) Name() string { return l.name }

// Lookup implements Source: the same for every output, since the list knows
// files and not outputs.
func (l *List) Lookup(context.Context, Query) ([]Record, error) {
	if len(l.files) == 0 {
		return nil, ErrNone
	}
	return []Record{{Against: l.name, Files: l.files}}, nil
}
