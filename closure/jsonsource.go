package closure

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"

	"fromsource/closure/store"
)

// jsonSource reads what nix show-derivation and nix derivation show print.
// One pass finds where each derivation's object lies; it is decoded when it is
// asked for, and turned into the ATerm text that Nix would have stored, so
// that its path can be checked like any other's.
type jsonSource struct {
	file    *os.File
	name    string
	max     int64
	logical string
	at      map[string]extent // by store path
	first   beginning
}

type extent struct{ off, len int64 }

// JSONInput is the output of nix show-derivation or nix derivation show, of
// any version of Nix. The name "-" is standard input.
func JSONInput(name string) Input {
	return jsonInput(name, func() (*os.File, error) { return store.OpenRandom(name) })
}

func jsonInput(name string, open func() (*os.File, error)) Input {
	return Input{FormJSON, name, func(_ context.Context, o Options) (source, error) {
		f, err := open()
		if err != nil {
			return nil, err
		}
		s := &jsonSource{file: f, name: name, max: o.maxSize()}
		if err := s.index(); err != nil {
			f.Close()
			return nil, err
		}
		return s, nil
	}}
}

// index finds the derivations in the file. What follows the first nonsense is
// given up, and said so; it is an error if nothing comes before it.
func (s *jsonSource) index() error {
	found := make(map[string]extent)
	x := &jsonIndexer{name: s.name, r: bufio.NewReaderSize(io.NewSectionReader(s.file, 0, 1<<62), 256<<10)}
	derivation := func(key string) {
		if at := x.skip(); x.err == nil {
			found[key] = at
		}
	}
	var odd *SyntaxError // JSON of something else, such as an audit
	x.object(func(key string) {
		switch key {
		case "derivations": // since version 4
			x.object(derivation)
		case "version":
			x.skip()
		default:
			if !strings.HasSuffix(key, ".drv") {
				if odd == nil {
					odd = &SyntaxError{s.name, x.pos, fmt.Sprintf("derivations by their paths, which end in .drv, not %q", key)}
				}
				x.skip()
				return
			}
			derivation(key)
		}
	})
	if odd != nil && len(found) == 0 {
		return odd
	}
	var syn *SyntaxError
	if x.err != nil && (len(found) == 0 || !errors.As(x.err, &syn)) {
		return x.err
	}
	for _, e := range []*SyntaxError{odd, syn} {
		if e != nil {
			s.first.skipped = append(s.first.skipped, Skip{s.name, e.Offset, e.Expected})
		}
	}
	keys := make([]string, 0, len(found))
	for k := range found {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	s.logical = s.guessStoreDir(keys, found)
	s.at = make(map[string]extent, len(found))
	for _, k := range keys {
		p := s.full(k)
		s.at[p] = found[k]
		s.first.listed = append(s.first.listed, p)
	}
	return nil
}

// guessStoreDir is where the keys say. Since version 3 they don't: then it is
// found by an output's base name, whose full path the environment holds.
func (s *jsonSource) guessStoreDir(keys []string, found map[string]extent) string {
	for _, k := range keys[:min(len(keys), 64)] {
		if strings.HasPrefix(k, "/") {
			return path.Dir(k)
		}
		text, err := s.text(found[k], nil)
		if err != nil {
			continue
		}
		if dir := jsonStoreDir(text); dir != "" {
			return dir
		}
	}
	return defaultStoreDir
}

func (s *jsonSource) full(p string) string { return fullPath(s.logical, p) }

func fullPath(storeDir, p string) string {
	if p == "" || p[0] == '/' {
		return p
	}
	return storeDir + "/" + p
}

func (s *jsonSource) begin(context.Context) (beginning, error) { return s.first, nil }
func (s *jsonSource) storeDir() string                         { return s.logical }
func (s *jsonSource) locate(string) string                     { return s.name }

func (s *jsonSource) read(_ context.Context, drv string, buf []byte) ([]byte, error) {
	at, ok := s.at[drv]
	if !ok {
		return nil, fmt.Errorf("%q: %w", drv, fs.ErrNotExist)
	}
	if at.len > s.max {
		return nil, &SyntaxError{File: s.name, Offset: at.off + s.max, Expected: fmt.Sprintf("the end within %d bytes", s.max)}
	}
	text, err := s.text(at, nil)
	if err != nil {
		return nil, err
	}
	d, err := decodeJSON(drv, s.logical, text)
	if err != nil {
		var syn *SyntaxError
		if errors.As(err, &syn) {
			syn.File, syn.Offset = s.name, syn.Offset+at.off
		}
		return nil, err
	}
	return d.AppendATerm(buf), nil
}

func (s *jsonSource) text(at extent, buf []byte) ([]byte, error) {
	buf = slices.Grow(buf, int(at.len))[:at.len]
	if _, err := s.file.ReadAt(buf, at.off); err != nil {
		return nil, fmt.Errorf("reading %q: %w", s.name, err)
	}
	return buf, nil
}

// jsonIndexer walks the outer objects of a stream and measures the values.
type jsonIndexer struct {
	name string
	r    *bufio.Reader
	pos  int64
	err  error
}

func (x *jsonIndexer) fail(expected string) {
	if x.err == nil {
		x.err = &SyntaxError{File: x.name, Offset: x.pos, Expected: expected}
	}
}

// next takes the next byte that is not white space; 0 at the end.
func (x *jsonIndexer) next() byte {
	for x.err == nil {
		c, err := x.r.ReadByte()
		if err == io.EOF {
			return 0
		}
		if err != nil {
			x.err = fmt.Errorf("reading %q: %w", x.name, err)
			return 0
		}
		x.pos++
		if !isSpace(c) {
			return c
		}
	}
	return 0
}

func (x *jsonIndexer) expect(c byte) bool {
	if got := x.next(); got != c {
		if got != 0 {
			x.pos--
		}
		x.fail(fmt.Sprintf("%q", c))
		return false
	}
	return true
}

// maxKey bounds a key: a store path at most.
const maxKey = 4 << 10

func (x *jsonIndexer) object(member func(key string)) {
	if !x.expect('{') {
		return
	}
	for first := true; x.err == nil; first = false {
		c := x.next()
		if c == '}' {
			return
		}
		if !first {
			if c != ',' {
				x.pos--
				x.fail(`"," or "}"`)
				return
			}
			c = x.next()
		}
		if c != '"' {
			x.pos--
			x.fail("a key")
			return
		}
		key := x.key()
		if !x.expect(':') {
			return
		}
		member(key)
	}
}

func (x *jsonIndexer) key() string {
	raw := []byte{'"'}
	for esc := false; len(raw) < maxKey; {
		c, err := x.r.ReadByte()
		if err != nil {
			x.fail("the end of a key")
			return ""
		}
		x.pos++
		raw = append(raw, c)
		switch {
		case esc:
			esc = false
		case c == '\\':
			esc = true
		case c == '"':
			r := jsonReader{buf: raw}
			key := strings.Clone(r.str())
			if !r.ok() {
				x.fail("a key")
			}
			return key
		}
	}
	x.fail("a shorter key")
	return ""
}

// skip measures the next value.
func (x *jsonIndexer) skip() extent {
	c := x.next()
	if c == 0 {
		x.fail("a value")
		return extent{}
	}
	start := x.pos - 1
	var s jsonSkipper
	done, again := s.next(c)
	for !done {
		var err error
		if c, err = x.r.ReadByte(); err != nil {
			x.fail("the rest of a value")
			return extent{}
		}
		x.pos++
		done, again = s.next(c)
	}
	if again {
		_ = x.r.UnreadByte() // just read: can't fail
		x.pos--
	}
	if x.pos == start {
		x.fail("a value")
	}
	return extent{start, x.pos - start}
}
