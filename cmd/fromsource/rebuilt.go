package main

import (
	"fmt"
	"io"

	"github.com/olekukonko/tablewriter"
	"github.com/olekukonko/tablewriter/tw"

	"fromsource/analyze/audit"
	"fromsource/analyze/rebuild"
	"fromsource/analyze/rebuild/attest"
	"fromsource/closure"
	"fromsource/report"
)

// writeRebuilt shows results as a table, and puts them into the audit and
// into attestations where those were asked for.
func writeRebuilt(e *env, a *audit.Audit, g *closure.Graph, results []rebuild.Result, o *rebuildOptions) error {
	if err := rebuiltTable(e.stdout, results); err != nil {
		return fmt.Errorf("writing results: %w", err)
	}
	if o.output != "" {
		merge(a, results)
		if err := audit.WriteFile(o.output, a); err != nil {
			return err
		}
	}
	if o.attest == "" {
		return nil
	}
	return writeAttestations(a, g, results, o)
}

func rebuiltTable(w io.Writer, results []rebuild.Result) error {
	t := tablewriter.NewTable(w, tablewriter.WithHeaderAutoFormat(tw.Off), tablewriter.WithRowAutoWrap(tw.WrapNone))
	t.Header("derivation", "output", "by", "against", "result", "reason")
	for _, r := range results {
		if err := t.Append(printable(closure.NameOf(r.Drv)), printable(r.Output), r.By, printable(r.Against), r.Result, printable(r.Reason)); err != nil {
			return err
		}
	}
	return t.Render()
}

// merge replaces what an audit says of a builder's results by new ones.
func merge(a *audit.Audit, results []rebuild.Result) {
	rows := rebuild.Rows(results)
	for i := range a.Derivations {
		d := &a.Derivations[i]
		fresh, ok := rows[d.Drv]
		if !ok {
			continue
		}
		by := map[string]bool{}
		for _, r := range fresh {
			by[r.By] = true
		}
		kept := []audit.Rebuild{}
		for _, r := range d.Rebuild {
			if !by[r.By] {
				kept = append(kept, r)
			}
		}
		d.Rebuild = append(kept, fresh...)
	}
}

// writeAttestations signs what was found: a statement an output, and a
// summary of the target.
func writeAttestations(a *audit.Audit, g *closure.Graph, results []rebuild.Result, o *rebuildOptions) error {
	key, err := readKey(o.key, attest.ParseSecretKey)
	if err != nil {
		return err
	}
	var rows []attest.Row
	outputs := map[string]string{}
	for _, r := range results {
		row := attest.Row{Drv: r.Drv, Rebuild: r.Rebuild}
		if id, ok := g.Lookup(r.Drv); ok {
			for _, out := range g.Outputs(id) {
				if out.Name == r.Output {
					row.Path = out.Path
				}
			}
		}
		if row.Path != "" && r.Got != "" {
			outputs[row.Path] = r.Got
		}
		rows = append(rows, row)
	}
	statements, err := attest.Statements(rows)
	if err != nil {
		return err
	}
	target := attest.Target{Name: "rebuild", Outputs: outputs, Tool: version}
	if a != nil {
		target.Name = a.Target.Name
	}
	summary, err := attest.Summarize(target, rows, statements)
	if err != nil {
		return err
	}
	return report.WriteFile(o.attest, func(w io.Writer) error { return attest.Write(w, key, append(statements, summary)) })
}
