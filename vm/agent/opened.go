package agent

import (
	"bytes"
	"fmt"
	"os"
	"path"
	"strconv"
	"strings"

	"fromsource/vm/wire"

	"golang.org/x/sys/unix"
)

// opened tells the host of a file of bytecode that a build opens, with the
// program that does and how that was started with it: a Java archive is
// executed by nothing else.
func (x *watcher) opened(fd, pid int) error {
	if !bytecode(fd) {
		x.ignore(fd)
		return nil
	}
	drv, out := identify(pid)
	name, err := os.Readlink("/proc/self/fd/" + strconv.Itoa(fd))
	if err != nil || (drv == "" && out == "") {
		return nil // not a build
	}
	name = strings.TrimSuffix(name, " (deleted)")
	proc := fmt.Sprintf("/proc/%d/", pid)
	by, err := os.Readlink(proc + "exe")
	if err != nil {
		by = "?" // it has no program any more, and can do nothing with the file
	}
	rec := wire.Exec{Drv: drv, Output: out, Path: name, By: strings.TrimSuffix(by, " (deleted)")}
	if args, err := os.ReadFile(proc + "cmdline"); err == nil {
		rec.As = startedWith(strings.Split(string(bytes.TrimRight(args, "\x00")), "\x00"), path.Base(name))
	}
	if rest, ok := strings.CutPrefix(name, storeDir); ok && rec.As == "" {
		// An interpreter opens hundreds of files of its own library.
		item, _, _ := strings.Cut(rest, "/")
		rec.Path = storeDir + item
	}
	return x.tell(rec, fd)
}

// ignore has the kernel ask no more of a file that is not bytecode, until it is
// written to: most of what builds open are headers and libraries in the store,
// again and again. What is written through a mapping does not end that; so only
// files as Nix leaves them in the store, which nobody may write to, are ignored.
func (x *watcher) ignore(fd int) {
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil || st.Mode&0o222 != 0 || st.Mtim.Sec != 1 || st.Uid != 0 {
		return
	}
	// The mark goes when the kernel needs the memory of the inode. One older
	// than 5.19 does not know such marks, and asks each time.
	_ = unix.FanotifyMark(x.fd, unix.FAN_MARK_ADD|unix.FAN_MARK_IGNORED_MASK|unix.FAN_MARK_EVICTABLE, unix.FAN_OPEN_PERM, unix.AT_FDCWD, "/proc/self/fd/"+strconv.Itoa(fd))
}

// bytecode says whether an open file begins or ends as one does that an
// interpreter executes. Archives are among them, also behind a script that
// starts them: Java and Python execute what is in a zip archive.
func bytecode(fd int) bool {
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil || st.Mode&unix.S_IFMT != unix.S_IFREG {
		return false
	}
	var head [64]byte
	n, err := unix.Pread(fd, head[:], 0)
	if err != nil {
		return false
	}
	if beginsAsBytecode(head[:n]) {
		return true
	}
	// What archives are appended to has them at its end, with a comment behind
	// as the tool likes; not text that is no script.
	tail := make([]byte, len(head))
	if bytes.HasPrefix(head[:n], []byte("#!")) || bytes.IndexByte(head[:n], 0) >= 0 {
		tail = make([]byte, 1<<16+zipEnd)
	}
	n, err = unix.Pread(fd, tail, max(0, st.Size-int64(len(tail))))
	return err == nil && endsAsBytecode(tail[:n])
}

// zipEnd is the size of the record that ends a zip archive, behind which only
// its comment comes.
const zipEnd = 22

func beginsAsBytecode(head []byte) bool {
	if bytes.HasPrefix(head, []byte("#!")) {
		_, head, _ = bytes.Cut(head, []byte("\n")) // Lua skips such a line
	}
	for _, magic := range [...]string{
		"PK\x03\x04", "JM\x01", // jar, wheel, egg; Java module
		"\xca\xfe\xba\xbe", // Java class
		"\x00asm",          // WebAssembly
		"MZ",               // .NET
		"FOR1", "\x1f\x8b", // BEAM, which may be compressed
		"\x1bLua", "\x1bLJ", ";ELC", "dex\n", "Caml1999",
	} {
		if bytes.HasPrefix(head, []byte(magic)) {
			return true
		}
	}
	switch {
	case len(head) >= 16 && head[2] == '\r' && head[3] == '\n':
		return true // Python, after a version of two bytes
	case len(head) >= 20 && bytes.HasPrefix(head, []byte("\x7fELF")):
		return head[18] == 0 && head[19] == 0 // Guile: an ELF file for no machine
	}
	return false
}

func endsAsBytecode(tail []byte) bool {
	return bytes.Contains(tail, []byte("PK\x05\x06")) ||
		bytes.HasPrefix(tail[max(0, len(tail)-12):], []byte("Caml1999")) // behind the path of ocamlrun
}

// startedWith says how a command line names a file, by the last part of its
// path: by the option that it is the value of, or "argument" for the first that
// is the value of none. What comes after that is for the program that is
// executed; "" says that the file is not named before.
func startedWith(argv []string, name string) string {
	for i := 1; i < len(argv); i++ {
		a, option := argv[i], argv[i-1]
		if strings.HasPrefix(a, "-") {
			if o, list, ok := strings.Cut(a, "="); ok && lists(list, name) {
				return o
			} else if o, list, ok := strings.Cut(a, ":"); ok && lists(list, name) {
				return o // -javaagent:x.jar
			}
			continue
		}
		value := i > 1 && strings.HasPrefix(option, "-")
		switch {
		case !lists(a, name):
		case value:
			return option
		default:
			return "argument"
		}
		if !value || option == "-jar" {
			break
		}
	}
	return ""
}

// lists says whether a list of paths, as Java's class path is one, has a file of
// that name, or all of a folder.
func lists(list, name string) bool {
	for p := range strings.SplitSeq(list, ":") {
		p, _, _ = strings.Cut(p, "=") // an agent's own options
		if b := path.Base(p); b == name || b == "*" {
			return true
		}
	}
	return false
}
