package rules

import (
	"hash/maphash"
	"strings"
	"sync"
)

// The same text comes again and again in a closure: the phases of a
// language's build helper, the lines of generated scripts, the paths of
// common tools. What a piece of text says is therefore worked out once and
// remembered by the text itself, as a list of what it says; to read it again
// is to look it up and to say the same again. A memo changes no answer: what
// a piece says depends on nothing but the piece and the variable that it
// stands in, and pieces are told apart by 128 bits of hashes with seeds that
// nobody can know beforehand; store paths by 64 (see pathHash).

// op is one thing that a piece of text says: a signal with its detail, or,
// where there is none, a variable that stands for a store path, or the path.
type op struct {
	sig    signal
	how    refHow
	path   pathHash
	detail string // or the variable's name
}

// variable is what is known of the variables of one name.
type variable struct {
	name  string // owned
	place string // as evidence has it
	class varClass
	sig   signal
	// builds says that the variable is read by the build phase only.
	builds bool
	// number tells variables apart in a cache.
	number uint32
	// next came after this one the last time: mostly it does so again.
	next *variable
}

// Sizes of a memo, in pieces of text. The longest piece is a phase; longer
// ones recur seldom.
const (
	maxPiece   = 4 << 10
	firstTexts = 1 << 8
	mostTexts  = 1 << 15
)

// memo remembers texts. It is not safe for concurrent use.
type memo struct {
	variables map[string]*variable
	start     variable // stands before the first of an environment

	paragraphs, lines, values, tools, inputs cache
}

// inputDrvs stands for a variable where inputs are read by their names.
var inputDrvs = variable{place: "inputDrvs"}

// cache remembers what pieces of text of one kind say: of those that fall on
// one place the last. It does not keep the texts: to compare with a copy that
// was last touched long ago takes longer than to hash twice what was just
// read. It begins small: to touch fresh memory would cost a small closure more
// than it saves.
type cache struct {
	places []place // a power of two
	news   int     // how often a place was filled
	seeds  [2]maphash.Seed
}

// place is what one piece of text says; free where both hashes are 0.
type place struct {
	hash, check uint64
	ops         []op
}

func (c *cache) at(hash uint64) *place { return &c.places[hash&uint64(len(c.places)-1)] }

// grow makes room where texts have begun to push each other out.
func (c *cache) grow() {
	old := c.places
	c.places, c.news = make([]place, 4*len(old)), 0
	for i := range old {
		*c.at(old[i].hash) = old[i]
	}
}

func (m *memo) reset() {
	*m = memo{variables: map[string]*variable{}}
	seeds := [2]maphash.Seed{maphash.MakeSeed(), maphash.MakeSeed()}
	for _, c := range [...]*cache{&m.paragraphs, &m.lines, &m.values, &m.tools, &m.inputs} {
		*c = cache{places: make([]place, firstTexts), seeds: seeds}
	}
}

// variable is what is known of the variables called key.
func (m *memo) variable(key string) *variable {
	if v, ok := m.variables[key]; ok {
		return v
	}
	v := &variable{name: strings.Clone(key), place: "env." + key, builds: key == "buildPhase" || key == "preBuild" || key == "postBuild"}
	v.class, v.sig = classify(v.name)
	v.number = uint32(len(m.variables) + 1)
	m.variables[v.name] = v
	return v
}

// of is what a text says, by read if it is not remembered. The result is
// valid until the cache is asked again. tag tells apart what the same text
// says in different places.
func (c *cache) of(x *extractor, text string, tag uint32, read func(string)) []op {
	return c.ofHash(x, maphash.String(c.seeds[0], text)+uint64(tag)*0x9e3779b97f4a7c15, maphash.String(c.seeds[1], text)+uint64(tag), text, read)
}

// ofPath is of for a store path, which says the same everywhere.
func (c *cache) ofPath(x *extractor, p string, read func(string)) []op {
	return c.ofHash(x, uint64(hashPath(p)), 1, p, read)
}

func (c *cache) ofHash(x *extractor, hash, check uint64, text string, read func(string)) []op {
	p := c.at(hash)
	if p.hash == hash && p.check == check {
		return p.ops
	}
	first, said := len(x.ops), x.said
	x.depth++
	x.said = bits{}
	read(text)
	x.depth--
	x.said = said
	if c.news++; c.news > len(c.places) && len(c.places) < mostTexts {
		c.grow()
	}
	p = c.at(hash) // reading may have made the cache grow
	p.hash, p.check = hash, check
	p.ops = append(p.ops[:0], x.ops[first:]...)
	x.ops = x.ops[:first]
	return p.ops
}

// replay says again what a text said.
func (x *extractor) replay(ops []op) {
	for i := range ops {
		switch o := &ops[i]; {
		case o.sig != sigNone:
			x.say(o.sig, o.detail)
		case o.detail != "":
			x.variableRef(o.detail, o.how)
		default:
			x.refTo(o.path, o.how)
		}
	}
}

// extractors keeps extractors with their memos from one derivation to the
// next. Each goroutine that extracts comes to use one of its own.
var extractors = sync.Pool{New: func() any {
	x := new(extractor)
	x.memo.reset()
	return x
}}

// block hands out parts of large slices, so that a hundred thousand short
// lists are few allocations.
type block[E any] struct{ free []E }

func (b *block[E]) clone(s []E) []E {
	const size = 512
	if len(s) == 0 {
		return nil
	}
	if len(s) > len(b.free) {
		b.free = make([]E, max(size, len(s)))
	}
	c := b.free[:len(s):len(s)]
	b.free = b.free[len(s):]
	copy(c, s)
	return c
}
