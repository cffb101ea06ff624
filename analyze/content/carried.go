package content

import (
	"bytes"
	"fmt"
	"io"

	"fromsource/analyze/audit"
	"fromsource/analyze/content/armor"
	"fromsource/analyze/content/format"
	"fromsource/analyze/content/inflate"
	"fromsource/analyze/content/stream"
)

// sampleStep is how far apart text is looked at for encoded binaries; one has
// to be a little longer to be seen. It must be short against any program.
const sampleStep = 1024

// minEncoded is the least length of encoded text that is worth decoding.
const minEncoded = 1024

// carried looks for text that carries a binary, in any of the forms of package
// armor, from the sample at i on and before end. It samples, and looks closely
// where no words are. It returns the next sample's place, and true where it has
// consumed some of the node's input itself.
func (w *walker) carried(n *node, f *File, b []byte, i, end int, last bool) (next int, consumed bool) {
	for end = min(end, len(b)-armor.SampleSize); i < end && !f.Embedded; i += sampleStep {
		forms := armor.Guess(b, i)
		if len(forms) == 0 {
			continue
		}
		for _, s := range w.finder.Starts(forms, b, i) {
			if len(b)-s.At < minEncoded/2 {
				continue
			}
			if m, ok := w.carries(s.Form, b[s.At:], last); ok {
				if consumed := w.carrier(n, f, s.Form, m, b, s.At); consumed || f.Embedded {
					return i, consumed
				}
			}
		}
		// The next sample is behind the beginning of the next run.
		i = max(i, forms[0].Skip(b, i)+96-sampleStep)
	}
	return i, false
}

// carries says what the text at the beginning of b is of, where it decodes to
// something that is compiled or a container.
func (w *walker) carries(form armor.Form, b []byte, last bool) (m format.Match, ok bool) {
	// Of most text a little says that it is nothing.
	w.scratch, _, _ = form.Decode(w.scratch[:0], b[:min(len(b), minEncoded/2)], true)
	if len(w.scratch) >= 32 && form != armor.Escaped {
		if out, name := format.Deflated(w.scratch); name != "" && telling(out) {
			return format.Match{Name: name, Container: true}, true
		}
	}
	if len(w.scratch) < 32 || !format.Magic(w.scratch) && !form.Firmware() {
		return m, false
	}
	src := b[:min(len(b), 2*minEncoded)]
	head, _, _ := form.Decode(w.scratch[:0], src, last && len(src) == len(b))
	if w.scratch = head; len(head) < 64 {
		return m, false
	}
	m = format.Detect("", head, -1)
	switch {
	case form.Firmware() && !m.Compiled():
		return format.Match{Name: "firmware", Kind: audit.Firmware}, true
	case m.Compiled():
		return m, m.Marked()
	}
	return m, m.Container && (strong(m.Name, head) || m.Name == "lzma")
}

// carrier notes a text as one that carries a binary; into a container it looks
// first.
func (w *walker) carrier(n *node, f *File, form armor.Form, m format.Match, b []byte, start int) (consumed bool) {
	made := f.Generated
	if n.in.Off() == 0 {
		w.hash(n)
		made = generated(n.path, b)
	}
	at := n.in.Off() + int64(start)
	kind := m.Kind
	if !m.Compiled() {
		n.in.Advance(start)
		kind, consumed = w.encoded(n, form, m.Name, at), true
	}
	if kind == "" {
		return consumed
	}
	f.Kind, f.Embedded, f.Confidence, f.Format, f.Generated = kind, true, audit.Low, m.Name, made
	f.Detail = fmt.Sprintf("%s in %s at byte %d", m.Name, form, at)
	return consumed
}

// encoded looks into an archive that the text where the node's input stands
// carries, and returns the kind of the first compiled member.
func (w *walker) encoded(n *node, form armor.Form, name string, at int64) audit.Kind {
	if n.depth >= w.o.MaxDepth {
		w.skip(n.path, fmt.Sprintf("nested over %d deep: not searched further", w.o.MaxDepth))
		n.in.Advance(1)
		return ""
	}
	start := n.in.Off()
	var r io.Reader = &decoder{in: n.in, form: form}
	if name == "deflate" { // which nothing in the bytes says
		z := inflate.New(r)
		defer z.Close()
		r = z
	}
	in := stream.New(&meter{w: w, r: r, fed: func() int64 { return n.in.Off() - start }}, -1)
	defer in.Close()
	before := len(w.res.Members)
	w.file(&node{path: fmt.Sprintf("%s/@%d", n.path, at), in: in, depth: n.depth + 1, layer: true, guess: true})
	if before < len(w.res.Members) {
		return w.res.Members[before].Kind
	}
	return ""
}

// decoder reads what text carries. It consumes the text of its form and stops
// where that ends.
type decoder struct {
	in   *stream.In
	form armor.Form
	out  []byte
	rest []byte
	done bool
}

// decodeStep is how much text is decoded at once.
const decodeStep = 64 << 10

// Read implements io.Reader.
func (d *decoder) Read(p []byte) (int, error) {
	for len(d.rest) == 0 {
		if d.done {
			return 0, io.EOF
		}
		b := d.in.Peek(decodeStep)
		out, used, more := d.form.Decode(d.out[:0], b, len(b) < decodeStep)
		d.in.Advance(used)
		d.out, d.rest, d.done = out, out, !more || used == 0
	}
	n := copy(p, d.rest)
	d.rest = d.rest[n:]
	return n, nil
}

// disguised looks at data that is a program but for a change that a line of
// script makes undone: yEnc, every byte combined with the same one, or all in
// the reverse order; and for formats that have their magic at the end. It
// returns true where it has consumed input.
func (w *walker) disguised(n *node, f *File, b []byte, first, last bool) bool {
	if first {
		if at := armor.YEncStart(b); at > 0 {
			if m, ok := w.carries(armor.YEnc, b[at:], last); ok {
				return w.carrier(n, f, armor.YEnc, m, b, at)
			}
		}
	}
	if f.Format != "" {
		return false
	}
	how, m := "", format.Match{}
	if first {
		how, m = format.Combined(b, n.in.Remain())
	}
	if last {
		if t, ok := format.Trailer(b); ok && t.Container {
			w.failed(n.path, fmt.Errorf("%s: %w", t.Name, errSealed))
		} else if ok {
			f.Kind, f.Confidence, f.Format, f.Detail = t.Kind, t.Confidence, t.Name, t.Detail
			return false
		}
	}
	if last && how == "" {
		how, m = format.Reversed(b, n.in.Off()+int64(len(b)))
	}
	if how == "" {
		return false
	}
	f.Kind, f.Embedded, f.Confidence, f.Format, f.Detail = m.Kind, true, audit.Low, m.Name, m.Name+" "+how
	return false
}

// wide looks at text in UTF-16 as at any other, one window at a time. It
// consumes nothing.
func (w *walker) wide(n *node, f *File, b []byte) {
	text, ok := narrow(b)
	if !ok {
		return
	}
	in := stream.New(bytes.NewReader(text), int64(len(text)))
	defer in.Close()
	sub := &node{path: n.path, in: in, depth: n.depth}
	for !f.Embedded {
		chunk := in.Chunk()
		if len(chunk) == 0 {
			return
		}
		if _, consumed := w.carried(sub, f, chunk, sampleStep/2, len(chunk), len(chunk) < stream.Window); !consumed {
			in.Advance(len(chunk))
		}
	}
	if n.in.Off() == 0 {
		w.hash(n)
	}
	f.Detail += " of the text in UTF-16"
}

// narrow takes the zeros out of UTF-16 that is all of ASCII; false for what is
// something else.
func narrow(b []byte) ([]byte, bool) {
	if len(b) < 2*minEncoded {
		return nil, false
	}
	zero := 0 // where the zeros are: big-endian ones come first
	switch {
	case b[0] == 0xff && b[1] == 0xfe:
		b, zero = b[2:], 1
	case b[0] == 0xfe && b[1] == 0xff:
		b = b[2:]
	case b[1] == 0:
		zero = 1
	}
	for i := zero; i < 1024; i += 2 {
		if b[i] != 0 || b[i^1] < '\t' {
			return nil, false
		}
	}
	out := make([]byte, len(b)/2)
	for i := range out {
		if out[i] = b[2*i+1-zero]; b[2*i+zero] != 0 {
			out[i] = 0x80 // of no form's alphabet
		}
	}
	return out, true
}
