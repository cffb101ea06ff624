package image

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"fromsource/vm/agent"
)

// Packages with kernels: those of Debian. The second one is for guests that
// are to have another kernel than the first.
const (
	DefaultKernel = "linux-image-cloud-amd64"
	OtherKernel   = "linux-image-amd64"
)

// The other packages of the default guest.
const (
	nixPackage = "nix-bin"
	busybox    = "busybox-static"
	certs      = "ca-certificates"
)

// buildUsers is how many users the guest has for builds.
const buildUsers = 32

// made is what making an image leaves in memory.
type made struct {
	kernelRelease string
	packages      []Package // those with a file in the image
}

// makeBase unpacks packages and writes vmlinuz and base.cpio into dir.
// Programs of the packages named in extra are put in beside Nix's.
func makeBase(ctx context.Context, dir, debs string, pkgs []Package, extra []string) (_ *made, err error) {
	p, err := newPool(dir)
	if err != nil {
		return nil, err
	}
	defer func() {
		if cerr := p.close(); err == nil {
			err = cerr
		}
	}()
	if err := unpack(ctx, p, debs, pkgs); err != nil {
		return nil, err
	}
	used := map[string]bool{}

	kernel := ""
	for name := range p.files {
		if strings.HasPrefix(name, "boot/vmlinuz-") {
			kernel = name
		}
	}
	if kernel == "" {
		return nil, fmt.Errorf("%w: its package has no boot/vmlinuz", ErrNoKernel)
	}
	used[p.files[kernel].pkg] = true
	if err := writeTo(filepath.Join(dir, "vmlinuz"), func(w io.Writer) error {
		_, err := io.Copy(w, p.open(p.files[kernel]))
		return err
	}); err != nil {
		return nil, err
	}

	entries, err := p.programs(extra, used)
	if err != nil {
		return nil, err
	}
	mods, err := pickModules(p)
	if err != nil {
		return nil, err
	}
	var list bytes.Buffer
	for _, m := range mods {
		entries = append(entries, bytesEntry(m.path, 0o644, m.data))
		fmt.Fprintf(&list, "/%s\n", m.path)
	}
	bundle, err := p.certificates()
	if err != nil {
		return nil, err
	}
	used[certs] = true
	entries = append(entries,
		bytesEntry(strings.TrimPrefix(agent.ModuleList, "/"), 0o644, list.Bytes()),
		bytesEntry("etc/ssl/certs/ca-certificates.crt", 0o644, bundle))
	entries = append(entries, skeleton()...)
	if err := writeTo(filepath.Join(dir, "base.cpio"), func(w io.Writer) error { return WriteCPIO(w, entries) }); err != nil {
		return nil, err
	}
	m := &made{kernelRelease: strings.TrimPrefix(kernel, "boot/vmlinuz-")}
	for _, k := range pkgs {
		if used[k.Name] {
			m.packages = append(m.packages, k)
		}
	}
	return m, nil
}

// unpack reads the packages, decompressing as many at a time as there are
// few processors on a small machine.
func unpack(ctx context.Context, p *pool, debs string, pkgs []Package) error {
	keep := func(name string) bool {
		for _, top := range []string{"boot/vmlinuz-", "usr/bin/", "usr/sbin/", "usr/lib/", "usr/lib64/", "usr/libexec/", "usr/share/ca-certificates/"} {
			if strings.HasPrefix(name, top) {
				return true
			}
		}
		return false
	}
	for _, k := range pkgs {
		if err := p.add(ctx, k.Name, filepath.Join(debs, k.File), keep); err != nil {
			return err
		}
	}
	return nil
}

// programs chooses Nix, busybox and extra programs with all they need.
func (p *pool) programs(extra []string, used map[string]bool) ([]Entry, error) {
	c := newChooser(p)
	roots := map[string]bool{nixPackage: true, busybox: true}
	for _, e := range extra {
		roots[e] = true
	}
	for name, f := range p.files {
		if roots[f.pkg] && (strings.HasPrefix(name, "usr/bin/") || strings.HasPrefix(name, "usr/sbin/") ||
			strings.HasPrefix(name, "usr/libexec/") || strings.HasPrefix(name, "usr/lib/nix/")) {
			c.want(name)
		}
	}
	for _, must := range []string{"usr/bin/nix", "usr/bin/nix-store", "usr/bin/busybox"} {
		if c.chosen[must] == nil {
			return nil, fmt.Errorf("the packages %s and %s have no /%s", nixPackage, busybox, must)
		}
	}
	// The C library loads these by name when a host name is looked up; where
	// they are part of libc itself there is nothing to choose.
	for _, d := range libraryDirs {
		c.want(d + "/libnss_files.so.2")
		c.want(d + "/libnss_dns.so.2")
		c.want(d + "/libgcc_s.so.1") // pthread_cancel's
	}
	if err := c.close(); err != nil {
		return nil, err
	}
	var all []Entry
	for name, f := range c.chosen {
		used[f.pkg] = true
		all = append(all, p.entry(name, f))
	}
	// Nix 2.8 starts this helper even when there are no remote builders; its
	// package has it as part of nix itself.
	if helper := "usr/libexec/nix/build-remote"; c.chosen[helper] == nil {
		all = append(all, Entry{Name: helper, Mode: fs.ModeSymlink | 0o777, Target: "/usr/bin/nix"})
	}
	all = append(all, Entry{Name: "usr/bin/sh", Mode: fs.ModeSymlink | 0o777, Target: "busybox"})
	return all, nil
}

// certificates is the bundle that the package's installation would make.
func (p *pool) certificates() ([]byte, error) {
	var names []string
	for name, f := range p.files {
		if f.pkg == certs && strings.HasPrefix(name, "usr/share/ca-certificates/") && strings.HasSuffix(name, ".crt") {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	var all []byte
	for _, n := range names {
		b, err := io.ReadAll(p.open(p.files[n]))
		if err != nil {
			return nil, err
		}
		all = append(append(all, bytes.TrimRight(b, "\n")...), '\n')
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("package %s has no certificates", certs)
	}
	return all, nil
}

// skeleton is what of the guest's root is in no package.
func skeleton() []Entry {
	var passwd, group strings.Builder
	passwd.WriteString("root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/var/empty:/bin/false\n")
	group.WriteString("root:x:0:\ntty:x:5:\nnogroup:x:65534:\nnixbld:x:30000:")
	for i := 1; i <= buildUsers; i++ {
		fmt.Fprintf(&passwd, "nixbld%d:x:%d:30000:Nix build user %d:/var/empty:/bin/false\n", i, 30000+i, i)
		if i > 1 {
			group.WriteByte(',')
		}
		fmt.Fprintf(&group, "nixbld%d", i)
	}
	group.WriteByte('\n')
	text := func(name, s string) Entry { return bytesEntry(name, 0o644, []byte(s)) }
	link := func(name, to string) Entry { return Entry{Name: name, Mode: fs.ModeSymlink | 0o777, Target: to} }
	dir := func(name string, mode fs.FileMode) Entry { return Entry{Name: name, Mode: fs.ModeDir | mode} }
	return []Entry{
		link("bin", "usr/bin"), link("sbin", "usr/sbin"), link("lib", "usr/lib"), link("lib64", "usr/lib64"),
		dir("dev", 0o755), dir("proc", 0o755), dir("sys", 0o755), dir("run", 0o755), dir("root", 0o700),
		dir("nix", 0o755), dir("srcs", 0o755), dir("var/empty", 0o755), dir("tmp", fs.ModeSticky|0o777),
		dir("usr/sbin", 0o755), dir("usr/lib64", 0o755),
		{Name: "dev/console", Mode: fs.ModeDevice | fs.ModeCharDevice | 0o600, Major: 5, Minor: 1},
		{Name: "dev/null", Mode: fs.ModeDevice | fs.ModeCharDevice | 0o666, Major: 1, Minor: 3},
		text("etc/passwd", passwd.String()), text("etc/group", group.String()),
		text("etc/hosts", "127.0.0.1 localhost\n::1 localhost\n"),
		text("etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files dns\n"),
		text("etc/resolv.conf", "nameserver 10.0.2.3\n"), // QEMU's user network
		text("etc/services", "http 80/tcp\nhttps 443/tcp\n"),
		text("etc/protocols", "tcp 6 TCP\nudp 17 UDP\n"),
	}
}

func bytesEntry(name string, mode fs.FileMode, b []byte) Entry {
	return Entry{Name: name, Mode: mode, Size: int64(len(b)), Data: func() (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(b)), nil
	}}
}

// writeTo writes a file that appears only when it is complete.
func writeTo(name string, write func(io.Writer) error) (err error) {
	f, err := os.CreateTemp(filepath.Dir(name), ".new-")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = f.Close()
			_ = os.Remove(f.Name())
		}
	}()
	if err := write(f); err != nil {
		return fmt.Errorf("writing %s: %w", name, err)
	}
	if err := f.Chmod(0o644); err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return fmt.Errorf("writing %s: %w", name, err)
	}
	return os.Rename(f.Name(), name)
}

// sum is the hex SHA-256 of strings, each ended by a newline.
func sum(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		_, _ = io.WriteString(h, p+"\n") // a hash never fails
	}
	return hex.EncodeToString(h.Sum(nil))
}
