package content_test

import (
	"cmp"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
)

// zipWith writes an archive with the program t/greet in e, whose file is f; the
// entry "notes" comes before what program does to it and "more" behind.
func zipWith(program string) string {
	return `python3 -c 'import base64, os, random, struct, zipfile, zlib
e = open("t/greet", "rb").read()
random.seed(1)
noise = random.randbytes(5000)
z = zipfile.ZipFile("out", "w", zipfile.ZIP_DEFLATED)
z.writestr("notes", "words\n" * 100)
f = z.fp
def local(name, b, method=0, packed=None, extra=b""):
    packed = b if packed is None else packed
    return struct.pack("<4sHHHIIIIHH", b"PK\x03\x04", 20, 0, method, 0, zlib.crc32(b), len(packed), len(b), len(name), len(extra)) + name + extra + packed
def put(b):
    f.seek(z.start_dir)
    f.write(b)
    z.start_dir = f.tell()
def deflate(b):
    c = zlib.compressobj(9, zlib.DEFLATED, -15)
    return c.compress(b) + c.flush()
` + program + `
z.writestr("more", "words\n" * 100)
z.close()
'`
}

// tarWith writes an archive with the program t/greet in e.
func tarWith(program string) string {
	return `python3 -c 'import base64, io, tarfile
e = open("t/greet", "rb").read()
z = tarfile.open("out", "w")
z.add("t/doc")
def entry(name, kind, b, **more):
    i = tarfile.TarInfo(name)
    i.type, i.size = kind, len(b)
    h = bytearray(i.tobuf(tarfile.GNU_FORMAT))
    for at, v in more.items():
        at = int(at[1:])
        h[at:at + len(v)] = v
    h[148:156] = b"        "
    h[148:156] = b"%06o\0 " % sum(h)
    return bytes(h) + b + bytes(-len(b) % 512)
def put(b):
    z.fileobj.write(b)
    z.offset += len(b)
` + program + `
z.add("t/doc")
z.close()
'`
}

// squashWith changes an image b of one file without a fragment, of which the
// tables begin at tables.
func squashWith(program string) string {
	return `mksquashfs t/doc out -quiet -no-progress -no-fragments -no-exports -no-xattrs; python3 -c 'import random, struct
e = open("t/greet", "rb").read()
random.seed(1)
noise = random.randbytes(5000)
b = bytearray(open("out", "rb").read())
tables = struct.unpack_from("<Q", b, 64)[0]
` + program + `
open("out", "wb").write(b)
'`
}

// sevenZipWith puts what an expression says before an archive's directory.
func sevenZipWith(what string) string {
	return `7z a -bd o.7z t/doc >log; python3 -c 'import random, struct, zlib
e = open("t/greet", "rb").read()
random.seed(1)
noise = random.randbytes(5000)
b = open("o.7z", "rb").read()
at = struct.unpack_from("<Q", b, 12)[0]
more = ` + what + `
h = struct.pack("<Q", at + len(more)) + b[20:32]
open("out", "wb").write(b[:8] + struct.pack("<I", zlib.crc32(h)) + h + b[32:32 + at] + more + b[32 + at:])
'`
}

// arWith writes an archive of members.
func arWith(members string) string {
	return pythonWith(`def member(name, b):
    return b"%-16s%-12d%-6d%-6d%-8d%-10d\x60\n" % (name.encode(), 0, 0, 0, 644, len(b)) + b + b"\n" * (len(b) & 1)
open("out", "wb").write(b"!<arch>\n" + ` + members + `)`)
}

// pngWith writes a picture of noise with more chunks before its end.
func pngWith(chunks string) string {
	return pythonWith(`import random, struct
def chunk(kind, b):
    return struct.pack(">I", len(b)) + kind + b + struct.pack(">I", zlib.crc32(kind + b))
random.seed(1)
pixels = bytearray(random.randbytes(9000 * 9))
pixels[::9] = bytes(9000)
more = ` + cmp.Or(chunks, `b""`) + `
open("out", "wb").write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 8, 9000, 8, 0, 0, 0, 0)) + chunk(b"IDAT", zlib.compress(pixels)) + more + chunk(b"IEND", b""))`)
}

// unlisted are containers that hold more than their directory says, made by
// tools where one does so: where a program has to be found or, without a want,
// what has to be noted; with neither it is nothing to be told.
var unlisted = []struct{ name, script, want, skip string }{
	{"zip: entry that is not in the directory", zipWith(`put(local(b"t/greet", e, 8, deflate(e)))`), "/t/greet elf-executable", ""},
	{"zip: first entry that is not in the directory", `zip -qr a.zip t/greet; python3 -c 'import zipfile
b = open("a.zip", "rb").read()
open("out", "wb").write(b[:b.index(b"PK\x01\x02")])
z = zipfile.ZipFile("out", "a")
z.writestr("notes", "words")
z.close()'`, "out/@0/t/greet elf-executable", ""},
	{"zip: bytes between entries", zipWith(`put(bytes(1000) + e)`), " elf-executable", ""},
	{"zip: text between entries", zipWith(`put(b"#!/bin/sh\nbase64 -d <<E\n" + base64.encodebytes(e))`), " elf-executable", ""},
	{"zip: bytes of no format between entries", zipWith(`put(noise)`), "", "5000 bytes at byte 49 belong to no entry"},
	{"zip: a few bytes between entries", zipWith(`put(noise[:40])`), "", ""},
	{"zip: aligned", zipWith(`put(bytes(4000))`), "", ""},
	{"zip: extra field", zipWith(`put(local(b"x", b"y", extra=struct.pack("<HH", 0x7777, len(e)) + e))`), "", "an extra field of 1"},
	{"zip: extra field of an entry", zipWith(`i = zipfile.ZipInfo("x")
i.extra = struct.pack("<HH", 0x7777, len(e)) + e
z.writestr(i, "y")`), " elf-executable", ""},
	{"zip: comment of an entry", zipWith(`i = zipfile.ZipInfo("x")
i.comment = base64.encodebytes(e)
z.writestr(i, "y")`), " elf-executable", ""},
	{"zip: comment", zipWith(`z.comment = base64.encodebytes(e)`), " elf-executable", ""},
	{"zip: short comment", zipWith(`z.comment = b"0123456789012345678901234567890123456789"`), "", ""},
	{"zip: behind the end", "zip -qr a.zip t/doc; cat a.zip t/greet > out", " elf-executable", ""},
	{"zip: far behind the end", "zip -qr a.zip t/doc; (cat a.zip; head -c 100000 /dev/zero; cat t/greet) > out", " elf-executable", "no end of central directory"},
	{"zip: behind the end of a stream", zipWith(`put(b"")
n = z.start_dir
d = deflate(b"words")
z.writestr("x", b"")
i = z.filelist[-1]
f.seek(i.header_offset)
b = local(b"x", b"words", 8, d + e)
f.write(b)
z.start_dir = f.tell()
i.compress_type, i.compress_size, i.file_size, i.CRC = 8, len(d + e), 5, zlib.crc32(b"words")`), " elf-executable", ""},
	{"zip: another method in front", zipWith(`put(b"")
n = z.start_dir
i = zipfile.ZipInfo("x")
z.writestr(i, deflate(b"words" * 9))
f.seek(n + 8)
f.write(b"\x08")`), "", "its local header says method 8, the directory 0"},
	{"zip: two ends", "zip -qr a.zip t/greet; zip -qr b.zip t/doc; cat a.zip b.zip > out", "/t/greet elf-executable", ""},
	{"zip: an end in the comment", zipWith(`z.comment = b"PK\x05\x06" + bytes(range(60))`), "", ""},
	{"zip: no directory", "zip -qr a.zip t/greet; head -c -100 a.zip > out", "out/t/greet elf-executable", "no end of central directory"},
	{"zip: a folder that is none", zipWith(`i = zipfile.ZipInfo("t/")
z.writestr(i, b"")
z.filelist.pop()
z.writestr(zipfile.ZipInfo("t/"), e)`), "out/t elf-executable", ""},
	{"zip: signed for Android", zipWith(`z.writestr("more", "words\n" * 100)
pairs = struct.pack("<QI", len(noise) + 4, 0x7109871a) + noise
put(struct.pack("<Q", len(pairs) + 24) + pairs + struct.pack("<Q16s", len(pairs) + 24, b"APK Sig Block 42"))
z.close()
os._exit(0)`), "", ""},
	{"zip: signed for Chrome", `zip -qr a.zip t/doc; python3 -c 'import random, struct
random.seed(1)
open("out", "wb").write(struct.pack("<4sII", b"Cr24", 3, 900) + random.randbytes(900) + open("a.zip", "rb").read())'`, "", ""},
	{"tar: record of an extended header", `tar -c -f out --format=pax --pax-option="comment=$(base64 -w0 t/greet)" t/doc`, " elf-executable", ""},
	{"tar: record for all files", `tar -c -f out --format=pax --pax-option="globexthdr.name=g,comment:=$(base64 -w0 t/greet)" t/doc`, " elf-executable", ""},
	{"tar: records of files", "tar -c -f out --format=pax --xattrs --acls --selinux t/doc", "", ""},
	{"tar: extended attribute", tarWith(`v = b" SCHILY.xattr.user.p=" + e + b"\n"
put(entry("x", b"x", b"%d" % (len(v) + 5) + v))`), " elf-executable", ""},
	{"tar: second volume", "(head -c 20000 /dev/zero; cat t/greet) > t/both; rm t/greet; tar -c -M -L 20 -f v1 -f v2 t/both; mv v2 out", " elf-executable", ""},
	{"tar: label", "tar -cf out -V label t/doc", "", ""},
	{"tar: label with contents", tarWith(`put(entry("label", b"V", e))`), "out/label elf-executable", ""},
	{"tar: folder with a list", "tar -c -f out -g list t/doc", "", ""},
	{"tar: folder with another list", tarWith(`put(entry("list", b"D", e))`), "out/list elf-executable", ""},
	{"tar: old long names", tarWith(`put(entry("names", b"N", e))`), "out/names elf-executable", ""},
	{"tar: type of some vendor", tarWith(`put(entry("x", b"Q", e))`), "out/x elf-executable", ""},
	{"tar: target of a link", tarWith(`put(entry("x", b"K", b" " * 2000 + base64.b64encode(e)))`), " elf-executable", ""},
	{"tar: link with contents", tarWith(`put(entry("x", b"2", e))`), "", "where one should be"},
	{"tar: behind the end", "tar cf a t/doc; tar cf b t/greet; cat a b > out", "out/@10240/t/greet elf-executable", ""},
	{"tar: more than a sparse file's map", tarWith(`put(entry("x", b"S", e, _386=b"%011o\0%011o\0" % (0, 64), _483=b"%011o\0" % 64))`), "out/x elf-shared", "that its map does not place"},
	{"gzip: extra field", pythonWith(`import struct
open("out", "wb").write(b"\x1f\x8b\x08\x04" + bytes(6) + struct.pack("<HHH", len(e) + 4, 0x4141, len(e)) + e + raw + struct.pack("<II", zlib.crc32(e[:0]), 0))`), "out/[extra field 1]/@4 elf-executable", "reading gzip: up to byte 2"},
	{"gzip: behind the end", "(gzip -c t/doc/notes; cat t/greet) > out", " elf-executable", ""},
	{"gzip: text behind the end", "(gzip -c t/doc/notes; base64 t/greet) > out", " elf-executable", ""},
	{"gzip: zeros behind the end", "(gzip -c t/doc/notes; head -c 5000 /dev/zero) > out", "", ""},
	{"bzip2: behind the end", "(bzip2 -c t/doc/notes; cat t/greet) > out", " elf-executable", ""},
	{"bzip2: two, and behind the end", "(bzip2 -c t/doc/notes; bzip2 -c t/doc/notes; tar c t/greet) > out", "/t/greet elf-executable", ""},
	{"xz: behind the end", "(xz -c t/doc/notes; cat t/greet) > out", "", "file format not recognized"},
	{"xz: zeros behind the end", "(xz -c t/doc/notes; head -c 4096 /dev/zero; xz -c t/doc/notes) > out", "", ""},
	{"lzma: behind the end", "(xz --format=lzma -c t/doc/notes; cat t/greet) > out", " elf-executable", ""},
	{"lzip: behind the end", "(lzip -c t/doc/notes; cat t/greet) > out", " elf-executable", ""},
	{"lzop: behind the end", "(lzop -c t/doc/notes; cat t/greet) > out", " elf-executable", ""},
	{"zstd: behind the end", "(zstd -qc t/doc/notes; cat t/greet) > out", " elf-executable", ""},
	{"zstd: two frames", "(zstd -qc --no-check t/doc/notes; tar c t/doc | zstd -qc) > out", "", ""},
	{"zstd: frames of several threads", "head -c 3000000 /dev/zero | pzstd -q -p 4 -o out", "", ""},
	{"zstd: frame that is skipped", "zstd -q t/doc/notes; " + pythonWith(`import struct
b = open("t/doc/notes.zst", "rb").read()
open("out", "wb").write(b + struct.pack("<II", 0x184d2a53, len(e)) + e + b)`), "elf-executable", ""},
	{"lz4: behind the end", "(lz4 -qc t/doc/notes; cat t/greet) > out", " elf-executable", ""},
	{"lz4: several frames", "(lz4 -qc -BX --content-size t/doc/notes; lz4 -qc --no-frame-crc t/doc/notes; tar c t/doc | lz4 -qc -9 -BD; lz4 -qlc t/doc/notes) > out", "", ""},
	{"lz4: frame that is skipped", "lz4 -q t/doc/notes t/doc/notes.lz4; " + pythonWith(`import struct
b = open("t/doc/notes.lz4", "rb").read()
open("out", "wb").write(b + struct.pack("<II", 0x184d2a50, len(e)) + e + b)`), "elf-executable", ""},
	{"lz4: too large a frame that is skipped", "lz4 -q t/doc/notes t/doc/notes.lz4; " + pythonWith(`import struct
b = open("t/doc/notes.lz4", "rb").read()
open("out", "wb").write(b + struct.pack("<II", 0x184d2a50, 3000000) + bytes(3000000) + b)`), "", "3000000 bytes beside the stream"},
	{"iso: in the padding", "xorriso -as mkisofs -quiet -R -o out t/doc; dd if=t/greet of=out bs=2048 seek=$(($(stat -c %s out) / 2048 - 60)) conv=notrunc status=none", " elf-executable", ""},
	{"iso: behind the end", "xorriso -as mkisofs -quiet -R -o out t/doc; cat t/greet >> out", " elf-executable", ""},
	{"iso: in the system area", "xorriso -as mkisofs -quiet -R -o out t/doc; head -c 20000 t/greet | dd of=out bs=512 seek=2 conv=notrunc status=none", "out/@1024 elf-executable", ""},
	{"iso: names of other systems only", "xorriso -as mkisofs -quiet -R -J -hide /greet -o out t", " elf-executable", ""},
	{"iso: partition behind the files", "truncate -s 1440K efi; mkfs.vfat efi >log; mcopy -s -i efi t ::; xorriso -as mkisofs -quiet -R -append_partition 2 0xef efi -o out t/doc", "/t/greet elf-executable", ""},
	{"iso: names of both systems", "xorriso -as mkisofs -quiet -R -J -o out t/doc", "", ""},
	{"fat: deleted", "truncate -s 1440K out; mkfs.vfat out >log; mcopy -s -i out t ::; mdel -i out ::t/greet", " elf-executable", ""},
	{"fat: empty but for a label", "truncate -s 40M out; mkfs.vfat -F 32 -n words out >log; mcopy -s -i out t/doc ::", "", ""},
	{"fat: in the end of a cluster", "truncate -s 16M out; mkfs.vfat -s 64 out >log; mcopy -i out t/doc/notes ::; echo more words | mcopy -i out - ::more; dd if=t/greet of=out bs=512 conv=notrunc status=none seek=$(($(grep -abo 'nothing compiled' out | cut -d: -f1) / 512 + 1))", " elf-executable", ""},
	{"fat: behind the end of the directory", "truncate -s 1440K out; mkfs.vfat out >log; mcopy -i out t/doc/notes ::; head -c 5000 t/greet | dd of=out bs=512 conv=notrunc status=none seek=$(($(grep -abo 'NOTES   ' out | cut -d: -f1) / 512 + 1))", "[behind the directory's end]/@480 elf-executable", ""},
	{"fat: behind the volume", "truncate -s 1440K out; mkfs.vfat out >log; mcopy -s -i out t/doc ::; cat t/greet >> out", "out/@1474560 elf-executable", ""},
	{"ext: deleted", "truncate -s 8M out; mke2fs -q -t ext4 -d t out; debugfs -w -R 'rm greet' out 2>log", " elf-executable", ""},
	{"ext: no name", "truncate -s 8M out; mke2fs -q -t ext2 -b 1024 -d t out; debugfs -w -R 'unlink greet' out 2>log", " elf-executable", ""},
	{"ext: in free space", "truncate -s 80M out; mke2fs -q -t ext4 -b 1024 -O sparse_super -d t/doc out; dd if=t/greet of=out bs=1M seek=70 conv=notrunc status=none", "out/@73400320 elf-executable", ""},
	{"ext: extended attribute", "truncate -s 8M out; mke2fs -q -t ext4 -b 4096 -d t/doc out; head -c 3000 t/greet > value; debugfs -w -R 'ea_set -f value notes user.p' out 2>log", " elf-executable", ""},
	{"ext: words only", "truncate -s 80M out; mke2fs -q -t ext4 -d t/doc out", "", ""},
	{"squashfs: behind the end", "mksquashfs t/doc out -quiet -no-progress -nopad; cat t/greet >> out", " elf-executable", ""},
	{"squashfs: between files and tables", squashWith(`b[tables:tables] = e
for at in (48, 64, 72, 40): struct.pack_into("<Q", b, at, struct.unpack_from("<Q", b, at)[0] + len(e))`), " elf-executable", ""},
	{"squashfs: of no format between files and tables", squashWith(`b[tables:tables] = noise
for at in (48, 64, 72, 40): struct.pack_into("<Q", b, at, struct.unpack_from("<Q", b, at)[0] + len(noise))`), "", "5000 bytes at byte"},
	{"squashfs: rest of a fragment", `mkdir d; (echo words; base64 t/greet) > d/x; mksquashfs d out -quiet -no-progress -noI; python3 -c 'import os, struct
n = struct.pack("<I", os.stat("d/x").st_size)
b = open("out", "rb").read()
at = b.rindex(n, 0, struct.unpack_from("<Q", b, 72)[0])
open("out", "wb").write(b[:at] + struct.pack("<I", 6) + b[at + 4:])'`, "out/[fragment 0]/@6 elf-executable", ""},
	{"squashfs: extended attributes", `python3 -c 'import os
os.setxattr("t/doc/notes", "trusted.p", open("t/greet", "rb").read()[:3000])'; mksquashfs t/doc out -quiet -no-progress`, "[extended attributes]/@4 elf-executable", ""},
	{"7z: behind the end", "7z a -bd o.7z t/doc >log; cat o.7z t/greet > out", " elf-executable", ""},
	{"7z: between streams and directory", sevenZipWith("e"), " elf-executable", ""},
	{"7z: of no format between streams and directory", sevenZipWith("noise"), "", "5000 bytes at byte"},
	{"7z: files, empty ones and folders", "touch t/doc/empty; mkdir t/empty; echo words > t/doc/words; rm t/greet; 7z a -bd -ms=off o.7z t >log; mv o.7z out", "", ""},
	{"ar: table of symbols", arWith(`member("/", e) + member("a/", b"words")`), "out/[symbols] elf-executable", ""},
	{"ar: table of BSD's symbols", arWith(`member("__.SYMDEF", e) + member("a/", b"words")`), "out/[symbols] elf-executable", ""},
	{"ar: long names", arWith(`member("//", b"a.o/\n" + base64.b64encode(e)) + member("/0", b"words")`), "out/[names] elf-executable", ""},
	{"ar: behind the end", "ar rc out t/doc/notes; (head -c 500 /dev/zero; cat t/greet) >> out", " elf-executable", ""},
	{"ar: long names only", "cp t/doc/notes t/doc/a-name-that-is-longer-than-any; ar rc out t/doc/a-name-that-is-longer-than-any t/doc/notes", "", ""},
	{"deb: behind the end", "mkdir -p d/DEBIAN; printf 'Package: a\\nVersion: 1\\nArchitecture: all\\nMaintainer: a <a@b>\\nDescription: a\\n' > d/DEBIAN/control; dpkg-deb -b d out >log; cat t/greet >> out", "", "no header of a member at byte"},
	{"cpio: folder with contents", pythonWith(`def entry(name, mode, b):
    h = b"070701" + b"%08X" * 13 % (1, mode, 0, 0, 1, 0, len(b), 0, 0, 0, 0, len(name) + 1, 0) + name + b"\0"
    h += bytes(-len(h) % 4) + b
    return h + bytes(-len(h) % 4)
open("out", "wb").write(entry(b"t", 0o40755, e) + entry(b"TRAILER!!!", 0, b""))`), "out/t elf-executable", ""},
	{"cpio: folders, links and pipes", "ln -s doc t/link; mkfifo t/pipe; rm t/greet; find t | cpio -o -H newc --quiet > out", "", ""},
	{"rpm: script", strings.Replace(rpmScript, "%files\n", "%post\nbase64 -d <<E > /tmp/x\n%(base64 %{_topdir}/t/greet)\nE\n%files\n", 1), "out/[header]/1024 elf-executable", ""},
	{"rar: behind the end", "mv t/greet greet; cp t/doc/notes t/greet; " + rarScript + "; cat greet >> out", " elf-executable", ""},
	{"rar: service that nobody knows", "mv t/greet greet; cp t/doc/notes t/greet; " + strings.Replace(rarScript, "+ block(5,", `+ block(3, 2, vint(0) + vint(5) + vint(0) + vint(0) + vint(0) + vint(3) + b"STM", 9000) + bytes(i * i % 251 for i in range(9000)) + block(5,`, 1), "", "9000 bytes at byte"},
	{"rar: as it is", "cp t/doc/notes t/greet; " + rarScript, "", ""},
	{"qcow2: behind the end", "truncate -s 4M fs; mke2fs -q -t ext4 -d t/doc fs; qemu-img convert -f raw -O qcow2 fs out; cat t/greet >> out", " elf-executable", ""},
	{"qcow2: words only", "truncate -s 4M fs; mke2fs -q -t ext4 -d t/doc fs; qemu-img convert -f raw -O qcow2 fs out", "", ""},
	{"png: pixels and text", pngWith(`chunk(b"zTXt", b"words\0\0" + zlib.compress(b"words " * 100))`), "", ""},
	{"png: tar behind the end", pngWith(``) + "; tar c t >> out", "/t/greet elf-executable", ""},
	{"png: text behind the end", pngWith(``) + "; base64 t/greet >> out", " elf-executable", ""},
	{"png: a large one, and tar behind the end", strings.ReplaceAll(pngWith(``), "9000", "900000") + "; tar c t >> out", "/t/greet elf-executable", ""},
	{"png: compressed text", pngWith(`chunk(b"zTXt", b"words\0\0" + zlib.compress(b"words " * 100 + base64.b64encode(e)))`), " elf-executable", ""},
	{"png: compressed text of a large one", strings.ReplaceAll(pngWith(`chunk(b"zTXt", b"words\0\0" + zlib.compress(b"words " * 100 + base64.b64encode(e)))`), "9000", "262000"), " elf-executable", ""},
	{"png: compressed text in some language", pngWith(`chunk(b"iTXt", b"words\0\1\0en\0words\0" + zlib.compress(b"words " * 100 + base64.b64encode(e)))`), " elf-executable", ""},
	{"png: profile", pngWith(`chunk(b"iCCP", b"words\0\0" + zlib.compress(bytes(100) + e))`), " elf-executable", ""},
	{"data: text between", pythonWith(`open("out", "wb").write(bytes(range(256)) * 40 + base64.encodebytes(e) + bytes(range(256)) * 40)`), "out elf-executable", ""},
	{"data: compressed text between", pythonWith(`open("out", "wb").write(bytes(range(256)) * 1000 + base64.encodebytes(zlib.compress(e)) + bytes(range(256)) * 40)`), " elf-executable", ""},
}

func TestUnlisted(t *testing.T) {
	base := t.TempDir()
	program := read(t, greet(t, base))
	for _, c := range unlisted {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			write(t, filepath.Join(dir, "t/greet"), program)
			write(t, filepath.Join(dir, "t/doc/notes"), []byte("nothing compiled here\n"))
			run(t, dir, "sh", "-ec", "PATH=$PATH:/sbin:/usr/sbin; "+c.script)
			res := inspect(t, filepath.Join(dir, "out"))
			got := formats(res)
			if c.want == "" && len(got) != 0 || c.want != "" && !slices.ContainsFunc(got, func(m string) bool { return strings.HasSuffix(m, c.want) }) {
				t.Errorf("members %q, want %q", got, c.want)
			}
			if c.skip == "" && len(res.Skipped) != 0 {
				t.Errorf("skipped %v", res.Skipped)
			} else if c.skip != "" {
				skipped(t, res, "out", c.skip)
			}
			f, err := os.Open(filepath.Join(dir, "out"))
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			if d := gocmp.Diff(res, stream(t, "out", onlyReader{f})); d != "" {
				t.Errorf("file and stream differ: %s", d)
			}
		})
	}
}
