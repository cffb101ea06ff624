package compare

import (
	"bytes"
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/nix-community/go-nix/pkg/nar"
)

// FuzzNAR holds our reader against go-nix's: what ours takes whole, theirs
// takes too, with the same nodes and contents.
func FuzzNAR(f *testing.F) {
	seed := func(o Opener) {
		rc, err := o(context.Background())
		if err != nil {
			f.Fatal(err)
		}
		b, err := io.ReadAll(rc)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
		f.Add(b[:len(b)/2])
	}
	dir := f.TempDir()
	if out, err := exec.Command("sh", "-ec", "cd "+dir+"; mkdir -p a/b c; echo x > a/b/x; chmod +x a/b/x; ln -s ../x c/l; : > empty").CombinedOutput(); err != nil {
		f.Fatalf("%v\n%s", err, out)
	}
	for _, p := range []string{dir, filepath.Join(dir, "a/b/x"), filepath.Join(dir, "c/l")} {
		var buf bytes.Buffer
		if err := nar.DumpPath(&buf, p); err != nil {
			f.Fatal(err)
		}
		seed(bytesNAR(buf.Bytes()))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		type entry struct {
			kind   nodeType
			exec   bool
			target string
			bytes  string
		}
		var ours []entry
		n := newNARReader(bytes.NewReader(b))
		for {
			nd, err := n.next()
			if err == io.EOF {
				break
			}
			if err != nil {
				return
			}
			if nd.kind == end {
				continue
			}
			e := entry{kind: nd.kind, exec: nd.executable, target: nd.target}
			if nd.kind == regular {
				c, err := io.ReadAll(n)
				if err != nil {
					return
				}
				e.bytes = string(c)
			}
			ours = append(ours, e)
		}
		r, err := nar.NewReader(bytes.NewReader(b))
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		for i, want := range ours {
			h, err := r.Next()
			if err != nil {
				// go-nix refuses what it says of link targets and names; ours
				// is the reader of what a build has made.
				if want.kind == symlink && want.target == "" {
					return
				}
				t.Fatalf("node %d: %v", i, err)
			}
			got := entry{exec: h.Executable, target: h.LinkTarget}
			switch h.Type {
			case nar.TypeDirectory:
				got.kind = directory
			case nar.TypeSymlink:
				got.kind = symlink
			case nar.TypeRegular:
				got.kind = regular
				c, err := io.ReadAll(r)
				if err != nil {
					t.Fatal(err)
				}
				got.bytes = string(c)
			}
			if got != want {
				t.Fatalf("node %d: go-nix has %+v, we have %+v", i, got, want)
			}
		}
	})
}

// FuzzFiles compares two files of any content that are not the same: it ends,
// without an error of this machine, and something is said.
func FuzzFiles(f *testing.F) {
	dir := f.TempDir()
	script := `cd ` + dir + `
echo one > f; touch -d @1000 f; tar -cf a.tar f; gzip -c f > a.gz; zip -qX a.zip f; ar rcU a.a f; xz -c f > a.xz; zstd -qc f > a.zst; echo f | busybox cpio -o -H newc > a.cpio 2>/dev/null
xorriso -as mkisofs -quiet -o a.iso f >/dev/null 2>&1
echo two > f; touch -d @2000 f; tar -cf b.tar f; gzip -c f > b.gz; zip -qX b.zip f; ar rcU b.a f; xz -c f > b.xz; zstd -qc f > b.zst; echo f | busybox cpio -o -H newc > b.cpio 2>/dev/null
printf 'int main(void){return 0;}' > x.c; gcc -Os -s x.c -o a.elf; printf 'int main(void){return 1;}' > x.c; gcc -Os -s x.c -o b.elf`
	if out, err := exec.Command("sh", "-ec", script).CombinedOutput(); err != nil {
		f.Fatalf("%v\n%s", err, out)
	}
	for _, ext := range []string{"tar", "gz", "zip", "a", "xz", "zst", "cpio", "elf"} {
		a, errA := os.ReadFile(filepath.Join(dir, "a."+ext))
		b, errB := os.ReadFile(filepath.Join(dir, "b."+ext))
		if errA != nil || errB != nil {
			f.Fatal(errA, errB)
		}
		f.Add(a, b)
	}
	f.Add([]byte("built 2026-11-23\n"), []byte("built 2026-11-24\n"))
	f.Fuzz(func(t *testing.T, a, b []byte) {
		o := Options{InMemory: 1 << 10, MaxUnpacked: 1 << 20, MaxDepth: 3, MaxMembers: 100, TempDir: t.TempDir()}
		w := &walker{ctx: context.Background(), o: o.defaults(), res: &Result{HashA: "a", HashB: "b"}}
		if bytes.Equal(a, b) {
			return
		}
		if err := w.file("f", memory(a), memory(b), 0); err != nil {
			t.Fatal(err)
		}
		if w.res.Count == 0 {
			t.Fatal("they differ, and nothing is said")
		}
	})
}
