package compare

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"
)

// isTar reports whether a block is a tar header: by its checksum, which v7
// archives have and "ustar" they have not.
func isTar(h []byte) bool {
	if len(h) < 512 || h[0] == 0 {
		return false
	}
	var stored, sum int64
	digits := false
	for _, c := range h[148:156] {
		if c >= '0' && c <= '7' {
			stored, digits = stored<<3|int64(c-'0'), true
		} else if digits {
			break
		}
	}
	for i, c := range h[:512] {
		if i >= 148 && i < 156 {
			c = ' '
		}
		sum += int64(c)
	}
	return digits && sum == stored
}

// counter counts what the tar reader takes: it reads ahead nothing, so that
// after a header the count is where the contents begin.
type counter struct {
	r io.Reader
	n int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

func tarMembers(b *blob, most int) ([]member, bool, error) {
	c := &counter{r: b.reader()}
	r := tar.NewReader(c)
	var ms []member
	for {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return ms, true, onlyZeros(b, c.n)
		}
		if err != nil {
			return nil, false, err
		}
		if len(ms) == most {
			return nil, false, errBudget
		}
		m := member{name: h.Name, fields: tarFields(h)}
		if h.Typeflag == tar.TypeReg || h.Typeflag == '\x00' {
			m.size, m.off = h.Size, c.n
		}
		if h.Typeflag == tar.TypeGNUSparse || h.PAXRecords["GNU.sparse.major"] != "" || !within(b, m.off, m.size) {
			return nil, false, errors.New("a sparse or cut-off member")
		}
		ms = append(ms, m)
	}
}

func tarFields(h *tar.Header) []field {
	fs := []field{
		{what: "type", name: "type", value: strconv.QuoteRune(rune(h.Typeflag))},
		stamp("time", h.ModTime),
		{what: "owner", name: "owner", value: fmt.Sprintf("%d:%d %q:%q", h.Uid, h.Gid, h.Uname, h.Gname), metadata: true},
		{what: "mode", name: "mode", value: fmt.Sprintf("%04o", h.Mode)},
		{what: "symlink", name: "target", value: strconv.Quote(h.Linkname)},
		{what: "device", name: "device", value: fmt.Sprintf("%d:%d", h.Devmajor, h.Devminor)},
	}
	if !h.AccessTime.IsZero() || !h.ChangeTime.IsZero() {
		fs = append(fs, stamp("access time", h.AccessTime), stamp("change time", h.ChangeTime))
	} else {
		fs = append(fs, field{what: "timestamp", name: "access time", value: "none", metadata: true}, field{what: "timestamp", name: "change time", value: "none", metadata: true})
	}
	other := map[string]string{}
	for k, v := range h.PAXRecords {
		switch k {
		case "mtime", "atime", "ctime", "path", "linkpath", "size", "uid", "gid", "uname", "gname":
		default:
			other[k] = v
		}
	}
	return append(fs, field{what: "attributes", name: "extended attributes", value: sortedPairs(other)})
}

// stamp is a time that a container records of a member.
func stamp(name string, t time.Time) field {
	return field{what: "timestamp", name: name, value: t.UTC().Format(time.RFC3339Nano), metadata: true}
}

// onlyZeros makes sure that nothing but padding follows the last member: what
// hides there would be missed otherwise.
func onlyZeros(b *blob, from int64) error {
	buf := make([]byte, 64<<10)
	for r := b.section(from, b.size-from); ; {
		n, err := r.Read(buf)
		for _, c := range buf[:n] {
			if c != 0 {
				return errors.New("bytes after the end of the archive")
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}
