package format

import (
	"hash/crc32"
	"strings"
)

// sealed are containers that no reader here opens: they are reported as such,
// so that nothing in them passes for looked at.
var sealed = []magic{
	{0, "xar!\x00\x1c", "xar"},
	{0, "QFI\xfb", "qcow2"},
	{0, "KDMV\x01\x00\x00\x00", "vmdk"},
	{0, "KDMV\x02\x00\x00\x00", "vmdk"},
	{0, "KDMV\x03\x00\x00\x00", "vmdk"},
	{0, "vhdxfile", "vhdx"},
	{0, "conectix", "vhd"},
	{0, "QED\x00\x00\x00\x01\x00", "qed"},
	{0, "WithoutFreeSpace", "parallels"},
	{0, "WithouFreSpacExt", "parallels"},
	{64, "\x7f\x10\xda\xbe\x01\x00\x01\x00", "vdi"},
	{0, "LUKS\xba\xbe\x00\x01", "luks"},
	{0, "LUKS\xba\xbe\x00\x02", "luks"},
	{512, "LABELONE", "lvm2"},
	{512, "EFI PART", "disk-image"},
	{0, "UBI#\x01", "ubi"},
	{0, "\x31\x18\x10\x06", "ubifs"},
	{0, "XFSB", "xfs"},
	{64, "_BHRfS_M", "btrfs"},
	{0x10040, "_BHRfS_M", "btrfs"},
	{0x10034, "ReIsEr2Fs", "reiserfs"},
	{0x10034, "ReIsEr3Fs", "reiserfs"},
	{0x8000, "JFS1\x01\x00\x00\x00", "jfs"},
	{0x8000, "JFS1\x02\x00\x00\x00", "jfs"},
	{0x8001, "BEA01\x01", "udf"},
	{3, "NTFS    ", "ntfs"},
	{3, "EXFAT   ", "exfat"},
	{1024, "H+\x00\x04", "hfsplus"},
	{1024, "HX\x00\x05", "hfsplus"},
	{32, "NXSB", "apfs"},
	{0, "\x45\x3d\xcd\x28", "cramfs"},
	{0, "-rom1fs-", "romfs"},
	{1024, "\xe2\xe1\xf5\xe0", "erofs"},
	{1024, "\x10\x20\xf5\xf2", "f2fs"},
	{0, "MSWIM\x00\x00\x00\xd0\x00\x00\x00", "wim"},
	{0, "PACK\x00\x00\x00\x02", "git-pack"},
	{0, "PACK\x00\x00\x00\x03", "git-pack"},
	{0, "# v2 git bundle\n", "git-bundle"},
	{0, "# v3 git bundle\n", "git-bundle"},
	{0, "Rar!\x1a\x07\x00", "rar4"},
	{0, "Rar!\x1a\x07\x01\x00", "rar"},
	{0, "MSCF\x00\x00\x00\x00", "cab"},
	{0, "ISc(", "installshield-cab"},
	{0, "LRZI\x00", "lrzip"},
	{0, "RZIP\x02", "rzip"},
	{0, "7kSt\xa0\x31\x83\xd3\x8c\xb2\x28\xb0\xd3zPQ", "zpaq"},
	{20, "\xdc\xa7\xc4\xfd", "zoo"},
	{7, "**ACE**", "ace"},
	{0, "StuffIt (c)1997-", "stuffit"},
	{0, "\xff\x06\x00\x00sNaPpY", "snappy"},
	{0, "pbzx\x00\x00", "pbzx"},
	{0, "\xca\xfe\xd0\x0d\x07\x00", "pack200"},
	{0, "\xca\xfe\xd0\x0d\x07\x96", "pack200"},
	{0, "\xca\xfe\xd0\x0d\x01\xa0", "pack200"},
	{0, "ANDROID!", "android-boot-image"},
	{0, "\x3a\xff\x26\xed", "android-sparse-image"},
	{0, "ITSF\x03\x00\x00\x00", "chm"},
	{0, "CrAU\x00\x00\x00\x00\x00\x00\x00\x02", "android-update"},
}

// Plain is true of those containers of which much lies in them as it is, so
// that it can be found without knowing where.
func Plain(name string) bool {
	switch name {
	case "ntfs", "exfat", "hfsplus", "apfs", "udf", "jfs", "reiserfs", "xfs", "btrfs", "f2fs", "erofs", "nilfs2", "romfs", "jffs2", "lvm2",
		"vdi", "qed", "parallels", "vhd", "vhdx", "vmdk", "zoo", "arj":
		return true
	}
	return false
}

func detectSealed(b Blob) (Match, bool) {
	h := b.B
	for i := range sealedBy[h[0]] {
		if m := &sealedBy[h[0]][i]; m.in(h) {
			return container(m.name), true
		}
	}
	switch {
	// The superblock of ext2 to ext4: its magic, a known revision, and a
	// block size (kernel Documentation/filesystems/ext4/super.rst).
	case len(h) >= 1024+264 && le.Uint16(h[1024+56:]) == 0xef53 && le.Uint32(h[1024+76:]) <= 1 && le.Uint32(h[1024+24:]) <= 6:
		return container("ext"), true
	// NILFS2: revision 2 and the magic (kernel include/uapi/linux/nilfs2_ondisk.h).
	case len(h) >= 2048 && le.Uint32(h[1024:]) == 2 && h[1030] == 0x34 && h[1031] == 0x34:
		return container("nilfs2"), true
	case partitioned(b):
		return container("disk-image"), true
	case len(h) >= 7 && string(h[2:5]) == "-lh" && h[6] == '-' && strings.IndexByte("01234567d", h[5]) >= 0:
		return container("lha"), true
	case isARJ(h):
		return container("arj"), true
	case isJFFS2(h):
		return container("jffs2"), true
	}
	return Match{}, false
}

// isARJ checks the sum of an archive's main header (arj's technote.txt).
func isARJ(h []byte) bool {
	if len(h) < 40 || h[0] != 0x60 || h[1] != 0xea {
		return false
	}
	n := int(le.Uint16(h[2:]))
	return n >= 30 && n <= 2600 && len(h) >= 8+n && crc32.ChecksumIEEE(h[4:4+n]) == le.Uint32(h[4+n:])
}

// isJFFS2 checks the first node of a JFFS2 file system by its sum, in either
// order of bytes (kernel include/uapi/linux/jffs2.h): a CRC-32 that begins with
// 0 and is not inverted.
func isJFFS2(h []byte) bool {
	if len(h) < 12 || string(h[:2]) != "\x85\x19" && string(h[:2]) != "\x19\x85" {
		return false
	}
	want := le.Uint32(h[8:])
	if h[0] == 0x19 {
		want = be.Uint32(h[8:])
	}
	return ^crc32.Update(^uint32(0), crc32.IEEETable, h[:8]) == want
}
