package content_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"hash/crc32"
	"testing"

	"fromsource/analyze/content"
)

// rarBlock is a block of RAR 5 with a right checksum (RAR 5.0 archive format,
// "General archive block format"): fields are its header from its type on.
func rarBlock(fields, data []byte) []byte {
	head := append(binary.AppendUvarint(nil, uint64(len(fields))), fields...)
	b := binary.LittleEndian.AppendUint32(nil, crc32.ChecksumIEEE(head))
	return append(append(b, head...), data...)
}

// rarFile are the fields of a file's header: packed says how, as "compression
// information" does.
func rarFile(name string, size, unpacked, packed uint64) []byte {
	var b []byte
	for _, v := range []uint64{2, 2, size, 0, unpacked, 0o100644, packed, 1, uint64(len(name))} {
		b = binary.AppendUvarint(b, v)
	}
	return append(b, name...)
}

func bounded(t *testing.T, b []byte) {
	const most = 32 << 20
	res, err := content.Inspect(context.Background(), "in", bytes.NewReader(b), content.Options{MaxBytes: most, MaxDepth: 4, MaxEntries: 1000})
	if err != nil || res.Files > 1002 || res.Bytes > 8*most {
		t.Errorf("%d files, %d bytes, %v", res.Files, res.Bytes, err)
	}
}

// FuzzRAR: headers whose checksums are right end within the bounds, whatever
// they say.
func FuzzRAR(f *testing.F) {
	hello := []byte("hello")
	f.Add([]byte{1, 0, 0}, rarFile("a/b", 5, 5, 0), hello)
	f.Add([]byte{1, 0, 1, 0}, rarFile("../b", 5, 5, 0), hello)
	f.Add([]byte{1, 0, 4}, rarFile("solid", 5, 500, 3<<7|1<<6|4<<10), bytes.Repeat([]byte{0xa5, 0x12}, 100))
	f.Add([]byte{1, 0, 0}, rarFile("large", 5, 1<<40, 3<<7|15<<10), bytes.Repeat([]byte{0x17, 0xff, 0}, 100))
	f.Add([]byte{4, 0, 0, 0, 15}, rarFile("encrypted", 5, 5, 0), hello)
	f.Fuzz(func(t *testing.T, archive, file, data []byte) {
		b := append([]byte("Rar!\x1a\x07\x01\x00"), rarBlock(archive, nil)...)
		b = append(b, rarBlock(file, data)...)
		bounded(t, append(b, rarBlock([]byte{5, 0, 0}, nil)...))
	})
}

// FuzzSevenZip: the same of a directory of 7z, and of what is before it.
func FuzzSevenZip(f *testing.F) {
	f.Add([]byte("\x01\x05\xf0\xff\xff\xff\x0f\x00\x00"))
	whole := run(f, f.TempDir(), "sh", "-c", "echo words > a; 7z a -bd -mhc=off -m0=copy o.7z a > log; cat o.7z")
	le := binary.LittleEndian
	at, size := 32+le.Uint64(whole[12:]), le.Uint64(whole[20:])
	f.Add(whole[at : at+size])
	f.Fuzz(func(t *testing.T, directory []byte) {
		bounded(t, sevenZipOf(directory))
	})
}

// FuzzZip: the directory at the end of a zip archive.
func FuzzZip(f *testing.F) {
	f.Add(run(f, f.TempDir(), "sh", "-c", "echo words > a; zip -q z a; cat z.zip"))
	f.Add(run(f, f.TempDir(), "sh", "-c", "echo words | zip -q -fz - - | cat"))
	f.Fuzz(func(t *testing.T, b []byte) {
		bounded(t, append([]byte("PK\x03\x04"), b...))
		bounded(t, b)
	})
}

// FuzzCompressed: streams behind a right magic, with text before them and not.
func FuzzCompressed(f *testing.F) {
	for _, tool := range []string{"gzip", "xz", "bzip2", "zstd -q", "lz4 -q", "lzip", "xz --format=lzma", "compress -f", "lzop"} {
		f.Add(runIn(f, "", bytes.Repeat([]byte("words "), 50), "sh", "-c", tool))
	}
	skipped := append([]byte("\x50\x2a\x4d\x18\x60\x00\x00\x00"), bytes.Repeat([]byte("words "), 16)...)
	for _, tool := range []string{"zstd -q --no-check", "lz4 -q -BX --content-size", "lz4 -q -l"} {
		b := runIn(f, "", bytes.Repeat([]byte("words "), 50), "sh", "-c", tool)
		f.Add(append(append(b, skipped...), b...))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		bounded(t, b)
		bounded(t, append([]byte("#!/bin/sh\nexit\n"), b...))
	})
}

// FuzzPNG: chunks that say whatever they say.
func FuzzPNG(f *testing.F) {
	f.Add(run(f, f.TempDir(), "python3", "-c", `import struct, sys, zlib
def chunk(kind, b): return struct.pack(">I", len(b)) + kind + b + struct.pack(">I", zlib.crc32(kind + b))
sys.stdout.buffer.write(chunk(b"IHDR", bytes(13)) + chunk(b"zTXt", b"a\0\0" + zlib.compress(b"words" * 99)) + chunk(b"IDAT", bytes(9)) + chunk(b"IEND", b"") + b"words" * 99)`))
	f.Fuzz(func(t *testing.T, b []byte) {
		bounded(t, append([]byte("\x89PNG\r\n\x1a\n"), b...))
	})
}
