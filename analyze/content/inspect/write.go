package inspect

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
)

// JSON writes the report as fromsource/inspect/v1, a member at a time: the whole
// text can be as large as what it is about.
func (r Report) JSON(w io.Writer) error {
	b := bufio.NewWriter(w)
	j := &indented{w: b}
	j.enc = json.NewEncoder(&j.one)
	j.enc.SetEscapeHTML(false)
	b.WriteString("{\n")
	j.field("  ", "schema", r.Schema)
	j.field("  ", "tool", r.Tool)
	list(j, "  ", "inputs", r.Inputs, func(in Input) {
		b.WriteString("{\n")
		const pad = "      "
		j.field(pad, "path", in.Path)
		j.field(pad, "kinds", in.Kinds)
		list(j, pad, "members", in.Members, func(m Member) { j.value(pad+"  ", m) })
		b.WriteString(",\n")
		list(j, pad, "skipped", in.Skipped, func(s Skip) { j.value(pad+"  ", s) })
		fmt.Fprintf(b, ",\n%s\"files\": %d,\n%s\"bytes\": %d", pad, in.Files, pad, in.Bytes)
		if in.Error != "" {
			fmt.Fprintf(b, ",\n%s\"error\": ", pad)
			j.value(pad, in.Error)
		}
		b.WriteString("\n    }")
	})
	b.WriteString("\n}\n")
	if err := errors.Join(j.err, b.Flush()); err != nil {
		return fmt.Errorf("writing inspection: %w", err)
	}
	return nil
}

// indented writes JSON as an encoder with indentation of two spaces does.
type indented struct {
	w   *bufio.Writer // errors of it come with its Flush
	enc *json.Encoder
	one bytes.Buffer
	err error
}

func (j *indented) value(pad string, v any) {
	j.one.Reset()
	j.enc.SetIndent(pad, "  ")
	if err := j.enc.Encode(v); err != nil {
		j.err = errors.Join(j.err, err)
	}
	j.w.Write(bytes.TrimSuffix(j.one.Bytes(), []byte("\n")))
}

func (j *indented) field(pad, name string, v any) {
	fmt.Fprintf(j.w, "%s%q: ", pad, name)
	j.value(pad, v)
	j.w.WriteString(",\n")
}

// list writes a field that has a value for each of all.
func list[T any](j *indented, pad, name string, all []T, value func(T)) {
	fmt.Fprintf(j.w, "%s%q: [", pad, name)
	for i, v := range all {
		if i > 0 {
			j.w.WriteByte(',')
		}
		j.w.WriteString("\n" + pad + "  ")
		value(v)
	}
	if len(all) > 0 {
		j.w.WriteString("\n" + pad)
	}
	j.w.WriteByte(']')
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
