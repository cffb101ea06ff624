package inputs

import (
	"bytes"
	"context"
	"crypto/md5" // Sources files have MD5 sums too
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// debianArchive makes a Debian archive on disk with release bookworm, and a
// host whose apt knows it under another release's name and was never updated.
// It gives the pins of what is in it: a source package and a binary one.
func debianArchive(t *testing.T) (source, binary Pin) {
	t.Helper()
	root := t.TempDir()
	pool := filepath.Join(root, "pool")
	must(t, os.MkdirAll(pool, 0o755))

	deb := makeDeb(t, pool, "tool", "1:2.0-1", toolFiles)
	orig := filepath.Join(pool, "hello_1.0.orig.tar.gz")
	must(t, os.WriteFile(orig, []byte("the source"), 0o644))
	dsc := filepath.Join(pool, "hello_1.0-1.dsc")
	must(t, os.WriteFile(dsc, []byte("Source: hello\nVersion: 1.0-1\n"), 0o644))

	packages := fmt.Sprintf("Package: tool\nVersion: 1:2.0-1\nArchitecture: amd64\nMaintainer: x <x@example.org>\nFilename: pool/%s\nSize: %d\nSHA256: %s\nDescription: x\n\n",
		filepath.Base(deb), size(t, deb), sum256(t, deb))
	var sources strings.Builder
	fmt.Fprintf(&sources, "Package: hello\nBinary: hello\nVersion: 1.0-1\nArchitecture: any\nDirectory: pool\nFormat: 3.0 (quilt)\nFiles:\n")
	for _, f := range []string{dsc, orig} {
		fmt.Fprintf(&sources, " %s %d %s\n", sumMD5(t, f), size(t, f), filepath.Base(f))
	}
	sources.WriteString("Checksums-Sha256:\n")
	for _, f := range []string{dsc, orig} {
		fmt.Fprintf(&sources, " %s %d %s\n", sum256(t, f), size(t, f), filepath.Base(f))
	}
	sources.WriteString("\n")
	for _, suite := range []string{"bookworm", "trixie", "trixie-security"} {
		dist := filepath.Join(root, "dists", suite)
		files := map[string]string{"main/binary-amd64/Packages": packages, "main/source/Sources": sources.String()}
		if suite != "bookworm" {
			files = map[string]string{"main/binary-amd64/Packages": "", "main/source/Sources": ""}
		}
		var release strings.Builder
		fmt.Fprintf(&release, "Origin: Debian\nSuite: x\nCodename: %s\nArchitectures: amd64\nComponents: main\nSHA256:\n", suite)
		for _, name := range sortedKeys(files) {
			to := filepath.Join(dist, name)
			must(t, os.MkdirAll(filepath.Dir(to), 0o755))
			must(t, os.WriteFile(to, []byte(files[name]), 0o644))
			fmt.Fprintf(&release, " %s %d %s\n", sum256(t, to), len(files[name]), name)
		}
		must(t, os.WriteFile(filepath.Join(dist, "Release"), []byte(release.String()), 0o644))
	}

	host := t.TempDir()
	list := fmt.Sprintf("deb [trusted=yes] file:%[1]s trixie-security main\ndeb [trusted=yes] file:%[1]s trixie main\ndeb [trusted=yes] file:%[1]s/elsewhere stable main\n", root)
	must(t, os.WriteFile(filepath.Join(host, "sources.list"), []byte(list), 0o644))
	must(t, os.MkdirAll(filepath.Join(host, "lists/partial"), 0o755))
	conf := fmt.Sprintf("Dir::Etc::sourcelist %q;\nDir::Etc::sourceparts \"/dev/null\";\nDir::State %q;\nDir::State::lists %q;\n",
		filepath.Join(host, "sources.list"), host, filepath.Join(host, "lists"))
	must(t, os.WriteFile(filepath.Join(host, "apt.conf"), []byte(conf), 0o644))
	t.Setenv("APT_CONFIG", filepath.Join(host, "apt.conf"))

	source = Pin{Name: "hello-1.0.tar.gz", Kind: DebianSource, Package: "hello", Version: "1.0-1", File: filepath.Base(orig), SHA256: sum256(t, orig), Line: 5}
	binary = Pin{Name: "tool.deb", Kind: DebianBinary, Package: "tool", Version: "1:2.0-1", SHA256: sum256(t, deb), Line: 6}
	return source, binary
}

func size(t *testing.T, name string) int64 {
	t.Helper()
	fi, err := os.Stat(name)
	must(t, err)
	return fi.Size()
}

func sum256(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(name)
	must(t, err)
	return fmt.Sprintf("%x", sha256.Sum256(data))
}

func sumMD5(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(name)
	must(t, err)
	return fmt.Sprintf("%x", md5.Sum(data))
}

// fetchUnsigned is Fetch from an archive that nobody signed.
func fetchUnsigned(ctx context.Context, lock *Lock, dir string, progress Progress) error {
	c, err := openCache(dir)
	if err != nil {
		return err
	}
	f := &fetcher{lock: lock, cache: c, progress: progress}
	f.archives = func(ctx context.Context, a *debian) ([]archive, error) {
		found, err := archives(ctx, a)
		for i := range found {
			found[i].options = []string{"trusted=yes"}
		}
		return found, err
	}
	return f.run(ctx)
}

func TestFetchDebianFromAnotherRelease(t *testing.T) {
	source, binary := debianArchive(t)
	part := binary
	part.Part = true
	tar := Assembly{Name: "seed.tar.xz", Format: "tar.xz", Line: 9, Files: []Pick{{"tool", "usr/bin/tool", "bin/tool"}}}
	var b bytes.Buffer
	must(t, assemble(context.Background(), &b, &tar, map[string]string{"tool": debOf(t)}))
	tar.SHA256 = fmt.Sprintf("%x", sha256.Sum256(b.Bytes()))
	lock := &Lock{Suite: "bookworm", Architecture: "amd64", Inputs: []Pin{source, part}, Assembled: []Assembly{tar}}

	dir := t.TempDir()
	var events []Event
	record := func(e Event) { events = append(events, e) }
	must(t, fetchUnsigned(context.Background(), lock, dir, record))
	want := []Event{{"hello-1.0.tar.gz", 1, 3, false}, {"tool.deb", 2, 3, false}, {"seed.tar.xz", 3, 3, false}}
	if diff := cmp.Diff(want, events); diff != "" {
		t.Errorf("events of the first time: %s", diff)
	}

	// The second time nothing is asked for, and the parts not even looked at.
	t.Setenv("PATH", "/nonexistent")
	events = nil
	got, err := Fetch(context.Background(), lock, dir, record)
	must(t, err)
	want = []Event{{"seed.tar.xz", 1, 2, true}, {"hello-1.0.tar.gz", 2, 2, true}}
	if diff := cmp.Diff(want, events); diff != "" {
		t.Errorf("events of the second time: %s", diff)
	}
	inputs := []Input{
		{"hello-1.0.tar.gz", filepath.Join(dir, source.SHA256, "hello-1.0.tar.gz"), source.SHA256},
		{"seed.tar.xz", filepath.Join(dir, tar.SHA256, "seed.tar.xz"), tar.SHA256},
	}
	if diff := cmp.Diff(inputs, got); diff != "" {
		t.Error(diff)
	}
	if data, err := os.ReadFile(got[0].Path); err != nil || string(data) != "the source" {
		t.Errorf("the source is %q, %v", data, err)
	}
	left, err := filepath.Glob(filepath.Join(dir, tempPrefix+"*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %q, %v", left, err)
	}
}

// debOf makes the package that debianArchive has, for its content.
func debOf(t *testing.T) string {
	t.Helper()
	return makeDeb(t, t.TempDir(), "tool", "1:2.0-1", toolFiles)
}

func TestFetchDebianNotServed(t *testing.T) {
	source, binary := debianArchive(t)
	source.Version, binary.Version = "0.9-1", "1:1.9-1"
	gone := binary
	gone.Name, gone.Package, gone.Line = "gone.deb", "gone", 7
	lock := &Lock{Suite: "bookworm", Architecture: "amd64", Inputs: []Pin{source, binary, gone}}
	dir := t.TempDir()
	err := fetchUnsigned(context.Background(), lock, dir, nil)
	if err == nil {
		t.Fatal("got what is not served")
	}
	for _, want := range []string{
		`input "hello-1.0.tar.gz": hello 0.9-1 is not served (apt, bookworm has 1.0-1); change version and sha256 in line 5 of the lock file`,
		`input "tool.deb": tool 1:1.9-1 is not served (apt, bookworm has 1:2.0-1); change version and sha256 in line 6 of the lock file`,
		`input "gone.deb": gone 1:1.9-1 is not served (apt, bookworm has no package of that name); change version and sha256 in line 7 of the lock file`,
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("error lacks %q:\n%v", want, err)
		}
	}
	var unserved *UnservedError
	if !errors.As(err, &unserved) || unserved.Pin.Package != "hello" {
		t.Errorf("errors.As gives %+v", unserved)
	}
}

func TestFetchDebianErrors(t *testing.T) {
	source, binary := debianArchive(t)
	other := source
	other.SHA256 = binary.SHA256
	err := fetchUnsigned(context.Background(), &Lock{Suite: "bookworm", Architecture: "amd64", Inputs: []Pin{other}}, t.TempDir(), nil)
	var mismatch *MismatchError
	if !errors.As(err, &mismatch) || mismatch.Got != source.SHA256 || mismatch.Line != 5 {
		t.Errorf("other bytes than pinned: got error %v", err)
	}
	err = fetchUnsigned(context.Background(), &Lock{Suite: "buzz", Architecture: "amd64", Inputs: []Pin{source}}, t.TempDir(), nil)
	if err == nil || !strings.Contains(err.Error(), `no Debian archive in apt's configuration serves suite "buzz"`) {
		t.Errorf("a suite that is not served: got error %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := fetchUnsigned(ctx, &Lock{Suite: "bookworm", Architecture: "amd64", Inputs: []Pin{source}}, t.TempDir(), nil); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: got error %v", err)
	}
	t.Setenv("PATH", "/nonexistent")
	err = fetchUnsigned(context.Background(), &Lock{Suite: "bookworm", Architecture: "amd64", Inputs: []Pin{source}}, t.TempDir(), nil)
	if !errors.Is(err, exec.ErrNotFound) || !strings.Contains(err.Error(), "apt-get is not installed") {
		t.Errorf("no apt: got error %v", err)
	}
}

func TestParseReleases(t *testing.T) {
	got := parseReleases("Some notice\n" +
		"'http://a.example.org/debian/dists/bookworm/InRelease' a.example.org_debian_dists_bookworm_InRelease 0 \n" +
		"'http://a.example.org/debian/dists/bookworm/main/binary-amd64/Packages.xz' x 0 \n" +
		"'http://b.example.org/flat/InRelease' y 0 \n" +
		"'http://s.example.org/dists/buster/updates/InRelease' z 0 \n")
	want := []release{
		{"http://a.example.org/debian", "bookworm", "a.example.org_debian_dists_bookworm_InRelease"},
		{"http://s.example.org", "buster/updates", "z"},
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(release{})); diff != "" {
		t.Error(diff)
	}
}
