package agent

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// mountAll makes a root that pivot_root accepts, and the file systems that
// every program expects.
//
// The kernel refuses to pivot_root away from an initramfs, and Nix's sandbox
// pivot_roots. A bind mount of the root over itself, moved to /, is a root
// like any other and costs no copy.
func mountAll() error {
	if err := os.MkdirAll("/.new", 0o755); err != nil {
		return err
	}
	if err := unix.Mount("/", "/.new", "", unix.MS_BIND, ""); err != nil {
		return fmt.Errorf("binding the root: %w", err)
	}
	if err := os.Chdir("/.new"); err != nil {
		return err
	}
	if err := unix.Mount(".", "/", "", unix.MS_MOVE, ""); err != nil {
		return fmt.Errorf("moving the root: %w", err)
	}
	if err := unix.Chroot("."); err != nil {
		return fmt.Errorf("changing the root: %w", err)
	}
	if err := os.Chdir("/"); err != nil {
		return err
	}
	// Nix makes its own mounts private; ours must not leak into a sandbox.
	if err := unix.Mount("", "/", "", unix.MS_PRIVATE|unix.MS_REC, ""); err != nil {
		return fmt.Errorf("making the root private: %w", err)
	}
	for _, m := range []struct {
		kind, at, opts string
		flags          uintptr
	}{
		{"proc", "/proc", "", unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC},
		{"sysfs", "/sys", "", unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC},
		{"devtmpfs", "/dev", "mode=0755", unix.MS_NOSUID},
		{"devpts", "/dev/pts", "gid=5,mode=620,ptmxmode=666", unix.MS_NOSUID | unix.MS_NOEXEC},
		{"tmpfs", "/dev/shm", "mode=1777", unix.MS_NOSUID | unix.MS_NODEV},
		{"tmpfs", "/run", "mode=0755", unix.MS_NOSUID | unix.MS_NODEV},
	} {
		if err := os.MkdirAll(m.at, 0o755); err != nil {
			return err
		}
		if err := unix.Mount(m.kind, m.at, m.kind, m.flags, m.opts); err != nil {
			return fmt.Errorf("mounting %s on %s: %w", m.kind, m.at, err)
		}
	}
	for name, target := range map[string]string{
		"/dev/fd": "/proc/self/fd", "/dev/stdin": "/proc/self/fd/0",
		"/dev/stdout": "/proc/self/fd/1", "/dev/stderr": "/proc/self/fd/2",
	} {
		if err := os.Symlink(target, name); err != nil && !errors.Is(err, os.ErrExist) {
			return err
		}
	}
	if err := os.Chmod("/", 0o755); err != nil { // an initramfs root is open to all
		return err
	}
	if err := unix.Sethostname([]byte("guest")); err != nil {
		return fmt.Errorf("naming the guest: %w", err)
	}
	lim := unix.Rlimit{Cur: 65536, Max: 65536}
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &lim); err != nil {
		return fmt.Errorf("raising the limit of open files: %w", err)
	}
	return nil
}

// loadModules loads what the list names. One that fails is said and passed
// over: which of them matter shows at once when the port or the disk is not
// there.
func loadModules(list string) {
	b, err := os.ReadFile(list)
	if err != nil {
		say("no modules are loaded: %v", err)
		return
	}
	for _, path := range strings.Fields(string(b)) {
		f, err := os.Open(path)
		if err != nil {
			say("module: %v", err)
			continue
		}
		err = unix.FinitModule(int(f.Fd()), "", 0)
		_ = f.Close() // only read
		if err != nil && !errors.Is(err, unix.EEXIST) && !errors.Is(err, unix.ENODEV) {
			say("module %s: %v", path, err)
		}
	}
}

// busyboxLinks makes the usual commands where the image has none of its own.
func busyboxLinks() error {
	code, out := simple("/bin/busybox", "--install", "-s", "/usr/bin")
	if code != 0 {
		return fmt.Errorf("busybox --install: exit status %d: %s", code, out)
	}
	return nil
}

// openPort finds the virtio-serial port by its name and opens it. It looks so
// many times, and not for so long: the clock goes on while a host that is
// stalled gives the guest no time to find its devices.
func openPort() (*os.File, error) {
	const looks = 1000
	for range looks {
		names, err := filepath.Glob("/sys/class/virtio-ports/*/name")
		if err != nil {
			return nil, err
		}
		for _, n := range names {
			b, err := os.ReadFile(n)
			if err != nil || strings.TrimSpace(string(b)) != Port {
				continue
			}
			dev := "/dev/" + filepath.Base(filepath.Dir(n))
			// A blocking descriptor: the runtime's poller is not needed
			// for a port that one goroutine reads.
			fd, err := unix.Open(dev, unix.O_RDWR|unix.O_CLOEXEC, 0)
			if err != nil {
				return nil, fmt.Errorf("opening %s: %w", dev, err)
			}
			return os.NewFile(uintptr(fd), dev), nil
		}
		time.Sleep(20 * time.Millisecond)
	}
	return nil, fmt.Errorf("no virtio port named %q", Port)
}

// mountWork mounts the work disk as /nix, with the places for builds and
// temporary files on it. A guest without one keeps all in memory.
func mountWork() error {
	for _, d := range []string{"/nix", "/tmp", "/root", "/srcs"} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			return err
		}
	}
	dev, err := disk(WorkDisk)
	if err != nil {
		return err
	}
	if dev == "" {
		err = unix.Mount("tmpfs", "/nix", "tmpfs", 0, "mode=0755,size=90%")
	} else {
		err = unix.Mount(dev, "/nix", "ext4", unix.MS_NOATIME, "nobarrier")
	}
	if err != nil {
		return fmt.Errorf("mounting the work disk %q: %w", dev, err)
	}
	for _, d := range []struct {
		path, at string
		mode     os.FileMode
	}{
		{"/nix/store", "", 0o755 | os.ModeSticky},
		{"/nix/var/fromsource", "", 0o755},
		{"/nix/var/nix", "", 0o755},
		{"/nix/tmp", "/tmp", 0o777 | os.ModeSticky},
		{"/nix/srcs", "/srcs", 0o755},
	} {
		if err := os.MkdirAll(d.path, 0o755); err != nil {
			return err
		}
		if err := os.Chmod(d.path, d.mode); err != nil {
			return err
		}
		if d.at == "" {
			continue
		}
		if err := unix.Mount(d.path, d.at, "", unix.MS_BIND, ""); err != nil {
			return fmt.Errorf("binding %s: %w", d.at, err)
		}
	}
	return copyFile(SandboxShell, "/bin/busybox", 0o755)
}

// disk finds a virtio disk by its serial; "" when there is none.
func disk(serial string) (string, error) {
	found, err := filepath.Glob("/sys/block/vd*/serial")
	if err != nil {
		return "", err
	}
	for _, f := range found {
		b, err := os.ReadFile(f)
		if err == nil && string(bytes.TrimSpace(b)) == serial {
			return "/dev/" + filepath.Base(filepath.Dir(f)), nil
		}
	}
	return "", nil
}

// setUpNetwork brings up the loopback, and on request the one network card
// with the addresses that QEMU's user network gives.
func setUpNetwork() {
	cmds := [][]string{{"ip", "link", "set", "lo", "up"}}
	if b, err := os.ReadFile("/proc/cmdline"); err == nil && bytes.Contains(b, []byte(NetFlag)) {
		cmds = append(cmds,
			[]string{"ip", "link", "set", "eth0", "up"},
			[]string{"ip", "addr", "add", "10.0.2.15/24", "dev", "eth0"},
			[]string{"ip", "route", "add", "default", "via", "10.0.2.2"})
	}
	for _, c := range cmds {
		if code, out := simple("/bin/busybox", c...); code != 0 {
			say("network: %s: exit status %d: %s", strings.Join(c, " "), code, out)
		}
	}
}

// simple runs a short command before there is a reaper.
func simple(path string, args ...string) (int, string) {
	r, w, err := os.Pipe()
	if err != nil {
		return -1, err.Error()
	}
	p, err := os.StartProcess(path, append([]string{path}, args...), &os.ProcAttr{Files: []*os.File{nil, w, w}, Env: environment()})
	_ = w.Close() // the child has its own
	if err != nil {
		return -1, err.Error()
	}
	out, _ := io.ReadAll(io.LimitReader(r, 4096)) // for a message only
	_ = r.Close()
	st, err := p.Wait()
	if err != nil {
		return -1, err.Error()
	}
	return st.ExitCode(), strings.TrimSpace(string(out))
}

// environment is what commands in the guest start with.
func environment() []string {
	return []string{
		"PATH=/usr/bin:/bin:/usr/sbin:/sbin", "HOME=/root", "USER=root",
		"TMPDIR=/tmp", "LC_ALL=C", "TERM=dumb",
		"NIX_SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt",
	}
}

func copyFile(to, from string, mode os.FileMode) error {
	b, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	if err := os.WriteFile(to, b, mode); err != nil {
		return err
	}
	return os.Chmod(to, mode)
}
