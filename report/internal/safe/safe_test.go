package safe

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestVisible(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"hello-2.12", "hello-2.12"},
		{"a\x1b[31mred\x1b[0m", `a\x1b[31mred\x1b[0m`},
		{"title\x1b]0;pwned\a", `title\x1b]0;pwned\x07`},
		{"c1 \u009b31m", `c1 \x9b31m`},
		{"line\nbreak\r\ttab", `line\nbreak\r\ttab`},
		{"\xff\xfe", `\xff\xfe`},
		{"exe\u202egpj.x", `exe\u202egpj.x`},
		{"zero\u200bwidth\ufeff", `zero\u200bwidth\ufeff`},
		{"non\u00a0break", `non\u00a0break`},
		{"zalgo\u0335", `zalgo\u0335`},
		{"grün 日本", "grün 日本"},
	} {
		if got := Visible(c.in); got != c.want {
			t.Errorf("Visible(%q) = %q, want %q", c.in, got, c.want)
		}
	}
}

func TestCode(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"a", "`a`"},
		{"", "—"},
		{"a`b", "``a`b``"},
		{"`", "`` ` ``"},
		{"``x", "``` ``x ```"},
		{" x ", "`  x  `"},
		{"<b>&@user#1", "`<b>&@user#1`"},
	} {
		if got := Code(c.in); got != c.want {
			t.Errorf("Code(%q) = %q, want %q", c.in, got, c.want)
		}
	}
	if got := Cell("a|b", 10); got != "`a\\x7cb`" {
		t.Errorf("Cell with a bar: %q", got)
	}
	if got := Cell(strings.Repeat("x", 50)+"-1.0", 11); got != "`xxxxx…x-1.0`" {
		t.Errorf("long cell: %q", got)
	}
}

func TestProse(t *testing.T) {
	for _, c := range []struct {
		in    string
		plain bool
	}{
		{"3 of 5 files", false}, // "3 " could not, but "3. " would start a list
		{"files equal in every code section", true},
		{"found in the output (two files)", true},
		{"see @user", false},
		{"issue #12", false},
		{"www.example.org", false},
		{"example.org", false},
		{"commit deadbeef", false},
		{"*bold*", false},
		{"<img src=x>", false},
		{":smile:", false},
		{"[x](y)", false},
		{"- list", false},
		{"a\nb", false},
	} {
		got := Prose(c.in)
		if plain := got == c.in; plain != c.plain {
			t.Errorf("Prose(%q) = %q, want plain %v", c.in, got, c.plain)
		}
	}
}

// FuzzCode: a code span holds no line end and no control byte, and its text
// has no run of backquotes as long as its fence.
func FuzzCode(f *testing.F) {
	for _, s := range []string{"", "`", "a`b``c", " `", "|", "\x1b]0;x\a", "\u202e", "\xff"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, got := range []string{Code(s), Cell(s, 40), Prose(s)} {
			if !utf8.ValidString(got) || strings.ContainsAny(got, "\n\r\x1b\x00\u202e") {
				t.Fatalf("%q became %q", s, got)
			}
		}
		got := Code(s)
		if s == "" {
			return
		}
		n := len(got) - len(strings.TrimLeft(got, "`"))
		inner := got[n : len(got)-n]
		if strings.Contains(inner, strings.Repeat("`", n)) {
			t.Fatalf("%q became %q, which ends early", s, got)
		}
		if strings.Contains(Cell(s, 40), "|") {
			t.Fatalf("%q: a cell with a bar", s)
		}
	})
}
