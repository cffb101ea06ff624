package analyze

import (
	"path"
	"strings"

	"fromsource/analyze/audit"
	"fromsource/analyze/content"
	"fromsource/analyze/trace"
	"fromsource/closure"
)

// leadsTo resolves a link of an item to a store path and the rest; "" where it
// leads elsewhere.
func (s *state) leadsTo(it *item, l trace.Link) (storePath, rest string) {
	to := l.To
	if !path.IsAbs(to) {
		to = path.Join(it.path, path.Dir(l.At), to)
	}
	if to = path.Clean(to); !strings.HasPrefix(to, s.g.StoreDir()+"/") {
		return "", ""
	}
	storePath, rest = splitStore(s.g.StoreDir(), to)
	if trace.HashPart(storePath) == "" {
		return "", ""
	}
	return storePath, rest
}

// matchLinks recognises what an output does not hold but leads to: a link to a
// prebuilt file in what was fetched is that file under another name. It also
// counts what is only named, by a script that starts it, where the text says
// that this is what the derivation does.
func (s *state) matchLinks(it *item, m *trace.Matches) {
	linked := map[*item]bool{}
	for _, l := range it.walk.Links {
		storePath, rest := s.leadsTo(it, l)
		from := s.items[storePath]
		f := s.prebuiltAt(it.id, from, rest)
		if f == nil {
			continue
		}
		linked[from] = true
		s.refer(it, m, from, f, l.At, or(f.Confidence, audit.High))
	}
	if !s.text[it.id].Suspected {
		return
	}
	for _, from := range s.references(it) {
		if f := s.prebuiltAt(it.id, from, ""); f != nil && !linked[from] {
			s.refer(it, m, from, f, "", audit.Medium)
		}
	}
}

func (s *state) refer(it *item, m *trace.Matches, from *item, f *content.File, at string, c audit.Confidence) {
	m.Add(trace.Hit{Origin: s.number[from], How: trace.Referred, Member: f.Path, File: at, Kind: f.Kind, Format: f.Format, Confidence: c})
	if s.lively(f) {
		it.live, it.loose = addKinds(it.live, f.Kind), true
	}
}

// prebuiltAt is the compiled file at a path of something fetched, or the first
// below it where that is compiled code in the main.
func (s *state) prebuiltAt(id closure.ID, from *item, rest string) *content.File {
	if from == nil || from.walk == nil || from.id != closure.None && !s.g.FixedOutput(from.id) {
		return nil
	}
	if o, ok := s.number[from]; !ok || s.origins[o].seed || !s.have[id].has(o) {
		return nil
	}
	if f := from.member(rest); f != nil && !f.Embedded {
		return f
	}
	if c := sum(from.walk); !(&fetched{contents: c}).mainly() {
		return nil
	}
	for i := range from.walk.Members {
		if f := &from.walk.Members[i]; !f.Embedded && (rest == "" || strings.HasPrefix(f.Path, rest+"/")) {
			return f
		}
	}
	return nil
}

// astray tells of a link in an output to a store path that nothing in the
// closure makes: what it brings in was never looked at.
func (d *decider) astray(it *item, doubt func(string, ...any)) {
	for _, l := range it.walk.Links {
		if storePath, _ := d.leadsTo(it, l); storePath != "" && d.items[storePath] == nil {
			doubt("its output leads to %s by the link %s, and nothing in the closure makes that", closure.NameOf(storePath), path.Join(closure.NameOf(it.path), l.At))
			return
		}
	}
	// Images and archives have the store paths that they hold as names.
	known, stranger := false, ""
	for _, p := range it.walk.StorePaths {
		switch {
		case d.items[path.Join(d.g.StoreDir(), p)] != nil:
			known = true
		case stranger == "" && !strings.HasSuffix(p, ".drv") && strings.Trim(trace.HashPart(p), "0123456789abcdf") != "":
			stranger = p
		}
	}
	if known && stranger != "" {
		doubt("its output %s holds the store path %s, and nothing in the closure makes that", closure.NameOf(it.path), stranger)
	}
}

// named tells of prebuilt things that an output only names.
func (d *decider) named(id closure.ID, it *item, b *built) {
	for _, from := range d.references(it) {
		if f := d.prebuiltAt(id, from, ""); f != nil {
			b.weak = append(b.weak, "its output names the prebuilt "+closure.NameOf(from.path)+": whether it is there to run that is not known")
			return
		}
	}
}
