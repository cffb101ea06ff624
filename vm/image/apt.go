package image

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"fromsource/vm/apt"
)

// packages asks the host's apt for packages, with an empty list of installed
// ones, so that whole dependency sets are named.
type packages struct{ *apt.APT }

// newPackages prepares the private state under dir.
func newPackages(dir string) (*packages, error) {
	for _, tool := range []string{"apt-get", "apt-cache", "dpkg-deb"} {
		if _, err := exec.LookPath(tool); err != nil {
			return nil, fmt.Errorf("the guest's kernel, Nix and busybox are taken from the host distribution's packages, and %q is not in PATH: on a system without apt, prepare the image on one with it and copy its cache directory", tool)
		}
	}
	a, err := apt.New(dir, apt.Options{})
	if err != nil {
		return nil, err
	}
	return &packages{a}, nil
}

// ErrNoKernel is wrapped by errors about a kernel's package that the host
// distribution does not have, or that has no kernel.
var ErrNoKernel = errors.New("no such kernel")

// kernel names the package with the kernel that a package depends on: the
// distribution's way to name the newest of a flavour. One that depends on none
// is such a package itself.
func (a *packages) kernel(ctx context.Context, name string) (string, error) {
	known, err := a.Run(ctx, "", "apt-cache", "pkgnames", name)
	if err != nil {
		return "", err
	}
	if !slices.Contains(strings.Fields(string(known)), name) {
		return "", fmt.Errorf("%w: apt knows no package %q", ErrNoKernel, name)
	}
	out, err := a.Run(ctx, "", "apt-cache", "depends", "--important", name)
	if err != nil {
		return "", err
	}
	for line := range strings.Lines(string(out)) {
		if on, ok := strings.CutPrefix(strings.TrimSpace(line), "Depends: "); ok && strings.HasPrefix(on, "linux-image-") {
			return on, nil
		}
	}
	return name, nil
}

// choice is a package in the version that apt would install.
type choice struct{ name, version string }

// resolve names packages and all that they depend on, recommendations left
// out, sorted.
func (a *packages) resolve(ctx context.Context, names ...string) ([]choice, error) {
	out, err := a.Run(ctx, "", "apt-get", append([]string{"install", "--print-uris", "-qq", "-y", "--no-install-recommends"}, names...)...)
	if err != nil {
		return nil, err
	}
	return parseURIs(string(out))
}

// parseURIs reads the lines of --print-uris: 'URI' NAME_VERSION_ARCH.deb SIZE
// HASH, the file name with its colons escaped as in an URL.
func parseURIs(out string) ([]choice, error) {
	var all []choice
	for line := range strings.Lines(out) {
		f := strings.Fields(line)
		if len(f) < 3 || !strings.HasPrefix(f[0], "'") {
			continue
		}
		base, ok := strings.CutSuffix(f[1], ".deb")
		parts := strings.Split(base, "_")
		if !ok || len(parts) != 3 {
			return nil, fmt.Errorf("apt-get --print-uris: file name %q is not NAME_VERSION_ARCH.deb", f[1])
		}
		version, err := url.PathUnescape(parts[1])
		if err != nil {
			return nil, fmt.Errorf("apt-get --print-uris: file name %q: %w", f[1], err)
		}
		all = append(all, choice{parts[0], version})
	}
	if len(all) == 0 {
		return nil, errors.New("apt-get --print-uris named no package")
	}
	slices.SortFunc(all, func(x, y choice) int { return strings.Compare(x.name, y.name) })
	return slices.Compact(all), nil
}

// version is the candidate version of one package.
func (a *packages) version(ctx context.Context, name string) (choice, error) {
	out, err := a.Run(ctx, "", "apt-cache", "show", "--no-all-versions", name)
	if err != nil {
		return choice{}, err
	}
	for line := range strings.Lines(string(out)) {
		if v, ok := strings.CutPrefix(line, "Version: "); ok {
			return choice{name, strings.TrimSpace(v)}, nil
		}
	}
	return choice{}, fmt.Errorf("apt-cache show %s: no version", name)
}

// download fetches packages into dir. apt checks each against its signed
// index; what we pin is the hash of what arrived.
func (a *packages) download(ctx context.Context, dir string, want []choice) ([]Package, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	args := []string{"download", "-q"}
	for _, c := range want {
		args = append(args, c.name+"="+c.version)
	}
	if _, err := a.Run(ctx, dir, "apt-get", args...); err != nil {
		return nil, err
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.deb"))
	if err != nil {
		return nil, err
	}
	byKey := map[choice]Package{}
	for _, f := range files {
		parts := strings.Split(strings.TrimSuffix(filepath.Base(f), ".deb"), "_")
		if len(parts) != 3 {
			continue
		}
		v, err := url.PathUnescape(parts[1])
		if err != nil {
			continue
		}
		byKey[choice{parts[0], v}] = Package{Name: parts[0], Version: v, Architecture: parts[2], File: filepath.Base(f)}
	}
	var all []Package
	for _, c := range want {
		p, ok := byKey[c]
		if !ok {
			return nil, fmt.Errorf("apt-get download left no file for %s %s", c.name, c.version)
		}
		if p.SHA256, p.Size, err = hashFile(filepath.Join(dir, p.File)); err != nil {
			return nil, err
		}
		all = append(all, p)
	}
	return all, nil
}

// hashFile is the hex SHA-256 and the size of a file.
func hashFile(name string) (string, int64, error) {
	f, err := os.Open(name)
	if err != nil {
		return "", 0, err
	}
	defer f.Close()
	h := sha256.New()
	n, err := io.Copy(h, f)
	if err != nil {
		return "", 0, fmt.Errorf("reading %s: %w", name, err)
	}
	return hex.EncodeToString(h.Sum(nil)), n, nil
}

// lastLines is the end of a program's output, for a message.
func lastLines(s string, n int) string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	if len(lines) > n {
		lines = lines[len(lines)-n:]
	}
	return strings.Join(lines, "; ")
}
