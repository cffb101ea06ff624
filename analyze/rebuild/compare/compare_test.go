package compare

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nix-community/go-nix/pkg/nar"

	"fromsource/closure/store"
)

// tree is a folder that a shell script fills; Nix's own format library makes
// the NAR.
func tree(t *testing.T, script string) Opener {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "out")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("sh", "-e", "-c", script)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "TZ=UTC", "LC_ALL=C")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", script, err, out)
	}
	return pathNAR(t, dir)
}

func pathNAR(t *testing.T, dir string) Opener {
	t.Helper()
	var buf bytes.Buffer
	if err := nar.DumpPath(&buf, dir); err != nil {
		t.Fatal(err)
	}
	return bytesNAR(buf.Bytes())
}

func bytesNAR(b []byte) Opener {
	return func(context.Context) (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(b)), nil }
}

// show renders a result as the tests state it: one line a difference.
func show(r *Result) string {
	var b strings.Builder
	for _, d := range r.Differences {
		mark := ""
		if d.Metadata {
			mark = " (metadata)"
		}
		b.WriteString(d.Path + ": " + d.What + mark + ": " + d.Detail + "\n")
	}
	return b.String()
}

func TestNARs(t *testing.T) {
	for _, tt := range []struct {
		name, a, b string
		want       []string // each a part of the line at its place
		stabilised bool
	}{
		{name: "same", a: "echo x > f; mkdir d; ln -s f d/l", b: "mkdir d; ln -s f d/l; echo x > f"},
		{
			name: "added and removed", a: "mkdir a; echo 1 > a/1; echo 2 > b; echo s > same",
			b:    "echo s > same; mkdir z; mkdir z/y; echo 3 > z/y/3; ln -s q c",
			want: []string{"a: removed: directory, 1 entries", "b: removed: file of 2 bytes", `c: added: symbolic link to "q"`, "z: added: directory, 2 entries"},
		},
		{
			name: "mode, type and link", a: "echo x > m; echo y > t; ln -s one l; mkdir -p d/e; echo k > d/e/k", b: "echo x > m; chmod +x m; mkdir t; echo y > t/y; ln -s two l; mkdir -p d; ln -s f d/e",
			want: []string{"d/e: type: directory became symbolic link", `l: symlink: "one" became "two"`, "m: mode: executable: false became true", "t: type: file became directory"},
		},
		{
			name: "binary", a: `printf 'a\0\001\002' > f`, b: `printf 'a\0\003\004' > f`,
			want: []string{"f: content: 2 of 4 bytes differ; first at byte 2"},
		},
		{
			name: "timestamps in text", a: "printf 'built 2026-11-23T00:16:46Z\\nx\\nby Mon Nov 23 00:16:46 UTC 2026\\n' > f", b: "printf 'built 2027-01-02T10:00:00Z\\nx\\nby Sat Jan  2 10:00:00 UTC 2027\\n' > f",
			want: []string{`f: timestamp: line 1: "built 2026-11-23T00:16:46Z"`},
		},
		{
			name: "a time and more", a: "printf 'at 00:16:46\\nx\\n' > f", b: "printf 'at 00:16:47\\ny\\n' > f",
			want: []string{"f: content: line 1"},
		},
		{
			name: "path in text", a: "echo /build/one/x.c:3 > f", b: "echo /build/two/x.c:3 > f",
			want: []string{`f: path: line 1: "/build/one/x.c:3"`},
		},
		{
			name: "order of lines", a: "printf '1\\n2\\n3\\n' > f", b: "printf '1\\n3\\n2\\n' > f",
			want: []string{"f: order: the same lines in another order, first at line 2"},
		},
		{
			name: "time in binary", a: `printf '\0\0Nov 23 2026 00:16:46\0x\0' > f`, b: `printf '\0\0Nov 24 2026 00:16:46\0x\0' > f`,
			want: []string{`f: timestamp: "Nov 23 2026 00:16:46" became "Nov 24 2026 00:16:46"`},
		},
		{
			name: "gzip header", a: "echo x > f; touch -d @1000000000 f; gzip f", b: "echo x > f; touch -d @1100000000 f; gzip f", stabilised: true,
			want: []string{"f.gz: timestamp (metadata): gzip header: time 2001-09-09T01:46:40Z became 2004-11-09T11:33:20Z"},
		},
		{
			name: "gzip level", a: "seq 1000 | gzip -n -1 > f.gz", b: "seq 1000 | gzip -n -9 > f.gz", stabilised: true,
			want: []string{"f.gz: gzip header (metadata): gzip header: compression level"},
		},
		{
			name: "gzip content", a: "echo x | gzip -n > f.gz", b: "echo y | gzip -n > f.gz",
			want: []string{`f.gz: content: line 1: "x" became "y"`},
		},
		{
			name: "gzip with a tail", a: "echo x | gzip -n > f.gz; echo tail >> f.gz", b: "echo x | gzip -n > f.gz; echo liar >> f.gz",
			want: []string{"f.gz: content"},
		},
		{name: "xz", a: "seq 9000 | xz -1 > f.xz", b: "seq 9000 | xz -9e -C crc32 > f.xz", stabilised: true, want: []string{"f.xz: compression (metadata)"}},
		{name: "zstd", a: "seq 9000 | zstd -q -1 > f.zst", b: "seq 9001 | zstd -q -1 > f.zst", want: []string{"f.zst: content: line 9001: \"\" became \"9001\""}},
		{name: "bzip2", a: "seq 9000 | bzip2 -1 > f", b: "seq 9000 | bzip2 -9 > f", stabilised: true, want: []string{"f: compression (metadata)"}},
		{
			name: "tar", a: "mkdir d; echo 1 > d/1; echo 2 > d/2; tar --mtime=@1 --owner=0 --group=0 --numeric-owner -cf x.tar d/1 d/2; rm -r d",
			b:    "mkdir d; echo 1 > d/1; echo 2 > d/2; tar --mtime=@2 --owner=7 --group=0 --numeric-owner -cf x.tar d/2 d/1; rm -r d",
			want: []string{"x.tar/d/1: timestamp (metadata): time 1970-01-01T00:00:01Z became", `x.tar/d/1: owner (metadata): owner 0:0 "":"" became 7:0`, "x.tar/d/2: timestamp", "x.tar/d/2: owner", "x.tar: order (metadata)"}, stabilised: true,
		},
		{
			name: "tar in gzip", a: "echo 1 > f; tar -czf x.tgz --mtime=@1 f; rm f", b: "echo 2 > f; tar -czf x.tgz --mtime=@1 f; rm f",
			want: []string{`x.tgz/f: content: line 1: "1" became "2"`},
		},
		{
			name: "tar with a tail", a: "echo 1 > f; tar -cf x.tar f; echo tail >> x.tar; rm f", b: "echo 1 > f; tar -cf x.tar f; echo liar >> x.tar; rm f",
			want: []string{"x.tar: content"},
		},
		{
			name: "zip", a: "echo 1 > f; touch -d 2001-01-01 f; zip -qX x.jar f; rm f", b: "echo 1 > f; touch -d 2002-01-01 f; zip -qX x.jar f; rm f", stabilised: true,
			want: []string{"x.jar/f: timestamp (metadata)"},
		},
		{
			name: "zip content", a: "echo 1 > f; touch -d 2001-01-01 f; zip -q0X x.jar f; rm f", b: "echo 2 > f; touch -d 2001-01-01 f; zip -q0X x.jar f; rm f",
			want: []string{`x.jar/f: content: line 1: "1" became "2"`},
		},
		{
			name: "ar", a: "echo 1 > f; touch -d @1000 f; ar rcU x.a f; rm f", b: "echo 1 > f; touch -d @2000 f; ar rcU x.a f; rm f", stabilised: true,
			want: []string{"x.a/f: timestamp (metadata): time 1000 became 2000"},
		},
		{
			name: "cpio", a: "echo 1 > f; touch -d @1000 f; echo f | busybox cpio -o -H newc > x.cpio; rm f", b: "echo 2 > f; touch -d @2000 f; echo f | busybox cpio -o -H newc > x.cpio; rm f",
			want: []string{"timestamp (metadata)", "x.cpio/f: content: line 1"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r, err := NARs(context.Background(), tree(t, tt.a), tree(t, tt.b), Options{})
			if err != nil {
				t.Fatal(err)
			}
			if r.Equal() != (len(tt.want) == 0) || r.Stabilised() != tt.stabilised {
				t.Errorf("equal %v, stabilised %v, want %v", r.Equal(), r.Stabilised(), tt.stabilised)
			}
			lines := show(r)
			rest := lines
			for _, want := range tt.want {
				i := strings.Index(rest, want)
				if i < 0 {
					t.Fatalf("no %q, in this order, in\n%s", want, lines)
				}
				rest = rest[i+len(want):]
			}
			if r.Count != len(r.Differences) || tt.name != "cpio" && r.Count != len(tt.want) {
				t.Errorf("%d differences, want %d:\n%s", r.Count, len(tt.want), lines)
			}
		})
	}
}

const program = `cat > x.c <<'E'
#include <stdio.h>
int main(void) { puts("built at " WHEN); return VALUE; }
E
gcc -g0 -O1 -Wl,--build-id=sha1 -DWHEN='"%WHEN%"' -DVALUE=%VALUE% x.c -o x; rm x.c
`

func TestELF(t *testing.T) {
	with := func(when, value, more string) string {
		return strings.NewReplacer("%WHEN%", when, "%VALUE%", value).Replace(program) + more
	}
	a := tree(t, with("2026-11-23", "1", ""))
	for _, tt := range []struct {
		name, b string
		want    []string
	}{
		{"a date", with("2026-11-24", "1", ""), []string{"x: section .note.gnu.build-id: build-id ", `x: section .rodata: timestamp: "built at 2026-11-23" became "built at 2026-11-24"`}},
		{"code", with("2026-11-23", "2", ""), []string{"section .note.gnu.build-id", "x: section .text: 1 of"}},
		{"stripped", with("2026-11-23", "1", "strip x"), []string{"section .symtab: removed"}},
		{"comment", with("2026-11-23", "1", "printf 'other compiler\\0' > c; objcopy --update-section .comment=c x; rm c"), []string{`x: section .comment: compilers ["GCC: `}},
		{"debug link", with("2026-11-23", "1", "echo d > x.debug; objcopy --add-gnu-debuglink=x.debug x; rm x.debug"), []string{"section .gnu_debuglink: added"}},
		{"truncated", with("2026-11-23", "1", "head -c 600 x > y; mv y x; chmod +x x"), []string{"x: content: "}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r, err := NARs(context.Background(), a, tree(t, tt.b), Options{})
			if err != nil {
				t.Fatal(err)
			}
			for _, want := range tt.want {
				if !strings.Contains(show(r), want) {
					t.Errorf("no %q in\n%s", want, show(r))
				}
			}
			if r.Stabilised() {
				t.Errorf("called stabilised:\n%s", show(r))
			}
		})
	}
}

func TestISO(t *testing.T) {
	iso := func(when, content string) string {
		return "mkdir d; echo " + content + " > d/f; echo same > d/g; find d -exec touch -d @" + when + " {} +; SOURCE_DATE_EPOCH=" + when +
			" xorriso -volume_date all_file_dates =" + when + " -as mkisofs -quiet -R -o x.iso d >/dev/null 2>&1; rm -r d"
	}
	a := tree(t, iso("1000000000", "1"))
	r, err := NARs(context.Background(), a, tree(t, iso("1000000000", "2")), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if want := `x.iso/f: content: line 1: "1" became "2"`; !strings.Contains(show(r), want) {
		t.Errorf("no %q in\n%s", want, show(r))
	}
	r, err = NARs(context.Background(), a, tree(t, iso("1100000000", "1")), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if want := "x.iso/(volume): timestamp (metadata): creation time"; !strings.Contains(show(r), want) {
		t.Errorf("no %q in\n%s", want, show(r))
	}
}

// A RAM disk in a squashfs in an ISO: the place is named through all of them.
func TestNestedImages(t *testing.T) {
	image := func(when, content string) string {
		return "mkdir d r; echo " + content + " > f; touch -d @1000 f; echo f | busybox cpio -o -H newc 2>/dev/null | gzip -n > r/initrd; rm f; " +
			"echo same > r/same; mksquashfs r d/root.squashfs -quiet -no-progress -all-time " + when + " -mkfs-time " + when + " >/dev/null; rm -r r; " +
			"find d -exec touch -d @1000 {} +; xorriso -volume_date all_file_dates =1000 -as mkisofs -quiet -R -o x.iso d >/dev/null 2>&1; rm -r d"
	}
	a := tree(t, image("1000", "1"))
	for _, tt := range []struct{ b, want string }{
		{image("1000", "2"), `x.iso/root.squashfs/initrd/f: content: line 1: "1" became "2"`},
		{image("2000", "1"), "x.iso/root.squashfs/(superblock): timestamp (metadata): time 1970-01-01T00:16:40Z became 1970-01-01T00:33:20Z"},
	} {
		r, err := NARs(context.Background(), a, tree(t, tt.b), Options{})
		if err != nil {
			t.Fatal(err)
		}
		if r.Stabilised() {
			t.Errorf("a format that is not wholly read is called stabilised:\n%s", show(r))
		}
		if !strings.Contains(show(r), tt.want) {
			t.Errorf("no %q in\n%s", tt.want, show(r))
		}
	}
}

// A file that does not fit in memory goes through the second pass and says the
// same as one that does.
func TestLargeFiles(t *testing.T) {
	a := tree(t, "seq 100000 > f; mkdir d; echo x > d/x; seq 1000 > d/same; tar --mtime=@1 -cf t.tar f")
	b := tree(t, "seq 100001 > f; mkdir d; echo x > d/x; seq 1000 > d/same; tar --mtime=@2 -cf t.tar f")
	small, err := NARs(context.Background(), a, b, Options{})
	if err != nil {
		t.Fatal(err)
	}
	large, err := NARs(context.Background(), a, b, Options{InMemory: 1000, TempDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	if s, l := show(small), show(large); s != l || small.Count != 3 {
		t.Errorf("in memory:\n%sspooled:\n%s", s, l)
	}
	r, err := NARs(context.Background(), a, b, Options{InMemory: 1000, MaxUnpacked: 1000})
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(show(r), "too large to look into") || r.Equal() || r.Stabilised() {
		t.Errorf("over the budget:\n%s", show(r))
	}
}

// Members count against the budget one after another, not together; one that
// is over it is said once, not for every member that follows.
func TestBudget(t *testing.T) {
	zip := func(last string) Opener {
		return tree(t, "for i in 1 2 3 4 5 6 7 8; do head -c 4000 /dev/zero > f$i; done; echo "+last+" > g; touch -d 2001-01-01 f* g; zip -qX x.zip f? g; rm f* g")
	}
	a, b := zip("1"), zip("2")
	r, err := NARs(context.Background(), a, b, Options{MaxUnpacked: 12000})
	if err != nil || r.Count != 1 || !strings.Contains(show(r), `x.zip/g: content: line 1`) {
		t.Errorf("%v\n%s", err, show(r))
	}
	r, err = NARs(context.Background(), a, b, Options{MaxUnpacked: 3000})
	if err != nil || r.Count != 1 || !strings.Contains(show(r), `x.zip: content: not looked into from "f1" on: too much to unpack`) {
		t.Errorf("%v\n%s", err, show(r))
	}
}

func TestBrokenNAR(t *testing.T) {
	whole := tree(t, "echo x > f; mkdir d; ln -s f d/l")
	rc, _ := whole(context.Background())
	raw, _ := io.ReadAll(rc)
	for n := range len(raw) {
		for i, pair := range [][2]Opener{{bytesNAR(raw[:n]), whole}, {whole, bytesNAR(raw[:n])}} {
			if _, err := NARs(context.Background(), pair[0], pair[1], Options{}); err == nil {
				t.Fatalf("side %d cut off at %d of %d: no error", i, n, len(raw))
			}
		}
	}
	if _, err := NARs(context.Background(), whole, bytesNAR(append(bytes.Clone(raw), 0)), Options{}); err == nil {
		t.Error("a byte after the end: no error")
	}
}

// What a store says at the end of a stream about its hash must not be lost.
func TestSourceError(t *testing.T) {
	whole := tree(t, "seq 100 > f")
	rc, _ := whole(context.Background())
	raw, _ := io.ReadAll(rc)
	boom := errors.New("the hash is another")
	bad := func(context.Context) (io.ReadCloser, error) {
		return io.NopCloser(io.MultiReader(bytes.NewReader(raw), failing{boom})), nil
	}
	if _, err := NARs(context.Background(), whole, bad, Options{}); !errors.Is(err, boom) {
		t.Errorf("got %v, want %v", err, boom)
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	whole := tree(t, "seq 1000 > f")
	endless := func(ctx context.Context) (io.ReadCloser, error) {
		pr, pw := io.Pipe()
		go func() {
			<-ctx.Done()
			pw.CloseWithError(ctx.Err())
		}()
		cancel()
		return pr, nil
	}
	if _, err := NARs(ctx, whole, endless, Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want %v", err, context.Canceled)
	}
}

// The hashes are those that Nix and the store package compute.
func TestHashes(t *testing.T) {
	a := tree(t, "seq 100000 > f; ln -s f l")
	r, err := NARs(context.Background(), a, a, Options{})
	if err != nil {
		t.Fatal(err)
	}
	rc, _ := a(context.Background())
	want, size, err := store.HashNAR(rc)
	if err != nil || r.HashA != want || r.HashB != want || r.SizeA != size || r.SizeB != size {
		t.Errorf("got %s %s %d %d, want %s %d (%v)", r.HashA, r.HashB, r.SizeA, r.SizeB, want, size, err)
	}
}
