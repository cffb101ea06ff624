package agent

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unsafe"

	"fromsource/vm/wire"

	"golang.org/x/sys/unix"
)

// watcher records every program that a build executes, and the bytecode that it
// opens, which is how programs are executed that an interpreter is given.
//
// The kernel asks before each execve and each open of a file on the work disk,
// which holds the store, the build directories and the sandbox's shell, and the
// process waits for the answer: so there is always a process to look at, however
// short it lives, and a file that deletes itself is still hashed. The answer is
// always yes, and is given once the host has been told: no program does
// anything before it is on record, so the record of a build is complete when
// the build is.
type watcher struct {
	w    *wire.Writer
	fd   int
	seen map[wire.Exec]bool
	outs map[string]string // derivation to $out
	sums map[fileID]string
}

// watched are the events that the kernel asks for.
const watched = unix.FAN_OPEN_EXEC_PERM | unix.FAN_OPEN_PERM

// storeDir is where the guest has its store.
const storeDir = "/nix/store/"

// maxSeen bounds the memory of a watch, which a build could fill; real
// closures of thousands of builds stay far below.
const maxSeen = 1 << 18

// fileID is enough to know that a file was hashed before: a change of content
// changes the time of change, which no program can set back. Until that time is
// settled, another change may have it too.
type fileID struct {
	dev, ino     uint64
	size         int64
	csec, cnanos int64
}

// clockGrain is more than the step of the clock by which a kernel notes the time
// of a change: a tick, of which it has a hundred a second at the least.
const clockGrain = 100 * time.Millisecond

// settled says whether whatever changes the file from now on gives it another
// time of change than it has.
func (id fileID) settled() bool {
	return time.Since(time.Unix(id.csec, id.cnanos)) > clockGrain
}

// watchExec starts the watch over the file system that dir is on, or says why
// there is none.
func watchExec(w *wire.Writer, dir string) error {
	fd, err := unix.FanotifyInit(unix.FAN_CLASS_CONTENT|unix.FAN_CLOEXEC|unix.FAN_UNLIMITED_QUEUE,
		unix.O_RDONLY|unix.O_LARGEFILE|unix.O_CLOEXEC|unix.O_NOATIME)
	if err != nil {
		return fmt.Errorf("the kernel has no fanotify: %w", err)
	}
	if err := unix.FanotifyMark(fd, unix.FAN_MARK_ADD|unix.FAN_MARK_FILESYSTEM, watched, unix.AT_FDCWD, dir); err != nil {
		_ = unix.Close(fd) // the first error is the one to report
		return fmt.Errorf("the kernel can't watch for executed programs: %w", err)
	}
	x := &watcher{w: w, fd: fd, seen: map[wire.Exec]bool{}, outs: map[string]string{}, sums: map[fileID]string{}}
	go func() {
		err := x.loop()
		_ = w.Send(wire.Msg{T: "event", Event: "exec-watch-ended", Detail: err.Error()}, nil)
		// Closing lets every process that waits go on.
		_ = unix.Close(fd)
	}()
	return nil
}

func (x *watcher) loop() error {
	const size = int(unsafe.Sizeof(unix.FanotifyEventMetadata{}))
	buf := make([]byte, 64*size)
	for {
		n, err := unix.Read(x.fd, buf)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return fmt.Errorf("reading exec events: %w", err)
		}
		for b := buf[:n]; len(b) >= size; {
			ev := (*unix.FanotifyEventMetadata)(unsafe.Pointer(&b[0]))
			if int(ev.Event_len) < size || int(ev.Event_len) > len(b) {
				return fmt.Errorf("exec event of %d bytes", ev.Event_len)
			}
			if ev.Vers != unix.FANOTIFY_METADATA_VERSION {
				return fmt.Errorf("exec events of version %d", ev.Vers)
			}
			if ev.Fd >= 0 {
				if err := x.event(int(ev.Fd), int(ev.Pid), ev.Mask&unix.FAN_OPEN_EXEC_PERM != 0); err != nil {
					return err
				}
			}
			b = b[ev.Event_len:]
		}
	}
}

// event looks at one execution or open, records it and lets it go on. An
// execution is an open too, of which the kernel asks afterwards.
func (x *watcher) event(fd, pid int, execution bool) error {
	defer unix.Close(fd)
	look := x.opened
	if execution {
		look = x.record
	}
	if err := look(fd, pid); err != nil {
		return err // the end of the watch is the answer, once the host knows
	}
	// The answer: struct fanotify_response.
	r := unix.FanotifyResponse{Fd: int32(fd), Response: unix.FAN_ALLOW}
	if _, err := unix.Write(x.fd, (*[unsafe.Sizeof(r)]byte)(unsafe.Pointer(&r))[:]); err != nil {
		return fmt.Errorf("answering an exec event: %w", err)
	}
	return nil
}

// record tells the host of one execution by a build.
func (x *watcher) record(fd, pid int) error {
	drv, out := identify(pid)
	path, err := os.Readlink("/proc/self/fd/" + strconv.Itoa(fd))
	if err != nil || (drv == "" && out == "") {
		return nil // not a build
	}
	if err := x.shared(pid); err != nil {
		return err
	}
	return x.tell(wire.Exec{Drv: drv, Output: out, Path: strings.TrimSuffix(path, " (deleted)")}, fd)
}

// shared watches the /dev/shm of a build as well. Nix mounts a new one for each,
// before it executes the builder, and programs can be put there and executed.
func (x *watcher) shared(pid int) error {
	fd, err := unix.Open(fmt.Sprintf("/proc/%d/root/dev/shm", pid), unix.O_PATH|unix.O_NOFOLLOW|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil // it has none
	}
	defer unix.Close(fd)
	// A build can put something else there, which is not to be watched: the
	// agent must never wait for itself.
	var st unix.Statfs_t
	if err := unix.Fstatfs(fd, &st); err != nil || st.Type != unix.TMPFS_MAGIC {
		return nil
	}
	if err := unix.FanotifyMark(x.fd, unix.FAN_MARK_ADD|unix.FAN_MARK_FILESYSTEM, watched, unix.AT_FDCWD, "/proc/self/fd/"+strconv.Itoa(fd)); err != nil {
		return fmt.Errorf("watching a build's /dev/shm: %w", err)
	}
	return nil
}

// tell completes a record and sends it, if it is new.
func (x *watcher) tell(rec wire.Exec, fd int) error {
	rec.Opens = true
	if drv, out := rec.Drv, rec.Output; drv != "" {
		if out == "" {
			rec.Output = x.outs[drv]
		} else {
			x.outs[drv] = out
		}
	}
	if !strings.HasPrefix(rec.Path, storeDir) {
		rec.SHA256 = x.sum(fd)
	}
	key := rec
	if rec.Drv != "" {
		key.Output = "" // known late for a build's first program
	}
	if x.seen[key] {
		return nil
	}
	if len(x.seen) == maxSeen {
		return errors.New("builds executed and opened more files than are recorded")
	}
	x.seen[key] = true
	return x.w.Send(wire.Msg{T: "exec", Exec: &rec}, nil)
}

// sum hashes an open file, "" where it can't be read.
func (x *watcher) sum(fd int) string {
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return ""
	}
	id := fileID{st.Dev, st.Ino, st.Size, st.Ctim.Sec, st.Ctim.Nsec}
	if s, ok := x.sums[id]; ok {
		return s
	}
	settled := id.settled() // before it is read
	h := sha256.New()
	r := io.NewSectionReader(readerAt(fd), 0, st.Size)
	if _, err := io.Copy(h, r); err != nil {
		return ""
	}
	s := hex.EncodeToString(h.Sum(nil))
	if settled {
		if len(x.sums) == maxSeen {
			clear(x.sums)
		}
		x.sums[id] = s
	}
	return s
}

// readerAt reads a bare descriptor, leaving its owner to close it.
type readerAt int

func (fd readerAt) ReadAt(p []byte, off int64) (int, error) {
	n, err := unix.Pread(int(fd), p, off)
	if err == nil && n == 0 {
		err = io.EOF
	}
	if n < 0 {
		n = 0
	}
	return n, err
}

// sandboxRoot is how the root of a Nix sandbox shows in its mount table: the
// directory DRV.chroot (newer: DRV.chroot/root) on the work disk.
var sandboxRoot = regexp.MustCompile(`/store/([0-9a-df-np-sv-z]{32}-[^/ ]+\.drv)\.chroot(?:/root)? / `)

// identify says which build a process belongs to: the derivation by the root
// of its mount namespace, which a build can't change, and $out by the
// environment, of the process or of its nearest parent that has one. Without a
// sandbox only the second is known.
func identify(pid int) (drv, out string) {
	if b, err := os.ReadFile(fmt.Sprintf("/proc/%d/mountinfo", pid)); err == nil {
		if m := sandboxRoot.FindSubmatch(b); m != nil {
			drv = "/nix/store/" + string(m[1])
		}
	}
	for depth := 0; pid > 1 && depth < 64; depth++ {
		if b, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid)); err == nil {
			if out = lookup(b, "out="); strings.HasPrefix(out, "/") {
				return drv, out
			}
		}
		b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil {
			break
		}
		pid = parent(b)
	}
	return drv, ""
}

// lookup finds a variable in a NUL-separated environment.
func lookup(env []byte, key string) string {
	for v := range bytes.SplitSeq(env, []byte{0}) {
		if s, ok := bytes.CutPrefix(v, []byte(key)); ok {
			return string(s)
		}
	}
	return ""
}

// parent reads the parent's id from /proc/PID/stat; the name before it is in
// parentheses and may itself hold any.
func parent(stat []byte) int {
	i := bytes.LastIndexByte(stat, ')')
	f := bytes.Fields(stat[i+1:])
	if len(f) < 2 {
		return 0
	}
	n, err := strconv.Atoi(string(f[1]))
	if err != nil {
		return 0
	}
	return n
}
