package trace

import (
	"slices"
	"strings"
	"testing"

	"fromsource/analyze/content"
)

// TestNested: what a program holds in compressed form is found, and nothing
// else in it is taken for compressed.
func TestNested(t *testing.T) {
	const incbin = `printf '.data\n.globl blob\nblob: .incbin "raw"\n' > r.s; gcc -c -o r.o r.s; mkdir out; gcc -shared -o out/r.so r.o; `
	for name, pack := range map[string]string{
		"gzip":  "gzip -9nc /usr/bin/cpio > raw; ",
		"xz":    "xz -9c /usr/bin/cpio > raw; ",
		"zstd":  "zstd -q -19 -c /usr/bin/cpio > raw; ",
		"bzip2": "bzip2 -9c /usr/bin/cpio > raw; ",
		"zip":   "cp /usr/bin/cpio c; zip -q r.zip c; mv r.zip raw; ",
		"tar":   "{ echo head; tar -C /usr/bin -cJf - cpio; } > raw; ",
	} {
		x := NewIndex()
		x.Add(1, walkOf(t, "cp /usr/bin/cpio out").Members)
		w := walkOf(t, pack+incbin)
		i := slices.IndexFunc(w.Members, func(f content.File) bool { return len(x.Match(&f)) > 0 })
		if len(w.Members) != 2 || i != 1 || !strings.HasPrefix(w.Members[1].Path, "r.so/@") || len(w.Wholes) != 2 || len(w.Skipped) > 0 {
			t.Errorf("%s: members %+v, skipped %v", name, w.Members, w.Skipped)
		}
	}
	// Compressors have the magics of their formats.
	w := walkOf(t, "mkdir out; cp -L /usr/bin/xz /usr/bin/zstd /bin/busybox /usr/bin/7zz out/ 2>/dev/null || cp -L /usr/bin/xz /usr/bin/zstd /bin/busybox out/")
	for _, f := range w.Members {
		if strings.Contains(f.Path, "@") {
			t.Errorf("taken for compressed: %s", f.Path)
		}
	}
	if len(w.Members) < 3 || len(w.Skipped) > 0 {
		t.Errorf("%d members, skipped %v", len(w.Members), w.Skipped)
	}
}
