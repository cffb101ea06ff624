// Package image makes the default guest out of the host distribution's own
// packages: a kernel, and an initramfs with Nix, busybox and the agent.
//
// Nothing is fetched from anywhere but where the host's apt fetches, and
// nothing is installed: packages are downloaded on a private apt state,
// unpacked in memory and on an unnamed file, and only the files that Nix and
// busybox need to run are taken. An image is kept under the user's cache
// directory, keyed by the versions and hashes of its packages; the agent is
// added as a second archive behind it, since it changes with every build of
// fromsource.
package image

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// format is part of every key: raise it when the same packages would give
// another image.
const format = 2

// Options say what image is wanted.
type Options struct {
	// Dir is the cache directory; DefaultDir when empty.
	Dir string
	// Agent is the program that becomes the guest's init: a static build of
	// fromsource. This program's own file when empty.
	Agent string
	// Packages are packages of the host distribution whose programs are put
	// into the guest beside Nix and busybox.
	Packages []string
	// Kernel is the package of the host distribution whose kernel the guest
	// runs, or one that depends on it; DefaultKernel when empty.
	Kernel string
	// Refresh asks apt for newer packages even where an image is cached.
	Refresh bool
	// Progress is told what is being done, a line at a time; may be nil.
	Progress func(string)
}

// Package is a package that an image holds files of, pinned.
type Package struct {
	Name         string `json:"name"`
	Version      string `json:"version"`
	Architecture string `json:"architecture"`
	File         string `json:"file"`
	Size         int64  `json:"size"`
	SHA256       string `json:"sha256"`
}

// Manifest describes an image: manifest.json beside it.
type Manifest struct {
	Format int `json:"format"`
	// Distribution is the host's, "debian-12".
	Distribution string `json:"distribution"`
	// Kernel is the release of the kernel, KernelPackage what was asked for
	// where that is not DefaultKernel.
	Kernel        string    `json:"kernel"`
	KernelPackage string    `json:"kernelPackage,omitempty"`
	Extra         []string  `json:"extra"`
	Packages      []Package `json:"packages"`
	// Files holds the hex SHA-256 of vmlinuz and base.cpio.
	Files map[string]string `json:"files"`
}

// Image is a guest that can be started.
type Image struct {
	// Key names the image in the cache.
	Key string
	// Dir holds its files; Kernel and Initrd are two of them, verified.
	Dir, Kernel, Initrd string
	Manifest            Manifest
	// held keeps Initrd from being removed; it closes itself with the Image.
	held *os.File
}

// ErrDamaged is wrapped by errors about cached files that are not what was
// written.
var ErrDamaged = errors.New("cached guest image is damaged")

// DefaultDir is fromsource's place for guests in the user's cache directory.
func DefaultDir() (string, error) {
	d, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("finding the cache directory: %w", err)
	}
	return filepath.Join(d, "fromsource", "guest"), nil
}

func (o *Options) fill() error {
	if runtime.GOOS != "linux" || runtime.GOARCH != "amd64" {
		return fmt.Errorf("the embedded guest is for linux/amd64, this is %s/%s", runtime.GOOS, runtime.GOARCH)
	}
	var err error
	if o.Dir == "" {
		if o.Dir, err = DefaultDir(); err != nil {
			return err
		}
	}
	if o.Agent == "" {
		if o.Agent, err = os.Executable(); err != nil {
			return fmt.Errorf("finding the program that becomes the guest's agent: %w", err)
		}
	}
	if o.Progress == nil {
		o.Progress = func(string) {}
	}
	if o.Kernel == "" {
		o.Kernel = DefaultKernel
	}
	o.Packages = slices.Sorted(slices.Values(o.Packages))
	for _, p := range append([]string{o.Kernel}, o.Packages...) {
		if p == "" || strings.Trim(p, "abcdefghijklmnopqrstuvwxyz0123456789+-.") != "" || p[0] == '-' {
			return fmt.Errorf("%q is not the name of a package", p)
		}
	}
	return nil
}

// Ensure gives the image that o asks for, making it where it is not cached.
// A cached one is verified; a damaged one is said to Progress and made anew
// from the same packages.
func Ensure(ctx context.Context, o Options) (*Image, error) {
	if err := o.fill(); err != nil {
		return nil, err
	}
	if err := CheckStatic(o.Agent); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Join(o.Dir, "images"), 0o755); err != nil {
		return nil, err
	}
	unlock, err := lock(ctx, filepath.Join(o.Dir, "lock"))
	if err != nil {
		return nil, err
	}
	defer unlock()

	img, err := current(o)
	var pinned []Package
	switch {
	case err == nil && !o.Refresh:
		if img.Initrd, err = compose(img, o.Agent); err == nil {
			return img, nil
		}
		if !errors.Is(err, ErrDamaged) {
			return nil, err
		}
		o.Progress(err.Error() + ": making it again")
		pinned = img.Manifest.Packages
	case errors.Is(err, ErrDamaged):
		o.Progress(err.Error() + ": making it again")
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return nil, err
	}
	if img, err = makeImage(ctx, o, pinned); err != nil {
		return nil, fmt.Errorf("making the guest image: %w", err)
	}
	if img.Initrd, err = compose(img, o.Agent); err != nil {
		return nil, err
	}
	return img, nil
}

// pointer is the file that names the image for a distribution, a kernel and a
// set of extra packages.
func pointer(o Options) (string, string, error) {
	dist, err := distribution("/etc/os-release")
	if err != nil {
		return "", "", err
	}
	parts := append([]string{fmt.Sprint(format), dist}, o.Packages...)
	if o.Kernel != "" && o.Kernel != DefaultKernel {
		parts = append(parts, "kernel "+o.Kernel) // no package has a space
	}
	id := sum(parts...)
	return filepath.Join(o.Dir, "images", "current-"+id[:16]), dist, nil
}

// current opens the cached image; an error that is fs.ErrNotExist says there
// is none.
func current(o Options) (*Image, error) {
	name, _, err := pointer(o)
	if err != nil {
		return nil, err
	}
	key, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	return open(o.Dir, strings.TrimSpace(string(key)))
}

// open reads an image's manifest and verifies its kernel.
func open(dir, key string) (*Image, error) {
	if key == "" || strings.ContainsAny(key, "/\x00") || key[0] == '.' {
		return nil, fmt.Errorf("%w: %q is not the name of an image", ErrDamaged, key)
	}
	img := &Image{Key: key, Dir: filepath.Join(dir, "images", key)}
	img.Kernel = filepath.Join(img.Dir, "vmlinuz")
	b, err := os.ReadFile(filepath.Join(img.Dir, "manifest.json"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: %s has no manifest.json", ErrDamaged, img.Dir)
	}
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(b, &img.Manifest); err != nil {
		return nil, fmt.Errorf("%w: %s/manifest.json: %w", ErrDamaged, img.Dir, err)
	}
	if err := img.verify("vmlinuz"); err != nil {
		return nil, err
	}
	return img, nil
}

// verify checks one of the image's files against its manifest.
func (img *Image) verify(file string) error {
	got, _, err := hashFile(filepath.Join(img.Dir, file))
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: %s is missing from %s", ErrDamaged, file, img.Dir)
	}
	if err != nil {
		return err
	}
	if want := img.Manifest.Files[file]; got != want {
		return fmt.Errorf("%w: %s/%s has sha256 %s, its manifest says %s", ErrDamaged, img.Dir, file, got, want)
	}
	return nil
}

// makeImage resolves (unless pinned packages are given), downloads, unpacks
// and writes a new image.
func makeImage(ctx context.Context, o Options, pinned []Package) (*Image, error) {
	a, err := newPackages(filepath.Join(o.Dir, "apt"))
	if err != nil {
		return nil, err
	}
	debs := filepath.Join(o.Dir, "debs")
	pkgs := pinned
	if !intact(debs, pkgs) {
		if pkgs, err = fetch(ctx, a, debs, o); err != nil {
			return nil, err
		}
	}
	// What one that was killed left; we have the lock.
	old, err := filepath.Glob(filepath.Join(o.Dir, "images", ".new-*"))
	if err != nil {
		return nil, err
	}
	for _, d := range old {
		if err := os.RemoveAll(d); err != nil {
			return nil, err
		}
	}
	tmp, err := os.MkdirTemp(filepath.Join(o.Dir, "images"), ".new-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(tmp)
	o.Progress(fmt.Sprintf("unpacking %d packages", len(pkgs)))
	m, err := makeBase(ctx, tmp, debs, pkgs, o.Packages)
	if err != nil {
		return nil, err
	}
	name, dist, err := pointer(o)
	if err != nil {
		return nil, err
	}
	man := Manifest{Format: format, Distribution: dist, Kernel: m.kernelRelease, Extra: append([]string{}, o.Packages...), Packages: m.packages, Files: map[string]string{}}
	if o.Kernel != DefaultKernel {
		man.KernelPackage = o.Kernel
	}
	for _, f := range []string{"vmlinuz", "base.cpio"} {
		if man.Files[f], _, err = hashFile(filepath.Join(tmp, f)); err != nil {
			return nil, err
		}
	}
	b, err := json.MarshalIndent(man, "", "  ")
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(tmp, "manifest.json"), append(b, '\n'), 0o644); err != nil {
		return nil, err
	}
	if err := os.Chmod(tmp, 0o755); err != nil {
		return nil, err
	}
	key := man.key()
	dir := filepath.Join(o.Dir, "images", key)
	if err := os.RemoveAll(dir); err != nil {
		return nil, err
	}
	if err := os.Rename(tmp, dir); err != nil {
		return nil, err
	}
	if err := writeTo(name, func(w io.Writer) error { _, err := io.WriteString(w, key+"\n"); return err }); err != nil {
		return nil, err
	}
	if err := forget(o.Dir, debs); err != nil {
		return nil, err
	}
	return open(o.Dir, key)
}

// key names an image by what it was made of.
func (m *Manifest) key() string {
	parts := append([]string{fmt.Sprint(m.Format), m.Distribution}, m.Extra...)
	for _, p := range m.Packages {
		parts = append(parts, p.Name+" "+p.Version+" "+p.Architecture+" "+p.SHA256)
	}
	return m.Distribution + "-" + sum(parts...)[:16]
}

// lock takes the lock of the cache directory, waiting for whoever has it.
func lock(ctx context.Context, name string) (func(), error) {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	taken := make(chan error, 1)
	go func() { taken <- unix.Flock(int(f.Fd()), unix.LOCK_EX) }()
	select {
	case err = <-taken:
	case <-ctx.Done():
		// The lock comes when its holder ends, and is not kept then.
		go func() {
			<-taken //nolint:errcheck // taken or not, it is given back
			_ = f.Close()
		}()
		err = ctx.Err()
		return nil, fmt.Errorf("waiting for another fromsource that makes a guest image (%s): %w", name, err)
	}
	if err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("locking %s: %w", name, err)
	}
	return func() { _ = f.Close() }, nil
}
