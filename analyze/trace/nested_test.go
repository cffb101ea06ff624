package trace

import (
	"bytes"
	"context"
	"io"
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
		"gzip":   "gzip -9nc /usr/bin/cpio > raw; ",
		"xz":     "xz -9c /usr/bin/cpio > raw; ",
		"zstd":   "zstd -q -19 -c /usr/bin/cpio > raw; ",
		"bzip2":  "bzip2 -9c /usr/bin/cpio > raw; ",
		"zip":    "cp /usr/bin/cpio c; zip -q r.zip c; mv r.zip raw; ",
		"tar":    "{ echo head; tar -C /usr/bin -cJf - cpio; } > raw; ",
		"lz4":    "lz4 -q -9 < /usr/bin/cpio > raw; ",
		"lz4 -l": "lz4 -q -l -9 < /usr/bin/cpio > raw; ",
		"lzma":   "xz --format=lzma -9c /usr/bin/cpio > raw; ",
		"lzop":   "lzop -9 < /usr/bin/cpio > raw; ",
		"lzip":   "lzip -9 < /usr/bin/cpio > raw; ",
		"zlib":   "perl -MCompress::Zlib -0777 -ne 'print compress($_)' /usr/bin/cpio > raw; ",
	} {
		x := NewIndex()
		x.Add(1, walkOf(t, "cp /usr/bin/cpio out").Members)
		w := walkOf(t, pack+incbin)
		i := slices.IndexFunc(w.Members, func(f content.File) bool { return len(x.Match(&f)) > 0 })
		if len(w.Members) != 2 || i != 1 || !strings.HasPrefix(w.Members[1].Path, "r.so/@") || len(w.Wholes) != 2 || len(w.Skipped) > 0 {
			t.Errorf("%s: members %+v, skipped %v", name, w.Members, w.Skipped)
		}
	}
	// Images for boot loaders, of which the payload is compressed.
	for name, pack := range map[string]string{
		"uImage": "xz --format=lzma -9c /usr/bin/cpio > k; mkimage -A arm -O linux -T kernel -C lzma -d k out >log",
		"FIT":    `gzip -9nc /usr/bin/cpio > k; printf '/dts-v1/;\n/ { description = "f"; #address-cells = <1>; images { k { data = /incbin/("k"); type = "kernel"; arch = "arm"; os = "linux"; compression = "gzip"; load = <0>; entry = <0>; }; }; configurations { default = "c"; c { kernel = "k"; }; }; };' > f.its; mkimage -f f.its out >log`,
	} {
		x := NewIndex()
		x.Add(1, walkOf(t, "cp /usr/bin/cpio out").Members)
		w := walkOf(t, pack)
		if !slices.ContainsFunc(w.Members, func(f content.File) bool { return len(x.Match(&f)) > 0 }) || len(w.Skipped) > 0 {
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

// TestNestedIsBounded: many bombs are not unpacked for ever, and that is said.
func TestNestedIsBounded(t *testing.T) {
	left := budget{bytes: 100 << 10, tries: 2}
	w := walkOf(t, `gzip -9nc /usr/bin/cpio > raw; cat raw raw raw raw > x; mv x raw
printf '.data\n.globl blob\nblob: .incbin "raw"\n' > r.s; gcc -c -o r.o r.s; gcc -shared -o out r.o`)
	if len(w.Members) < 2 || len(w.Skipped) > 0 {
		t.Fatalf("members %+v, skipped %v", w.Members, w.Skipped)
	}
	tries := 0
	inspect := func(ctx context.Context, name string, r io.Reader, o content.Options) (content.Result, error) {
		tries++
		if o.MaxBytes > 100<<10 {
			t.Errorf("up to %d bytes", o.MaxBytes)
		}
		return content.Result{}, nil
	}
	var b []byte
	_, err := content.Inspect(context.Background(), "out", bytes.NewReader(narOf(t, `gzip -9nc /usr/bin/cpio > raw; cat raw raw raw raw > x; mv x raw
printf '.data\n.globl blob\nblob: .incbin "raw"\n' > r.s; gcc -c -o r.o r.s; gcc -shared -o out r.o`)), content.Options{Code: func(_ *content.File, all []byte) { b = bytes.Clone(all) }})
	if err != nil || len(b) == 0 {
		t.Fatal(err)
	}
	if _, all := nested(context.Background(), inspect, &content.File{Path: "out"}, b, nil, &left); all || tries != 2 {
		t.Errorf("%d tries, all %v", tries, all)
	}
	w = walkOf(t, `for i in $(seq 70); do head -c 600 /dev/urandom | gzip -nc; done > raw
printf '.data\n.globl blob\nblob: .incbin "raw"\n' > r.s; gcc -c -o r.o r.s; gcc -shared -o out r.o`)
	if len(w.Skipped) != 1 {
		t.Errorf("more streams than are tried: skipped %v", w.Skipped)
	}
}
