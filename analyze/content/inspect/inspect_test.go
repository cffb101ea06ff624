package inspect_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"fromsource/analyze/content"
	"fromsource/analyze/content/inspect"
)

// tree makes a directory with sources, a program, an archive of it, something
// that can't be read, and names that could harm a terminal.
func tree(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	cmd := exec.Command("sh", "-ec", `
printf 'int main(void) { return 0; }\n' > main.c
gcc -o prog main.c
mkdir -p sub/deep
tar czf sub/deep/a.tgz main.c prog
head -c 1000 sub/deep/a.tgz > sub/cut.tgz
ln -s /etc/passwd link
printf 'x' > "$(printf 'bad\033[31mname')"
cp prog "$(printf 'worse\nname')"
mkfifo pipe`)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return dir
}

func TestReport(t *testing.T) {
	dir := tree(t)
	paths := []string{dir, filepath.Join(dir, "sub/deep/a.tgz"), filepath.Join(dir, "main.c"), filepath.Join(dir, "none")}
	r, err := inspect.Run(context.Background(), paths, content.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for i, in := range r.Inputs {
		for _, m := range in.Members {
			got = append(got, fmt.Sprintf("%d %q %s %s", i, m.Path, m.Kind, m.Format))
		}
		for _, s := range in.Skipped {
			got = append(got, fmt.Sprintf("%d skipped %s: %s", i, s.Path, s.Reason))
		}
		if in.Error != "" {
			got = append(got, fmt.Sprintf("%d error", i))
		}
	}
	want := []string{
		`0 "prog" binaryNativeCode elf-executable`,
		`0 "sub/deep/a.tgz/prog" binaryNativeCode elf-executable`,
		`0 "worse\nname" binaryNativeCode elf-executable`,
		`0 skipped sub/cut.tgz: reading gzip: the stream is cut off at byte 1000, before its end: unexpected EOF`,
		`1 "a.tgz/prog" binaryNativeCode elf-executable`,
		`3 error`,
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if !r.Failed() || !r.Incomplete() || r.Clean() {
		t.Errorf("failed %v, incomplete %v, clean %v", r.Failed(), r.Incomplete(), r.Clean())
	}
	one, err := content.InspectFile(context.Background(), dir, content.Options{})
	if err != nil || len(one.Members) != 3 || len(one.Skipped) != 1 {
		t.Errorf("by one walk: %d members, skipped %v, %v", len(one.Members), one.Skipped, err)
	}
}

// The JSON is what design asks for, has no null, and is the same again.
func TestJSON(t *testing.T) {
	dir := tree(t)
	write := func() []byte {
		r, err := inspect.Run(context.Background(), []string{dir, filepath.Join(dir, "main.c")}, content.Options{})
		if err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		if err := r.JSON(&b); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	one := write()
	var whole bytes.Buffer
	r, err := inspect.Run(context.Background(), []string{dir, filepath.Join(dir, "main.c"), filepath.Join(dir, "none")}, content.Options{})
	if err != nil {
		t.Fatal(err)
	}
	r.Inputs[2].Error = "\"<&>\\\x00 é"
	enc := json.NewEncoder(&whole)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	for _, r := range []inspect.Report{r, {Inputs: []inspect.Input{}}} {
		var parts bytes.Buffer
		whole.Reset()
		if err := errors.Join(r.JSON(&parts), enc.Encode(r)); err != nil || parts.String() != whole.String() {
			t.Errorf("in parts:\n%s\nas a whole:\n%s\n%v", &parts, &whole, err)
		}
	}
	for range 3 {
		if !bytes.Equal(one, write()) {
			t.Error("not the same again")
		}
	}
	var doc struct {
		Schema string
		Inputs []struct {
			Path    string
			Kinds   []string
			Members []struct{ Path, Kind, Format string }
			Skipped []struct{ Path, Reason string }
		}
	}
	if err := json.Unmarshal(one, &doc); err != nil {
		t.Fatal(err)
	}
	if doc.Schema != "fromsource/inspect/v1" || len(doc.Inputs) != 2 || doc.Inputs[0].Members[0].Format != "elf-executable" || doc.Inputs[0].Kinds[0] != "binaryNativeCode" {
		t.Errorf("%+v", doc)
	}
	if bytes.Contains(one, []byte("null")) {
		t.Errorf("null in %s", one)
	}
}

func TestText(t *testing.T) {
	dir := tree(t)
	r, err := inspect.Run(context.Background(), []string{dir, filepath.Join(dir, "main.c")}, content.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := r.Text(&b); err != nil {
		t.Fatal(err)
	}
	text := b.String()
	for _, want := range []string{": 3 compiled members in ", ", 1 not looked at\n", "  skipped sub/cut.tgz: reading gzip: the stream is cut off at byte 1000, before its end: unexpected EOF\n", `"worse\nname"`, "main.c: nothing compiled in 1 file\n"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	if strings.Contains(text, "\x1b") {
		t.Error("an escape sequence passed")
	}
}

// A file that can't be opened is named, and the others are inspected.
func TestUnreadable(t *testing.T) {
	dir := tree(t)
	if os.Getuid() == 0 {
		// Root reads everything: a file that is gone when its turn comes.
		res, err := content.InspectIn(context.Background(), dir, "gone", content.Options{})
		if err != nil || len(res.Skipped) != 1 || res.Skipped[0].Path != "gone" {
			t.Errorf("%+v, %v", res, err)
		}
		return
	}
	if err := os.Chmod(filepath.Join(dir, "prog"), 0); err != nil {
		t.Fatal(err)
	}
	r, err := inspect.Run(context.Background(), []string{dir}, content.Options{})
	if err != nil || len(r.Inputs[0].Skipped) != 2 || len(r.Inputs[0].Members) != 2 {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := inspect.Run(ctx, []string{tree(t)}, content.Options{}); err == nil {
		t.Error("no error")
	}
}

// TestUnhashed: without hashes the same is found.
func TestUnhashed(t *testing.T) {
	dir := tree(t)
	whole, err := inspect.Run(context.Background(), []string{dir}, content.Options{})
	if err != nil {
		t.Fatal(err)
	}
	bare, err := inspect.Run(context.Background(), []string{dir}, content.Options{Unhashed: true})
	if err != nil {
		t.Fatal(err)
	}
	hashes := 0
	for i := range whole.Inputs[0].Members {
		m := &whole.Inputs[0].Members[i]
		hashes += len(m.SHA256) + len(m.Prints)
		m.SHA256, m.Prints = "", nil
	}
	if hashes == 0 || len(bare.Inputs[0].Members) == 0 {
		t.Fatalf("%d hashes of %d members", hashes, len(bare.Inputs[0].Members))
	}
	if diff := cmp.Diff(whole, bare); diff != "" {
		t.Error(diff)
	}
}
