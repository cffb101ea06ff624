package archive

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/zstd"
)

// Qcow reads the disk in a qcow2 image of version 2 or 3 (QEMU
// docs/interop/qcow2.txt): clusters as they are, of zeros, and compressed by
// zlib or zstd. Of its tables one is held at a time.
type Qcow struct {
	r       io.ReaderAt
	size    int64 // of the image
	disk    int64 // of what is in it
	bits    uint  // of a cluster's size
	l1      int64 // offset of the first table
	entries int64 // in it
	zstd    *zstd.Decoder
	pack    uint8
	cover   Cover

	table  []byte // of the second level
	tableN int64  // which
	data   []byte // a cluster that was compressed
	dataN  int64
}

// Features that change what is read here (incompatible): an image that was not
// closed has right tables for what was written, and a type of compression may
// be named.
const qcowKnown = 1<<0 | 1<<3

// NewQcow reads the header. The error says which image is not read: one that
// needs another file, is encrypted, or has features that are not known here.
func NewQcow(r io.ReaderAt, size int64) (*Qcow, error) {
	h := make([]byte, 112)
	if n, err := r.ReadAt(h, 0); n < 72 {
		return nil, fmt.Errorf("%w: header of %d bytes: %w", ErrFormat, n, err)
	}
	be := binary.BigEndian
	q := &Qcow{
		r: r, size: size, disk: int64(be.Uint64(h[24:])), bits: uint(be.Uint32(h[20:])),
		l1: int64(be.Uint64(h[40:])), entries: int64(be.Uint32(h[36:])), tableN: -1, dataN: -1,
	}
	version, features, length := be.Uint32(h[4:]), uint64(0), uint32(72)
	if version == 3 {
		features, length = be.Uint64(h[72:]), be.Uint32(h[100:])
	}
	if features&(1<<3) != 0 && length > 104 {
		q.pack = h[104]
	}
	switch {
	case string(h[:4]) != "QFI\xfb":
		return nil, fmt.Errorf("%w: no magic", ErrFormat)
	case version != 2 && version != 3:
		return nil, fmt.Errorf("qcow version %d", version)
	case be.Uint64(h[8:]) != 0:
		return nil, errors.New("there is another image behind it, which is not at hand")
	case be.Uint32(h[32:]) != 0:
		return nil, errors.New("encrypted")
	case features&^qcowKnown != 0:
		return nil, fmt.Errorf("features %#x are not read here", features&^qcowKnown)
	case q.pack > 1:
		return nil, fmt.Errorf("compression %d", q.pack)
	case q.bits < 9 || q.bits > 21 || q.disk < 0 || q.disk > 1<<53 || q.l1 < 0 || q.l1 > size:
		return nil, fmt.Errorf("%w: header", ErrFormat)
	case be.Uint32(h[60:]) != 0:
		return nil, fmt.Errorf("%d snapshots are in it, which are not read here", be.Uint32(h[60:]))
	}
	q.cover.Add(0, max(int64(length), 72))
	q.cover.Add(q.l1, q.entries*8)
	q.cover.Add(int64(be.Uint64(h[48:])), int64(be.Uint32(h[56:]))<<q.bits) // counts of references
	return q, nil
}

// Size is that of the disk.
func (q *Qcow) Size() int64 { return q.disk }

// Cover is which bytes of the image were read as tables or as contents.
func (q *Qcow) Cover() *Cover { return &q.cover }

// ReadAt implements io.ReaderAt, not for concurrent use. The end of the image is
// an error other than the end of the disk.
func (q *Qcow) ReadAt(p []byte, off int64) (n int, err error) {
	size := int64(1) << q.bits
	for n < len(p) {
		if off >= q.disk || off < 0 {
			return n, io.EOF
		}
		in := off & (size - 1)
		part := p[n:min(int64(len(p)), int64(n)+min(size-in, q.disk-off))]
		if err := q.cluster(off>>q.bits, in, part); err != nil {
			return n, err
		}
		n += len(part)
		off += int64(len(part))
	}
	return n, nil
}

// entry returns the entry of the second table for a cluster.
func (q *Qcow) entry(cluster int64) (uint64, error) {
	per := int64(1) << (q.bits - 3)
	if i := cluster / per; i != q.tableN {
		if i >= q.entries {
			return 0, fmt.Errorf("%w: cluster %d is in no table", ErrFormat, cluster)
		}
		var b [8]byte
		if _, err := q.r.ReadAt(b[:], q.l1+8*i); err != nil {
			return 0, fmt.Errorf("%w: entry %d of the table at byte %d: %v", ErrFormat, i, q.l1, err) //nolint:errorlint // io.EOF in it is no end for who reads the disk
		}
		at := int64(binary.BigEndian.Uint64(b[:]) & 0x00fffffffffffe00)
		if q.tableN = -1; q.table == nil {
			q.table = make([]byte, per*8)
		}
		if at == 0 {
			clear(q.table)
		} else if k, err := q.r.ReadAt(q.table, at); k < len(q.table) {
			return 0, fmt.Errorf("%w: table at byte %d: %v", ErrFormat, at, err) //nolint:errorlint // io.EOF in it is no end for who reads the disk
		} else {
			q.cover.Add(at, int64(len(q.table)))
		}
		q.tableN = i
	}
	return binary.BigEndian.Uint64(q.table[cluster%per*8:]), nil
}

// cluster reads a part of a cluster.
func (q *Qcow) cluster(n, from int64, p []byte) error {
	e, err := q.entry(n)
	if err != nil {
		return err
	}
	if e>>62&1 != 0 {
		if n != q.dataN {
			q.dataN = -1
			if err := q.unpack(e); err != nil {
				return fmt.Errorf("cluster %d: %w", n, err)
			}
			q.dataN = n
		}
		copy(p, q.data[from:])
		return nil
	}
	at := int64(e & 0x00fffffffffffe00)
	if at == 0 || e&1 != 0 {
		clear(p)
		return nil
	}
	// The last cluster may end early, where the image's file does.
	k, err := q.r.ReadAt(p, at+from)
	if err != nil && (!errors.Is(err, io.EOF) || at >= q.size) {
		return fmt.Errorf("%w: cluster %d at byte %d: %v", ErrFormat, n, at, err) //nolint:errorlint // io.EOF in it is no end for who reads the disk
	}
	clear(p[k:])
	q.cover.Add(at+from, int64(k))
	return nil
}

// unpack decompresses a cluster.
func (q *Qcow) unpack(e uint64) error {
	x := 62 - (q.bits - 8)
	at := int64(e & (1<<x - 1))
	sectors := int64(e >> x & (1<<(q.bits-8) - 1))
	b := make([]byte, (sectors+1)*512-at&511)
	k, err := q.r.ReadAt(b, at)
	if k == 0 {
		return fmt.Errorf("%w: %d bytes at byte %d: %v", ErrFormat, len(b), at, err) //nolint:errorlint // io.EOF in it is no end for who reads the disk
	}
	q.cover.Add(at, int64(k))
	if q.data == nil {
		q.data = make([]byte, 1<<q.bits)
	}
	src := bytes.NewReader(b[:k])
	var r io.Reader
	if q.pack == 0 {
		r = flate.NewReader(src)
	} else if q.zstd == nil {
		q.zstd, err = zstd.NewReader(src, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(4<<20), zstd.WithDecoderLowmem(true))
		r = q.zstd
	} else {
		err = q.zstd.Reset(src)
		r = q.zstd
	}
	if err != nil && q.pack != 0 {
		return err
	}
	if _, err := io.ReadFull(r, q.data); err != nil {
		return fmt.Errorf("%w: compressed at byte %d: %v", ErrFormat, at, err) //nolint:errorlint // io.EOF in it is no end for who reads the disk
	}
	return nil
}
