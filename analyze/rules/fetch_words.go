package rules

import (
	"strings"

	"fromsource/analyze/audit"
)

// anyShape makes a rule's match of a test on the addresses.
func anyShape(test func(sh *shape, s *subject) (string, bool)) func(*subject) (string, string, bool) {
	return func(s *subject) (string, string, bool) {
		for i := range s.shapes {
			if d, ok := test(&s.shapes[i], s); ok {
				at := "name"
				if len(s.f.fetchURLs()) > 0 {
					at = "env.urls"
				}
				return at, d, true
			}
		}
		return "", "", false
	}
}

// sourceArchive are types that hold sources as well as anything.
func sourceArchive(ext string) bool {
	switch ext {
	case ".tar.gz", ".tar.bz2", ".tar.xz", ".tar.zst", ".tar.lz", ".tar.lzma", ".tgz", ".tbz2", ".tbz", ".txz", ".tar", ".zip", ".7z", ".gz", ".bz2", ".xz", ".zst", ".lzma", "", ".bin", ".tlz", ".tar.z", ".z", ".rar":
		return true
	}
	return false
}

// text are types that no word of the name makes a program.
func textType(ext string) bool {
	switch ext {
	case ".patch", ".diff", ".asc", ".sig", ".txt", ".pdf", ".md5", ".json", ".c", ".h", ".nix", ".src.rpm", ".conf", ".xml":
		return true
	}
	return false
}

// platformFile says that a file name names an operating system.
func platformFile(sh *shape, s *subject) bool {
	return sh.os != "" && !sh.osDir && !s.local() && sh.src == "" && !sh.forge && !sh.sourceRegistry() && !textType(sh.ext) && sh.ext != ".gem"
}

// machineDirectory says that a directory of an address names a machine, and
// nothing says that it holds sources.
func machineDirectory(sh *shape) bool {
	return sh.arch != "" && sh.dir && sh.src == "" && !sh.headers && !sh.forge && !textType(sh.ext) && !noarch(sh) && (!sh.sourceRegistry() || sh.registry == "npm")
}

// fetchWordRules go by words of the address.
func fetchWordRules() []Rule {
	return []Rule{
		{
			ID: "url-machine-file", Title: "File name names a machine", Weight: 50, Kind: audit.NativeCode,
			Why:      "Source is the same for every machine; a download that names one was built for it.",
			How:      "A word of the file name for a processor (x86_64, amd64, aarch64, 64bit, linux64, …), alone or run together with an operating system.",
			Limits:   "Programs about a machine (emulators, assemblers) carry its name; that they are compiled counts against it.",
			Remedy:   "Fetch the source release instead.",
			Positive: []Example{dl("https://example.org/tool_1.2_linux_amd64.tar.gz"), dl("https://example.org/tool-x86_64-unknown-linux-musl.tar.gz"), dl("https://example.org/toollinux_64bit_1.1.tar.gz"), dl("https://example.org/tool1.24.linux-386.tar.gz"), dl("https://example.org/ToolInstall.linux64"), dl("https://example.org/toolserverx86_64"), dl("https://github.com/example/tool/raw/v1.2/dist/tool-linux-amd64")},
			Negative: []Example{dl("https://example.org/x86info-1.30.tgz"), dl("https://example.org/tool-1.64.tar.gz"), dl("https://example.org/tool-386.tar.gz"), dl("https://github.com/example/amd64-tool/archive/v1.0.tar.gz"), dl("https://example.org/fix-x86_64.patch")},
			match: anyShape(func(sh *shape, _ *subject) (string, bool) {
				if sh.arch == "" || sh.dir || sh.src != "" || sh.forge && !sh.bareFile() || textType(sh.ext) {
					return "", false
				}
				return sh.file + " (" + sh.arch + ")", true
			}),
		},
		{
			ID: "url-platform-file", Title: "File name ends in an operating system", Weight: 35, Kind: audit.NativeCode,
			Why:      "A release archive for one operating system is usually that system's build.",
			How:      "A word of the file name, not its first, for an operating system (linux, darwin, windows, musl).",
			Limits:   "Projects about Linux, and ports, are named so too.",
			Remedy:   "Fetch the source release instead.",
			Positive: []Example{dl("https://example.org/tool-lin-1.2.tar.gz"), dl("https://example.org/tool-linux-1.2.tar.gz"), dl("https://example.org/tool-1.2-macos.zip")},
			Negative: []Example{dl("https://example.org/lin-5.4.tar.xz"), dl("https://example.org/linux-5.4.tar.xz"), dl("https://example.org/linux/tool-1.2.tar.gz"), dl("https://example.org/tool-linux-1.2-src.tar.gz")},
			match: anyShape(func(sh *shape, s *subject) (string, bool) {
				if !platformFile(sh, s) {
					return "", false
				}
				return sh.file + " (" + sh.os + ")", true
			}),
		},
		{
			ID: "url-platform-suffix", Title: "Operating system is the last word of the file name", Weight: 20, Kind: audit.NativeCode,
			Why:      "After name and version, an operating system can only be that of a build.",
			How:      "As for a platform file, and nothing follows but the file type.",
			Limits:   "Projects whose own name ends so.",
			Remedy:   "Fetch the source release instead.",
			Positive: []Example{dl("https://example.org/tool-1.2-linux.tar.gz"), dl("https://example.org/Tool_3.6.4_Linux.tgz"), {Name: "tool-linux.zip", Fixed: true, Env: []string{"builder", "./fetch.sh", "upload", "12748042"}}},
			Negative: []Example{dl("https://example.org/tool-linux-1.2.tar.gz"), dl("https://example.org/linux.tar.gz"), {Name: "tool-deps-linux", Fixed: true, Env: []string{"buildCommand", "cp -r . $out"}}},
			match: anyShape(func(sh *shape, s *subject) (string, bool) {
				if !(sh.osLast && platformFile(sh, s)) {
					return "", false
				}
				return sh.file + " (" + sh.os + ")", true
			}),
		},
		{
			ID: "url-machine-directory", Title: "Directory or query of the address names a machine", Weight: 40, Kind: audit.NativeCode,
			Why:      "Vendors keep their builds in one directory for each platform.",
			How:      "A word of the address' directories, or of the values of its query, for a processor, alone or run together with an operating system.",
			Limits:   "Distribution mirrors have such directories for sources too; source types and words count against it.",
			Remedy:   "Fetch the source release instead.",
			Positive: []Example{dl("https://example.org/releases/1.2/linux-x86_64/en-US/tool-1.2.tar.bz2"), dl("https://example.org/lin_x64/tool.tar.gz"), dl("https://example.org/tool/1.2/package?targetPlatform=linux-x64")},
			Negative: []Example{dl("https://example.org/releases/tool-1.2.tar.bz2"), dl("https://example.org/x86_64/tool-1.2.src.rpm"), dl("https://example.org/stable-64bit/tool_1.2-1_all.deb"), dl("https://example.org/packages/win32/versions/5.8.0.tar.gz"), dl("https://example.org/package?name=tool")},
			match: anyShape(func(sh *shape, _ *subject) (string, bool) {
				return "directory for " + sh.arch, machineDirectory(sh)
			}),
		},
		{
			ID: "url-platform-directory", Title: "Directory of the address is one platform", Weight: 10, Kind: audit.NativeCode,
			Why:      "A directory called after an operating system and a machine, and nothing else, holds what was built for them.",
			How:      "Such a directory, or one for the system and in it one for the machine, where the directory rule for machines applies.",
			Limits:   "As for that rule.",
			Remedy:   "Fetch the source release instead.",
			Positive: []Example{dl("https://example.org/tool/linux-amd64/15.21.0/tool.zip"), dl("https://example.org/tool/linux/amd64/1.2/tool.tar.gz")},
			Negative: []Example{dl("https://example.org/linux/releases/30/x86_64/tool.tar.gz"), dl("https://example.org/x86_64/tool.tar.gz"), dl("https://example.org/linux-x86_64/tool-1.2.src.rpm")},
			match: anyShape(func(sh *shape, _ *subject) (string, bool) {
				return "directory for " + sh.os + " on " + sh.arch, sh.platformDir && machineDirectory(sh)
			}),
		},
		{
			ID: "url-system-directory", Title: "Directory of the address is an operating system", Weight: 15, Kind: audit.NativeCode,
			Why:      "Who has a directory for each system keeps builds in it; sources are the same for all.",
			How:      "A directory of the address is called linux, mac, windows or the like, and the file is an archive or has no type, and its name does not say it too. Not below a directory pub, as servers have that mirror others.",
			Limits:   "Sources of programs for one system only.",
			Remedy:   "Fetch the source release instead.",
			Positive: []Example{dl("https://example.org/tool/linux/tool-1.2.tar.gz"), dl("https://example.org/stable/mac/Tool.zip")},
			Negative: []Example{dl("https://example.org/pub/linux/tool-1.2.tar.gz"), dl("mirror://kernel/linux/utils/tool/tool-1.2.tar.xz"), dl("https://github.com/example/linux/archive/v1.2.tar.gz"), dl("https://example.org/linux/tool-1.2-src.tar.gz")},
			match: anyShape(func(sh *shape, _ *subject) (string, bool) {
				// Where the name says it too, that is worth no more.
				return sh.file, sh.systemDir && (sh.arch == "" || sh.dir) && (sh.os == "" || sh.osDir) && sh.src == "" && !sh.forge && !sh.sourceRegistry() && sourceArchive(sh.ext)
			}),
		},
		{
			ID: "url-download-host", Title: "Host is one for downloads", Weight: 15,
			Why:      "Vendors hand their programs out from hosts for downloads and rented stores of files; sources are rather served by forges and mirrors.",
			How:      "A part of the host's name is download, dl, cdn, releases, artifacts or the like, or a provider's name for its store, and the file is an archive or has no type. Not below a directory pub, as servers have that mirror others.",
			Limits:   "Large projects have such hosts for their sources: a hint that takes others to suspect.",
			Remedy:   "Fetch the source release instead.",
			Positive: []Example{dl("https://downloads.example.org/tool-1.2.tar.gz"), dl("https://example-releases.s3.amazonaws.com/tool.zip")},
			Negative: []Example{dl(plain), dl("https://static.crates.io/crates/tool/tool-1.2.crate"), dl("https://cdn.example.org/pub/tool-1.2.tar.gz"), dl("https://download.example.org/tool-1.2-src.tar.gz"), dl("https://download.example.org/LICENSE.txt")},
			match: anyShape(func(sh *shape, _ *subject) (string, bool) {
				return sh.file, sh.download && sh.src == "" && !sh.forge && !sh.sourceRegistry() && sourceArchive(sh.ext)
			}),
		},
		{
			ID: "url-ready-word", Title: "File name says it is ready to run", Weight: 50,
			Why:      "bin, binary, prebuilt, jre and the like are how projects tell their builds from their sources; bottle is how Homebrew calls its own.",
			How:      "One of these words in the file name, not its first, or a directory called binaries or prebuilt.",
			Limits:   "Some projects have the word in their name.",
			Remedy:   "Fetch the source release instead.",
			Positive: []Example{dl("mirror://apache/tool/tool-1.2-bin.tar.gz"), dl("https://example.org/binaries/tool-1.2.tar.gz"), dl("https://example.org/tool-1.2.sonoma.bottle.tar.gz"), dl("https://github.com/example/tool/archive/upstream/1.2.bin.tar.gz"), dl("https://example.org/tool/1.2/bin.tar.gz")},
			Negative: []Example{dl("mirror://apache/tool/tool-1.2-src.tar.gz"), dl("https://example.org/bind-9.16.tar.gz"), dl("mirror://cpan/authors/id/E/EX/EXAMPLE/Data-Binary-0.01.tar.gz"), dl("https://example.org/bin-1.0.tar.gz")},
			match: anyShape(func(sh *shape, s *subject) (string, bool) {
				if s.local() || sh.src != "" || !strongBin(sh.bin) || sh.sourceRegistry() || textType(sh.ext) || sh.ext == ".jar" || sh.ext == ".gem" {
					return "", false
				}
				return sh.file + " (" + sh.bin + ")", true
			}),
		},
		{
			ID: "url-ready-directory", Title: "Directory of the address is bin", Weight: 40,
			Why:      "Sites that serve both keep their builds under bin.",
			How:      "A directory of the address is called so.",
			Limits:   "Old sites use the word for anything to download.",
			Remedy:   "Fetch the source release instead.",
			Positive: []Example{dl("mirror://apache/tool/v9.0.31/bin/tool-9.0.31.tar.gz")},
			Negative: []Example{dl("mirror://apache/tool/v9.0.31/src/tool-9.0.31.tar.gz"), dl("https://example.org/cgi-bin/tool-1.2.tar.gz")},
			match: anyShape(func(sh *shape, _ *subject) (string, bool) {
				return "directory bin", sh.bin == "/bin" && sh.src == "" && !sh.forge && sourceArchive(sh.ext)
			}),
		},
		{
			ID: "url-release-word", Title: "File name hints at a ready build", Weight: 15,
			Why:      "portable, standalone, runtime, desktop, cli and the like often name a build.",
			How:      "One of these words in the file name, not its first.",
			Limits:   "Source releases are called full or all as well: a hint only.",
			Remedy:   "Fetch the source release instead.",
			Positive: []Example{dl("https://example.org/tool-portable-1.2.zip")},
			Negative: []Example{dl(plain), dl("https://example.org/tool-1.2-dist.zip"), dl("https://github.com/example/tool-cli/archive/v1.2.tar.gz")},
			match: anyShape(func(sh *shape, s *subject) (string, bool) {
				if s.local() || sh.sourceRegistry() || sh.bin == "" || sh.bin[0] == '/' || strongBin(sh.bin) || sh.src != "" || sh.forge || noarch(sh) {
					return "", false
				}
				return sh.file + " (" + sh.bin + ")", true
			}),
		},
		{
			ID: "url-complete-word", Title: "Name of an archive ends in a word for what needs nothing else", Weight: 20,
			Why:      "What stands alone, can be carried about or is linked statically was built.",
			How:      "static, standalone, portable or redist as the last word of an archive's name.",
			Limits:   "Files of a web site are called static too: a hint that takes others to suspect.",
			Remedy:   "Fetch the source release instead.",
			Positive: []Example{dl("https://example.org/tool-1.2-static.tar.xz"), dl("https://example.org/tool_1.2_standalone.zip")},
			Negative: []Example{dl("https://example.org/static-tool-1.2.tar.xz"), dl("https://example.org/portable.tar.gz"), dl("https://github.com/example/tool-portable/archive/v1.2.tar.gz"), dl("https://example.org/tool-src-portable.zip")},
			match: anyShape(func(sh *shape, s *subject) (string, bool) {
				return sh.file + " (" + sh.complete + ")", sh.complete != "" && sh.src == "" && !sh.forge && !sh.sourceRegistry() && sourceArchive(sh.ext) && !s.local()
			}),
		},
		{
			ID: "url-release-program", Title: "File without a type attached to a release", Weight: 25, Kind: audit.NativeCode,
			Why:      "A forge packs the sources of a release itself; what projects attach without a file type is mostly the program.",
			How:      "The address has a forge's directory for files of a release, and its file name has no type.",
			Limits:   "Scripts are attached so as well: a hint only.",
			Remedy:   "Fetch the source release instead.",
			Positive: []Example{dl("https://github.com/example/tool/releases/download/v1.2/tool"), dl("https://gitlab.example.org/example/tool/-/releases/v1.2/downloads/tool")},
			Negative: []Example{dl("https://github.com/example/tool/releases/download/v1.2/tool-1.2.tar.gz"), dl("https://github.com/example/tool/releases/download/v1.2/tool.sh"), dl("https://example.org/download/tool")},
			match: anyShape(func(sh *shape, s *subject) (string, bool) {
				return sh.file, sh.ext == "" && sh.release && sh.src == "" && !s.local()
			}),
		},
		{
			ID: "url-release-archive", Title: "Archive without version, or a .zip, attached to a release", Weight: 20,
			Why:      "A forge packs the sources of a release itself, and sources have their version in the name: other archives are mostly made by a build.",
			How:      "The address has a forge's directory for files of a release; the file is a .zip, or an archive whose name has no digit; and no word says that it is source.",
			Limits:   "Data and scripts are attached so as well: a hint that takes others to suspect.",
			Remedy:   "Fetch the source release instead.",
			Positive: []Example{dl("https://github.com/example/tool/releases/download/v1.2/tool_1.2.zip"), dl("https://github.com/example/tool/releases/download/v1.2/tool.tar.gz")},
			Negative: []Example{dl("https://github.com/example/tool/releases/download/v1.2/tool-1.2.tar.gz"), dl("https://github.com/example/tool/releases/download/v1.2/tool-src.zip"), dl("https://example.org/tool.zip"), dl("https://github.com/example/tool/archive/v1.2.zip")},
			match: anyShape(func(sh *shape, s *subject) (string, bool) {
				if !sh.release || sh.src != "" || sh.ext == "" || !sourceArchive(sh.ext) || s.local() {
					return "", false
				}
				return sh.file, sh.ext == ".zip" || !strings.ContainsAny(sh.stem, "0123456789")
			}),
		},
		{
			ID: "url-bootstrap", Title: "Name says bootstrap, for a machine", Weight: 30, Kind: audit.NativeCode,
			Why:      "Compilers written in their own language start from a binary of an earlier version.",
			How:      "The word bootstrap or stage0 in the file name or its directories beside a machine, an operating system or bin.",
			Limits:   "bootstrap is a word with other meanings, which is why the machine is asked for.",
			Remedy:   "Bootstrap from a compiler in another language, if there is one.",
			Positive: []Example{dl("https://example.org/tool-bootstrap-linux-amd64.tar.gz")},
			Negative: []Example{dl("https://github.com/example/bootstrap/releases/download/v4.5.0/bootstrap-4.5.0-dist.zip"), dl("https://example.org/bootstrap-src-linux.tar.gz")},
			match: anyShape(func(sh *shape, _ *subject) (string, bool) {
				if sh.forge || sh.src != "" || !sourceArchive(sh.ext) {
					return "", false
				}
				found := sh.bootstrapDir
				eachToken(sh.stem, func(tok string, _ bool) { found = found || tok == "bootstrap" || strings.HasPrefix(tok, "stage0") })
				return sh.file, found && (sh.arch != "" || sh.os != "" || strongBin(sh.bin))
			}),
		},
	}
}
