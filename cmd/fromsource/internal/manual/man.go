package manual

import (
	"fmt"
	"strings"
)

// changed is the day on which the texts last changed; a page of the same
// version is the same, whenever it is printed.
const changed = "2026-11-23"

// Man is the manual page in roff with the man macros, for section 1.
func Man(version string) string {
	var b strings.Builder
	fmt.Fprintf(&b, ".TH FROMSOURCE 1 \"%s\" \"fromsource %s\" \"User Commands\"\n", changed, roff(version))
	b.WriteString(".SH NAME\nfromsource \\- " + roff(about) + "\n.SH SYNOPSIS\n.B fromsource\n.I COMMAND\n[FLAGS] [ARGUMENTS]\n.SH DESCRIPTION\n")
	for k, p := range intro {
		if k > 0 {
			b.WriteString(".PP\n")
		}
		b.WriteString(roffLine(p) + "\n")
	}
	b.WriteString(".SH COMMANDS\n")
	for _, c := range Commands() {
		manCommand(&b, c)
	}
	b.WriteString(".SH EXIT STATUS\n")
	for _, e := range ExitCodes() {
		fmt.Fprintf(&b, ".TP\n.B %d\n%s\n", e.Code, roffLine(sentence(e.Text)))
	}
	b.WriteString(".SH ENVIRONMENT\n")
	for _, e := range environment {
		fmt.Fprintf(&b, ".TP\n.B %s\n%s\n", roff(e.name), roffLine(sentence(e.text)))
	}
	b.WriteString(".SH SEE ALSO\n.BR nix (1),\n.BR nix-store (1),\n.BR qemu-system-x86_64 (1)\n")
	return b.String()
}

func manCommand(b *strings.Builder, c Command) {
	fmt.Fprintf(b, ".SS \"%s\"\n%s\n", roff(synopsis(c)), roffLine(sentence(c.Short)))
	for _, p := range c.Long {
		b.WriteString(".PP\n" + roffLine(p) + "\n")
	}
	for _, f := range c.Flags {
		head := "\\fB\\-\\-" + roff(f.Name) + "\\fR"
		if f.Short != "" {
			head = "\\fB\\-" + roff(f.Short) + "\\fR, " + head
		}
		if f.Value != "" {
			head += " \\fI" + roff(f.Value) + "\\fR"
		}
		fmt.Fprintf(b, ".TP\n%s\n%s\n", head, roffLine(sentence(f.Text)))
	}
	for _, e := range c.Examples {
		fmt.Fprintf(b, ".PP\n%s:\n.PP\n.RS 4\n.nf\n%s\n.fi\n.RE\n", roffLine(strings.ToUpper(e.Text[:1])+e.Text[1:]), roffLine(e.Line))
	}
}

// roff escapes text within a line: a backslash begins an escape, a dash would
// be a hyphen, and other characters beyond ASCII are named.
func roff(s string) string {
	return strings.NewReplacer(`\`, `\e`, "-", `\-`, "…", `\&...`, "~", `\(ti`, "^", `\(ha`, "`", `\(ga`, `"`, `\(dq`).Replace(s)
}

// roffLine is roff for a line of its own, which must not be taken for a
// request.
func roffLine(s string) string {
	s = roff(s)
	if strings.HasPrefix(s, ".") || strings.HasPrefix(s, "'") {
		return `\&` + s
	}
	return s
}
