package rules

import (
	"hash/maphash"
	"strings"

	"fromsource/closure"
)

// pathHash stands for a store path that a text mentions. Texts mention more
// paths than a closure has, and of each only one thing is ever asked: which
// derivation makes it. So a path is not kept but hashed, with a seed that
// nobody can know beforehand: among a million paths, two have the same hash
// in one run of thirty million.
type pathHash uint64

var pathSeed = maphash.MakeSeed()

func hashPath(p string) pathHash { return pathHash(maphash.String(pathSeed, p)) }

// varRef is a variable that stands where a reference would.
type varRef struct {
	name string
	how  refHow
}

// knownRefs finds a derivation's references by their hash. It needs no
// clearing between derivations: a slot is free unless its turn is this one's.
type knownRefs struct {
	turn  uint32
	slots [4 * maxRefs]struct {
		turn uint32
		at   uint32 // in the references
	}
}

func (k *knownRefs) begin() {
	if k.turn++; k.turn == 0 {
		*k = knownRefs{turn: 1}
	}
}

// ref notes a store path.
func (x *extractor) ref(p string, how refHow) { x.refTo(hashPath(p), how) }

func (x *extractor) refTo(p pathHash, how refHow) {
	if x.depth > 0 {
		x.ops = append(x.ops, op{path: p, how: how})
		return
	}
	if len(x.refs) >= maxRefs {
		return
	}
	k := &x.known
	for i := uint(p); ; i++ {
		s := &k.slots[i%uint(len(k.slots))]
		if s.turn != k.turn {
			s.turn, s.at = k.turn, uint32(len(x.refs))
			x.refs = append(x.refs, ref{p, how})
			return
		}
		if r := &x.refs[s.at]; r.path == p {
			r.how.add(how)
			return
		}
	}
}

// add notes that what occurs in the way h occurs in another way, too.
func (h *refHow) add(how refHow) {
	if how > *h && *h == refVar || how == refSrc || how == refWrap && (*h == refLink || *h == refTool) || *h == refTool && (how == refContent || how == refLink) {
		*h = how
	}
}

// variableRef notes a variable that may hold a store path. name is copied
// where it is kept for longer than the derivation.
func (x *extractor) variableRef(name string, how refHow) {
	if x.depth > 0 {
		x.ops = append(x.ops, op{detail: strings.Clone(name), how: how})
		return
	}
	for i := range x.vars {
		if n := &x.vars[i]; n.name == name {
			n.how.add(how)
			return
		}
	}
	if len(x.vars) < maxRefs {
		x.vars = append(x.vars, varRef{name, how})
	}
}

// inputSource says that a path is one of the derivation's input sources.
func (x *extractor) inputSource(p pathHash) bool {
	for _, s := range x.d.InputSrcs {
		if hashPath(s) == p {
			return true
		}
	}
	return false
}

// refsIn notes the store paths of a value.
func (x *extractor) refsIn(v string, how refHow) {
	for {
		i := strings.Index(v, "/store/")
		if i < 0 {
			return
		}
		// The store directory's start: back to the nearest separator.
		s := i
		for s > 0 && !isSep(v[s-1]) {
			s--
		}
		e := i + 7
		for e < len(v) && isNameByte(v[e]) {
			e++
		}
		if e-i-7 > 33 {
			x.ref(v[s:e], how)
		}
		v = v[e:]
	}
}

// named notes an operand that begins with a variable of the derivation, which
// may hold a store path: what is copied is said by its name in older packages.
func (x *extractor) named(w string, how refHow) {
	if len(w) < 3 || w[0] != '$' {
		return
	}
	w = w[1:]
	brace := w[0] == '{'
	if brace {
		w = w[1:]
	}
	n := 0
	for n < len(w) && (w[n] == '_' || w[n] >= 'a' && w[n] <= 'z' || w[n] >= 'A' && w[n] <= 'Z' || n > 0 && w[n] >= '0' && w[n] <= '9') {
		n++
	}
	name, rest := w[:n], w[n:]
	if brace {
		if !strings.HasPrefix(rest, "}") {
			return
		}
		rest = rest[1:]
	}
	switch name {
	case "", "out", "src", "srcs", "sourceRoot", "prefix", "lib", "dev", "bin", "doc", "man", "HOME", "TMPDIR", "PWD":
		return
	}
	if rest == "" || rest[0] == '/' {
		x.variableRef(name, how)
	}
}

// resolve reads the store paths that the noted variables hold, the last one
// noted first.
func (x *extractor) resolve() {
	for i := len(x.vars) - 1; i >= 0; i-- {
		n := x.vars[i]
		if v := x.attrs.Get(n.name); strings.HasPrefix(v, "/") && strings.Contains(v, "/store/") && !strings.ContainsAny(v, " \t\n") {
			x.ref(rootOf(v), n.how)
		}
	}
}

// makers finds the derivation that makes a path, by the path's hash.
type makers struct {
	slots []maker // a power of two, at least half of them free
}

type maker struct {
	path pathHash
	id   closure.ID // + 1; 0 is free
}

// makersOf reads the outputs of a closure. Where two derivations claim one
// path, as a tampered one may, the lower ID answers, as in closure.Producer.
func makersOf(g *closure.Graph) makers {
	n := 1
	for n < 3*g.Len() {
		n *= 2
	}
	m := makers{make([]maker, n)}
	used := 0
	for id := range closure.ID(g.Len()) {
		for _, o := range g.Outputs(id) {
			if o.Path == "" {
				continue
			}
			h := hashPath(o.Path)
			if s := m.slot(h); s.id == 0 {
				*s = maker{h, id + 1}
				used++
			}
			if 2*used > len(m.slots) {
				m.grow()
			}
		}
	}
	return m
}

// slot is where a path is, or where it would be.
func (m *makers) slot(h pathHash) *maker {
	for i := uint(h); ; i++ {
		if s := &m.slots[i&uint(len(m.slots)-1)]; s.id == 0 || s.path == h {
			return s
		}
	}
}

func (m *makers) grow() {
	old := m.slots
	m.slots = make([]maker, 2*len(old))
	for _, o := range old {
		if o.id != 0 {
			*m.slot(o.path) = o
		}
	}
}

// find is the derivation that makes a path, closure.None if none does.
func (m *makers) find(h pathHash) closure.ID { return m.slot(h).id - 1 }
