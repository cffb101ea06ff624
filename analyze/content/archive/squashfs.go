package archive

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// Squashfs reads squashfs 4 images (kernel
// Documentation/filesystems/squashfs.rst) in the order of their directories.
// It is ours because the files of an image are many and small: the library at
// hand takes 0.85 ms each, and trusts the sizes in the image.
type Squashfs struct {
	r     io.ReaderAt
	size  int64
	sb    squashSuper
	codec blockCodec
	meta  map[int64]metaBlock // decompressed metadata, a few at a time
	frag  struct {
		off  int64
		data []byte
	}
	stack []squashDir
	seen  map[uint64]bool // directories, by inode reference
	cover Cover
	// frags covers fragment i from byte i times the block size on.
	frags Cover
	ended bool
	parts []Span // of frags, left for the end
	given int
}

// Cover implements Covering. The tables of inodes and directories count as
// understood: they hold numbers, names and the targets of links.
func (s *Squashfs) Cover() *Cover { return &s.cover }

type squashSuper struct {
	Magic, Inodes, Mtime, BlockSize, Fragments                           uint32
	Compression, BlockLog, Flags, IDs, Major, Minor                      uint16
	Root, Used, IDTable, Xattrs, InodeTable, DirTable, FragTable, Lookup uint64
}

type metaBlock struct {
	data []byte
	next int64
}

// squashDir is a directory being listed.
type squashDir struct {
	path    string
	entries []squashEntry
}

type squashEntry struct {
	name string
	ref  uint64
}

// Bounds on what an image may ask for.
const (
	maxMetaCache  = 64
	maxSquashDir  = 16 << 20 // bytes of one directory's listing
	maxSquashDeep = 512
	maxBlock      = 1 << 20
)

// NewSquashfs reads the superblock.
func NewSquashfs(r io.ReaderAt, size int64) (*Squashfs, error) {
	s := &Squashfs{r: r, size: size, meta: map[int64]metaBlock{}, seen: map[uint64]bool{}}
	h := make([]byte, 96)
	if _, err := r.ReadAt(h, 0); err != nil {
		return nil, fmt.Errorf("%w: superblock: %w", ErrFormat, err)
	}
	if err := binary.Read(bytes.NewReader(h), binary.LittleEndian, &s.sb); err != nil {
		return nil, err
	}
	switch {
	case string(h[:4]) != "hsqs":
		return nil, errors.New("big-endian or vendor squashfs")
	case s.sb.Major != 4:
		return nil, fmt.Errorf("squashfs version %d.%d", s.sb.Major, s.sb.Minor)
	case s.sb.BlockSize > maxBlock || s.sb.BlockSize < 4096 || s.sb.BlockSize&(s.sb.BlockSize-1) != 0:
		return nil, fmt.Errorf("%w: blocks of %d bytes", ErrFormat, s.sb.BlockSize)
	}
	var err error
	if s.codec, err = squashCodec(s.sb.Compression); err != nil {
		return nil, err
	}
	s.frag.off = -1
	s.tables()
	if err := s.enter("", s.sb.Root); err != nil {
		return nil, err
	}
	return s, nil
}

// Files is where the tables begin, behind the blocks of all files.
func (s *Squashfs) Files() int64 { return int64(min(s.sb.InodeTable, uint64(s.size))) }

// block reads and decompresses n stored bytes at off into at most limit.
func (s *Squashfs) block(off, n int64, packed bool, limit int) ([]byte, error) {
	if off < 0 || n < 0 || off > s.size-n || n > maxBlock+(maxBlock>>4) {
		return nil, fmt.Errorf("%w: block of %d bytes at byte %d", ErrFormat, n, off)
	}
	b := make([]byte, n)
	if _, err := s.r.ReadAt(b, off); err != nil {
		return nil, fmt.Errorf("reading block at byte %d: %w", off, err)
	}
	if !packed {
		if len(b) > limit {
			return nil, fmt.Errorf("%w: block of %d bytes at byte %d", ErrFormat, n, off)
		}
		return b, nil
	}
	out, err := s.codec(b, limit)
	if err != nil {
		return nil, fmt.Errorf("%w: block at byte %d: %w", ErrFormat, off, err)
	}
	return out, nil
}

// metadata returns the metadata block at off.
func (s *Squashfs) metadata(off int64) (metaBlock, error) {
	if m, ok := s.meta[off]; ok {
		return m, nil
	}
	var h [2]byte
	if _, err := s.r.ReadAt(h[:], off); off < 0 || err != nil {
		return metaBlock{}, fmt.Errorf("%w: metadata at byte %d", ErrFormat, off)
	}
	n := binary.LittleEndian.Uint16(h[:])
	b, err := s.block(off+2, int64(n&0x7fff), n&0x8000 == 0, 8192)
	if err != nil {
		return metaBlock{}, err
	}
	if len(s.meta) >= maxMetaCache {
		clear(s.meta)
	}
	m := metaBlock{b, off + 2 + int64(n&0x7fff)}
	s.meta[off] = m
	return m, nil
}

// metaReader reads on over the ends of metadata blocks.
type metaReader struct {
	s   *Squashfs
	off int64
	pos int
}

func (m *metaReader) read(n int) ([]byte, error) {
	out := make([]byte, 0, n)
	for len(out) < n {
		b, err := m.s.metadata(m.off)
		if err != nil {
			return nil, err
		}
		if m.pos >= len(b.data) {
			if len(b.data) == 0 {
				return nil, fmt.Errorf("%w: empty metadata", ErrFormat)
			}
			m.off, m.pos = b.next, m.pos-len(b.data)
			continue
		}
		k := min(n-len(out), len(b.data)-m.pos)
		out = append(out, b.data[m.pos:m.pos+k]...)
		m.pos += k
	}
	return out, nil
}

func (s *Squashfs) inode(ref uint64) (*metaReader, uint16, uint16, error) {
	m := &metaReader{s: s, off: int64(s.sb.InodeTable + ref>>16&0xffffffff), pos: int(ref & 0xffff)}
	h, err := m.read(16)
	if err != nil {
		return nil, 0, 0, err
	}
	return m, binary.LittleEndian.Uint16(h), binary.LittleEndian.Uint16(h[2:]), nil
}

// enter lists a directory.
func (s *Squashfs) enter(path string, ref uint64) error {
	if s.seen[ref] || len(s.stack) >= maxSquashDeep {
		return fmt.Errorf("%w: directory %q within itself or too deep", ErrFormat, path)
	}
	s.seen[ref] = true
	m, typ, _, err := s.inode(ref)
	if err != nil {
		return err
	}
	le := binary.LittleEndian
	var start, size, off uint32
	switch typ {
	case 1:
		b, err := m.read(16)
		if err != nil {
			return err
		}
		start, size, off = le.Uint32(b), uint32(le.Uint16(b[8:])), uint32(le.Uint16(b[10:]))
	case 8:
		b, err := m.read(24)
		if err != nil {
			return err
		}
		size, start, off = le.Uint32(b[4:]), le.Uint32(b[8:]), uint32(le.Uint16(b[18:]))
	default:
		return fmt.Errorf("%w: inode of type %d where a directory should be", ErrFormat, typ)
	}
	d := squashDir{path: path}
	if size > maxSquashDir {
		return fmt.Errorf("%w: directory of %d bytes", ErrFormat, size)
	}
	m = &metaReader{s: s, off: int64(s.sb.DirTable) + int64(start), pos: int(off)}
	for left := int64(size) - 3; left > 0; {
		h, err := m.read(12)
		if err != nil {
			return err
		}
		left -= 12
		for range int64(le.Uint32(h)) + 1 {
			if left <= 0 {
				break
			}
			e, err := m.read(8)
			if err != nil {
				return err
			}
			name, err := m.read(int(le.Uint16(e[6:])) + 1)
			if err != nil {
				return err
			}
			left -= 8 + int64(len(name))
			d.entries = append(d.entries, squashEntry{string(name), uint64(le.Uint32(h[4:]))<<16 | uint64(le.Uint16(e))})
		}
	}
	s.stack = append(s.stack, d)
	return nil
}

// Next implements Reader; the entries have a Source, not a Body.
func (s *Squashfs) Next() (*Entry, error) {
	for len(s.stack) > 0 {
		d := &s.stack[len(s.stack)-1]
		if len(d.entries) == 0 {
			s.stack = s.stack[:len(s.stack)-1]
			continue
		}
		x := d.entries[0]
		d.entries = d.entries[1:]
		path := x.name
		if d.path != "" {
			path = d.path + "/" + x.name
		}
		m, typ, mode, err := s.inode(x.ref)
		if err != nil {
			return &Entry{Name: path, Note: err.Error()}, nil
		}
		e := &Entry{Name: path, Executable: mode&0o111 != 0}
		switch typ {
		case 1, 8:
			if err := s.enter(path, x.ref); err != nil {
				e.Note = err.Error()
			}
		case 2, 9:
			if err := s.file(m, typ, e); err != nil {
				e.Note = err.Error()
			}
		case 3, 10:
			if b, err := m.read(8); err != nil {
				e.Note = err.Error()
			} else if n := binary.LittleEndian.Uint32(b[4:]); n > 4096 {
				e.Note = fmt.Sprintf("a link of %d bytes was not looked at", n)
			}
		}
		return e, nil
	}
	return s.left()
}
