package policy

import (
	"bufio"
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"fromsource/analyze/policy/nixtext"
)

// What git and patch make of our diff is what we mean: at the first and the
// last line, with and without newlines at the end, near each other and far.
func TestUnifiedApplies(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 5))
	var files []PatchedFile
	for n := range 60 {
		var b strings.Builder
		nl := []string{"\n", "\r\n"}[n%2]
		for i := range rng.IntN(40) {
			fmt.Fprintf(&b, "line %d of %d%s", i, n, nl)
		}
		data := []byte(b.String())
		if n%3 == 0 {
			data = bytes.TrimSuffix(data, []byte(nl))
		}
		var edits []nixtext.Edit
		for at := 0; at < len(data); at += 1 + rng.IntN(200) {
			e := nixtext.Edit{Pos: at, End: min(at+rng.IntN(30), len(data)), Text: strings.Repeat("new"+nl, rng.IntN(3))}
			edits = append(edits, e)
			at = e.End
		}
		want, err := nixtext.Apply(data, edits)
		if err != nil {
			t.Fatal(err)
		}
		changes := changesOf(data, edits)
		if got := applied(data, changes); !bytes.Equal(got, want) {
			t.Fatalf("changes make %q, edits %q", got, want)
		}
		if len(data) == 0 || bytes.Equal(data, want) || len(want) == 0 {
			continue // no change, or a file that comes or goes
		}
		files = append(files, PatchedFile{Name: fmt.Sprintf("d/f%d", n), Old: data, New: want, changes: changes})
	}
	var p bytes.Buffer
	if err := (&LabelPatch{Files: files}).Write(&p, "x\ndiff --git a/d/f1 b/d/f1"); err != nil {
		t.Fatal(err)
	}
	for _, tool := range [][]string{{"git", "apply", "--whitespace=nowarn", "-"}, {"patch", "-p1", "--binary", "--fuzz=0"}} {
		dir := t.TempDir()
		if err := os.Mkdir(filepath.Join(dir, "d"), 0o755); err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			if err := os.WriteFile(filepath.Join(dir, f.Name), f.Old, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		cmd := exec.Command(tool[0], tool[1:]...)
		cmd.Dir, cmd.Stdin = dir, bytes.NewReader(p.Bytes())
		if out, err := cmd.CombinedOutput(); err != nil || bytes.Contains(out, []byte("offset")) {
			t.Fatalf("%s (a Debian package of this name): %v\n%s", tool[0], err, out)
		}
		for _, f := range files {
			got, err := os.ReadFile(filepath.Join(dir, f.Name))
			if err != nil || !bytes.Equal(got, f.New) {
				t.Errorf("%s makes %q of %s, want %q", tool[0], got, f.Name, f.New)
			}
		}
	}
}

func TestHunks(t *testing.T) {
	data := []byte(strings.Repeat("a\n", 20))
	var b bytes.Buffer
	w := bufio.NewWriter(&b)
	writeUnified(w, "f", data, changesOf(data, []nixtext.Edit{{Pos: 0, End: 0, Text: "b\n"}, {Pos: 40, End: 40, Text: "c\n"}}))
	w.Flush()
	const want = "diff --git a/f b/f\n--- a/f\n+++ b/f\n@@ -1,4 +1,5 @@\n-a\n+b\n+a\n a\n a\n a\n@@ -18,3 +19,4 @@\n a\n a\n a\n+c\n"
	if b.String() != want {
		t.Errorf("got\n%s\nwant\n%s", b.String(), want)
	}
}
