package report

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html"
	"io"
	"strings"

	"fromsource/analyze/audit"
	"fromsource/analyze/policy/finding"
	"fromsource/report/internal/safe"
)

//go:embed web/page.css
var pageCSS string

//go:embed web/1-base.js
var jsBase string

//go:embed web/2-findings.js
var jsFindings string

//go:embed web/3-draw.js
var jsDraw string

//go:embed web/4-hashes.js
var jsHashes string

// HTML writes one page that needs nothing else: no network, no framework. The
// answer is plain HTML; the rest is drawn by one script from a block of JSON.
//
// Its content security policy allows that script and style, by hash, and
// nothing else: no request can leave the page. Strings of the audit enter the
// document as escaped text here, and as text nodes there.
func HTML(w io.Writer, a *audit.Audit, o Options) error {
	set := finding.Of(a)
	pageJS := jsBase + jsFindings + jsDraw + jsHashes
	var b bytes.Buffer
	title := "Is " + orTarget(a.Target.Name) + " built from source?"
	fmt.Fprintf(&b, `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src 'sha256-%s'; style-src 'sha256-%s'; base-uri 'none'; form-action 'none'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<title>%s</title>
<style>%s</style>
</head>
<body>
`, hash64(pageJS), hash64(pageCSS), esc(title), pageCSS)
	ans := makeAnswer(set)
	b.WriteString("<a class=\"skip\" href=\"#findings\">Skip to the findings</a>\n<header>\n")
	fmt.Fprintf(&b, "<p class=\"brand\">fromsource audit</p>\n<h1>Is <code>%s</code> built from source?</h1>\n</header>\n<main>\n", esc(orTarget(a.Target.Name)))
	fmt.Fprintf(&b, "<section class=\"answer %s\" aria-label=\"The answer\">\n<p class=\"headline\">%s</p>\n<dl>\n", ans.tone, ans.headline.html())
	for _, p := range ans.points {
		fmt.Fprintf(&b, "<div><dt>%s</dt><dd>", p.lead)
		for _, s := range p.text {
			b.WriteString(s.html() + " ")
		}
		b.WriteString("</dd></div>\n")
	}
	b.WriteString("</dl>\n")
	htmlPromises(&b, set)
	b.WriteString("</section>\n<div id=\"app\"></div>\n")
	b.WriteString("<noscript><p>The findings, the map and the hashes are drawn by a script in this file, which your browser does not run. The markdown report of the same audit has them as text.</p></noscript>\n")
	if steps := next(set); len(steps) > 0 {
		b.WriteString("<section aria-labelledby=\"next\">\n<h2 id=\"next\">What to do next</h2>\n<ul>\n")
		for _, s := range steps {
			fmt.Fprintf(&b, "<li>%s</li>\n", s.html())
		}
		b.WriteString("</ul>\n</section>\n")
	}
	b.WriteString("<section aria-labelledby=\"made\">\n<h2 id=\"made\">How this was made</h2>\n<ul>\n")
	for _, s := range made(a, o) {
		fmt.Fprintf(&b, "<li>%s</li>\n", s.html())
	}
	b.WriteString("</ul>\n</section>\n</main>\n")
	b.WriteString("<script type=\"application/json\" id=\"data\">")
	if _, err := w.Write(b.Bytes()); err != nil {
		return fmt.Errorf("writing html: %w", err)
	}
	if err := writePage(w, set); err != nil {
		return fmt.Errorf("writing html: %w", err)
	}
	if _, err := io.WriteString(w, "</script>\n<script>"+pageJS+"</script>\n</body>\n</html>\n"); err != nil {
		return fmt.Errorf("writing html: %w", err)
	}
	return nil
}

func htmlPromises(b *bytes.Buffer, set *finding.Set) {
	if len(set.Audit.Promises) == 0 {
		return
	}
	b.WriteString("<ul class=\"promises\">\n")
	for _, p := range set.Audit.Promises {
		s := words("Seed promise, ").say(p.Title).add(": %s", promiseWord(p))
		if broken := inRange(set, p.Broken); len(broken) > 0 {
			s = s.add(" by ").names(set, broken, 4)
		}
		if p.Reason != "" {
			s = s.add(" (").say(p.Reason).add(")")
		}
		fmt.Fprintf(b, "<li>%s</li>\n", s.html())
	}
	b.WriteString("</ul>\n")
}

func hash64(s string) string {
	sum := sha256.Sum256([]byte(s))
	return base64.StdEncoding.EncodeToString(sum[:])
}

func orTarget(name string) string {
	if name == "" {
		return "the target"
	}
	return safe.Short(safe.Visible(name), maxString)
}

// esc makes an untrusted string into text of an element or attribute.
func esc(s string) string { return html.EscapeString(safe.Visible(s)) }

func (s sentence) html() string {
	var b strings.Builder
	for _, p := range s {
		t := esc(safe.Short(safe.Visible(p.text), maxString))
		if p.raw && !p.mild {
			t = "<code>" + t + "</code>"
		}
		b.WriteString(t)
	}
	return b.String()
}
