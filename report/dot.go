package report

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"fromsource/analyze/audit"
)

// DOT writes the neighbourhood of Options.Focus, or the ways to the foremost
// findings, in the language of Graphviz. Edges point from a derivation to its
// input; dashed ones to where prebuilt bytes come from.
func DOT(w io.Writer, a *audit.Audit, o Options) error {
	n, err := near(a, o.Focus)
	if err != nil {
		return fmt.Errorf("rendering dot: %w", err)
	}
	b := bufio.NewWriter(w)
	b.WriteString("digraph fromsource {\n  rankdir=LR;\n  node [shape=box, style=\"rounded,filled\", fontname=\"sans-serif\", fontsize=11];\n")
	for _, i := range n.nodes {
		d := n.set.At(i)
		fill, line := tint(d.Verdict)
		width := 1
		if i == n.focus {
			width = 3
		}
		fmt.Fprintf(b, "  n%d [label=%s, tooltip=%s, fillcolor=%q, color=%q, penwidth=%d];\n", i,
			dotString(n.label(i)+"\n"+n.second(i)), dotString(shown(d.Drv)), fill, line, width)
	}
	for _, e := range n.edges {
		style := ""
		if e.bytes {
			style = " [style=dashed]"
		}
		fmt.Fprintf(b, "  n%d -> n%d%s;\n", e.from, e.to, style)
	}
	for k, note := range n.notes {
		fmt.Fprintf(b, "  note%d [shape=plaintext, style=\"\", label=%s];\n", k, dotString(note))
	}
	b.WriteString("}\n")
	if err := b.Flush(); err != nil {
		return fmt.Errorf("writing dot: %w", err)
	}
	return nil
}

// dotString quotes for DOT: a quote and a backslash are escaped, which also
// takes their meaning from \N, \L and HTML entities; our own line feed stays.
func dotString(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "&", "&amp;").Replace(s) + `"`
}
