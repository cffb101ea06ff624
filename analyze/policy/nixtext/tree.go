package nixtext

import (
	"errors"
	"fmt"
)

// Expr is an expression whose brackets are matched.
type Expr struct {
	data []byte
	toks []Token
	// partner is the token that closes or opens what this one opens or
	// closes, parent the innermost open bracket; -1 for none.
	partner, parent []int
}

var closes = map[string]string{"}": "{", "]": "[", ")": "("}

// Parse reads an expression. It is an error if strings or brackets do not
// end, since then nothing is known of what stands where.
func Parse(data []byte) (*Expr, error) {
	toks, err := Tokens(data)
	if err != nil {
		return nil, err
	}
	x := &Expr{data: data, toks: toks, partner: make([]int, len(toks)), parent: make([]int, len(toks))}
	var open []int
	for i, t := range toks {
		x.partner[i], x.parent[i] = -1, -1
		if want, ok := closes[t.Text]; ok && t.Kind == Sign {
			if len(open) == 0 {
				return nil, fmt.Errorf("line %d closes %q, which is not open", t.Line, t.Text)
			}
			k := open[len(open)-1]
			if have := toks[k].Text; have != want && (want != "{" || have != "${") {
				return nil, fmt.Errorf("line %d closes %q with %q", t.Line, have, t.Text)
			}
			open = open[:len(open)-1]
			x.partner[i], x.partner[k] = k, i
		}
		if len(open) > 0 {
			x.parent[i] = open[len(open)-1]
		}
		if t.Kind == Sign && (t.Text == "{" || t.Text == "[" || t.Text == "(" || t.Text == "${") {
			open = append(open, i)
		}
	}
	if len(open) > 0 {
		return nil, errors.New("a bracket is not closed")
	}
	return x, nil
}

// is reports whether token i is this one of our own words or signs.
func (x *Expr) is(i int, text string) bool {
	return i >= 0 && i < len(x.toks) && x.toks[i].Kind != String && x.toks[i].Text == text
}

func (x *Expr) ident(i int) bool { return i >= 0 && i < len(x.toks) && x.toks[i].Kind == Ident }

// starts reports whether token i is where a binding of a set can start.
func (x *Expr) starts(i int) bool {
	return x.parent[i] >= 0 && x.is(x.parent[i], "{") && (x.is(i-1, "{") || x.is(i-1, ";"))
}

// end is the semicolon of the binding whose value starts at token i; -1 if
// there is none. Semicolons that belong to a with, an assert or a let within
// the value are passed over.
func (x *Expr) end(i int) int {
	var inner []byte
	for ; i < len(x.toks); i++ {
		t := x.toks[i]
		switch {
		case t.Kind == String:
		case t.Kind == Ident && !x.is(i-1, "."):
			switch t.Text {
			case "with", "assert":
				inner = append(inner, 'w')
			case "let":
				inner = append(inner, 'l')
			case "in":
				for len(inner) > 0 && inner[len(inner)-1] == 'w' {
					inner = inner[:len(inner)-1]
				}
				if len(inner) == 0 {
					return -1
				}
				inner = inner[:len(inner)-1]
			}
		case t.Kind == Sign && x.partner[i] > i:
			i = x.partner[i]
		case t.Kind == Sign && x.partner[i] >= 0:
			return -1 // the set ends before the binding does
		case t.Text == ";" && len(inner) == 0:
			return i
		case t.Text == ";" && inner[len(inner)-1] == 'w':
			inner = inner[:len(inner)-1]
		}
	}
	return -1
}

// path reads names with dots between, such as lib.sourceTypes; next is the
// token after it.
func (x *Expr) path(i int) (names []string, next int) {
	for x.ident(i) {
		names = append(names, x.toks[i].Text)
		if !x.is(i+1, ".") || !x.ident(i+2) {
			return names, i + 1
		}
		i += 2
	}
	return names, i
}

// binding is NAME = VALUE; of a set, as token numbers.
type binding struct {
	start, value, end int
	names             []string
}

// bindings are those of the set that token open opens: those of them with
// plain names. inherit gives one a name, without a value. whole is false if
// not all of it was understood.
func (x *Expr) bindings(open int) (out []binding, whole bool) {
	for i := open + 1; i < x.partner[open]; {
		b := binding{start: i, value: -1}
		if x.is(i, "inherit") {
			b.end = x.end(i + 1)
			for k := i + 1; k < b.end; k++ {
				if x.partner[k] > k {
					k = x.partner[k]
				} else if x.ident(k) {
					out = append(out, binding{start: i, value: -1, end: b.end, names: []string{x.toks[k].Text}})
				}
			}
		} else {
			var next int
			b.names, next = x.path(i)
			for next < x.partner[open] && !x.is(next, "=") { // a name of another form
				b.names = nil
				if x.partner[next] > next {
					next = x.partner[next]
				}
				next++
			}
			if next >= x.partner[open] || next == i {
				return out, false
			}
			b.value = next + 1
			b.end = x.end(b.value)
			if b.end >= 0 && len(b.names) > 0 {
				out = append(out, b)
			}
		}
		if b.end < 0 || b.end >= x.partner[open] {
			return out, false
		}
		i = b.end + 1
	}
	return out, true
}
