package archive_test

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"fromsource/analyze/content/archive"
)

// image makes a small volume with a real tool.
func image(f *testing.F, script string) []byte {
	f.Helper()
	dir := f.TempDir()
	for name, text := range map[string]string{"t/a": "hello", "t/d/a-long-name.text": strings.Repeat("words ", 2000)} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			f.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			f.Fatal(err)
		}
	}
	cmd := exec.Command("sh", "-c", "set -e; "+script)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		f.Fatalf("%s: %v\n%s", script, err, out)
	}
	b, err := os.ReadFile(filepath.Join(dir, "out"))
	if err != nil {
		f.Fatal(err)
	}
	return b
}

// whole walks a volume: what it has covered then lies in it, or behind its end.
func whole(t *testing.T, r archive.Reader, size int64) {
	walk(r)
	gaps, ok := r.(archive.Covering).Cover().Gaps(size)
	if !ok {
		t.Error("too many spans")
	}
	for i, g := range gaps {
		if g.Off < 0 || g.Len <= 0 || g.Len > size-g.Off || i > 0 && g.Off <= gaps[i-1].Off+gaps[i-1].Len {
			t.Errorf("gaps %v of %d bytes", gaps, size)
		}
	}
}

func FuzzSquashfs(f *testing.F) {
	for _, args := range []string{"-comp gzip", "-comp xz", "-comp zstd", "-noI -noD -noF -b 4096"} {
		f.Add(image(f, "mksquashfs t out -quiet -no-progress -nopad -all-root "+args))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if r, err := archive.NewSquashfs(bytes.NewReader(b), int64(len(b))); err == nil {
			whole(t, r, int64(len(b)))
		}
	})
}

func FuzzISO(f *testing.F) {
	f.Add(image(f, "xorriso -as mkisofs -quiet -R -J -o out t; truncate -s -300K out"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if r, err := archive.NewISO(bytes.NewReader(b), int64(len(b))); err == nil {
			whole(t, r, int64(len(b)))
		}
	})
}

func FuzzFAT(f *testing.F) {
	f.Add(image(f, "truncate -s 64K out; mkfs.vfat -F 12 out; mcopy -s -i out t ::"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if r, err := archive.NewFAT(bytes.NewReader(b), int64(len(b))); err == nil {
			whole(t, r, int64(len(b)))
		}
	})
}

func FuzzExt(f *testing.F) {
	for _, args := range []string{"-t ext2 -b 1024", "-t ext4 -O ^has_journal -b 1024", "-t ext4 -O ^has_journal,inline_data,^resize_inode"} {
		f.Add(image(f, "truncate -s 256K out; PATH=$PATH:/sbin:/usr/sbin mke2fs -q -N 16 -d t "+args+" out"))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if r, err := archive.NewExt(bytes.NewReader(b), int64(len(b))); err == nil {
			whole(t, r, int64(len(b)))
		}
	})
}

// FuzzQcow: a disk is read to its end, or to an error, and again the same.
func FuzzQcow(f *testing.F) {
	for _, args := range []string{"-o cluster_size=512", "-c -o compat=0.10,cluster_size=1024", "-c -o compression_type=zstd,cluster_size=4096"} {
		f.Add(image(f, "(cat t/a t/d/*; head -c 9000 /dev/zero; cat t/d/*) > disk; truncate -s 40K disk; qemu-img convert -f raw -O qcow2 "+args+" disk out"))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		q, err := archive.NewQcow(bytes.NewReader(b), int64(len(b)))
		if err != nil {
			return
		}
		read := func(step int64) []byte {
			var out bytes.Buffer
			_, _ = io.CopyBuffer(&out, struct{ io.Reader }{io.NewSectionReader(q, 0, min(q.Size(), 1<<20))}, make([]byte, step))
			return out.Bytes()
		}
		if one, two := read(64<<10), read(777); len(one) <= len(two) && !bytes.Equal(one, two[:len(one)]) {
			t.Error("not the same again")
		}
	})
}
