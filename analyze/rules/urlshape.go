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
	// complete is such a word that needs nothing else ("static",
	// "standalone"), where it is the last of the name.
	complete string
	// platformDir says that a directory of the address is called after an
	// operating system and a machine, and nothing else.
	platformDir bool
	// bootstrapDir says that a directory of the address is called bootstrap.
	bootstrapDir bool
	// firmware is a word for device firmware or microcode.
	firmware string
	// headers says that the file is called after C headers.
	headers bool
	// font, data: words of things that are not code.
	data string
	// inner is the type of a program or bundle that an archive is called after.
	inner string
	// forge says that the address asks a source forge to pack a revision.
	forge bool
	// download says that the host is one for downloads, systemDir that a
	// directory of the address is called after an operating system.
	download, systemDir bool
	// raw says that a forge serves a file of a repository there.
	raw bool
	// release says that the address is of a file attached to a release.
	release bool
	// registry is the package registry that serves the address, if known.
	registry string
}

// Two-part and rarer file types, by their last part. The longest match wins.
var fileTypes = map[string][]string{
	".gz":  {".pkg.tar.gz", ".tar.gz", ".js.gz", ".nar.gz", ".cpio.gz", ".a.gz", ".so.gz", ".bin.gz", ".img.gz", ".iso.gz", ".qcow2.gz", ".jar.pack.gz", ".jar.gz", ".dll.gz", ".ko.gz", ".wasm.gz", ".raw.gz", ".vmdk.gz"},
	".bz2": {".pkg.tar.bz2", ".tar.bz2", ".nar.bz2", ".cpio.bz2", ".img.bz2", ".iso.bz2"},
	".xz":  {".pkg.tar.xz", ".tar.xz", ".nar.xz", ".cpio.xz", ".ko.xz", ".fw.xz", ".bin.xz", ".img.xz", ".iso.xz", ".qcow2.xz", ".jar.xz", ".so.xz", ".raw.xz"},
	".zst": {".pkg.tar.zst", ".tar.zst", ".img.zst", ".iso.zst", ".ko.zst", ".fw.zst", ".nar.zst", ".raw.zst", ".qcow2.zst"}, ".lz4": {".tar.lz4", ".img.lz4"}, ".lz": {".tar.lz"}, ".lzma": {".tar.lzma"}, ".z": {".tar.z"}, ".7z": {".tar.7z"}, ".lzo": {".tar.lzo"},
	".rpm": {".src.rpm"}, ".tgz": {".src.tgz"},
	".vbox-extpack": {".vbox-extpack"}, ".flatpakref": {".flatpakref"}, ".appimage": {".appimage"},
}

// fileType splits a lower-case name into stem and type. What follows the
// last dot of a version ("1.2.3") is no type.
func fileType(name string) (stem, ext string) {
	i := strings.LastIndexByte(name, '.')
	if i < 0 {
		return name, ""
	}
	for _, t := range fileTypes[name[i:]] {
		if strings.HasSuffix(name, t) {
			return name[:len(name)-len(t)], t
		}
	}
	if i == len(name)-1 || len(name)-i > 12 {
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
	if _, ext := fileType(lower(base)); (ext == "" || isScriptExt(ext)) && query != "" {
		for _, kv := range strings.FieldsFunc(query, func(r rune) bool { return r == '&' || r == ';' }) {
			_, v, ok := strings.Cut(kv, "=")
			if !ok {
				v = kv
			}
			v = path.Base(v)
			if _, e := fileType(lower(v)); e != "" && !isScriptExt(e) {
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
	low, name := lower(url), lower(name)
	file := name
	if url != "" {
		file = lower(urlFile(url))
	}
	if strings.IndexByte(file, '%') >= 0 {
		file = strings.ReplaceAll(strings.ReplaceAll(file, "%20", "-"), "%2b", "+")
	}
	s.file = file
	s.stem, s.ext = fileType(file)
	if s.ext == "" || isScriptExt(s.ext) {
		if _, e := fileType(name); e != "" {
			s.ext = e
			s.stem += "-" + strings.TrimSuffix(name, e)
		}
	}
	if s.ext != "" && platformType(s.ext[1:]) {
		s.stem, s.ext = file, "" // "install.linux64", "tool.amd64"
	}
	if s.ext != "" && sourceArchive(s.ext) {
		if _, e := fileType(s.stem); e != "" && innerType(e) {
			s.inner = e
		}
	}
	var a address
	if url != "" {
		a = readAddress(low)
	}
	s.forge = a.forge()
	s.raw = s.forge && (a.has(segRaw) || strings.Contains(low, "raw.githubusercontent.com/"))
	s.release = a.has(segReleases) && (strings.Contains(low, "/releases/download/") || strings.Contains(low, "/-/releases/") && strings.Contains(low, "/downloads/"))
	s.registry = a.registry()
	s.download = a.labels&hostDownload != 0 && !a.has(segPub)
	s.systemDir = a.has(segSystem) && !a.has(segPub) && !strings.HasPrefix(low, "mirror://")
	if !s.forge || s.raw {
		s.tokens(s.stem, false)
	}
	if s.forge {
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
	if url == "" {
		return s
	}
	if s.arch == "" && !s.forge {
		// A query for the build of one machine ("?targetPlatform=linux-x64").
		if _, query, ok := strings.Cut(low, "?"); ok {
			eachValue(query, func(v string) { s.tokens(v, true) })
		}
	}
	if dirs := dirsOf(low); dirs != "" {
		s.tokens(dirs, true)
		s.platformDir = s.arch != "" && s.dir && hasPlatformDir(dirs)
		for seg := range strings.SplitSeq(dirs, "/") {
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

// hasPlatformDir looks for a directory that is called after an operating system
// and a machine, or for one of each, one below the other.
func hasPlatformDir(dirs string) bool {
	above := "" // the directory before, if it is an operating system
	for seg := range strings.SplitSeq(strings.ReplaceAll(strings.ReplaceAll(dirs, "x86_64", "amd64"), "x86-64", "amd64"), "/") {
		arch, os, other := false, false, false
		eachToken(seg, func(tok string, _ bool) {
			a, o := machine(tok, false)
			arch, os, other = arch || a != "", os || o != "", other || a == "" && o == ""
		})
		switch {
		case other:
			above = ""
		case arch && (os || above != ""):
			return true
		case os:
			above = seg
		default:
			above = ""
		}
	}
	return false
}

// platformType says that what looks like a file type names a machine or an
// operating system, as programs without a type are called for each of them.
func platformType(word string) bool {
	arch, os := machine(word, false)
	return arch != "" || os != ""
}

// eachValue calls yield for the values of a query.
func eachValue(query string, yield func(value string)) {
	query, _, _ = strings.Cut(query, "#")
	for kv := range strings.FieldsFuncSeq(query, func(r rune) bool { return r == '&' || r == ';' }) {
		if _, v, ok := strings.Cut(kv, "="); ok {
			yield(v)
		}
	}
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
	case "cpan", "hackage", "ctan", "cran", "crate", "luarocks", "elpa", "hex", "go", "npm", "pub":
		return true
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
	return len(p[1]) == 1 && strings.HasPrefix(lower(p[2]), p[1])
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
