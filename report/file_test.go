package report

import (
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"fromsource/analyze/audit"
	"fromsource/analyze/policy/audittest"
)

func entries(t *testing.T, dir string) []string {
	t.Helper()
	list, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	out := []string{}
	for _, e := range list {
		out = append(out, e.Name())
	}
	return out
}

func TestWriteFile(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "report.md")
	hello := func(w io.Writer) error { _, err := io.WriteString(w, "hello"); return err }
	must(t, WriteFile(file, hello))
	if data, err := os.ReadFile(file); err != nil || string(data) != "hello" {
		t.Fatalf("%q, %v", data, err)
	}
	fi, err := os.Stat(file)
	if err != nil || fi.Mode().Perm() != 0o644 {
		t.Errorf("mode %v, %v", fi.Mode(), err)
	}
	// A failure half way leaves what was there, and nothing else.
	broken := errors.New("broken")
	err = WriteFile(file, func(w io.Writer) error {
		io.WriteString(w, "half")
		return broken
	})
	if !errors.Is(err, broken) {
		t.Errorf("error %v", err)
	}
	if data, _ := os.ReadFile(file); string(data) != "hello" {
		t.Errorf("the old report became %q", data)
	}
	if got := entries(t, dir); len(got) != 1 {
		t.Errorf("left behind: %q", got)
	}
	// A link stays a link.
	link := filepath.Join(dir, "latest.md")
	must(t, os.Symlink("report.md", link))
	must(t, WriteFile(link, func(w io.Writer) error { _, err := io.WriteString(w, "new"); return err }))
	if data, _ := os.ReadFile(file); string(data) != "new" {
		t.Errorf("through a link: %q", data)
	}
	if _, err := os.Readlink(link); err != nil {
		t.Error("the link is gone")
	}
	must(t, WriteFile("/dev/null", hello))
	if err := WriteFile(dir, hello); err == nil {
		t.Error("a folder was written to")
	}
	if err := WriteFile(filepath.Join(dir, "no", "such", "x"), hello); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("into a folder that is not there: %v", err)
	}
	if err := WriteFile("/dev/full", hello); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("to a full device: %v", err)
	}
}

// A disk that fills up while the report is written keeps the old report, and
// no part of the new one. The disk is a real one: a small tmpfs, in a mount
// namespace of its own where we are not root.
func TestDiskFull(t *testing.T) {
	if dir := os.Getenv("FROMSOURCE_SMALL_DISK"); dir != "" {
		fillDisk(t, dir)
		return
	}
	dir := t.TempDir()
	args := []string{"unshare", "--mount"}
	if os.Getuid() != 0 {
		args = append(args, "--user", "--map-root-user")
	}
	args = append(args, "sh", "-ec", `mount -t tmpfs -o size=64k tmpfs "$1"; shift; exec "$@"`, "sh", dir, os.Args[0], "-test.run=^TestDiskFull$", "-test.v")
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Env = append(os.Environ(), "FROMSOURCE_SMALL_DISK="+dir)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}

func fillDisk(t *testing.T, dir string) {
	file := filepath.Join(dir, "audit.json")
	small := audittest.Generate(20)
	must(t, WriteFile(file, func(w io.Writer) error { return JSON(w, small, Options{}) }))
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	large := audittest.Generate(3000)
	for _, f := range Formats() {
		if len(render(t, f.Name, large, Options{})) < 64<<10 {
			continue // fits
		}
		err := WriteFile(file, func(w io.Writer) error { return f.Write(w, large, Options{}) })
		if !errors.Is(err, syscall.ENOSPC) {
			t.Errorf("%s: %v", f.Name, err)
		}
	}
	if got, err := os.ReadFile(file); err != nil || string(got) != string(want) {
		t.Errorf("the old report is damaged: %d bytes, %v", len(got), err)
	}
	if got := entries(t, dir); len(got) != 1 {
		t.Errorf("left behind: %q", got)
	}
	if _, err := audit.ReadFile(file); err != nil {
		t.Error(err)
	}
}
