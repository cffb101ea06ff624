package accuracy

import (
	"context"
	"fmt"
	"io"
	"strings"

	"fromsource/analyze/rules"
	"fromsource/closure"
)

// Closure measures on the whole closure of a derivation in p.Store, which is
// its path: file lists the fixed-output derivations that people hold for
// prebuilt, in the columns that ReadPackages reads, with the derivation's name
// as the attribute and the first of its addresses, or "-", as the derivation.
// Those of the closure that file does not list are negatives.
func Closure(ctx context.Context, p Paths, drv, file string, w io.Writer) error {
	rows, err := ReadPackages(file)
	if err != nil {
		return err
	}
	listed := map[string]Label{}
	for _, l := range rows {
		listed[l.Name+"\t"+l.Drv] = l
	}
	x := rules.Extractor{ReadSource: rules.StoreReader(p.Store)}
	g, facts, err := closure.LoadFacts(ctx, closure.DrvInput(drv, p.Store), closure.Options{}, x.Extract)
	if err != nil {
		return fmt.Errorf("loading the closure: %w", err)
	}
	s := rules.Judge(g, facts)
	labels, answers := []Label{}, map[string]bool{}
	for id := range closure.ID(g.Len()) {
		if facts[id].Fetch == nil {
			continue
		}
		address := "-"
		if urls := facts[id].Fetch.URLs; len(urls) > 0 {
			address = urls[0]
		}
		name := g.Name(id)
		l, ok := listed[name+"\t"+address]
		if !ok {
			l = Label{Name: name, Truth: "not listed", Note: address}
		}
		l.Drv = g.Path(id)
		labels = append(labels, l)
		answers[l.Drv] = s[id].Suspected
	}
	set := "fetches of " + strings.TrimSuffix(closure.NameOf(drv), ".drv")
	return Write(w, []Result{Compare(set, labels, func(drv string) (bool, bool) { return answers[drv], true })})
}
