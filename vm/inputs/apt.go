package inputs

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// apt drives the host's apt on a state of its own: other index files, other
// sources, nothing installed. Keys, proxies and credentials are the host's.
type apt struct {
	dir string
}

// aptConf is read after the host's configuration. Hooks of the host are for
// changes of the host and are taken out. "none" keeps translations away.
const aptConf = `Dir::State %[1]q;
Dir::State::lists %[2]q;
Dir::State::status %[3]q;
Dir::State::extended_states %[4]q;
Dir::Cache %[5]q;
Dir::Cache::archives %[6]q;
Dir::Cache::pkgcache "";
Dir::Cache::srcpkgcache "";
Dir::Etc::sourcelist %[7]q;
Dir::Etc::sourceparts "/dev/null";
APT::Sandbox::User "root";
APT::Architecture %[8]q;
#clear APT::Architectures;
Acquire::Languages "none";
Acquire::Retries "3";
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
#clear DPkg::Pre-Invoke;
#clear DPkg::Post-Invoke;
`

// newAPT prepares a private state below dir. dpkg-deb comes with apt.
func newAPT(dir, architecture string) (*apt, error) {
	if _, err := exec.LookPath("apt-get"); err != nil {
		return nil, fmt.Errorf("some inputs are Debian packages, and apt-get is not installed: %w", err)
	}
	a := &apt{dir: filepath.Join(dir, "apt")}
	for _, d := range []string{"lists/partial", "archives/partial"} {
		if err := os.MkdirAll(a.path(d), 0o755); err != nil {
			return nil, err
		}
	}
	conf := fmt.Sprintf(aptConf, a.dir, a.path("lists"), a.path("status"), a.path("extended_states"),
		a.dir, a.path("archives"), a.path("sources.list"), architecture)
	return a, errors.Join(
		os.WriteFile(a.path("status"), nil, 0o644),
		os.WriteFile(a.path("apt.conf"), []byte(conf), 0o644))
}

func (a *apt) path(name string) string { return filepath.Join(a.dir, name) }

// run runs one of apt's programs in dir on the private state.
func (a *apt) run(ctx context.Context, dir, prog string, args ...string) ([]byte, error) {
	return run(ctx, dir, prog, append([]string{"-c", a.path("apt.conf")}, args...)...)
}

func run(ctx context.Context, dir, prog string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, prog, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "LC_ALL=C", "DEBIAN_FRONTEND=noninteractive")
	var stdout bytes.Buffer
	var stderr limited
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, fmt.Errorf("%s: %w: %s", prog, err, stderr.String())
	}
	return stdout.Bytes(), nil
}

// use makes suite of archive the only source and reads its index files, of
// source packages, binary ones or both.
func (a *apt) use(ctx context.Context, archive archive, suite string, kinds []Kind) error {
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
	if err := os.WriteFile(a.path("sources.list"), []byte(list.String()), 0o644); err != nil {
		return err
	}
	_, err := a.run(ctx, "", "apt-get", "update", "-q", "--error-on=any")
	return err
}

// download fetches the pins' files into dir. apt checks them against its
// signed index; the lock file's hashes are checked by the caller.
func (a *apt) download(ctx context.Context, dir string, pins []*Pin) error {
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
		if _, err := a.run(ctx, dir, "apt-get", args[kind]...); err != nil {
			return err
		}
	}
	return nil
}

// versions lists what the archive serves of p's package, in apt's order.
func (a *apt) versions(ctx context.Context, p *Pin) ([]string, error) {
	// Lines are "name | version | where and what"; what is "Sources" or
	// "ARCH Packages". See apt-cache(8), madison.
	out, err := a.run(ctx, "", "apt-cache", "madison", p.Package)
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
	a, err := newAPT(dir, f.lock.Architecture)
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

func (f *fetcher) fromArchive(ctx context.Context, a *apt, dir string, pins []*Pin) error {
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
