package report

import (
	"io"

	"fromsource/analyze/audit"
)

// JSON writes the audit file itself; see the package audit and its schema.
func JSON(w io.Writer, a *audit.Audit, _ Options) error { return audit.Write(w, a) }
