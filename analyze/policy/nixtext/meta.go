package nixtext

import (
	"bytes"
	"errors"
	"slices"
	"strings"
)

// meta is where a package's meta stands: a set that is written out, or
// bindings of the form meta.description = …; in the package's own set.
type meta struct {
	start int
	// block is the token that opens the set; -1 for dotted bindings.
	block int
	// last is the end of the last of those.
	last int
	// withs are what "with" brings into scope before the set.
	withs []string
	// based is true where the set updates another one (old.meta // { … }).
	based bool
}

var (
	errComputed = errors.New("its meta is not written out as a set")
	errUnread   = errors.New("not all of its set of attributes was understood")
)

// metaAt reads the meta that starts at token i.
func (x *Expr) metaAt(i int) (meta, error) {
	m := meta{start: i, block: -1}
	k := i + 2
	for x.is(k, "with") {
		names, next := x.path(k + 1)
		if len(names) == 0 || !x.is(next, ";") {
			return m, errComputed
		}
		m.withs = append(m.withs, strings.Join(names, "."))
		k = next + 1
	}
	if names, next := x.path(k); len(names) > 0 && x.is(next, "/") && x.is(next+1, "/") {
		m.based = true
		k = next + 2
	} else if x.is(k, "(") && x.is(x.partner[k]+1, "/") && x.is(x.partner[k]+2, "/") {
		m.based = true
		k = x.partner[k] + 3
	}
	if x.is(k, "rec") {
		k++
	}
	if !x.is(k, "{") || !x.is(x.partner[k]+1, ";") {
		return m, errComputed
	}
	m.block = k
	return m, nil
}

// isMeta reports whether token i starts a binding of meta as a whole.
func (x *Expr) isMeta(i int) bool {
	return x.ident(i) && x.is(i, "meta") && (x.starts(i) || x.is(i-1, "let") || x.is(i-1, ";")) && x.is(i+1, "=") && !x.is(i+2, "=")
}

// find gives the meta that a position is about. Nix gives, as meta.position,
// the line of a package's description, or else of its version or name; what
// was read from text gives the line of meta or of the label itself.
func (x *Expr) find(line int) (meta, error) {
	best, computed := -1, false
	var found meta
	for i := range x.toks {
		if !x.isMeta(i) || x.toks[i].Line > line {
			continue
		}
		end := x.end(i + 2)
		if end < 0 || x.toks[end].Line < line {
			continue
		}
		if best >= 0 && i > x.end(best+2) {
			return meta{}, errors.New("two packages stand on its line")
		}
		m, err := x.metaAt(i)
		best, found, computed = i, m, err != nil
	}
	switch {
	case computed:
		return meta{}, errComputed
	case best >= 0:
		return found, nil
	}
	first := slices.IndexFunc(x.toks, func(t Token) bool { return t.Line >= line })
	if first < 0 || x.toks[first].Line != line {
		return meta{}, errors.New("there is nothing on its line: is this the checkout that was evaluated?")
	}
	set := x.parent[first]
	for set >= 0 && !x.is(set, "{") {
		set = x.parent[set]
	}
	if set < 0 {
		return meta{}, errors.New("its line is in no set of attributes")
	}
	return x.metaOf(set)
}

// metaOf gives the meta among the bindings of a set.
func (x *Expr) metaOf(set int) (meta, error) {
	var whole, dotted []binding
	all, ok := x.bindings(set)
	if !ok {
		return meta{}, errUnread
	}
	for _, b := range all {
		switch {
		case len(b.names) == 0 || b.names[0] != "meta":
		case b.value < 0:
			return meta{}, errors.New("its meta is inherited")
		case len(b.names) == 1:
			whole = append(whole, b)
		default:
			dotted = append(dotted, b)
		}
	}
	switch {
	case len(whole) == 1 && len(dotted) == 0:
		return x.metaAt(whole[0].start)
	case len(whole) == 0 && len(dotted) > 0:
		return meta{start: dotted[0].start, block: -1, last: dotted[len(dotted)-1].end}, nil
	case len(whole)+len(dotted) == 0:
		return meta{}, errors.New("no meta stands beside its line")
	}
	return meta{}, errors.New("more than one meta stands beside its line")
}

// label gives the binding of sourceProvenance in a meta; ok is false where
// there is none.
func (x *Expr) label(m meta) (b binding, ok bool, err error) {
	set, names := m.block, []string{"sourceProvenance"}
	if set < 0 {
		set, names = x.parent[m.start], []string{"meta", "sourceProvenance"}
	}
	all, whole := x.bindings(set)
	if !whole {
		return b, false, errUnread
	}
	for _, c := range all {
		if !slices.Equal(c.names, names) {
			continue
		}
		if c.value < 0 {
			return b, false, errors.New("its label is inherited")
		}
		b, ok = c, true
	}
	return b, ok, nil
}

// scope is what leads to lib.sourceTypes at a meta: by a with there, by what
// the set itself uses, or by what the file takes as arguments.
func (x *Expr) scope(m meta) (string, error) {
	for _, w := range m.withs {
		if w == "lib" || strings.HasSuffix(w, ".lib") {
			return w + ".sourceTypes", nil
		}
	}
	if m.block >= 0 {
		for i := m.block + 1; i < x.partner[m.block]; i++ {
			if names, _ := x.path(i); len(names) > 1 && !x.is(i-1, ".") && !x.is(i-1, "/") && !x.starts(i) {
				if k := slices.Index(names, "lib"); k == 0 || k == 1 && len(names) > 2 {
					return strings.Join(names[:k+1], ".") + ".sourceTypes", nil
				}
			}
		}
	}
	body, args := x.arguments()
	if slices.Contains(args, "lib") {
		return "lib.sourceTypes", nil
	}
	for x.is(body, "with") {
		names, next := x.path(body + 1)
		if len(names) > 0 && names[len(names)-1] == "lib" && x.is(next, ";") {
			return strings.Join(names, ".") + ".sourceTypes", nil
		}
		body = next + 1
	}
	return "", errors.New("lib is not in scope as far as can be seen: the file does not take it")
}

// arguments are what the function that a file consists of takes as a set, and
// the token at which its body starts.
func (x *Expr) arguments() (body int, args []string) {
	open := 0
	if x.ident(0) && x.is(1, "@") {
		open = 2
	}
	if !x.is(open, "{") {
		return 0, nil
	}
	body = x.partner[open] + 1
	if x.is(body, "@") && x.ident(body+1) {
		body += 2
	}
	if !x.is(body, ":") {
		return 0, nil // a set
	}
	for i := open + 1; i < x.partner[open]; i++ {
		if x.parent[i] == open && x.ident(i) && (x.is(i-1, "{") || x.is(i-1, ",")) {
			args = append(args, x.toks[i].Text)
		}
	}
	return body + 1, args
}

// Name is the name that stands beside token i: that of the nearest set around
// it which has one. exact is false where more than a version is left open.
func (x *Expr) Name(i int) (name string, exact bool) {
	// A meta is at most a few sets away from its name (passthru, tests).
	for set, depth := x.parent[i], 0; set >= 0 && depth < 16; set, depth = x.parent[set], depth+1 {
		if !x.is(set, "{") {
			continue
		}
		all, _ := x.bindings(set)
		for _, key := range []string{"pname", "name"} {
			for _, b := range all {
				if len(b.names) != 1 || b.names[0] != key || b.value < 0 || x.toks[b.value].Kind != String {
					continue
				}
				t, next := x.toks[b.value], b.value+1
				if strings.HasSuffix(t.Text, "-") && key == "name" && x.is(next, "${") {
					brace := x.partner[next]
					if !bytes.HasPrefix(x.data[x.toks[brace].End:], []byte(`"`)) {
						return t.Text, false // more follows the version
					}
					next = brace + 1
				}
				return t.Text, next == b.end
			}
		}
	}
	return "", false
}
