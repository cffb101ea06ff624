package compare

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	code "fromsource/analyze/content/archive"
)

// squashMembers lists a squashfs image with the reader of the content stage.
// Owners, times and targets of links are not in what it gives: where only
// those differ, that is reported as framing. The superblock is a member of its
// own (Linux: fs/squashfs/squashfs_fs.h).
func squashMembers(b *blob, most int) ([]member, bool, error) {
	head := b.head(96)
	if len(head) < 96 {
		return nil, false, io.ErrUnexpectedEOF
	}
	le := binary.LittleEndian
	ms := []member{{name: "(superblock)", fields: []field{
		stamp("time", time.Unix(int64(le.Uint32(head[8:])), 0)),
		{what: "compression", name: "compressor", value: strconv.Itoa(int(le.Uint16(head[20:]))), metadata: true},
		{what: "compression", name: "block size", value: strconv.Itoa(int(le.Uint32(head[12:]))), metadata: true},
	}}}
	r, err := code.NewSquashfs(b, b.size)
	if err != nil {
		return nil, false, err
	}
	for {
		e, err := r.Next()
		if errors.Is(err, io.EOF) {
			return ms, false, nil
		}
		if err != nil {
			return nil, false, err
		}
		if e.Note != "" {
			return nil, false, fmt.Errorf("%q: %s", e.Name, e.Note)
		}
		if len(ms) > most {
			return nil, false, errBudget
		}
		m := member{name: e.Name, fields: []field{
			{what: "type", name: "regular file", value: strconv.FormatBool(e.Regular)},
			{what: "mode", name: "executable", value: strconv.FormatBool(e.Executable)},
		}}
		if e.Regular {
			src := e.Source
			m.size = e.Size
			m.open = func() (io.ReadCloser, error) { return io.NopCloser(src), nil }
		}
		ms = append(ms, m)
	}
}
