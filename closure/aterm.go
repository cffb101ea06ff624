package closure

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/bits"
	"unsafe"
)

// maxDynamicDepth bounds how deeply outputs of outputs may nest. Nix's own
// experimental feature has seen two levels.
const maxDynamicDepth = 128

// A SyntaxError says where a derivation stops being one.
type SyntaxError struct {
	File     string // what was read: a file's name or a store path
	Offset   int64  // in bytes, from the start of the derivation
	Expected string // what should have been there
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("reading derivation %q: byte %d: expected %s", e.File, e.Offset, e.Expected)
}

// ParseATerm reads a derivation as Nix writes it to a store, and all that
// Nix's own reader takes: unsorted and repeated members, superfluous escapes,
// bytes after the closing parenthesis, any store directory, and the
// "xp-dyn-drv" version (nix: src/libstore/derivation/aterm.cc).
//
// The derivation takes data over: its strings alias it and escapes are
// resolved in place. An error is a *SyntaxError.
func ParseATerm(drvPath string, data []byte) (*Derivation, error) {
	var p parser
	d, err := p.parse(drvPath, data)
	if err != nil {
		return nil, err
	}
	return d, nil
}

// parser reads one derivation after the other into the same memory: the
// derivation that parse returns is valid until the next call.
type parser struct {
	buf []byte
	pos int
	// expected and at describe the first error.
	expected string
	at       int
	dynamic  bool
	d        Derivation
	pool     []string
}

func (p *parser) parse(drvPath string, data []byte) (*Derivation, error) {
	p.buf, p.pos, p.expected, p.dynamic = data, 0, "", false
	p.pool = p.pool[:0]
	d := &p.d
	*d = Derivation{
		Path: drvPath, Outputs: d.Outputs[:0], InputDrvs: d.InputDrvs[:0],
		InputSrcs: d.InputSrcs[:0], Args: d.Args[:0], Env: d.Env[:0],
	}
	if !p.derivation(d) {
		return nil, &SyntaxError{File: drvPath, Offset: int64(p.at), Expected: p.expected}
	}
	normalize(d)
	return d, nil
}

// fail keeps the first error; it returns false for the caller to return.
func (p *parser) fail(at int, expected string) bool {
	if p.expected == "" {
		p.at, p.expected = at, expected
	}
	return false
}

func (p *parser) derivation(d *Derivation) bool {
	switch {
	case p.has("Derive("):
	case p.has("DrvWithVersion("):
		at := p.pos
		v, ok := p.str()
		if !ok {
			return false
		}
		if v != "xp-dyn-drv" {
			return p.fail(at, `the version "xp-dyn-drv"`)
		}
		p.dynamic = true
		if !p.char(',') {
			return false
		}
	default:
		return p.fail(0, `"Derive(" or "DrvWithVersion("`)
	}
	return p.char('[') && p.outputs(d) &&
		p.lit(",[") && p.inputDrvs(d) &&
		p.lit(",[") && p.inputSrcs(d) &&
		p.char(',') && p.strInto(&d.System) &&
		p.char(',') && p.strInto(&d.Builder) &&
		p.lit(",[") && p.args(d) &&
		p.lit(",[") && p.env(d) &&
		p.char(')')
}

func (p *parser) outputs(d *Derivation) bool {
	for {
		if end, ok := p.listEnd(); end || !ok {
			return ok
		}
		var o Output
		if !p.char('(') || !p.strInto(&o.Name) || !p.char(',') {
			return false
		}
		at := p.pos
		if !p.strInto(&o.Path) {
			return false
		}
		if o.Path != "" && o.Path[0] != '/' {
			return p.fail(at, "an absolute output path, or none")
		}
		if !p.char(',') || !p.strInto(&o.HashAlgo) || !p.char(',') || !p.strInto(&o.Hash) || !p.char(')') {
			return false
		}
		d.Outputs = append(d.Outputs, o)
	}
}

func (p *parser) inputDrvs(d *Derivation) bool {
	for {
		if end, ok := p.listEnd(); end || !ok {
			return ok
		}
		var in InputDrv
		if !p.char('(') || !p.pathInto(&in.Path) || !p.char(',') {
			return false
		}
		var ok bool
		if in.Outputs, in.Dynamic, ok = p.uses(0); !ok || !p.char(')') {
			return false
		}
		d.InputDrvs = append(d.InputDrvs, in)
	}
}

// uses reads which outputs of an input are used: a list of names, or in the
// dynamic version a pair of it and a list of outputs of outputs.
func (p *parser) uses(depth int) (outs []string, dyn []DynamicOutput, ok bool) {
	if !p.dynamic || !p.has("(") {
		if !p.char('[') {
			return nil, nil, false
		}
		outs, ok = p.names()
		return outs, nil, ok
	}
	if depth == maxDynamicDepth {
		return nil, nil, p.fail(p.pos, fmt.Sprintf("dynamic outputs nested at most %d deep", maxDynamicDepth))
	}
	if !p.char('[') {
		return nil, nil, false
	}
	if outs, ok = p.names(); !ok || !p.lit(",[") {
		return nil, nil, false
	}
	for {
		if end, ok := p.listEnd(); end || !ok {
			return outs, dyn, ok && p.char(')')
		}
		var o DynamicOutput
		if !p.char('(') || !p.strInto(&o.Output) || !p.char(',') {
			return nil, nil, false
		}
		if o.Outputs, o.Dynamic, ok = p.uses(depth + 1); !ok || !p.char(')') {
			return nil, nil, false
		}
		dyn = append(dyn, o)
	}
}

// names reads the rest of a list of strings into the parser's pool.
func (p *parser) names() ([]string, bool) {
	start := len(p.pool)
	for {
		if end, ok := p.listEnd(); end || !ok {
			return p.pool[start:len(p.pool):len(p.pool)], ok
		}
		s, ok := p.str()
		if !ok {
			return nil, false
		}
		p.pool = append(p.pool, s)
	}
}

func (p *parser) inputSrcs(d *Derivation) bool {
	for {
		if end, ok := p.listEnd(); end || !ok {
			return ok
		}
		var s string
		if !p.pathInto(&s) {
			return false
		}
		d.InputSrcs = append(d.InputSrcs, s)
	}
}

func (p *parser) args(d *Derivation) bool {
	for {
		if end, ok := p.listEnd(); end || !ok {
			return ok
		}
		s, ok := p.str()
		if !ok {
			return false
		}
		d.Args = append(d.Args, s)
	}
}

func (p *parser) env(d *Derivation) bool {
	for {
		if end, ok := p.listEnd(); end || !ok {
			return ok
		}
		var v EnvVar
		if !p.key(&v.Key) || !p.strInto(&v.Value) || !p.char(')') {
			return false
		}
		if v.Key == jsonKey {
			// Kept apart; a later one replaces an earlier one, as in Nix.
			d.Structured = unsafe.Slice(unsafe.StringData(v.Value), len(v.Value))
			if d.Structured == nil {
				d.Structured = []byte{}
			}
			continue
		}
		d.Env = append(d.Env, v)
	}
}

// key reads a variable up to its value.
func (p *parser) key(s *string) bool {
	// As Nix writes it, without escapes: a large closure has millions.
	if b, start := p.buf, p.pos+2; start < len(b) && b[p.pos] == '(' && b[p.pos+1] == '"' {
		if r := next(b, start); r+1 < len(b) && b[r] == '"' && b[r+1] == ',' {
			*s, p.pos = alias(b[start:r]), r+2
			return true
		}
	}
	return p.char('(') && p.strInto(s) && p.char(',')
}

// has consumes s if it comes next.
func (p *parser) has(s string) bool {
	if len(p.buf)-p.pos < len(s) || string(p.buf[p.pos:p.pos+len(s)]) != s {
		return false
	}
	p.pos += len(s)
	return true
}

func (p *parser) lit(s string) bool {
	if p.has(s) {
		return true
	}
	return p.fail(p.pos, fmt.Sprintf("%q", s))
}

// char is lit for one byte.
func (p *parser) char(c byte) bool {
	if p.pos < len(p.buf) && p.buf[p.pos] == c {
		p.pos++
		return true
	}
	return p.lit(string(rune(c)))
}

// listEnd is Nix's endOfList: separators are consumed wherever they stand
// between two members and are not required.
func (p *parser) listEnd() (end, ok bool) {
	if p.pos >= len(p.buf) {
		return false, p.fail(p.pos, "the rest of a list")
	}
	switch p.buf[p.pos] {
	case ',':
		p.pos++
	case ']':
		p.pos++
		return true, true
	}
	return false, true
}

func (p *parser) strInto(s *string) bool {
	v, ok := p.str()
	*s = v
	return ok
}

func (p *parser) pathInto(s *string) bool {
	at := p.pos
	if !p.strInto(s) {
		return false
	}
	if *s == "" || (*s)[0] != '/' {
		return p.fail(at, "an absolute store path")
	}
	return true
}

// str reads a quoted string. Escapes, if it has any, are resolved in place.
func (p *parser) str() (string, bool) {
	if p.pos >= len(p.buf) || p.buf[p.pos] != '"' {
		return "", p.fail(p.pos, "a string")
	}
	start := p.pos + 1
	r := next(p.buf, start)
	if r < len(p.buf) && p.buf[r] == '"' {
		p.pos = r + 1
		return alias(p.buf[start:r]), true
	}
	// From the first escape on, what is read at r is written at w.
	b, w := p.buf, r
	for r < len(b) {
		if b[r] == '"' {
			p.pos = r + 1
			return alias(b[start:w]), true
		}
		if r+1 == len(b) {
			break
		}
		c := b[r+1]
		switch c {
		case 'n':
			c = '\n'
		case 'r':
			c = '\r'
		case 't':
			c = '\t'
		}
		b[w] = c
		w, r = w+1, r+2
		// Up to the next one, eight bytes at a time. w is before r: what is
		// written over was read.
		for r+8 <= len(b) {
			v := binary.LittleEndian.Uint64(b[r:])
			if special(v) < 8 {
				break
			}
			binary.LittleEndian.PutUint64(b[w:], v)
			w, r = w+8, r+8
		}
		for r < len(b) && b[r] != '"' && b[r] != '\\' {
			b[w] = b[r]
			w, r = w+1, r+1
		}
	}
	return "", p.fail(len(p.buf), "the end of a string")
}

// next is the index of the next quote or backslash from i on, or len(b).
func next(b []byte, i int) int {
	for long := i + longString; i+8 <= len(b); i += 8 {
		if n := special(binary.LittleEndian.Uint64(b[i:])); n < 8 {
			return i + n
		}
		if i >= long {
			return i + nextFar(b[i:])
		}
	}
	for i < len(b) && b[i] != '"' && b[i] != '\\' {
		i++
	}
	return i
}

// longString is from which length on two searches with the processor's wide
// registers, which take a while to begin, are faster than one by words.
const longString = 128

// nextFar is next from the start of a long b on.
func nextFar(b []byte) int {
	if n := bytes.IndexByte(b, '"'); n >= 0 {
		b = b[:n]
	}
	if n := bytes.IndexByte(b, '\\'); n >= 0 {
		return n
	}
	return len(b)
}

// special is the index of the first quote or backslash among the eight bytes
// of v, the lowest first, or 8. A byte that is zero after the exclusive or
// borrows in the subtraction, which sets its highest bit; only above the first
// such byte can others be mistaken for one.
func special(v uint64) int {
	const (
		ones  = 0x0101010101010101
		highs = 0x80 * ones
	)
	q, s := v^('"'*ones), v^('\\'*ones)
	return bits.TrailingZeros64(((q-ones)&^q|(s-ones)&^s)&highs) / 8
}

// alias is b as a string without a copy. Safe as long as b is not written
// again while the string lives: see the comment at Derivation.
func alias(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// jsonKey is the environment variable that holds structured attributes.
const jsonKey = "__json"
