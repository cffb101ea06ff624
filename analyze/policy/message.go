package policy

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// WriteText says on a few lines what is new, since which input, and what to
// do. Names are quoted, so that none can act on a terminal or a CI log.
func (r *Result) WriteText(w io.Writer) error {
	b := bufio.NewWriter(w)
	switch {
	case r.Pass && len(r.Waived) == 0:
		fmt.Fprintf(b, "pass: %s, none of them new\n", findings(r.Known))
	case r.Pass:
		fmt.Fprintf(b, "pass: %s known, %d waived\n", findings(r.Known), len(r.Waived))
	default:
		fmt.Fprintf(b, "fail: %s not in the baseline, %s\n", findings(len(r.New)), count(len(r.Problems), "error in policy files", "errors in policy files"))
	}
	for _, it := range r.New {
		it.write(b)
	}
	for _, it := range r.Waived {
		fmt.Fprintf(b, "\nwaived: %q (%s) until %s, reason %s, owner %q, %s\n", it.Package, it.Verdict,
			it.Waiver.Until.Format("2006-01-02"), it.Waiver.Reason, it.Waiver.Owner, plainURL(it.Waiver.Issue))
	}
	if len(r.Problems) > 0 {
		b.WriteString("\n")
	}
	for _, p := range r.Problems {
		b.WriteString(p.String() + "\n")
	}
	if len(r.Gone) > 0 {
		fmt.Fprintf(b, "\n%s of the baseline not found any more:\n", count(len(r.Gone), "line", "lines"))
		for k, e := range r.Gone {
			if k == 20 {
				fmt.Fprintf(b, "  and %d more\n", len(r.Gone)-k)
				break
			}
			fmt.Fprintf(b, "  %q (%s, %s): %s\n", e.Name, e.Verdict, e.Reach, map[string]string{
				"gone": "gone", "source": "from source now", "unknown": "could not be looked at this time",
			}[e.Now])
		}
	}
	if r.Incomplete() {
		fmt.Fprintf(b, "\nnot looked at: %s, %s; new binary dependencies may hide there\n",
			count(r.Unknown, "derivation", "derivations"), count(r.Skipped, "place", "places"))
	}
	if len(r.New) > 0 {
		b.WriteString(advice)
	}
	if err := b.Flush(); err != nil {
		return fmt.Errorf("writing gate result: %w", err)
	}
	return nil
}

const advice = `
What to do, best first:
  build it from source, or drop the input that brings it in;
  if it must stay for now, add a waiver (finding, reach, reason, owner, issue, until);
  if it is meant to stay, run "fromsource baseline update" and commit the change for review.
`

func (it *Item) write(b *bufio.Writer) {
	what := string(it.Verdict)
	for _, k := range it.Kinds {
		what += ", " + string(k)
	}
	fmt.Fprintf(b, "\n%s: %q (%s; reach %s)", newWord(it), it.Package, what, it.Reach)
	if it.Suspected {
		b.WriteString(", suspected from text alone")
	}
	b.WriteString("\n")
	if it.URL != "" {
		fmt.Fprintf(b, "  from     %s\n", plainURL(it.URL))
	}
	for k, c := range it.Carries {
		if k == 5 {
			fmt.Fprintf(b, "           and %d more\n", len(it.Carries)-k)
			break
		}
		fmt.Fprintf(b, "  origin   %q\n", c)
	}
	if it.Was != nil {
		fmt.Fprintf(b, "  baseline %s\n", formatIdentity(it.Was.Identity))
		fmt.Fprintf(b, "  now      %s\n", formatIdentity(it.Identity))
	}
	if it.Since != "" {
		fmt.Fprintf(b, "  since    input %q\n", it.Since)
	}
	if len(it.Way) > 1 {
		quoted := make([]string, len(it.Way))
		for k, n := range it.Way {
			quoted[k] = strconv.Quote(n)
		}
		fmt.Fprintf(b, "  way      %s\n", strings.Join(quoted, " -> "))
	}
	for k, c := range it.CarriedBy {
		if k == 5 {
			fmt.Fprintf(b, "           and %d more\n", len(it.CarriedBy)-k)
			break
		}
		fmt.Fprintf(b, "  now in   %q\n", c)
	}
}

func newWord(it *Item) string {
	switch it.Why {
	case WhyReach:
		return "new reach"
	case WhyKind:
		return "new kind"
	case WhyOrigin:
		return "new origin"
	case WhyVerdict:
		return "new verdict"
	}
	return "new"
}

// plainURL quotes a URL when it has more than URLs have.
func plainURL(s string) string {
	if q := strconv.QuoteToASCII(s); q != `"`+s+`"` || strings.Contains(s, " ") {
		return q
	}
	return s
}

func (p Problem) String() string {
	if p.File == "" {
		return p.Message
	}
	return fmt.Sprintf("%s:%d: %s", p.File, p.Line, p.Message)
}

// WriteJSON writes the result as JSON, indented; see [GateSchema].
func (r *Result) WriteJSON(w io.Writer) error { return writeJSON(w, r) }

func writeJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	if err := enc.Encode(v); err != nil {
		return fmt.Errorf("writing JSON: %w", err)
	}
	return nil
}

func findings(n int) string { return count(n, "finding", "findings") }

func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
