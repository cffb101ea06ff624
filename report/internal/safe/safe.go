// Package safe makes untrusted strings (names, URLs and member paths of other
// people's packages) fit to be shown: on a terminal, and in Markdown on
// forges that each give further meaning to plain text.
package safe

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Visible writes what a reader could not see, or what a terminal would obey,
// as an escape: control characters, white space other than the blank, bytes
// that are not UTF-8, and the invisible and direction-changing characters of
// Unicode. What is left is one line of plain text.
func Visible(s string) string {
	if plain(s) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && n == 1:
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\t':
			b.WriteString(`\t`)
		case r == '\r':
			b.WriteString(`\r`)
		case r < 0x100 && unicode.IsControl(r):
			fmt.Fprintf(&b, `\x%02x`, r)
		case !shown(r):
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteString(s[i : i+n])
		}
		i += n
	}
	return b.String()
}

// plain is the quick way for what nearly every string is: printable ASCII.
func plain(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

// shown reports whether a character can be seen as itself. Marks that
// combine are refused, too: stacked, they leave their line.
func shown(r rune) bool {
	if r == ' ' {
		return true
	}
	return unicode.IsPrint(r) && !unicode.Is(unicode.Mn, r) && !unicode.Is(unicode.Me, r) &&
		!unicode.Is(unicode.Cf, r) && r != '\u115f' && r != '\u1160' && r != '\u3164' && r != '\uffa0' &&
		r != '\u2800'
}

// Short cuts s (already visible) in its middle to at most n characters, so
// that the ends, which tell names and versions, stay.
func Short(s string, n int) string {
	if len(s) <= n || utf8.RuneCountInString(s) <= n {
		return s
	}
	r := []rune(s)
	tail := (n - 1) / 2
	head := n - 1 - tail
	return string(r[:head]) + "…" + string(r[len(r)-tail:])
}

// Code is s as a Markdown code span. Inside one, none of GitHub, GitLab,
// Forgejo and Discourse looks for markup, HTML, mentions, issue numbers,
// emoji or links; no character but the backquote can end it.
func Code(s string) string {
	s = Visible(s)
	if s == "" {
		return "—"
	}
	run, longest := 0, 0
	for i := range len(s) {
		if s[i] != '`' {
			run = 0
			continue
		}
		run++
		longest = max(longest, run)
	}
	fence := strings.Repeat("`", longest+1)
	if s[0] == '`' || s[len(s)-1] == '`' || s[0] == ' ' && s[len(s)-1] == ' ' {
		s = " " + s + " "
	}
	return fence + s + fence
}

// Cell is Code for a cell of a table of at most n characters. Renderers
// disagree on an escaped bar within a cell, so a bar is shown as an escape.
func Cell(s string, n int) string {
	return strings.ReplaceAll(Code(Short(Visible(s), n)), "|", `\x7c`)
}

// Prose is s as running text of a Markdown line where every character is
// harmless there, and a code span where one is not.
func Prose(s string) string {
	for i := range len(s) {
		switch c := s[i]; {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == ' ', c == ',', c == ';', c == '\'':
		case (c == '-' || c == '.' || c == ':' || c == ')') && (i+1 == len(s) || s[i+1] == ' ') && i > 0,
			c == '(' && i > 0 && s[i-1] == ' ':
		case c == '-' && i > 0 && letter(s[i-1]) && letter(s[i+1]):
		default:
			return Code(s)
		}
	}
	if s == "" || s[0] == ' ' || s[0] >= '0' && s[0] <= '9' || linked(s) {
		return Code(s)
	}
	return s
}

func letter(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }

// linked reports words that a forge turns into links by themselves: commit
// hashes and issue keys.
func linked(s string) bool {
	for w := range strings.FieldsFuncSeq(s, func(r rune) bool { return r > 0x7f || !letter(byte(r)) && (r < '0' || r > '9') }) {
		hex := 0
		for i := range len(w) {
			if c := w[i]; c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F' {
				hex++
			}
		}
		if hex == len(w) && hex >= 7 {
			return true
		}
	}
	return false
}
