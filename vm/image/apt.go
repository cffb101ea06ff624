package image

import (
	"bytes"
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
)

// apt drives the host's own apt on a private state: an empty list of
// installed packages, so that whole dependency sets are named, and index files
// and downloads of our own. Sources, keys, proxies and preferences are the
// host's, as its configuration has them. Nothing of the host is changed, and
// no privilege is needed.
type apt struct {
	dir  string // holds state, cache and configuration
	conf string
}

// newAPT prepares the private state under dir.
func newAPT(dir string) (*apt, error) {
	for _, tool := range []string{"apt-get", "apt-cache", "dpkg-deb"} {
		if _, err := exec.LookPath(tool); err != nil {
			return nil, fmt.Errorf("the guest's kernel, Nix and busybox are taken from the host distribution's packages, and %q is not in PATH: on a system without apt, prepare the image on one with it and copy its cache directory", tool)
		}
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	a := &apt{dir: dir, conf: filepath.Join(dir, "apt.conf")}
	for _, d := range []string{"state/lists/partial", "cache/archives/partial"} {
		if err := os.MkdirAll(filepath.Join(dir, d), 0o755); err != nil {
			return nil, err
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "state/status"), nil, 0o644); err != nil {
		return nil, err
	}
	// Hooks of the host are for changes of the host.
	conf := fmt.Sprintf(`Dir::State %[1]q;
Dir::State::lists %[2]q;
Dir::State::status %[3]q;
Dir::State::extended_states %[4]q;
Dir::Cache %[5]q;
Dir::Cache::archives %[6]q;
Dir::Cache::pkgcache "";
Dir::Cache::srcpkgcache "";
APT::Sandbox::User "root";
Acquire::Languages "none";
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
#clear DPkg::Pre-Install-Pkgs;
#clear DPkg::Post-Invoke;
`, filepath.Join(dir, "state"), filepath.Join(dir, "state/lists"), filepath.Join(dir, "state/status"),
		filepath.Join(dir, "state/extended_states"), filepath.Join(dir, "cache"), filepath.Join(dir, "cache/archives"))
	if err := os.WriteFile(a.conf, []byte(conf), 0o644); err != nil {
		return nil, err
	}
	return a, nil
}

// run runs one of apt's programs and gives its standard output.
func (a *apt) run(ctx context.Context, dir, prog string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, prog, append([]string{"-c", a.conf}, args...)...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "LC_ALL=C", "DEBIAN_FRONTEND=noninteractive")
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, fmt.Errorf("%s %s: %w: %s", prog, args[0], err, lastLines(errs.String(), 5))
	}
	return out.Bytes(), nil
}

// update refreshes the index files.
func (a *apt) update(ctx context.Context) error {
	_, err := a.run(ctx, "", "apt-get", "update", "-q", "-o", "Acquire::Retries=3")
	return err
}

// ErrNoKernel is wrapped by errors about a kernel's package that the host
// distribution does not have, or that has no kernel.
var ErrNoKernel = errors.New("no such kernel")

// kernel names the package with the kernel that a package depends on: the
// distribution's way to name the newest of a flavour. One that depends on none
// is such a package itself.
func (a *apt) kernel(ctx context.Context, name string) (string, error) {
	known, err := a.run(ctx, "", "apt-cache", "pkgnames", name)
	if err != nil {
		return "", err
	}
	if !slices.Contains(strings.Fields(string(known)), name) {
		return "", fmt.Errorf("%w: apt knows no package %q", ErrNoKernel, name)
	}
	out, err := a.run(ctx, "", "apt-cache", "depends", "--important", name)
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
func (a *apt) resolve(ctx context.Context, names ...string) ([]choice, error) {
	out, err := a.run(ctx, "", "apt-get", append([]string{"install", "--print-uris", "-qq", "-y", "--no-install-recommends"}, names...)...)
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
func (a *apt) version(ctx context.Context, name string) (choice, error) {
	out, err := a.run(ctx, "", "apt-cache", "show", "--no-all-versions", name)
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
func (a *apt) download(ctx context.Context, dir string, want []choice) ([]Package, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	args := []string{"download", "-q", "-o", "Acquire::Retries=3"}
	for _, c := range want {
		args = append(args, c.name+"="+c.version)
	}
	if _, err := a.run(ctx, dir, "apt-get", args...); err != nil {
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
