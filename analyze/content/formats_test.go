package content_test

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"fromsource/analyze/audit"
)

// compiled are programs made by the real compilers of each format.
var compiled = []struct {
	name, script, format string
	kind                 audit.Kind
}{
	{"object", "gcc -c -o out greet.c", "elf-relocatable", audit.NativeCode},
	{"shared", "gcc -shared -fPIC -o out greet.c", "elf-shared", audit.NativeCode},
	{"static-pie", "gcc -static-pie -o out greet.c", "elf-executable", audit.NativeCode},
	{"static", "gcc -static -o out greet.c", "elf-executable", audit.NativeCode},
	{"no-sections", "gcc -o out greet.c; strip --strip-section-headers out 2>/dev/null || { S=$(od -An -tu8 -j40 -N8 out | tr -d ' '); truncate -s $S out; printf '\\0\\0\\0\\0\\0\\0\\0\\0' | dd of=out bs=1 seek=40 conv=notrunc status=none; printf '\\0\\0\\0\\0' | dd of=out bs=1 seek=60 conv=notrunc status=none; }", "elf-executable", audit.NativeCode},
	{"elf-32", "nasm -f elf32 -o out hello.asm", "elf-relocatable", audit.NativeCode},
	{"omf", "nasm -f obj -o out hello.asm", "omf-object", audit.NativeCode},
	{"coff", "nasm -f win64 -o out hello.asm", "coff-object", audit.NativeCode},
	{"coff-32", "nasm -f win32 -o out hello.asm", "coff-object", audit.NativeCode},
	{"macho", "nasm -f macho64 -o out hello.asm", "macho-object", audit.NativeCode},
	{"macho-32", "nasm -f macho32 -o out hello.asm", "macho-object", audit.NativeCode},
	{"boot", "nasm -f bin -o out boot.asm", "boot-sector", audit.NativeCode},
	{"static-library", "gcc -c greet.c; ar rc out greet.o", "static-library", audit.NativeCode},
	{"pe", "nasm -f win64 -o o code.asm; ld -m i386pep -e code -o out o", "pe-executable", audit.NativeCode},
	{"pe-32", "nasm -f win32 -o o code.asm; ld -m i386pe -e code -o out o", "pe-executable", audit.NativeCode},
	{"macho-executable", "GOOS=darwin GOARCH=arm64 go build -ldflags='-s -w' -o out hello.go", "macho-executable", audit.NativeCode},
	{"elf-s390x", "llc -mtriple=s390x-linux-gnu -filetype=obj -o out code.ll", "elf-relocatable", audit.NativeCode},
	{"elf-mips-32", "llc -mtriple=mips-linux-gnu -filetype=obj -o out code.ll", "elf-relocatable", audit.NativeCode},
	{"bpf", "llc -mtriple=bpf -filetype=obj -o out hello.ll", "elf-bpf", audit.Bytecode},
	{"macho-universal", "nasm -f macho64 -o a hello.asm; nasm -f macho32 -o b hello.asm; $(ls /usr/bin/llvm-lipo* | head -1) -create -output out a b", "macho-universal", audit.NativeCode},
	{"dos", "nasm -f bin -o out dos.asm", "dos-executable", audit.NativeCode},
	{"shared classes", "java -Xshare:dump -XX:SharedArchiveFile=$PWD/out >log 2>&1", "java-cds", audit.Bytecode},
	{"dfu", dfuScript, "dfu", audit.Firmware},
	{"wasm", "llc -mtriple=wasm32 -filetype=obj -o out hello.ll", "wasm", audit.Bytecode},
	{"class", "javac Hello.java && mv Hello.class out", "java-class", audit.Bytecode},
	{"jar", "javac Hello.java && jar cf out Hello.class", "jar", audit.Bytecode},
	{"pyc", "python3 -c 'import py_compile; py_compile.compile(\"hello.py\", \"out\")'", "python-bytecode", audit.Bytecode},
	{"pyc-hash", "python3 -c 'import py_compile; py_compile.compile(\"hello.py\", \"out\", invalidation_mode=py_compile.PycInvalidationMode.CHECKED_HASH)'", "python-bytecode", audit.Bytecode},
	{"lua", "luac5.4 -o out hello.lua", "lua-bytecode", audit.Bytecode},
	{"luajit", "luajit -b hello.lua out", "luajit-bytecode", audit.Bytecode},
	{"beam", "erlc hello.erl && mv hello.beam out", "beam", audit.Bytecode},
	{"llvm", "llvm-as -o out hello.ll", "llvm-bitcode", audit.Bytecode},
	{"guile", "cp $(dpkg -L guile-3.0-libs | grep -m1 '\\.go$') out", "guile-bytecode", audit.Bytecode},
	{"device-tree", "dtc -q -o out hello.dts", "device-tree", audit.Firmware},
	{"u-boot", noise + "5000 > k; mkimage -A arm -T kernel -C none -d k out >log", "u-boot-image", audit.Firmware},
	{"fit", "cp hello.dts k; mkimage -f fit.its out >log 2>&1", "fit-image", audit.Firmware},
}

// noise writes so many bytes that look random and are the same each time: those
// that are may happen to begin as some format does.
const noise = `python3 -c 'import random, sys; random.seed(1); sys.stdout.buffer.write(random.randbytes(int(sys.argv[1])))' `

// dfuScript appends to an image the suffix that dfu-suffix does (DFU 1.1,
// appendix B).
const dfuScript = `python3 -c '
import struct, zlib
b = bytes(range(256)) * 20 + struct.pack("<HHHH3sB", 0xffff, 0xdf11, 0x0483, 0x0100, b"UFD", 16)
open("out", "wb").write(b + struct.pack("<I", ~zlib.crc32(b) & 0xffffffff))
'`

var sources = map[string]string{
	"dos.asm":    "bits 16\norg 0\ndw 0x5a4d, end - start + 32, 1, 0, 2, 0, 0xffff, 0, 0x100, 0, 0, 0, 28, 0, 0, 0\nstart: mov ax, 0x4c00\nint 0x21\nend:\n",
	"greet.c":    greetC,
	"hello.go":   "package main\n\nfunc main() { println(\"hello\") }\n",
	"Hello.java": "public class Hello { public static void main(String[] a) { System.out.println(\"hello\"); } }\n",
	"hello.py":   "def hello():\n    return 'hello'\n",
	"hello.lua":  "print('hello')\n",
	"hello.erl":  "-module(hello).\n-export([hello/0]).\nhello() -> hello.\n",
	"hello.ll":   "define i32 @f(i32 %x) {\n  ret i32 %x\n}\n",
	"code.ll":    "module asm \".fill 64, 4, 0x07070707\"\ndefine i32 @f(i32 %x) {\n  ret i32 %x\n}\n",
	"code.asm":   "section .text\nglobal code\ncode:\n times 200 nop\n ret\n",
	"hello.scm":  "(define (hello) (display \"hello\"))\n",
	"hello.dts":  "/dts-v1/;\n/ { model = \"hello\"; };\n",
	"fit.its":    "/dts-v1/;\n/ { description = \"f\"; #address-cells = <1>; images { k { data = /incbin/(\"k\"); type = \"kernel\"; arch = \"arm\"; os = \"linux\"; compression = \"none\"; load = <0>; entry = <0>; }; }; configurations { default = \"c\"; c { kernel = \"k\"; }; }; };\n",
	"hello.asm":  "section .text\nglobal hello\nhello:\n mov ax, 1\n ret\n",
	"boot.asm":   "bits 16\norg 0x7c00\ncli\nxor ax, ax\nhlt\ntimes 510-($-$$) db 0\ndw 0xaa55\n",
}

func workshop(t testing.TB) string {
	dir := t.TempDir()
	for name, text := range sources {
		write(t, filepath.Join(dir, name), []byte(text))
	}
	return dir
}

func TestFormats(t *testing.T) {
	for _, c := range compiled {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir := workshop(t)
			run(t, dir, "sh", "-c", "set -e; export HOME=$PWD; "+strings.ReplaceAll(c.script, "go build", "GOCACHE="+goCache(t)+" CGO_ENABLED=0 go build"))
			res := inspect(t, filepath.Join(dir, "out"))
			if len(res.Skipped) != 0 {
				t.Errorf("skipped: %v", res.Skipped)
			}
			i := slices.IndexFunc(res.Members, func(f File) bool { return f.Path == "out" })
			if i < 0 {
				t.Fatalf("members: %v", formats(res))
			}
			m := res.Members[i]
			if m.Format != c.format || m.Kind != c.kind {
				t.Errorf("%s of kind %s, want %s of kind %s", m.Format, m.Kind, c.format, c.kind)
			}
			if coded(c.script) && prints(m, "text") == "" {
				t.Errorf("no print of the code: %+v", m.Code)
			}
			// Cut short it is not taken for data, and nothing crashes.
			b := read(t, filepath.Join(dir, "out"))
			for _, n := range []int{3, 16, 40, 100, len(b) / 2} {
				stream(t, "cut", strings.NewReader(string(b[:min(n, len(b))])))
			}
		})
	}
}

// coded is true for scripts that make a program with enough code in it.
func coded(script string) bool {
	return strings.Contains(script, "code.") || strings.Contains(script, "go build") || strings.Contains(script, "gcc -o")
}

// Sources of all kinds, and what tools write as text, are never flagged.
func TestSourcesAreNotFlagged(t *testing.T) {
	dir := workshop(t)
	run(t, dir, "sh", "-c", "rm -rf .[a-z]*; gcc -S greet.c; gcc -E greet.c > greet.i; tar cf all.tar *.*")
	res := inspect(t, filepath.Join(dir, "all.tar"))
	if len(res.Members) != 0 || len(res.Skipped) != 0 || res.SourceFiles != len(sources)+2 {
		t.Errorf("members %v, skipped %v, %d source files", formats(res), res.Skipped, res.SourceFiles)
	}
}

// python begins a script that has the program in b; its output is the text.
const python = `exec > out; python3 -c 'b = open("greet", "rb").read()
`

// encoded are the ways in which text carries a program.
var encoded = []struct{ name, script string }{
	{"uuencode", "(echo '#!/bin/sh'; uuencode greet greet) > out"},
	{"base64", "(echo 'const program = `'; base64 greet; echo '`') > out"},
	{"base64-line", "(printf 'module.exports = \"'; base64 -w0 greet; echo '\";') > out"},
	{"data-url", "(printf 'x = \"data:application/octet-stream;base64,'; base64 -w0 greet; echo '\";') > out"},
	{"c-array", "(printf '/* a firmware */\\nunsigned char program[] = {\\n'; od -An -v -tx1 greet | sed 's/ \\([0-9a-f][0-9a-f]\\)/ 0x\\1,/g'; echo '};') > out"},
	{"c-decimal", "(echo 'unsigned char program[] = {'; od -An -v -tu1 greet | sed 's/ *\\([0-9]*\\)/\\1,/g;s/^,//'; echo '};') > out"},
	{"xxd", "(echo 'unsigned char greet[] = {'; od -An -v -tx1 -w12 greet | sed 's/ \\([0-9a-f][0-9a-f]\\)/ 0x\\1,/g;s/^/ /'; echo '};') > out"},
	{"base64-gzip", "(echo 'cat <<END | base64 -d | tar xz'; tar cz greet | base64; echo END) > out"},
	{"base64-xz", "(echo 'xz -dc <<END'; xz -c greet | base64 -w0; echo; echo END) > out"},
	{"base64-large", noise + "900000 > big; (echo 'cat <<END | base64 -d | tar xz'; tar cz big greet | base64; echo END) > out"},
	{"base64-quoted", "(echo 'program = ('; base64 greet | sed \"s/.*/    '&'/\"; echo ')') > out"},
	{"base64-added", "(echo 'var program ='; base64 greet | sed 's/.*/  \"&\" +/'; echo '  \"\";') > out"},
	{"base64-url", "(printf 'x = \"'; base64 -w0 greet | tr +/ -_; echo '\";') > out"},
	{"base64-utf16", "(printf '[Convert]::FromBase64String(\"'; base64 -w0 greet; echo '\")') | iconv -t UTF-16 > out"},
	{"base64-utf16be", "(echo 'here'; base64 greet) | iconv -t UTF-16BE > out"},
	{"base32", "base32 greet > out"},
	{"base32-line", "(printf 'x = \"'; base32 -w0 greet; echo '\"') > out"},
	{"hex", "od -An -v -tx1 greet | tr -d ' \\n' | fold -w60 > out"},
	{"hex-line", "(printf 'x = \"'; od -An -v -tx1 greet | tr -d ' \\n' | tr a-f A-F; echo '\"') > out"},
	{"hex-bytes", "od -An -v -tx1 greet > out"},
	{"hex-colons", "(printf 'data='; od -An -v -tx1 -w16 greet | sed 's/^ //;s/ /:/g;s/$/:\\\\/') > out"},
	{"od", "od -v greet > out"},
	{"od-hex", "od -v -tx1 greet > out"},
	{"od-chars", "od -v -Ax -tx1z greet > out"},
	{"hexdump", "hexdump -v greet > out"},
	{"hexdump-C", "hexdump -C -v greet > out"},
	{"dump-words", python + `print("\n".join("%08x: %s  %s" % (i, " ".join(b[j:j+2].hex() for j in range(i, min(i+16, len(b)), 2)), "".join(chr(c) if 32 <= c < 127 else "." for c in b[i:i+16])) for i in range(0, len(b), 16)))'`},
	{"decimal-line", python + `print("x = [" + ",".join(map(str, b)) + "]")'`},
	{"decimal-lines", python + `print("\n".join(map(str, b)))'`},
	{"decimal-spaces", python + `print(*b)'`},
	{"decimal-signed", python + `print("byte[] x = {" + ", ".join("(byte)%d" % (c - 256 if c > 127 else c) for c in b) + "};")'`},
	{"rust", python + `print("pub const X: [u8; %d] = [" % len(b) + ", ".join("%du8" % c if i == 0 else str(c) for i, c in enumerate(b)) + "];")'`},
	{"rust-signed", python + `print("pub const X: &[i8] = &[" + ", ".join("%di8" % (c - 256 if c > 127 else c) for c in b) + "];")'`},
	{"pascal", python + `print("const x: array[0..%d] of byte = (\n" % (len(b) - 1) + ",\n".join("  " + ",".join("$%02X" % c for c in b[i:i+16]) for i in range(0, len(b), 16)) + ");")'`},
	{"json", python + `import json; print(json.dumps({"type": "Buffer", "data": list(b)}))'`},
	{"json-indented", python + `import json; print(json.dumps({"program": list(b)}, indent=4))'`},
	{"octal-list", python + `print("char x[] = {" + ", ".join("0%o" % c for c in b) + "};")'`},
	{"characters", python + `print("char x[] = {" + ",".join("\x27%s\x27" % (chr(c) if 48 <= c < 123 and c != 92 else "\\x%02x" % c) for c in b) + "};")'`},
	{"commented", python + `print("static const u8 x[] = {\n" + "\n".join("    /* %04x */ " % i + " ".join("0x%02x," % c for c in b[i:i+8]) for i in range(0, len(b), 8)) + "\n};")'`},
	{"commented-after", python + `print("static const u8 x[] = {\n" + "\n".join(" ".join("0x%02x," % c for c in b[i:i+8]) + " // %04x" % i for i in range(0, len(b), 8)) + "\n};")'`},
	{"words", python + `import struct; b += bytes(-len(b) % 4); print("uint32_t x[] = {" + ",\n".join("0x%08x" % v for v in struct.unpack("<%dI" % (len(b) // 4), b)) + "};")'`},
	{"words-big", python + `import struct; b += bytes(-len(b) % 4); print("uint32_t x[] = {" + ", ".join("%du" % v for v in struct.unpack(">%dI" % (len(b) // 4), b)) + "};")'`},
	{"assembler", python + `print("program:\n" + "\n".join("\t.byte " + ",".join("0x%02x" % c for c in b[i:i+16]) for i in range(0, len(b), 16)))'`},
	{"escapes", python + `print("char x[] = \"" + "".join("\\x%02x" % c for c in b) + "\";")'`},
	{"escapes-lines", python + `print("char x[] =\n" + "\n".join("  \"" + "".join("\\x%02x" % c for c in b[i:i+16]) + "\"" for i in range(0, len(b), 16)) + ";")'`},
	{"octal", python + `print("printf \x27" + "".join("\\%03o" % c for c in b) + "\x27 > program")'`},
	{"python", python + `print("x = " + repr(b))'`},
	{"python-lines", python + `print("x = (" + "\n    ".join(repr(b[i:i+40]) for i in range(0, len(b), 40)) + ")")'`},
	{"script-string", python + `print("x = \"" + "".join("\\u%04x" % c for c in b) + "\"")'`},
	{"percent", python + `import urllib.parse; print("x = unescape(\"" + urllib.parse.quote(b) + "\")")'`},
	{"ascii85", python + `import base64; print(base64.a85encode(b, adobe=True, wrapcol=72).decode())'`},
	{"base85", python + `import base64; print("x = \"" + base64.b85encode(b).decode() + "\"")'`},
	{"quoted-printable", python + `import quopri; print(quopri.encodestring(b).decode("latin1"))'`},
	{"srec", "objcopy -I binary -O srec greet out"},
	{"wasm in a script", "llc -mtriple=wasm32 -filetype=obj -o w.wasm hello.ll; (printf 'const w = \"data:application/wasm;base64,'; (cat w.wasm; head -c 900 /dev/zero) | base64 -w0; echo '\";') > out"},
	{"shader", python + `import struct; print("const uint32_t frag[] = {" + ",".join("0x%08x" % v for v in (0x07230203, 0x00010000, 0x0008000a, 0x2e, 0, 0x00020011, 1) + (0x0006000b,) * 400) + "};")'`},
	{"xored", python + `open("out", "wb").write(bytes(c ^ 0x5a for c in b))'`},
	{"reversed", python + `open("out", "wb").write(b[::-1])'`},
	{"yenc", python + `open("out", "wb").write(b"=ybegin line=128 size=%d name=greet\r\n" % len(b) + b"\r\n".join(b"".join(bytes([d]) if d not in (0, 10, 13, 61) else bytes([61, (d + 64) & 255]) for d in [(c + 42) & 255 for c in b[i:i+128]]) for i in range(0, len(b), 128)) + b"\r\n=yend\r\n")'`},
}

func TestTextThatCarriesABinary(t *testing.T) {
	dir := t.TempDir()
	greet(t, dir)
	run(t, dir, "strip", "greet")
	write(t, filepath.Join(dir, "hello.ll"), []byte(sources["hello.ll"]))
	for _, c := range encoded {
		t.Run(c.name, func(t *testing.T) {
			run(t, dir, "sh", "-c", "set -e; "+c.script)
			res := inspect(t, filepath.Join(dir, "out"))
			i := slices.IndexFunc(res.Members, func(f File) bool { return f.Path == "out" })
			if i < 0 || !res.Members[i].Embedded || res.Members[i].Confidence != audit.Low {
				t.Errorf("members: %+v", res.Members)
			}
		})
	}
}

func TestIntelHex(t *testing.T) {
	dir := t.TempDir()
	greet(t, dir)
	run(t, dir, "objcopy", "-O", "ihex", "greet", "fw.hex")
	res := inspect(t, filepath.Join(dir, "fw.hex"))
	if len(res.Members) != 1 || !res.Members[0].Embedded || res.Members[0].Kind != audit.Firmware {
		t.Errorf("members: %+v", res.Members)
	}
}

// The same text with words or other data in it is nothing.
func TestTextThatCarriesData(t *testing.T) {
	dir := t.TempDir()
	for name, script := range map[string]string{
		"text":  "seq 1 9000 | base64 > out",
		"key":   noise + "9000 | base64 > out",
		"table": "seq 1 9000 | sed 's/$/,/' > out",
		"gzip":  "seq 1 9000 | gzip | base64 > out",
		"hex":   noise + "9000 | od -An -v -tx1 | sed 's/ / 0x/g;s/$/,/' > out",
		"list":  noise + "9000 | od -An -v -tx1 -w1 | sed 's/ \\(..\\)/0x\\1,/' > out",
	} {
		t.Run(name, func(t *testing.T) {
			run(t, dir, "sh", "-c", "set -e; "+script)
			if res := inspect(t, filepath.Join(dir, "out")); len(res.Members) != 0 {
				t.Errorf("members: %+v", res.Members)
			}
		})
	}
}
