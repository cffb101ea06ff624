package format

import "bytes"

// TarBlock is the size of a tar header.
const TarBlock = 512

// TarHeader says whether a file begins with a tar header: one that has a name
// and whose checksum is right.
func TarHeader(b []byte) bool {
	return len(b) >= TarBlock && b[0] != 0 && TarChecksum(b)
}

// TarChecksum says whether a block is a tar header by its checksum, in the sum
// of unsigned bytes or, as some old tars wrote it, of signed ones; v7 archives
// have no other mark (POSIX.1-1988, "ustar Interchange Format").
func TarChecksum(b []byte) bool {
	b = b[:TarBlock]
	want, ok := octal(b[148:156])
	if !ok {
		return false
	}
	// Eight bytes at once, into four sums of 16 bits, which do not overflow.
	const odd = 0x00ff00ff00ff00ff
	var sums uint64
	for rest := b; len(rest) >= 32; rest = rest[32:] {
		p, q, r, s := le.Uint64(rest), le.Uint64(rest[8:]), le.Uint64(rest[16:]), le.Uint64(rest[24:])
		sums += p&odd + q&odd + r&odd + s&odd + (p>>8&odd + q>>8&odd + r>>8&odd + s>>8&odd)
	}
	unsigned := int64(sums&0xffff + sums>>16&0xffff + sums>>32&0xffff + sums>>48)
	for _, c := range b[148:156] {
		unsigned += ' ' - int64(c)
	}
	if want == unsigned {
		return true
	}
	signed := unsigned
	for i, c := range b {
		if c >= 0x80 && (i < 148 || i >= 156) {
			signed -= 256
		}
	}
	return want == signed
}

// octal reads a number field of a tar header.
func octal(b []byte) (int64, bool) {
	for len(b) > 0 && (b[0] == ' ' || b[0] == 0) {
		b = b[1:]
	}
	for len(b) > 0 && (b[len(b)-1] == ' ' || b[len(b)-1] == 0) {
		b = b[:len(b)-1]
	}
	if len(b) == 0 || len(b) > 12 {
		return 0, false
	}
	var v int64
	for _, c := range b {
		if c < '0' || c > '7' {
			return 0, false
		}
		v = v<<3 | int64(c-'0')
	}
	return v, true
}

func container(name string) Match { return Match{Name: name, Container: true} }

// detectArchive recognises what can be looked into. Compressed streams come
// out as containers of one file.
func detectArchive(b Blob) (Match, bool) {
	h := b.B
	if !archiveFirst[h[0]] {
		return detectUnmarked(b)
	}
	has := func(s string) bool { return len(h) >= len(s) && string(h[:len(s)]) == s }
	switch {
	case len(h) >= 10 && has("\x1f\x8b\x08") && h[3]&0xe0 == 0:
		return container("gzip"), true
	case has("\xfd7zXZ\x00"):
		return container("xz"), true
	case len(h) >= 14 && has("BZh") && h[3] >= '1' && h[3] <= '9' && (string(h[4:10]) == "1AY&SY" || string(h[4:10]) == "\x17rE8P\x90"):
		return container("bzip2"), true
	case has("\x28\xb5\x2f\xfd"):
		return container("zstd"), true
	case len(h) >= 8 && h[1] == 0x2a && h[2] == 0x4d && h[3] == 0x18 && h[0]&0xf0 == 0x50 && skipsTo(b, "\x28\xb5\x2f\xfd"):
		return container("zstd"), true
	case len(h) >= 7 && (has("\x04\x22\x4d\x18") && h[4]>>6 == 1 || has("\x02\x21\x4c\x18")):
		return container("lz4"), true
	case len(h) >= 26 && has("LZIP") && h[4] == 1 && h[5]&0x1f >= 12 && h[5]&0x1f <= 29:
		return container("lzip"), true
	case has("\x89LZO\x00\r\n\x1a\n"):
		return container("lzop"), true
	case len(h) >= 5 && has("\x1f\x9d") && h[2]&0x60 == 0 && h[2]&0x1f >= 9 && h[2]&0x1f <= 16:
		return container("compress"), true
	case len(h) >= 30 && (has("PK\x03\x04") || has("PK00PK\x03\x04")), len(h) >= 22 && has("PK\x05\x06"), has("PK\x07\x08PK\x03\x04"):
		return container("zip"), true
	case len(h) >= 34 && has("JM\x01\x00PK\x03\x04"): // a module of Java's
		return container("zip"), true
	case has("Cr24") && len(h) >= 16 && (h[4] == 2 || h[4] == 3):
		return container("crx"), true
	case has("!<arch>\n") || has("!<thin>\n"):
		if len(h) >= 68 && h[66] == '`' && h[67] == '\n' && string(h[8:22]) == "debian-binary " {
			return container("deb"), true
		}
		if len(h) == 8 || len(h) >= 68 && h[66] == '`' && h[67] == '\n' {
			return container("ar"), true
		}
	case has("\xed\xab\xee\xdb") && len(h) >= 96 && h[4] >= 3 && h[4] <= 4:
		return container("rpm"), true
	case len(h) >= 110 && (has("070701") || has("070702")) && isHex(h[6:110]), len(h) >= 76 && has("070707") && isOctal(h[6:76]):
		return container("cpio"), true
	case len(h) >= 26 && (has("\xc7\x71") || has("\x71\xc7")) && binCpio(h):
		return container("cpio"), true
	case has("\x0d\x00\x00\x00\x00\x00\x00\x00nix-archive-1\x00\x00\x00"):
		return container("nar"), true
	case len(h) >= 96 && (has("hsqs") || has("sqsh")) && squashfs(h):
		return container("squashfs"), true
	case len(h) >= 32 && has("7z\xbc\xaf\x27\x1c\x00"):
		return container("7z"), true
	default:
		return detectUnmarked(b)
	}
	return Match{}, false
}

// archiveFirst are the first bytes of those that begin with their magic.
var archiveFirst = func() (t [256]bool) {
	for _, c := range []byte("\x1f\xfdB\x28PQRSTUVWXYZ[\\]^_\x04\x02L\x89JC!\xed0\xc7q\x0dhs7") {
		t[c] = true
	}
	return t
}()

// detectUnmarked recognises those that begin with anything.
func detectUnmarked(b Blob) (Match, bool) {
	h := b.B
	switch {
	case len(h) >= 262 && TarHeader(h):
		return container("tar"), true
	case len(h) >= 32774 && string(h[32769:32774]) == "CD001":
		return container("iso9660"), true
	case fatBoot(b):
		return container("fat"), true
	case lzmaAlone(b):
		return container("lzma"), true
	}
	return Match{}, false
}

// skipsTo follows skippable frames (zstd and lz4 share them) to a magic.
func skipsTo(b Blob, magic string) bool {
	off := uint64(0)
	for range 16 {
		h := b.at(off, 8)
		if h == nil {
			return false
		}
		if string(h[:4]) == magic {
			return true
		}
		if h[0]&0xf0 != 0x50 || string(h[1:4]) != "\x2a\x4d\x18" {
			return false
		}
		off += 8 + uint64(le.Uint32(h[4:]))
	}
	return false
}

func isHex(b []byte) bool {
	for _, c := range b {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') && (c < 'A' || c > 'F') {
			return false
		}
	}
	return true
}

func isOctal(b []byte) bool {
	for _, c := range b {
		if c < '0' || c > '7' {
			return false
		}
	}
	return true
}

// binCpio checks an old binary cpio header: the name's length against its
// terminating zero.
func binCpio(h []byte) bool {
	order := le.Uint16
	if h[0] == 0x71 {
		order = be.Uint16
	}
	n := int(order(h[20:]))
	return n > 1 && n < 4096 && 26+n <= len(h) && h[26+n-1] == 0 && bytes.IndexByte(h[26:26+n], 0) == n-1
}

// squashfs checks the superblock: the block size against its logarithm and the
// major version (kernel Documentation/filesystems/squashfs.rst).
func squashfs(h []byte) bool {
	order := le.Uint32
	half := le.Uint16
	if h[0] == 's' {
		order, half = be.Uint32, be.Uint16
	}
	major := half(h[28:])
	if major < 4 {
		return major > 0
	}
	log := half(h[22:])
	return major == 4 && log >= 12 && log <= 20 && order(h[12:]) == 1<<log
}

// fatBoot checks the BIOS parameter block of a FAT volume (Microsoft's FAT
// specification, section 3.1).
func fatBoot(b Blob) bool {
	h := b.B
	if len(h) < 512 || h[510] != 0x55 || h[511] != 0xaa || (h[0] != 0xeb || h[2] != 0x90) && h[0] != 0xe9 {
		return false
	}
	sector, cluster, reserved := le.Uint16(h[11:]), h[13], le.Uint16(h[14:])
	if sector < 512 || sector > 4096 || sector&(sector-1) != 0 || cluster == 0 || cluster&(cluster-1) != 0 || reserved == 0 {
		return false
	}
	if fats := h[16]; fats == 0 || fats > 2 || h[21] < 0xf0 && h[21] != 0xf0 {
		return false
	}
	return string(h[54:57]) == "FAT" || string(h[82:85]) == "FAT" || h[21] >= 0xf8 || h[21] == 0xf0
}

// lzmaAlone checks the header of the old .lzma format, which has no magic: the
// properties byte, a dictionary size that encoders write, and a size that is
// unknown or plausible.
func lzmaAlone(b Blob) bool {
	h := b.B
	if len(h) < 18 || h[0] >= 9*5*5 || h[0] != 0x5d && h[0] != 0x6d && h[0] != 0x5e && h[0] != 0x51 || h[13] != 0 {
		return false
	}
	dict := le.Uint32(h[1:])
	if dict < 1<<12 || dict > 1<<30 {
		return false
	}
	// A power of two, or the sum of two neighbouring ones.
	for n := uint32(12); n <= 30; n++ {
		if dict == 1<<n || dict == 1<<n+1<<(n-1) {
			size := le.Uint64(h[5:])
			return size == 1<<64-1 || size < 1<<38 && (b.Size < 0 || size >= uint64(b.Size)/4)
		}
	}
	return false
}
