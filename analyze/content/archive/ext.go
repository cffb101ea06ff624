package archive

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// Ext reads ext2, ext3 and ext4 volumes: extents and block maps, 64 bit
// sizes, directories with and without an index, small files in their inode
// (kernel Documentation/filesystems/ext4). The journal is not replayed: an
// image that was not unmounted says so.
type Ext struct {
	r     io.ReaderAt
	size  int64
	block int64
	// perGroup are inodes.
	perGroup, inodes uint32
	inodeSize        int64
	descs            int64 // offset of the group descriptors
	descSize         int64
	is64             bool
	stack            []extDir
	seen             map[uint32]bool
	dirty            bool
	cover            Cover
}

// Cover implements Covering. Not accounted for are: tables of groups, inodes
// and blocks, the journal, extended attributes, free blocks, and the ends of
// the last blocks of files.
func (e *Ext) Cover() *Cover { return &e.cover }

// extDir is a directory that is being read, one block after the other.
type extDir struct {
	path  string
	runs  []extRun
	block []byte // what is left of the current one
	next  int64  // logical number of the next one
	count int64
}

// extRun is a piece of a file: count blocks from at on, number from on in the
// file.
type extRun struct{ from, at, count int64 }

type extInode struct {
	mode  uint16
	flags uint32
	size  int64
	data  [60]byte
}

// Features that change what is read here (incompat).
const (
	extCompressed = 0x1
	extRecover    = 0x4
	extJournalDev = 0x8
	extMetaGroups = 0x10
	ext64Bit      = 0x80
)

// Flags of an inode.
const (
	extEncrypted = 0x800
	extExtents   = 0x80000
	extInline    = 0x10000000
)

// maxRuns bounds the pieces of one file; maxExtDepth how deep directories
// nest.
const (
	maxRuns     = 1 << 18
	maxExtDepth = 256
)

// NewExt reads the superblock and the root directory.
func NewExt(r io.ReaderAt, size int64) (*Ext, error) {
	h := make([]byte, 1024)
	if _, err := r.ReadAt(h, 1024); err != nil {
		return nil, fmt.Errorf("%w: superblock: %w", ErrFormat, err)
	}
	le := binary.LittleEndian
	log := le.Uint32(h[24:])
	e := &Ext{
		r: r, size: size, block: 1024 << min(log, 6), perGroup: le.Uint32(h[40:]), inodes: le.Uint32(h[0:]),
		inodeSize: 128, descSize: 32, seen: map[uint32]bool{},
	}
	if le.Uint16(h[56:]) != 0xef53 || log > 6 || e.perGroup == 0 || e.inodes == 0 {
		return nil, fmt.Errorf("%w: superblock", ErrFormat)
	}
	incompat := uint32(0)
	if le.Uint32(h[76:]) > 0 {
		e.inodeSize, incompat = int64(le.Uint16(h[88:])), le.Uint32(h[96:])
	}
	if incompat&(extCompressed|extJournalDev|extMetaGroups) != 0 {
		return nil, fmt.Errorf("%w: features %#x are not read here", ErrFormat, incompat)
	}
	if e.is64 = incompat&ext64Bit != 0; e.is64 {
		e.descSize = int64(le.Uint16(h[254:]))
	}
	if e.inodeSize < 128 || e.inodeSize > e.block || e.descSize < 32 || e.descSize > 1024 || e.is64 && e.descSize < 64 {
		return nil, fmt.Errorf("%w: superblock", ErrFormat)
	}
	e.dirty = incompat&extRecover != 0
	e.supers(int64(le.Uint32(h[20:])), int64(le.Uint32(h[32:])))
	e.descs = (int64(le.Uint32(h[20:])) + 1) * e.block
	root, err := e.inode(2)
	if err != nil {
		return nil, err
	}
	return e, e.enter(2, "", root)
}

// supers covers the superblock and its copies, which begin groups: of each it
// could be said that another volume begins there.
func (e *Ext) supers(first, perGroup int64) {
	e.cover.Add(1024, 1024)
	if perGroup <= 0 {
		return
	}
	var b [2]byte
	for at := (first + perGroup) * e.block; at > 0 && at < e.size; at += perGroup * e.block {
		if _, err := e.r.ReadAt(b[:], at+56); err == nil && b == [2]byte{0x53, 0xef} {
			e.cover.Add(at, 1024)
		}
	}
}

// inode reads an inode by its number.
func (e *Ext) inode(n uint32) (*extInode, error) {
	if n == 0 || n > e.inodes {
		return nil, fmt.Errorf("%w: inode %d of %d", ErrFormat, n, e.inodes)
	}
	le := binary.LittleEndian
	group, index := int64((n-1)/e.perGroup), int64((n-1)%e.perGroup)
	d := make([]byte, e.descSize)
	if _, err := e.r.ReadAt(d, e.descs+group*e.descSize); err != nil {
		return nil, fmt.Errorf("%w: group %d: %w", ErrFormat, group, err)
	}
	table := int64(le.Uint32(d[8:]))
	if e.is64 {
		table |= int64(le.Uint32(d[40:])) << 32
	}
	at := table*e.block + index*e.inodeSize
	if table < 0 || table > e.size/e.block || at+128 > e.size {
		return nil, fmt.Errorf("%w: inode %d is behind the end", ErrFormat, n)
	}
	b := make([]byte, 128)
	if _, err := e.r.ReadAt(b, at); err != nil {
		return nil, fmt.Errorf("%w: inode %d: %w", ErrFormat, n, err)
	}
	i := &extInode{mode: le.Uint16(b), flags: le.Uint32(b[32:]), size: int64(le.Uint32(b[4:]))}
	i.size |= int64(le.Uint32(b[108:])&0x7fffffff) << 32
	copy(i.data[:], b[40:])
	return i, nil
}

// enter begins to read a directory.
func (e *Ext) enter(n uint32, path string, i *extInode) error {
	if i.mode&0xf000 != 0x4000 {
		return fmt.Errorf("%w: inode %d is no directory", ErrFormat, n)
	}
	e.seen[n] = true
	d := extDir{path: path, count: min((i.size+e.block-1)/e.block, e.size/e.block)}
	if i.flags&extInline != 0 { // after the number of the directory above
		d.block, d.count = i.data[4:60], 0
	} else {
		var err error
		if d.runs, _, err = e.runs(i); err != nil {
			return err
		}
	}
	e.stack = append(e.stack, d)
	return nil
}

// Next returns the next file.
func (e *Ext) Next() (*Entry, error) {
	if e.dirty {
		e.dirty = false
		return &Entry{Note: "the volume was not unmounted: its journal is not replayed"}, nil
	}
	for len(e.stack) > 0 {
		d := &e.stack[len(e.stack)-1]
		n, name, more := d.entry(e)
		if !more {
			e.stack = e.stack[:len(e.stack)-1]
			continue
		}
		if n == 0 || name == "." || name == ".." {
			continue
		}
		path := name
		if d.path != "" {
			path = d.path + "/" + name
		}
		i, err := e.inode(n)
		if err != nil {
			return &Entry{Name: path, Note: err.Error()}, nil
		}
		switch i.mode & 0xf000 {
		case 0x4000:
			if e.seen[n] {
				continue
			}
			if len(e.stack) >= maxExtDepth || len(path) > MaxName {
				return &Entry{Name: path[:min(len(path), MaxName)], Note: "directories nest too deep: not opened"}, nil
			}
			if err := e.enter(n, path, i); err != nil {
				return &Entry{Name: path, Note: err.Error()}, nil
			}
		case 0x8000:
			return e.file(path, i), nil
		}
	}
	return nil, io.EOF
}

// entry takes the next entry of a directory.
func (d *extDir) entry(e *Ext) (inode uint32, name string, more bool) {
	le := binary.LittleEndian
	for {
		if len(d.block) < 8 {
			if d.next >= d.count {
				return 0, "", false
			}
			b := make([]byte, e.block)
			if at := find(d.runs, d.next); at >= 0 {
				e.cover.Add(at*e.block, e.block)
				if _, err := e.r.ReadAt(b, at*e.block); err != nil && !errors.Is(err, io.EOF) {
					return 0, "", false
				}
			}
			d.block = b
			d.next++
		}
		n, length, size := le.Uint32(d.block), int(le.Uint16(d.block[4:])), int(d.block[6])
		if length < 8 || length > len(d.block) || 8+size > length {
			d.block = nil // a damaged block: the next one may be right
			continue
		}
		name = string(d.block[8 : 8+size])
		d.block = d.block[length:]
		return n, name, true
	}
}

// find returns where a block of a file is; negative for a hole.
func find(runs []extRun, n int64) int64 {
	for _, r := range runs {
		if n >= r.from && n < r.from+r.count {
			return r.at + n - r.from
		}
	}
	return -1
}

// file makes the entry of a file.
func (e *Ext) file(path string, i *extInode) *Entry {
	out := &Entry{Name: path, Regular: true, Executable: i.mode&0o111 != 0, Size: i.size}
	none := func(note string) *Entry {
		return &Entry{Name: path, Note: note}
	}
	switch {
	case i.flags&extEncrypted != 0:
		return none("encrypted")
	case i.flags&extInline != 0:
		if i.size > int64(len(i.data)) {
			return none("small file of which a part is in its attributes: not read")
		}
		out.Source = &memory{i.data[:i.size]}
		return out
	}
	runs, stored, err := e.runs(i)
	if err != nil {
		return none(err.Error())
	}
	if i.size > 0 && len(runs) == 1 && runs[0].from == 0 && runs[0].count*e.block >= i.size {
		out.At = runs[0].at * e.block
		out.Section = io.NewSectionReader(e.r, out.At, i.size)
		e.cover.Add(out.At, i.size)
		out.Source = out.Section
		return out
	}
	holes := i.size - stored*e.block
	fill := holes <= MaxHole
	if !fill {
		out.Note = fmt.Sprintf("sparse file of %d bytes: only the %d bytes that are stored were read", i.size, stored*e.block)
		out.Size = 0
	}
	var parts []io.Reader
	at := int64(0)
	for _, r := range runs {
		start := r.from * e.block
		n := min(r.count*e.block, i.size-start)
		if n <= 0 || start < at {
			continue
		}
		if fill && start > at {
			parts = append(parts, io.LimitReader(zeros{}, start-at))
		}
		parts = append(parts, io.NewSectionReader(e.r, r.at*e.block, n))
		e.cover.Add(r.at*e.block, n)
		if !fill {
			out.Size += n
		}
		at = start + n
	}
	if fill && at < i.size {
		parts = append(parts, io.LimitReader(zeros{}, i.size-at))
	}
	out.Source = io.MultiReader(parts...)
	return out
}

// memory reads bytes once.
type memory struct{ b []byte }

func (m *memory) Read(p []byte) (int, error) {
	if len(m.b) == 0 {
		return 0, io.EOF
	}
	n := copy(p, m.b)
	m.b = m.b[n:]
	return n, nil
}
