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
	ChickenEgg   = "chicken-egg"
	RequireFile  = "requireFile"
	Message      = "message"
	EmptyOutput  = "empty"
	Local        = "local"
)

// Describe says what d fetches; false if d has no declared output hash.
func Describe(d *closure.Derivation) (Fetch, bool) {
	if !d.FixedOutput() {
		return Fetch{}, false
	}
	return describe(d, Attrs(d)), true
}

// DescribeAttrs is Describe for a caller that has the attributes already.
func DescribeAttrs(d *closure.Derivation, a Set) (Fetch, bool) {
	if !d.FixedOutput() {
		return Fetch{}, false
	}
	return describe(d, a), true
}

func describe(d *closure.Derivation, a Set) Fetch {
	o := d.Outputs[0]
	f := Fetch{
		Hash:          strings.Clone(o.Hash),
		Executable:    truthy(a.Get("executable")),
		PostFetch:     strings.Clone(a.Get("postFetch")),
		HashedMirrors: truthy(a.Get("preferHashedMirrors")),
		MirrorsFile:   strings.Clone(a.Get("mirrorsFile")),
	}
	f.Mode, f.HashAlgo = method(o.HashAlgo)
	f.Name = strings.Clone(a.Get("name"))
	if f.Name == "" {
		f.Name = strings.Clone(d.Name())
	}
	f.Rev = strings.Clone(first(a.Get("rev"), a.Get("tag"), a.Get("branchName")))
	f.URLs = urls(a)
	f.Fetcher = fetcher(d, a, &f)
	f.Empty = emptyHash(f.Hash) && len(f.URLs) == 0
	if f.Empty && (f.Fetcher == Local || f.Fetcher == Message) {
		f.Fetcher = EmptyOutput
	}
	f.NoURL = len(f.URLs) == 0
	f.Stub = f.Fetcher == RequireFile || f.Fetcher == Message
	f.Unpack = f.Fetcher == Zip || f.Mode == "recursive" && truthy(a.Get("unpack")) ||
		unpacks(f.PostFetch)
	return f
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
	return mode, strings.Clone(algo)
}

// urls collects addresses: nixpkgs' fetchurl keeps the list that it tries in
// "urls" and may leave a stale or joined "url" beside it.
func urls(a Set) []string {
	var out []string
	for _, k := range []string{"urls", "url", "remote", "repository", "registryUrl"} {
		for _, u := range a.List(k) {
			if looksURL(u) {
				out = append(out, strings.Clone(u))
			}
		}
		if len(out) > 0 {
			return out
		}
	}
	if v := a.Get("cvsRoot"); v != "" {
		return []string{strings.Clone(v)}
	}
	if v := a.Get("s3url"); v != "" {
		return []string{strings.Clone(v)}
	}
	if v := a.Get("imageName"); v != "" && a.Get("imageDigest")+a.Get("finalImageTag") != "" {
		return []string{"docker://" + v + "@" + a.Get("imageDigest")}
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
