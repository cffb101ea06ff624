// Package accuracy measures the text stage against labels that people made by
// reading package expressions: precision, recall, every miss and every false
// alarm by name. It is a tool of this project's development, not of its users.
package accuracy

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"strings"
)

// Label is one derivation and what people found it to be.
type Label struct {
	Drv, Name string
	// Positive: prebuilt code is fetched (a fixed-output derivation) or
	// carried (any other).
	Positive bool
	// Truth is the label's own word; Note what the labeller added.
	Truth, Note string
	// Quiet marks positives without a tell-tale hint; Mixed marks rows that
	// are both, which are left out of the headline.
	Quiet, Mixed bool
}

func positive(truth string) bool {
	switch truth {
	case "native", "bytecode", "firmware", "seed":
		return true
	}
	return false
}

// ReadFetches reads a file of JSON lines, one for each fixed-output derivation
// of a closure, with keys drv, name, label, reason and note.
func ReadFetches(file string) ([]Label, error) {
	var out []Label
	err := lines(file, func(n int, text string) error {
		var r struct{ Drv, Name, Label, Reason, Note string }
		if err := json.Unmarshal([]byte(text), &r); err != nil {
			return fmt.Errorf("line %d: %w", n, err)
		}
		if r.Drv == "" || r.Label == "" {
			return fmt.Errorf("line %d: no drv or no label", n)
		}
		out = append(out, Label{Drv: r.Drv, Name: r.Name, Positive: positive(r.Label), Truth: r.Label, Note: r.Reason})
		return nil
	})
	return out, err
}

// ReadPackages reads a table with tabs between the columns attr, drv, truth,
// truth_source, label_path@commit and note, and a header.
func ReadPackages(file string) ([]Label, error) {
	var out []Label
	err := lines(file, func(n int, text string) error {
		if n == 1 && strings.HasPrefix(text, "attr\t") {
			return nil
		}
		c := strings.Split(text, "\t")
		if len(c) != 6 {
			return fmt.Errorf("line %d: %d columns, want 6", n, len(c))
		}
		out = append(out, Label{
			Drv: c[1], Name: c[0], Positive: positive(c[2]), Truth: c[2], Note: c[5],
			Quiet: strings.Contains(c[5], "[quiet]"), Mixed: strings.Contains(c[5], "[mixed]"),
		})
		return nil
	})
	return out, err
}

func lines(file string, each func(n int, text string) error) error {
	f, err := os.Open(file)
	if err != nil {
		return fmt.Errorf("reading labels: %w", err)
	}
	defer f.Close()
	sc := bufio.NewScanner(f)
	sc.Buffer(nil, 1<<20)
	for n := 1; sc.Scan(); n++ {
		if strings.TrimSpace(sc.Text()) == "" {
			continue
		}
		if err := each(n, sc.Text()); err != nil {
			return fmt.Errorf("reading labels %q: %w", file, err)
		}
	}
	if err := sc.Err(); err != nil {
		return fmt.Errorf("reading labels %q: %w", file, err)
	}
	return nil
}
