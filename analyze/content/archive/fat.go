package archive

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"strings"
	"unicode/utf16"
)

// FAT reads FAT12, FAT16 and FAT32 volumes with long names (Microsoft,
// "FAT: General Overview of On-Disk Format", 1.03).
type FAT struct {
	r        io.ReaderAt
	size     int64
	bits     int
	cluster  int64 // bytes
	fat      int64 // offset of the first table
	data     int64 // offset of cluster 2
	clusters uint32
	stack    []fatDir
	seen     map[uint32]bool
	cover    Cover
	behind   []*Entry // the ends of directories
}

// Cover implements Covering. Not accounted for are the sectors before the first
// table, its copies, clusters without a file, and the ends of the last clusters
// of files.
func (f *FAT) Cover() *Cover { return &f.cover }

type fatDir struct {
	path    string
	entries []fatEntry
}

type fatEntry struct {
	name  string
	first uint32
	size  int64
	dir   bool
}

// maxFATDir bounds one directory: 65,536 entries are the format's limit.
const maxFATDir = 65536 * 32 * 2

// NewFAT reads the boot sector and the root directory.
func NewFAT(r io.ReaderAt, size int64) (*FAT, error) {
	h := make([]byte, 512)
	if _, err := r.ReadAt(h, 0); err != nil {
		return nil, fmt.Errorf("%w: boot sector: %w", ErrFormat, err)
	}
	le := binary.LittleEndian
	sector, per, reserved := int64(le.Uint16(h[11:])), int64(h[13]), int64(le.Uint16(h[14:]))
	fats, roots := int64(h[16]), int64(le.Uint16(h[17:]))
	total, fatsz := int64(le.Uint16(h[19:])), int64(le.Uint16(h[22:]))
	if total == 0 {
		total = int64(le.Uint32(h[32:]))
	}
	if fatsz == 0 {
		fatsz = int64(le.Uint32(h[36:]))
	}
	if sector < 512 || sector > 4096 || per == 0 || fats == 0 || fatsz == 0 || total == 0 {
		return nil, fmt.Errorf("%w: boot sector", ErrFormat)
	}
	rootAt := (reserved + fats*fatsz) * sector
	f := &FAT{r: r, size: size, cluster: per * sector, fat: reserved * sector, seen: map[uint32]bool{}}
	f.data = rootAt + (roots*32+sector-1)/sector*sector
	n := (total*sector - f.data) / f.cluster
	if n < 0 || n > 0x0ffffff5 {
		return nil, fmt.Errorf("%w: boot sector", ErrFormat)
	}
	f.clusters = uint32(n)
	switch {
	case n < 4085:
		f.bits = 12
	case n < 65525:
		f.bits = 16
	default:
		f.bits = 32
	}
	var root []byte
	var err error
	if fatsz16 := le.Uint16(h[22:]); fatsz16 == 0 {
		f.bits = 32
		root, err = io.ReadAll(io.LimitReader(f.chain(le.Uint32(h[44:]), 1<<62), maxFATDir))
	} else {
		root = make([]byte, roots*32)
		_, err = r.ReadAt(root, rootAt)
		f.cover.Add(rootAt, roots*32)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: root directory: %w", ErrFormat, err)
	}
	f.cover.Add(0, 512)
	f.cover.Add(f.fat, fatsz*sector)
	f.list("", root)
	return f, nil
}

// list begins a directory. What lies behind its end is given as a file.
func (f *FAT) list(path string, b []byte) {
	entries, used := parseFATDir(b)
	f.stack = append(f.stack, fatDir{path: path, entries: entries})
	if len(bytes.Trim(b[used:], "\x00")) > 0 {
		if path != "" {
			path += "/"
		}
		f.behind = append(f.behind, &Entry{
			Name: path + "[behind the directory's end]", Regular: true, Part: true, Size: int64(len(b) - used), Source: &memory{b[used:]},
		})
	}
}

// next follows a chain; ok is false at its end and for a bad entry.
func (f *FAT) next(c uint32) (uint32, bool) {
	var b [4]byte
	var v uint32
	switch f.bits {
	case 12:
		if _, err := f.r.ReadAt(b[:2], f.fat+int64(c)+int64(c)/2); err != nil {
			return 0, false
		}
		v = uint32(binary.LittleEndian.Uint16(b[:]))
		if c&1 == 1 {
			v >>= 4
		}
		v &= 0xfff
	case 16:
		if _, err := f.r.ReadAt(b[:2], f.fat+int64(c)*2); err != nil {
			return 0, false
		}
		v = uint32(binary.LittleEndian.Uint16(b[:]))
	default:
		if _, err := f.r.ReadAt(b[:], f.fat+int64(c)*4); err != nil {
			return 0, false
		}
		v = binary.LittleEndian.Uint32(b[:]) & 0x0fffffff
	}
	return v, v >= 2 && v-2 < f.clusters
}

// fatChain reads the clusters of a chain.
type fatChain struct {
	f     *FAT
	c     uint32
	pos   int64 // in the cluster
	left  int64 // of the file
	steps uint32
}

func (f *FAT) chain(first uint32, size int64) *fatChain {
	return &fatChain{f: f, c: first, left: size}
}

// Read implements io.Reader.
func (c *fatChain) Read(p []byte) (int, error) {
	if c.left == 0 {
		return 0, io.EOF
	}
	if c.c < 2 || c.c-2 >= c.f.clusters {
		return 0, c.end()
	}
	if c.pos == c.f.cluster {
		n, ok := c.f.next(c.c)
		c.steps++
		if !ok || c.steps > c.f.clusters { // a loop has more steps than there are clusters
			return 0, c.end()
		}
		c.c, c.pos = n, 0
	}
	p = p[:min(int64(len(p)), c.f.cluster-c.pos, c.left)]
	at := c.f.data + int64(c.c-2)*c.f.cluster + c.pos
	n, err := c.f.r.ReadAt(p, at)
	c.f.cover.Add(at, int64(n))
	c.pos += int64(n)
	c.left -= int64(n)
	if n > 0 {
		err = nil
	}
	return n, err
}

// end is io.EOF for a directory, whose size is not recorded.
func (c *fatChain) end() error {
	if c.left > 1<<40 {
		return io.EOF
	}
	return fmt.Errorf("%w: cluster chain ends %d bytes early", ErrFormat, c.left)
}

// parseFATDir reads the entries of a directory, joining long names, and
// returns how long they are.
func parseFATDir(b []byte) (out []fatEntry, used int) {
	var long []uint16
	le := binary.LittleEndian
	for ; len(b) >= 32 && b[0] != 0; b = b[32:] {
		used += 32
		e := b[:32]
		attr := e[11]
		switch {
		case e[0] == 0xe5:
			long = nil
		case attr&0x3f == 0x0f:
			if e[0]&0x40 != 0 {
				long = nil
			}
			var part []uint16
			for _, at := range [...]int{1, 3, 5, 7, 9, 14, 16, 18, 20, 22, 24, 28, 30} {
				part = append(part, le.Uint16(e[at:]))
			}
			if len(long) < 20*13 {
				long = append(part, long...)
			}
		default:
			name := fatName(e, long)
			long = nil
			if attr&8 != 0 || name == "." || name == ".." || name == "" {
				continue // a volume's label
			}
			out = append(out, fatEntry{
				name: name, dir: attr&0x10 != 0, size: int64(le.Uint32(e[28:])),
				first: uint32(le.Uint16(e[20:]))<<16 | uint32(le.Uint16(e[26:])),
			})
		}
	}
	return out, used
}

// fatName is the long name where there is one, and otherwise the short one in
// the case that Windows NT marks.
func fatName(e []byte, long []uint16) string {
	if len(long) > 0 {
		for i, u := range long {
			if u == 0 {
				long = long[:i]
				break
			}
		}
		return string(utf16.Decode(long))
	}
	base, ext := strings.TrimRight(string(e[:8]), " "), strings.TrimRight(string(e[8:11]), " ")
	if e[12]&0x08 != 0 {
		base = strings.ToLower(base)
	}
	if e[12]&0x10 != 0 {
		ext = strings.ToLower(ext)
	}
	if ext != "" {
		return base + "." + ext
	}
	return base
}

// Next implements Reader; the entries have a Source.
func (f *FAT) Next() (*Entry, error) {
	for len(f.stack) > 0 {
		d := &f.stack[len(f.stack)-1]
		if len(d.entries) == 0 {
			f.stack = f.stack[:len(f.stack)-1]
			continue
		}
		x := d.entries[0]
		d.entries = d.entries[1:]
		first := x.first
		if f.bits != 32 {
			first &= 0xffff
		}
		e := &Entry{Name: x.name}
		if d.path != "" {
			e.Name = d.path + "/" + x.name
		}
		if !x.dir {
			e.Regular, e.Size, e.Source = true, x.size, f.chain(first, x.size)
			return e, nil
		}
		if f.seen[first] || len(f.stack) > 256 {
			e.Note = "a directory within itself or too deep"
			return e, nil
		}
		f.seen[first] = true
		b, err := io.ReadAll(io.LimitReader(f.chain(first, 1<<62), maxFATDir))
		if err != nil {
			e.Note = err.Error()
		}
		f.list(e.Name, b)
		return e, nil
	}
	if len(f.behind) > 0 {
		e := f.behind[0]
		f.behind = f.behind[1:]
		return e, nil
	}
	return nil, io.EOF
}
