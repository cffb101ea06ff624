package policy

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"fromsource/analyze/policy/nixtext"
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

// labelsOf reads one expression: a label, or else a meta, belongs to the name
// that stands beside it.
func labelsOf(file string, data []byte) []Label {
	tokens, _ := nixtext.Tokens(data) // what does not end is read as far as it goes
	binds := func(i int, name string) bool {
		return tokens[i].Kind == nixtext.Ident && tokens[i].Text == name && tokens[i+1].Text == "="
	}
	named, relevant := false, false
	for i := 0; i+2 < len(tokens); i++ {
		named = named || (binds(i, "pname") || binds(i, "name")) && tokens[i+2].Kind == nixtext.String
		relevant = relevant || binds(i, "meta") || binds(i, "sourceProvenance")
	}
	if !relevant {
		return nil
	}
	nameOf := namer(file, data, tokens)
	labelled := map[string]bool{}
	var out []Label
	for i := 0; i+1 < len(tokens); i++ {
		if binds(i, "sourceProvenance") {
			l := Label{File: file, Line: tokens[i].Line, Types: typesAfter(tokens[i+2:])}
			l.Name, l.guessed = nameOf(i)
			labelled[l.Name] = true
			out = append(out, l)
		}
	}
	for i := 0; i+1 < len(tokens) && named; i++ {
		if !binds(i, "meta") {
			continue
		}
		if n, guessed := nameOf(i); !labelled[n] {
			labelled[n] = true
			out = append(out, Label{Name: n, File: file, Line: tokens[i].Line, guessed: guessed})
		}
	}
	return out
}

// namer gives the name of the package that a token is about, and whether that
// is a guess. Where no set around it has a name, as in code that only updates
// another package, it is the last one before, or that of the folder.
func namer(file string, data []byte, tokens []nixtext.Token) func(int) (string, bool) {
	expr, err := nixtext.Parse(data)
	return func(at int) (string, bool) {
		if err == nil {
			if s, exact := expr.Name(at); s != "" {
				return packageName(strings.TrimSuffix(s, "-")), !exact
			}
		}
		best := ""
		for i := 0; i+2 < len(tokens) && (i < at || best == ""); i++ {
			t := tokens[i]
			if t.Kind == nixtext.Ident && (t.Text == "pname" || t.Text == "name") && tokens[i+1].Text == "=" && tokens[i+2].Kind == nixtext.String {
				if n := packageName(strings.TrimSuffix(tokens[i+2].Text, "-")); n != "" {
					best = n
				}
			}
		}
		if best == "" {
			best = path.Base(path.Dir(file))
		}
		return best, true
	}
}

// typesAfter collects source types up to the semicolon that ends the list;
// that of "with lib.sourceTypes;" comes before.
func typesAfter(tokens []nixtext.Token) []string {
	var out []string
	with := false
	for _, t := range tokens {
		switch {
		case t.Kind == nixtext.Ident && t.Text == "with":
			with = true
		case t.Text == ";" && with:
			with = false
		case t.Text == ";":
			slices.Sort(out)
			return slices.Compact(out)
		case t.Kind == nixtext.Ident && (t.Text == "fromSource" || strings.HasPrefix(t.Text, "binary")):
			out = append(out, t.Text)
		}
	}
	return nil // not ended: no expression that Nix would read
}
