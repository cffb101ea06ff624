package image

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/cavaliergopher/cpio"
)

// One image for all tests, in the user's cache: made once on a machine.
func cached(t *testing.T) (Options, *Image) {
	t.Helper()
	o := Options{Agent: staticProgram(t)}
	img, err := Ensure(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if o.Dir, err = DefaultDir(); err != nil {
		t.Fatal(err)
	}
	return o, img
}

// staticProgram is some static program: busybox, as it is on any machine that
// runs these tests.
func staticProgram(t *testing.T) string {
	t.Helper()
	p, err := exec.LookPath("busybox")
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// copyCache makes a cache of its own that holds one image and its packages.
func copyCache(t *testing.T, o Options, img *Image) Options {
	t.Helper()
	// Tests of other packages use the same cache at the same time.
	unlock, err := lock(t.Context(), filepath.Join(o.Dir, "lock"))
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()
	to := t.TempDir()
	current, _, err := pointer(o)
	if err != nil {
		t.Fatal(err)
	}
	files := []string{current, img.Initrd, img.Initrd + ".sha256", filepath.Join(img.Dir, "manifest.json")}
	for name := range img.Manifest.Files {
		files = append(files, filepath.Join(img.Dir, name))
	}
	for _, p := range img.Manifest.Packages {
		files = append(files, filepath.Join(o.Dir, "debs", p.File))
	}
	for _, from := range files {
		name, err := filepath.Rel(o.Dir, from)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.MkdirAll(filepath.Join(to, filepath.Dir(name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if out, err := exec.Command("cp", "-a", "--reflink=auto", from, filepath.Join(to, name)).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	return Options{Dir: to, Agent: o.Agent}
}

// The second time nothing is made, asked or downloaded.
func TestEnsureCached(t *testing.T) {
	o, first := cached(t)
	start := time.Now()
	o.Progress = func(s string) { t.Errorf("something was done: %s", s) }
	t.Setenv("PATH", "") // no apt to ask
	img, err := Ensure(t.Context(), o)
	if err != nil || img.Key != first.Key || img.Initrd != first.Initrd {
		t.Fatalf("%+v, %v", img, err)
	}
	t.Logf("took %v", time.Since(start))
	if len(img.Manifest.Packages) < 20 || img.Manifest.Kernel == "" {
		t.Errorf("manifest %+v", img.Manifest)
	}
	for _, p := range img.Manifest.Packages {
		if p.Version == "" || len(p.SHA256) != 64 || p.Size == 0 {
			t.Errorf("package is not pinned: %+v", p)
		}
	}
}

// Programs of other packages come with the libraries that they need.
func TestExtraPackages(t *testing.T) {
	img, err := Ensure(t.Context(), Options{Agent: staticProgram(t), Packages: []string{"jq"}})
	if err != nil {
		t.Fatal(err)
	}
	plain, err := Ensure(t.Context(), Options{Agent: staticProgram(t)})
	if err != nil || plain.Key == img.Key {
		t.Fatalf("%v, keys %q and %q", err, plain.Key, img.Key)
	}
	f, err := os.Open(img.Initrd)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	have := map[string]bool{}
	for r := cpio.NewReader(f); ; {
		h, err := r.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		have[path.Base(h.Name)] = true
	}
	for _, want := range []string{"jq", "libonig.so.5", "nix-store", "busybox"} {
		if !have[want] {
			t.Errorf("the image has no %s", want)
		}
	}
	if have["perl"] {
		t.Error("the image has what nothing in it needs")
	}
}

// A damaged image is noticed, said, and made again from the packages as they
// were pinned, to the same bytes; without a network.
func TestEnsureDamaged(t *testing.T) {
	o, first := cached(t)
	o = copyCache(t, o, first)
	// apt has nowhere to ask.
	conf := filepath.Join(t.TempDir(), "apt.conf")
	if err := os.WriteFile(conf, []byte("Dir::Etc::sourcelist \"/dev/null\";\nDir::Etc::sourceparts \"/dev/null\";\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	t.Setenv("APT_CONFIG", conf)
	dir := filepath.Join(o.Dir, "images", first.Key)
	flip(t, filepath.Join(dir, "base.cpio"))
	flip(t, filepath.Join(dir, filepath.Base(first.Initrd)))
	stale := filepath.Join(o.Dir, "images", ".new-stale")
	if err := os.Mkdir(stale, 0o755); err != nil {
		t.Fatal(err)
	}
	said := ""
	o.Progress = func(s string) { said += s + "\n" }
	img, err := Ensure(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(said, "damaged") {
		t.Errorf("said %q", said)
	}
	if _, err := os.Stat(stale); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("what a killed one left is still there: %v", err)
	}
	if img.Key != first.Key {
		t.Errorf("key %s, want %s", img.Key, first.Key)
	}
	for f, want := range first.Manifest.Files {
		if got := img.Manifest.Files[f]; got != want {
			t.Errorf("%s: sha256 %s, the first time %s", f, got, want)
		}
	}
}

// A damaged composed archive alone is composed again; a damaged manifest or
// kernel is told apart.
func TestDamagedParts(t *testing.T) {
	o, first := cached(t)
	o = copyCache(t, o, first)
	dir := filepath.Join(o.Dir, "images", first.Key)
	flip(t, filepath.Join(dir, filepath.Base(first.Initrd)))
	o.Progress = func(s string) { t.Errorf("something was made: %s", s) }
	if _, err := Ensure(t.Context(), o); err != nil {
		t.Error(err)
	}
	flip(t, filepath.Join(dir, "vmlinuz"))
	if _, err := open(o.Dir, first.Key); !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), "vmlinuz") {
		t.Errorf("kernel: %v", err)
	}
	l, err := List(o.Dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, img := range l {
		if damaged := img.Key == first.Key; damaged == (img.Manifest.Kernel != "") {
			t.Errorf("listed as %+v", img)
		}
	}
	for _, b := range []string{"{", "", "[]"} {
		if err := os.WriteFile(filepath.Join(dir, "manifest.json"), []byte(b), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := open(o.Dir, first.Key); !errors.Is(err, ErrDamaged) {
			t.Errorf("manifest %q: %v", b, err)
		}
	}
	if err := Remove(o.Dir, first.Key); err != nil {
		t.Error(err)
	}
	if _, err := current(o); !errors.Is(err, ErrDamaged) {
		t.Errorf("removed: %v", err)
	}
	if err := Remove(o.Dir, "nothing"); err == nil {
		t.Error("removing nothing is no error")
	}
	if err := Remove(o.Dir, "../x"); err == nil {
		t.Error("removing outside is no error")
	}
}

// However many other agents there were meanwhile, the archive of one that is
// in use stays; of the others a few do.
func TestComposedStays(t *testing.T) {
	o, img := cached(t)
	o = copyCache(t, o, img)
	first, err := Ensure(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(o.Agent)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 2 * keepInitrds {
		other := o
		other.Agent = filepath.Join(t.TempDir(), "agent")
		if err := os.WriteFile(other.Agent, append(b, byte(i)), 0o755); err != nil {
			t.Fatal(err)
		}
		img, err := Ensure(t.Context(), other)
		if err != nil {
			t.Fatal(err)
		}
		if err := img.held.Close(); err != nil { // as its process would by ending
			t.Fatal(err)
		}
	}
	if _, err := os.Stat(first.Initrd); err != nil {
		t.Error(err)
	}
	all, err := filepath.Glob(filepath.Join(first.Dir, "initrd-*.img"))
	if err != nil || len(all) != keepInitrds+1 {
		t.Errorf("%d are left, %v, want %d", len(all), err, keepInitrds+1)
	}
	runtime.KeepAlive(first)
}

// flip changes one bit in the middle of a file.
func flip(t *testing.T, name string) {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	b[len(b)/2] ^= 1
	if err := os.WriteFile(name, b, 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestEnsureWithoutApt(t *testing.T) {
	agent := staticProgram(t)
	t.Setenv("PATH", t.TempDir())
	_, err := Ensure(t.Context(), Options{Dir: t.TempDir(), Agent: agent})
	if err == nil || !strings.Contains(err.Error(), `"apt-get" is not in PATH`) {
		t.Errorf("error %v", err)
	}
}

func TestEnsureRefuses(t *testing.T) {
	dyn, err := exec.LookPath("apt-get")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Ensure(t.Context(), Options{Dir: t.TempDir(), Agent: dyn}); err == nil || !strings.Contains(err.Error(), "CGO_ENABLED=0") {
		t.Errorf("a dynamic agent: %v", err)
	}
	if _, err := Ensure(t.Context(), Options{Dir: t.TempDir(), Agent: staticProgram(t), Packages: []string{"-o=x"}}); err == nil {
		t.Error("an option as a package")
	}
	if _, err := Ensure(t.Context(), Options{Dir: "/proc/nowhere", Agent: staticProgram(t)}); err == nil {
		t.Error("a cache where nothing can be written")
	}
	o, _ := cached(t)
	o.Dir = t.TempDir()
	unlock, err := lock(t.Context(), filepath.Join(o.Dir, "lock"))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := Ensure(ctx, o); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("while another has the lock: %v", err)
	}
	// Who gave up waiting does not get it in the end, and keep it.
	unlock()
	if unlock, err = lock(t.Context(), filepath.Join(o.Dir, "lock")); err != nil {
		t.Fatal(err)
	}
	unlock()
}

func TestParseURIs(t *testing.T) {
	got, err := parseURIs("'http://x/y.deb' zlib1g_1%3a1.2.13.dfsg-1_amd64.deb 86712 MD5Sum:x\n\n" +
		"'http://x/z.deb' libc6_2.36-9+deb12u14_amd64.deb 2 SHA256:x\n")
	if err != nil || fmt.Sprint(got) != "[{libc6 2.36-9+deb12u14} {zlib1g 1:1.2.13.dfsg-1}]" {
		t.Errorf("%v, %v", got, err)
	}
	for _, bad := range []string{"", "nonsense\n", "'u' name.deb 1 x\n", "'u' a_b_c.txt 1 x\n", "'u' a_%zz_c.deb 1 x\n"} {
		if got, err := parseURIs(bad); err == nil {
			t.Errorf("%q gives %v", bad, got)
		}
	}
}

func TestMerged(t *testing.T) {
	for in, want := range map[string]string{
		"./bin/sh": "usr/bin/sh", "/lib64/ld.so": "usr/lib64/ld.so", "usr/bin/x": "usr/bin/x",
		"../../etc/x": "etc/x", "lib/../../bin/x": "usr/bin/x", "library/x": "library/x",
	} {
		if got := merged(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func TestDistribution(t *testing.T) {
	for in, want := range map[string]string{
		"ID=debian\nVERSION_ID=\"12\"\n":      "debian-12",
		"ID=debian\nVERSION_CODENAME=forky\n": "debian-forky",
		"ID='a/../b'\nVERSION_ID=1\n":         "a_.._b-1",
		"NAME=x\n":                            "",
	} {
		f := filepath.Join(t.TempDir(), "os-release")
		if err := os.WriteFile(f, []byte(in), 0o644); err != nil {
			t.Fatal(err)
		}
		got, err := distribution(f)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q, %v; want %q", in, got, err, want)
		}
	}
}

// FuzzParseURIs: whatever apt says, no panic, and names and versions are not
// empty words of several lines.
func FuzzParseURIs(f *testing.F) {
	f.Add("'http://x/y.deb' a_1%3a2_amd64.deb 1 MD5Sum:x\n")
	f.Add("'' a_%_c.deb 1\n")
	f.Fuzz(func(t *testing.T, s string) {
		all, err := parseURIs(s)
		if err == nil && len(all) == 0 {
			t.Error("nothing, and no error")
		}
	})
}

// Another kernel is another image, and neither takes the other's packages away.
func TestOtherKernel(t *testing.T) {
	o, plain := cached(t)
	o.Kernel = OtherKernel
	img, err := Ensure(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if img.Key == plain.Key || img.Manifest.Kernel == plain.Manifest.Kernel || img.Manifest.KernelPackage != OtherKernel {
		t.Errorf("%s with %+v beside %s with kernel %s", img.Key, img.Manifest, plain.Key, plain.Manifest.Kernel)
	}
	// As its package's name says: that apt names the package is its word, the
	// release is in the kernel itself.
	b, err := os.ReadFile(img.Kernel)
	if err != nil || !strings.Contains(string(b), img.Manifest.Kernel+" (") {
		t.Errorf("the kernel is not %s: %v", img.Manifest.Kernel, err)
	}
	for _, i := range []*Image{plain, img} {
		if !intact(filepath.Join(o.Dir, "debs"), i.Manifest.Packages) {
			t.Errorf("%s: its packages are no longer at hand", i.Key)
		}
	}
	o.Progress = func(s string) { t.Errorf("something was done: %s", s) }
	if again, err := Ensure(t.Context(), o); err != nil || again.Key != img.Key {
		t.Errorf("the second time: %+v, %v", again, err)
	}
	o.Progress = nil
	// The beginning of a package's name is not a package.
	o.Kernel = "linux-image-amd"
	if _, err := Ensure(t.Context(), o); !errors.Is(err, ErrNoKernel) {
		t.Errorf("%s: %v", o.Kernel, err)
	}
	o.Kernel = "-o=x"
	if _, err := Ensure(t.Context(), o); err == nil {
		t.Error("an option as a kernel")
	}
}
