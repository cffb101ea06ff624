package analyze

import (
	"fmt"
	"slices"
	"strings"

	"fromsource/analyze/audit"
	"fromsource/analyze/content"
	"fromsource/analyze/trace"
	"fromsource/closure"
)

// What a build can only have been given to put into its output, firmware and
// objects, is looked for there. Where it is not found, and the output has
// something in which it would not be recognised, that is a doubt.

// absorbed tells of one input of a build, prebuilt or mostly source.
func (d *decider) absorbed(id closure.ID, it *item, what string, doubt func(string, ...any)) {
	o, ok := d.number[it]
	if !ok || d.origins[o].seed || d.recognised(id, o) {
		return
	}
	name := closure.NameOf(it.path)
	if least := d.firmwareOnly(it); least > 0 && d.otherBytes(id) >= least/leastSqueezed {
		doubt("its %s %s is firmware, or data of no known format, and is not recognised in its outputs: what they hold could be that in another form", what, name)
		return
	}
	// What could be in another form of something that could also be executed is
	// told by hidden.
	if f, how := d.turned(id, it); f != nil && (linkable(f.Format) || len(d.runnable(it)) == 0 && !d.heavy(it)) {
		doubt("its %s %s holds %s (%s): %s", what, name, called(f), f.Path, how)
	}
}

// turned is a prebuilt member of an item that could be in an output in a form
// that is not compared, and how.
func (d *decider) turned(id closure.ID, it *item) (f *content.File, how string) {
	o, ok := d.number[it]
	if !ok || d.origins[o].seed || d.recognised(id, o) {
		return nil, ""
	}
	out, size := d.unlike(id)
	if out == "" {
		return nil, ""
	}
	if f := notSample(it, func(f *content.File) bool { return linkable(f.Format) }); f != nil {
		return f, fmt.Sprintf("had it linked that into its %s, that would not be seen", out)
	}
	if f := notSample(it, func(f *content.File) bool {
		return (f.Kind == audit.NativeCode || runtimes[f.Format]) && !d.alien(f) && f.Size/leastSqueezed <= size
	}); f != nil {
		return f, fmt.Sprintf("had it put that into its %s in another form, that would not be seen", out)
	}
	return nil, ""
}

// leastSqueezed is how many times smaller firmware can become by compression: it
// is dense.
const leastSqueezed = 4

// recognised reports whether anything of an origin is known to be in the outputs.
func (d *decider) recognised(id closure.ID, o trace.Origin) bool {
	return slices.ContainsFunc(d.outputs[id], func(out *item) bool {
		return out != nil && slices.ContainsFunc(out.matches, func(m trace.Match) bool { return m.Origin == o })
	})
}

// firmwareOnly is the size of the smallest file of something fetched that is
// firmware and nothing else; 0 for anything else.
func (d *decider) firmwareOnly(it *item) (least int64) {
	c := sum(it.walk)
	if it.id != closure.None && d.out[it.id].verdict != audit.Binary || it.id == closure.None && !(&fetched{contents: c}).mainly() {
		return 0
	}
	// Of data of no known format there is no telling what else it could be.
	if c.members > 0 && (len(c.kinds) != 1 || c.kinds[0] != audit.Firmware) {
		return 0
	}
	files := it.walk.Members
	if len(files) == 0 {
		files = it.walk.Opaque
	}
	for i := range files {
		if least == 0 || files[i].Size < least {
			least = files[i].Size
		}
	}
	return least
}

// otherBytes counts the bytes in the outputs of a derivation if there is any
// file among them that was not fetched and is no documentation.
func (d *decider) otherBytes(id closure.ID) (n int64) {
	own := false
	for _, out := range d.outputs[id] {
		if out == nil || out.walk == nil {
			continue
		}
		n += out.walk.Bytes
		own = own || out.walk.Small > 0 || slices.ContainsFunc(out.walk.Others, func(o uint64) bool {
			_, doc := slices.BinarySearch(out.walk.Docs, o)
			return !doc && !d.wasFetched(o)
		})
	}
	if files, _ := d.compiledHere(id); !own && len(files) == 0 {
		return 0
	}
	return n
}

// unlike is the largest file of the outputs that a linker's output can be turned
// into, and in which its machine code is not compared: an image for a device or a
// boot loader, records of one, data of no known format.
func (d *decider) unlike(id closure.ID) (file string, size int64) {
	note := func(out *item, f *content.File) {
		if f.Size > size && !trace.IsDoc(f.Path) {
			file, size = out.called(f.Path), f.Size
		}
	}
	for _, out := range d.outputs[id] {
		if out == nil || out.walk == nil {
			continue
		}
		for i := range out.walk.Members {
			f := &out.walk.Members[i]
			if (f.Kind == audit.Firmware || f.Format == "boot-sector") && len(d.lookup(id, f)) == 0 {
				note(out, f)
			}
		}
		for i := range out.walk.Opaque {
			if f := &out.walk.Opaque[i]; f.Size >= leastOpaque && !d.wasFetched(trace.Short(f.SHA256)) {
				note(out, f)
			}
		}
	}
	return file, size
}

// linkers are the families of formats that objects of a family are linked into,
// where that is not the same.
var linkers = map[string][]string{"coff": {"pe", "efi", "coff"}, "omf": {"dos", "pe", "omf"}, "llvm": nil}

// makes reports whether a derivation's outputs have a program, not recognised as
// a prebuilt one, of the kind that objects like this one are linked into.
func (d *decider) makes(id closure.ID, object *content.File) bool {
	files, _ := d.compiledHere(id)
	family, _, _ := strings.Cut(object.Format, "-")
	machine, _, _ := strings.Cut(object.Detail, ",")
	into := linkers[family]
	if into == nil {
		into = []string{family}
	}
	return slices.ContainsFunc(files, func(f *content.File) bool {
		other, _, _ := strings.Cut(f.Format, "-")
		is, _, _ := strings.Cut(f.Detail, ",")
		return slices.Contains(into, other) && (family != "elf" || is == machine)
	})
}
