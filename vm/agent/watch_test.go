package agent

import (
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"fromsource/vm/wire"

	"golang.org/x/sys/unix"
)

func TestStartedWith(t *testing.T) {
	for _, tc := range []struct{ args, name, want string }{
		{"java -jar x.jar in.txt", "x.jar", "-jar"},
		{"java -Xmx1g -jar lib/x.jar y.jar", "x.jar", "-jar"},
		{"java -Xmx1g -jar lib/x.jar y.jar", "y.jar", ""},
		{"java -jar x.jar -cp y.jar", "y.jar", ""},
		{"java -cp a.jar:lib/x.jar Main y.jar", "x.jar", "-cp"},
		{"java -cp lib/* Main", "x.jar", "-cp"},
		{"java -cp a.jar Main -cp x.jar", "x.jar", ""},
		{"java --class-path=a.jar:x.jar Main", "x.jar", "--class-path"},
		{"java -javaagent:x.jar=port=1 -cp a.jar Main", "x.jar", "-javaagent"},
		{"python3 -O /build/x.pyc y.pyc", "x.pyc", "-O"},
		{"python3 x.pyc y.pyc", "x.pyc", "argument"},
		{"python3 x.pyc y.pyc", "y.pyc", ""},
		{"python3", "python3", ""},
		{"", "x.jar", ""},
	} {
		if got := startedWith(strings.Split(tc.args, " "), tc.name); got != tc.want {
			t.Errorf("%q names %s by %q, want %q", tc.args, tc.name, got, tc.want)
		}
	}
}

func TestBytecode(t *testing.T) {
	zip := "PK\x05\x06" + strings.Repeat("\x00", 18)
	for name, content := range map[string]string{
		"jar": "PK\x03\x04", "class": "\xca\xfe\xba\xbe\x00\x00\x00\x41", "wasm": "\x00asm", "mono": "MZ", "beam": "FOR1", "gz": "\x1f\x8b",
		"lua": "\x1bLua", "lua script": "#!/usr/bin/lua\n\x1bLuaT", "elc": ";ELC", "cmo": "Caml1999O030",
		"pyc": "\xcb\x0d\r\n" + strings.Repeat("\x00", 12), "guile": "\x7fELF" + strings.Repeat("\x00", 60),
		"jar behind a script": "#!/bin/sh\nexec java -jar $0\n" + strings.Repeat("x", 100) + zip + strings.Repeat("c", 60000), "empty zip": zip, "zip behind a program": "\x7fELF\x00" + strings.Repeat("\x01", 100) + zip + strings.Repeat("c", 60000),
		"ocaml": "#!/usr/bin/ocamlrun\n" + strings.Repeat("x", 100) + "Caml1999X031",
		"-text": "text\n", "-script": "#!/bin/sh\necho PK\n", "-elf": "\x7fELF" + strings.Repeat("\x01", 60), "-empty": "", "-Makefile": "MAKE", "-tar": strings.Repeat("\x00", 1024),
	} {
		file := filepath.Join(t.TempDir(), "file")
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		f, err := os.Open(file)
		if err != nil {
			t.Fatal(err)
		}
		if got := bytecode(int(f.Fd())); got == strings.HasPrefix(name, "-") {
			t.Errorf("%s: %v", name, got)
		}
		f.Close()
	}
}

// What interpreters are given is on record, with how: real ones, of real files.
func TestOpenedIsRecorded(t *testing.T) {
	dir := t.TempDir()
	if err := unix.Mount("none", dir, "tmpfs", 0, "size=8m"); err != nil {
		t.Fatalf("mounting a file system to watch: %v", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	shell := func(script string) error {
		cmd := exec.Command("sh", "-ec", script)
		cmd.Dir, cmd.Env = dir, append(os.Environ(), "out=/nix/store/x-out")
		if out, err := cmd.CombinedOutput(); err != nil {
			return errors.New(err.Error() + ": " + string(out))
		}
		return nil
	}
	if err := shell(`
		echo 'public class Hello { public static void main(String[] a) { System.out.println("hello"); } }' > Hello.java
		javac Hello.java
		jar cfe hello.jar Hello Hello.class
		echo 'print("hello")' > hello.py
		python3 -m compileall -q -b hello.py
		echo text > text
	`); err != nil {
		t.Fatal(err)
	}
	out, in := io.Pipe()
	if err := watchExec(wire.NewWriter(in), dir); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() {
		done <- shell(`cat text; java -jar hello.jar; java -cp hello.jar Hello; java -cp . Hello; python3 hello.pyc; cat hello.jar > /dev/null; cat < hello.pyc > /dev/null`)
		in.Close()
	}()
	var got []string
	for r := wire.NewReader(out); ; {
		m, _, err := r.Next()
		if err != nil {
			break
		}
		e := m.Exec
		if e == nil || !e.Opens || e.Output != "/nix/store/x-out" || len(e.SHA256) != 64 {
			t.Fatalf("record %+v", m)
		}
		by := filepath.Base(e.By)
		switch {
		case strings.HasPrefix(by, "python3"):
			by = "python3"
		case by == "dash" || by == "bash":
			by = "sh"
		}
		got = append(got, strings.TrimPrefix(e.Path, dir+"/")+" by "+by+" as "+e.As)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	want := []string{
		"Hello.class by java as ",
		"hello.jar by cat as argument",
		"hello.jar by java as -cp",
		"hello.jar by java as -jar",
		"hello.pyc by python3 as argument",
		"hello.pyc by sh as ",
	}
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("recorded\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
