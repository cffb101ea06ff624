package rules

import (
	"strings"

	"fromsource/analyze/fetch"
)

// noArch is the id of the rule for packages for every machine.
const noArch = "from-noarch"

// fromData is the id of the rule for data.
const fromData = "from-data"

// fetchClearRules speak for source or data.
func fetchClearRules() []Rule {
	return []Rule{
		{
			ID: "from-forge", Title: "Revision packed by a source forge", Weight: -40,
			Why:      "A forge's archive, or a checkout, is what was committed; people commit sources.",
			How:      "The address asks a forge for a revision's archive, or the fetcher is a version control system, or the site is a source registry (CPAN, Hackage, CRAN, crates, the sdists of PyPI).",
			Limits:   "Binaries are committed too: firmware collections, vendored jars, -bin repositories.",
			Remedy:   "None needed.",
			Positive: []Example{dl("https://github.com/example/tool/archive/v1.2.tar.gz"), dl("mirror://cpan/authors/id/E/EX/EXAMPLE/Tool-1.2.tar.gz"), dl("mirror://pypi/t/tool/tool-1.2.tar.gz")},
			Negative: []Example{dl("https://example.org/@example/linux-x64/-/linux-x64-0.17.0.tgz"), dl("https://github.com/example/tool/releases/download/v1.2/tool-1.2.tar.gz"), dl("https://example.org/archive/tool-1.2.tar.gz"), dl("https://github.com/example/tool/raw/v1.2/lib/tool.jar")},
			match: func(s *subject) (string, string, bool) {
				f := s.f.Fetch
				if f == nil {
					return "", "", false
				}
				switch f.Fetcher {
				case fetch.Git, fetch.Svn, fetch.Hg, fetch.Cvs, fetch.Bzr, fetch.Darcs, fetch.Fossil, fetch.Monotone, fetch.Pijul, fetch.Repo, fetch.Patch:
					return "env", f.Fetcher, true
				}
				for i := range s.shapes {
					sh := &s.shapes[i]
					if sh.forge && !sh.bareFile() && !(sh.raw && compiledType(sh.ext)) {
						return "env.urls", sh.file, true
					}
					if sh.registry == "npm" && sh.arch != "" {
						continue // a platform package: the native part of another
					}
					if sh.sourceRegistry() || sh.registry == "gem" || sh.registry == "pypi" && sh.ext != ".whl" && sh.ext != ".egg" {
						return "env.urls", sh.registry, true
					}
				}
				return "", "", false
			},
		},
		{
			ID: "from-forge-file", Title: "File of a repository, without a type", Weight: -20,
			Why:      "People commit sources, but a file without a type may as well be a program.",
			How:      "The address asks a forge for one file of a repository, whose name has no type.",
			Limits:   "Scripts are committed so too, which only says what is done with them.",
			Remedy:   "None needed.",
			Positive: []Example{dl("https://github.com/example/tool/raw/v1.2/tool"), dl("https://raw.githubusercontent.com/example/tool/v1.2/tool")},
			Negative: []Example{dl("https://github.com/example/tool/raw/v1.2/tool.py"), dl("https://github.com/example/tool/archive/v1.2.tar.gz"), dl("https://example.org/raw/tool")},
			match: anyShape(func(sh *shape, _ *subject) (string, bool) {
				return sh.file, sh.bareFile()
			}),
		},
		{
			ID: "from-source-word", Title: "File name says source", Weight: -40,
			Why:      "src, source, orig are how projects tell their sources from their builds.",
			How:      "One of these words in the name of a file that is fetched, or a source package type (.src.rpm).",
			Limits:   "A source package can carry prebuilt parts.",
			Remedy:   "None needed.",
			Positive: []Example{dl("https://example.org/tool-1.2-src.tar.gz"), dl("https://example.org/tool_1.2.orig.tar.xz"), dl("https://example.org/tool-1.2.src.rpm")},
			Negative: []Example{dl(plain), dl("https://example.org/srcview-1.2.zip"), {Name: "tool-src-1.2", Fixed: true, Env: []string{"buildCommand", "cp -r . $out"}}},
			match: anyShape(func(sh *shape, s *subject) (string, bool) {
				return sh.file, !s.named() && sh.src != "" && sh.src[0] != '/' || sh.ext == ".src.rpm" || sh.ext == ".src.tgz"
			}),
		},
		{
			ID: "from-source-directory", Title: "Directory of the address says source", Weight: -20,
			Why:      "Sites that serve both keep sources in a directory of that name.",
			How:      "src, source or sources among the address' directories.",
			Limits:   "A source code host may serve binaries from such a directory.",
			Remedy:   "None needed.",
			Positive: []Example{dl("https://example.org/sources/tool-1.2.tar.gz")},
			Negative: []Example{dl("https://example.org/tool.src/tool-1.2.tar.gz")},
			match: anyShape(func(sh *shape, _ *subject) (string, bool) {
				return "directory " + strings.TrimPrefix(sh.src, "/"), len(sh.src) > 0 && sh.src[0] == '/'
			}),
		},
		{
			ID: "from-patch", Title: "A patch", Weight: -200,
			Why:      "A patch is text.",
			How:      "A .patch or .diff file, an address that makes one of a commit, or a fetcher that normalises one.",
			Limits:   "Git patches can carry binary hunks.",
			Remedy:   "None needed.",
			Positive: []Example{dl("https://github.com/example/tool/commit/0123456789abcdef.patch"), dl("https://example.org/fix-linux-x86_64.diff.gz")},
			Negative: []Example{dl("https://example.org/patch-2.7.tar.gz")},
			match: func(s *subject) (string, string, bool) {
				return "env.urls", first(s.f.fetchURLs()), s.f.Fetch != nil && isPatch(s.f.Fetch, s.shapes)
			},
		},
		{
			ID: fromData, Title: "Fonts, icons, documents, other data", Weight: -80,
			Why:      "Data is not code.",
			How:      "The file type, or a word of the file name.",
			Limits:   "An archive of themes may hold scripts or plugins; where only a word says it, and the consumer's text speaks of bytecode, this says nothing.",
			Remedy:   "None needed.",
			Positive: []Example{dl("https://example.org/Tool.ttf"), dl("https://example.org/tool-icon-theme-1.2.zip"), dl("https://example.org/LICENSE.txt")},
			Negative: []Example{dl(plain), dl("https://example.org/manifold-1.2-linux-amd64.tar.gz")},
			match: func(s *subject) (string, string, bool) {
				return "env.urls", first(s.f.fetchURLs()), s.f.Fetch != nil && isData(s.shapes)
			},
		},
		{
			ID: noArch, Title: "Package for every machine", Weight: -80,
			Why:      "A .deb called all or an .rpm called noarch holds scripts, data or bytecode, no native code.",
			How:      "The last word of the name of a .deb or .rpm, which has no word for firmware: that is for a device's machine.",
			Limits:   "Java programs are packed so: where the consumer's text speaks of bytecode, this says nothing.",
			Remedy:   "None needed.",
			Positive: []Example{dl("https://example.org/tool-0.5-1.noarch.rpm"), dl("https://example.org/tool_1.2_all.deb")},
			Negative: []Example{dl("https://example.org/tool_1.2_amd64.deb"), dl("https://example.org/firmware-card_0.41_all.deb")},
			match: anyShape(func(sh *shape, _ *subject) (string, bool) {
				return sh.file, (sh.ext == ".deb" || sh.ext == ".rpm") && noarch(sh) && sh.firmware == ""
			}),
		},
		{
			ID: "from-script", Title: "A script", Weight: -30,
			Why:      "A shell script is text.",
			How:      "A .sh file whose name names no machine.",
			Limits:   "Vendors hide installers behind scripts: what the consumer does with it tells.",
			Remedy:   "None needed.",
			Positive: []Example{dl("https://example.org/tool.sh")},
			Negative: []Example{dl("https://example.org/tool-linux-x64.sh")},
			match: anyShape(func(sh *shape, _ *subject) (string, bool) {
				return sh.file, sh.ext == ".sh" && sh.arch == "" && !strongBin(sh.bin) && sh.os == ""
			}),
		},
		{
			ID: "from-pure-wheel", Title: "Pure Python wheel", Weight: -80,
			Why:      "A wheel tagged any holds Python sources.",
			How:      "A .whl whose last tag is any, and whose name has no operating system or machine.",
			Limits:   "Some are mistagged, or bring programs for a browser.",
			Remedy:   "Use the sdist where there is one.",
			Positive: []Example{dl("https://example.org/packages/py3/t/tool/tool-1.0-py3-none-any.whl")},
			Negative: []Example{dl("https://example.org/packages/cp38/t/tool/tool-1.0-cp38-cp38-linux_x86_64.whl"), dl("https://example.org/packages/py3/t/tool/tool_macos-1.0-py3-none-any.whl")},
			match: anyShape(func(sh *shape, _ *subject) (string, bool) {
				return sh.file, sh.ext == ".whl" && strings.HasSuffix(sh.stem, "-any") && (sh.os == "" || sh.osDir) && (sh.arch == "" || sh.dir)
			}),
		},
	}
}

// bareFile says that a forge serves one file there, whose name has no type.
func (s *shape) bareFile() bool { return s.raw && s.ext == "" }

// isPatch says that a fetch is a patch by its type, address or fetcher.
func isPatch(f *fetch.Fetch, shapes []shape) bool {
	if f.Fetcher == fetch.Patch {
		return true
	}
	for i := range shapes {
		if patchType(shapes[i].file) {
			return true
		}
	}
	return patchType(strings.ToLower(f.Name))
}

func patchType(name string) bool {
	for _, z := range [...]string{".gz", ".xz", ".bz2", ".zst"} {
		name = strings.TrimSuffix(name, z)
	}
	return strings.HasSuffix(name, ".patch") || strings.HasSuffix(name, ".diff") || strings.HasSuffix(name, ".dpatch")
}

// isData says that a fetch is fonts, pictures, text or other data.
func isData(shapes []shape) bool {
	if dataType(shapes) {
		return true
	}
	for i := range shapes {
		sh := &shapes[i]
		if sh.data != "" && sh.data != "data" && sh.arch == "" && sh.os == "" && (sourceArchive(sh.ext) || sh.forge) {
			return true
		}
	}
	return false
}

// dataType says that a fetch is data by the type of its file.
func dataType(shapes []shape) bool {
	for i := range shapes {
		switch shapes[i].ext {
		case ".ttf", ".otf", ".ttc", ".woff", ".woff2", ".pcf.gz", ".bdf", ".png", ".jpg", ".jpeg", ".svg", ".gif", ".ico", ".pdf", ".txt", ".md", ".html", ".xml", ".json", ".yaml", ".yml", ".toml", ".conf", ".asc", ".sig", ".pem", ".crt", ".csv",
			".c", ".h", ".cpp", ".hpp", ".cc", ".py", ".pl", ".rb", ".lua", ".vim", ".el", ".hs", ".cabal", ".nix", ".lock", ".desktop", ".xpm", ".tex", ".sty", ".dtx", ".ps", ".wav", ".ogg", ".mp3", ".flac", ".mp4", ".dic", ".aff", ".ppd", ".css", ".dat", ".mo", ".po", ".rng", ".dtd", ".xsl", ".go", ".rs", ".m4", ".sql", ".pom", ".xcf", ".psd", ".webp", ".htm", ".torrent",
			".js", ".php", ".tcl", ".r", ".awk", ".bash", ".zsh":
			return true
		}
	}
	return false
}
