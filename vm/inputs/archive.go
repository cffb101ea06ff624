package inputs

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"fromsource/vm/apt"
)

// archive is a Debian archive that the host's apt is configured to use.
type archive struct {
	uri string
	// options as sources.list(5) has them, "signed-by=FILE".
	options []string
}

// archives finds the host's Debian archives, in the order of its
// configuration. They carry all releases side by side, so that a host of
// another release than the lock file's can be asked too.
func archives(ctx context.Context, a *debian) ([]archive, error) {
	releases, err := listReleases(ctx)
	if err != nil {
		return nil, err
	}
	host, err := apt.Run(ctx, "", "apt-config", "shell", "LISTS", "Dir::State::lists/d")
	if err != nil {
		return nil, err
	}
	hostLists := strings.Trim(strings.TrimPrefix(strings.TrimSpace(string(host)), "LISTS="), "'")
	found := debianAmong(releases, hostLists)
	if len(found) > 0 {
		return found, nil
	}
	// Who is behind an archive stands in its release file, and on a system
	// that was never updated there is none.
	lists, uerr := a.readReleases(ctx)
	if found = debianAmong(releases, lists); len(found) > 0 {
		return found, nil
	}
	return nil, errors.Join(errors.New("apt's configuration names no archive whose origin is Debian"), uerr)
}

// release is one release of an archive that the host has among its sources.
type release struct {
	uri   string // of the archive
	suite string
	file  string // the name of its release file among apt's lists
}

// listReleases asks apt what its sources are, without reading any.
func listReleases(ctx context.Context) ([]release, error) {
	out, err := apt.Run(ctx, "", "apt-get", "update", "--print-uris")
	if err != nil {
		return nil, fmt.Errorf("asking apt for its archives: %w", err)
	}
	return parseReleases(string(out)), nil
}

// parseReleases reads the lines of --print-uris: 'URI' FILE SIZE HASH.
func parseReleases(out string) []release {
	var all []release
	for line := range strings.Lines(out) {
		f := strings.Fields(line)
		if len(f) < 2 {
			continue
		}
		uri, ok := strings.CutSuffix(strings.Trim(f[0], "'"), "/InRelease")
		at := strings.LastIndex(uri, "/dists/")
		if !ok || at < 0 {
			continue
		}
		suite, err := url.PathUnescape(uri[at+len("/dists/"):])
		if err != nil {
			continue
		}
		all = append(all, release{uri: uri[:at], suite: suite, file: f[1]})
	}
	return all
}

// debianAmong keeps the archives of which lists has a release file that says
// its origin is Debian.
func debianAmong(releases []release, lists string) []archive {
	var found []archive
	for _, r := range releases {
		// The security archive has no releases, only updates to them; it is
		// "bookworm-security", before bullseye it was "buster/updates".
		if strings.HasSuffix(r.suite, "-security") || strings.HasSuffix(r.suite, "/updates") {
			continue
		}
		// An archive that signs beside the file has "Release" for "InRelease".
		file := filepath.Join(lists, r.file)
		from := cmp.Or(origin(file), origin(strings.TrimSuffix(file, "InRelease")+"Release"))
		if from != "Debian" {
			continue
		}
		known := func(a archive) bool { return a.uri == r.uri }
		if !slices.ContainsFunc(found, known) {
			found = append(found, archive{uri: r.uri, options: signedBy()})
		}
	}
	return found
}

// origin reads who made a release; empty where the file does not say.
func origin(file string) string {
	f, err := os.Open(file)
	if err != nil {
		return ""
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if o, ok := strings.CutPrefix(lines.Text(), "Origin: "); ok {
			return strings.TrimSpace(o)
		}
	}
	return ""
}

// readReleases reads the release files of all of the host's sources into a
// private state, and nothing else, and gives their folder. One dead archive
// among several is told, and does not keep the others from arriving.
func (a *debian) readReleases(ctx context.Context) (lists string, err error) {
	r, err := apt.New(filepath.Join(a.dir, "apt-releases"), apt.Options{ReleasesOnly: true})
	if err != nil {
		return "", err
	}
	return r.Lists(), r.Update(ctx)
}

// debianKeyring is where package debian-archive-keyring has the keys of all
// releases. A source that names it trusts no other key of the host.
const debianKeyring = "/usr/share/keyrings/debian-archive-keyring.gpg"

func signedBy() []string {
	if _, err := os.Stat(debianKeyring); err != nil {
		return nil // apt then trusts the keys that the host trusts for all
	}
	return []string{"signed-by=" + debianKeyring}
}
