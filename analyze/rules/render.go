package rules

import (
	"fmt"
	"io"
	"strings"

	"github.com/olekukonko/tablewriter"
	"github.com/olekukonko/tablewriter/renderer"
	"github.com/olekukonko/tablewriter/tw"
)

// WriteList writes all rules as a table: id, what it looks at, weight, kind
// and title.
func WriteList(w io.Writer) error {
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
	if err := t.Render(); err != nil {
		return fmt.Errorf("listing rules: %w", err)
	}
	_, err := fmt.Fprintf(w, "\nsuspected from a sum of weights of %d\n", Threshold)
	return err
}

// Write writes one rule whole, with its examples. It fails if there is no
// rule of that id.
func Write(w io.Writer, id string) error {
	r, ok := Find(id)
	if !ok {
		return fmt.Errorf("no rule %q", id)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s\n\n", r.ID, r.Title)
	fmt.Fprintf(&b, "looks at  %s\nweight    %+d of %d\n", r.Scope, r.Weight, Threshold)
	if r.Kind != "" {
		fmt.Fprintf(&b, "kind      %s\n", r.Kind)
	}
	for _, p := range []struct{ head, text string }{{"Why", r.Why}, {"How", r.How}, {"Limits", r.Limits}, {"Remedy", r.Remedy}} {
		fmt.Fprintf(&b, "\n%s\n%s", p.head, indent(p.text))
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
