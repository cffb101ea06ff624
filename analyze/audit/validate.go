package audit

import (
	"fmt"
	"slices"
	"strings"
)

// Validate checks what the schema promises beyond types: known words, order,
// indices in range, counts that add up, a reason for every unknown. The error
// names the row.
func (a *Audit) Validate() error { return a.validate(func(int) {}) }

// validate calls at with the row that is looked at, so that a reader can say
// where in its file an error is.
func (a *Audit) validate(at func(row int)) error {
	if err := checkSchema(a.Schema); err != nil {
		return err
	}
	if a.Target.ReachBy != "" && !slices.Contains([]string{ReachByImage, ReachByReferences, ReachByNothing}, a.Target.ReachBy) {
		return fmt.Errorf("target.reachBy is %q, want image, references or unknown", a.Target.ReachBy)
	}
	for i := range a.Derivations {
		at(i)
		d := &a.Derivations[i]
		if i > 0 && a.Derivations[i-1].Drv >= d.Drv {
			return fmt.Errorf("derivation %d (%q): rows are not sorted by drv", i, d.Drv)
		}
		if err := d.validate(len(a.Derivations)); err != nil {
			return fmt.Errorf("derivation %d (%q): %w", i, d.Drv, err)
		}
	}
	for _, p := range a.Promises {
		if err := p.validate(len(a.Derivations)); err != nil {
			return fmt.Errorf("promise %q: %w", p.Rule, err)
		}
	}
	return a.checkSummary()
}

func (d *Derivation) validate(rows int) error {
	if d.Drv == "" || d.Name == "" {
		return fmt.Errorf("drv and name must not be empty")
	}
	if err := word("verdict", d.Verdict, Verdicts); err != nil {
		return err
	}
	if d.Verdict == Unknown && d.Reason == "" {
		return fmt.Errorf("verdict %q has no reason", d.Verdict)
	}
	if err := word("reach", d.Reach, []Reach{ReachRuntime, ReachBuild, ReachUnknown}); err != nil {
		return err
	}
	if err := word("confidence", d.Confidence, []Confidence{High, Medium, Low}); err != nil {
		return err
	}
	for _, k := range d.Kinds {
		if err := word("kind", k, []Kind{NativeCode, Bytecode, Firmware}); err != nil {
			return err
		}
	}
	for i, e := range d.Evidence {
		if e.Rule == "" {
			return fmt.Errorf("evidence %d has no rule", i)
		}
		if err := word("level", e.Level, []Level{LevelDerivation, LevelContent, LevelTrace, LevelRebuild}); err != nil {
			return fmt.Errorf("evidence %d: %w", i, err)
		}
	}
	for _, r := range d.Rebuild {
		if err := word("rebuild result", r.Result, []string{Reproduced, Differs, NoReference, Failed, NotAttempted}); err != nil {
			return err
		}
	}
	if d.Influence < 0 {
		return fmt.Errorf("influence is %d", d.Influence)
	}
	if err := indices("inputs", d.Inputs, rows); err != nil {
		return err
	}
	if err := indices("through", d.Through, rows); err != nil {
		return err
	}
	for _, o := range d.Outputs {
		if err := indices("references of output "+o.Name, o.References, rows); err != nil {
			return err
		}
	}
	return nil
}

func (p *Promise) validate(rows int) error {
	if err := word("result", p.Result, []string{PromiseKept, PromiseBroken, PromiseUntested}); err != nil {
		return err
	}
	if p.Result == PromiseUntested && p.Reason == "" {
		return fmt.Errorf("result %q has no reason", p.Result)
	}
	return indices("broken", p.Broken, rows)
}

func (a *Audit) checkSummary() error {
	want := Summarize(a.Derivations)
	got := a.Summary
	for _, c := range []struct {
		key       string
		got, want int
	}{
		{"derivations", got.Derivations, want.Derivations},
		{"fixedOutput", got.FixedOutput, want.FixedOutput},
		{"suspected", got.Suspected, want.Suspected},
		{"missing", got.Missing, want.Missing},
	} {
		if c.got != c.want {
			return fmt.Errorf("summary.%s is %d, the rows make %d", c.key, c.got, c.want)
		}
	}
	for v := range got.Verdicts {
		if err := word("summary.verdicts", v, Verdicts); err != nil {
			return err
		}
	}
	for _, v := range Verdicts {
		if got.Verdicts[v] != want.Verdicts[v] {
			return fmt.Errorf("summary.verdicts.%s is %d, the rows make %d", v, got.Verdicts[v], want.Verdicts[v])
		}
	}
	return nil
}

// Summarize counts rows as Summary wants them: every verdict has a key.
func Summarize(rows []Derivation) Summary {
	s := Summary{Derivations: len(rows), Verdicts: map[Verdict]int{}}
	for _, v := range Verdicts {
		s.Verdicts[v] = 0
	}
	for i := range rows {
		s.Verdicts[rows[i].Verdict]++
		if rows[i].FixedOutput {
			s.FixedOutput++
		}
		if rows[i].Suspected {
			s.Suspected++
		}
		if rows[i].Missing {
			s.Missing++
		}
	}
	return s
}

func word[T ~string](what string, got T, want []T) error {
	if slices.Contains(want, got) {
		return nil
	}
	all := make([]string, len(want))
	for i, w := range want {
		all[i] = string(w)
	}
	return fmt.Errorf("%s is %q, want one of %s", what, got, strings.Join(all, ", "))
}

func indices(what string, is []int, rows int) error {
	for i, x := range is {
		if x < 0 || x >= rows {
			return fmt.Errorf("%s: %d is no row, there are %d", what, x, rows)
		}
		if i > 0 && is[i-1] >= x {
			return fmt.Errorf("%s: not ascending at %d", what, x)
		}
	}
	return nil
}
