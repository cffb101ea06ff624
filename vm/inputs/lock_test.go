package inputs

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"fromsource/testdata/demo"
)

func demoLock(t testing.TB) *Lock {
	t.Helper()
	f, err := demo.FS.Open("inputs.lock")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	lock, err := ReadLock(f)
	if err != nil {
		t.Fatal(err)
	}
	return lock
}

func TestReadLockKnowsLines(t *testing.T) {
	data, err := demo.FS.ReadFile("inputs.lock")
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(data), "\n")
	lock := demoLock(t)
	for _, p := range lock.Inputs {
		if p.Line == 0 || !strings.Contains(lines[p.Line-1], p.SHA256) {
			t.Errorf("%s: line %d of the lock file is another's", p.Name, p.Line)
		}
	}
	for _, a := range lock.Assembled {
		if a.Line == 0 || !strings.Contains(lines[a.Line-1], a.SHA256) {
			t.Errorf("%s: line %d of the lock file is another's", a.Name, a.Line)
		}
	}
}

const sum = "ab5a03176ee106d3f0fa90e381da478ddae405918153cca248e682cd0c4a2269"

func goodLock() string {
	return `{
  "schema": "fromsource/inputs/v1", "suite": "bookworm", "architecture": "amd64",
  "inputs": [
    {"name": "a-1.tar.gz", "kind": "debian-source", "package": "a", "version": "1:1.0~rc1-2+b1", "file": "a_1.orig.tar.gz", "sha256": "` + sum + `", "urls": ["https://a.example.org/a-1.tar.gz"]},
    {"name": "b.deb", "kind": "debian-binary", "package": "b", "version": "2", "sha256": "` + sum + `", "part": true},
    {"name": "c-3.tgz", "kind": "npm", "package": "@s/c", "version": "3.0.0-beta.1", "sha256": "` + sum + `"}
  ],
  "assembled": [
    {"name": "seed.tar.xz", "format": "tar.xz", "sha256": "` + sum + `", "files": [{"package": "b", "path": "usr/bin/b", "to": "bin/b"}]}
  ]
}
`
}

func TestReadLockRefuses(t *testing.T) {
	if _, err := ReadLock(strings.NewReader(goodLock())); err != nil {
		t.Fatalf("the lock that the cases change: %v", err)
	}
	for _, c := range []struct{ name, from, to, want string }{
		{"schema", "inputs/v1", "inputs/v9", `schema "fromsource/inputs/v9"`},
		{"unknown key", `"suite"`, `"sweet"`, `unknown field "sweet"`},
		{"not JSON", `"suite": "bookworm",`, `"suite": `, "reading lock file"},
		{"suite", "bookworm", "-o=x", "suite"},
		{"kind", "debian-source", "debian", `line 4: input "a-1.tar.gz": unknown kind "debian"`},
		{"option for a package", `"package": "a"`, `"package": "--help"`, `line 4: input "a-1.tar.gz": "--help" is not a package name`},
		{"option for a version", `"version": "2"`, `"version": "-o=APT::X=y"`, "is not a version"},
		{"space in a version", `"version": "2"`, `"version": "2 c=3"`, "is not a version"},
		{"path for a name", `"name": "b.deb"`, `"name": "../b.deb"`, "can not name a store path"},
		{"path for a file", "a_1.orig.tar.gz", "../a_1.orig.tar.gz", "is not a file name"},
		{"short hash", `"version": "2", "sha256": "ab`, `"version": "2", "sha256": "`, "64 hexadecimal digits"},
		{"upper case hash", `"version": "2", "sha256": "ab`, `"version": "2", "sha256": "AB`, "64 hexadecimal digits"},
		{"twice", `"name": "c-3.tgz"`, `"name": "b.deb"`, `a second input "b.deb"`},
		{"assembled twice", `"name": "seed.tar.xz"`, `"name": "b.deb"`, `a second input "b.deb"`},
		{"format", `"format": "tar.xz"`, `"format": "rar"`, `unknown format "rar"`},
		{"no NAR hash", `"format": "tar.xz"`, `"format": "nar.xz"`, "unpacked"},
		{"unpinned package", `{"package": "b"`, `{"package": "z"`, `no Debian package "z"`},
		{"escape", `"to": "bin/b"`, `"to": "../b"`, "clean relative path"},
		{"absolute", `"path": "usr/bin/b"`, `"path": "/usr/bin/b"`, "clean relative path"},
		{"folder to file", `"path": "usr/bin/b"`, `"path": "usr/bin/"`, "a folder goes to a folder"},
	} {
		t.Run(c.name, func(t *testing.T) {
			text := strings.Replace(goodLock(), c.from, c.to, 1)
			lock, err := ReadLock(strings.NewReader(text))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got error %v, want one with %q", err, c.want)
			}
			if lock != nil {
				t.Error("got a lock beside the error")
			}
		})
	}
}

func TestReadLockIsBounded(t *testing.T) {
	many := strings.Replace(goodLock(), "]\n}", strings.Repeat(`, {"name": "x"}`, maxEntries)+"]\n}", 1)
	if _, err := ReadLock(strings.NewReader(many)); err == nil || !strings.Contains(err.Error(), "at most 4096") {
		t.Errorf("too many entries: got error %v", err)
	}
}

// FuzzReadLock: what is accepted survives being written and read again, and
// names nothing outside of where it belongs.
func FuzzReadLock(f *testing.F) {
	f.Add([]byte(goodLock()))
	f.Add([]byte(`{"schema": "fromsource/inputs/v1", "suite": "s", "architecture": "a"}`))
	f.Add([]byte(`{}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		lock, err := ReadLock(strings.NewReader(string(data)))
		if err != nil {
			if lock != nil {
				t.Error("got a lock beside the error")
			}
			return
		}
		for _, p := range lock.Inputs {
			for _, s := range []string{p.Name, p.Package, p.Version} {
				if strings.HasPrefix(s, "-") && s != p.Name || strings.ContainsAny(s, " \n\x00=") && s != p.Name || strings.Contains(p.Name, "/") {
					t.Errorf("accepted %q", s)
				}
			}
		}
		out, err := json.Marshal(lock)
		if err != nil {
			t.Fatal(err)
		}
		again, err := ReadLock(strings.NewReader(string(out)))
		if err != nil {
			t.Fatalf("reading what was written: %v", err)
		}
		for i := range lock.Inputs {
			lock.Inputs[i].Line, again.Inputs[i].Line = 0, 0
		}
		for i := range lock.Assembled {
			lock.Assembled[i].Line, again.Assembled[i].Line = 0, 0
		}
		if diff := cmp.Diff(lock, again); diff != "" {
			t.Error(diff)
		}
	})
}
