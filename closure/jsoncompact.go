package closure

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"slices"
)

// maxJSONDepth bounds how deeply structured attributes may nest.
const maxJSONDepth = 100

var errJSONDepth = fmt.Errorf("JSON nested at most %d deep", maxJSONDepth)

// compactJSON rewrites a JSON value as Nix writes it into __json: members
// sorted by key, no white space, the shortest escapes. Numbers stay as they
// are spelt. It is what makes a derivation's path computable from JSON that
// another tool has formatted.
func compactJSON(text []byte) ([]byte, error) {
	c := compactor{r: jsonReader{buf: text}}
	out := c.value(make([]byte, 0, len(text)), 0)
	if c.r.peek() != 0 {
		c.r.fail(c.r.pos, "the end")
	}
	if !c.r.ok() {
		return nil, errors.New(c.r.expected)
	}
	return out, nil
}

type compactor struct{ r jsonReader }

func (c *compactor) value(out []byte, depth int) []byte {
	if depth > maxJSONDepth {
		c.r.fail(c.r.pos, errJSONDepth.Error())
		return out
	}
	switch c.r.peek() {
	case '{':
		return c.object(out, depth)
	case '[':
		out = append(out, '[')
		n := 0
		c.r.array(func() {
			out = c.value(comma(out, n), depth+1)
			n++
		})
		return append(out, ']')
	case '"':
		return quoteJSON(out, c.r.str())
	}
	return append(out, c.r.raw()...)
}

func (c *compactor) object(out []byte, depth int) []byte {
	type member struct {
		key string
		at  int
	}
	var members []member
	c.r.object(func(k string) {
		members = append(members, member{k, c.r.pos})
		c.r.skip()
	})
	end := c.r.pos
	slices.SortStableFunc(members, func(a, b member) int { return cmp.Compare(a.key, b.key) })
	out = append(out, '{')
	n := 0
	for i, m := range members {
		if i+1 < len(members) && members[i+1].key == m.key {
			continue // the last of equal keys counts
		}
		out = append(quoteJSON(comma(out, n), m.key), ':')
		c.r.pos = m.at
		out = c.value(out, depth+1)
		n++
	}
	if c.r.ok() {
		c.r.pos = end
	}
	return append(out, '}')
}

// quoteJSON escapes what JSON demands and nothing else.
func quoteJSON(out []byte, s string) []byte {
	out = append(out, '"')
	for _, c := range []byte(s) {
		if i := bytes.IndexByte([]byte("\"\\\b\f\n\r\t"), c); i >= 0 {
			out = append(out, '\\', `"\bfnrt`[i])
		} else if c < 0x20 {
			out = fmt.Appendf(out, `\u%04x`, c)
		} else {
			out = append(out, c)
		}
	}
	return append(out, '"')
}
