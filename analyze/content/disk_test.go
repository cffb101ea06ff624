package content

import (
	"bytes"
	"encoding/binary"
	"testing"
)

// FuzzPartitions: of any disk the partitions begin in it, behind the table,
// and are not empty.
func FuzzPartitions(f *testing.F) {
	mbr := make([]byte, 8*sector)
	copy(mbr[446:], "\x80\x00\x00\x00\x83\x00\x00\x00\x02\x00\x00\x00\x03\x00\x00\x00")
	copy(mbr[462:], "\x00\x00\x00\x00\x05\x00\x00\x00\x05\x00\x00\x00\x03\x00\x00\x00")
	copy(mbr[510:], "\x55\xaa")
	copy(mbr[5*sector+446:], "\x00\x00\x00\x00\x83\x00\x00\x00\x01\x00\x00\x00\x01\x00\x00\x00")
	copy(mbr[5*sector+510:], "\x55\xaa")
	f.Add(bytes.Clone(mbr))
	copy(mbr[sector:], "EFI PART")
	le := binary.LittleEndian
	le.PutUint64(mbr[sector+72:], 2)
	le.PutUint32(mbr[sector+80:], 128)
	le.PutUint32(mbr[sector+84:], 128)
	mbr[2*sector] = 1
	le.PutUint64(mbr[2*sector+32:], 4)
	le.PutUint64(mbr[2*sector+40:], 6)
	f.Add(mbr)
	f.Fuzz(func(t *testing.T, b []byte) {
		parts, _ := partitions(bytes.NewReader(b), int64(len(b)))
		for _, p := range parts {
			if p.start <= 0 || p.start >= int64(len(b)) || p.size <= 0 || p.name == "" {
				t.Errorf("%+v of %d bytes", p, len(b))
			}
		}
		if len(parts) > 4*maxPartitions {
			t.Errorf("%d partitions", len(parts))
		}
	})
}
