package compare

import (
	"encoding/binary"
	"errors"
	"fmt"
	"path"
	"strings"

	code "fromsource/analyze/content/archive"
)

const isoSector = 2048

// isoMembers lists the files of an ISO 9660 image (ECMA-119), and the volume
// descriptor as a member of its own. Files have the names that the content
// stage gives them (Rock Ridge) where it finds them at the same place. What
// else Rock Ridge and Joliet say is not read: where only that differs, it is
// reported as framing.
func isoMembers(b *blob, most int) ([]member, bool, error) {
	ms, err := isoRecords(b, most)
	if err != nil {
		return nil, false, err
	}
	long := isoNames(b, most)
	for i, m := range ms {
		if name, ok := long[m.off]; ok && m.size > 0 {
			ms[i].name = name
		}
	}
	return ms, false, nil
}

// isoNames gives the names of files by where their contents lie. Files that
// share a place go by the first name in order.
func isoNames(b *blob, most int) map[int64]string {
	names := map[int64]string{}
	r, err := code.NewISO(b, b.size)
	if err != nil {
		return nil
	}
	for range most {
		e, err := r.Next()
		if err != nil {
			break
		}
		if old, ok := names[e.At]; e.Regular && e.Note == "" && (!ok || e.Name < old) {
			names[e.At] = e.Name
		}
	}
	return names
}

// isoRecords lists what the directory records say.
func isoRecords(b *blob, most int) ([]member, error) {
	var pvd [isoSector]byte
	if n, _ := b.ReadAt(pvd[:], 16*isoSector); n < isoSector || pvd[0] != 1 {
		return nil, errors.New("no primary volume descriptor")
	}
	ms := []member{isoVolume(pvd[:])}
	type dir struct {
		path      string
		off, size int64
	}
	root, ok := isoRecord(pvd[156:190])
	if !ok {
		return nil, errors.New("no root directory")
	}
	seen := map[int64]bool{}
	todo := []dir{{"", root.off, root.size}}
	for len(todo) > 0 {
		d := todo[0]
		todo = todo[1:]
		if seen[d.off] || d.size > 64<<20 || !within(b, d.off, d.size) {
			return nil, errors.New("a directory that does not fit")
		}
		seen[d.off] = true
		raw := b.part(d.off, d.size).head(d.size)
		for at := 0; at < len(raw); {
			n := int(raw[at])
			if n == 0 { // records don't cross sectors
				at = (at/isoSector + 1) * isoSector
				continue
			}
			if at+n > len(raw) {
				return nil, errors.New("a directory record that does not fit")
			}
			r, ok := isoRecord(raw[at : at+n])
			at += n
			if !ok || !within(b, r.off, r.size) {
				return nil, errors.New("a file that does not fit")
			}
			if r.name == "\x00" || r.name == "\x01" {
				continue
			}
			if len(ms) == most {
				return nil, errBudget
			}
			p := path.Join(d.path, r.name)
			m := member{name: p, fields: []field{
				{what: "timestamp", name: "time", value: r.when, metadata: true},
				{what: "mode", name: "flags", value: fmt.Sprintf("%02x", r.flags)},
			}}
			if r.flags&2 != 0 {
				todo = append(todo, dir{p, r.off, r.size})
			} else {
				m.size, m.off = r.size, r.off
			}
			ms = append(ms, m)
		}
	}
	return ms, nil
}

type isoEntry struct {
	name, when string
	off, size  int64
	flags      byte
}

// isoRecord reads a directory record (ECMA-119 9.1).
func isoRecord(r []byte) (isoEntry, bool) {
	if len(r) < 34 || 33+int(r[32]) > len(r) {
		return isoEntry{}, false
	}
	t := r[18:25]
	return isoEntry{
		name:  string(r[33 : 33+int(r[32])]),
		off:   int64(binary.LittleEndian.Uint32(r[2:])) * isoSector,
		size:  int64(binary.LittleEndian.Uint32(r[10:])),
		flags: r[25],
		when: fmt.Sprintf("%04d-%02d-%02dT%02d:%02d:%02d%+d", 1900+int(t[0]), t[1], t[2], t[3], t[4], t[5],
			int8(t[6])),
	}, true
}

// isoVolume is the volume descriptor as a member without contents.
func isoVolume(pvd []byte) member {
	text := func(from, to int) string { return fmt.Sprintf("%q", strings.TrimRight(string(pvd[from:to]), " \x00")) }
	m := member{name: "(volume)"}
	for _, f := range []struct {
		name     string
		from, to int
	}{{"volume id", 40, 72}, {"publisher", 318, 446}, {"preparer", 446, 574}, {"application", 574, 702}} {
		m.fields = append(m.fields, field{what: "volume", name: f.name, value: text(f.from, f.to)})
	}
	for i, name := range []string{"creation time", "modification time", "expiration time", "effective time"} {
		m.fields = append(m.fields, field{what: "timestamp", name: name, value: text(813+17*i, 829+17*i), metadata: true})
	}
	return m
}
