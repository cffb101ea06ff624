package rules

import (
	"fmt"
	"strings"

	"fromsource/closure"
)

// Example is a derivation in short form, of the kind that nixpkgs makes. The
// tests write it out as real derivation files, load them as a closure, and
// judge that.
type Example struct {
	// Name of the derivation; by default the file name of URL.
	Name string
	// URL makes it a download.
	URL string
	// Src makes it a package with a standard environment and this source.
	Src *Example
	// Env are further variables, keys and values in turn.
	Env []string
	// Tools are names of input derivations, listed in nativeBuildInputs.
	Tools []string
	// Other are input derivations; %0, %1 … in Env stand for their outputs.
	Other []Example
	// Raw leaves out the standard environment; Builder, which may be %0,
	// replaces its shell.
	Raw     bool
	Builder string
	// Fixed gives a derivation without URL a declared output hash.
	Fixed bool
	// About says which derivation is judged: 0 this one, AboutSource its
	// source, n the nth of Other, from 1.
	About int
}

// AboutSource makes an example one of its source.
const AboutSource = -1

// dl is the download of a file.
func dl(url string, env ...string) Example { return Example{URL: url, Env: env} }

// pkg is a package of a downloaded source.
func pkg(url string, env ...string) Example {
	src := dl(url)
	return Example{Name: "example-1.0", Src: &src, Env: env}
}

func (e Example) named(n string) Example {
	e.Name = n
	return e
}

func (e Example) tools(names ...string) Example {
	e.Tools = names
	return e
}

func (e Example) other(o ...Example) Example {
	e.Other = o
	return e
}

func (e Example) about(n int) Example {
	e.About = n
	return e
}

// noCC is a standard environment without a compiler: one is among its inputs
// because outputs may refer to its libraries.
var noCC = Example{Name: "stdenv-linux", Raw: true, Env: []string{
	"initialPath", "/nix/store/00000000000000000000000000000000-coreutils-9.5",
	"defaultNativeBuildInputs", "/nix/store/00000000000000000000000000000000-patchelf-0.15.0 /nix/store/00000000000000000000000000000000-strip.sh",
}, Tools: []string{"gcc-13.3.0", "gcc-wrapper-13.3.0"}}

// hookOf is a setup hook that only its script names.
func hookOf(script string) Example {
	return Example{Name: "hook", Raw: true, Builder: "/nix/store/00000000000000000000000000000000-" + script}
}

// plain is a source archive that says nothing about itself.
const plain = "https://example.org/example-1.0.tar.gz"

// String describes the example for the rule's page, on one line.
func (e Example) String() string {
	var b strings.Builder
	switch {
	case e.URL != "":
		fmt.Fprintf(&b, "fetch of %s", e.URL)
	case e.Src != nil:
		fmt.Fprintf(&b, "%s from %s", e.Name, e.Src.URL)
	default:
		b.WriteString(e.Name)
	}
	for i := 0; i+1 < len(e.Env); i += 2 {
		fmt.Fprintf(&b, "; %s = %q", e.Env[i], e.Env[i+1])
	}
	if len(e.Tools) > 0 {
		fmt.Fprintf(&b, "; with %s", strings.Join(e.Tools, ", "))
	}
	for i, o := range e.Other {
		fmt.Fprintf(&b, "; %%%d is %s", i, o.Name)
		if o.Name == "" {
			b.WriteString(o.URL)
		}
		if strings.HasPrefix(o.Builder, "/") {
			fmt.Fprintf(&b, " by %s", closure.NameOf(o.Builder))
		}
	}
	switch {
	case e.About == AboutSource:
		b.WriteString("; of the source")
	case e.About > 0:
		fmt.Fprintf(&b, "; of %%%d", e.About-1)
	}
	return b.String()
}
