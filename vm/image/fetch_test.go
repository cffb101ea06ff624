package image

import (
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// archiveOf makes an archive of small packages, all in one version.
func archiveOf(t *testing.T, dir, version string, names ...string) {
	t.Helper()
	var index strings.Builder
	for _, name := range names {
		root := filepath.Join(t.TempDir(), "root")
		control := fmt.Sprintf("Package: %s\nVersion: %s\nArchitecture: amd64\nMaintainer: x <x@example.org>\nDescription: x\n", name, version)
		if err := os.MkdirAll(filepath.Join(root, "DEBIAN"), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(root, "DEBIAN/control"), []byte(control), 0o644); err != nil {
			t.Fatal(err)
		}
		deb := fmt.Sprintf("%s_%s_amd64.deb", name, version)
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		if out, err := exec.Command("dpkg-deb", "--root-owner-group", "--build", root, filepath.Join(dir, deb)).CombinedOutput(); err != nil {
			t.Fatalf("dpkg-deb: %v: %s", err, out)
		}
		b, err := os.ReadFile(filepath.Join(dir, deb))
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&index, "%sFilename: ./%s\nSize: %d\nSHA256: %x\n\n", control, deb, len(b), sha256.Sum256(b))
	}
	if err := os.WriteFile(filepath.Join(dir, "Packages"), []byte(index.String()), 0o644); err != nil {
		t.Fatal(err)
	}
}

// An archive that changes between the resolution and the download is asked once
// more; one that keeps what it promises is asked once, and one that never does
// is an error.
func TestFetchFromChangingArchive(t *testing.T) {
	names := []string{"linux-image-small", nixPackage, busybox, certs}
	for _, c := range []struct {
		changes int // of the archive
		version string
		ok      bool
	}{{0, "1", true}, {1, "2", true}, {2, "", false}} {
		dir := t.TempDir()
		served := filepath.Join(dir, "served")
		archiveOf(t, served, "1", names...)
		for i := range c.changes {
			archiveOf(t, fmt.Sprintf("%s.%d", served, i), fmt.Sprint(i+2), names...)
		}
		conf := filepath.Join(dir, "apt.conf")
		list := filepath.Join(dir, "sources.list")
		aptGet, err := exec.LookPath("apt-get")
		if err != nil {
			t.Fatal(err)
		}
		// The archive is replaced before a download, as often as there is another.
		script := fmt.Sprintf(`#!/bin/sh
case "$*" in *" download "*)
	for next in %[1]s.*; do
		[ ! -d "$next" ] || { rm -r %[1]s; mv "$next" %[1]s; break; }
	done
esac
exec %[2]s "$@"
`, served, aptGet)
		for name, text := range map[string]string{
			conf:                          fmt.Sprintf("Dir::Etc::sourcelist %q;\nDir::Etc::sourceparts \"/dev/null\";\nAcquire::Retries \"0\";\n", list),
			list:                          "deb [trusted=yes] copy:" + served + " ./\n",
			filepath.Join(dir, "apt-get"): script,
		} {
			if err := os.WriteFile(name, []byte(text), 0o755); err != nil {
				t.Fatal(err)
			}
		}
		t.Setenv("APT_CONFIG", conf)
		t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
		a, err := newPackages(filepath.Join(dir, "apt"))
		if err != nil {
			t.Fatal(err)
		}
		asked := 0
		pkgs, err := fetch(t.Context(), a, filepath.Join(dir, "debs"), Options{Kernel: names[0], Progress: func(s string) {
			if strings.HasPrefix(s, "asking apt") {
				asked++
			}
		}})
		if (err == nil) != c.ok || asked != min(c.changes, 1)+1 {
			t.Fatalf("%d changes: %v, asked %d times", c.changes, err, asked)
		}
		if c.ok && len(pkgs) != len(names) {
			t.Errorf("%d changes: %+v", c.changes, pkgs)
		}
		for _, p := range pkgs {
			if p.Version != c.version {
				t.Errorf("%d changes: %s %s", c.changes, p.Name, p.Version)
			}
		}
	}
}
