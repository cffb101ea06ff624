package content_test

import (
	"path/filepath"
	"strings"
	"testing"
)

// sealed are containers that nothing here opens: each is named under skipped,
// so that it cannot pass for looked at.
var sealed = []struct{ name, script, reason string }{
	{"cab", "gcab -c out greet", "cab: there is no reader"},
	{"partition behind the end", "printf 'times 446 db 0\\ndb 0x80,0,0,0,0x83,0,0,0\\ndd 2048,9000\\ntimes 48 db 0\\ndw 0xaa55\\n' > m.asm; nasm -f bin -o out m.asm; truncate -s 2M out; dd if=greet of=out seek=2048 conv=notrunc status=none", "ends behind the image"},
	{"old rar", "printf 'Rar!\\032\\007\\000' > out; head -c 500 /dev/zero >> out", "rar4: there is no reader"},
	{"git bundle", "git init -q r; cd r; git -c user.name=a -c user.email=a@b commit -q --allow-empty -m a; git bundle create -q ../out HEAD", "git-bundle: there is no reader"},
	{"git pack", "git init -q r; cp greet r; git -C r add greet; git -C r ls-files -s | cut -c8-47 | git -C r pack-objects -q ../p >/dev/null; cp p-*.pack out", "stored as changes of others"},
	{"script and cab", "printf '#!/bin/sh\\ncabextract $0\\n' > out; gcab -c a.cab greet; cat a.cab >> out", "cab: there is no reader"},
	{"script and what nobody knows", "printf '#!/bin/sh\\ntail -n +3 $0 | openssl enc -d\\n' > out; python3 -c 'import random, sys; random.seed(1); sys.stdout.buffer.write(random.randbytes(20000))' >> out", "of no known format"},
	{"VirtualBox's disk", disk + "vdi d out", "vdi: there is no reader"},
	{"QEMU's older disk", disk + "qed d out", "qed: there is no reader"},
	{"Parallels' disk", disk + "parallels d out", "parallels: there is no reader"},
	{"btrfs", "truncate -s 1M out; printf _BHRfS_M | dd of=out bs=1 seek=65600 conv=notrunc status=none", "btrfs: there is no reader"},
	{"NTFS", "printf '\\353R\\220NTFS    ' > out; truncate -s 1M out", "ntfs: there is no reader"},
	{"an encrypted partition", "printf 'LUKS\\272\\276\\000\\002' > out; truncate -s 1M out", "luks: there is no reader"},
	{"LVM", "truncate -s 512 out; printf LABELONE >> out; truncate -s 1M out", "lvm2: there is no reader"},
	{"JFFS2", pythonOut + `h = b"\x85\x19\x03\x20\x0c\x00\x00\x00"; w(h + (~zlib.crc32(h, 0xffffffff) & 0xffffffff).to_bytes(4, "little") + bytes(4000))'`, "jffs2: there is no reader"},
	{"macOS' disk", pythonOut + `w(zlib.compress(bytes(range(256)) * 999) + bytes(4000) + b"koly\0\0\0\x04\0\0\2\0" + bytes(500))'`, "dmg: there is no reader"},
	{"ARJ", pythonOut + `h = bytes([34, 11, 1, 2, 16, 0, 2, 0]) + bytes(26) + b"a.arj\0\0"; w(b"\x60\xea" + len(h).to_bytes(2, "little") + h + zlib.crc32(h).to_bytes(4, "little") + bytes(600))'`, "arj: there is no reader"},
	{"encrypted zip", "zip -q -P secret o.zip greet; mv o.zip out", "encrypted"},
	{"encrypted 7z", "7z a -bd -psecret -mhe=on o.7z greet >log; mv o.7z out", "reading 7z"},
	{"thin archive", "gcc -c greet.c; ar rcT out greet.o", "thin archive"},
	{"truncated xz", "xz -c greet | head -c 1500 > out", "truncated"},
	{"image behind an image", "qemu-img create -q -f qcow2 a 1M; qemu-img create -q -f qcow2 -b a -F qcow2 out", "another image behind it"},
	// qemu-img measures how fast it hashes, and gives up where the clock of a busy
	// machine does not move meanwhile.
	{"encrypted image", "for i in 1 2 3 4 5 6 7 8; do qemu-img create -q -f qcow2 --object secret,id=s,data=words -o encrypt.format=luks,encrypt.key-secret=s,encrypt.iter-time=10 out 1M && break; done", "encrypted"},
	{"image with a snapshot", "qemu-img create -q -f qcow2 out 1M; qemu-img snapshot -c a out", "1 snapshots are in it"},
	{"damaged image", "head -c 3000000 /dev/urandom > a; qemu-img convert -c -f raw -O qcow2 a out; truncate -s 1500000 out", "malformed archive: cluster "},
	{"PPMd", "7z a -bd -m0=PPMd o.7z greet.c >log; mv o.7z out", "PPMd"},
}

const (
	disk      = "mkdir x; cp greet x/; truncate -s 1M d; mkfs.ext4 -q -d x d; qemu-img convert -f raw -O "
	pythonOut = "python3 -c 'import zlib\nw = open(\"out\", \"wb\").write\n"
)

func TestSealed(t *testing.T) {
	for _, c := range sealed {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			greet(t, dir)
			run(t, dir, "sh", "-c", "set -e; export PATH=$PATH:/sbin:/usr/sbin; "+c.script)
			res := inspect(t, filepath.Join(dir, "out"))
			if len(res.Skipped) == 0 || !strings.Contains(res.Skipped[0].Reason, c.reason) {
				t.Errorf("skipped %v, want %q; members %v", res.Skipped, c.reason, formats(res))
			}
		})
	}
}

// A tar header may leave the name to the extended header before it.
func TestNameInExtendedHeaderOnly(t *testing.T) {
	dir := t.TempDir()
	program := read(t, greet(t, dir))
	long := strings.Repeat("ğ", 90)
	b := tarOf(t, long, program)
	// The main header follows the extended header and its records.
	h := b[1024:1536]
	sum := 0
	clear(h[:100])
	clear(h[345:500])
	for i, c := range h {
		if i >= 148 && i < 156 {
			c = ' '
		}
		sum += int(c)
	}
	copy(h[148:156], []byte{byte('0' + sum>>15&7), byte('0' + sum>>12&7), byte('0' + sum>>9&7), byte('0' + sum>>6&7), byte('0' + sum>>3&7), byte('0' + sum&7), 0, ' '})
	res := stream(t, "in.tar", strings.NewReader(string(b)))
	if got := formats(res); len(got) != 1 || got[0] != "in.tar/"+long+" elf-executable" {
		t.Errorf("members %v, skipped %v", got, res.Skipped)
	}
}
