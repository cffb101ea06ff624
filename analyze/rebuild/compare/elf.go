package compare

import (
	"bytes"
	"debug/elf"
	"encoding/hex"
	"fmt"
	"strings"
)

// elf compares two executables section by section. debug/elf is not hardened
// against every malformed file: one that it can't take is compared as bytes.
func (w *walker) elf(at string, a, b *blob, _ int) (ok bool, err error) {
	sa, headA := elfSections(a)
	sb, headB := elfSections(b)
	if sa == nil || sb == nil {
		return false, nil
	}
	if headA != headB {
		w.add(at, "ELF header", "%s became %s", headA, headB)
	}
	inB := make(map[string]elfSection, len(sb))
	for _, s := range sb {
		inB[s.name] = s
	}
	for _, s := range sa {
		other, ok := inB[s.name]
		if !ok {
			w.add(at, "section "+s.name, "removed, %d bytes", s.data.size)
			continue
		}
		delete(inB, s.name)
		if err := w.section(at, s, other); err != nil {
			return false, err
		}
	}
	for _, s := range sb {
		if _, ok := inB[s.name]; ok {
			w.add(at, "section "+s.name, "added, %d bytes", s.data.size)
		}
	}
	return true, nil
}

type elfSection struct {
	name  string
	kind  elf.SectionType
	flags elf.SectionFlag
	addr  uint64
	data  *blob
}

// elfSections lists a file's sections, numbering those of one name, and what
// its header says. The list is nil where the file can't be read as ELF.
func elfSections(b *blob) (ss []elfSection, head string) {
	defer func() {
		if recover() != nil {
			ss = nil
		}
	}()
	f, err := elf.NewFile(b)
	if err != nil || len(f.Sections) == 0 {
		return nil, ""
	}
	head = fmt.Sprintf("%v %v %v entry %#x", f.Class, f.Machine, f.Type, f.Entry)
	seen := map[string]int{}
	for _, s := range f.Sections {
		if s.Type == elf.SHT_NULL {
			continue
		}
		e := elfSection{name: s.Name, kind: s.Type, flags: s.Flags, addr: s.Addr, data: memory(nil)}
		if seen[s.Name]++; seen[s.Name] > 1 {
			e.name = fmt.Sprintf("%s#%d", s.Name, seen[s.Name])
		}
		if s.Type != elf.SHT_NOBITS && s.FileSize > 0 {
			if s.Offset > 1<<62 || s.FileSize > 1<<62 || !within(b, int64(s.Offset), int64(s.FileSize)) {
				return nil, ""
			}
			e.data = b.part(int64(s.Offset), int64(s.FileSize))
		}
		ss = append(ss, e)
	}
	return ss, head
}

func (w *walker) section(at string, a, b elfSection) error {
	if a.kind != b.kind || a.flags != b.flags {
		w.add(at, "section "+a.name, "%v [%v] became %v [%v]", a.kind, a.flags, b.kind, b.flags)
	}
	if a.data.size == b.data.size {
		same, err := same(a.data.reader(), b.data.reader())
		if err != nil {
			return fmt.Errorf("comparing section %q: %w", a.name, err)
		}
		if same {
			return nil
		}
	}
	p, err := firstDifference(a.data, b.data)
	if err != nil {
		return err
	}
	detail := p.String()
	if d := describe(a, b); d != "" {
		detail = d
	} else if cause, text := causes(a.data, b.data, p); cause != "" {
		detail = cause + ": " + text
	}
	w.add(at, "section "+a.name, "%s", detail)
	return nil
}

// describe words the sections that say something by themselves.
func describe(a, b elfSection) string {
	const most = 64 << 10
	ra, rb := a.data.head(most), b.data.head(most)
	switch a.name {
	case ".note.gnu.build-id":
		return fmt.Sprintf("build-id %s became %s", buildID(ra), buildID(rb))
	case ".comment":
		return fmt.Sprintf("compilers %q became %q", elfStrings(ra), elfStrings(rb))
	case ".gnu_debuglink":
		return fmt.Sprintf("debug link %s became %s", debugLink(ra), debugLink(rb))
	case ".interp":
		return fmt.Sprintf("interpreter %q became %q", cstring(ra), cstring(rb))
	}
	return ""
}

// buildID takes the descriptor out of the note: sizes of name and descriptor,
// the type, the name "GNU".
func buildID(note []byte) string {
	if len(note) < 16 {
		return "(none)"
	}
	return hex.EncodeToString(note[16:])
}

// debugLink is a file name and a CRC at the end.
func debugLink(b []byte) string {
	if len(b) < 8 {
		return "(none)"
	}
	return fmt.Sprintf("%q (CRC %x)", cstring(b), b[len(b)-4:])
}

func cstring(b []byte) string {
	s, _, _ := bytes.Cut(b, []byte{0})
	return string(s)
}

func elfStrings(b []byte) []string {
	var all []string
	for s := range strings.SplitSeq(string(b), "\x00") {
		if s != "" && len(all) < 8 {
			all = append(all, s)
		}
	}
	return all
}
