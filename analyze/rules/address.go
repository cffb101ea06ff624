package rules

import "strings"

// address is a URL in lower case, and which telling directories and parts of a
// host it has: found in one pass, as each is asked for by several tests.
type address struct {
	url      string
	segments segment
	labels   segment
}

// segment is a set of directories of an address, or of labels of its host.
type segment uint32

// Directories: what stands between two slashes.
const (
	segArchive segment = 1 << iota
	segTarball
	segZipball
	segRepository
	segSnapshot
	segPlusArchive
	segGet
	segRaw
	segPlain
	segReleases
	segMaven // of the layouts in which Maven repositories are mirrored
	segContent
	segPackage
	segPackages
	segCrates
	segDash
	segAuthors
	segSrc
	segTexlive
	segTarballs
	segVersions
	segFlatContainer
	segSystem // of an operating system
	segPub    // where servers for FTP have what they mirror
)

// Labels of a host, without a number at their end.
const (
	hostMaven segment = 1 << iota
	hostHackage
	hostCtan
	hostElpa
	hostLuarocks
	hostHex
	hostDownload // one for downloads, or a provider's store of files
)

func readAddress(low string) address {
	a := address{url: low}
	if _, rest, ok := strings.Cut(low, "://"); ok {
		host, _, _ := strings.Cut(rest, "/")
		a.readHost(host)
	}
	start := strings.IndexByte(low, '/') + 1
	if start == 0 {
		return a
	}
	for i := start; i < len(low); i++ {
		if low[i] == '/' {
			if i > start {
				a.segments |= segmentOf(low[start:i])
			}
			start = i + 1
		}
	}
	if strings.HasPrefix(low[start:], "tlnet") {
		a.segments |= segTexlive
	}
	return a
}

// has says that the address has one of these directories.
func (a *address) has(s segment) bool { return a.segments&s != 0 }

func segmentOf(dir string) segment {
	switch dir {
	case "archive":
		return segArchive
	case "tarball":
		return segTarball
	case "zipball":
		return segZipball
	case "repository":
		return segRepository
	case "snapshot":
		return segSnapshot
	case "+archive":
		return segPlusArchive
	case "get":
		return segGet
	case "raw":
		return segRaw
	case "plain":
		return segPlain
	case "releases":
		return segReleases
	case "maven2", "maven", "m2":
		return segMaven
	case "content":
		return segContent
	case "package":
		return segPackage
	case "packages":
		return segPackages
	case "crates":
		return segCrates
	case "-":
		return segDash
	case "authors":
		return segAuthors
	case "src":
		return segSrc
	case "texlive":
		return segTexlive
	case "tarballs":
		return segTarballs
	case "@v":
		return segVersions
	case "linux", "mac", "macos", "osx", "darwin", "win", "windows":
		return segSystem
	case "pub":
		return segPub
	}
	switch {
	case strings.HasPrefix(dir, "tlnet"):
		return segTexlive
	case strings.HasSuffix(dir, "-flatcontainer"):
		return segFlatContainer
	}
	return 0
}

// readHost notes the labels of a host: each alone or as one of the parts that
// dashes or a trailing number make ("repo1.maven.org", "elpa.gnu.org",
// "my-maven.example.org"), not any run of its letters.
func (a *address) readHost(host string) {
	for host != "" {
		label := host
		if i := strings.IndexAny(host, ".-"); i >= 0 {
			label, host = host[:i], host[i+1:]
		} else {
			host = ""
		}
		for label != "" && label[len(label)-1] >= '0' && label[len(label)-1] <= '9' {
			label = label[:len(label)-1]
		}
		switch label {
		case "maven":
			a.labels |= hostMaven
		case "hackage":
			a.labels |= hostHackage
		case "ctan":
			a.labels |= hostCtan
		case "elpa", "melpa":
			a.labels |= hostElpa
		case "luarocks":
			a.labels |= hostLuarocks
		case "hex":
			a.labels |= hostHex
		case "download", "downloads", "dl", "cdn", "static", "releases", "release", "artifacts", "artifact", "binaries", "installers", "updates", "update",
			"s", "amazonaws", "cloudfront", "googleapis", "blob", "digitaloceanspaces", "azureedge", "akamaized", "fastly":
			// "s" is "s3" without its number.
			a.labels |= hostDownload
		}
	}
}

// forge says that at this address a forge packs a revision of a source
// repository, or serves one of its files.
func (a *address) forge() bool {
	u := a.url
	git := strings.Contains(u, "git")
	switch {
	case a.has(segArchive):
		return a.ordinary(git)
	case a.has(segTarball | segZipball), a.has(segRepository) && strings.Contains(u, "/repository/archive"):
		return true
	case a.has(segSnapshot):
		return a.ordinary(git)
	case git && strings.Contains(u, "codeload.github.com/"), a.has(segPlusArchive):
		return true
	case a.has(segGet):
		return a.ordinary(git)
	case git && strings.Contains(u, "raw.githubusercontent.com/"):
		return true
	case a.has(segRaw):
		return knownForge(u)
	}
	return a.has(segPlain) || git && (strings.Contains(u, "gitweb") || strings.Contains(u, "cgit"))
}

// ordinary is the answer for directories whose names are ordinary elsewhere.
func (a *address) ordinary(git bool) bool {
	return git || knownForge(a.url) || strings.Contains(a.url, "hg.")
}

// registry names the kind of package registry that serves an address, by the
// layout that its addresses have wherever they are mirrored.
func (a *address) registry() string {
	u := a.url
	mirror := "" // of mirror://NAME/
	if rest, ok := strings.CutPrefix(u, "mirror://"); ok {
		if name, _, ok := strings.Cut(rest, "/"); ok {
			mirror = name
		}
	}
	switch {
	case strings.HasSuffix(u, ".crate"), a.has(segCrates) && (strings.Contains(u, "/api/v1/crates/") || strings.HasSuffix(u, "/download")):
		return "crate"
	case strings.HasSuffix(u, ".gem"):
		return "gem"
	case mirror == "pypi", a.has(segPackages) && pythonIndex(u):
		return "pypi"
	case mirror == "maven", a.has(segMaven), a.labels&hostMaven != 0,
		a.has(segContent) && (strings.Contains(u, "/content/repositories/") || strings.Contains(u, "/content/groups/")),
		strings.Contains(u, "/remotecontent?filepath="):
		return "maven"
	case a.has(segPackage) && strings.Contains(u, "/api/v2/package/"), strings.HasSuffix(u, ".nupkg"), a.has(segFlatContainer):
		return "nuget"
	case a.has(segDash) && strings.HasSuffix(u, ".tgz"):
		return "npm"
	case mirror == "cpan", a.has(segAuthors) && strings.Contains(u, "/authors/id/"):
		return "cpan"
	case mirror == "hackage", a.labels&hostHackage != 0:
		return "hackage"
	case mirror == "cran", a.has(segSrc) && strings.Contains(u, "/src/contrib/"), strings.HasPrefix(u, "mirror://bioc"):
		return "cran"
	case mirror == "ctan", a.labels&hostCtan != 0, a.has(segTexlive):
		return "ctan"
	case a.labels&hostElpa != 0:
		return "elpa"
	case a.labels&hostLuarocks != 0, strings.HasPrefix(u, "mirror://luarocks"), strings.HasSuffix(u, ".rock"), strings.HasSuffix(u, ".rockspec"):
		return "luarocks"
	case a.has(segTarballs) && a.labels&hostHex != 0:
		return "hex"
	case a.has(segVersions):
		return "go"
	case a.has(segPackages) && strings.Contains(u, "/versions/") && strings.HasSuffix(u, ".tar.gz"):
		return "pub"
	}
	return ""
}
