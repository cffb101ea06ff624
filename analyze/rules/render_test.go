package rules

import (
	"bytes"
	"strings"
	"testing"
)

func TestWriteListHasEveryRule(t *testing.T) {
	var b bytes.Buffer
	if err := WriteList(&b); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(b.String(), "\n")
	for _, r := range All() {
		n := 0
		for _, l := range lines {
			if f := strings.Fields(l); len(f) > 0 && f[0] == r.ID && strings.Contains(l, r.Title) {
				n++
			}
		}
		if n != 1 {
			t.Errorf("%s: %d lines", r.ID, n)
		}
	}
}

func TestWriteIsWhole(t *testing.T) {
	for _, r := range All() {
		var b bytes.Buffer
		if err := Write(&b, r.ID); err != nil {
			t.Fatal(err)
		}
		text := strings.Join(strings.Fields(b.String()), " ")
		for _, want := range append([]string{r.Title, r.Why, r.How, r.Limits, r.Remedy}, examples(r)...) {
			if !strings.Contains(text, strings.Join(strings.Fields(want), " ")) {
				t.Errorf("%s: page lacks %q", r.ID, want)
			}
		}
		for _, l := range strings.Split(b.String(), "\n") {
			if !strings.HasPrefix(l, "  - ") && len(l) > 80 {
				t.Errorf("%s: line of %d columns", r.ID, len(l))
			}
		}
	}
	if err := Write(&bytes.Buffer{}, "no-such-rule"); err == nil {
		t.Error("an unknown rule is no error")
	}
}

func examples(r Rule) []string {
	var out []string
	for _, e := range append(append([]Example{}, r.Positive...), r.Negative...) {
		out = append(out, e.String())
	}
	return out
}

func TestWriteRulesGivenBeside(t *testing.T) {
	other := Rule{ID: "content-example", Title: "bytes tell", Why: "Because.", How: "By reading."}
	var list, page bytes.Buffer
	if err := WriteList(&list, other); err != nil {
		t.Fatal(err)
	}
	if err := Write(&page, other.ID, other); err != nil {
		t.Fatal(err)
	}
	found := false
	for _, l := range strings.Split(list.String(), "\n") {
		if strings.HasPrefix(strings.TrimSpace(l), other.ID) {
			found = true
			if got := strings.Join(strings.Fields(l), " "); got != "content-example content bytes tell" {
				t.Errorf("listed as %q", got)
			}
		}
	}
	if !found {
		t.Error("not listed")
	}
	if strings.Contains(page.String(), "weight") || strings.Contains(page.String(), "Remedy") || !strings.Contains(page.String(), "By reading.") {
		t.Errorf("page:\n%s", page.String())
	}
	if err := Write(&page, "no-such-rule", other); err == nil {
		t.Error("an unknown rule is no error")
	}
}
