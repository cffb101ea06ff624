package content

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"

	"fromsource/analyze/content/archive"
	"fromsource/analyze/content/stream"
)

// sector is the unit of partition tables.
const sector = 512

// maxPartitions bounds how many partitions of a disk are looked at: a table of
// the new kind has 128.
const maxPartitions = 128

// partition is a piece of a disk, in bytes.
type partition struct {
	start, size int64
	name        string
}

// disk walks the partitions of a disk image and what lies between them, where
// boot loaders are.
func (w *walker) disk(n *node) error {
	at, size, undo, err := w.random(n)
	defer undo()
	if err != nil {
		return fmt.Errorf("reading disk image: %w", err)
	}
	parts, err := partitions(at, size)
	if err != nil {
		return fmt.Errorf("reading disk image: %w", err)
	}
	slices.SortStableFunc(parts, func(a, b partition) int { return cmp.Compare(a.start, b.start) })
	look := func(p partition) error {
		if err := w.entry(); err != nil {
			return err
		}
		section := io.NewSectionReader(at, p.start, p.size)
		in := stream.New(&meter{w: w, r: section, fed: func() int64 { return size }}, p.size)
		defer in.Close()
		w.file(&node{path: n.path + "/" + p.name, in: in, at: section, depth: n.depth + 1})
		return nil
	}
	// The first sector alone: with the table in it, it would be a disk again.
	if err := look(partition{0, sector, "@0"}); err != nil {
		return err
	}
	done := int64(sector)
	if gpt(at) {
		done = 2 * sector
	}
	for _, p := range append(parts, partition{start: size}) {
		if p.start > done {
			if err := look(partition{done, p.start - done, fmt.Sprintf("@%d", done)}); err != nil {
				return err
			}
		}
		if p.size == 0 {
			continue
		}
		if p.size > size-p.start {
			w.skip(n.path+"/"+p.name, "the partition ends behind the image's end")
			p.size = size - p.start
		}
		if err := look(p); err != nil {
			return err
		}
		done = max(done, p.start+p.size)
	}
	return nil
}

func gpt(at io.ReaderAt) bool {
	var b [8]byte
	_, err := at.ReadAt(b[:], sector)
	return err == nil && string(b[:]) == "EFI PART"
}

// errTable says that a partition table makes no sense.
var errTable = errors.New("malformed partition table")

// partitions reads the table of a disk of either kind (UEFI specification, 5.2
// and 5.3).
func partitions(at io.ReaderAt, size int64) ([]partition, error) {
	if gpt(at) {
		return gptPartitions(at, size)
	}
	return mbrPartitions(at, size)
}

func gptPartitions(at io.ReaderAt, size int64) ([]partition, error) {
	h := make([]byte, 92)
	if _, err := at.ReadAt(h, sector); err != nil {
		return nil, errTable
	}
	le := binary.LittleEndian
	table, count, each := int64(le.Uint64(h[72:])), le.Uint32(h[80:]), int64(le.Uint32(h[84:]))
	if table < 2 || table > size/sector || each < 128 || each > 4096 {
		return nil, errTable
	}
	var out []partition
	e := make([]byte, 48)
	for i := range int64(min(count, maxPartitions)) {
		if _, err := at.ReadAt(e, table*sector+i*each); err != nil {
			return nil, errTable
		}
		if [16]byte(e) == [16]byte{} { // an unused entry has no type
			continue
		}
		first, last := int64(le.Uint64(e[32:])), int64(le.Uint64(e[40:]))
		if first < 2 || last < first || first >= size/sector || last > 1<<53 {
			return nil, errTable
		}
		out = append(out, partition{first * sector, (last - first + 1) * sector, fmt.Sprintf("p%d", i+1)})
	}
	return out, nil
}

func mbrPartitions(at io.ReaderAt, size int64) ([]partition, error) {
	var out []partition
	// Logical partitions are a chain of tables, whose places count from the
	// first of them.
	table, extended := int64(0), int64(0)
	for range maxPartitions {
		h := make([]byte, sector)
		if _, err := at.ReadAt(h, table*sector); err != nil || h[510] != 0x55 || h[511] != 0xaa {
			return out, errTable
		}
		next := int64(0)
		for i := range 4 {
			e := h[446+16*i:]
			le := binary.LittleEndian
			start, count := int64(le.Uint32(e[8:])), int64(le.Uint32(e[12:]))
			if e[4] == 0 || count == 0 {
				continue
			}
			if e[4] == 0x05 || e[4] == 0x0f || e[4] == 0x85 {
				next = extended + start
				continue
			}
			if start += table; start == 0 || start >= size/sector {
				return out, errTable
			}
			out = append(out, partition{start * sector, count * sector, fmt.Sprintf("p%d", len(out)+1)})
		}
		if next <= table || next >= size/sector {
			return out, nil
		}
		if table = next; extended == 0 {
			extended = next
		}
	}
	return out, nil
}

// qcow walks the disk in a qcow2 image.
func (w *walker) qcow(n *node) error {
	at, size, undo, err := w.random(n)
	defer undo()
	if err != nil {
		return fmt.Errorf("reading qcow2: %w", err)
	}
	q, err := archive.NewQcow(at, size)
	if err != nil {
		return fmt.Errorf("reading qcow2: %w", err)
	}
	disk := io.NewSectionReader(q, 0, q.Size())
	in := stream.New(&meter{w: w, r: disk, fed: func() int64 { return size }}, q.Size())
	defer in.Close()
	w.file(&node{path: n.path, in: in, at: disk, depth: n.depth + 1, layer: true})
	if in.Err() != nil { // it was told, and what was not read is no rest
		return nil
	}
	return w.uncovered(n, at, size, rest{cover: q.Cover()})
}
