package trace

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"fromsource/analyze/audit"
	"fromsource/analyze/content"
	"fromsource/closure/store"
)

// walkOf runs a shell script that leaves a file or directory called out, and
// walks its NAR.
func walkOf(t *testing.T, script string) *Walk {
	t.Helper()
	w, err := Take(context.Background(), content.Inspect, "thing", bytes.NewReader(narOf(t, script)))
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func narOf(t *testing.T, script string) []byte {
	t.Helper()
	root := t.TempDir()
	dir := filepath.Join(root, "nix/store")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	p := ref + "-thing"
	cmd := exec.Command("bash", "-ec", script+"\nmv out "+filepath.Join(dir, p))
	cmd.Dir = t.TempDir()
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	s, err := store.OpenLocal(root)
	if err != nil {
		t.Fatal(err)
	}
	r, err := s.NAR(context.Background(), "/nix/store/"+p)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// program writes a small one to a.c.
const program = "printf 'int f(int x){int i,s=0;for(i=0;i<x;i++)s+=i*x^s;return s;}int main(int c,char**v){return f(c)+f(c*2);}' > a.c; "

// TestRecognised takes real files through what real packages do to them.
func TestRecognised(t *testing.T) {
	tests := []struct {
		name, fetch, output string
		how                 How
		kind                audit.Kind
		file, member        string
	}{
		{
			"copied", "mkdir s; cp /usr/bin/xz s/; tar czf out s", "mkdir -p out/bin; cp /usr/bin/xz out/bin/renamed",
			Identical, audit.NativeCode, "bin/renamed", "thing/s/xz",
		},
		{
			"interpreter and rpath changed", "cp /usr/bin/xz out",
			"mkdir out; cp /usr/bin/xz out/xz; chmod u+w out/xz; patchelf --set-interpreter /nix/store/" + ref + "-glibc/lib/ld.so out/xz; patchelf --set-rpath /a/long/path/that/moves/sections:$PWD out/xz",
			Patched, audit.NativeCode, "xz", "thing",
		},
		{
			"stripped", program + "gcc -g -o out a.c", program + "mkdir out; gcc -g -o out/x a.c; strip out/x",
			Patched, audit.NativeCode, "x", "thing",
		},
		{
			"in an initial RAM disk", "cp /usr/bin/cpio out", "mkdir -p r/bin out; cp /usr/bin/cpio r/bin; (cd r; find . | cpio -o -H newc --quiet | gzip > ../out/initrd.gz)",
			Identical, audit.NativeCode, "initrd.gz/bin/cpio", "thing",
		},
		{
			"in a file system in an image", "cp /usr/bin/cpio out",
			"mkdir r i out; cp /usr/bin/cpio r; mksquashfs r i/fs.squashfs -quiet -no-progress; xorriso -as mkisofs -quiet -R -o out/x.iso i",
			Identical, audit.NativeCode, "x.iso/fs.squashfs/cpio", "thing",
		},
		{
			"firmware, compressed", "mkdir -p out/lib/firmware; head -c 3000 /usr/bin/xz | tail -c 2500 > out/lib/firmware/a.fw",
			"mkdir -p out/lib/firmware; head -c 3000 /usr/bin/xz | tail -c 2500 | xz > out/lib/firmware/a.fw.xz",
			Identical, audit.Firmware, "lib/firmware/a.fw.xz/a.fw", "lib/firmware/a.fw",
		},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			x := NewIndex()
			x.Add(4, walkOf(t, tc.fetch).Members)
			var m Matches
			w := walkOf(t, tc.output)
			for i := range w.Members {
				for _, h := range x.Match(&w.Members[i]) {
					m.Add(h)
				}
			}
			all := m.All()
			if len(all) != 1 || all[0].Origin != 4 || all[0].Hits != 1 {
				t.Fatalf("matches %+v, members %+v", all, w.Members)
			}
			h := all[0].First[0]
			if h.How != tc.how || h.Kind != tc.kind || h.Member != tc.member || h.File != tc.file {
				t.Errorf("hit %+v", h)
			}
		})
	}
}

// TestNotRecognised: the same program of another version is another program.
func TestNotRecognised(t *testing.T) {
	x := NewIndex()
	x.Add(1, walkOf(t, "mkdir out; cp /usr/bin/sort out; echo 'int main(){return 0;}' > a.c; gcc -o out/empty a.c").Members)
	w := walkOf(t, "mkdir out; cp /usr/bin/uniq out; echo 'int main(){return 1;}' > a.c; gcc -o out/empty a.c; gcc -c -o out/a.o a.c")
	for i := range w.Members {
		if hits := x.Match(&w.Members[i]); len(hits) > 0 {
			t.Errorf("%s is taken for %+v", w.Members[i].Path, hits)
		}
	}
	if x.Len() != 2 || len(w.Members) != 3 {
		t.Errorf("%d members in the index, %d looked up", x.Len(), len(w.Members))
	}
}

func TestWalk(t *testing.T) {
	w := walkOf(t, `mkdir -p r/nix/store/`+ref+`-foo/bin out/share; cp /usr/bin/cpio r/nix/store/`+ref+`-foo/bin
(cd r; find . | cpio -o -H newc --quiet > ../out/initrd); seq 1 99 > out/share/text
printf 'x/nix/store/`+strings.Repeat("zyxw", 8)+`-bar' > out/share/ref; printf /`+ref[1:]+`0 | iconv -t UTF-16LE > out/share/wide
printf '\3757zXZ\0\0\4broken' > out/share/broken.xz; head -c 100 /usr/bin/cpio | tail -c 80 > out/share/data`)
	if d := cmp.Diff([]string{ref + "-foo"}, w.StorePaths); d != "" {
		t.Errorf("store paths: %s", d)
	}
	if !slices.Contains(w.Refs, strings.Repeat("zyxw", 8)) || !slices.Contains(w.WideRefs, ref[1:]+"0") {
		t.Errorf("references %v, wide %v", w.Refs, w.WideRefs)
	}
	if len(w.Images) != 1 || w.Images[0].Path != "initrd" || w.Flat {
		t.Errorf("images %+v, flat %v", w.Images, w.Flat)
	}
	if len(w.Skipped) != 1 || !strings.HasPrefix(w.Skipped[0].Path, "share/broken.xz") {
		t.Errorf("skipped %v", w.Skipped)
	}
	if len(w.Opaque) != 2 || w.Opaque[0].Path != "share/data" || !w.Shares(Short(w.Opaque[0].SHA256)) || w.Shares(1) {
		t.Errorf("opaque %+v, others %v", w.Opaque, w.Others)
	}
	if w.TextBytes < 280 || w.DataBytes < 80 || w.DataBytes > 1000 {
		t.Errorf("%d bytes of text, %d of data", w.TextBytes, w.DataBytes)
	}
	if f := walkOf(t, "seq 1 99 > out"); !f.Flat {
		t.Error("a file is not flat")
	}
}

func TestTakeFails(t *testing.T) {
	nar := narOf(t, "mkdir out; cp /usr/bin/cpio out")
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if w, err := Take(ctx, content.Inspect, "x", bytes.NewReader(nar)); !errors.Is(err, context.Canceled) || w != nil {
		t.Errorf("cancelled: %v, %v", w, err)
	}
	broken := errors.New("the disk is gone")
	r := io.MultiReader(bytes.NewReader(nar[:len(nar)/2]), errReader{broken})
	if w, err := Take(context.Background(), content.Inspect, "x", r); !errors.Is(err, broken) || w != nil {
		t.Errorf("unreadable: %v, %v", w, err)
	}
}

type errReader struct{ err error }

func (r errReader) Read([]byte) (int, error) { return 0, r.err }

func TestFingerprints(t *testing.T) {
	w := walkOf(t, "mkdir out; cp /usr/bin/cpio out; seq 1 999 > out/x")
	dir := t.TempDir()
	const hash = "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
	p := OpenFingerprints(dir, "one")
	if _, ok := p.Get(hash); ok {
		t.Fatal("found before it was put")
	}
	if err := p.Put(hash, w); err != nil {
		t.Fatal(err)
	}
	got, ok := p.Get(hash)
	if d := cmp.Diff(w, got); !ok || d != "" {
		t.Errorf("found %v: %s", ok, d)
	}
	if _, ok := OpenFingerprints(dir, "two").Get(hash); ok {
		t.Error("another detector's walk was used")
	}
	for _, bad := range []string{"", "sha256-", "sha256-xx", "md5-1B2M2Y8AsgTpgAmY7PhCfg==", "sha256-../../../../etc"} {
		if _, ok := p.Get(bad); ok {
			t.Errorf("found %q", bad)
		}
		if err := p.Put(bad, w); err != nil {
			t.Errorf("putting %q: %v", bad, err)
		}
	}
	if err := OpenFingerprints("/dev/null/x", "one").Put(hash, w); err == nil {
		t.Error("no error for a directory that can't be made")
	}
	if err := OpenFingerprints("", "one").Put(hash, w); err != nil {
		t.Errorf("keeping nothing: %v", err)
	}
}

// FuzzDecode: a damaged file is as good as none, and never a panic.
func FuzzDecode(f *testing.F) {
	good, err := encode("x", &Walk{Files: 3, Members: []content.File{{Path: "a", Code: []content.Print{{What: "text", Sum: "b"}}}}, Others: []uint64{1, 2}})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add(good[:len(good)-1])
	f.Add([]byte(magic))
	f.Fuzz(func(t *testing.T, b []byte) {
		w, err := decode(b, "x")
		if err != nil {
			return
		}
		again, err := encode("x", w)
		if err != nil {
			t.Fatal(err)
		}
		back, err := decode(again, "x")
		if d := cmp.Diff(w, back); err != nil || d != "" {
			t.Fatalf("%v\n%s", err, d)
		}
	})
}
