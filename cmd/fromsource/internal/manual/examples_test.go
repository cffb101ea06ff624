package manual

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	yaml "go.yaml.in/yaml/v3"
)

// The command lines of our examples are ones that this program takes, and
// their files are ones that their services and Nix read.
func TestExamples(t *testing.T) {
	files, err := filepath.Glob("../../../../report/ci/*.*")
	if err != nil || len(files) < 7 {
		t.Fatalf("examples: %q, %v", files, err)
	}
	lines := 0
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		text := string(data)
		switch filepath.Ext(file) {
		case ".yml":
			var v any
			if err := yaml.Unmarshal(data, &v); err != nil {
				t.Errorf("%s: %v", file, err)
			}
			for _, s := range shellOf(v, "") {
				cmd := exec.Command("bash", "-n")
				cmd.Stdin = strings.NewReader(s)
				if out, err := cmd.CombinedOutput(); err != nil {
					t.Errorf("%s: %v: %s\n%s", file, err, out, s)
				}
			}
		case ".nix":
			if out, err := exec.Command("nix-instantiate", "--parse", file).CombinedOutput(); err != nil {
				t.Errorf("%s: %v\n%s", file, err, out)
			}
		}
		if filepath.Ext(file) == ".go" {
			continue
		}
		for _, m := range regexp.MustCompile(`(?m)(?:^\s*(?:- |if ! )?)fromsource ((?:scan|gate|report|baseline|audit|diff) .*)$`).FindAllStringSubmatch(text, -1) {
			checkLine(t, file, m[1])
			lines++
		}
	}
	for _, c := range Commands() {
		for _, e := range c.Examples {
			line, _, _ := strings.Cut(e.Line, " | ")
			checkLine(t, c.Name, strings.TrimPrefix(line, "fromsource "))
		}
	}
	if lines < 10 {
		t.Errorf("only %d command lines in the examples", lines)
	}
}

// shellOf collects the scripts of a workflow.
func shellOf(v any, key string) []string {
	var out []string
	switch v := v.(type) {
	case map[string]any:
		for k, x := range v {
			out = append(out, shellOf(x, k)...)
		}
	case []any:
		for _, x := range v {
			out = append(out, shellOf(x, key)...)
		}
	case string:
		if slices.Contains([]string{"run", "script", "before_script"}, key) {
			out = append(out, v)
		}
	}
	return out
}

func checkLine(t *testing.T, where, line string) {
	t.Helper()
	words := strings.Fields(line)
	c, ok := Lookup(words[0])
	if !ok && len(words) > 1 {
		c, ok = Lookup(words[0] + " " + words[1])
	}
	if !ok {
		t.Errorf("%s: no command in %q", where, line)
		return
	}
	for _, w := range words {
		if !strings.HasPrefix(w, "-") {
			continue
		}
		if !slices.ContainsFunc(c.Flags, func(f Flag) bool { return w == "--"+f.Name || w == "-"+f.Short }) {
			t.Errorf("%s: %s has no flag %s", where, c.Name, w)
		}
	}
}

// The package's documentation lists the commands that the table has.
func TestDocListsCommands(t *testing.T) {
	data, err := os.ReadFile("../../doc.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range FirstWords() {
		if slices.Contains([]string{"baseline", "labels", "verify", "completion", "man", "version", "help"}, c.Name) {
			continue // they are in "fromsource help" alone
		}
		if !bytes.Contains(data, []byte("\tfromsource "+c.Name+" ")) {
			t.Errorf("doc.go lacks %s", c.Name)
		}
	}
}
