package policy

import (
	"bufio"
	"bytes"
	"fmt"
	"slices"

	"fromsource/analyze/policy/nixtext"
)

// context is how many unchanged lines a patch shows around a change.
const context = 3

// change replaces whole lines: those from the first to before the end, counted
// from 0, by others. All but a file's last line end in a newline.
type change struct {
	first, end int
	text       [][]byte
}

// changesOf turns edits into changes of whole lines, in order; edits that
// share a line become one.
func changesOf(data []byte, edits []nixtext.Edit) []change {
	edits = slices.Clone(edits)
	slices.SortFunc(edits, func(a, b nixtext.Edit) int { return a.Pos - b.Pos })
	lineOf := func(pos int) int { return bytes.Count(data[:pos], []byte("\n")) }
	startOf := func(pos int) int { return bytes.LastIndexByte(data[:pos], '\n') + 1 }
	endOf := func(pos int) int {
		if pos > 0 && data[pos-1] == '\n' && pos == startOf(pos) {
			return pos
		}
		if k := bytes.IndexByte(data[pos:], '\n'); k >= 0 {
			return pos + k + 1
		}
		return len(data)
	}
	var out []change
	for i := 0; i < len(edits); {
		from, to, j := startOf(edits[i].Pos), endOf(edits[i].End), i+1
		var text []byte
		for {
			for j < len(edits) && edits[j].Pos < to {
				to = max(to, endOf(edits[j].End))
				j++
			}
			text = text[:0]
			at := from
			for _, e := range edits[i:j] {
				text = append(append(text, data[at:e.Pos]...), e.Text...)
				at = e.End
			}
			text = append(text, data[at:to]...)
			if len(text) == 0 || text[len(text)-1] == '\n' || to == len(data) {
				break
			}
			to = endOf(to + 1) // an edit took the newline: the next line joins
		}
		out = append(out, change{first: lineOf(from), end: lineOf(from) + len(splitLines(data[from:to])), text: splitLines(text)})
		i = j
	}
	return out
}

// splitLines gives lines with their newlines.
func splitLines(data []byte) [][]byte {
	var out [][]byte
	for line := range bytes.SplitAfterSeq(data, []byte("\n")) {
		if len(line) > 0 {
			out = append(out, line)
		}
	}
	return out
}

func applied(data []byte, changes []change) []byte {
	old := splitLines(data)
	var out []byte
	at := 0
	for _, c := range changes {
		out = append(out, bytes.Join(old[at:c.first], nil)...)
		out = append(out, bytes.Join(c.text, nil)...)
		at = c.end
	}
	return append(out, bytes.Join(old[at:], nil)...)
}

// writeUnified writes one file of a unified diff as git does.
func writeUnified(b *bufio.Writer, name string, data []byte, changes []change) {
	old := splitLines(data)
	fmt.Fprintf(b, "diff --git a/%s b/%s\n--- a/%s\n+++ b/%s\n", name, name, name, name)
	line := func(sign byte, text []byte) {
		b.WriteByte(sign)
		b.Write(text)
		if !bytes.HasSuffix(text, []byte("\n")) {
			b.WriteString("\n\\ No newline at end of file\n")
		}
	}
	grown := 0 // how many lines more the new file has so far
	for i := 0; i < len(changes); {
		j := i + 1
		for j < len(changes) && changes[j].first-changes[j-1].end <= 2*context {
			j++
		}
		hunk := changes[i:j]
		from, to := max(hunk[0].first-context, 0), min(hunk[len(hunk)-1].end+context, len(old))
		more := 0
		for _, c := range hunk {
			more += len(c.text) - (c.end - c.first)
		}
		fmt.Fprintf(b, "@@ -%s +%s @@\n", hunkRange(from, to-from), hunkRange(from+grown, to-from+more))
		at := from
		for _, c := range hunk {
			for _, l := range old[at:c.first] {
				line(' ', l)
			}
			for _, l := range old[c.first:c.end] {
				line('-', l)
			}
			for _, l := range c.text {
				line('+', l)
			}
			at = c.end
		}
		for _, l := range old[at:to] {
			line(' ', l)
		}
		grown += more
		i = j
	}
}

// hunkRange is a start from 1 and a length; an empty range names the line
// before it.
func hunkRange(from, n int) string {
	if n == 0 {
		return fmt.Sprintf("%d,0", from)
	}
	return fmt.Sprintf("%d,%d", from+1, n)
}
