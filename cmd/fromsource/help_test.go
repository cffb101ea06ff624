package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"fromsource/analyze/policy"
	"fromsource/cmd/fromsource/internal/manual"
)

// TestManualIsTrue holds the manual's table against the flags that the
// commands really take: help, man page and completions are made of it.
func TestManualIsTrue(t *testing.T) {
	told := map[string][]manual.Flag{}
	for _, c := range manual.Commands() {
		first, _, _ := strings.Cut(c.Name, " ")
		told[first] = append(told[first], c.Flags...)
	}
	for _, c := range commands() {
		flags := pflag.NewFlagSet(c.name, pflag.ContinueOnError)
		c.setup(flags)
		in, ok := told[c.name]
		if !ok {
			t.Errorf("the manual has no command %q", c.name)
			continue
		}
		delete(told, c.name)
		flags.VisitAll(func(f *pflag.Flag) {
			i := slices.IndexFunc(in, func(m manual.Flag) bool { return m.Name == f.Name })
			if i < 0 {
				t.Errorf("%s: the manual does not tell of --%s", c.name, f.Name)
				return
			}
			if in[i].Short != f.Shorthand {
				t.Errorf("%s --%s: short form %q in the manual, %q in the program", c.name, f.Name, in[i].Short, f.Shorthand)
			}
			if takes := f.NoOptDefVal == ""; takes != (in[i].Value != "") {
				t.Errorf("%s --%s: takes a value: %v, in the manual: %q", c.name, f.Name, takes, in[i].Value)
			}
		})
		for _, m := range in {
			if flags.Lookup(m.Name) == nil {
				t.Errorf("%s: the manual tells of --%s, which there is not", c.name, m.Name)
			}
		}
	}
	delete(told, "help")
	for name := range told {
		t.Errorf("the manual tells of a command %q, which there is not", name)
	}
}

// A waiver needs a reason of a fixed list, which nobody can guess.
func TestHelpNamesReasons(t *testing.T) {
	for _, c := range manual.Commands() {
		if c.Name != "gate" {
			continue
		}
		for _, r := range policy.Reasons {
			if !strings.Contains(strings.Join(c.Long, " "), r.ID) {
				t.Errorf("the help of gate does not name the reason %q", r.ID)
			}
		}
	}
}
