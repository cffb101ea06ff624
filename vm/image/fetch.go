package image

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// fetch resolves the guest's packages and downloads them. An archive may change
// between the two, and then no longer have what was resolved: both are done
// once more where a download fails.
func fetch(ctx context.Context, a *packages, debs string, o Options) ([]Package, error) {
	all, err := resolved(ctx, a, o)
	if err != nil {
		return nil, err
	}
	pkgs, err := a.download(ctx, debs, all)
	if err == nil || ctx.Err() != nil {
		return pkgs, err
	}
	o.Progress(err.Error() + ": asking once more")
	if all, err = resolved(ctx, a, o); err != nil {
		return nil, err
	}
	return a.download(ctx, debs, all)
}

// resolved names the guest's packages in the versions that the archives have.
func resolved(ctx context.Context, a *packages, o Options) ([]choice, error) {
	o.Progress("asking apt for the guest's packages")
	if err := a.Update(ctx); err != nil {
		return nil, err
	}
	kernel, err := a.kernel(ctx, o.Kernel)
	if err != nil {
		return nil, err
	}
	// What a kernel package depends on is for installing it.
	k, err := a.version(ctx, kernel)
	if err != nil {
		return nil, err
	}
	all, err := a.resolve(ctx, append([]string{nixPackage, busybox, certs}, o.Packages...)...)
	if err != nil {
		return nil, err
	}
	all = append(all, k)
	o.Progress(fmt.Sprintf("downloading %d packages", len(all)))
	return all, nil
}

// intact says whether all packages are there as they were pinned.
func intact(debs string, pkgs []Package) bool {
	for _, p := range pkgs {
		got, _, err := hashFile(filepath.Join(debs, p.File))
		if err != nil || got != p.SHA256 {
			return false
		}
	}
	return len(pkgs) > 0
}

// forget removes downloads that no image took anything from; the rest stays,
// to make a damaged image again without a network.
func forget(dir, debs string) error {
	imgs, err := List(dir)
	if err != nil {
		return err
	}
	keep := map[string]bool{}
	for _, img := range imgs {
		for _, p := range img.Manifest.Packages {
			keep[p.File] = true
		}
	}
	all, err := os.ReadDir(debs)
	if err != nil {
		return err
	}
	for _, e := range all {
		if !keep[e.Name()] {
			if err := os.Remove(filepath.Join(debs, e.Name())); err != nil && !errors.Is(err, os.ErrNotExist) {
				return err
			}
		}
	}
	return nil
}

// distribution names the host's, as ID-VERSION_ID of os-release.
func distribution(file string) (string, error) {
	f, err := os.Open(file)
	if err != nil {
		return "", fmt.Errorf("finding out the distribution: %w", err)
	}
	defer f.Close()
	v := map[string]string{}
	for s := bufio.NewScanner(f); s.Scan(); {
		if k, val, ok := strings.Cut(s.Text(), "="); ok {
			v[k] = strings.Trim(val, `"'`)
		}
	}
	name := v["ID"]
	if name == "" {
		return "", fmt.Errorf("finding out the distribution: %s has no ID", file)
	}
	version := v["VERSION_ID"]
	if version == "" {
		version = v["VERSION_CODENAME"] // Debian's testing has no number
	}
	if version != "" {
		name += "-" + version
	}
	return strings.Map(func(r rune) rune {
		if r == '-' || r == '.' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' {
			return r
		}
		return '_'
	}, strings.ToLower(name)), nil
}
