package policy

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// maxNixFile bounds a Nix expression that is read, in bytes; nixpkgs' largest
// are generated package lists without labels.
const maxNixFile = 8 << 20

// ReadCheckout finds labels in the text of a nixpkgs checkout, for those who
// cannot evaluate it. A package is a pname or name beside a meta; its label
// is the list after the next sourceProvenance. Labels that are computed are
// read as all the source types they mention. Files that cannot be read are
// counted as failed.
func ReadCheckout(checkout fs.FS) (*Labels, error) {
	out := &Labels{}
	err := fs.WalkDir(checkout, ".", func(name string, e fs.DirEntry, err error) error {
		if err != nil {
			if name == "." {
				return err
			}
			out.Failed++
			return nil
		}
		if e.IsDir() && name != "." && strings.HasPrefix(e.Name(), ".") {
			return fs.SkipDir
		}
		if !e.Type().IsRegular() || path.Ext(name) != ".nix" {
			return nil
		}
		data, err := readFile(checkout, name)
		if err != nil {
			out.Failed++
			return nil
		}
		out.List = append(out.List, labelsOf(name, data)...)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("reading checkout: %w", err)
	}
	if len(out.List) == 0 {
		return nil, errors.New("reading checkout: no package with a name and a meta in any .nix file")
	}
	return out, nil
}

func readFile(checkout fs.FS, name string) ([]byte, error) {
	f, err := checkout.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return readBounded(f, maxNixFile)
}

// labelsOf reads one expression: each name opens a package, which the label
// or meta that follows belongs to.
func labelsOf(file string, data []byte) []Label {
	tokens := nixTokens(data)
	var out []Label
	names := map[int]string{} // token to package name
	order := []int{}
	for i := 0; i+2 < len(tokens); i++ {
		t := tokens[i]
		if t.kind != 'i' || t.text != "pname" && t.text != "name" || tokens[i+1].text != "=" || tokens[i+2].kind != 's' {
			continue
		}
		if n := packageName(strings.TrimSuffix(tokens[i+2].text, "-")); n != "" {
			names[i] = n
			order = append(order, i)
		}
	}
	nameOf := func(at int) string {
		best := ""
		for _, i := range order {
			if i < at || best == "" {
				best = names[i]
			}
		}
		if best == "" {
			best = path.Base(path.Dir(file))
		}
		return best
	}
	labelled := map[string]bool{}
	for i := 0; i+1 < len(tokens); i++ {
		if tokens[i].kind != 'i' || tokens[i].text != "sourceProvenance" || tokens[i+1].text != "=" {
			continue
		}
		l := Label{Name: nameOf(i), File: file, Line: tokens[i].line, Types: typesAfter(tokens[i+2:])}
		labelled[l.Name] = true
		out = append(out, l)
	}
	for i := 0; i+1 < len(tokens) && len(order) > 0; i++ {
		if tokens[i].kind != 'i' || tokens[i].text != "meta" || tokens[i+1].text != "=" {
			continue
		}
		if n := nameOf(i); !labelled[n] {
			labelled[n] = true
			out = append(out, Label{Name: n, File: file, Line: tokens[i].line})
		}
	}
	return out
}

// typesAfter collects source types up to the semicolon that ends the list;
// that of "with lib.sourceTypes;" comes before.
func typesAfter(tokens []nixToken) []string {
	var out []string
	with := false
	for _, t := range tokens {
		switch {
		case t.kind == 'i' && t.text == "with":
			with = true
		case t.text == ";" && with:
			with = false
		case t.text == ";":
			slices.Sort(out)
			return slices.Compact(out)
		case t.kind == 'i' && (t.text == "fromSource" || strings.HasPrefix(t.text, "binary")):
			out = append(out, t.text)
		}
	}
	return nil // not ended: no expression that Nix would read
}

// nixToken is an identifier ('i'), a string ('s', up to its first
// interpolation) or another character ('.').
type nixToken struct {
	kind byte
	text string
	line int
}

// nixTokens splits a Nix expression. It knows comments, both kinds of string
// and interpolation, so that what stands in those is not taken for code; it
// does not recurse, and takes any bytes.
func nixTokens(data []byte) []nixToken {
	lx := nixLexer{data: data, line: 1}
	for lx.pos < len(data) {
		lx.step()
	}
	return lx.out
}

type nixLexer struct {
	data      []byte
	pos, line int
	out       []nixToken
	// open holds what is to be gone back to at a closing brace: 'b' a brace,
	// 's' or 'i' the string whose interpolation this is.
	open []byte
}

func (lx *nixLexer) at(n int) byte {
	if lx.pos+n < len(lx.data) {
		return lx.data[lx.pos+n]
	}
	return 0
}

func (lx *nixLexer) advance(n int) {
	for range n {
		if lx.pos < len(lx.data) {
			if lx.data[lx.pos] == '\n' {
				lx.line++
			}
			lx.pos++
		}
	}
}

func (lx *nixLexer) emit(kind byte, text string, line int) {
	lx.out = append(lx.out, nixToken{kind, text, line})
}

func (lx *nixLexer) step() {
	c := lx.at(0)
	switch {
	case c == '#':
		for lx.pos < len(lx.data) && lx.at(0) != '\n' {
			lx.advance(1)
		}
	case c == '/' && lx.at(1) == '*':
		lx.advance(2)
		for lx.pos < len(lx.data) && (lx.at(0) != '*' || lx.at(1) != '/') {
			lx.advance(1)
		}
		lx.advance(2)
	case c == '"':
		lx.advance(1)
		lx.text('s', true)
	case c == '\'' && lx.at(1) == '\'':
		lx.advance(2)
		lx.text('i', true)
	case c == '{':
		lx.open = append(lx.open, 'b')
		lx.emit('.', "{", lx.line)
		lx.advance(1)
	case c == '}':
		lx.emit('.', "}", lx.line)
		lx.advance(1)
		if n := len(lx.open); n > 0 {
			was := lx.open[n-1]
			lx.open = lx.open[:n-1]
			if was != 'b' {
				lx.text(was, false)
			}
		}
	case c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z':
		start, line := lx.pos, lx.line
		for c := lx.at(0); c == '_' || c == '-' || c == '\'' && lx.at(1) != '\'' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'; c = lx.at(0) {
			lx.advance(1)
		}
		lx.emit('i', string(lx.data[start:lx.pos]), line)
	default:
		if c > ' ' {
			lx.emit('.', string(c), lx.line)
		}
		lx.advance(1)
	}
}

// text reads a string up to its end or its next interpolation; first says
// whether its text becomes a token.
func (lx *nixLexer) text(kind byte, first bool) {
	start, line := lx.pos, lx.line
	end := func(skip int) {
		if first {
			lx.emit('s', string(lx.data[start:lx.pos]), line)
		}
		lx.advance(skip)
	}
	for lx.pos < len(lx.data) {
		switch c := lx.at(0); {
		case kind == 's' && c == '\\', kind == 'i' && c == '\'' && lx.at(1) == '\'' && lx.at(2) == '\\':
			lx.advance(2)
			if kind == 'i' {
				lx.advance(2)
			}
		case kind == 'i' && c == '\'' && lx.at(1) == '\'' && (lx.at(2) == '$' || lx.at(2) == '\''):
			lx.advance(3)
		case kind == 's' && c == '"':
			end(1)
			return
		case kind == 'i' && c == '\'' && lx.at(1) == '\'':
			end(2)
			return
		case c == '$' && lx.at(1) == '$':
			lx.advance(2)
		case c == '$' && lx.at(1) == '{':
			end(2)
			lx.open = append(lx.open, kind)
			return
		default:
			lx.advance(1)
		}
	}
	end(0)
}
