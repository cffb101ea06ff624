package compare

import (
	"archive/zip"
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
)

func zipMembers(b *blob, most int) ([]member, bool, error) {
	r, err := zip.NewReader(b, b.size)
	if err != nil && !errors.Is(err, zip.ErrInsecurePath) {
		return nil, false, err
	}
	if len(r.File) > most {
		return nil, false, errBudget
	}
	ms := make([]member, 0, len(r.File))
	for _, f := range r.File {
		if f.UncompressedSize64 > 1<<62 {
			return nil, false, errors.New("a member of an impossible size")
		}
		ms = append(ms, member{
			name: f.Name, size: int64(f.UncompressedSize64), open: f.Open,
			fields: []field{
				// The DOS time as recorded: what extra fields add to it is
				// compared with them.
				{what: "timestamp", name: "time", value: fmt.Sprintf("%s (DOS %04x %04x)", f.Modified.UTC().Format("2006-01-02T15:04:05"), f.ModifiedDate, f.ModifiedTime), metadata: true}, // the raw fields
				{what: "mode", name: "mode", value: fmt.Sprintf("%v", f.Mode())},
				{what: "compression", name: "method", value: strconv.Itoa(int(f.Method)), metadata: true},
				{what: "zip header", name: "versions and flags", value: fmt.Sprintf("%x %x %x", f.CreatorVersion, f.ReaderVersion, f.Flags), metadata: true},
				{what: "mode", name: "attributes", value: fmt.Sprintf("%08x", f.ExternalAttrs)},
				{what: "comment", name: "comment", value: strconv.Quote(f.Comment)},
				extraField(f.Extra),
			},
		})
	}
	return append(ms, member{name: "(archive comment)", size: int64(len(r.Comment)), open: opener(r.Comment)}), zipWhole(b, r), nil
}

// zipWhole reports whether the local headers and the members' bytes follow
// each other from the file's first byte to its directory, with nothing
// between: other bytes could hold anything.
func zipWhole(b *blob, r *zip.Reader) bool {
	files := slices.Clone(r.File)
	at := func(f *zip.File) int64 {
		off, err := f.DataOffset()
		if err != nil {
			return -1
		}
		return off
	}
	slices.SortStableFunc(files, func(x, y *zip.File) int { return cmp.Compare(at(x), at(y)) })
	var pos int64
	for _, f := range files {
		var h [30]byte
		if n, _ := b.ReadAt(h[:], pos); n < len(h) || string(h[:4]) != "PK\x03\x04" {
			return false
		}
		name, extra := int64(h[26])|int64(h[27])<<8, int64(h[28])|int64(h[29])<<8
		data := at(f)
		if data != pos+30+name+extra || data > b.size || f.CompressedSize64 > uint64(b.size) {
			return false
		}
		if !extraField(b.part(data-extra, extra).head(extra)).metadata {
			return false
		}
		pos = data + int64(f.CompressedSize64)
		if f.Flags&8 != 0 { // a data descriptor, with or without signature
			var d [4]byte
			_, _ = b.ReadAt(d[:], pos)
			pos += 12
			if string(d[:]) == "PK\x07\x08" {
				pos += 4
			}
		}
	}
	var d [4]byte
	_, _ = b.ReadAt(d[:], pos)
	return string(d[:]) == "PK\x01\x02" || len(files) == 0
}

func opener(s string) func() (io.ReadCloser, error) {
	return func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader([]byte(s))), nil }
}

// extraField describes a member's extra fields. They are metadata if they hold
// only times and owners (APPNOTE 4.5, and the extended timestamp and Unix
// fields of Info-ZIP).
func extraField(extra []byte) field {
	f := field{what: "zip extra field", name: "extra fields", value: fmt.Sprintf("%x", extra), metadata: true}
	for len(extra) > 0 {
		if len(extra) < 4 {
			f.metadata = false
			break
		}
		id, n := uint16(extra[0])|uint16(extra[1])<<8, int(extra[2])|int(extra[3])<<8
		switch id {
		case 0x5455, 0x5855, 0x7855, 0x7875, 0x000a, 0xcafe:
		default:
			f.metadata = false
		}
		extra = extra[min(len(extra), 4+n):]
	}
	return f
}
