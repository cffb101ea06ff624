// Package fetch says what a fixed-output derivation fetches: by which fetcher,
// from where, under which hash, unpacked or not. It reads the derivation's
// text alone and judges nothing: whether what is fetched is a prebuilt binary
// is for analyze/rules and analyze/content to say.
//
// The inputs of a fixed-output derivation (its curl, its git, its mirrors
// list) are needed to fetch only: its output path follows from the declared
// hash, so they never influence a byte downstream.
package fetch

import (
	"slices"
	"strings"

	"fromsource/closure"
)

// Fetch is what a fixed-output derivation fetches. All strings are copies.
type Fetch struct {
	// Fetcher is one of the Fetcher constants: the mechanism, not the site.
	Fetcher string
	// Name is the derivation's name, or its "name" variable where set.
	Name string
	// URLs are the addresses as declared, most preferred first ("urls"
	// before "url"); mirror:// names are left as they are, see Resolve.
	URLs []string
	// Rev is the revision or tag that a version control fetcher checks out.
	Rev string
	// Hash is base16 (or what the derivation declares), HashAlgo "sha256"
	// and the like; Mode is "flat", "recursive", "text" or "git".
	Hash, HashAlgo, Mode string
	// Unpack says that the archive is unpacked while fetching, Executable
	// that the file gets the executable bit.
	Unpack, Executable bool
	// PostFetch is the text that is run after the download, if any.
	PostFetch string
	// NoURL says that nothing in the derivation names an address: a local
	// build with a declared hash, a file to be added by hand, a stub.
	NoURL bool
	// Stub says that the builder only prints a message or fails: the output
	// must be added by hand or come from a substituter.
	Stub bool
	// Empty says that the declared hash is that of an empty file or tree.
	Empty bool
	// HashedMirrors says that the fetcher asks content-addressed mirrors
	// first, so that the origin in URLs may never have been contacted.
	HashedMirrors bool
	// MirrorsFile is the store path of the mirrors list that resolves
	// mirror:// names, if one is named.
	MirrorsFile string
}

// The fetchers.
const (
	BuiltinURL   = "builtin:fetchurl"
	URL          = "fetchurl"
	Zip          = "fetchzip"
	Patch        = "fetchpatch"
	Git          = "fetchgit"
	Svn          = "fetchsvn"
	Hg           = "fetchhg"
	Cvs          = "fetchcvs"
	Bzr          = "fetchbzr"
	Darcs        = "fetchdarcs"
	Fossil       = "fetchfossil"
	Monotone     = "fetchmtn"
	Pijul        = "fetchpijul"
	Repo         = "fetchrepoproject"
	S3           = "fetchs3"
	IPFS         = "fetchipfs"
	Torrent      = "fetchtorrent"
	DockerImage  = "docker-image"
	CargoVendor  = "cargo-vendor"
	GoModules    = "go-modules"
	NpmDeps      = "npm-deps"
	YarnDeps     = "yarn-deps"
	PnpmDeps     = "pnpm-deps"
	BunDeps      = "bun-deps"
	DenoDeps     = "deno-deps"
	MavenDeps    = "maven-deps"
	GradleDeps   = "gradle-deps"
	SbtDeps      = "sbt-deps"
	CoursierDeps = "coursier-deps"
	BazelDeps    = "bazel-deps"
	NugetDeps    = "nuget-deps"
	ComposerDeps = "composer-deps"
	MixDeps      = "mix-deps"
	PubDeps      = "pub-deps"
	GclientDeps  = "gclient-deps"
	ZigDeps      = "zig-deps"
	ChickenEgg   = "chicken-egg"
	RequireFile  = "requireFile"
	Message      = "message"
	EmptyOutput  = "empty"
	Local        = "local"
)

// Describe says what d fetches; false if d has no declared output hash.
func Describe(d *closure.Derivation) (Fetch, bool) {
	var r Reader
	f, ok := r.Describe(d, Attrs(d))
	if !ok {
		return Fetch{}, false
	}
	return *f, true
}

// Reader is Describe for many derivations: what it returns shares few
// allocations. It is not safe for concurrent use.
type Reader struct {
	strings closure.Arena
	fetches []Fetch
	urls    []string
	mirrors string // the last MirrorsFile: most fetches have the same
	attrs   known
}

// Describe says what d fetches, given its attributes; false if d has no
// declared output hash.
func (r *Reader) Describe(d *closure.Derivation, s Set) (*Fetch, bool) {
	if !d.FixedOutput() {
		return nil, false
	}
	a := &r.attrs
	s.known(a)
	o := d.Outputs[0]
	if len(r.fetches) == 0 {
		r.fetches = make([]Fetch, 64)
	}
	f := &r.fetches[0]
	r.fetches = r.fetches[1:]
	*f = Fetch{
		Hash:          r.strings.Clone(o.Hash),
		Executable:    truthy(a.get(aExecutable)),
		PostFetch:     r.strings.Clone(a.get(aPostFetch)),
		HashedMirrors: truthy(a.get(aPreferHashedMirrors)),
	}
	if m := a.get(aMirrorsFile); m != r.mirrors {
		r.mirrors = r.strings.Clone(m)
	}
	f.MirrorsFile = r.mirrors
	f.Mode, f.HashAlgo = method(o.HashAlgo)
	f.HashAlgo = r.strings.Clone(f.HashAlgo)
	f.Name = r.strings.Clone(first(a.get(aName), d.Name()))
	f.Rev = r.strings.Clone(first(a.get(aRev), a.get(aTag), a.get(aBranchName)))
	f.URLs = r.addresses(s, a)
	f.Fetcher = fetcher(d, a, f)
	f.Empty = emptyHash(f.Hash) && len(f.URLs) == 0
	if f.Empty && (f.Fetcher == Local || f.Fetcher == Message) {
		f.Fetcher = EmptyOutput
	}
	f.NoURL = len(f.URLs) == 0
	f.Stub = f.Fetcher == RequireFile || f.Fetcher == Message
	f.Unpack = f.Fetcher == Zip || f.Mode == "recursive" && truthy(a.get(aUnpack)) ||
		unpacks(f.PostFetch)
	r.attrs = known{} // nothing of the derivation's buffer is held on to
	return f, true
}

// method splits "r:sha256" into the words that newer Nix uses.
func method(algo string) (mode, hash string) {
	mode = "flat"
	switch {
	case strings.HasPrefix(algo, "r:"):
		mode, algo = "recursive", algo[2:]
	case strings.HasPrefix(algo, "text:"):
		mode, algo = "text", algo[5:]
	case strings.HasPrefix(algo, "git:"):
		mode, algo = "git", algo[4:]
	}
	return mode, algo
}

// addresses collects the URLs: nixpkgs' fetchurl keeps the list that it tries
// in "urls" and may leave a stale or joined "url" beside it.
func (r *Reader) addresses(s Set, a *known) []string {
	r.urls = r.urls[:0]
	add := func(u string) {
		if looksURL(u) {
			r.urls = append(r.urls, r.strings.Clone(u))
		}
	}
	for _, k := range [...]attr{aUrls, aUrl, aRemote, aRepository, aRegistryUrl} {
		if s.structured != nil {
			for _, u := range s.List(attrNames[k]) {
				add(u)
			}
		} else {
			for u := range strings.FieldsSeq(a.get(k)) {
				add(u)
			}
		}
		if len(r.urls) > 0 {
			return slices.Clone(r.urls)
		}
	}
	if v := a.get(aCvsRoot); v != "" {
		return []string{strings.Clone(v)}
	}
	if v := a.get(aS3url); v != "" {
		return []string{strings.Clone(v)}
	}
	if v := a.get(aImageName); v != "" && a.get(aImageDigest)+a.get(aFinalImageTag) != "" {
		return []string{"docker://" + v + "@" + a.get(aImageDigest)}
	}
	return nil
}

// looksURL also accepts what Subversion, Mercurial and friends call an
// address ("lp:project", "host:path" is not one).
func looksURL(s string) bool {
	return strings.Contains(s, "://") || strings.HasPrefix(s, "git@") ||
		strings.HasPrefix(s, "lp:") || strings.HasPrefix(s, "magnet:") || strings.HasPrefix(s, "data:")
}

func truthy(s string) bool { return s != "" && s != "0" && s != "false" && s != "null" }

func first(ss ...string) string {
	for _, s := range ss {
		if s != "" {
			return s
		}
	}
	return ""
}

// emptyHash knows the base16 hashes of an empty file, and of the NARs of an
// empty file and of an empty directory (nixpkgs' emptyFile, emptyDirectory).
func emptyHash(h string) bool {
	switch h {
	case "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", // sha256, flat
		"da39a3ee5e6b4b0d3255bfef95601890afd80709",                         // sha1, flat
		"d41d8cd98f00b204e9800998ecf8427e",                                 // md5, flat
		"77ac62e2629d8e45f624589c0c8bf99e24b3a722349bf1e79bc186008534e246", // sha256, NAR of a file
		"a50a5ab6d992f5598edd92105059fae9acfc192981e08bd88534c2167e92526a", // sha256, NAR of a directory
		"6b4e26abccbb6e379585a0130d959458491e025f":                         // sha1, NAR of a directory
		return true
	}
	return false
}

func unpacks(post string) bool {
	return strings.Contains(post, "unpackFile") || strings.Contains(post, "unpackDir") ||
		strings.Contains(post, "tar -x") || strings.Contains(post, "tar x") || strings.Contains(post, "unzip ")
}
