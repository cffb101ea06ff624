// Package manual is the one table of commands, flags and texts that the
// program's help, its man page and its shell completions are made of.
package manual

import (
	"fmt"
	"slices"
	"strings"
)

// Command is one command, or a subcommand written with a blank ("vm list").
type Command struct {
	Name string
	// Args is what follows the flags on the command line.
	Args string
	// Short is a line for lists, Long the paragraphs of its own page.
	Short string
	Long  []string
	Flags []Flag
	// Complete says what its arguments are.
	Complete Arg
	Examples []Example
}

// Flag is a flag of a command.
type Flag struct {
	Name  string // without dashes
	Short string // one letter, or none
	Value string // what it takes, in capitals; empty for a switch
	Text  string
	// Choices are the values it takes, where they are a list; Complete says
	// what it takes otherwise.
	Choices  []string
	Complete Arg
}

// Arg is what a shell offers for an argument.
type Arg int

// The arguments.
const (
	None Arg = iota
	Files
	Dirs
	CommandNames
	Shells
)

// Example is a command line with what it does.
type Example struct {
	Text, Line string
}

// ExitCode is an exit status with its meaning.
type ExitCode struct {
	Code int
	Text string
}

// ExitCodes are the same for all commands.
func ExitCodes() []ExitCode {
	return []ExitCode{
		{0, "it ran, and the policy holds"},
		{1, "it could not run"},
		{2, "usage: the command line is wrong"},
		{3, "the policy fails: new binary dependencies, or outputs that differ"},
		{4, "incomplete: something could not be looked at, and --strict was asked"},
	}
}

const about = "say which derivations of a Nix closure are not built from source"

var intro = []string{
	"Given a NixOS ISO, or any Nix derivation, fromsource says which derivations are not built from source, on what evidence, and whether that reaches the result.",
	"Results go to standard output or to files, everything else to standard error. Where it could not look it says unknown; it never takes that for source.",
}

var environment = []struct{ name, text string }{
	{"NO_COLOR", "when set to anything, no colours"},
	{"COLUMNS", "the width of text reports"},
	{"XDG_CACHE_HOME", "where guest images and fingerprints are kept, in a folder fromsource"},
}

// Lookup finds a command by its words.
func Lookup(name string) (Command, bool) {
	all := Commands()
	i := slices.IndexFunc(all, func(c Command) bool { return c.Name == name })
	if i < 0 {
		return Command{}, false
	}
	return all[i], true
}

// Subcommands are the second words that a first word takes; none for most.
func Subcommands(first string) []Command {
	var out []Command
	for _, c := range Commands() {
		if word, _, ok := strings.Cut(c.Name, " "); ok && word == first {
			out = append(out, c)
		}
	}
	return out
}

// FirstWords are the commands without their second words, in order, each with
// its short text.
func FirstWords() []Command {
	var out []Command
	for _, c := range Commands() {
		word, _, sub := strings.Cut(c.Name, " ")
		if k := slices.IndexFunc(out, func(o Command) bool { return o.Name == word }); k >= 0 {
			continue
		}
		if sub {
			c = Command{Name: word, Short: groups[word]}
		}
		out = append(out, c)
	}
	return out
}

// groups are the short texts of words that only subcommands follow.
var groups = map[string]string{
	"baseline": "the list of known findings that the gate compares with",
	"vm":       "guest images",
}

// Usage is the text of "fromsource help".
func Usage() string {
	var b strings.Builder
	fmt.Fprintf(&b, "fromsource: %s\n\nUsage: fromsource COMMAND [FLAGS] [ARGUMENTS]\n\n", about)
	for _, c := range FirstWords() {
		fmt.Fprintf(&b, "  %-12s %s\n", c.Name, c.Short)
	}
	b.WriteString("\n\"fromsource help COMMAND\" has its flags and examples.\n\nExit codes:\n")
	for _, e := range ExitCodes() {
		fmt.Fprintf(&b, "  %d  %s\n", e.Code, e.Text)
	}
	return b.String()
}

// Help is the text of "fromsource help NAME"; name may be a first word that
// has subcommands.
func Help(name string) (string, error) {
	c, ok := Lookup(name)
	subs := Subcommands(name)
	if !ok && len(subs) == 0 {
		return "", fmt.Errorf("no command is called %q", name)
	}
	if ok {
		return helpOf(c), nil
	}
	var parts []string
	for _, s := range subs {
		parts = append(parts, helpOf(s))
	}
	return strings.Join(parts, "\n"), nil
}

func helpOf(c Command) string {
	var b strings.Builder
	fmt.Fprintf(&b, "Usage: %s\n\n", synopsis(c))
	for k, p := range append([]string{sentence(c.Short)}, c.Long...) {
		if k > 0 {
			b.WriteString("\n")
		}
		b.WriteString(fill(p, ""))
	}
	if len(c.Flags) > 0 {
		b.WriteString("\nFlags:\n")
	}
	for _, f := range c.Flags {
		head := "      --" + f.Name
		if f.Short != "" {
			head = "  -" + f.Short + ", --" + f.Name
		}
		if f.Value != "" {
			head += " " + f.Value
		}
		if len(head) < 25 {
			text := fill(f.Text, strings.Repeat(" ", 26))
			fmt.Fprintf(&b, "%-26s%s", head, strings.TrimPrefix(text, strings.Repeat(" ", 26)))
		} else {
			b.WriteString(head + "\n" + fill(f.Text, strings.Repeat(" ", 26)))
		}
	}
	if len(c.Examples) > 0 {
		b.WriteString("\nExamples:\n")
	}
	for k, e := range c.Examples {
		if k > 0 {
			b.WriteString("\n")
		}
		fmt.Fprintf(&b, "%s    %s\n", fill(sentence(e.Text), "  "), e.Line)
	}
	return b.String()
}

func synopsis(c Command) string {
	s := "fromsource " + c.Name
	if len(c.Flags) > 0 {
		s += " [FLAGS]"
	}
	if c.Args != "" {
		s += " " + c.Args
	}
	return s
}

// sentence makes a lower-case line of a list into a sentence.
func sentence(s string) string {
	return strings.ToUpper(s[:1]) + s[1:] + "."
}

// width is of the help text, in characters.
const width = 78

// fill breaks a paragraph at blanks.
func fill(s, indent string) string {
	var b strings.Builder
	line := indent
	for word := range strings.FieldsSeq(s) {
		if line != indent && len(line)+1+len(word) > width {
			b.WriteString(line + "\n")
			line = indent
		}
		if line != indent {
			line += " "
		}
		line += word
	}
	b.WriteString(line + "\n")
	return b.String()
}
