package report

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"fromsource/analyze/audit"
	"fromsource/analyze/policy/finding"
	"fromsource/report/internal/safe"
)

// page is the block of JSON that the script of the HTML report draws from. It
// is kept by columns, with numbers for words, since 30,000 rows must open at
// once. encoding/json escapes "<", ">" and "&", so it cannot end its element.
type page struct {
	Verdicts []string `json:"verdicts"` // words that the columns below count in
	Reaches  []string `json:"reaches"`
	Kinds    []string `json:"kinds"`
	Image    bool     `json:"image"`

	// Columns, an element a derivation, in the audit's order.
	Names   []string  `json:"names"`
	Verdict []int     `json:"verdict"`
	Reach   []int     `json:"reach"`
	Seed    []int     `json:"seed"` // nearest seed, -1 for none
	Size    []int64   `json:"size"` // of all outputs, 0 where not known
	Hashes  []hashRow `json:"hashes"`
	Skipped []skipRow `json:"skipped"`
}

// writePage writes the page, and after its own members "findings", a list of
// rows, and "other", rows by their numbers that are no finding but have more
// to say. Of a large closure these are nearly all: each row is made when it is
// written, and forgotten.
func writePage(w io.Writer, set *finding.Set) error {
	columns, err := json.Marshal(makePage(set))
	if err != nil {
		return err
	}
	bw := bufio.NewWriterSize(w, 1<<16) // it remembers an error until Flush
	var row bytes.Buffer
	enc := json.NewEncoder(&row)
	put := func(before string, i int) error {
		row.Reset()
		if err := enc.Encode(pageOf(set, i)); err != nil {
			return err
		}
		bw.WriteString(before)
		_, err := bw.Write(bytes.TrimSuffix(row.Bytes(), []byte("\n")))
		return err
	}
	bw.Write(bytes.TrimSuffix(columns, []byte("}")))
	bw.WriteString(`,"findings":[`)
	sep := ""
	for _, i := range set.Findings {
		if err := put(sep, i); err != nil {
			return err
		}
		sep = ","
	}
	bw.WriteString(`],"other":{`)
	sep = ""
	other := slices.Concat(set.Seeds, set.Unknown)
	slices.Sort(other)
	for _, i := range slices.Compact(other) {
		if err := put(fmt.Sprintf(`%s"%d":`, sep, i), i); err != nil {
			return err
		}
		sep = ","
	}
	bw.WriteString("}}")
	return bw.Flush()
}

type pageRow struct {
	Row        int       `json:"row"`
	Drv        string    `json:"drv"`
	Kinds      []int     `json:"kinds"`
	Confidence string    `json:"confidence"`
	Influence  int       `json:"influence"`
	Dependents string    `json:"dependents"` // the same in words
	From       string    `json:"from"`
	Level      string    `json:"level"`
	Suspected  bool      `json:"suspected"`
	Rebuild    string    `json:"rebuild"`
	Reason     string    `json:"reason,omitempty"`
	URLs       []string  `json:"urls"`
	Way        []int     `json:"way"`
	Via        string    `json:"via"`
	Sources    []int     `json:"sources"`
	Through    []int     `json:"through"`
	Others     int       `json:"others,omitempty"` // of Through left out
	Evidence   []pageWhy `json:"evidence"`
	More       int       `json:"more,omitempty"` // evidence left out
}

type pageWhy struct {
	Rule   string `json:"rule"`
	Level  string `json:"level"`
	At     string `json:"at"`
	Detail string `json:"detail"`
	From   int    `json:"from"`
}

type hashRow struct {
	Row         int      `json:"row"`
	Output      string   `json:"output"`
	Expected    string   `json:"expected"`
	Got         string   `json:"got"`
	Result      string   `json:"result"`
	By          string   `json:"by"`
	Against     string   `json:"against"`
	Reason      string   `json:"reason"`
	Differences []string `json:"differences"`
}

type skipRow struct {
	Input  string `json:"input"`
	Reason string `json:"reason"`
}

const (
	pageEvidence = 12
	pageURLs     = 6
	pageThrough  = 12
)

func shown(s string) string { return safe.Short(safe.Visible(s), maxString) }

func makePage(set *finding.Set) *page {
	a := set.Audit
	n := len(a.Derivations)
	p := &page{
		Verdicts: []string{}, Reaches: []string{"runtime", "build only", "unknown"},
		Kinds:   []string{"native code", "bytecode", "firmware", "other"},
		Image:   a.Target.Image != nil,
		Names:   make([]string, n),
		Verdict: make([]int, n), Reach: make([]int, n), Size: make([]int64, n),
		Seed: set.SeedOf(), Hashes: []hashRow{}, Skipped: []skipRow{},
	}
	for _, v := range audit.Verdicts {
		p.Verdicts = append(p.Verdicts, verdictTitle(v))
	}
	for i := range a.Derivations {
		d := set.At(i)
		p.Names[i] = shown(d.Title())
		p.Verdict[i] = slices.Index(audit.Verdicts, audit.Verdict(verdictWord(d.Verdict)))
		p.Reach[i] = slices.Index(p.Reaches, reachTitle(d.Reach))
		for _, o := range d.Outputs {
			p.Size[i] += max(o.NarSize, 0)
		}
		for _, r := range d.Rebuild {
			p.Hashes = append(p.Hashes, pageHash(i, r))
		}
	}
	slices.SortStableFunc(p.Hashes, func(x, y hashRow) int { return resultRank(x.Result) - resultRank(y.Result) })
	for _, s := range a.Skipped {
		p.Skipped = append(p.Skipped, skipRow{Input: shown(s.Input), Reason: shown(s.Reason)})
	}
	return p
}

// resultRank puts what needs a look first.
func resultRank(r string) int {
	return slices.Index([]string{audit.Differs, audit.Failed, "unclear", audit.Reproduced, audit.NoReference, audit.NotAttempted}, r)
}

func pageOf(set *finding.Set, i int) pageRow {
	d := set.At(i)
	way, via := set.Way(i)
	r := pageRow{
		Row: i, Drv: shown(d.Drv), Kinds: []int{}, Confidence: shown(string(d.Confidence)), Influence: d.Influence, Dependents: influenceTitle(set.Audit, d),
		From: shown(whereFrom(set, i)), Level: string(finding.Level(d)), Suspected: finding.Suspicion(d), Rebuild: rebuildTitle(d),
		Reason: shown(d.Reason), URLs: []string{}, Way: way, Via: string(via), Sources: set.Sources(i), Through: []int{}, Evidence: []pageWhy{},
	}
	if r.Way == nil {
		r.Way = []int{}
	}
	if r.Sources == nil {
		r.Sources = []int{}
	}
	if rows := set.Through(i); len(rows) > 0 {
		n := min(len(rows), pageThrough)
		r.Through, r.Others = rows[:n], len(rows)-n
	}
	for _, k := range d.Kinds {
		at := slices.Index([]audit.Kind{audit.NativeCode, audit.Bytecode, audit.Firmware}, k)
		if at < 0 {
			at = 3
		}
		r.Kinds = append(r.Kinds, at)
	}
	for k, u := range d.URLs {
		if k == pageURLs {
			break
		}
		r.URLs = append(r.URLs, shown(u))
	}
	for k, e := range finding.Evidence(d) {
		if k == pageEvidence {
			r.More = len(d.Evidence) - k
			break
		}
		from := -1
		if j, ok := set.Row(e.From); ok {
			from = j
		}
		r.Evidence = append(r.Evidence, pageWhy{Rule: shown(e.Rule), Level: shown(string(e.Level)), At: shown(e.At), Detail: shown(e.Detail), From: from})
	}
	return r
}

func pageHash(i int, r audit.Rebuild) hashRow {
	h := hashRow{
		Row: i, Output: shown(r.Output), Expected: shown(r.Expected), Got: shown(r.Got), Result: resultWord(r.Result),
		By: shown(r.By), Against: shown(r.Against), Differences: []string{},
	}
	var notes []string
	for _, s := range rebuildNotes(r) {
		notes = append(notes, s.text())
	}
	h.Reason = strings.Join(notes, "; ")
	for k, d := range r.Differences {
		if k == pageEvidence {
			break
		}
		s := d.Path + ": " + d.What
		if d.Detail != "" {
			s += ", " + d.Detail
		}
		h.Differences = append(h.Differences, shown(s))
	}
	return h
}
