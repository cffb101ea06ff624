package content

import (
	"errors"
	"fmt"
	"io"

	"fromsource/analyze/audit"
	"fromsource/analyze/content/archive"
	"fromsource/analyze/content/format"
)

// container looks into a container. What can't be read of it is noted; the
// caller consumes the rest of the bytes.
func (w *walker) container(n *node, m format.Match, f *File) {
	if n.depth >= w.o.MaxDepth {
		w.skip(n.path, fmt.Sprintf("nested over %d deep: not opened", w.o.MaxDepth))
		return
	}
	members, skipped := len(w.res.Members), len(w.res.Skipped)
	err := w.open(n, m, f)
	if n.guess && err != nil && w.stop == nil && len(w.res.Members) == members && !errors.Is(err, errSealed) && !errors.Is(err, errDeltas) {
		// It was no container after all.
		w.res.Skipped = w.res.Skipped[:min(skipped, len(w.res.Skipped))]
		err = nil
	}
	if w.stop != nil && err == nil { // whoever met it may have been a guess
		err = w.stop
	}
	w.failed(n.path, err)
	if m.Name == "ar" && w.direct(n, members, "") > 0 {
		f.Format, f.Kind, f.Confidence = "static-library", audit.NativeCode, audit.High
	}
}

// open reads a container by its format.
func (w *walker) open(n *node, m format.Match, f *File) error {
	switch m.Name {
	case "tar":
		if err := w.members(n, archive.NewTar(n.in)); err != nil {
			return err
		}
		return w.trailing(n) // an end mark may be followed by more
	case "ar", "deb":
		if err := w.members(n, archive.NewAr(n.in)); err != nil {
			return err
		}
		return w.trailing(n)
	case "cpio":
		return w.cpio(n)
	case "nar":
		return w.nar(n)
	case "zip", "crx":
		return w.zip(n, f)
	case "squashfs", "iso9660", "fat", "ext":
		return w.volume(n, m.Name)
	case "7z":
		return w.sevenZip(n)
	case "rar":
		return w.rar(n)
	case "disk-image":
		return w.disk(n)
	case "qcow2":
		return w.qcow(n)
	case "rpm":
		parts := asides{most: 4 * archive.MaxRPMHeld}
		if err := archive.RPM(n.in, func(name string, b []byte) {
			if b == nil {
				w.skip(n.path+"/"+name, fmt.Sprintf("a header of over %d bytes: not looked at", archive.MaxRPMHeld))
			}
			parts.add(name, b)
		}); err != nil {
			return err
		}
		w.asides(n, &parts)
		w.file(&node{path: n.path, in: n.in.Sub(-1), depth: n.depth + 1, layer: true})
		return nil
	}
	if c, ok := codecs[m.Name]; ok {
		return w.decompress(n, m.Name, c)
	}
	if m.Name == "git-pack" {
		w.leaf(n, f) // of objects that are whole the beginning can be told
		return errDeltas
	}
	if format.Plain(m.Name) {
		w.leaf(n, f) // some of it may be found
	}
	return fmt.Errorf("%s: %w", m.Name, errSealed)
}

// errSealed says that a container is one, and cannot be looked into.
var errSealed = errors.New("there is no reader for this format here")

// errDeltas says what of a pack of git's could not be looked at.
var errDeltas = errors.New("git-pack: objects that are stored as changes of others were not looked at")

// members walks an archive that is read forward.
func (w *walker) members(n *node, r archive.Reader) error {
	var sub node
	for {
		e, err := r.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := w.entry(); err != nil {
			return err
		}
		path := w.named(n.path, e.Name)
		if e.Note != "" {
			w.skip(path, e.Note)
		}
		if e.Regular {
			sub = node{path: path, in: e.Body, within: n.stored(e), start: n.in.Off(), exec: e.Executable, depth: n.depth + 1, part: e.Part, guess: e.Part}
			w.file(&sub)
		}
	}
}

// stored returns the node itself where a member lies in it as it is, and where
// its bytes can be had at random.
func (n *node) stored(e *archive.Entry) *node {
	if n.at == nil && n.within == nil || e.Body.Remain() != e.Size || !e.Stored {
		return nil
	}
	return n
}

func clip(s string) string { return s[:min(len(s), 200)] }

// cpio reads one archive after the other: an initrd is often microcode in an
// uncompressed archive, padding, and a compressed one.
func (w *walker) cpio(n *node) error {
	if err := w.members(n, archive.NewCpio(n.in)); err != nil {
		return err
	}
	return w.trailing(n)
}

// trailing looks at what follows an archive's end, after padding.
func (w *walker) trailing(n *node) error {
	for {
		b := n.in.Next()
		if len(b) == 0 {
			return nil
		}
		i := 0
		for i < len(b) && b[i] == 0 {
			i++
		}
		n.in.Advance(i)
		if i < len(b) {
			break
		}
	}
	if m := format.Detect("", n.in.Peek(format.Head), n.in.Remain()); m.Container || m.Compiled() {
		w.file(&node{path: fmt.Sprintf("%s/@%d", n.path, n.in.Off()), in: n.in.Sub(-1), depth: n.depth + 1, layer: true})
		return nil
	}
	w.file(&node{path: fmt.Sprintf("%s/@%d", n.path, n.in.Off()), in: n.in.Sub(-1), depth: n.depth + 1})
	return nil
}

// nar walks a Nix archive. A directory that is the input has its members'
// paths without a name before them.
func (w *walker) nar(n *node) error {
	r := archive.NewNar(n.in)
	var sub node
	for {
		e, err := r.Next()
		if errors.Is(err, io.EOF) {
			return w.trailing(n)
		}
		if err != nil {
			return err
		}
		if err := w.entry(); err != nil {
			return err
		}
		dir := n.path
		if n.root && e.Name != "" {
			dir = ""
		}
		if n.root && e.Link != "" && w.o.Link != nil {
			w.o.Link(e.Name, e.Link)
		}
		path := w.named(dir, e.Name)
		if e.Regular {
			sub = node{path: path, in: e.Body, within: n.stored(e), start: n.in.Off(), exec: e.Executable, depth: n.depth + 1}
			w.file(&sub)
		}
	}
}

// direct counts the members of a format, or of any where it is empty, that lie
// in a container themselves, not in another one in it.
func (w *walker) direct(n *node, from int, format string) int {
	count := 0
	for i := from; i < len(w.res.Members); i++ {
		if w.depths[i] == n.depth+1 && (format == "" || w.res.Members[i].Format == format) {
			count++
		}
	}
	return count
}
