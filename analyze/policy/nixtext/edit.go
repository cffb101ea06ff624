package nixtext

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Edit replaces the bytes from Pos to End by Text.
type Edit struct {
	Pos, End int
	Text     string
}

const fromSource = "fromSource"

// Relabel says how to make the label of the package at a line say want, short
// names of lib.sourceTypes; with none, the label goes. have is the label that
// Nix evaluated, so that one that comes from elsewhere is noticed. fromSource
// counts in neither, and stays where it stands. An error says why it cannot be
// done for sure.
func (x *Expr) Relabel(line int, have, want []string) (Edit, error) {
	m, err := x.find(line)
	if err != nil {
		return Edit{}, err
	}
	b, ok, err := x.label(m)
	switch {
	case err != nil:
		return Edit{}, err
	case slices.Equal(sorted(have), sorted(want)):
		return Edit{}, errors.New("its label says this already")
	case ok:
		return x.change(b, have, want)
	case len(have) > 0:
		return Edit{}, errors.New("its label does not stand in its meta")
	}
	from, err := x.scope(m)
	if err != nil {
		return Edit{}, err
	}
	text := "sourceProvenance = with " + from + "; [ " + strings.Join(sorted(want), " ") + " ];"
	if m.block < 0 {
		return x.addDotted(m, "meta."+text)
	}
	return x.add(m.block, text), nil
}

func sorted(s []string) []string {
	s = slices.Clone(s)
	slices.Sort(s)
	return slices.Compact(s)
}

// lineStart and lineEnd are the bounds of the line of a byte; the end is
// before its newline.
func (x *Expr) lineStart(pos int) int { return bytes.LastIndexByte(x.data[:pos], '\n') + 1 }

func (x *Expr) lineEnd(pos int) int {
	if k := bytes.IndexByte(x.data[pos:], '\n'); k >= 0 {
		return pos + k
	}
	return len(x.data)
}

// indent is what stands before a token on its line, and whether that is
// white space alone.
func (x *Expr) indent(tok int) (string, bool) {
	pos := x.toks[tok].Pos
	s := string(x.data[x.lineStart(pos):pos])
	return s, strings.TrimLeft(s, " \t") == ""
}

// endsLine reports whether nothing but a comment follows a token on its line.
func (x *Expr) endsLine(tok int) bool {
	end := x.toks[tok].End
	rest := bytes.TrimSpace(x.data[end:x.lineEnd(end)])
	return len(rest) == 0 || rest[0] == '#'
}

// newline is how the file ends the line of a byte.
func (x *Expr) newline(pos int) string {
	if e := x.lineEnd(pos); e > 0 && x.data[e-1] == '\r' {
		return "\r\n"
	}
	return "\n"
}

// add puts a binding into a set: before its license, where nixpkgs has it, or
// after its first binding, or at its end.
func (x *Expr) add(open int, text string) Edit {
	all, _ := x.bindings(open)
	if k := slices.IndexFunc(all, func(b binding) bool { return b.names[0] == "license" }); k >= 0 {
		if in, ok := x.indent(all[k].start); ok {
			at := x.lineStart(x.toks[all[k].start].Pos)
			for at > x.toks[open].End { // above the comment of the license
				above := x.lineStart(at - 1)
				if above <= x.toks[open].End || !bytes.HasPrefix(bytes.TrimSpace(x.data[above:at]), []byte("#")) {
					break
				}
				at = above
			}
			return Edit{at, at, in + text + x.newline(at)}
		}
	}
	if k := slices.IndexFunc(all, func(b binding) bool { return b.names[0] == "description" }); k >= 0 {
		if in, ok := x.indent(all[k].start); ok && x.endsLine(all[k].end) && x.lineEnd(x.toks[all[k].end].End) < len(x.data) {
			at := x.lineEnd(x.toks[all[k].end].End) + 1
			return Edit{at, at, in + text + x.newline(at-1)}
		}
	}
	end := x.toks[x.partner[open]].Pos
	if in, ok := x.indent(x.partner[open]); ok && x.toks[open].Line < x.toks[x.partner[open]].Line {
		at := x.lineStart(end)
		return Edit{at, at, in + "  " + text + x.newline(at-1)}
	}
	if c := x.data[end-1]; c != ' ' && c != '\n' && c != '\t' {
		text = " " + text
	}
	return Edit{end, end, text + " "}
}

// addDotted puts a binding after the last one of a meta without a set.
func (x *Expr) addDotted(m meta, text string) (Edit, error) {
	in, ok := x.indent(m.start)
	if !ok || !x.endsLine(m.last) || x.lineEnd(x.toks[m.last].End) == len(x.data) {
		return Edit{}, errors.New("its meta shares its line with other code")
	}
	at := x.lineEnd(x.toks[m.last].End) + 1
	return Edit{at, at, in + text + x.newline(at-1)}, nil
}

var errOtherForm = errors.New("its label is computed, not a list of source types")

// written is a label as it stands: [ P.a P.b ], with P; [ a b ] or P.a.
type written struct {
	with   string
	prefix string // of each type, with its dot
	types  []string
	first  int // the token after "[", or -1 where there is no list
}

func (x *Expr) written(b binding) (written, error) {
	w := written{first: -1}
	i, end := b.value, b.end
	if x.is(i, "with") {
		names, next := x.path(i + 1)
		if len(names) == 0 || !x.is(next, ";") {
			return w, errOtherForm
		}
		w.with = strings.Join(names, ".")
		i = next + 1
	}
	if x.is(i, "[") {
		if x.partner[i] != end-1 {
			return w, errOtherForm
		}
		i, end = i+1, end-1
		w.first = i
	}
	for n := 0; i < end; n++ {
		names, next := x.path(i)
		if len(names) == 0 || next > end || w.first < 0 && n > 0 {
			return w, errOtherForm
		}
		t, p := names[len(names)-1], ""
		if len(names) > 1 {
			p = strings.Join(names[:len(names)-1], ".") + "."
		}
		if n > 0 && p != w.prefix || t != fromSource && !strings.HasPrefix(t, "binary") {
			return w, errOtherForm
		}
		w.prefix = p
		w.types = append(w.types, t)
		i = next
	}
	return w, nil
}

// change makes an existing label say something else, in the way in which it
// is written.
func (x *Expr) change(b binding, have, want []string) (Edit, error) {
	w, err := x.written(b)
	if err != nil {
		return Edit{}, err
	}
	isSource := func(t string) bool { return t == fromSource }
	if said := sorted(slices.DeleteFunc(slices.Clone(w.types), isSource)); !slices.Equal(said, sorted(have)) {
		return Edit{}, fmt.Errorf("the text says %q where Nix says %q", said, have)
	}
	keep := slices.DeleteFunc(slices.Clone(w.types), func(t string) bool { return t != fromSource && !slices.Contains(want, t) })
	for _, t := range sorted(want) {
		if !slices.Contains(keep, t) {
			keep = append(keep, t)
		}
	}
	if len(keep) == 0 {
		return x.remove(b), nil
	}
	if w.with == "" && w.prefix == "" && !x.is(b.value, "[") || len(w.types) == 0 && w.with == "" {
		return Edit{}, errOtherForm
	}
	for i := range keep {
		keep[i] = w.prefix + keep[i]
	}
	pos, end := x.toks[b.value].Pos, x.toks[b.end].Pos
	text := "[ " + strings.Join(keep, " ") + " ]"
	if w.with != "" {
		text = "with " + w.with + "; " + text
	}
	if w.first < 0 {
		return Edit{pos, end, text}, nil
	}
	// Only the inside of the brackets, a type a line where it is so already.
	pos, end = x.toks[w.first-1].End, x.toks[b.end-1].Pos
	text = " " + strings.Join(keep, " ") + " "
	in, ok := x.indent(w.first)
	if out, okOut := x.indent(b.end - 1); ok && okOut {
		nl := x.newline(pos)
		text = nl + in + strings.Join(keep, nl+in) + nl + out
	}
	if bytes.ContainsAny(x.data[pos:end], "#*") {
		return Edit{}, errors.New("a comment stands among the types of its label")
	}
	return Edit{pos, end, text}, nil
}

// remove takes a binding away, with its line where it has that to itself.
func (x *Expr) remove(b binding) Edit {
	pos, end := x.toks[b.start].Pos, x.toks[b.end].End
	if _, ok := x.indent(b.start); ok && x.endsLine(b.end) {
		return Edit{x.lineStart(pos), min(x.lineEnd(end)+1, len(x.data)), ""}
	}
	for end < len(x.data) && (x.data[end] == ' ' || x.data[end] == '\t') {
		end++
	}
	return Edit{pos, end, ""}
}

// Label reads the label of the package at a line, for those who check an
// edit: the types that its text names, sorted.
func (x *Expr) Label(line int) ([]string, error) {
	m, err := x.find(line)
	if err != nil {
		return nil, err
	}
	b, ok, err := x.label(m)
	if err != nil || !ok {
		return nil, err
	}
	w, err := x.written(b)
	return sorted(w.types), err
}

// Apply makes edits that do not overlap.
func Apply(data []byte, edits []Edit) ([]byte, error) {
	edits = slices.Clone(edits)
	slices.SortStableFunc(edits, func(a, b Edit) int { return a.Pos - b.Pos })
	var out []byte
	at := 0
	for _, e := range edits {
		if e.Pos < at || e.End < e.Pos || e.End > len(data) {
			return nil, errors.New("edits overlap")
		}
		out = append(append(out, data[at:e.Pos]...), e.Text...)
		at = e.End
	}
	return append(out, data[at:]...), nil
}
