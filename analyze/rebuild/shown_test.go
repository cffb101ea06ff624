package rebuild

import (
	"encoding/json"
	"slices"
	"strings"

	"fromsource/closure"
)

// parseShown reads what `nix show-derivation` (2.4 to 2.14) says of one
// derivation.
func parseShown(text string) ([]closure.Output, map[string]any, error) {
	var all map[string]struct {
		Outputs map[string]struct {
			Path, HashAlgo, Hash string
		}
		InputDrvs map[string]any
	}
	if err := json.Unmarshal([]byte(text), &all); err != nil {
		return nil, nil, err
	}
	var outs []closure.Output
	var inputs map[string]any
	for _, d := range all {
		for name, o := range d.Outputs {
			outs = append(outs, closure.Output{Name: name, Path: o.Path, HashAlgo: o.HashAlgo, Hash: o.Hash})
		}
		inputs = d.InputDrvs
	}
	slices.SortFunc(outs, func(a, b closure.Output) int { return strings.Compare(a.Name, b.Name) })
	return outs, inputs, nil
}
