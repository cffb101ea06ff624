package rules

import (
	"strings"

	"fromsource/analyze/audit"
	"fromsource/analyze/fetch"
)

// fetchFileRules go by the type of the file that is fetched.
func fetchFileRules() []Rule {
	return []Rule{
		{
			ID: "url-native-package", Title: "Distribution package with native code", Weight: 60, Kind: audit.NativeCode,
			Why:      "A .deb, .rpm, AppImage, snap or Windows or macOS package is the result of somebody else's build.",
			How:      "The file type of the address: .deb .udeb .rpm .appimage .snap .flatpak .exe .msi .cab .dmg .pkg .ipk .opk .apk .pkg.tar.zst .vbox-extpack and the like, unless the name says all, any, noarch or headers; or an archive that is called after such a file, or after a bundle of macOS.",
			Limits:   "Packages of scripts or data for one architecture only are taken for native code.",
			Remedy:   "Build from the source package that the same archive serves.",
			Positive: []Example{dl("https://example.org/pool/tool_1.2-1_amd64.deb"), dl("https://example.org/Tool-1.2.AppImage"), dl("https://example.org/tool-setup.exe"), dl("https://example.org/tool-1.2-1-x86_64.pkg.tar.zst"), dl("https://example.org/Tool.app.zip"), dl("https://example.org/tool.exe.gz")},
			Negative: []Example{dl("https://example.org/tool_1.2-1_all.deb"), dl("https://example.org/tool-1.2-1-any.pkg.tar.zst"), dl("https://example.org/app.tar.gz"), dl("https://example.org/tool-1.2.src.rpm"), dl("https://example.org/tool-headers-1.1-r3.apk"), dl(plain)},
			match: anyShape(func(sh *shape, _ *subject) (string, bool) {
				switch {
				case distroPackage(sh.ext):
					return sh.file, !noarch(sh) && !sh.headers
				case nativePackage(sh.ext):
					return sh.file, true
				case sh.inner != "" && sh.inner != ".jar":
					return sh.file, sh.src == "" && !sh.forge && !noarch(sh)
				}
				return "", false
			}),
		},
		{
			ID: "url-bytecode-package", Title: "Java or .NET archive", Weight: 70, Kind: audit.Bytecode,
			Why:      "Jars and NuGet packages hold compiled classes and assemblies, .swc and .swf files compiled ActionScript.",
			How:      "The file type of the address: .jar .war .ear .aar .kar .jmod .nupkg .class .dex .hpi .jpi .nbm .swc .swf .ez .luac .elc and the like, or of what an archive is called after, unless the name says sources or javadoc.",
			Limits:   "Some jars hold only resources.",
			Remedy:   "Compile the classes from the project's sources.",
			Positive: []Example{dl("https://example.org/tool-1.2.jar"), dl("https://example.org/tool-1.2.war"), dl("https://example.org/global27_0.swc"), dl("https://example.org/tool.jar.zip")},
			Negative: []Example{dl("https://example.org/tool-1.2-sources.jar"), dl("https://example.org/jarsplice-1.2.tar.gz")},
			match: anyShape(func(sh *shape, _ *subject) (string, bool) {
				return sh.file, (bytecodePackage(sh.ext) || sh.inner == ".jar" && !sh.forge) && sh.src == "" && !strings.HasSuffix(sh.stem, "-javadoc")
			}),
		},
		{
			ID: "url-object", Title: "Compiled file fetched by itself", Weight: 70, Kind: audit.NativeCode,
			Why:      "A shared library, object, kernel module, EFI program or disk image is never source.",
			How:      "The file type of the address: .so .dll .dylib .o .a .ko .efi .elf .wasm .node .iso .img .qcow2 .vmdk .nar .beam .pyc .uf2, images of a console's cartridges, and the like; compressed, or with a version behind the type, or not.",
			Limits:   "An image may hold data only.",
			Remedy:   "Build it.",
			Positive: []Example{dl("https://example.org/libtool.so"), dl("https://example.org/libtool.so.1.2"), dl("https://example.org/librt_v1_x.a.gz"), dl("https://example.org/disk.qcow2"), dl("https://example.org/system-0.2.img.bz2"), {Name: "game.us.z64", Fixed: true}},
			Negative: []Example{dl("https://example.org/libso-1.0.tar.gz"), dl("https://example.org/tool.c")},
			match: anyShape(func(sh *shape, _ *subject) (string, bool) {
				return sh.file, objectType(sh.ext) || versionedLibrary(sh.file)
			}),
		},
		{
			ID: "url-firmware", Title: "Device firmware or microcode", Weight: 60, Kind: audit.Firmware,
			Why:      "Firmware is distributed as images for a device's own processor, rarely with source.",
			How:      "A word of the file or repository name (firmware, microcode, ucode, fw, blobs), or a firmware file type (.fw .ucode .rom .hcd .cap .dfu .hex .trx and the like).",
			Limits:   "Firmware projects that are compiled from source carry the same words; that the consumer compiles counts against it.",
			Remedy:   "Look for a free implementation, or accept it with a waiver.",
			Positive: []Example{dl("https://example.org/wifi-firmware-1.2.tar.bz2"), dl("https://example.org/card.fw"), dl("https://example.org/firmware-card_0.41_all.deb"), dl("https://github.com/example/device-firmware/archive/0123456789abcdef0123456789abcdef01234567.tar.gz")},
			Negative: []Example{dl("https://example.org/firmware-src-1.2.tar.gz"), dl("https://example.org/software-1.2.tar.gz"), dl("https://example.org/packs/blobs_small.zip"), dl("https://example.org/fix-firmware.patch")},
			match: anyShape(func(sh *shape, _ *subject) (string, bool) {
				switch {
				case firmwareType(sh.ext):
					return sh.file, true
				case textType(sh.ext):
					return "", false
				}
				return sh.file, sh.firmware != "" && sh.src == ""
			}),
		},
		{
			ID: "url-self-extracting", Title: "Self-extracting installer", Weight: 50, Kind: audit.NativeCode,
			Why:      "A .run, .bsx or machine-specific .sh or .bin file carries a payload behind a script.",
			How:      "The file type of the address; for .sh and .bin also a word for a machine or a ready build.",
			Limits:   "Some scripts name the machine they check for.",
			Remedy:   "Fetch the source release instead.",
			Positive: []Example{dl("https://example.org/Driver-450.57.run"), dl("https://example.org/tool-1.0-linux-x86_64.sh")},
			Negative: []Example{dl("https://example.org/install.sh"), dl(plain)},
			match: anyShape(func(sh *shape, _ *subject) (string, bool) {
				return sh.file, sh.ext == ".run" || sh.ext == ".bsx" || (sh.ext == ".sh" || sh.ext == ".bin") && (strongBin(sh.bin) || sh.arch != "")
			}),
		},
		{
			ID: "url-raw-binary", Title: "File is called .bin", Weight: 30, Kind: audit.NativeCode,
			Why:      "The type says binary, not which: an installer, firmware, an image, data.",
			How:      "The file type of the address.",
			Limits:   "Game and language data is called so too.",
			Remedy:   "Find out what it is.",
			Positive: []Example{dl("https://example.org/installer.bin")},
			Negative: []Example{dl("https://example.org/tool-bin.tar.gz")},
			match:    anyShape(func(sh *shape, _ *subject) (string, bool) { return sh.file, sh.ext == ".bin" }),
		},
		{
			ID: "url-platform-wheel", Title: "Python wheel with native code", Weight: 60, Kind: audit.NativeCode,
			Why:      "A wheel with a platform tag holds compiled extension modules.",
			How:      "A .whl whose last tag is not any, or an .egg that names a machine.",
			Limits:   "Some platform wheels hold a script only.",
			Remedy:   "Use the sdist.",
			Positive: []Example{dl("https://example.org/packages/cp38/t/tool/tool-1.0-cp38-cp38-manylinux1_x86_64.whl")},
			Negative: []Example{dl("https://example.org/packages/py3/t/tool/tool-1.0-py3-none-any.whl"), dl("mirror://pypi/t/tool/tool-1.0.tar.gz")},
			match: anyShape(func(sh *shape, _ *subject) (string, bool) {
				return sh.file, sh.ext == ".whl" && !strings.HasSuffix(sh.stem, "-any") || sh.ext == ".egg" && sh.arch != ""
			}),
		},
		{
			ID: "url-platform-gem", Title: "Ruby gem with native code", Weight: 60, Kind: audit.NativeCode,
			Why:      "A gem with a platform suffix holds compiled extensions.",
			How:      "A .gem whose name goes on after the version.",
			Limits:   "A version that starts with a letter is taken for a platform.",
			Remedy:   "Use the gem of platform ruby.",
			Positive: []Example{dl("https://example.org/gems/tool-1.2.3-x86_64-linux.gem"), dl("https://example.org/gems/tool-1.2.3-java.gem")},
			Negative: []Example{dl("https://example.org/gems/tool-1.2.3.gem"), dl("https://example.org/gems/windows_error-0.1.2.gem")},
			match: anyShape(func(sh *shape, _ *subject) (string, bool) {
				i := strings.LastIndexByte(sh.stem, '-')
				if sh.ext != ".gem" || i < 0 || i+1 == len(sh.stem) {
					return "", false
				}
				// name-1.2.3 is pure, name-1.2.3-x86_64-linux is not.
				return sh.file, (sh.stem[i+1] < '0' || sh.stem[i+1] > '9') && hasVersion(sh.stem[:i])
			}),
		},
		{
			ID: "url-maven-artifact", Title: "Artifact of a Maven repository", Weight: 50, Kind: audit.Bytecode,
			Why:      "Maven repositories serve what projects compiled.",
			How:      "The address is one of a Maven repository and the artifact is not its sources, its POM or its signature.",
			Limits:   "Archives there may hold anything.",
			Remedy:   "Compile from the -sources artifact or from the project.",
			Positive: []Example{dl("mirror://maven/org/example/tool/1.2/tool-1.2.zip"), dl("https://example.org/maven2/org/example/tool/1.2/tool-1.2.tar.gz")},
			Negative: []Example{dl("mirror://maven/org/example/tool/1.2/tool-1.2-sources.jar"), dl("mirror://maven/org/example/tool/1.2/tool-1.2.pom")},
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
			Why:      "NuGet serves compiled assemblies.",
			How:      "The address is one of NuGet's.",
			Limits:   "A few packages hold only content files.",
			Remedy:   "Compile the library from its project.",
			Positive: []Example{dl("https://example.org/api/v2/package/Tool/1.2.0")},
			Negative: []Example{dl("https://example.org/nuget-1.2.tar.gz")},
			match:    anyShape(func(sh *shape, _ *subject) (string, bool) { return sh.file, sh.registry == "nuget" }),
		},
		{
			ID: "fetch-jars", Title: "Dependencies resolved by a Java or .NET build tool", Weight: 70, Kind: audit.Bytecode,
			Why:      "What Maven, Gradle, sbt, Coursier and NuGet put into their caches is compiled.",
			How:      "A fixed-output derivation that runs such a tool.",
			Limits:   "A cache may hold only build descriptions.",
			Remedy:   "Package the dependencies from source.",
			Positive: []Example{{Name: "tool-deps", Fixed: true, Env: []string{"buildPhase", "mvn package -Dmaven.repo.local=$out"}}},
			Negative: []Example{{Name: "tool-go-modules", Fixed: true, Env: []string{"buildPhase", "go mod vendor"}}},
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
			Why:      "A container image is a whole system, built elsewhere.",
			How:      "The fetcher pulls an image from a registry.",
			Limits:   "An image may hold only data.",
			Remedy:   "Build the image from packages.",
			Positive: []Example{{Name: "docker-image-tool.tar", Fixed: true, Env: []string{"imageDigest", "sha256:00", "imageName", "tool"}}},
			Negative: []Example{{Name: "image.png", Fixed: true}},
			match: func(s *subject) (string, string, bool) {
				return "env.imageName", first(s.f.fetchURLs()), s.f.Fetch != nil && s.f.Fetch.Fetcher == fetch.DockerImage
			},
		},
		{
			ID: "fetch-by-hand", Title: "File that must be added by hand", Weight: 20, Kind: audit.NativeCode,
			Why:      "What nobody may hand on is mostly a vendor's program.",
			How:      "The derivation fetches nothing but says how to get the file, which is an archive or has no type.",
			Limits:   "Data of games, documents and sources under a licence of their own.",
			Remedy:   "None, if there is no source.",
			Positive: []Example{{Name: "tool-1.2.tar.gz", Fixed: true, Env: []string{"builder", "echo add it with nix-store --add-fixed sha256 tool-1.2.tar.gz; exit 1"}}},
			Negative: []Example{{Name: "tool-src-1.2.tar.gz", Fixed: true, Env: []string{"builder", "echo add it with nix-store --add-fixed sha256 tool-src-1.2.tar.gz; exit 1"}}, dl(plain), {Name: "tool-1.2.tar.gz", Fixed: true, Env: []string{"buildCommand", "cp -r . $out"}}},
			match: func(s *subject) (string, string, bool) {
				if s.f.Fetch == nil || s.f.Fetch.Fetcher != fetch.RequireFile || len(s.f.Fetch.URLs) > 0 {
					return "", "", false
				}
				for i := range s.shapes {
					if s.shapes[i].src != "" || !sourceArchive(s.shapes[i].ext) {
						return "", "", false
					}
				}
				return "name", s.f.Fetch.Name, true
			},
		},
		{
			ID: "fetch-executable", Title: "Fetched with the executable bit", Weight: 50, Kind: audit.NativeCode,
			Why:      "Who asks the fetcher to make the file executable means to run it.",
			How:      "executable is set, and the file is no script by its type.",
			Limits:   "Scripts without a type are taken for programs.",
			Remedy:   "Build the program.",
			Positive: []Example{dl("https://example.org/tool", "executable", "1")},
			Negative: []Example{dl("https://example.org/tool.py", "executable", "1"), dl("https://example.org/tool")},
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
	}
}

// noarch says that a distribution package declares itself machine independent.
func noarch(sh *shape) bool {
	for _, s := range [...]string{"_all", "-all", ".noarch", "-noarch", "_noarch", "-any"} {
		if strings.HasSuffix(sh.stem, s) {
			return true
		}
	}
	return false
}

// hasVersion says that some part of a name starts with a digit.
func hasVersion(s string) bool {
	for i := 0; i+1 < len(s); i++ {
		if s[i] == '-' && s[i+1] >= '0' && s[i+1] <= '9' {
			return true
		}
	}
	return false
}
