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
	"time"
)

func TestTableIsSound(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range Commands() {
		if seen[c.Name] {
			t.Errorf("%s is there twice", c.Name)
		}
		seen[c.Name] = true
		if c.Short == "" || strings.HasSuffix(c.Short, ".") || strings.ContainsAny(c.Short, "\\\n") {
			t.Errorf("%s: short text %q", c.Name, c.Short)
		}
		letters := map[string]bool{}
		for _, f := range c.Flags {
			if f.Text == "" || strings.ContainsAny(f.Text, "\\\n") || letters[f.Name] || f.Short != "" && letters[f.Short] {
				t.Errorf("%s --%s: text %q, or given twice", c.Name, f.Name, f.Text)
			}
			if len(f.Choices) > 0 && f.Value == "" {
				t.Errorf("%s --%s has choices and takes no value", c.Name, f.Name)
			}
			letters[f.Name], letters[f.Short] = true, f.Short != ""
		}
	}
	for _, c := range FirstWords() {
		if c.Short == "" {
			t.Errorf("%s has no short text", c.Name)
		}
	}
}

func TestHelp(t *testing.T) {
	usage := Usage()
	for _, c := range FirstWords() {
		if !strings.Contains(usage, "\n  "+c.Name+" ") {
			t.Errorf("the overview lacks %s", c.Name)
		}
		h, err := Help(c.Name)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.SplitSeq(h, "\n") {
			if len(line) > 100 && !strings.HasPrefix(line, "    ") || strings.TrimRight(line, " ") != line {
				t.Errorf("help of %s has the line %q", c.Name, line)
			}
		}
	}
	h, err := Help("gate")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"Usage: fromsource gate [FLAGS] AUDIT\n", "--baseline FILE", "-f, --format FORMAT", "Examples:\n"} {
		if !strings.Contains(h, want) {
			t.Errorf("help of gate lacks %q:\n%s", want, h)
		}
	}
	if _, err := Help("nonsense"); err == nil {
		t.Error("help of an unknown command")
	}
}

func write(t *testing.T, name, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return file
}

func run(t *testing.T, name string, args ...string) string {
	t.Helper()
	cmd := exec.Command(name, args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	cmd.Env = append(os.Environ(), "HOME="+t.TempDir())
	out, err := cmd.Output()
	if err != nil || stderr.Len() > 0 {
		t.Fatalf("%s (a Debian package of this name): %v\n%s%s", name, err, out, stderr.String())
	}
	return string(out)
}

func TestManPage(t *testing.T) {
	file := write(t, "fromsource.1", Man("1.2"))
	if out := run(t, "mandoc", "-T", "lint", "-W", "warning,stop", file); out != "" {
		t.Errorf("mandoc says:\n%s", out)
	}
	text := regexp.MustCompile(".\b").ReplaceAllString(run(t, "mandoc", "-T", "utf8", file), "")
	for _, c := range Commands() {
		for _, f := range c.Flags {
			if !strings.Contains(text, "--"+f.Name) {
				t.Errorf("the man page lacks --%s of %s", f.Name, c.Name)
			}
		}
		if !strings.Contains(strings.Join(strings.Fields(text), " "), "fromsource "+c.Name) {
			t.Errorf("the man page lacks %s", c.Name)
		}
	}
}

func script(t *testing.T, shell string) string {
	t.Helper()
	s, err := Completion(shell)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// completions are command lines, the last word of which is to be completed,
// with an offer that must be made and one that must not.
var completions = []struct{ line, yes, no string }{
	{"fromsource ", "audit", "update"},
	{"fromsource ga", "gate", "audit"},
	{"fromsource gate --b", "--baseline", "--focus"},
	{"fromsource report --format ", "sarif", "audit"},
	{"fromsource report -f cy", "cyclonedx", "sarif"},
	{"fromsource vm ", "shell", "audit"},
	{"fromsource vm shell --acc", "--accel", "--baseline"},
	{"fromsource completion ", "fish", "audit"},
	{"fromsource help ", "gate", "fish"},
}

func TestBash(t *testing.T) {
	file := write(t, "fromsource.bash", script(t, "bash"))
	for _, c := range completions {
		words := strings.Split(c.line, " ")
		prog := `source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _fromsource; printf '%s\n' "${COMPREPLY[@]}"`
		got := strings.Fields(run(t, "bash", append([]string{"-uc", prog, "bash", file}, words...)...))
		check(t, "bash", c.line, got, c.yes, c.no)
	}
}

func TestFish(t *testing.T) {
	file := write(t, "fromsource.fish", script(t, "fish"))
	for _, c := range completions {
		var got []string
		for line := range strings.SplitSeq(run(t, "fish", "--no-config", "-c", "source $argv[1]; complete -C $argv[2]", file, c.line), "\n") {
			word, _, _ := strings.Cut(line, "\t")
			got = append(got, word)
		}
		check(t, "fish", c.line, got, c.yes, c.no)
	}
}

func check(t *testing.T, shell, line string, got []string, yes, no string) {
	t.Helper()
	if !slices.Contains(got, yes) || slices.Contains(got, no) {
		t.Errorf("%s offers %q for %q; want %q and not %q", shell, got, line, yes, no)
	}
}

// zsh completes only in its line editor, so that runs in a pseudo-terminal of
// its own, and is listened to until it has made the offer.
func TestZsh(t *testing.T) {
	s := script(t, "zsh")
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "_fromsource"), []byte(s), 0o644); err != nil {
		t.Fatal(err)
	}
	run(t, "zsh", "-n", filepath.Join(dir, "_fromsource"))
	prog := `zmodload zsh/zpty
zpty -b z zsh -f -i
zpty -w z "PS1= ; fpath=($1 \$fpath); autoload -Uz compinit; compinit -u -d $1/dump; zstyle ':completion:*' verbose no; zstyle ':completion:*:default' list-prompt ''; LISTMAX=1000; bindkey '^I' complete-word; echo re''ady"
until [[ $all == *ready* ]]; do zpty -t z || exit; zpty -r z part && all+=$part; sleep 0.01; done
zpty -w -n z "$2"$'\t\t\t'
while zpty -t z; do zpty -r z; sleep 0.01; done`
	for _, c := range completions {
		t.Run(c.line, func(t *testing.T) {
			t.Parallel()
			// A single offer is typed in place of what was there.
			typed := c.line[strings.LastIndexByte(c.line, ' ')+1:]
			said := hear(t, []string{"zsh", "-f", "-c", prog, "zsh", dir, c.line}, func(out string) bool {
				got := regexp.MustCompile(`[a-z-]+`).FindAllString(strings.TrimPrefix(out, c.line), -1)
				return slices.Contains(got, c.yes) || slices.Contains(got, strings.TrimPrefix(c.yes, typed))
			})
			if said != "" {
				t.Errorf("zsh offers %q for %q; want %q", said, c.line, c.yes)
			}
		})
	}
}

// hear runs a command until it has said what is wanted, and ends it. It gives
// all that it has said where that is not among it.
func hear(t *testing.T, argv []string, wanted func(string) bool) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), argv[0], argv[1:]...)
	cmd.Env = append(os.Environ(), "HOME="+t.TempDir())
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	// How long it takes is the machine's affair, as long as there is an end.
	late := time.AfterFunc(2*time.Minute, func() { _ = cmd.Process.Kill() })
	defer late.Stop()
	var said []byte
	for buf := make([]byte, 4096); err == nil && !wanted(string(said)); {
		var n int
		n, err = out.Read(buf)
		said = append(said, buf[:n]...)
	}
	_ = cmd.Process.Kill() // it listens for more
	_ = cmd.Wait()
	if wanted(string(said)) {
		return ""
	}
	return string(said)
}

func TestUnknownShell(t *testing.T) {
	if _, err := Completion("tcsh"); err == nil || !strings.Contains(err.Error(), "bash, zsh, fish") {
		t.Errorf("error %v", err)
	}
}
