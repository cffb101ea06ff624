package inspect

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
)

// JSON writes the report as fromsource/inspect/v1.
func (r Report) JSON(w io.Writer) error {
	b := bufio.NewWriter(w)
	enc := json.NewEncoder(b)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	if err := enc.Encode(r); err != nil {
		return fmt.Errorf("writing inspection: %w", err)
	}
	return b.Flush()
}

// Text writes the report for people: for each input one line that answers, its
// compiled members, and what could not be looked at.
func (r Report) Text(w io.Writer) error {
	b := bufio.NewWriter(w)
	for i, in := range r.Inputs {
		if i > 0 {
			fmt.Fprintln(b)
		}
		fmt.Fprintf(b, "%s: %s\n", safe(in.Path), in.answer())
		t := tabwriter.NewWriter(b, 0, 8, 2, ' ', 0)
		for _, m := range in.Members {
			how := m.Format
			if m.Embedded {
				how += " in text"
			}
			if m.Confidence != "high" {
				how += ", " + string(m.Confidence) + " confidence"
			}
			if m.Detail != "" {
				how += " (" + safe(m.Detail) + ")"
			}
			fmt.Fprintf(t, "  %s\t%s\t%s\n", m.Kind, safe(m.Path), how)
		}
		if err := t.Flush(); err != nil {
			return fmt.Errorf("writing inspection: %w", err)
		}
		for _, s := range in.Skipped {
			fmt.Fprintf(b, "  skipped %s: %s\n", safe(s.Path), safe(s.Reason))
		}
	}
	if err := b.Flush(); err != nil {
		return fmt.Errorf("writing inspection: %w", err)
	}
	return nil
}

// answer is the input's result in one phrase.
func (in Input) answer() string {
	if in.Error != "" {
		return "not read: " + safe(in.Error)
	}
	files := fmt.Sprintf("%d %s", in.Files, plural(in.Files, "file"))
	s := fmt.Sprintf("nothing compiled in %s", files)
	if n := len(in.Members); n > 0 {
		s = fmt.Sprintf("%d compiled %s in %s", n, plural(n, "member"), files)
	}
	if n := len(in.Skipped); n > 0 {
		s += fmt.Sprintf(", %d not looked at", n)
	}
	return s
}

func plural(n int, s string) string {
	if n == 1 {
		return s
	}
	return s + "s"
}

// safe quotes what could act on a terminal or break a line.
func safe(s string) string {
	if strings.ContainsFunc(s, func(r rune) bool { return r < 0x20 || r == 0x7f || r >= 0x80 && r < 0xa0 || r == '\ufffd' }) {
		return strconv.Quote(s)
	}
	return s
}
