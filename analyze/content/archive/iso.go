package archive

import (
	"encoding/binary"
	"fmt"
	"io"
	"strings"
	"unicode/utf16"
)

const isoSector = 2048

// ISO reads ISO 9660 images (ECMA-119) with Rock Ridge or Joliet names, the
// boot images of an El Torito catalogue that are no files of the tree, and the
// system area in front where it holds boot code.
type ISO struct {
	r      io.ReaderAt
	size   int64
	joliet bool
	skip   int  // bytes before the system use entries (SUSP "SP")
	rock   bool // names come from Rock Ridge
	stack  []isoDir
	seen   map[int64]bool // extents of directories
	files  map[int64]bool // extents of files
	boot   []*Entry
	begun  bool
	cover  Cover
}

// Cover implements Covering. Not accounted for are: the names for other systems
// than those that are read (Joliet's, UDF's), tables of paths, the catalogue,
// and whatever else lies between the files.
func (i *ISO) Cover() *Cover { return &i.cover }

type isoDir struct {
	path    string
	records []isoRecord
}

type isoRecord struct {
	name       string
	off, size  int64
	dir, more  bool
	exec, link bool
	packed     bool // zisofs
}

// maxISODir bounds one directory's extent.
const maxISODir = 64 << 20

// NewISO reads the volume descriptors.
func NewISO(r io.ReaderAt, size int64) (*ISO, error) {
	i := &ISO{r: r, size: size, seen: map[int64]bool{}, files: map[int64]bool{}}
	var root, joliet []byte
	var catalog int64 = -1
	for n := int64(16); n < 16+64; n++ {
		d := make([]byte, isoSector)
		if _, err := r.ReadAt(d, n*isoSector); err != nil {
			break
		}
		if string(d[1:6]) != "CD001" {
			break
		}
		i.cover.Add(n*isoSector, isoSector)
		if d[0] == 255 {
			break
		}
		switch {
		case d[0] == 1 && root == nil:
			root = d[156:190]
		case d[0] == 2 && d[88] == '%' && d[89] == '/' && joliet == nil:
			joliet = d[156:190]
		case d[0] == 0 && strings.HasPrefix(string(d[7:39]), "EL TORITO SPECIFICATION"):
			catalog = int64(binary.LittleEndian.Uint32(d[0x47:])) * isoSector
		}
	}
	if root == nil {
		return nil, fmt.Errorf("%w: no primary volume descriptor", ErrFormat)
	}
	rec := i.record(root)
	i.probe(rec)
	if !i.rock && joliet != nil {
		i.joliet = true
		rec = i.record(joliet)
	}
	if err := i.enter("", rec); err != nil {
		return nil, err
	}
	if catalog >= 0 {
		i.catalogue(catalog)
	}
	return i, nil
}

// probe looks at the root's own record for the mark of SUSP and Rock Ridge.
func (i *ISO) probe(root isoRecord) {
	b := make([]byte, isoSector)
	if _, err := i.r.ReadAt(b, root.off); err != nil {
		return
	}
	n := int(b[0])
	if n < 34 {
		return
	}
	su := b[34:n]
	for len(su) >= 7 {
		if string(su[:2]) == "SP" && su[4] == 0xbe && su[5] == 0xef {
			i.rock, i.skip = true, int(su[6])
			return
		}
		if su[2] < 4 || int(su[2]) > len(su) {
			return
		}
		su = su[su[2]:]
	}
}

// record parses the fixed part of a directory record.
func (i *ISO) record(b []byte) isoRecord {
	return isoRecord{
		off:  int64(binary.LittleEndian.Uint32(b[2:])) * isoSector,
		size: int64(binary.LittleEndian.Uint32(b[10:])),
		dir:  b[25]&2 != 0, more: b[25]&0x80 != 0,
	}
}

// enter lists a directory.
func (i *ISO) enter(path string, dir isoRecord) error {
	if i.seen[dir.off] || len(i.stack) > 256 {
		return fmt.Errorf("%w: directory %q within itself or too deep", ErrFormat, path)
	}
	i.seen[dir.off] = true
	if dir.size > maxISODir || dir.off > i.size-dir.size {
		return fmt.Errorf("%w: directory %q of %d bytes", ErrFormat, path, dir.size)
	}
	b := make([]byte, dir.size)
	if _, err := i.r.ReadAt(b, dir.off); err != nil {
		return fmt.Errorf("directory %q: %w", path, err)
	}
	i.cover.Add(dir.off, dir.size)
	d := isoDir{path: path}
	for p := 0; p+34 <= len(b); {
		n := int(b[p])
		if n == 0 { // records do not cross sectors
			p = (p/isoSector + 1) * isoSector
			continue
		}
		if n < 34 || p+n > len(b) || 33+int(b[p+32]) > n {
			return fmt.Errorf("%w: record in directory %q", ErrFormat, path)
		}
		rec := i.named(b[p : p+n])
		p += n
		if rec.name == "" {
			continue
		}
		// A file of several extents has a record for each.
		if k := len(d.records); k > 0 && d.records[k-1].more && d.records[k-1].name == rec.name &&
			d.records[k-1].off+(d.records[k-1].size+isoSector-1)/isoSector*isoSector == rec.off {
			d.records[k-1].size += rec.size
			d.records[k-1].more = rec.more
			continue
		}
		d.records = append(d.records, rec)
	}
	i.stack = append(i.stack, d)
	return nil
}

// named parses a whole record; "." and ".." get no name.
func (i *ISO) named(b []byte) isoRecord {
	rec := i.record(b)
	id := b[33 : 33+int(b[32])]
	if len(id) == 1 && id[0] <= 1 {
		return rec
	}
	if i.joliet {
		u := make([]uint16, len(id)/2)
		for k := range u {
			u[k] = binary.BigEndian.Uint16(id[2*k:])
		}
		rec.name = string(utf16.Decode(u))
	} else {
		rec.name = string(id)
	}
	rec.name, _, _ = strings.Cut(rec.name, ";")
	rec.name = strings.TrimSuffix(rec.name, ".")
	if i.rock {
		su := 33 + len(id) + (len(id)+1)&1 + i.skip
		if su < len(b) {
			i.rockRidge(b[su:], &rec)
		}
	}
	return rec
}

// rockRidge reads the system use entries: NM the name, PX the mode, SL a
// symbolic link, ZF compressed contents, CE more entries elsewhere.
func (i *ISO) rockRidge(su []byte, rec *isoRecord) {
	name := ""
	for hops := 0; len(su) >= 4; {
		n := int(su[2])
		if n < 4 || n > len(su) {
			break
		}
		e := su[:n]
		su = su[n:]
		switch string(e[:2]) {
		case "NM":
			if n >= 5 && len(name) < MaxName {
				name += string(e[5:])
			}
		case "PX":
			if n >= 8 {
				mode := binary.LittleEndian.Uint32(e[4:])
				rec.exec = mode&0o111 != 0
				rec.link = mode&0o170000 != 0o100000 && mode&0o170000 != 0o040000
			}
		case "SL":
			rec.link = true
		case "ZF":
			rec.packed = true
		case "CE":
			if n < 28 || hops > 16 {
				break
			}
			hops++
			at := int64(binary.LittleEndian.Uint32(e[4:]))*isoSector + int64(binary.LittleEndian.Uint32(e[12:]))
			more := make([]byte, min(binary.LittleEndian.Uint32(e[20:]), isoSector))
			if _, err := i.r.ReadAt(more, at); err == nil {
				su = more
			}
		case "ST":
			su = nil
		}
	}
	if name != "" {
		rec.name = name
	}
}

// Next implements Reader; the entries have a Source at a known place.
func (i *ISO) Next() (*Entry, error) {
	if !i.begun {
		i.begun = true
		mbr := make([]byte, 512)
		if _, err := i.r.ReadAt(mbr, 0); err == nil && mbr[510] == 0x55 && mbr[511] == 0xaa {
			return i.place("[system area]", 0, 16*isoSector), nil
		}
	}
	for len(i.stack) > 0 {
		d := &i.stack[len(i.stack)-1]
		if len(d.records) == 0 {
			i.stack = i.stack[:len(i.stack)-1]
			continue
		}
		rec := d.records[0]
		d.records = d.records[1:]
		path := rec.name
		if d.path != "" {
			path = d.path + "/" + rec.name
		}
		if rec.dir {
			e := &Entry{Name: path}
			if err := i.enter(path, rec); err != nil {
				e.Note = err.Error()
			}
			return e, nil
		}
		if rec.link {
			return &Entry{Name: path}, nil
		}
		i.files[rec.off] = true
		e := i.place(path, rec.off, rec.size)
		e.Executable = rec.exec
		if rec.packed {
			e.Note = "compressed by zisofs: looked at as it is stored"
		}
		return e, nil
	}
	for len(i.boot) > 0 {
		e := i.boot[0]
		i.boot = i.boot[1:]
		if !i.files[e.At] {
			return i.place(e.Name, e.At, e.Size), nil
		}
	}
	return nil, io.EOF
}

// place is an entry for a part of the image, cut to what there is.
func (i *ISO) place(name string, off, size int64) *Entry {
	e := &Entry{Name: name, Regular: true, Size: size, At: off}
	if off > i.size || size > i.size-off {
		e.Note = fmt.Sprintf("%d bytes at byte %d reach behind the image's end", size, off)
		e.Size = max(0, i.size-off)
	}
	i.cover.Add(off, e.Size)
	e.Section = io.NewSectionReader(i.r, off, e.Size)
	e.Source = e.Section
	return e
}

// catalogue lists the boot images (El Torito 1.0, sections 2.0 to 2.6).
func (i *ISO) catalogue(off int64) {
	b := make([]byte, isoSector)
	if _, err := i.r.ReadAt(b, off); err != nil || b[0] != 1 || b[30] != 0x55 || b[31] != 0xaa {
		return
	}
	for k := 1; k < isoSector/32; k++ {
		e := b[k*32 : k*32+32]
		if e[0] != 0x88 && e[0] != 0 {
			continue // a section header
		}
		at := int64(binary.LittleEndian.Uint32(e[8:])) * isoSector
		size := int64(binary.LittleEndian.Uint16(e[6:])) * 512
		switch e[1] & 0xf {
		case 1:
			size = 1200 << 10
		case 2:
			size = 1440 << 10
		case 3:
			size = 2880 << 10
		}
		if at == 0 || at >= i.size {
			continue
		}
		size = max(size, i.fatSize(at), isoSector)
		i.boot = append(i.boot, &Entry{Name: fmt.Sprintf("[boot image %d]", len(i.boot)+1), At: at, Size: min(size, i.size-at)})
	}
}

// fatSize is the size that a FAT volume at off declares, zero where none is:
// the catalogue counts sectors in 16 bits, which an EFI image exceeds.
func (i *ISO) fatSize(off int64) int64 {
	h := make([]byte, 512)
	if _, err := i.r.ReadAt(h, off); err != nil || h[510] != 0x55 || h[511] != 0xaa {
		return 0
	}
	sectors := int64(binary.LittleEndian.Uint16(h[19:]))
	if sectors == 0 {
		sectors = int64(binary.LittleEndian.Uint32(h[32:]))
	}
	return sectors * int64(binary.LittleEndian.Uint16(h[11:]))
}
