package inputs

import (
	"fmt"
	"strings"
)

// UnservedError says that a package manager does not serve a pinned version.
type UnservedError struct {
	Pin Pin
	// Served are the versions that it does serve, as it lists them; empty
	// where it knows no such package.
	Served []string
	// From says who was asked: "apt, bookworm", "npm".
	From string
}

func (e *UnservedError) Error() string {
	served := "no package of that name"
	if n := len(e.Served); n > 8 {
		served = fmt.Sprintf("%d versions, the last %s", n, strings.Join(e.Served[n-3:], ", "))
	} else if n > 0 {
		served = strings.Join(e.Served, ", ")
	}
	return fmt.Sprintf("input %q: %s %s is not served (%s has %s); change version and sha256 in line %d of the lock file",
		e.Pin.Name, e.Pin.Package, e.Pin.Version, e.From, served, e.Pin.Line)
}

// MismatchError says that other bytes arrived, or were assembled, than the
// lock file pins.
type MismatchError struct {
	Name string
	Line int
	// Want and Got are SHA-256 in hexadecimal; Got is empty where no file of
	// the expected name arrived.
	Want, Got string
	Assembled bool
}

func (e *MismatchError) Error() string {
	switch {
	case e.Got == "":
		return fmt.Sprintf("input %q: no file arrived with the sha256 in line %d of the lock file, %s", e.Name, e.Line, e.Want)
	case e.Assembled:
		return fmt.Sprintf("input %q: assembled with sha256 %s, line %d of the lock file says %s: the files it is made of, or the compressor, changed", e.Name, e.Got, e.Line, e.Want)
	}
	return fmt.Sprintf("input %q: arrived with sha256 %s, line %d of the lock file says %s", e.Name, e.Got, e.Line, e.Want)
}
