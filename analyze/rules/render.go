package rules

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/olekukonko/tablewriter"
	"github.com/olekukonko/tablewriter/renderer"
	"github.com/olekukonko/tablewriter/tw"
)

// WriteList writes all rules as a table: id, what it looks at, weight, kind
// and title. Rules given as more, which describe evidence that is found in
// bytes rather than text, follow without a weight: one such piece decides.
func WriteList(w io.Writer, more ...Rule) error {
	t := tablewriter.NewTable(w,
		tablewriter.WithRenderer(renderer.NewBlueprint(tw.Rendition{Borders: tw.BorderNone, Settings: tw.Settings{Separators: tw.SeparatorsNone, Lines: tw.LinesNone}})),
		tablewriter.WithHeaderAutoFormat(tw.Off),
		tablewriter.WithHeaderAlignment(tw.AlignLeft),
		tablewriter.WithRowAlignmentConfig(tw.CellAlignment{PerColumn: []tw.Align{tw.AlignLeft, tw.AlignLeft, tw.AlignRight, tw.AlignLeft, tw.AlignLeft}}),
	)
	t.Header("rule", "looks at", "weight", "kind", "title")
	for _, r := range All() {
		if err := t.Append(r.ID, r.Scope.String(), fmt.Sprintf("%+d", r.Weight), string(r.Kind), r.Title); err != nil {
			return fmt.Errorf("listing rules: %w", err)
		}
	}
	for _, r := range more {
		if err := t.Append(r.ID, beside(r), "", string(r.Kind), r.Title); err != nil {
			return fmt.Errorf("listing rules: %w", err)
		}
	}
	if err := t.Render(); err != nil {
		return fmt.Errorf("listing rules: %w", err)
	}
	_, err := fmt.Fprintf(w, "\nsuspected from a sum of weights of %d\n", Threshold)
	return err
}

// beside says what a rule that is given beside All looks at: the part of its
// id that names its stage.
func beside(r Rule) string {
	stage, _, _ := strings.Cut(r.ID, "-")
	return stage
}

// Write writes one rule whole, with its examples: one of All, or one of more,
// as WriteList has them. It fails if there is no rule of that id.
func Write(w io.Writer, id string, more ...Rule) error {
	var b strings.Builder
	r, ok := Find(id)
	if ok {
		fmt.Fprintf(&b, "%s: %s\n\nlooks at  %s\nweight    %+d of %d\n", r.ID, r.Title, r.Scope, r.Weight, Threshold)
	} else {
		i := slices.IndexFunc(more, func(r Rule) bool { return r.ID == id })
		if i < 0 {
			return fmt.Errorf("no rule %q", id)
		}
		r = more[i]
		fmt.Fprintf(&b, "%s: %s\n\nlooks at  %s\n", r.ID, r.Title, beside(r))
	}
	if r.Kind != "" {
		fmt.Fprintf(&b, "kind      %s\n", r.Kind)
	}
	for _, p := range []struct{ head, text string }{{"Why", r.Why}, {"How", r.How}, {"Limits", r.Limits}, {"Remedy", r.Remedy}} {
		if p.text != "" {
			fmt.Fprintf(&b, "\n%s\n%s", p.head, indent(p.text))
		}
	}
	for _, p := range []struct {
		head string
		list []Example
	}{{"Matches", r.Positive}, {"Does not match", r.Negative}} {
		if len(p.list) == 0 {
			continue
		}
		fmt.Fprintf(&b, "\n%s\n", p.head)
		for _, e := range p.list {
			fmt.Fprintf(&b, "  - %s\n", e)
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// indent wraps text at 76 columns behind two spaces.
func indent(text string) string {
	var b strings.Builder
	col := 0
	for _, word := range strings.Fields(text) {
		switch {
		case col == 0:
			b.WriteString("  ")
			col = 2
		case col+1+len(word) > 78:
			b.WriteString("\n  ")
			col = 2
		default:
			b.WriteByte(' ')
			col++
		}
		b.WriteString(word)
		col += len(word)
	}
	b.WriteByte('\n')
	return b.String()
}
