// Package report renders an audit: as Markdown for an announcement or a step
// summary, as one self-contained HTML page, as plain text for a terminal, and
// as JSON, SARIF, CycloneDX, DOT and SVG for other tools.
//
// Every renderer reads the audit and nothing else, decides nothing, and gives
// the same bytes for the same audit. Names, URLs and paths in an audit come
// from other people's packages: each renderer neutralises them for its own
// medium. Writers get a whole document or an error; [WriteFile] makes sure
// that a file appears only when it is complete.
package report

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"fromsource/analyze/audit"
)

// Options are what a caller may choose. The zero value is fine.
type Options struct {
	// Color allows terminal colours in Text. The caller knows whether it
	// writes to a terminal; see [ColorAllowed].
	Color bool
	// Width is the terminal's width in columns for Text; 0 is 100.
	Width int
	// Limit is the largest size of Markdown in bytes; 0 is [StepSummary].
	Limit int
	// Focus is the derivation (path, base name or name) whose neighbourhood
	// DOT and SVG draw; empty draws the ways to the foremost findings.
	Focus string
	// Command is the command line that made the audit, for the paragraph
	// that says how to make it again; empty leaves it out.
	Command string
	// Anchor is a file of the user's repository ("flake.nix") to which SARIF
	// attaches its results, since code scanning shows alerts on files; empty
	// attaches them to the derivations' own paths.
	Anchor string
}

// Format is one form of report.
type Format struct {
	// Name is what --format takes, Ext the customary file extension with its
	// dot, Title a few words for help texts.
	Name, Ext, Title string
	Write            func(io.Writer, *audit.Audit, Options) error
}

// Formats lists all formats in the order in which help shows them.
func Formats() []Format {
	return []Format{
		{"markdown", ".md", "for announcements, issues and CI step summaries", Markdown},
		{"html", ".html", "one self-contained interactive page", HTML},
		{"text", ".txt", "for a terminal", Text},
		{"json", ".json", "the audit itself, schema fromsource/audit/v1", JSON},
		{"sarif", ".sarif", "SARIF 2.1.0 for code scanning", SARIF},
		{"cyclonedx", ".cdx.json", "CycloneDX 1.6 bill of materials", CycloneDX},
		{"dot", ".dot", "Graphviz graph of a finding's neighbourhood", DOT},
		{"svg", ".svg", "the same graph, drawn", SVG},
	}
}

// Lookup finds a format by its name or a customary short form.
func Lookup(name string) (Format, error) {
	short := map[string]string{"md": "markdown", "htm": "html", "txt": "text", "cdx": "cyclonedx"}
	want := name
	if long, ok := short[name]; ok {
		want = long
	}
	all := Formats()
	if i := slices.IndexFunc(all, func(f Format) bool { return f.Name == want }); i >= 0 {
		return all[i], nil
	}
	names := make([]string, len(all))
	for i, f := range all {
		names[i] = f.Name
	}
	return Format{}, fmt.Errorf("unknown report format %q: want one of %s", name, strings.Join(names, ", "))
}
