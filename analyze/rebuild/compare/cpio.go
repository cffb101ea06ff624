package compare

import (
	"errors"
	"fmt"
	"strconv"
	"time"
)

const cpioHeader = 110

// cpioMembers reads the "newc" format of initial RAM disks: an ASCII header of
// hexadecimal numbers, the name, the contents, each padded to 4 bytes (Linux:
// Documentation/driver-api/early-userspace/buffer-format.rst).
func cpioMembers(b *blob, most int) ([]member, bool, error) {
	var ms []member
	for at := int64(0); ; {
		var h [cpioHeader]byte
		if n, _ := b.ReadAt(h[:], at); n < cpioHeader || string(h[:6]) != "070701" {
			return nil, false, fmt.Errorf("no header at byte %d", at)
		}
		var v [13]int64
		for i := range v {
			n, err := strconv.ParseUint(string(h[6+8*i:14+8*i]), 16, 32)
			if err != nil {
				return nil, false, fmt.Errorf("header at byte %d: %w", at, err)
			}
			v[i] = int64(n)
		}
		const ino, mode, uid, gid, nlink, mtime, filesize, major, minor, rmajor, rminor, namesize = 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11
		if v[namesize] < 1 || v[namesize] > maxTarget+1 || !within(b, at+cpioHeader, v[namesize]) {
			return nil, false, errors.New("a name of an impossible length")
		}
		name := string(b.part(at+cpioHeader, v[namesize]).head(v[namesize] - 1))
		off := (at + cpioHeader + v[namesize] + 3) &^ 3
		if !within(b, off, v[filesize]) {
			return nil, false, errors.New("a cut-off member")
		}
		next := (off + v[filesize] + 3) &^ 3
		if name == "TRAILER!!!" {
			return ms, true, onlyZeros(b, min(next, b.size))
		}
		if len(ms) == most {
			return nil, false, errBudget
		}
		ms = append(ms, member{
			name: name, size: v[filesize], off: off,
			fields: []field{
				stamp("time", time.Unix(v[mtime], 0)),
				{what: "owner", name: "owner", value: fmt.Sprintf("%d:%d", v[uid], v[gid]), metadata: true},
				{what: "mode", name: "mode", value: fmt.Sprintf("%o", v[mode])},
				{what: "inode", name: "inode", value: fmt.Sprintf("%d on %d:%d, %d links", v[ino], v[major], v[minor], v[nlink]), metadata: true},
				{what: "device", name: "device", value: fmt.Sprintf("%d:%d", v[rmajor], v[rminor])},
			},
		})
		at = next
	}
}
