package content_test

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// selfExtracting is a script as makeself and its like write them, before an
// archive that its own lines unpack.
func selfExtracting(pack string) string {
	return `printf '#!/bin/sh\ntail -n +3 "$0" | unpack\n' > out; tar cf - t | ` + pack + ` >> out`
}

// pythonWith runs a program in which e is the bytes of the program "greet".
func pythonWith(program string) string {
	return `python3 -c 'import base64, gzip, json, lzma, sqlite3, zlib
e = open("t/greet", "rb").read()
raw = zlib.compress(e, 9)[2:-4]
` + program + `'`
}

// hidden are files that carry the program t/greet inside of what they are
// otherwise, made by the tools that do so, and a member that has to be found.
var hidden = []struct{ name, script, want string }{
	{"script and gzip", selfExtracting("gzip"), "out/@35/t/greet elf-executable"},
	{"script and xz", selfExtracting("xz"), "out/@35/t/greet elf-executable"},
	{"script and bzip2", selfExtracting("bzip2"), "out/@35/t/greet elf-executable"},
	{"script and zstd", selfExtracting("zstd"), "out/@35/t/greet elf-executable"},
	{"script and lz4", selfExtracting("lz4 -q"), "out/@35/t/greet elf-executable"},
	{"script and lzip", selfExtracting("lzip"), "out/@35/t/greet elf-executable"},
	{"script and lzma", selfExtracting("xz --format=lzma"), "out/@35/t/greet elf-executable"},
	{"script and lzop", selfExtracting("lzop"), "out/@35/t/greet elf-executable"},
	{"script and compress", selfExtracting("compress"), "out/@35/t/greet elf-executable"},
	{"script and zlib", selfExtracting(`python3 -c 'import sys, zlib; sys.stdout.buffer.write(zlib.compress(sys.stdin.buffer.read()))'`), "out/@35/t/greet elf-executable"},
	{"zlib", pythonWith(`open("out", "wb").write(zlib.compress(e))`), "out/content elf-executable"},
	{"zlib in base64", pythonWith(`open("out", "w").write("exec(\"" + base64.b64encode(zlib.compress(e)).decode() + "\")")`), "out/@6/content elf-executable"},
	{"deflate in base64", pythonWith(`open("out", "w").write("$s = \"" + base64.b64encode(raw).decode() + "\"")`), "out/@6 elf-executable"},
	{"lzma in base64", pythonWith(`open("out", "w").write("s = \"" + base64.b64encode(lzma.compress(e, format=lzma.FORMAT_ALONE)).decode() + "\"")`), "out/@5/content elf-executable"},
	{"gzip in base64 in lines", pythonWith(`open("out", "wb").write(b"#!/bin/sh\nbase64 -d <<E | gunzip\n" + base64.encodebytes(gzip.compress(e)) + b"E\n")`), "out/@33/content elf-executable"},
	{"zlib as hex", pythonWith(`open("out", "w").write("s = \"" + zlib.compress(e).hex() + "\"")`), "out/@5/content elf-executable"},
	{"notebook", pythonWith(`json.dump({"cells": [{"outputs": [{"data": {"application/octet-stream": base64.encodebytes(e).decode()}}]}]}, open("out", "w"))`), "out elf-executable"},
	{"PDF with an attachment", pythonWith(`z = zlib.compress(e)
open("out", "wb").write(b"%%PDF-1.4\n1 0 obj\n<< /Type /EmbeddedFile /Filter /FlateDecode /Length %06d >>\nstream\n" % len(z) + z + b"\nendstream\nendobj\n%%EOF\n")`), "out/@86/content elf-executable"},
	{"git object", "git init -q r; cp t/greet r; git -C r add greet; cp r/.git/objects/??/* out", "out/content/@11 elf-executable"},
	{"git pack", "git init -q r; cp t/greet r; git -C r add greet; git -C r ls-files -s | cut -c8-47 | git -C r pack-objects -q ../p >/dev/null; cp p-*.pack out", "out/@15/content elf-executable"},
	{"picture and zip", `printf '\211PNG\r\n\032\n' > out; head -c 5000 /dev/zero >> out; zip -qr a.zip t; cat a.zip >> out`, "out/@5008/t/greet elf-executable"},
	{"program and zip", "cp t/greet out; zip -qr a.zip t; cat a.zip >> out", "out elf-executable"},
	{"zip in gzip in zip", "tar czf a.tgz t; zip -q a.zip a.tgz; mv a.zip out", "out/a.tgz/t/greet elf-executable"},
	{"Java module", "mkdir c; (echo package a.b\\;; cat Hello.java) > H; mv H Hello.java; echo module a {} > module-info.java; javac -d c Hello.java module-info.java; jmod create --class-path c out.jmod; mv out.jmod out", "out/classes/a/b/Hello.class java-class"},
	{"import library", "printf 'LIBRARY a.dll\\nEXPORTS\\nf\\n' > d; llvm-dlltool -m i386:x86-64 -d d -l out", "out/a.dll coff-import"},
	{"small object in data", "gcc -c greet.c; head -c 3000 /dev/zero | tr '\\0' '\\1' > out; cat greet.o >> out; head -c 3000 /dev/zero >> out", "out/@3000 elf-relocatable"},
	{"database", pythonWith(`db = sqlite3.connect("out")
db.execute("create table t (b blob)")
db.execute("insert into t values (?)", (e,))
db.commit()`), "elf-executable"},
}

func TestHidden(t *testing.T) {
	for _, c := range hidden {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir := workshop(t)
			run(t, dir, "sh", "-ec", "mkdir t; gcc -o t/greet greet.c; "+c.script)
			res := inspect(t, filepath.Join(dir, "out"))
			got := formats(res)
			if c.name == "database" { // the place is up to its library
				if len(got) == 0 || !strings.HasSuffix(got[0], c.want) {
					t.Errorf("members %q, skipped %v", got, res.Skipped)
				}
				return
			}
			if !slices.Contains(got, c.want) {
				t.Errorf("members %q, skipped %v, want %q", got, res.Skipped, c.want)
			}
		})
	}
}
