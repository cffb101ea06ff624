package report

import (
	"errors"
	"fromsource/analyze/audit"
	"io"
)

func SARIF(w io.Writer, a *audit.Audit, o Options) error     { return errors.ErrUnsupported }
func CycloneDX(w io.Writer, a *audit.Audit, o Options) error { return errors.ErrUnsupported }
func DOT(w io.Writer, a *audit.Audit, o Options) error       { return errors.ErrUnsupported }
func SVG(w io.Writer, a *audit.Audit, o Options) error       { return errors.ErrUnsupported }
