package inputs

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"fromsource/vm/apt"
)

// debian asks the host's apt, with sources of its own.
type debian struct {
	*apt.APT
	dir string
}

// newDebian prepares a private state below dir. dpkg-deb comes with apt.
func newDebian(dir, architecture string) (*debian, error) {
	if _, err := exec.LookPath("apt-get"); err != nil {
		return nil, fmt.Errorf("some inputs are Debian packages, and apt-get is not installed: %w", err)
	}
	a, err := apt.New(filepath.Join(dir, "apt"), apt.Options{Architecture: architecture, OwnSources: true})
	if err != nil {
		return nil, err
	}
	return &debian{a, dir}, nil
}

// use makes suite of archive the only source and reads its index files, of
// source packages, binary ones or both.
func (a *debian) use(ctx context.Context, archive archive, suite string, kinds []Kind) error {
	var list strings.Builder
	for _, kind := range kinds {
		what := "deb"
		if kind == DebianSource {
			what = "deb-src"
		}
		options := ""
		if len(archive.options) > 0 {
			options = "[" + strings.Join(archive.options, " ") + "] "
		}
		fmt.Fprintf(&list, "%s %s%s %s main\n", what, options, archive.uri, suite)
	}
	return a.Use(ctx, list.String())
}

// download fetches the pins' files into dir. apt checks them against its
// signed index; the lock file's hashes are checked by the caller.
func (a *debian) download(ctx context.Context, dir string, pins []*Pin) error {
	args := map[Kind][]string{
		DebianBinary: {"download", "-q"},
		// --tar-only leaves Debian's own changes and description out.
		DebianSource: {"source", "-q", "--download-only", "--tar-only"},
	}
	used := map[Kind]bool{}
	for _, p := range pins {
		args[p.Kind] = append(args[p.Kind], p.Package+"="+p.Version)
		used[p.Kind] = true
	}
	for _, kind := range []Kind{DebianBinary, DebianSource} {
		if !used[kind] {
			continue
		}
		if _, err := a.Run(ctx, dir, "apt-get", args[kind]...); err != nil {
			return err
		}
	}
	return nil
}

// versions lists what the archive serves of p's package, in apt's order.
func (a *debian) versions(ctx context.Context, p *Pin) ([]string, error) {
	// Lines are "name | version | where and what"; what is "Sources" or
	// "ARCH Packages". See apt-cache(8), madison.
	out, err := a.Run(ctx, "", "apt-cache", "madison", p.Package)
	if err != nil {
		return nil, err
	}
	var all []string
	for line := range strings.Lines(string(out)) {
		f := strings.Split(line, "|")
		if len(f) != 3 || strings.TrimSpace(f[0]) != p.Package {
			continue
		}
		isSource := strings.HasSuffix(strings.TrimSpace(f[2]), "Sources")
		if v := strings.TrimSpace(f[1]); isSource == (p.Kind == DebianSource) && !slices.Contains(all, v) {
			all = append(all, v)
		}
	}
	return all, nil
}

// fetchDebian fetches source and binary packages into dir.
func (f *fetcher) fetchDebian(ctx context.Context, dir string, pins []*Pin) error {
	a, err := newDebian(dir, f.lock.Architecture)
	if err != nil {
		return err
	}
	archives, err := f.archives(ctx, a)
	if err != nil {
		return err
	}
	var kinds []Kind
	for _, p := range pins {
		if !slices.Contains(kinds, p.Kind) {
			kinds = append(kinds, p.Kind)
		}
	}
	var errs []error
	for _, archive := range archives {
		if err := a.use(ctx, archive, f.lock.Suite, kinds); err != nil {
			errs = append(errs, err)
			continue
		}
		return f.fromArchive(ctx, a, dir, pins)
	}
	return fmt.Errorf("no Debian archive in apt's configuration serves suite %q: %w", f.lock.Suite, errors.Join(errs...))
}

func (f *fetcher) fromArchive(ctx context.Context, a *debian, dir string, pins []*Pin) error {
	err := a.download(ctx, dir, pins)
	if err == nil || ctx.Err() != nil {
		return err
	}
	// apt names the first that it could not find. Name all of them, and what
	// there is instead.
	var errs []error
	for _, p := range pins {
		if served, verr := a.versions(ctx, p); verr == nil && !slices.Contains(served, p.Version) {
			errs = append(errs, &UnservedError{Pin: *p, Served: served, From: "apt, " + f.lock.Suite})
		}
	}
	if len(errs) > 0 {
		return errors.Join(errs...)
	}
	return err
}
