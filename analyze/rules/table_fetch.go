package rules

import (
	"strings"

	"fromsource/analyze/audit"
	"fromsource/analyze/fetch"
)

// anyShape makes a rule's match of a test on the addresses.
func anyShape(test func(sh *shape, s *subject) (string, bool)) func(*subject) (string, string, bool) {
	return func(s *subject) (string, string, bool) {
		for i := range s.shapes {
			if d, ok := test(&s.shapes[i], s); ok {
				at := "name"
				if s.f.Fetch != nil && len(s.f.Fetch.URLs) > 0 {
					at = "env.urls"
				}
				return at, d, true
			}
		}
		return "", "", false
	}
}

func extIn(list ...string) func(sh *shape, s *subject) (string, bool) {
	return func(sh *shape, _ *subject) (string, bool) {
		for _, e := range list {
			if sh.ext == e {
				return sh.file, true
			}
		}
		return "", false
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

func fetchRules() []Rule {
	return []Rule{
		{
			ID: "url-native-package", Title: "Distribution package with native code", Weight: 60, Kind: audit.NativeCode,
			Why:    "A .deb, .rpm, AppImage, snap or Windows or macOS package is the result of somebody else's build.",
			How:    "The file type of the address: .deb .udeb .rpm .appimage .snap .flatpak .exe .msi .dmg .pkg .ipk .opk .apk .vbox-extpack, unless the name says src or all/noarch.",
			Limits: "Packages of scripts or data for one architecture only are taken for native code.",
			Remedy: "Build from the source package that the same archive serves.",
			match: anyShape(func(sh *shape, _ *subject) (string, bool) {
				switch sh.ext {
				case ".deb", ".udeb", ".rpm", ".ipk", ".opk", ".apk":
					return sh.file, !(strings.HasSuffix(sh.stem, "_all") || strings.HasSuffix(sh.stem, ".noarch") || strings.HasSuffix(sh.stem, "-noarch") || strings.HasSuffix(sh.stem, "_noarch"))
				case ".appimage", ".snap", ".flatpak", ".exe", ".msi", ".dmg", ".vbox-extpack", ".pkg", ".msix", ".appx", ".xpkg":
					return sh.file, true
				}
				return "", false
			}),
		},
		{
			ID: "url-bytecode-package", Title: "Java or .NET archive", Weight: 70, Kind: audit.Bytecode,
			Why:    "Jars and NuGet packages hold compiled classes and assemblies.",
			How:    "The file type of the address: .jar .war .ear .aar .nupkg .vsix .class .dex .apk, unless the name says sources or javadoc.",
			Limits: "Some jars hold only resources or sources.",
			Remedy: "Compile the classes from the project's sources.",
			match: anyShape(func(sh *shape, _ *subject) (string, bool) {
				switch sh.ext {
				case ".jar", ".war", ".ear", ".aar", ".nupkg", ".class", ".dex", ".sar", ".rar.jar", ".hpi", ".jpi", ".mod", ".par", ".nbm":
					if sh.ext == ".mod" {
						return "", false
					}
					return sh.file, sh.src == "" && !strings.HasSuffix(sh.stem, "-javadoc")
				}
				return "", false
			}),
		},
		{
			ID: "url-object", Title: "Compiled file fetched by itself", Weight: 70, Kind: audit.NativeCode,
			Why:    "A shared library, object, kernel module, EFI program or disk image is never source.",
			How:    "The file type of the address: .so .dll .dylib .o .a .ko .efi .elf .wasm .node .pyd .iso .img .qcow2 .vmdk .beam .pyc .uf2.",
			Limits: "An image may hold data only.",
			Remedy: "Build it.",
			match:  anyShape(extIn(".so", ".dll", ".dylib", ".o", ".a", ".a.gz", ".so.gz", ".ko", ".ko.xz", ".efi", ".elf", ".wasm", ".node", ".pyd", ".iso", ".img", ".img.gz", ".img.xz", ".qcow2", ".vmdk", ".beam", ".pyc", ".uf2", ".lib", ".nar", ".nar.xz", ".nar.bz2", ".box", ".vdi", ".ova", ".vhd", ".squashfs")),
		},
		{
			ID: "url-firmware", Title: "Device firmware or microcode", Weight: 60, Kind: audit.Firmware,
			Why:    "Firmware is distributed as images for a device's own processor, rarely with source.",
			How:    "A word of the file or repository name (firmware, microcode, ucode, fw, blobs), or a firmware file type (.fw .ucode .hex .ihex .rom .bseq .sfi .cap).",
			Limits: "Firmware projects that are compiled from source carry the same words; that the consumer compiles counts against it.",
			Remedy: "Look for a free implementation, or accept it with a waiver.",
			match: anyShape(func(sh *shape, _ *subject) (string, bool) {
				switch sh.ext {
				case ".fw", ".ucode", ".rom", ".fw.xz", ".cap", ".hcd", ".bseq", ".sfi":
					return sh.file, true
				case ".patch", ".diff", ".asc", ".sig":
					return "", false
				}
				return sh.file, sh.firmware != "" && sh.src == ""
			}),
		},
		{
			ID: "url-machine-file", Title: "File name names a machine", Weight: 50, Kind: audit.NativeCode,
			Why:    "Source is the same for every machine; a download that names one was built for it.",
			How:    "A word of the file name for a processor (x86_64, amd64, aarch64, 64bit, linux64, …), alone or run together with an operating system, in an archive, a plain file or a self-extracting one.",
			Limits: "Programs about a machine (emulators, assemblers) carry its name; that they are compiled counts against it.",
			Remedy: "Fetch the source release instead.",
			match: anyShape(func(sh *shape, _ *subject) (string, bool) {
				if sh.arch == "" || sh.dir || sh.src != "" || sh.forge {
					return "", false
				}
				switch sh.ext {
				case ".patch", ".diff", ".asc", ".sig", ".txt", ".pdf", ".md5", ".json", ".c", ".h", ".nix", ".src.rpm":
					return "", false
				}
				return sh.file + " (" + sh.arch + ")", true
			}),
		},
		{
			ID: "url-platform-file", Title: "File name ends in an operating system", Weight: 35, Kind: audit.NativeCode,
			Why:    "A release archive for one operating system is usually that system's build.",
			How:    "A word of the file name, not its first, for an operating system (linux, darwin, windows, gnu, musl).",
			Limits: "Projects about Linux, and ports, are named so too.",
			Remedy: "Fetch the source release instead.",
			match: anyShape(func(sh *shape, _ *subject) (string, bool) {
				if sh.os == "" || sh.osDir || sh.src != "" || sh.forge {
					return "", false
				}
				switch sh.ext {
				case ".patch", ".diff", ".asc", ".sig", ".txt", ".pdf", ".c", ".h", ".src.rpm", ".conf":
					return "", false
				}
				return sh.file + " (" + sh.os + ")", true
			}),
		},
		{
			ID: "url-machine-directory", Title: "Directory of the address names a machine", Weight: 40, Kind: audit.NativeCode,
			Why:    "Vendors keep their builds in one directory for each platform.",
			How:    "A word of the address' directories for a processor, run together or beside an operating system.",
			Limits: "Distribution mirrors have such directories for sources too; source types and words count against it.",
			Remedy: "Fetch the source release instead.",
			match: anyShape(func(sh *shape, _ *subject) (string, bool) {
				if sh.arch == "" || !sh.dir || sh.src != "" || sh.forge || sh.ext == ".patch" || sh.ext == ".src.rpm" {
					return "", false
				}
				return "directory for " + sh.arch, true
			}),
		},
		{
			ID: "url-ready-word", Title: "File name says it is ready to run", Weight: 50, Kind: "",
			Why:    "bin, binary, prebuilt, jre, installer and the like are how projects tell their builds from their sources.",
			How:    "One of these words in the file name, not its first word.",
			Limits: "Some projects have the word in their name.",
			Remedy: "Fetch the source release instead.",
			match: anyShape(func(sh *shape, _ *subject) (string, bool) {
				if sh.src != "" || !strongBin(sh.bin) || sh.ext == ".patch" || sh.ext == ".jar" {
					return "", false
				}
				return sh.file + " (" + sh.bin + ")", true
			}),
		},
		{
			ID: "url-ready-directory", Title: "Directory of the address says it is ready to run", Weight: 40, Kind: "",
			Why:    "Sites that serve both keep their builds under bin, binary or binaries.",
			How:    "A directory of the address is called so.",
			Limits: "Old sites use the words for anything to download.",
			Remedy: "Fetch the source release instead.",
			match: anyShape(func(sh *shape, _ *subject) (string, bool) {
				return "directory " + sh.bin, strings.HasPrefix(sh.bin, "/") && sh.src == "" && !sh.forge && sourceArchive(sh.ext)
			}),
		},
		{
			ID: "url-release-word", Title: "File name hints at a ready build", Weight: 15, Kind: "",
			Why:    "portable, standalone, dist, runtime, desktop, cli and the like often name a build.",
			How:    "One of these words in the file name, not its first word.",
			Limits: "Source releases are called dist, full or all as well: a hint only.",
			Remedy: "Fetch the source release instead.",
			match: anyShape(func(sh *shape, _ *subject) (string, bool) {
				return sh.file + " (" + sh.bin + ")", sh.bin != "" && sh.bin[0] != '/' && !strongBin(sh.bin) && sh.src == "" && !sh.forge
			}),
		},
		{
			ID: "url-self-extracting", Title: "Self-extracting installer", Weight: 50, Kind: audit.NativeCode,
			Why:    "A .run, .bin, .bsx or -installer.sh file carries a payload behind a script.",
			How:    "The file type of the address.",
			Limits: "A .bin may be any data.",
			Remedy: "Fetch the source release instead.",
			match: anyShape(func(sh *shape, _ *subject) (string, bool) {
				return sh.file, sh.ext == ".run" || sh.ext == ".bsx" || sh.ext == ".bin" || sh.ext == ".sh" && strongBin(sh.bin) || sh.ext == ".sh" && sh.arch != ""
			}),
		},
		{
			ID: "url-platform-wheel", Title: "Python wheel with native code", Weight: 60, Kind: audit.NativeCode,
			Why:    "A wheel with a platform tag holds compiled extension modules.",
			How:    "A .whl or .egg whose last tag is not any.",
			Limits: "Some platform wheels hold a script only.",
			Remedy: "Use the sdist.",
			match: anyShape(func(sh *shape, _ *subject) (string, bool) {
				return sh.file, sh.ext == ".whl" && !strings.HasSuffix(sh.stem, "-any") || sh.ext == ".egg" && sh.arch != ""
			}),
		},
		{
			ID: "url-platform-gem", Title: "Ruby gem with native code", Weight: 60, Kind: audit.NativeCode,
			Why:    "A gem with a platform suffix holds compiled extensions.",
			How:    "A .gem whose name names a machine or java.",
			Limits: "",
			Remedy: "Use the gem of platform ruby.",
			match: anyShape(func(sh *shape, _ *subject) (string, bool) {
				if sh.ext != ".gem" {
					return "", false
				}
				// name-1.2.3 is pure, name-1.2.3-x86_64-linux is not.
				i := strings.LastIndexByte(sh.stem, '-')
				return sh.file, i >= 0 && (sh.stem[i+1] < '0' || sh.stem[i+1] > '9') && strings.ContainsAny(sh.stem[:i], "0123456789")
			}),
		},
		{
			ID: "url-maven-artifact", Title: "Artifact of a Maven repository", Weight: 50, Kind: audit.Bytecode,
			Why:    "Maven repositories serve what projects compiled.",
			How:    "The address is one of a Maven repository and the artifact is not its sources, its POM or its signature.",
			Limits: "Archives there may hold anything.",
			Remedy: "Compile from the -sources artifact or from the project.",
			match: anyShape(func(sh *shape, _ *subject) (string, bool) {
				switch sh.ext {
				case ".pom", ".xml", ".asc", ".sha1", ".md5", ".module":
					return "", false
				}
				return sh.file, sh.registry == "maven" && sh.src == ""
			}),
		},
		{
			ID: "url-nuget-package", Title: "Package of NuGet", Weight: 60, Kind: audit.Bytecode,
			Why:    "NuGet serves compiled assemblies.",
			How:    "The address is one of NuGet's.",
			Limits: "",
			Remedy: "Compile the library from its project.",
			match:  anyShape(func(sh *shape, _ *subject) (string, bool) { return sh.file, sh.registry == "nuget" }),
		},
		{
			ID: "fetch-jars", Title: "Dependencies resolved by a Java or .NET build tool", Weight: 70, Kind: audit.Bytecode,
			Why:    "What Maven, Gradle, sbt, Coursier and NuGet put into their caches is compiled.",
			How:    "A fixed-output derivation that runs such a tool.",
			Limits: "",
			Remedy: "Package the dependencies from source.",
			match: func(s *subject) (string, string, bool) {
				if s.f.Fetch == nil {
					return "", "", false
				}
				switch s.f.Fetch.Fetcher {
				case fetch.MavenDeps, fetch.GradleDeps, fetch.SbtDeps, fetch.CoursierDeps, fetch.NugetDeps:
					return "env", s.f.Fetch.Fetcher, true
				}
				return "", "", false
			},
		},
		{
			ID: "fetch-container", Title: "Container image", Weight: 70, Kind: audit.NativeCode,
			Why:    "A container image is a whole system, built elsewhere.",
			How:    "The fetcher pulls an image from a registry.",
			Limits: "",
			Remedy: "Build the image from packages.",
			match: func(s *subject) (string, string, bool) {
				return "env.imageName", "image", s.f.Fetch != nil && s.f.Fetch.Fetcher == fetch.DockerImage
			},
		},
		{
			ID: "fetch-executable", Title: "Fetched with the executable bit", Weight: 50, Kind: audit.NativeCode,
			Why:    "Who asks the fetcher to make the file executable means to run it.",
			How:    "executable is set, and the file is no script by its type.",
			Limits: "Scripts without a type are taken for programs.",
			Remedy: "Build the program.",
			match: func(s *subject) (string, string, bool) {
				if s.f.Fetch == nil || !s.f.Fetch.Executable {
					return "", "", false
				}
				for i := range s.shapes {
					switch s.shapes[i].ext {
					case ".sh", ".py", ".pl", ".rb", ".lua", ".js", ".tcl", ".awk", ".bash", ".zsh", ".php", ".patch":
						return "", "", false
					}
					if s.shapes[i].forge && !strings.Contains(strings.ToLower(first(s.f.Fetch.URLs)), "/raw/") {
						return "", "", false
					}
				}
				return "env.executable", "executable is set", true
			},
		},
		{
			ID: "url-bootstrap", Title: "Name says bootstrap", Weight: 30, Kind: audit.NativeCode,
			Why:    "Compilers written in their own language start from a binary of an earlier version.",
			How:    "The word bootstrap or stage0 in the file name, in a file that is no script or patch.",
			Limits: "bootstrap is a word with other meanings.",
			Remedy: "Bootstrap from a compiler in another language, if there is one.",
			match: anyShape(func(sh *shape, _ *subject) (string, bool) {
				if sh.forge || sh.ext == ".patch" || sh.src != "" || !sourceArchive(sh.ext) {
					return "", false
				}
				found := false
				eachToken(sh.stem, func(tok string, _ bool) { found = found || tok == "bootstrap" || tok == "stage0" })
				return sh.file, found && (sh.arch != "" || sh.os != "" || strongBin(sh.bin))
			}),
		},
	}
}

func fetchClears() []Rule {
	return []Rule{
		{
			ID: "from-forge", Title: "Revision packed by a source forge", Weight: -40,
			Why:    "A forge's archive, or a checkout, is what was committed; people commit sources.",
			How:    "The address asks a forge for a revision's archive, or the fetcher is a version control system, or the site is a source registry (CPAN, Hackage, CRAN, crates, the sdists of PyPI).",
			Limits: "Binaries are committed too: firmware collections, vendored jars, -bin repositories.",
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
					if sh.forge {
						return "env.urls", sh.file, true
					}
					switch sh.registry {
					case "cpan", "hackage", "cran", "crate", "luarocks", "elpa", "hex", "go", "npm":
						return "env.urls", sh.registry, true
					case "pypi":
						if sh.ext != ".whl" && sh.ext != ".egg" {
							return "env.urls", sh.registry, true
						}
					case "gem":
						return "env.urls", sh.registry, true
					}
				}
				return "", "", false
			},
		},
		{
			ID: "from-source-word", Title: "File name says source", Weight: -40,
			Why:    "src, source, orig are how projects tell their sources from their builds.",
			How:    "One of these words in the file name, or a source package type (.src.rpm, .orig.tar).",
			Limits: "",
			match: anyShape(func(sh *shape, _ *subject) (string, bool) {
				return sh.file, sh.src != "" && sh.src[0] != '/' || sh.ext == ".src.rpm" || sh.ext == ".src.tgz"
			}),
		},
		{
			ID: "from-source-directory", Title: "Directory of the address says source", Weight: -20,
			Why:    "Sites that serve both keep sources in a directory of that name.",
			How:    "src, source or sources among the address' directories.",
			Limits: "",
			match:  anyShape(func(sh *shape, _ *subject) (string, bool) { return "", len(sh.src) > 0 && sh.src[0] == '/' }),
		},
		{
			ID: "from-patch", Title: "A patch", Weight: -200,
			Why:    "A patch is text.",
			How:    "A .patch or .diff file, an address that makes one of a commit, or a fetcher that normalises one.",
			Limits: "Git patches can carry binary hunks.",
			match: func(s *subject) (string, string, bool) {
				if s.f.Fetch != nil && isPatch(s.f.Fetch, s.shapes) {
					return "env.urls", "", true
				}
				return "", "", false
			},
		},
		{
			ID: "from-data", Title: "Fonts, icons, documents, other data", Weight: -80,
			Why:    "Data is not code.",
			How:    "The file type, or a word of the file name.",
			Limits: "An archive of themes may hold scripts or plugins.",
			match: func(s *subject) (string, string, bool) {
				if s.f.Fetch != nil && isData(s.shapes) {
					return "env.urls", "", true
				}
				return "", "", false
			},
		},
		{
			ID: "from-noarch", Title: "Package for every machine", Weight: -70,
			Why:    "A .deb called all or an .rpm called noarch holds scripts, data or bytecode, no native code.",
			How:    "The last word of the name of a .deb or .rpm.",
			Limits: "Java programs are packed so: what the consumer does with them tells.",
			match: anyShape(func(sh *shape, _ *subject) (string, bool) {
				if sh.ext != ".deb" && sh.ext != ".rpm" {
					return "", false
				}
				return sh.file, strings.HasSuffix(sh.stem, "_all") || strings.HasSuffix(sh.stem, ".noarch") || strings.HasSuffix(sh.stem, "-noarch") || strings.HasSuffix(sh.stem, "_noarch") || strings.HasSuffix(sh.stem, "-all")
			}),
		},
		{
			ID: "from-script", Title: "A script", Weight: -30,
			Why:    "A shell script is text.",
			How:    "A .sh file whose name names no machine.",
			Limits: "Vendors hide installers behind scripts: what the consumer does with it tells.",
			match: anyShape(func(sh *shape, _ *subject) (string, bool) {
				return sh.file, sh.ext == ".sh" && sh.arch == "" && !strongBin(sh.bin) && sh.os == ""
			}),
		},
		{
			ID: "from-pure-wheel", Title: "Pure Python wheel", Weight: -80,
			Why:    "A wheel tagged any holds Python sources.",
			How:    "A .whl whose last tag is any.",
			Limits: "Some are mistagged.",
			match: anyShape(func(sh *shape, _ *subject) (string, bool) {
				return sh.file, sh.ext == ".whl" && strings.HasSuffix(sh.stem, "-any")
			}),
		},
	}
}

// isPatch says that a fetch is a patch by its type, address or fetcher.
func isPatch(f *fetch.Fetch, shapes []shape) bool {
	if f.Fetcher == fetch.Patch {
		return true
	}
	for i := range shapes {
		switch shapes[i].ext {
		case ".patch", ".diff", ".patch.gz", ".diff.gz", ".dpatch":
			return true
		}
		if strings.HasSuffix(shapes[i].file, ".patch.gz") || strings.HasSuffix(shapes[i].file, ".diff.gz") || strings.HasSuffix(shapes[i].file, ".patch.xz") || strings.HasSuffix(shapes[i].file, ".patch.bz2") {
			return true
		}
	}
	_, e := fileType(strings.ToLower(f.Name))
	return e == ".patch" || e == ".diff"
}

// isData says that a fetch is fonts, pictures, text or other data.
func isData(shapes []shape) bool {
	for i := range shapes {
		sh := &shapes[i]
		switch sh.ext {
		case ".ttf", ".otf", ".ttc", ".woff", ".woff2", ".pcf.gz", ".bdf", ".png", ".jpg", ".jpeg", ".svg", ".gif", ".ico", ".pdf", ".txt", ".md", ".html", ".xml", ".json", ".yaml", ".yml", ".toml", ".conf", ".asc", ".sig", ".pem", ".crt", ".csv",
			".c", ".h", ".cpp", ".hpp", ".cc", ".py", ".pl", ".rb", ".lua", ".vim", ".el", ".hs", ".cabal", ".nix", ".lock", ".desktop", ".xpm", ".tex", ".sty", ".dtx", ".ps", ".wav", ".ogg", ".mp3", ".flac", ".mp4", ".dic", ".aff", ".ppd", ".css", ".dat", ".mo", ".po", ".rng", ".dtd", ".xsl", ".go", ".rs", ".patch", ".diff", ".m4", ".sql", ".pom", ".xcf", ".psd", ".wasm.txt", ".webp", ".htm", ".torrent":
			return true
		case ".js", ".php", ".tcl", ".r", ".awk", ".bash", ".zsh":
			return true
		}
		if sh.data != "" && sh.data != "data" && sh.arch == "" && sh.os == "" && (sourceArchive(sh.ext) || sh.forge) {
			return true
		}
	}
	return false
}
