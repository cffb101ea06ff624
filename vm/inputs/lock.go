package inputs

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path"
	"regexp"
	"strings"
)

// LockSchema names the version of the lock file that this package reads.
const LockSchema = "fromsource/inputs/v1"

// Lock pins every input of a build by version and hash. It is JSON, so that
// the Nix expressions read the same file (builtins.fromJSON) and no hash is
// written down twice.
type Lock struct {
	Schema string `json:"schema"`
	// Suite is the Debian release that the Debian pins are of. The host may
	// run another one: its mirror is asked for this suite.
	Suite string `json:"suite"`
	// Architecture is Debian's name for the guest's architecture.
	Architecture string `json:"architecture"`
	Inputs       []Pin  `json:"inputs"`
	// Assembled are inputs made on the host from files of pinned packages.
	Assembled []Assembly `json:"assembled"`
}

// Kind says which package manager serves an input.
type Kind string

// The kinds of input.
const (
	DebianSource Kind = "debian-source"
	DebianBinary Kind = "debian-binary"
	NPM          Kind = "npm"
)

// Pin is one file that a package manager serves by name and version.
type Pin struct {
	// Name is what the file is called for the builds: upstream's file name.
	Name    string `json:"name"`
	Kind    Kind   `json:"kind"`
	Package string `json:"package"`
	Version string `json:"version"`
	// File is the file wanted of a Debian source package.
	File   string `json:"file,omitempty"`
	SHA256 string `json:"sha256"`
	// URLs say where else the same bytes come from: provenance for a reader,
	// never fetched by this package.
	URLs []string `json:"urls,omitempty"`
	// Part is true for a package that only Assembled takes files from.
	Part bool `json:"part,omitempty"`
	// Line is where the lock file has this pin, counted from 1.
	Line int `json:"-"`
}

// Assembly is an archive made deterministically from files of pinned Debian
// binary packages.
type Assembly struct {
	Name string `json:"name"`
	// Format is "tar.xz", or "nar.xz" for what Nix's own fetcher unpacks.
	Format string `json:"format"`
	// SHA256 is of the file.
	SHA256 string `json:"sha256"`
	// Unpacked is the hash of the NAR inside, where Format has one: what a
	// recursive fixed-output derivation declares. It does not depend on the
	// compressor.
	Unpacked string   `json:"unpacked,omitempty"`
	URLs     []string `json:"urls,omitempty"`
	Files    []Pick   `json:"files"`
	Line     int      `json:"-"`
}

// Pick takes a file out of a package; a Path that ends with a slash takes
// everything below that folder, and To then names a folder too.
type Pick struct {
	Package string `json:"package"`
	Path    string `json:"path"`
	To      string `json:"to"`
}

// Debian policy 5.6.1 and 5.6.12, and npm's rules for names and versions,
// loosened to one expression; it is what keeps options and paths out of the
// command lines that the values end up in.
var (
	packageName = regexp.MustCompile(`^(@[a-z0-9][a-z0-9._-]*/)?[a-z0-9][a-z0-9+._-]*$`)
	versionText = regexp.MustCompile(`^[0-9A-Za-z][0-9A-Za-z.+~:-]*$`)
	// Nix's rule for store path names (nix src/libstore/path.cc), without the
	// leading dot that newer versions refuse.
	fileName = regexp.MustCompile(`^[0-9A-Za-z+_?=-][0-9A-Za-z+._?=-]{0,210}$`)
)

// A lock file is read whole, and searched once for each entry.
const (
	maxLock    = 4 << 20
	maxEntries = 4096
)

// ReadLock reads and checks a lock file: JSON of at most 4 MiB and 4096
// entries.
func ReadLock(r io.Reader) (*Lock, error) {
	data, err := io.ReadAll(io.LimitReader(r, maxLock))
	if err != nil {
		return nil, fmt.Errorf("reading lock file: %w", err)
	}
	var lock Lock
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&lock); err != nil {
		return nil, fmt.Errorf("reading lock file: %w", err)
	}
	if n := len(lock.Inputs) + len(lock.Assembled); n > maxEntries {
		return nil, fmt.Errorf("reading lock file: %d inputs, at most %d are read", n, maxEntries)
	}
	for i := range lock.Inputs {
		lock.Inputs[i].Line = lineOf(data, lock.Inputs[i].Name)
	}
	for i := range lock.Assembled {
		lock.Assembled[i].Line = lineOf(data, lock.Assembled[i].Name)
	}
	if err := lock.check(); err != nil {
		return nil, fmt.Errorf("reading lock file: %w", err)
	}
	return &lock, nil
}

// lineOf returns the line of the entry with that name, 0 where the file does
// not have the usual form of one entry a line.
func lineOf(data []byte, name string) int {
	at := bytes.Index(data, []byte(`"name": "`+name+`"`))
	if at < 0 {
		return 0
	}
	return bytes.Count(data[:at], []byte("\n")) + 1
}

func (l *Lock) check() error {
	if l.Schema != LockSchema {
		return fmt.Errorf("schema %q, want %q", l.Schema, LockSchema)
	}
	if !packageName.MatchString(l.Suite) || !packageName.MatchString(l.Architecture) {
		return fmt.Errorf("suite %q or architecture %q is not a name", l.Suite, l.Architecture)
	}
	seen := map[string]bool{}
	debs := map[string]bool{}
	var errs []error
	for _, p := range l.Inputs {
		if err := p.check(); err != nil {
			errs = append(errs, fmt.Errorf("line %d: %w", p.Line, err))
		}
		if seen[p.Name] {
			errs = append(errs, fmt.Errorf("line %d: a second input %q", p.Line, p.Name))
		}
		seen[p.Name] = true
		if p.Kind == DebianBinary {
			debs[p.Package] = true
		}
	}
	for _, a := range l.Assembled {
		if err := a.check(debs); err != nil {
			errs = append(errs, fmt.Errorf("line %d: %w", a.Line, err))
		}
		if seen[a.Name] {
			errs = append(errs, fmt.Errorf("line %d: a second input %q", a.Line, a.Name))
		}
		seen[a.Name] = true
	}
	return errors.Join(errs...)
}

func (p *Pin) check() error {
	switch {
	case !fileName.MatchString(p.Name):
		return fmt.Errorf("%q can not name a store path", p.Name)
	case p.Kind != DebianSource && p.Kind != DebianBinary && p.Kind != NPM:
		return fmt.Errorf("input %q: unknown kind %q", p.Name, p.Kind)
	case !packageName.MatchString(p.Package):
		return fmt.Errorf("input %q: %q is not a package name", p.Name, p.Package)
	case !versionText.MatchString(p.Version):
		return fmt.Errorf("input %q: %q is not a version", p.Name, p.Version)
	case p.Kind == DebianSource && path.Base(p.File) != p.File:
		return fmt.Errorf("input %q: %q is not a file name", p.Name, p.File)
	case !isSHA256(p.SHA256):
		return fmt.Errorf("input %q: sha256 %q is not 64 hexadecimal digits", p.Name, p.SHA256)
	}
	return nil
}

func (a *Assembly) check(debs map[string]bool) error {
	switch {
	case !fileName.MatchString(a.Name):
		return fmt.Errorf("%q can not name a store path", a.Name)
	case a.Format != "tar.xz" && a.Format != "nar.xz":
		return fmt.Errorf("assembled %q: unknown format %q", a.Name, a.Format)
	case !isSHA256(a.SHA256):
		return fmt.Errorf("assembled %q: sha256 %q is not 64 hexadecimal digits", a.Name, a.SHA256)
	case a.Format == "nar.xz" && !isSHA256(a.Unpacked):
		return fmt.Errorf("assembled %q: unpacked %q is not 64 hexadecimal digits", a.Name, a.Unpacked)
	}
	for _, f := range a.Files {
		if !debs[f.Package] {
			return fmt.Errorf("assembled %q: no Debian package %q among the inputs", a.Name, f.Package)
		}
		if !local(f.Path) || !local(f.To) {
			return fmt.Errorf("assembled %q: %q or %q is not a clean relative path", a.Name, f.Path, f.To)
		}
		if strings.HasSuffix(f.Path, "/") != strings.HasSuffix(f.To, "/") {
			return fmt.Errorf("assembled %q: %q and %q: a folder goes to a folder", a.Name, f.Path, f.To)
		}
	}
	return nil
}

func local(p string) bool {
	p = strings.TrimSuffix(p, "/")
	return p != "" && path.Clean(p) == p && !path.IsAbs(p) && p != ".." && !strings.HasPrefix(p, "../")
}

func isSHA256(s string) bool {
	b, err := hex.DecodeString(s)
	return err == nil && len(b) == 32 && strings.ToLower(s) == s
}
