// Package demo holds the default target of an audit: a small set of Nix
// expressions that ends in an ISO, with the pins of its inputs and the
// verdicts that an audit must reach.
//
// The package lies under testdata so that wildcards pass it by; the program
// that embeds it imports it by name.
package demo

import (
	"embed"
)

// FS has the Nix expressions, the scripts and sources that they refer to, and
// the two files beside them: inputs.lock pins what is fetched, expected.json
// says what is to be found.
//
//go:embed *.nix *.sh stamp/stamp.c inputs.lock expected.json
var FS embed.FS

// Root is the attribute of default.nix whose closure is audited.
const Root = "iso"

// Sources is the folder in which the fixed-output derivations expect the
// files of inputs.lock: inside the build sandbox too (extra-sandbox-paths).
const Sources = "/srcs"
