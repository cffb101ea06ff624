package analyze

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"fromsource/analyze/audit"
	"fromsource/analyze/trace"
	"fromsource/closure"
)

// reached is what is part of the target.
type reached struct {
	by string // one of audit's ReachBy constants
	in closure.Set
	// traced are fetches of which a member is in one of those outputs: their
	// bytes are part of the target, under another name.
	traced closure.Set
	// doubtful are derivations whose contents are not at hand and could be
	// part of the target under another name.
	doubtful closure.Set
	// complete is false if something else may be part of it too.
	complete bool
}

func (r *reached) of(id closure.ID) audit.Reach {
	switch {
	case r.in.Has(id), r.traced.Has(id):
		return audit.ReachRuntime
	case r.complete && !r.doubtful.Has(id):
		return audit.ReachBuild
	}
	return audit.ReachUnknown
}

// findReach decides what is part of the target: by the image's own content
// where there is one, because images discard references, and by references
// otherwise.
func (s *state) findReach() {
	var images, archives []*item
	rootsAtHand := len(s.g.Roots()) > 0
	for _, r := range s.g.Roots() {
		for _, it := range s.outputs[r] {
			if it == nil || it.walk == nil {
				rootsAtHand = false
			} else if len(it.walk.Images) > 0 {
				images = append(images, it)
			} else if it.walk.Archives > 0 {
				archives = append(archives, it)
			}
		}
	}
	if s.image != nil && s.image.walk != nil {
		images = append(images, s.image)
	}
	switch {
	case len(images) > 0:
		s.reach = s.reachByImage(append(images, archives...))
		s.reach.complete = s.reach.complete && (rootsAtHand || s.image != nil && s.image.walk != nil)
	case s.req.Store != nil && s.anyRoot():
		s.reach = s.reachByReferences()
		s.inArchives(archives)
	default:
		s.reach = reached{by: audit.ReachByNothing, in: s.g.NewSet()}
	}
	if s.reach.by != audit.ReachByNothing {
		s.asBytes()
	}
	s.twins()
	s.reach.traced = s.g.NewSet()
	for i := range s.reach.in.All() {
		for _, it := range s.outputs[i] {
			if it == nil {
				continue
			}
			for _, m := range it.matches {
				if o := s.origins[m.Origin].item.id; o != closure.None {
					s.reach.traced.Add(o)
				}
			}
		}
	}
	if s.reach.doubtful == nil {
		s.reach.doubtful = s.g.NewSet()
		for i := range closure.ID(s.g.Len()) {
			if s.g.FixedOutput(i) && s.outputsAbsent(i) != "" {
				s.reach.doubtful.Add(i)
			}
		}
	}
}

// twins adds derivations that have the same output as one that is part of the
// target: the same file fetched from elsewhere, and what is built from it.
func (s *state) twins() {
	for i := range closure.ID(s.g.Len()) {
		for _, it := range s.outputs[i] {
			if it == nil || s.reach.in.Has(i) {
				continue
			}
			if other := s.items[it.path]; other != it && other.id != closure.None && s.reach.in.Has(other.id) {
				s.reach.in.Add(i)
			}
		}
	}
}

func (s *state) anyRoot() bool {
	return slices.ContainsFunc(s.g.Roots(), func(r closure.ID) bool {
		return slices.ContainsFunc(s.outputs[r], func(it *item) bool { return it != nil && it.walk != nil })
	})
}

// reachByImage looks for store paths by name, and, for files that lie outside
// of any, for the outputs that have the same file. What the roots refer to all
// the same is part of the target as well: a directory may hold an image beside
// other things.
func (s *state) reachByImage(images []*item) reached {
	r := reached{by: audit.ReachByImage, in: s.g.NewSet(), complete: true}
	r.in = s.reachByReferences().in
	r.doubtful = s.g.NewSet()
	s.inside(&r, images)
	return r
}

// inArchives adds what is in archives that are part of the target: those of
// the roots' outputs are not compared by name only, because whoever packs a
// system into an archive leaves the store behind.
func (s *state) inArchives(archives []*item) {
	if len(archives) == 0 {
		return
	}
	s.reach.doubtful = s.g.NewSet()
	s.inside(&s.reach, archives)
}

// inside adds what is in some items of the target, and notes if a part of them
// could not be read.
func (s *state) inside(r *reached, items []*item) {
	loose := trace.NewIndex()
	others := map[uint64]bool{}
	for _, img := range items {
		for _, p := range img.walk.StorePaths {
			if it := s.items[path.Join(s.g.StoreDir(), p)]; it != nil && it.id != closure.None {
				r.in.Add(it.id)
			}
		}
		for i := range img.walk.Members {
			if trace.StorePart(img.walk.Members[i].Path) == "" {
				loose.Add(0, img.walk.Members[i:i+1])
			}
		}
		for _, o := range img.walk.Others {
			others[o] = true
		}
		for _, k := range img.walk.Skipped {
			s.unseen(r, k.Path)
		}
	}
	s.byContent(r, loose, others)
}

// unseen notes a part of the target that could not be read. One outside of any
// store path can be anything; one that could be a system's image, in a store
// path, anything that this was made with; of any other the store path's name
// says enough.
func (s *state) unseen(r *reached, at string) {
	part := trace.StorePart(at)
	if part == "" {
		r.complete = false
		return
	}
	_, rest, _ := strings.Cut(at, part)
	if !systemImage.MatchString(rest) {
		return
	}
	it := s.items[path.Join(s.g.StoreDir(), part)]
	if it == nil || it.id == closure.None {
		r.complete = false
		return
	}
	for i := range s.g.Reach([]closure.ID{it.id}, s.g.InputsCut(s.g.CutFixed)).All() {
		r.doubtful.Add(i)
	}
}

// systemImage matches the names of files that hold a system, or a part of one.
var systemImage = regexp.MustCompile(`(?i)(initrd|initramfs|rootfs|squashfs|erofs|\.(cpio|img|iso|raw|qcow2|vmdk|vhd|ext[234]|efi|tar))`)

// asBytes adds what lies whole in the bytes of the target, in whatever file: a
// RAM disk in a kernel image, which no reader takes apart.
func (s *state) asBytes() {
	target := map[uint32]struct{}{}
	add := func(it *item) {
		if it != nil && it.walk != nil {
			for _, sum := range it.walk.Bulk {
				target[sum] = struct{}{}
			}
		}
	}
	for _, r := range s.g.Roots() {
		for _, it := range s.outputs[r] {
			add(it)
		}
	}
	add(s.image)
	var found []*item
	for i := range closure.ID(s.g.Len()) {
		for _, it := range s.outputs[i] {
			if it == nil || it.walk == nil || s.reach.in.Has(i) || len(it.walk.Bulk) < trace.MinBulk {
				continue
			}
			n := 0
			for _, sum := range it.walk.Bulk {
				if _, ok := target[sum]; ok {
					n++
				}
			}
			if trace.MostOf(n, len(it.walk.Bulk)) {
				found = append(found, it)
			}
		}
	}
	if len(found) == 0 {
		return
	}
	if s.reach.doubtful == nil {
		s.reach.doubtful = s.g.NewSet()
	}
	for _, it := range found {
		s.reach.in.Add(it.id)
	}
	s.inside(&s.reach, found)
}

// byContent adds the derivations whose files are in an image. A compiled file
// is enough; another one only if no second derivation has it, and, for what was
// fetched, if half of the others are there, too.
func (s *state) byContent(r *reached, loose *trace.Index, others map[uint64]bool) {
	owner := map[uint64]closure.ID{}
	for i := range closure.ID(s.g.Len()) {
		if slices.Contains(s.g.Roots(), i) {
			continue // they are part of it anyway
		}
		for _, it := range s.outputs[i] {
			// What is made of links alone leaves no file that could be seen.
			if it == nil || it.walk == nil || it.walk.Regular == 0 {
				r.doubtful.Add(i)
				continue
			}
			for k := range it.walk.Members {
				if loose.Len() > 0 && len(loose.Match(&it.walk.Members[k])) > 0 {
					r.in.Add(i)
					break
				}
			}
			if s.isOrigin(i) && !mostly(it.walk.Others, others) {
				continue // who installs the licence of a source does not ship that
			}
			for _, o := range it.walk.Others {
				if others[o] {
					if was, ok := owner[o]; ok && was != i {
						owner[o] = closure.None
					} else if !ok {
						owner[o] = i
					}
				}
			}
		}
	}
	for _, i := range owner {
		if i != closure.None {
			r.in.Add(i)
		}
	}
}

// mostly reports whether at least half of some files are among others.
func mostly(files []uint64, among map[uint64]bool) bool {
	n := 0
	for _, f := range files {
		if among[f] {
			n++
		}
	}
	return 2*n >= len(files)
}

// reachByReferences follows references from the roots' outputs.
func (s *state) reachByReferences() reached {
	r := reached{by: audit.ReachByReferences, in: s.g.NewSet(), complete: true}
	seen := map[*item]bool{}
	var queue []*item
	push := func(it *item) {
		if it != nil && !seen[it] {
			seen[it] = true
			queue = append(queue, it)
		}
	}
	for _, root := range s.g.Roots() {
		r.in.Add(root)
		for _, it := range s.outputs[root] {
			push(it)
			r.complete = r.complete && it != nil
		}
	}
	for len(queue) > 0 {
		it := queue[0]
		queue = queue[1:]
		if it.id != closure.None {
			r.in.Add(it.id)
			r.complete = r.complete && !(s.isRoot(it.id) && it.walk != nil && it.closed())
		}
		if it.walk == nil {
			r.complete = false
			continue
		}
		r.complete = r.complete && !it.walk.Overflow
		for _, ref := range s.references(it) {
			push(ref)
		}
		for _, p := range it.walk.StorePaths { // in an archive
			push(s.items[path.Join(s.g.StoreDir(), p)])
		}
	}
	return r
}

// byHash finds items by the hash part of their paths.
func (s *state) byHash() map[string]*item {
	out := make(map[string]*item, len(s.items))
	for p, it := range s.items {
		out[trace.HashPart(p)] = it
	}
	return out
}

// references are the items that one refers to, itself excluded: as its store
// has on record, or by what was seen in its bytes.
func (s *state) references(it *item) []*item {
	var out []*item
	add := func(ref *item) {
		if ref != nil && ref != it && !slices.Contains(out, ref) {
			out = append(out, ref)
		}
	}
	if it.info.References != nil {
		for _, p := range it.info.References {
			add(s.items[p])
		}
		return out
	}
	for _, h := range it.walk.Refs {
		add(s.hashes[h])
	}
	return out
}
