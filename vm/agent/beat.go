package agent

import (
	"bytes"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"fromsource/vm/wire"

	"golang.org/x/sys/unix"
)

// lowDisk is the least free space seen; builders that fail for want of space
// give it back before anybody can look.
var lowDisk atomic.Int64

// beat tells the host that the guest is alive, and how it is.
func beat(w *wire.Writer) {
	const look = wire.BeatEvery / 8
	for i := 1; ; i++ {
		time.Sleep(look)
		st := state()
		if i%8 != 0 {
			continue
		}
		if err := w.Send(wire.Msg{T: "beat", Info: st}, nil); err != nil {
			return
		}
	}
}

// state looks at disk and memory.
func state() *wire.Info {
	var i wire.Info
	var fs unix.Statfs_t
	if err := unix.Statfs("/nix", &fs); err == nil {
		i.DiskTotal = int64(fs.Blocks) * fs.Bsize
		i.DiskFree = int64(fs.Bfree) * fs.Bsize
		for low := lowDisk.Load(); low == 0 || i.DiskFree < low; low = lowDisk.Load() {
			if lowDisk.CompareAndSwap(low, max(i.DiskFree, 1)) {
				break
			}
		}
		i.LowDisk = lowDisk.Load()
	}
	if b, err := os.ReadFile("/proc/meminfo"); err == nil {
		i.MemTotal = meminfo(b, "MemTotal:")
		i.MemFree = meminfo(b, "MemAvailable:")
	}
	if b, err := os.ReadFile("/proc/uptime"); err == nil {
		s, _, _ := strings.Cut(string(b), " ")
		if f, err := strconv.ParseFloat(s, 64); err == nil {
			i.Uptime = int64(f * 1000)
		}
	}
	return &i
}

// meminfo is one value of /proc/meminfo, in bytes; 0 when it is not there.
func meminfo(b []byte, key string) int64 {
	for line := range bytes.Lines(b) {
		f := bytes.Fields(line)
		if len(f) >= 2 && string(f[0]) == key {
			n, err := strconv.ParseInt(string(f[1]), 10, 64)
			if err != nil {
				return 0
			}
			return n << 10
		}
	}
	return 0
}

// kernelLog tells the host when the kernel killed a process for want of
// memory: the build that it belonged to fails with nothing but "killed".
type kernelLog struct {
	w  *wire.Writer
	mu sync.Mutex
	fd int
}

// openKernelLog gives nil where there is none.
func openKernelLog(w *wire.Writer) *kernelLog {
	fd, err := unix.Open("/dev/kmsg", unix.O_RDONLY|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil
	}
	return &kernelLog{w: w, fd: fd}
}

// watch reads what is written, as long as the guest lives.
func (k *kernelLog) watch() {
	for k != nil {
		fds := []unix.PollFd{{Fd: int32(k.fd), Events: unix.POLLIN}}
		if _, err := unix.Poll(fds, -1); err != nil && err != unix.EINTR {
			return
		}
		if !k.read() {
			return
		}
	}
}

// read reads what there is, and is false where nothing can be read any more.
func (k *kernelLog) read() bool {
	if k == nil {
		return false
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	buf := make([]byte, 8192) // one record a read
	for {
		n, err := unix.Read(k.fd, buf)
		switch {
		case err == unix.EPIPE || err == unix.EINTR:
			continue // records were overwritten before we read them
		case err == unix.EAGAIN:
			return true
		case err != nil || n <= 0:
			return false
		}
		_, text, ok := strings.Cut(string(buf[:n]), ";")
		if !ok {
			continue
		}
		text, _, _ = strings.Cut(text, "\n")
		if isOOM(text) {
			_ = k.w.Send(wire.Msg{T: "event", Event: "oom", Detail: text}, nil)
		}
	}
}

// isOOM tells the kernel's line about a process killed for want of memory.
// Control groups have a limit of their own and a line of their own.
func isOOM(line string) bool {
	return strings.HasPrefix(line, "Out of memory: Killed process") ||
		strings.HasPrefix(line, "Memory cgroup out of memory: Killed process")
}
