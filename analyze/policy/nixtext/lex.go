// Package nixtext reads and edits Nix expressions as text, as far as that is
// needed to find a package's meta and change its sourceProvenance: it knows
// tokens, brackets and bindings, and evaluates nothing. Whatever it does not
// understand for sure it refuses to edit, with the reason.
package nixtext

import "errors"

// The kinds of a token.
const (
	Ident  byte = 'i' // an identifier or keyword
	String byte = 's' // a string, up to its first interpolation
	Sign   byte = '.' // any other character, or "${"
)

// Token is a piece of an expression.
type Token struct {
	Kind byte
	Text string // of a string, what stands between its quotes, as written
	Line int    // from 1
	// Pos and End are byte offsets. A string with interpolations ends, for
	// this, where the first of them starts.
	Pos, End int
}

var errUnended = errors.New("a string, comment or interpolation does not end")

// Tokens splits an expression. It knows comments, both kinds of string and
// interpolation, so that what stands in those is not taken for code. It does
// not recurse, and takes any bytes; the error says that what was read does
// not end as an expression can, and the tokens are those up to there.
func Tokens(data []byte) ([]Token, error) {
	lx := lexer{data: data, line: 1}
	for lx.pos < len(data) {
		lx.step()
	}
	if lx.unended || len(lx.open) > 0 {
		return lx.out, errUnended
	}
	return lx.out, nil
}

type lexer struct {
	data      []byte
	pos, line int
	out       []Token
	unended   bool
	// open holds what is to be gone back to at a closing brace: 'b' a brace,
	// 's' or 'i' the string whose interpolation this is.
	open []byte
}

func (lx *lexer) at(n int) byte {
	if lx.pos+n < len(lx.data) {
		return lx.data[lx.pos+n]
	}
	return 0
}

func (lx *lexer) advance(n int) {
	for range n {
		if lx.pos < len(lx.data) {
			if lx.data[lx.pos] == '\n' {
				lx.line++
			}
			lx.pos++
		}
	}
}

// sign emits the next n bytes as one token.
func (lx *lexer) sign(n int) {
	start, line := lx.pos, lx.line
	lx.advance(n)
	lx.out = append(lx.out, Token{Sign, string(lx.data[start:lx.pos]), line, start, lx.pos})
}

func (lx *lexer) step() {
	c := lx.at(0)
	switch {
	case c == '#':
		for lx.pos < len(lx.data) && lx.at(0) != '\n' {
			lx.advance(1)
		}
	case c == '/' && lx.at(1) == '*':
		lx.comment()
	case c == '"':
		lx.text('s', 1)
	case c == '\'' && lx.at(1) == '\'':
		lx.text('i', 2)
	case c == '{', c == '$' && lx.at(1) == '{':
		lx.open = append(lx.open, 'b')
		if c == '$' {
			lx.sign(2)
		} else {
			lx.sign(1)
		}
	case c == '}':
		lx.sign(1)
		if n := len(lx.open); n > 0 {
			was := lx.open[n-1]
			lx.open = lx.open[:n-1]
			if was != 'b' {
				lx.text(was, 0)
			}
		}
	case letter(c):
		start, line := lx.pos, lx.line
		for c := lx.at(0); letter(c) || c == '-' || c == '\'' || c >= '0' && c <= '9'; c = lx.at(0) {
			lx.advance(1)
		}
		lx.out = append(lx.out, Token{Ident, string(lx.data[start:lx.pos]), line, start, lx.pos})
	case c > ' ':
		lx.sign(1)
	default:
		lx.advance(1)
	}
}

func letter(c byte) bool { return c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }

func (lx *lexer) comment() {
	lx.advance(2)
	for lx.pos < len(lx.data) && (lx.at(0) != '*' || lx.at(1) != '/') {
		lx.advance(1)
	}
	lx.unended = lx.unended || lx.pos >= len(lx.data)
	lx.advance(2)
}

// text reads a string up to its end or its next interpolation. quote is the
// width of the opening quote; 0 goes on with a string after an interpolation,
// which is no token of its own.
func (lx *lexer) text(kind byte, quote int) {
	open, line := lx.pos, lx.line
	lx.advance(quote)
	start := lx.pos
	end := func(skip int) {
		inner := string(lx.data[start:lx.pos])
		lx.advance(skip)
		if quote > 0 {
			lx.out = append(lx.out, Token{String, inner, line, open, lx.pos})
		}
	}
	for lx.pos < len(lx.data) {
		switch c := lx.at(0); {
		case kind == 's' && c == '\\':
			lx.advance(2)
		case kind == 'i' && c == '\'' && lx.at(1) == '\'' && lx.at(2) == '\\':
			lx.advance(4)
		case kind == 'i' && c == '\'' && lx.at(1) == '\'' && (lx.at(2) == '$' || lx.at(2) == '\''):
			lx.advance(3)
		case kind == 's' && c == '"':
			end(1)
			return
		case kind == 'i' && c == '\'' && lx.at(1) == '\'':
			end(2)
			return
		case c == '$' && lx.at(1) == '$':
			lx.advance(2)
		case c == '$' && lx.at(1) == '{':
			end(0)
			lx.open = append(lx.open, kind)
			lx.sign(2)
			return
		default:
			lx.advance(1)
		}
	}
	lx.unended = true
	end(0)
}
