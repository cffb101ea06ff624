package image

import (
	"bytes"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/cavaliergopher/cpio"
)

func sample() []Entry {
	return []Entry{
		bytesEntry("init", 0o755, []byte("#!/bin/sh\n")),
		bytesEntry("usr/lib/deep/x", 0o644, []byte{0, 1, 2}),
		{Name: "bin", Mode: fs.ModeSymlink | 0o777, Target: "usr/bin"},
		{Name: "tmp", Mode: fs.ModeDir | fs.ModeSticky | 0o777},
		{Name: "dev/console", Mode: fs.ModeDevice | fs.ModeCharDevice | 0o600, Major: 5, Minor: 1},
		bytesEntry("empty", 0o600, nil),
	}
}

// What we write, another reader reads, and the order in which entries are
// given does not matter.
func TestWriteCPIO(t *testing.T) {
	var a, b bytes.Buffer
	es := sample()
	if err := WriteCPIO(&a, es); err != nil {
		t.Fatal(err)
	}
	slices.Reverse(es)
	if err := WriteCPIO(&b, es); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(a.Bytes(), b.Bytes()) {
		t.Error("the order of entries changes the archive")
	}
	if a.Len()%512 != 0 {
		t.Errorf("%d bytes are no whole blocks", a.Len())
	}
	r := cpio.NewReader(&a)
	var got []string
	for {
		h, err := r.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		if h.Uid != 0 || h.Guid != 0 || h.ModTime.Unix() != 1 {
			t.Errorf("%s: owner %d:%d, time %v", h.Name, h.Uid, h.Guid, h.ModTime)
		}
		got = append(got, h.Name+" "+h.Mode.String()+" "+h.Linkname+string(data))
	}
	want := []string{
		"bin Lrwxrwxrwx usr/bin", "dev drwxr-xr-x ", "dev/console Dcrw------- ", "empty -rw------- ",
		"init -rwxr-xr-x #!/bin/sh\n", "tmp dtrwxrwxrwx ", "usr drwxr-xr-x ", "usr/lib drwxr-xr-x ",
		"usr/lib/deep drwxr-xr-x ", "usr/lib/deep/x -rw-r--r-- \x00\x01\x02",
	}
	names := func(all []string) (n []string) {
		for _, s := range all {
			n = append(n, strings.Fields(s)[0])
		}
		return n
	}
	if !slices.Equal(names(got), names(want)) {
		t.Errorf("entries %q", got)
	}
	for i := range got {
		w := strings.SplitN(want[i], " ", 3)
		g := strings.SplitN(got[i], " ", 3)
		if w[2] != g[2] {
			t.Errorf("%s: content %q, want %q", w[0], g[2], w[2])
		}
	}
}

// The same archive by the reader that guests of the kind have.
func TestWriteCPIOBusybox(t *testing.T) {
	dir := t.TempDir()
	var a bytes.Buffer
	es := slices.DeleteFunc(sample(), func(e Entry) bool { return e.Mode&fs.ModeDevice != 0 })
	if err := WriteCPIO(&a, es); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("busybox", "cpio", "-i", "-d")
	cmd.Dir, cmd.Stdin = dir, &a
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if to, err := os.Readlink(filepath.Join(dir, "bin")); err != nil || to != "usr/bin" {
		t.Errorf("link to %q, %v", to, err)
	}
	if b, err := os.ReadFile(filepath.Join(dir, "usr/lib/deep/x")); err != nil || string(b) != "\x00\x01\x02" {
		t.Errorf("content %q, %v", b, err)
	}
	if fi, err := os.Stat(filepath.Join(dir, "init")); err != nil || fi.Mode().Perm() != 0o755 {
		t.Errorf("mode %v, %v", fi, err)
	}
}

func TestWriteCPIORefuses(t *testing.T) {
	short := bytesEntry("x", 0o644, []byte("abc"))
	short.Size = 5
	long := bytesEntry("x", 0o644, []byte("abc"))
	long.Size = 1
	for name, es := range map[string][]Entry{
		"absolute":  {bytesEntry("/x", 0o644, nil)},
		"upwards":   {bytesEntry("a/../../x", 0o644, nil)},
		"twice":     {bytesEntry("x", 0o644, nil), bytesEntry("x", 0o644, nil)},
		"empty":     {bytesEntry("", 0o644, nil)},
		"NUL":       {bytesEntry("a\x00b", 0o644, nil)},
		"pipe":      {{Name: "p", Mode: fs.ModeNamedPipe}},
		"too short": {short},
		"too long":  {long},
	} {
		if err := WriteCPIO(io.Discard, es); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
