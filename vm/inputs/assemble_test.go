package inputs

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/ulikunitz/xz"
)

// makeDeb makes a binary package with some files; a name that begins with
// "x:" is executable, a content that begins with "->" a symbolic link.
func makeDeb(t *testing.T, dir, name, version string, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	control := "Package: " + name + "\nVersion: " + version + "\nArchitecture: amd64\nMaintainer: nobody <nobody@example.org>\nDescription: for a test\n"
	all := map[string]string{"DEBIAN/control": control}
	for k, v := range files {
		all[k] = v
	}
	for k, v := range all {
		to, executable := strings.CutPrefix(k, "x:")
		to = filepath.Join(root, to)
		must(t, os.MkdirAll(filepath.Dir(to), 0o755))
		if target, ok := strings.CutPrefix(v, "->"); ok {
			must(t, os.Symlink(target, to))
			continue
		}
		mode := fs.FileMode(0o644)
		if executable {
			mode = 0o755
		}
		must(t, os.WriteFile(to, []byte(v), mode))
	}
	deb := filepath.Join(dir, name+"_"+strings.ReplaceAll(version, ":", "%3a")+"_amd64.deb")
	out, err := exec.Command("dpkg-deb", "--root-owner-group", "--build", root, deb).CombinedOutput()
	if err != nil {
		t.Fatalf("dpkg-deb: %v: %s", err, out)
	}
	return deb
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

var toolFiles = map[string]string{
	"x:usr/bin/tool":         "#!/bin/sh\n",
	"usr/lib/tool/a.h":       "int a;\n",
	"usr/lib/tool/sub/b.h":   "int b;\n",
	"usr/lib/tool/sub/c.h":   "->b.h",
	"usr/lib/tool-extra/z.h": "int z;\n",
}

func toolPicks() []Pick {
	return []Pick{
		{"tool", "usr/bin/tool", "bin/tool"},
		{"tool", "usr/lib/tool/", "include/"},
		{"other", "etc/other", "etc/other"},
	}
}

func TestAssembleTar(t *testing.T) {
	dir := t.TempDir()
	debs := map[string]string{
		"tool":  makeDeb(t, dir, "tool", "1", toolFiles),
		"other": makeDeb(t, dir, "other", "1", map[string]string{"etc/other": "x\n"}),
	}
	a := &Assembly{Name: "t.tar.xz", Format: "tar.xz", Files: toolPicks()}
	var first bytes.Buffer
	must(t, assemble(context.Background(), &first, a, debs))

	// The same files in packages made at another time give the same bytes.
	time.Sleep(1100 * time.Millisecond)
	again := t.TempDir()
	debs["tool"] = makeDeb(t, again, "tool", "1", toolFiles)
	var second bytes.Buffer
	must(t, assemble(context.Background(), &second, a, debs))
	if !bytes.Equal(first.Bytes(), second.Bytes()) {
		t.Error("assembled twice, got other bytes")
	}

	zr, err := xz.NewReader(&first)
	must(t, err)
	type member struct {
		Name, Link, Data string
		Mode             int64
	}
	var got []member
	for tr := tar.NewReader(zr); ; {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		must(t, err)
		if h.ModTime.Unix() != 1 || h.Uid != 0 || h.Gid != 0 || h.Uname != "" {
			t.Errorf("%s: time %v, owner %d:%d %q", h.Name, h.ModTime, h.Uid, h.Gid, h.Uname)
		}
		data, err := io.ReadAll(tr)
		must(t, err)
		got = append(got, member{h.Name, h.Linkname, string(data), h.Mode})
	}
	want := []member{
		{"bin/", "", "", 0o755},
		{"etc/", "", "", 0o755},
		{"include/", "", "", 0o755},
		{"include/sub/", "", "", 0o755},
		{"bin/tool", "", "#!/bin/sh\n", 0o755},
		{"etc/other", "", "x\n", 0o644},
		{"include/a.h", "", "int a;\n", 0o644},
		{"include/sub/b.h", "", "int b;\n", 0o644},
		{"include/sub/c.h", "b.h", "", 0o777},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestAssembleNAR lets Nix restore the archive. The names are ones that sort
// one way as paths and another as a tree.
func TestAssembleNAR(t *testing.T) {
	files := map[string]string{"d/a/x": "1", "d/a-b": "2", "d/a.b": "3", "x:d/b": "4", "d/l": "->a/x"}
	debs := map[string]string{"p": makeDeb(t, t.TempDir(), "p", "1", files)}
	a := &Assembly{Name: "p.nar.xz", Format: "nar.xz", Files: []Pick{{"p", "d/", "d/"}}}
	var b bytes.Buffer
	must(t, assemble(context.Background(), &b, a, debs))
	zr, err := xz.NewReader(&b)
	must(t, err)
	to := filepath.Join(t.TempDir(), "restored")
	cmd := exec.Command("nix-store", "--restore", to)
	cmd.Stdin = zr
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("nix-store --restore: %v: %s", err, out)
	}
	for name, want := range map[string]string{"d/a/x": "1", "d/a-b": "2", "d/a.b": "3", "d/b": "4", "d/l": "1"} {
		got, err := os.ReadFile(filepath.Join(to, name))
		if err != nil || string(got) != want {
			t.Errorf("%s: got %q, %v; want %q", name, got, err, want)
		}
	}
	fi, err := os.Stat(filepath.Join(to, "d/b"))
	must(t, err)
	if fi.Mode()&0o111 == 0 {
		t.Error("d/b lost its executable bit")
	}
}

func TestAssembleErrors(t *testing.T) {
	dir := t.TempDir()
	deb := makeDeb(t, dir, "tool", "1", toolFiles)
	broken := filepath.Join(dir, "broken.deb")
	data, err := os.ReadFile(deb)
	must(t, err)
	must(t, os.WriteFile(broken, data[:len(data)-40], 0o644))
	for _, c := range []struct {
		name, deb, want string
		picks           []Pick
	}{
		{"not in the package", deb, `it has no "usr/bin/tol"`, []Pick{{"tool", "usr/bin/tol", "bin/tol"}}},
		{"empty folder", deb, `it has no "usr/share/"`, []Pick{{"tool", "usr/share/", "share/"}}},
		{"folder as file", deb, `it has no "usr/bin"`, []Pick{{"tool", "usr/bin", "bin"}}},
		{"two to one place", deb, `two files want to be "x"`, []Pick{{"tool", "usr/bin/tool", "x"}, {"tool", "usr/lib/tool/a.h", "x"}}},
		{"truncated", broken, "dpkg-deb", []Pick{{"tool", "usr/lib/tool/", "x/"}}},
		{"no file", filepath.Join(dir, "none.deb"), "dpkg-deb", []Pick{{"tool", "usr/bin/tool", "x"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := &Assembly{Name: "t.tar.xz", Format: "tar.xz", Files: c.picks}
			err := assemble(context.Background(), io.Discard, a, map[string]string{"tool": c.deb})
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got error %v, want one with %q", err, c.want)
			}
		})
	}
}
