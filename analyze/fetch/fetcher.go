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
func fetcher(d *closure.Derivation, a *known, f *Fetch) string {
	if strings.HasPrefix(d.Builder, "builtin:") {
		return strings.Clone(d.Builder)
	}
	switch {
	case a.has(aFetchSubmodules) || a.has(aLeaveDotGit) || strings.Contains(a.get(aFetcher), "prefetch-git"):
		return Git
	case a.has(aSubrepoClause):
		return Hg
	case a.has(aSvnSsh) || a.has(aIgnoreExternals) || a.has(aSshSupport) && a.has(aRev):
		return Svn
	case a.has(aCvsRoot):
		return Cvs
	case a.has(aImageName) && (a.has(aImageDigest) || a.has(aFinalImageTag)):
		return DockerImage
	case a.has(aS3url):
		return S3
	case a.has(aIpfs):
		return IPFS
	case a.has(aManifest) && a.has(aRepoRepoURL):
		return Repo
	case a.has(aSelector) && a.has(aDbs):
		return Monotone
	case a.has(aEggProtocol) || a.has(aEggName) || a.has(aChickenEggCache) || strings.Contains(a.get(aBuildCommand)+a.get(aInstallPhase), "chicken-install -r"):
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
func dependencyFetcher(d *closure.Derivation, a *known) string {
	name := d.Name()
	text := a.get(aBuildPhase)
	if text == "" {
		text = a.get(aBuildCommand)
	}
	// Several of nixpkgs' own fetchers download in their install phase.
	text += "\n" + a.get(aInstallPhase)
	in := func(ss ...string) bool {
		for _, s := range ss {
			if strings.Contains(text, s) {
				return true
			}
		}
		return false
	}
	switch {
	case in("cargo vendor", "fetch-cargo-vendor-util") || in("cargo-vendor-normalise") || a.has(aCargoUpdateHook):
		return CargoVendor
	case in("go mod vendor", "go mod download", "go mod tidy") || a.has(aModSha256) && a.has(aGo111module) || strings.HasSuffix(name, "-go-modules"):
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
	case in("mvn ", "ant retrieve", "ant get-ivy") || strings.HasSuffix(name, "-maven-deps") || strings.HasSuffix(name, "-ivy-deps"):
		return MavenDeps
	case in("gradle"):
		return GradleDeps
	case in("sbt "):
		return SbtDeps
	case a.has(aBazelFetchFlags) || in("bazel fetch", "bazel build") && in("external") || in("bazelOut/external"):
		return BazelDeps
	case in("dotnet restore", "nuget restore", "nuget install"):
		return NugetDeps
	case in("composer install", "composer --no", "composer-local-repo") || a.has(aComposerLock) && strings.Contains(name, "composer"):
		return ComposerDeps
	case in("mix deps.get") || a.has(aMixEnv) || strings.HasPrefix(name, "mix-deps"):
		return MixDeps
	case in("dart pub", "flutter pub"):
		return PubDeps
	case in("gclient sync"):
		return GclientDeps
	case in("zig build --fetch"):
		return ZigDeps
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
func stub(d *closure.Derivation, a *known) string {
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
	for _, k := range [...]attr{aBuildCommand, aBuilder} {
		t := a.get(k)
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
