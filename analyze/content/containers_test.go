package content_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// rpmScript makes a binary package without a compiler's help.
const rpmScript = `cat > p.spec <<'END'
Name: p
Version: 1
Release: 1
Summary: p
License: none
%description
p
%install
mkdir -p %{buildroot}/opt
cp %{_topdir}/t/greet %{buildroot}/opt
%files
/opt/greet
END
rpmbuild --quiet -bb --define "_topdir $PWD" --define '_build_id_links none' --define 'debug_package %{nil}' --define '__os_install_post %{nil}' p.spec >log 2>&1
cp RPMS/*/p-1-1.*.rpm out`

// rarScript writes an archive of RAR 5 with one stored file; no free tool does
// (RAR 5.0 archive format, "General archive structure").
const rarScript = `python3 -c '
import zlib, struct
data = open("t/greet", "rb").read()
def vint(n):
    out = b""
    while n > 127: out, n = out + bytes([n & 127 | 128]), n >> 7
    return out + bytes([n])
def block(kind, flags, fields, size=None):
    head = vint(kind) + vint(flags) + (b"" if size is None else vint(size)) + fields
    head = vint(len(head)) + head
    return struct.pack("<I", zlib.crc32(head)) + head
name = b"t/greet"
file = vint(4) + vint(len(data)) + vint(0o100755) + struct.pack("<I", zlib.crc32(data)) + vint(0) + vint(1) + vint(len(name)) + name
open("out", "wb").write(b"Rar!\x1a\x07\x01\x00" + block(1, 0, vint(0)) + block(2, 2, file, len(data)) + data + block(5, 0, vint(0)))
'`

// diskScript puts the volume fs into a disk: into its only partition, or into
// a logical one behind a primary one.
func diskScript(kind string) string {
	return `python3 -c '
import struct
fs = open("fs", "rb").read()
disk = bytearray(1 << 20) + fs + bytes(1 << 20)
n = len(fs) // 512
def entry(kind, start, count): return struct.pack("<B3sB3sII", 0, b"", kind, b"", start, count)
def table(at, *entries):
    for i, e in enumerate(entries): disk[at + 446 + 16 * i:at + 462 + 16 * i] = e
    disk[at + 510:at + 512] = b"\x55\xaa"
if "` + kind + `" == "gpt":
    table(0, entry(0xee, 1, len(disk) // 512 - 1))
    disk[512:604] = b"EFI PART" + struct.pack("<IIIIQQQQ16sQIII", 0x10000, 92, 0, 0, 1, len(disk) // 512 - 1, 34, len(disk) // 512 - 34, b"disk", 2, 128, 128, 0)
    disk[1024:1152] = b"type of the part" + b"its own number.." + struct.pack("<QQQ72s", 2048, 2047 + n, 0, "root".encode("utf-16-le"))
else:
    table(0, entry(0x83, 64, 100), entry(5, 1024, n + 1024))
    table(1024 * 512, entry(0x83, 1024, n))
open("out", "wb").write(disk)
'`
}

// shell scripts that pack the tree "t" (t/greet, t/doc/notes) into out, and
// where the program is then.
var packed = []struct{ name, script, want string }{
	{"tar", "tar cf out t", "out/t/greet"},
	{"tar-v7", "tar --format=v7 -cf out t", "out/t/greet"},
	{"tar-ustar", "tar --format=ustar -cf out t", "out/t/greet"},
	{"tar-gnu", "tar --format=gnu -cf out t", "out/t/greet"},
	{"tar-pax", "tar --format=pax -cf out t", "out/t/greet"},
	{"tar-gzip", "tar czf out t", "out/t/greet"},
	{"tar-xz", "tar cJf out t", "out/t/greet"},
	{"tar-bzip2", "tar cjf out t", "out/t/greet"},
	{"tar-zstd", "tar --zstd -cf out t", "out/t/greet"},
	{"zip", "zip -qr out.zip t && mv out.zip out", "out/t/greet"},
	{"zip-stored", "zip -0 -qr out.zip t && mv out.zip out", "out/t/greet"},
	{"zip-streamed", "zip -qr - t | cat > out", "out/t/greet"},
	{"cpio-newc", "find t | cpio -o -H newc --quiet > out", "out/t/greet"},
	{"cpio-crc", "find t | cpio -o -H crc --quiet > out", "out/t/greet"},
	{"cpio-odc", "find t | cpio -o -H odc --quiet > out", "out/t/greet"},
	{"cpio-bin", "find t | cpio -o -H bin --quiet > out", "out/t/greet"},
	{"nar", "nix-store --dump t > out", "greet"},
	{"nar-file", "nix-store --dump t/greet > out", "out"},
	{"deb", "mkdir -p d/DEBIAN d/usr && cp t/greet d/usr && printf 'Package: a\\nVersion: 1\\nArchitecture: all\\nMaintainer: a <a@b>\\nDescription: a\\n' > d/DEBIAN/control && dpkg-deb -Zxz -b d out", "out/data.tar.xz/usr/greet"},
	{"gzip", "gzip -c t/greet > out", "out/content"},
	{"xz", "xz -c t/greet > out", "out/content"},
	{"lz4", "tar cf - t | lz4 -q > out", "out/t/greet"},
	{"lz4-legacy", "tar cf - t | lz4 -q -l > out", "out/t/greet"},
	{"lzip", "tar cf - t | lzip > out", "out/t/greet"},
	{"lzip-two", "(tar cf - t | head -c 9000 | lzip; tar cf - t | tail -c +9001 | lzip) > out", "out/t/greet"},
	{"lzma", "tar cf - t | xz --format=lzma > out", "out/t/greet"},
	{"lzop", "tar cf - t | lzop > out", "out/t/greet"},
	{"lzop-9", "tar cf - t | lzop -9 --crc32 > out", "out/t/greet"},
	{"lzop-two", "(tar cf - t | head -c 9000 | lzop; tar cf - t | tail -c +9001 | lzop) > out", "out/t/greet"},
	{"compress", "tar cf - t | compress > out", "out/t/greet"},
	{"compress-12", "tar cf - t | compress -b 12 > out", "out/t/greet"},
	{"xz-9", "tar cf - t | xz -9e > out", "out/t/greet"},
	{"xz-x86", "tar cf - t | xz --x86 --lzma2 > out", "out/t/greet"},
	{"zstd-long", "tar cf - t | zstd -q -19 --long=26 > out", "out/t/greet"},
	{"gzip-two", "(tar cf - t | head -c 9000 | gzip; tar cf - t | tail -c +9001 | gzip) > out", "out/t/greet"},
	{"7z", "7z a -bd out.7z t >log && mv out.7z out", "out/t/greet"},
	{"7z-lzma", "7z a -bd -m0=LZMA out.7z t >log && mv out.7z out", "out/t/greet"},
	{"7z-bcj2", "7z a -bd -m0=BCJ2 -m1=LZMA -m2=LZMA -m3=LZMA -mb0:1 -mb0s1:2 -mb0s2:3 out.7z t >log && mv out.7z out", "out/t/greet"},
	{"squashfs", "mksquashfs t out -quiet -no-progress", "out/greet"},
	{"squashfs-xz", "mksquashfs t out -quiet -no-progress -comp xz -Xdict-size 100% -b 1M", "out/greet"},
	{"squashfs-zstd", "mksquashfs t out -quiet -no-progress -comp zstd", "out/greet"},
	{"squashfs-lz4", "mksquashfs t out -quiet -no-progress -comp lz4", "out/greet"},
	{"squashfs-lzo", "mksquashfs t out -quiet -no-progress -comp lzo", "out/greet"},
	{"squashfs-plain", "mksquashfs t out -quiet -no-progress -noI -noD -noF -b 4096", "out/greet"},
	{"iso", "xorriso -as mkisofs -quiet -R -o out t", "out/greet"},
	{"iso-joliet", "xorriso -as mkisofs -quiet --norock -J -o out t", "out/greet"},
	{"iso-plain", "xorriso -as mkisofs -quiet --norock -o out t", "out/GREET"},
	{"iso-squashfs", "mkdir d; mksquashfs t d/root.squashfs -quiet -no-progress; xorriso -as mkisofs -quiet -R -o out d", "out/root.squashfs/greet"},
	{"fat12", "truncate -s 1440K out; mkfs.vfat out >log; mcopy -s -i out t ::", "out/t/greet"},
	{"fat16", "truncate -s 16M out; mkfs.vfat -F 16 out >log; mcopy -s -i out t ::", "out/t/greet"},
	{"fat32", "truncate -s 40M out; mkfs.vfat -F 32 out >log; mcopy -s -i out t ::a-rather-long-name", "out/a-rather-long-name/greet"},
	{"ext2", "truncate -s 8M out; mke2fs -q -t ext2 -b 1024 -d t out", "out/greet"},
	{"ext3", "truncate -s 16M out; mke2fs -q -t ext3 -d t out", "out/greet"},
	{"ext4", "truncate -s 16M out; mke2fs -q -t ext4 -d t out", "out/greet"},
	{"ext4-64bit", "truncate -s 16M out; mke2fs -q -t ext4 -O 64bit,inline_data,metadata_csum -b 4096 -d t out", "out/greet"},
	{"ext4-many", "for i in $(seq 900); do echo $i > t/doc/a-longer-name-for-a-file-$i; done; truncate -s 16M out; mke2fs -q -t ext4 -b 1024 -d t out", "out/greet"},
	{"ext2-large", "(" + noise + "3000000 | tr -d '\\177M\\037P\\375(7B'; cat t/greet) > t/x; rm t/greet; truncate -s 8M out; mke2fs -q -t ext2 -b 1024 -d t out", ""},
	{"disk-gpt", "truncate -s 16M fs; mke2fs -q -t ext4 -d t fs; " + diskScript("gpt"), "out/p1/greet"},
	{"disk-logical", "truncate -s 4M fs; mke2fs -q -t ext2 -d t fs; " + diskScript("mbr"), "out/p2/greet"},
	{"qcow2", "truncate -s 16M fs; mke2fs -q -t ext4 -d t fs; qemu-img convert -O qcow2 fs out", "out/greet"},
	{"qcow2-disk", "truncate -s 16M fs; mke2fs -q -t ext4 -d t fs; " + diskScript("gpt") + "; mv out disk; qemu-img convert -c -O qcow2 disk out", "out/p1/greet"},
	{"qcow2-old", "truncate -s 16M fs; mke2fs -q -t ext4 -d t fs; qemu-img convert -c -O qcow2 -o compat=0.10,cluster_size=512 fs out", "out/greet"},
	{"qcow2-zstd", "truncate -s 16M fs; mke2fs -q -t ext4 -d t fs; qemu-img convert -c -O qcow2 -o compression_type=zstd,cluster_size=2M fs out", "out/greet"},
	{"rar", rarScript, "out/t/greet"},
	{"el-torito", "truncate -s 1440K efi; mkfs.vfat efi >log; mcopy -s -i efi t ::; mkdir d; mv efi d; echo > d/other; xorriso -as mkisofs -quiet -R -e efi -no-emul-boot -o out d", "out/efi/t/greet"},
	{"rpm", rpmScript, "out/opt/greet"},
	{"gem", "tar cf data.tar t; gzip data.tar; echo '--- {}' | gzip > metadata.gz; tar cf out data.tar.gz metadata.gz", "out/data.tar.gz/t/greet"},
	{"self-extracting-squashfs", "mksquashfs t fs -quiet -no-progress; (printf '#!/bin/sh\nexit\n'; cat fs) > out", "out/@15/greet"},
	{"after-the-end", "(tar cz t/doc | gzip -dc; cat t/greet) | gzip > out", "out/@10240"},
	{"archive-after-the-end", "(tar c t/doc; head -c 3000 /dev/zero; tar cz t) | gzip > out", "out/@13240/t/greet"},
	{"script", "(printf '#!/bin/sh\\nexit\\n'; tar cz t) > out", "out/@15/t/greet"},
	{"appended", "(printf '#!/bin/sh\\n'; head -c 3000000 /dev/zero; cat t/greet) > out", "out/@3000010"},
	{"initrd", "(find t/doc | cpio -o -H newc --quiet; head -c 512 /dev/zero; find t | cpio -o -H newc --quiet | gzip) > out", ""},
}

// The program is found in what real tools make, whether the archive can be
// read at random or is a stream.
func TestContainers(t *testing.T) {
	base := t.TempDir()
	program := read(t, greet(t, base))
	for _, c := range packed {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			write(t, filepath.Join(dir, "t/greet"), program)
			write(t, filepath.Join(dir, "t/doc/notes"), []byte("nothing compiled here\n"))
			run(t, dir, "sh", "-c", "set -e; PATH=$PATH:/sbin:/usr/sbin; "+c.script)
			res := inspect(t, filepath.Join(dir, "out"))
			if len(res.Skipped) != 0 {
				t.Errorf("skipped: %v", res.Skipped)
			}
			if len(res.Members) != 1 {
				t.Fatalf("members: %v", formats(res))
			}
			if m := res.Members[0]; m.Format != "elf-executable" || m.Size != int64(len(program)) || c.want != "" && m.Path != c.want {
				t.Errorf("found %s, %s of %d bytes; want %s of %d", m.Path, m.Format, m.Size, c.want, len(program))
			}
			f, err := os.Open(filepath.Join(dir, "out"))
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			if d := cmp.Diff(res, stream(t, "out", onlyReader{f})); d != "" {
				t.Errorf("file and stream differ: %s", d)
			}
		})
	}
}

// An image that begins as a program is both.
func TestImageThatIsAProgram(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "t/greet"), read(t, greet(t, dir)))
	run(t, dir, "sh", "-c", "set -e; xorriso -as mkisofs -quiet -R -o out t; head -c 64 t/greet | dd of=out conv=notrunc status=none")
	want := []string{"out elf-shared", "out/greet elf-executable"} // without its interpreter at hand
	if d := cmp.Diff(want, formats(inspect(t, filepath.Join(dir, "out")))); d != "" {
		t.Error(d)
	}
}
