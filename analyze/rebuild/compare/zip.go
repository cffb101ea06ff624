package compare

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
)

func zipMembers(b *blob, most int) ([]member, error) {
	r, err := zip.NewReader(b, b.size)
	if err != nil && !errors.Is(err, zip.ErrInsecurePath) {
		return nil, err
	}
	if len(r.File) > most {
		return nil, errBudget
	}
	ms := make([]member, 0, len(r.File))
	for _, f := range r.File {
		if f.UncompressedSize64 > 1<<62 {
			return nil, errors.New("a member of an impossible size")
		}
		ms = append(ms, member{
			name: f.Name, size: int64(f.UncompressedSize64), open: f.Open,
			fields: []field{
				// The DOS time as recorded: what extra fields add to it is
				// compared with them.
				{what: "timestamp", name: "time", value: fmt.Sprintf("%s (DOS %04x %04x)", f.Modified.UTC().Format("2006-01-02T15:04:05"), f.ModifiedDate, f.ModifiedTime), metadata: true}, //nolint:staticcheck // the raw fields
				{what: "mode", name: "mode", value: fmt.Sprintf("%v", f.Mode())},
				{what: "compression", name: "method", value: strconv.Itoa(int(f.Method)), metadata: true},
				{what: "comment", name: "comment", value: strconv.Quote(f.Comment)},
				extraField(f.Extra),
			},
		})
	}
	return append(ms, member{name: "(archive comment)", size: int64(len(r.Comment)), open: opener(r.Comment)}), nil
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
