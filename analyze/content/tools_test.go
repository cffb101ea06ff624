package content_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"fromsource/analyze/content"
)

// run runs a tool in dir; tests do not skip where it is missing.
func run(t testing.TB, dir, name string, args ...string) []byte {
	t.Helper()
	return runIn(t, dir, nil, name, args...)
}

func runIn(t testing.TB, dir string, stdin []byte, name string, args ...string) []byte {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Dir, cmd.Stdin = dir, bytes.NewReader(stdin)
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s%s", name, strings.Join(args, " "), err, out, stderr.Bytes())
	}
	return out
}

func write(t testing.TB, path string, b []byte) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, b, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func read(t testing.TB, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

const greetC = `#include <stdio.h>
int greet(const char *who) { for (int i = 0; i < 3; i++) printf("hello %s %d\n", who, i); return puts(who); }
int main(int argc, char **argv) { for (int i = 0; i < argc; i++) greet(argv[i]); return argc; }
`

// greet compiles a small program and returns its path; every call makes its
// own, in dir.
func greet(t testing.TB, dir string) string {
	t.Helper()
	write(t, filepath.Join(dir, "greet.c"), []byte(greetC))
	run(t, dir, "gcc", "-O1", "-g", "-Wl,--build-id", "-o", "greet", "greet.c")
	return filepath.Join(dir, "greet")
}

// inspect walks a file by path; nothing may be left out unless the test says so.
func inspect(t testing.TB, path string) content.Result {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	return stream(t, filepath.Base(path), f)
}

func stream(t testing.TB, name string, r interface{ Read([]byte) (int, error) }) content.Result {
	t.Helper()
	res, err := content.Inspect(context.Background(), name, r, content.Options{})
	if err != nil {
		t.Fatalf("inspecting %s: %v", name, err)
	}
	return res
}

// formats lists "path format" of the members, sorted.
func formats(res content.Result) []string {
	out := []string{}
	for _, m := range res.Members {
		out = append(out, m.Path+" "+m.Format)
	}
	slices.Sort(out)
	return out
}

func prints(f content.File, what string) string {
	for _, p := range f.Code {
		if p.What == what {
			return p.Sum
		}
	}
	return ""
}

// onlyReader hides that a file can be read at random.
type onlyReader struct{ r *os.File }

func (o onlyReader) Read(p []byte) (int, error) { return o.r.Read(p) }

// unraced makes a test binary without the race detector, once.
var unraced = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "unraced")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "child")
	out, err := exec.Command("go", "test", "-c", "-o", path, ".").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%w: %s", err, out)
	}
	return path, nil
})

func TestMain(m *testing.M) {
	code := m.Run()
	if !raceDetector {
		os.Exit(code)
	}
	if child, err := unraced(); err == nil {
		_ = os.RemoveAll(filepath.Dir(child))
	}
	os.Exit(code)
}

// apart runs the test in a process without the race detector, where this one
// has it, and then returns true: gigabytes of zeros take it minutes, and one
// walk has nothing to race with.
func apart(t *testing.T) bool {
	if !raceDetector {
		return false
	}
	child, err := unraced()
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(child, "-test.v", "-test.run=^"+t.Name()+"$").CombinedOutput()
	if err != nil || !bytes.Contains(out, []byte("--- PASS: "+t.Name())) {
		t.Fatalf("%v\n%s", err, out)
	}
	return true
}

// File is what a walk finds.
type File = content.File

// goCache is the build cache of whoever runs the test.
func goCache(t testing.TB) string {
	t.Helper()
	return strings.TrimSpace(string(run(t, ".", "go", "env", "GOCACHE")))
}
