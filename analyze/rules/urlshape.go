package rules

import (
	"path"
	"strings"
)

// shape is what an address and a file name say about their content.
type shape struct {
	// file is the file name that the address ends in, lower case, without
	// query; ext its type (".tar.gz" as one), stem the rest.
	file, ext, stem string
	// arch and os are the first tokens that name a machine, in the file name
	// or, with dir set, in a directory of the address.
	arch, os   string
	dir, osDir bool
	// osLast says that the operating system is the last word of the name.
	osLast bool
	// bin is a word that says "ready to run" ("bin", "prebuilt"), src one
	// that says "to be compiled" ("src", "source", "orig").
	bin, src string
	// bootstrapDir says that a directory of the address is called bootstrap.
	bootstrapDir bool
	// firmware is a word for device firmware or microcode.
	firmware string
	// font, data: words of things that are not code.
	data string
	// forge says that the address asks a source forge to pack a revision.
	forge bool
	// release says that the address is of a file attached to a release.
	release bool
	// registry is the package registry that serves the address, if known.
	registry string
}

// Two-part and rarer file types first: the longest match wins.
var fileTypes = []string{
	".tar.gz", ".tar.bz2", ".tar.xz", ".tar.zst", ".tar.lz", ".tar.lzma", ".tar.z", ".tar.7z", ".src.rpm", ".src.tgz",
	".vbox-extpack", ".flatpakref", ".appimage", ".tar.lzo", ".js.gz", ".nar.xz", ".nar.bz2", ".nar.gz",
	".cpio.bz2", ".cpio.gz", ".cpio.xz", ".ko.xz", ".fw.xz", ".a.gz", ".so.gz", ".bin.gz", ".bin.xz", ".img.xz", ".img.gz",
}

// fileType splits a lower-case name into stem and type. What follows the
// last dot of a version ("1.2.3") is no type.
func fileType(name string) (stem, ext string) {
	for _, t := range fileTypes {
		if strings.HasSuffix(name, t) {
			return name[:len(name)-len(t)], t
		}
	}
	i := strings.LastIndexByte(name, '.')
	if i < 0 || i == len(name)-1 || len(name)-i > 12 {
		return name, ""
	}
	ext = name[i:]
	digits := true
	for _, c := range ext[1:] {
		if c < '0' || c > '9' {
			digits = false
		}
		if c != '-' && c != '_' && (c < '0' || c > '9') && (c < 'a' || c > 'z') {
			return name, ""
		}
	}
	if digits || strings.ContainsAny(ext, "-_") {
		return name, ""
	}
	return name[:i], ext
}

// urlFile is the file name of an address: the last path segment, or the one
// that a query or fragment carries ("artifact.php?name=x-1.0.tar.gz").
func urlFile(u string) string {
	if i := strings.IndexByte(u, '#'); i >= 0 {
		if rest := strings.TrimLeft(u[i+1:], "/"); strings.Contains(rest, ".") && !strings.Contains(rest, "/") {
			return rest
		}
		u = u[:i]
	}
	query := ""
	if i := strings.IndexByte(u, '?'); i >= 0 {
		u, query = u[:i], u[i+1:]
	}
	u = strings.TrimRight(u, "/")
	for _, tail := range []string{"/download", "/raw", "/file", "/get"} {
		u = strings.TrimSuffix(u, tail)
	}
	base := path.Base(u)
	if _, ext := fileType(strings.ToLower(base)); (ext == "" || isScriptExt(ext)) && query != "" {
		for _, kv := range strings.FieldsFunc(query, func(r rune) bool { return r == '&' || r == ';' }) {
			_, v, ok := strings.Cut(kv, "=")
			if !ok {
				v = kv
			}
			v = path.Base(v)
			if _, e := fileType(strings.ToLower(v)); e != "" && !isScriptExt(e) {
				return v
			}
		}
	}
	return base
}

func isScriptExt(e string) bool {
	switch e {
	case ".php", ".cgi", ".asp", ".aspx", ".html", ".htm", ".jsp", ".do", ".com", ".org", ".net":
		return true
	}
	return false
}

// shapeOf reads one address and the name that its file gets in the store.
func shapeOf(url, name string) shape {
	var s shape
	low := strings.ToLower(url)
	file := strings.ToLower(urlFile(url))
	if url == "" {
		file = strings.ToLower(name)
	}
	file = strings.ReplaceAll(strings.ReplaceAll(file, "%20", "-"), "%2b", "+")
	s.file = file
	s.stem, s.ext = fileType(file)
	if _, e := fileType(strings.ToLower(name)); e != "" && (s.ext == "" || isScriptExt(s.ext)) {
		s.ext = e
		s.stem += "-" + strings.TrimSuffix(strings.ToLower(name), e)
	}
	s.forge = forgeArchive(low)
	s.release = strings.Contains(low, "/releases/download/") || strings.Contains(low, "/-/releases/") && strings.Contains(low, "/downloads/")
	s.registry = registry(low)
	if !s.forge {
		s.tokens(s.stem, false)
	} else {
		// The file name of a forge's archive is a revision; the repository's
		// name still says what is in it.
		s.tokens(repoName(low), false)
		first := true
		eachToken(s.stem, func(tok string, _ bool) {
			// A tag of its own for what was built.
			if !first && strongBin(tok) && s.bin == "" {
				s.bin = tok
			}
			first = false
		})
	}
	if dirs := dirsOf(low); dirs != "" {
		s.tokens(dirs, true)
		for _, seg := range strings.Split(dirs, "/") {
			switch seg {
			case "src", "source", "sources":
				if s.src == "" {
					s.src = "/" + seg
				}
			case "bootstrap", "bootstraps":
				s.bootstrapDir = true
			case "bin", "binary", "binaries", "prebuilt", "prebuilts":
				// A directory for builds says more than a weak word of the file.
				if b := "/" + seg; s.bin == "" || strongBin(b) && !strongBin(s.bin) {
					s.bin = b
				}
			}
		}
	}
	return s
}

// dirsOf is the address without scheme, host and file name.
func dirsOf(u string) string {
	if i := strings.Index(u, "://"); i >= 0 {
		u = u[i+3:]
	}
	a, b := strings.IndexByte(u, '/'), strings.LastIndexByte(u, '/')
	if a < 0 || b <= a {
		return ""
	}
	return u[a+1 : b]
}

// repoName is the repository's part of a forge address.
func repoName(u string) string {
	if i := strings.Index(u, "://"); i >= 0 {
		u = u[i+3:]
	}
	p := strings.Split(strings.TrimSuffix(u, ".git"), "/")
	for i, seg := range p {
		switch seg {
		case "archive", "-", "get", "tarball", "zipball", "snapshot", "repository", "+archive", "tar.gz", "zip":
			if i > 0 {
				return strings.TrimSuffix(p[i-1], ".git")
			}
		}
	}
	if len(p) > 0 {
		return p[len(p)-1]
	}
	return ""
}

// forgeArchive recognises addresses at which a forge packs a revision of a
// source repository, or serves one of its files.
func forgeArchive(u string) bool {
	for _, t := range []string{
		"/archive/", "/tarball/", "/zipball/", "/-/archive/", "/repository/archive", "/snapshot/", "codeload.github.com/",
		"/+archive/", "/get/", "raw.githubusercontent.com/", "/raw/", "/-/raw/", "/plain/", "gitweb", "cgit",
	} {
		if strings.Contains(u, t) {
			switch t {
			case "/snapshot/", "/get/", "/archive/":
				// Ordinary directory names elsewhere.
				return knownForge(u) || strings.Contains(u, "git") || strings.Contains(u, ".git/") || strings.Contains(u, "hg.")
			case "/raw/":
				return knownForge(u)
			}
			return true
		}
	}
	return false
}

func knownForge(u string) bool {
	for _, h := range []string{"github.com/", "gitlab.", "bitbucket.org/", "codeberg.org/", "git.sr.ht/", "gitea.", "repo.or.cz/", "gitorious.org", "salsa.debian.org", "framagit.org", "notabug.org", "git.savannah", "invent.kde.org", "forgejo"} {
		if strings.Contains(u, h) {
			return true
		}
	}
	return false
}

// sourceRegistry says that the address is one of a registry that serves what
// authors wrote. npm's packages are often generated, but text.
func (s *shape) sourceRegistry() bool {
	switch s.registry {
	case "cpan", "hackage", "ctan", "cran", "crate", "luarocks", "elpa", "hex", "go", "npm":
		return true
	}
	return false
}

// registry names the kind of package registry that serves an address, by the
// layout that its addresses have wherever they are mirrored.
func registry(u string) string {
	switch {
	case strings.HasSuffix(u, ".crate"), strings.Contains(u, "/api/v1/crates/"), strings.Contains(u, "/crates/") && strings.HasSuffix(u, "/download"):
		return "crate"
	case strings.HasSuffix(u, ".gem"):
		return "gem"
	case strings.HasPrefix(u, "mirror://pypi/"), pythonIndex(u):
		return "pypi"
	case strings.HasPrefix(u, "mirror://maven/"), strings.Contains(u, "/maven2/"), strings.Contains(u, "/maven/"), strings.Contains(u, "/m2/"),
		strings.Contains(u, "/content/repositories/"), strings.Contains(u, "/content/groups/"), strings.Contains(u, "/remotecontent?filepath="),
		hostLabel(u, "maven"):
		return "maven"
	case strings.Contains(u, "/api/v2/package/"), strings.HasSuffix(u, ".nupkg"), strings.Contains(u, "-flatcontainer/"):
		return "nuget"
	case strings.Contains(u, "/-/") && strings.HasSuffix(u, ".tgz"):
		return "npm"
	case strings.HasPrefix(u, "mirror://cpan/"), strings.Contains(u, "/authors/id/"):
		return "cpan"
	case strings.HasPrefix(u, "mirror://hackage/"), hostLabel(u, "hackage"):
		return "hackage"
	case strings.HasPrefix(u, "mirror://cran/"), strings.Contains(u, "/src/contrib/"), strings.HasPrefix(u, "mirror://bioc"):
		return "cran"
	case hostLabel(u, "ctan"), strings.HasPrefix(u, "mirror://ctan/"), strings.Contains(u, "/texlive/"), strings.Contains(u, "/tlnet"):
		return "ctan"
	case hostLabel(u, "elpa"), hostLabel(u, "melpa"):
		return "elpa"
	case hostLabel(u, "luarocks"), strings.HasPrefix(u, "mirror://luarocks"), strings.HasSuffix(u, ".rock"), strings.HasSuffix(u, ".rockspec"):
		return "luarocks"
	case strings.Contains(u, "/tarballs/") && hostLabel(u, "hex"):
		return "hex"
	case strings.Contains(u, "/@v/"):
		return "go"
	}
	return ""
}

// host is the host of an address.
func host(u string) string {
	_, u, _ = strings.Cut(u, "://")
	u, _, _ = strings.Cut(u, "/")
	return u
}

// hostLabel says that a label of an address' host is word, alone or as one of
// the parts that dashes or a trailing number make ("repo1.maven.org",
// "elpa.gnu.org", "my-maven.example.org"), not any run of its letters.
func hostLabel(u, word string) bool {
	for _, l := range strings.FieldsFunc(host(u), func(r rune) bool { return r == '.' || r == '-' }) {
		if strings.TrimRight(l, "0123456789") == word {
			return true
		}
	}
	return false
}

// pythonIndex recognises the two layouts of Python's package index below
// packages/: a tag, an initial and a name, or three parts of a digest.
func pythonIndex(u string) bool {
	_, rest, ok := strings.Cut(u, "/packages/")
	if !ok {
		return false
	}
	p := strings.Split(rest, "/")
	if len(p) != 4 {
		return false
	}
	if isHex(p[0], 2) && isHex(p[1], 2) && isHex(p[2], 60) {
		return true
	}
	return len(p[1]) == 1 && strings.HasPrefix(strings.ToLower(p[2]), p[1])
}

func isHex(s string, n int) bool {
	if len(s) != n {
		return false
	}
	for _, c := range s {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}
