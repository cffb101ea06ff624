package archive

import (
	"cmp"
	"slices"
)

// Span is a range of a container's bytes.
type Span struct{ Off, Len int64 }

// Cover is which bytes of a container its directory accounts for: what is left
// is in the container as well, and whoever knows where can take it out.
type Cover struct {
	spans []Span
	over  bool
}

// Covering is a Reader that knows, once it has returned io.EOF, which bytes of
// its container it has given or understood. The contents of an entry count
// when they were read.
type Covering interface {
	Cover() *Cover
}

// maxSpans bounds the memory of a cover: 4 MiB.
const maxSpans = 1 << 18

// Add accounts for n bytes at off.
func (c *Cover) Add(off, n int64) {
	if n <= 0 || off < 0 || c.over {
		return
	}
	if k := len(c.spans) - 1; k >= 0 && c.spans[k].Off+c.spans[k].Len == off {
		c.spans[k].Len += n
		return
	}
	if len(c.spans) == maxSpans {
		c.merge()
		if len(c.spans) > maxSpans/2 {
			c.over, c.spans = true, nil
			return
		}
	}
	c.spans = append(c.spans, Span{off, n})
}

// merge sorts the spans and joins those that touch.
func (c *Cover) merge() {
	slices.SortFunc(c.spans, func(a, b Span) int { return cmp.Compare(a.Off, b.Off) })
	out := c.spans[:0]
	for _, s := range c.spans {
		if k := len(out) - 1; k >= 0 && s.Off <= out[k].Off+out[k].Len {
			out[k].Len = max(out[k].Len, s.Off-out[k].Off+s.Len)
			continue
		}
		out = append(out, s)
	}
	c.spans = out
}

// Gaps lists what is not accounted for of size bytes, in order; ok is false
// where the spans are too many to tell.
func (c *Cover) Gaps(size int64) (gaps []Span, ok bool) {
	if c.over {
		return nil, false
	}
	c.merge()
	done := int64(0)
	for _, s := range c.spans {
		if s.Off >= size {
			break
		}
		if s.Off > done {
			gaps = append(gaps, Span{done, s.Off - done})
		}
		done = max(done, s.Off+s.Len)
	}
	if done < size {
		gaps = append(gaps, Span{done, size - done})
	}
	return gaps, true
}
