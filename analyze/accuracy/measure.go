package accuracy

import (
	"fmt"
	"io"
	"strings"

	"github.com/olekukonko/tablewriter"
	"github.com/olekukonko/tablewriter/renderer"
	"github.com/olekukonko/tablewriter/tw"
)

// Result is a comparison of answers with labels.
type Result struct {
	// Set names the labels.
	Set string
	// Counts of the headline: mixed rows are not in it.
	Found, Missed, False, Cleared int
	// QuietFound and Quiet are the found and all positives marked quiet.
	QuietFound, Quiet int
	// Absent counts labelled derivations that are not in the closure.
	Absent int
	// Wrong lists misses and false alarms, mixed ones too, in the order of
	// the labels.
	Wrong []Label
}

// Compare asks suspected for every label; ok is false where the closure has
// not the derivation.
func Compare(set string, labels []Label, suspected func(drv string) (answer, ok bool)) Result {
	r := Result{Set: set}
	for _, l := range labels {
		got, ok := suspected(l.Drv)
		if !ok {
			r.Absent++
			continue
		}
		if got != l.Positive {
			r.Wrong = append(r.Wrong, l)
		}
		if l.Mixed {
			continue
		}
		if l.Quiet && l.Positive {
			r.Quiet++
			if got {
				r.QuietFound++
			}
		}
		switch {
		case l.Positive && got:
			r.Found++
		case l.Positive:
			r.Missed++
		case got:
			r.False++
		default:
			r.Cleared++
		}
	}
	return r
}

// Recall is the share of positives that are suspected; 1 where there is none.
func (r Result) Recall() float64 { return share(r.Found, r.Found+r.Missed) }

// Precision is the share of the suspected that are positives; 1 where there is
// none.
func (r Result) Precision() float64 { return share(r.Found, r.Found+r.False) }

// QuietRecall is Recall among the positives marked quiet.
func (r Result) QuietRecall() float64 { return share(r.QuietFound, r.Quiet) }

func share(n, of int) float64 {
	if of == 0 {
		return 1
	}
	return float64(n) / float64(of)
}

// Write writes the tables: one line for each result, then every miss and
// every false alarm by name. Markdown, so that it can go into a README.
func Write(w io.Writer, results []Result) error {
	t := tablewriter.NewTable(w, tablewriter.WithRenderer(renderer.NewMarkdown()), tablewriter.WithHeaderAutoFormat(tw.Off))
	t.Header("labels", "positives found", "recall", "false alarms", "precision", "quiet found", "absent")
	wrong := 0
	for _, r := range results {
		quiet := "–"
		if r.Quiet > 0 {
			quiet = fmt.Sprintf("%d of %d (%s)", r.QuietFound, r.Quiet, percent(r.QuietRecall()))
		}
		if err := t.Append(cell(r.Set), fmt.Sprintf("%d of %d", r.Found, r.Found+r.Missed), percent(r.Recall()),
			fmt.Sprintf("%d of %d", r.False, r.False+r.Cleared), percent(r.Precision()), quiet, fmt.Sprint(r.Absent)); err != nil {
			return fmt.Errorf("writing accuracy: %w", err)
		}
		wrong += len(r.Wrong)
	}
	if err := t.Render(); err != nil {
		return fmt.Errorf("writing accuracy: %w", err)
	}
	if wrong == 0 {
		return nil
	}
	if _, err := io.WriteString(w, "\n"); err != nil {
		return err
	}
	t = tablewriter.NewTable(w, tablewriter.WithRenderer(renderer.NewMarkdown()), tablewriter.WithHeaderAutoFormat(tw.Off))
	t.Header("wrong", "labels", "name", "truth", "note")
	for _, r := range results {
		for _, l := range r.Wrong {
			what := "false alarm"
			if l.Positive {
				what = "miss"
			}
			if l.Mixed {
				what += " (mixed, not counted)"
			}
			if err := t.Append(what, cell(r.Set), cell(l.Name), l.Truth, cell(l.Note)); err != nil {
				return fmt.Errorf("writing accuracy: %w", err)
			}
		}
	}
	if err := t.Render(); err != nil {
		return fmt.Errorf("writing accuracy: %w", err)
	}
	return nil
}

func percent(f float64) string { return fmt.Sprintf("%.1f %%", 100*f) }

// cell makes text fit for a markdown table's cell, which the renderer does not.
func cell(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' {
			return ' '
		}
		return r
	}, s)
	return strings.ReplaceAll(s, "|", `\|`)
}
