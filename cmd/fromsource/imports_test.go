package main

import (
	"os/exec"
	"strings"
	"testing"
)

// may lists, for each room of the house, what of ours it may import: imports
// point one way, so that every stage can be used and tested by itself. The
// longest prefix that fits a package decides.
var may = map[string][]string{
	"cmd/fromsource":          {"*"},
	"cmd/fromsource/internal": {"cmd/fromsource/internal"},
	"cmd/accuracy":            {"analyze/accuracy"},
	"report":                  {"report", "analyze/audit", "analyze/policy"},
	"vm":                      {"vm", "closure/store"},
	"analyze":                 {"analyze", "closure"},
	"analyze/audit":           {},
	"analyze/policy":          {"analyze/audit", "analyze/policy"},
	"analyze/fetch":           {"closure"},
	"analyze/rules":           {"analyze/rules", "analyze/audit", "analyze/fetch", "closure"},
	"analyze/content":         {"analyze/content", "analyze/audit"},
	"analyze/trace":           {"analyze/trace", "analyze/audit", "analyze/content", "closure"},
	"analyze/rebuild":         {"analyze/rebuild", "analyze/audit", "analyze/content", "closure"},
	"closure":                 {"closure"},
	"closure/store":           {"closure/store"},
	"testdata/demo":           {},
}

// external lists third-party modules that only some rooms may use.
var external = map[string][]string{
	"github.com/olekukonko/tablewriter": {"report", "analyze/rules", "analyze/accuracy", "cmd/fromsource"},
	"github.com/spf13/pflag":            {"cmd"},
	"github.com/dominikbraun/graph":     {"closure"},
}

func TestImportDirection(t *testing.T) {
	cmd := exec.Command("go", "list", "-f", `{{.ImportPath}} {{join .Imports " "}}`, "./...", "./testdata/demo")
	cmd.Dir = "../.."
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	seen := 0
	for line := range strings.Lines(string(out)) {
		fields := strings.Fields(line)
		room, ok := strings.CutPrefix(fields[0], "fromsource/")
		if !ok {
			t.Errorf("package %q is outside the module's folders", fields[0])
			continue
		}
		seen++
		rule, known := longest(room)
		if !known {
			t.Errorf("%s is in no room of the house: say what it may import", room)
		}
		for _, imported := range fields[1:] {
			if ours, ok := strings.CutPrefix(imported, "fromsource/"); ok && !allowed(rule, ours) {
				t.Errorf("%s imports %s: the house allows it only %q", room, ours, rule)
			}
			for module, rooms := range external {
				if imported == module || strings.HasPrefix(imported, module+"/") {
					if !allowed(rooms, room) {
						t.Errorf("%s imports %s: only %q may", room, imported, rooms)
					}
				}
			}
		}
	}
	if seen < 10 {
		t.Errorf("go list named %d packages, want the whole house", seen)
	}
}

func longest(room string) ([]string, bool) {
	for p := room; p != ""; {
		if r, ok := may[p]; ok {
			return r, true
		}
		i := strings.LastIndexByte(p, '/')
		if i < 0 {
			break
		}
		p = p[:i]
	}
	return nil, false
}

func allowed(list []string, pkg string) bool {
	for _, a := range list {
		if a == "*" || pkg == a || strings.HasPrefix(pkg, a+"/") {
			return true
		}
	}
	return false
}
