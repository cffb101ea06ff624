package content_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

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
			run(t, dir, "sh", "-c", "set -e; "+c.script)
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
