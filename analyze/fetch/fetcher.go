package fetch

import (
	"path"
	"strings"

	"fromsource/closure"
)

// fetcher names the mechanism. Every test is on what a fetcher cannot do
// without (its own variables, its tool among the inputs), not on the name of
// the derivation, which packages override at will; the name only breaks ties
// between dependency fetchers, which nixpkgs' helpers set themselves.
func fetcher(d *closure.Derivation, a Set, f *Fetch) string {
	if strings.HasPrefix(d.Builder, "builtin:") {
		return strings.Clone(d.Builder)
	}
	switch {
	case has(a, "fetchSubmodules") || has(a, "leaveDotGit") || strings.Contains(a.Get("fetcher"), "prefetch-git"):
		return Git
	case has(a, "subrepoClause"):
		return Hg
	case has(a, "SVN_SSH") || has(a, "ignoreExternals") || has(a, "sshSupport") && has(a, "rev"):
		return Svn
	case has(a, "cvsRoot"):
		return Cvs
	case has(a, "imageName") && (has(a, "imageDigest") || has(a, "finalImageTag")):
		return DockerImage
	case has(a, "s3url"):
		return S3
	case has(a, "ipfs"):
		return IPFS
	case has(a, "manifest") && has(a, "repoRepoURL"):
		return Repo
	case has(a, "selector") && has(a, "dbs"):
		return Monotone
	case has(a, "eggProtocol") || has(a, "CHICKEN_EGG_CACHE") || strings.Contains(a.Get("buildCommand")+a.Get("installPhase"), "chicken-install -r"):
		return ChickenEgg
	}
	if k := dependencyFetcher(d, a); k != "" {
		return k
	}
	if k := toolFetcher(d); k != "" {
		return k
	}
	if len(f.URLs) > 0 {
		switch {
		case strings.Contains(f.PostFetch, "lsdiff") || strings.Contains(f.PostFetch, "filterdiff"):
			return Patch
		case unpacks(f.PostFetch) && f.Mode == "recursive":
			return Zip
		}
		return URL
	}
	if k := stub(d, a); k != "" {
		return k
	}
	return Local
}

// dependencyFetcher recognises the fetchers of a language's package manager,
// which run that manager on a lock file and name no URL.
func dependencyFetcher(d *closure.Derivation, a Set) string {
	name := d.Name()
	text := a.Get("buildPhase")
	if text == "" {
		text = a.Get("buildCommand")
	}
	// Several of nixpkgs' own fetchers download in their install phase.
	text += "\n" + a.Get("installPhase")
	in := func(ss ...string) bool {
		for _, s := range ss {
			if strings.Contains(text, s) {
				return true
			}
		}
		return false
	}
	switch {
	case in("cargo vendor", "fetch-cargo-vendor-util") || in("cargo-vendor-normalise") || has(a, "cargoUpdateHook"):
		return CargoVendor
	case in("go mod vendor", "go mod download", "go mod tidy") || has(a, "modSha256") && has(a, "GO111MODULE") || strings.HasSuffix(name, "-go-modules"):
		return GoModules
	case in("bun install", "bun i "):
		return BunDeps
	case in("deno cache", "deno install", "deno vendor"):
		return DenoDeps
	case in("pnpm install", "pnpm fetch") || strings.HasSuffix(name, "-pnpm-deps"):
		return PnpmDeps
	case in("prefetch-npm-deps", "npm ci", "npm install", "npm cache") || strings.HasSuffix(name, "npm-deps"):
		return NpmDeps
	case in("yarn install", "prefetch-yarn-deps", "yarn-berry-fetcher") || strings.HasSuffix(name, "-offline") && in("yarn"):
		return YarnDeps
	case in("coursier fetch", "cs fetch"):
		return CoursierDeps
	case in("mvn ") || strings.HasSuffix(name, "-maven-deps"):
		return MavenDeps
	case in("gradle"):
		return GradleDeps
	case in("sbt "):
		return SbtDeps
	case has(a, "bazelFetchFlags") || in("bazel fetch", "bazel build") && in("external"):
		return BazelDeps
	case in("dotnet restore", "nuget restore", "nuget install"):
		return NugetDeps
	case in("composer install", "composer --no", "composer-local-repo") || has(a, "composerLock") && strings.Contains(name, "composer"):
		return ComposerDeps
	case in("mix deps.get") || has(a, "MIX_ENV") || strings.HasPrefix(name, "mix-deps"):
		return MixDeps
	case in("dart pub", "flutter pub"):
		return PubDeps
	case in("gclient sync"):
		return GclientDeps
	}
	return ""
}

// toolFetcher goes by the tool among the inputs that does the fetching.
func toolFetcher(d *closure.Derivation) string {
	curl, kind := false, ""
	for _, i := range d.InputDrvs {
		n := closure.NameOf(i.Path)
		tool, _, _ := strings.Cut(n, "-")
		switch tool {
		case "curl":
			curl = true
		case "bazaar", "breezy":
			kind = Bzr
		case "darcs":
			kind = Darcs
		case "fossil":
			kind = Fossil
		case "subversion":
			if kind == "" {
				kind = Svn
			}
		case "mercurial":
			kind = Hg
		case "cvs":
			kind = Cvs
		case "monotone":
			kind = Monotone
		case "pijul":
			kind = Pijul
		case "skopeo":
			kind = DockerImage
		case "transmission", "rqbit":
			kind = Torrent
		}
	}
	if curl && kind != DockerImage && kind != Darcs {
		return "" // a plain download that has such a tool for its post-processing
	}
	return kind
}

// stub recognises derivations that fetch nothing: the builder prints how to
// get the file, or simply fails (nixpkgs' requireFile; bootstrap sources that
// must come from a substituter).
func stub(d *closure.Derivation, a Set) string {
	b := path.Base(d.Builder)
	if strings.HasSuffix(b, "-restrict-message") || strings.HasSuffix(b, "-message") {
		return RequireFile
	}
	for _, p := range d.InputDrvs {
		if n := closure.NameOf(p.Path); n == "restrict-message" {
			return RequireFile
		}
	}
	// nixpkgs' older requireFile: a script that says what to do and exits 1.
	for _, k := range []string{"buildCommand", "builder"} {
		t := a.Get(k)
		if len(t) < 16<<10 && strings.Contains(t, "exit 1") &&
			(strings.Contains(t, "cat <<") || strings.Contains(t, "echo")) && !strings.Contains(t, "curl") &&
			strings.Contains(t, "nix-") {
			return RequireFile
		}
	}
	if strings.ContainsAny(d.Builder, " \n") {
		return Message
	}
	return ""
}

func has(a Set, key string) bool {
	if _, ok := a.structured[key]; ok {
		return true
	}
	for i := range a.env {
		if a.env[i].Key == key {
			return true
		}
	}
	return false
}
