package store

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

// Dump streams a file, symbolic link or directory as a NAR: the serialisation
// that Nix hashes. Of permissions only the owner's executable bit counts, of
// times and owners nothing; entries are in the order of their bytes
// (nix: doc/manual/source/protocols/nix-archive.md).
//
// The stream is made as it is read, holds one file open at a time and does not
// recurse. Close it in any case.
func Dump(file string) (io.ReadCloser, error) {
	d := &dumper{}
	d.str("nix-archive-1")
	if err := d.node(file); err != nil {
		return nil, err
	}
	return d, nil
}

type dumper struct {
	pending []byte // to be handed out next
	file    *os.File
	left    int64 // of the file
	pad     int
	dirs    []dumpDir
	err     error
}

type dumpDir struct {
	path  string
	names []string
}

func (d *dumper) Close() error {
	d.err = fs.ErrClosed
	if d.file == nil {
		return nil
	}
	err := d.file.Close()
	d.file = nil
	return err
}

func (d *dumper) Read(b []byte) (int, error) {
	for len(b) > 0 {
		switch {
		case len(d.pending) > 0:
			n := copy(b, d.pending)
			d.pending = d.pending[n:]
			return n, nil
		case d.err != nil:
			return 0, d.err
		case d.file != nil:
			n, err := d.contents(b)
			if n > 0 || err != nil {
				d.err = err
				return n, err
			}
		case len(d.dirs) == 0:
			d.err = io.EOF
		default:
			d.pending = d.pending[:0]
			d.err = d.entry()
		}
	}
	return 0, nil
}

// contents reads on in the open file; 0 and no error when it is complete.
func (d *dumper) contents(b []byte) (int, error) {
	if d.left > 0 {
		n, err := d.file.Read(b[:min(int64(len(b)), d.left)])
		d.left -= int64(n)
		if errors.Is(err, io.EOF) {
			err = fmt.Errorf("%q became shorter while it was read: %w", d.file.Name(), io.ErrUnexpectedEOF)
		}
		return n, err
	}
	err := d.file.Close()
	d.file = nil
	d.pending = append(d.pending[:0], make([]byte, d.pad)...)
	d.str(")")
	d.closeEntry()
	return 0, err
}

// entry begins the next entry of the innermost directory, or ends that.
func (d *dumper) entry() error {
	top := &d.dirs[len(d.dirs)-1]
	if len(top.names) == 0 {
		d.dirs = d.dirs[:len(d.dirs)-1]
		d.str(")")
		d.closeEntry()
		return nil
	}
	name := top.names[0]
	top.names = top.names[1:]
	for _, s := range []string{"entry", "(", "name", name, "node"} {
		d.str(s)
	}
	return d.node(filepath.Join(top.path, name))
}

func (d *dumper) closeEntry() {
	if len(d.dirs) > 0 {
		d.str(")")
	}
}

func (d *dumper) node(file string) error {
	st, err := os.Lstat(file)
	if err != nil {
		return err
	}
	d.str("(")
	d.str("type")
	switch st.Mode().Type() {
	case 0:
		return d.regular(file)
	case fs.ModeSymlink:
		target, err := os.Readlink(file)
		if err != nil {
			return err
		}
		for _, s := range []string{"symlink", "target", target, ")"} {
			d.str(s)
		}
		d.closeEntry()
		return nil
	case fs.ModeDir:
		entries, err := os.ReadDir(file)
		if err != nil {
			return err
		}
		names := make([]string, len(entries))
		for i, e := range entries {
			names[i] = e.Name()
		}
		slices.Sort(names)
		d.dirs = append(d.dirs, dumpDir{file, names})
		d.str("directory")
		return nil
	}
	return fmt.Errorf("%q is a %v, which a NAR can't hold", file, st.Mode().Type())
}

func (d *dumper) regular(file string) error {
	f, err := openRegular(file)
	if err != nil {
		return err
	}
	st, err := f.Stat()
	if err != nil {
		f.Close()
		return err
	}
	d.str("regular")
	if st.Mode()&0o100 != 0 {
		d.str("executable")
		d.str("")
	}
	d.str("contents")
	d.pending = binary.LittleEndian.AppendUint64(d.pending, uint64(st.Size()))
	d.file, d.left, d.pad = f, st.Size(), padding(st.Size())
	return nil
}

// str appends a string: its length in 8 bytes, itself, zeros to a multiple of
// 8.
func (d *dumper) str(s string) {
	d.pending = binary.LittleEndian.AppendUint64(d.pending, uint64(len(s)))
	d.pending = append(d.pending, s...)
	d.pending = append(d.pending, make([]byte, padding(int64(len(s))))...)
}

func padding(n int64) int { return int(-n & 7) }
