package analyze

import (
	"fmt"
	"path"
	"slices"

	"fromsource/analyze/audit"
	"fromsource/analyze/content"
	"fromsource/analyze/trace"
	"fromsource/closure"
)

// beyond looks for what the request's image holds and the closure does not: an
// image that was handed in beside the closure need not be what that makes. It
// gives the reasons why the roots can't be called source, the weightiest first.
func (s *state) beyond() []string {
	if s.image == nil {
		return nil
	}
	if s.image.walk == nil {
		return []string{fmt.Sprintf("of the image %s: %s", path.Base(s.image.path), s.image.absent)}
	}
	made := trace.NewIndex()
	for _, it := range s.items {
		if it.walk != nil {
			made.Add(0, it.walk.Members)
		}
	}
	var out []string
	first, n := "", 0
	for i := range s.image.walk.Members {
		f := &s.image.walk.Members[i]
		if f.Embedded || f.Kind == audit.Firmware && f.Size < leastOpaque || len(made.Match(f)) > 0 {
			continue
		}
		if n++; n == 1 {
			first = s.image.called(f.Path)
		}
	}
	if n > 0 {
		out = append(out, fmt.Sprintf("the image holds %s that nothing in the closure has made or fetched (%s)", count(n, "compiled file"), first))
	}
	for _, p := range s.image.walk.StorePaths {
		if s.items[path.Join(s.g.StoreDir(), p)] == nil && trace.HashPart(p) != "" && path.Ext(p) != ".drv" {
			out = append(out, fmt.Sprintf("the image holds the store path %s, and nothing in the closure makes that", p))
			break
		}
	}
	if why, _ := s.image.unread(); why != "" {
		out = append(out, "of the image: "+why)
	}
	return out
}

// closed reports whether an item holds a large file that could be a system's
// image and that no reader takes apart: an encrypted disk, an unknown kind.
func (it *item) closed() bool {
	return slices.ContainsFunc(it.walk.Opaque, func(f content.File) bool {
		return f.Size >= leastImage && (f.Size >= largeImage || systemImage.MatchString("/"+f.Path))
	}) || slices.ContainsFunc(it.walk.Skipped, func(k content.Skip) bool { return systemImage.MatchString("/" + k.Path) })
}

const (
	// leastImage is the size, in bytes, of the smallest file that is taken for
	// an image by its name; largeImage of one that is whatever its name.
	leastImage = 1 << 20
	largeImage = 64 << 20
)

// isRoot reports whether a derivation is one of the target's.
func (s *state) isRoot(id closure.ID) bool { return slices.Contains(s.g.Roots(), id) }
