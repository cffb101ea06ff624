package image

import (
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// Entry is one file of an archive. Data is read once, when it is written.
type Entry struct {
	// Name is relative, without a leading slash.
	Name string
	// Mode holds type and permissions. Directories, regular files, symbolic
	// links and character devices can be written.
	Mode fs.FileMode
	// Size is that of Data, for regular files.
	Size int64
	Data func() (io.ReadCloser, error)
	// Target is where a symbolic link points.
	Target string
	// Major and Minor are those of a character device.
	Major, Minor uint32
}

// The fixed parts of an entry: whoever makes an image, whenever and from
// whatever file system, gets the same bytes.
const (
	cpioMagic = "070701"
	cpioMtime = 1
)

// WriteCPIO writes entries as a "newc" archive, the format of an initramfs
// (Documentation/driver-api/early-userspace/buffer-format.rst in Linux). They
// are sorted by name, parents are made where missing, everything is root's.
func WriteCPIO(w io.Writer, entries []Entry) error {
	all, err := withParents(entries)
	if err != nil {
		return err
	}
	c := &counter{w: w}
	for i, e := range all {
		if err := writeEntry(c, e, i+1); err != nil {
			return fmt.Errorf("writing %q: %w", e.Name, err)
		}
	}
	if err := header(c, "TRAILER!!!", 0, 0, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("writing the end of the archive: %w", err)
	}
	// The kernel wants archives that follow each other aligned by four only;
	// a whole block keeps the file tidy for everybody else.
	return c.pad(512)
}

// withParents sorts, adds directories and refuses names that a kernel would
// take for something else.
func withParents(entries []Entry) ([]Entry, error) {
	seen := map[string]bool{}
	all := slices.Clone(entries)
	for _, e := range entries {
		if !fs.ValidPath(e.Name) || e.Name == "." || strings.ContainsRune(e.Name, 0) {
			return nil, fmt.Errorf("name %q can't be in an archive", e.Name)
		}
		if seen[e.Name] {
			return nil, fmt.Errorf("name %q is there twice", e.Name)
		}
		seen[e.Name] = true
	}
	for _, e := range entries {
		for d := path.Dir(e.Name); d != "." && !seen[d]; d = path.Dir(d) {
			seen[d] = true
			all = append(all, Entry{Name: d, Mode: fs.ModeDir | 0o755})
		}
	}
	slices.SortFunc(all, func(a, b Entry) int { return strings.Compare(a.Name, b.Name) })
	return all, nil
}

func writeEntry(c *counter, e Entry, ino int) error {
	perm := uint32(e.Mode.Perm())
	if e.Mode&fs.ModeSticky != 0 {
		perm |= 0o1000
	}
	const dir, reg, link, char = 0o040000, 0o100000, 0o120000, 0o020000
	switch {
	case e.Mode.IsDir():
		return header(c, e.Name, ino, dir|perm, 2, 0, 0, 0)
	case e.Mode&fs.ModeSymlink != 0:
		if err := header(c, e.Name, ino, link|0o777, 1, int64(len(e.Target)), 0, 0); err != nil {
			return err
		}
		if _, err := io.WriteString(c, e.Target); err != nil {
			return err
		}
		return c.pad(4)
	case e.Mode&fs.ModeCharDevice != 0:
		return header(c, e.Name, ino, char|perm, 1, 0, e.Major, e.Minor)
	case e.Mode.IsRegular():
		if e.Size >= 1<<32 {
			return fmt.Errorf("%d bytes, and the format ends at 4 GiB", e.Size)
		}
		if err := header(c, e.Name, ino, reg|perm, 1, e.Size, 0, 0); err != nil {
			return err
		}
		r, err := e.Data()
		if err != nil {
			return err
		}
		n, err := io.Copy(c, io.LimitReader(r, e.Size+1))
		if cerr := r.Close(); err == nil {
			err = cerr
		}
		if err == nil && n != e.Size {
			err = fmt.Errorf("has %d bytes or more, %d were announced", n, e.Size)
		}
		if err != nil {
			return err
		}
		return c.pad(4)
	}
	return fmt.Errorf("files of type %v can't be in an archive", e.Mode.Type())
}

func header(c *counter, name string, ino int, mode uint32, nlink int, size int64, major, minor uint32) error {
	mtime := cpioMtime
	if ino == 0 {
		mtime = 0
	}
	// magic ino mode uid gid nlink mtime filesize devmajor devminor
	// rdevmajor rdevminor namesize check
	_, err := fmt.Fprintf(c, "%s%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%s\x00",
		cpioMagic, ino, mode, 0, 0, nlink, mtime, size, 0, 0, major, minor, len(name)+1, 0, name)
	if err != nil {
		return err
	}
	return c.pad(4)
}

// counter counts what was written, for the padding.
type counter struct {
	w io.Writer
	n int64
}

func (c *counter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.n += int64(n)
	return n, err
}

func (c *counter) pad(to int64) error {
	if rest := c.n % to; rest != 0 {
		_, err := c.Write(make([]byte, to-rest))
		return err
	}
	return nil
}
