package attest

import (
	"time"

	"fromsource/analyze/audit"
)

// Rows takes the comparisons to be attested out of an audit.
func Rows(a *audit.Audit) []Row {
	var rows []Row
	for _, d := range a.Derivations {
		paths := map[string]string{}
		for _, o := range d.Outputs {
			paths[o.Name] = o.Path
		}
		for _, r := range d.Rebuild {
			rows = append(rows, Row{Drv: d.Drv, Path: paths[r.Output], Rebuild: r})
		}
	}
	return rows
}

// TargetOf describes an audit's target: the outputs of its roots, as far as
// their hashes are in the audit.
func TargetOf(a *audit.Audit, when time.Time) Target {
	t := Target{Name: a.Target.Name, Tool: a.Tool.Version, Time: when, Outputs: map[string]string{}}
	roots := map[string]bool{}
	for _, r := range a.Target.Roots {
		roots[r] = true
	}
	for _, d := range a.Derivations {
		for _, o := range d.Outputs {
			if roots[d.Drv] && o.Path != "" && o.NarHash != "" {
				t.Outputs[o.Path] = o.NarHash
			}
		}
	}
	return t
}

// Known lists the hashes that an audit has of store paths, for Claims.
func Known(a *audit.Audit) map[string]string {
	known := map[string]string{}
	for _, d := range a.Derivations {
		for _, o := range d.Outputs {
			if o.Path != "" && o.NarHash != "" {
				known[o.Path] = o.NarHash
			}
		}
	}
	return known
}
