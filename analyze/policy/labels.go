package policy

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"fromsource/analyze/audit"
	"fromsource/analyze/policy/finding"
)

// LabelsSchema names the version of a label report's JSON.
const LabelsSchema = "fromsource/labels/v1"

// Label is what nixpkgs says of one package in meta.sourceProvenance.
type Label struct {
	// Drv is set where the label comes from an evaluation, Name (without
	// version) always.
	Drv, Name, Attr string
	// Types are short names of lib.sourceTypes; empty for no label, which
	// nixpkgs reads as built from source.
	Types []string
	// File and Line are where the label, or the meta that lacks it, stands.
	File string
	Line int

	// guessed is true where Name was read from text, and may be another.
	guessed bool
}

// Labels are the labels of one evaluation or checkout.
type Labels struct {
	List []Label
	// Failed counts packages that did not evaluate, whose labels are unknown.
	Failed int
}

// maxEvalLine bounds one line of an evaluation, in bytes.
const maxEvalLine = 64 << 20

// ReadEvalJobs reads what "nix-eval-jobs --meta" prints: a JSON object a
// line. Lines with an "error" are counted; anything else that is not such an
// object is an error that names the line.
func ReadEvalJobs(name string, r io.Reader) (*Labels, error) {
	type job struct {
		Attr    string          `json:"attr"`
		DrvPath string          `json:"drvPath"`
		Name    string          `json:"name"`
		Error   json.RawMessage `json:"error"`
		Meta    struct {
			Position         string          `json:"position"`
			SourceProvenance json.RawMessage `json:"sourceProvenance"`
		} `json:"meta"`
	}
	out := &Labels{}
	sc := bufio.NewScanner(r)
	sc.Buffer(make([]byte, 0, 1<<16), maxEvalLine)
	for n := 1; sc.Scan(); n++ {
		line := bytes.TrimSpace(sc.Bytes())
		if len(line) == 0 {
			continue
		}
		var j job
		if err := json.Unmarshal(line, &j); err != nil {
			return nil, &FileError{File: name, Line: n, Msg: fmt.Sprintf("not a line of nix-eval-jobs --meta: %v", err)}
		}
		if len(j.Error) > 0 && string(j.Error) != "null" {
			out.Failed++
			continue
		}
		if j.DrvPath == "" {
			return nil, &FileError{File: name, Line: n, Msg: "no drvPath: want the output of nix-eval-jobs --meta"}
		}
		types, err := sourceTypes(j.Meta.SourceProvenance)
		if err != nil {
			return nil, &FileError{File: name, Line: n, Msg: err.Error()}
		}
		l := Label{Drv: j.DrvPath, Name: packageName(j.Name), Attr: j.Attr, Types: types}
		if at := strings.LastIndexByte(j.Meta.Position, ':'); at > 0 {
			l.File = j.Meta.Position[:at]
			l.Line, _ = strconv.Atoi(j.Meta.Position[at+1:]) // no number: no line
		}
		out.List = append(out.List, l)
	}
	if err := sc.Err(); err != nil {
		if errors.Is(err, bufio.ErrTooLong) {
			err = errTooLarge
		}
		return nil, fmt.Errorf("reading %q: %w", name, err)
	}
	return out, nil
}

// sourceTypes accepts one source type or a list, each as an attribute set
// with a shortName or as a string.
func sourceTypes(raw json.RawMessage) ([]string, error) {
	if len(raw) == 0 || string(raw) == "null" {
		return nil, nil
	}
	items := []json.RawMessage{raw}
	if raw[0] == '[' {
		if err := json.Unmarshal(raw, &items); err != nil {
			return nil, fmt.Errorf("meta.sourceProvenance: %w", err)
		}
	}
	var out []string
	for _, it := range items {
		var s string
		var set struct {
			ShortName string `json:"shortName"`
		}
		switch {
		case json.Unmarshal(it, &s) == nil:
		case json.Unmarshal(it, &set) == nil && set.ShortName != "":
			s = set.ShortName
		default:
			return nil, fmt.Errorf("meta.sourceProvenance holds %q, which is no source type", clip(string(it)))
		}
		out = append(out, s)
	}
	slices.Sort(out)
	return slices.Compact(out), nil
}

// packageName is a name without its version, parted where Nix does: at the
// first dash that no letter follows.
func packageName(name string) string {
	for i := 1; i+1 < len(name); i++ {
		if c := name[i+1]; name[i] == '-' && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') {
			return name[:i]
		}
	}
	return name
}

// LabelItem is one package whose finding was compared with its label.
type LabelItem struct {
	Package string `json:"package"`
	Drv     string `json:"drv"`
	Attr    string `json:"attr,omitempty"`
	File    string `json:"file,omitempty"`
	Line    int    `json:"line,omitempty"`
	// Have is the label, Want what the finding says it should be.
	Have      []string      `json:"have"`
	Want      []string      `json:"want"`
	Verdict   audit.Verdict `json:"verdict"`
	Reach     audit.Reach   `json:"reach"`
	Suspected bool          `json:"suspected"`
	// Evidence is the furthest piece, in a line.
	Evidence string `json:"evidence"`
	// Unplaced says why the patch leaves this one to a person; empty where
	// it does not, or no patch was made.
	Unplaced string `json:"unplaced,omitempty"`

	unsure string // why label and package may not belong together
}

// LabelReport compares findings with nixpkgs' own labels.
type LabelReport struct {
	Schema string `json:"schema"`
	// Missing: prebuilt, and not labelled so. Wrong: labelled as another
	// kind. Superfluous: labelled, and found to be from source. Unjudged:
	// labelled, and could not be looked at.
	Missing     []LabelItem `json:"missing"`
	Wrong       []LabelItem `json:"wrong"`
	Superfluous []LabelItem `json:"superfluous"`
	Agreed      []LabelItem `json:"agreed"`
	Unjudged    []LabelItem `json:"unjudged"`
	// Unjoined counts findings for which no package was found; Failed
	// packages that did not evaluate.
	Unjoined int `json:"unjoined"`
	Failed   int `json:"failed"`
}

// JoinLabels compares an audit with labels: by derivation where the labels
// have one, else by name. Labels that the audit itself carries come first.
func JoinLabels(a *audit.Audit, labels *Labels) *LabelReport {
	set := finding.Of(a)
	r := &LabelReport{
		Schema: LabelsSchema, Failed: labels.Failed, Missing: []LabelItem{}, Wrong: []LabelItem{},
		Superfluous: []LabelItem{}, Agreed: []LabelItem{}, Unjudged: []LabelItem{},
	}
	byDrv, byName := map[string]Label{}, map[string][]Label{}
	for _, l := range labels.List {
		if l.Drv != "" {
			byDrv[l.Drv] = l
		} else {
			byName[l.Name] = append(byName[l.Name], l)
		}
	}
	for i := range a.Derivations {
		d := set.At(i)
		want := wantedTypes(d)
		l, unsure, ok := findLabel(d, want, byDrv, byName)
		if !ok {
			if len(want) > 0 && !d.FixedOutput {
				r.Unjoined++
			}
			continue
		}
		have := slices.DeleteFunc(slices.Clone(l.Types), func(t string) bool { return t == "fromSource" })
		it := labelItem(set, i, l, have, want)
		it.unsure = unsure
		switch {
		case len(want) > 0 && len(have) == 0:
			r.Missing = append(r.Missing, it)
		case len(want) > 0 && it.Suspected && !slices.ContainsFunc(want, func(t string) bool { return !slices.Contains(have, t) }):
			// Text alone does not show every kind that a package carries.
			r.Agreed = append(r.Agreed, it)
		case len(want) > 0 && !slices.Equal(have, want):
			r.Wrong = append(r.Wrong, it)
		case len(want) > 0:
			r.Agreed = append(r.Agreed, it)
		case len(have) > 0 && (d.Verdict == audit.Source || d.Verdict == audit.BuiltByBinary):
			r.Superfluous = append(r.Superfluous, it)
		case len(have) > 0:
			r.Unjudged = append(r.Unjudged, it)
		}
	}
	return r
}

// wantedTypes is the label that a verdict asks for. What was built by a
// prebuilt tool carries none of it, so nixpkgs labels it as from source.
func wantedTypes(d *audit.Derivation) []string {
	if d.Verdict != audit.CarriesBinary && d.Verdict != audit.Binary {
		return nil
	}
	var out []string
	for _, k := range d.Kinds {
		out = append(out, string(k))
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func findLabel(d *audit.Derivation, want []string, byDrv map[string]Label, byName map[string][]Label) (l Label, unsure string, ok bool) {
	l, ok = byDrv[d.Drv]
	if d.Meta != nil {
		types := slices.Clone(d.Meta.SourceProvenance)
		slices.Sort(types)
		l.Drv, l.Attr, l.Types = d.Drv, d.Meta.Attr, types
		if l.File == "" {
			unsure = "its place is not known: give an evaluation"
		}
		return l, unsure, true
	}
	if ok {
		return l, "", true
	}
	if d.FixedOutput {
		return Label{}, "", false // a fetch has a package's name, and not its meta
	}
	list := byName[packageName(d.Name)]
	if short, ok := strings.CutSuffix(packageName(d.Name), "-unstable"); ok && len(list) == 0 {
		list = byName[short] // whose version is "unstable-" and a date
	}
	switch {
	case len(list) == 0:
		return Label{}, "", false
	case len(list) > 1:
		unsure = fmt.Sprintf("%d expressions have this name: an evaluation tells which", len(list))
	case list[0].guessed:
		unsure = "its name is computed: an evaluation tells whether this is its expression"
	}
	// Several expressions of one name: the one that agrees, if one does.
	if k := slices.IndexFunc(list, func(l Label) bool { return slices.Equal(l.Types, want) }); k >= 0 {
		return list[k], unsure, true
	}
	return list[0], unsure, true
}

func labelItem(set *finding.Set, i int, l Label, have, want []string) LabelItem {
	d := set.At(i)
	it := LabelItem{
		Package: d.Name, Drv: d.Drv, Attr: l.Attr, File: l.File, Line: l.Line, Have: have, Want: want,
		Verdict: d.Verdict, Reach: d.Reach, Suspected: finding.Suspicion(d), Evidence: evidenceLine(set, i),
	}
	if it.Have == nil {
		it.Have = []string{}
	}
	if it.Want == nil {
		it.Want = []string{}
	}
	return it
}

// evidenceLine is the furthest piece of evidence in one line, with the origin
// of what it names.
func evidenceLine(set *finding.Set, i int) string {
	d := set.At(i)
	level := finding.Level(d)
	k := slices.IndexFunc(d.Evidence, func(e audit.Evidence) bool { return e.Level == level })
	if k < 0 {
		return d.Reason
	}
	e := d.Evidence[k]
	s := string(e.Level) + " " + e.Rule
	if e.At != "" {
		s += " at " + e.At
	}
	if e.Detail != "" {
		s += ": " + e.Detail
	}
	if j, ok := set.Row(e.From); ok {
		s += ", from " + set.At(j).Name
		if urls := set.At(j).URLs; len(urls) > 0 {
			s += " (" + urls[0] + ")"
		}
	}
	return s
}

// WriteJSON writes the report as JSON, indented; see [LabelsSchema].
func (r *LabelReport) WriteJSON(w io.Writer) error { return writeJSON(w, r) }
