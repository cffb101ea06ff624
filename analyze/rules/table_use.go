package rules

import (
	"strings"

	"fromsource/analyze/audit"
)

func sig(ss ...signal) func(*subject) (string, string, bool) {
	return func(s *subject) (string, string, bool) { return s.anyOf(ss...) }
}

// soft is for what a package compiled from source may well do too.
func soft(ss ...signal) func(*subject) (string, string, bool) {
	return func(s *subject) (string, string, bool) {
		if s.builds {
			return "", "", false
		}
		return s.anyOf(ss...)
	}
}

func useRules() []Rule {
	return []Rule{
		{
			ID: "use-set-interpreter", Title: "patchelf sets an interpreter", Weight: 80, Kind: audit.NativeCode, Scope: OnUse,
			Why:    "What is compiled in a Nix build has the right loader already; only a program built elsewhere needs another one.",
			How:    "patchelf run with --set-interpreter in a phase.",
			Limits: "Bootstrap stages and programs that build themselves in two steps patch their own output.",
			Remedy: "Build the program from source.",
			match:  sig(sigInterpreter),
		},
		{
			ID: "use-autopatchelf", Title: "autoPatchelf is used", Weight: 80, Kind: audit.NativeCode, Scope: OnUse,
			Why:    "The hook exists to make programs that were built elsewhere run.",
			How:    "The hook among the inputs, its function in a phase, or its variables set.",
			Limits: "",
			Remedy: "Build the program from source.",
			match:  sig(sigAutoPatchelf),
		},
		{
			ID: "use-loader-path", Title: "The loader's path is written into something", Weight: 40, Kind: audit.NativeCode, Scope: OnUse,
			Why:    "nix-support/dynamic-linker and ld-linux are asked for to run or patch foreign programs.",
			How:    "Such a path in a phase or variable, without compiling.",
			Limits: "",
			Remedy: "Build the program from source.",
			match: func(s *subject) (string, string, bool) {
				if s.builds || s.f.sigs.has(sigInterpreter) {
					return "", "", false
				}
				return s.hitOf(sigLoader)
			},
		},
		{
			ID: "use-patchelf-rpath", Title: "patchelf is run without compiling", Weight: 50, Kind: audit.NativeCode, Scope: OnUse,
			Why:    "A library path is set after the fact where the linker was somebody else's.",
			How:    "patchelf in a phase of a package that compiles nothing.",
			Limits: "",
			Remedy: "Build the program from source.",
			match:  soft(sigPatchelf),
		},
		{
			ID: "use-library-path", Title: "Library path kept for patching or preloading", Weight: 40, Kind: audit.NativeCode, Scope: OnUse,
			Why:    "A variable with the lib directories of many packages serves to patch or start foreign programs.",
			How:    "libPath, rpath or the like with three or more store paths, without compiling.",
			Limits: "",
			Remedy: "Build the program from source.",
			match:  soft(sigLibPath),
		},
		{
			ID: "use-unpacks-deb", Title: "Unpacks a Debian package", Weight: 40, Kind: audit.NativeCode, Scope: OnUse,
			Why:    "dpkg -x and ar x data.tar take out what Debian or a vendor built.",
			How:    "These commands in a phase, without compiling.",
			Limits: "Packages of scripts or data are unpacked so too.",
			Remedy: "Build from the source package.",
			match:  soft(sigDeb),
		},
		{
			ID: "use-unpacks-rpm", Title: "Unpacks an RPM package", Weight: 40, Kind: audit.NativeCode, Scope: OnUse,
			Why:    "rpm2cpio and rpmextract take out what a vendor built.",
			How:    "These commands in a phase, without compiling.",
			Limits: "Source packages are unpacked so too; then something is compiled.",
			Remedy: "Build from the source package.",
			match:  soft(sigRpm),
		},
		{
			ID: "use-package-tools", Title: "Package extraction tools among the inputs", Weight: 20, Kind: audit.NativeCode, Scope: OnUse,
			Why:    "dpkg, rpmextract, undmg, cabextract are needed to open installers.",
			How:    "These among the inputs, without compiling.",
			Limits: "",
			Remedy: "Build from the source package.",
			match:  soft(sigDebTool),
		},
		{
			ID: "use-appimage", Title: "Unpacks or runs an AppImage", Weight: 80, Kind: audit.NativeCode, Scope: OnUse,
			Why:    "An AppImage is a program with its libraries, built elsewhere.",
			How:    "AppImage tools or --appimage-extract in a phase.",
			Limits: "",
			Remedy: "Build the program from source.",
			match:  soft(sigAppImage),
		},
		{
			ID: "use-installer", Title: "Runs a downloaded installer", Weight: 50, Kind: audit.NativeCode, Scope: OnUse,
			Why:    "A self-extracting script carries the vendor's build.",
			How:    "A shell runs the source itself, or a .run or .bin file, without compiling.",
			Limits: "An install script of a source archive looks alike.",
			Remedy: "Build the program from source.",
			match:  soft(sigInstaller),
		},
		{
			ID: "use-foreign-installer", Title: "Unpacks a Windows or macOS installer", Weight: 40, Kind: audit.NativeCode, Scope: OnUse,
			Why:    "Cabinets, disk images and installers hold builds.",
			How:    "cabextract, undmg, innoextract and the like in a phase, without compiling.",
			Limits: "Fonts come in cabinets as well.",
			Remedy: "Build the program from source.",
			match:  soft(sigMsi),
		},
		{
			ID: "use-upx", Title: "Unpacks a packed executable", Weight: 60, Kind: audit.NativeCode, Scope: OnUse,
			Why: "upx -d works on executables only.", How: "upx in a phase.", Limits: "upx may also pack what was compiled.",
			Remedy: "Build the program from source.", match: soft(sigUpx),
		},
		{
			ID: "use-java-launcher", Title: "Starts a jar with a Java runtime", Weight: 60, Kind: audit.Bytecode, Scope: OnUse,
			Why:    "A launcher for a jar that nothing here compiled starts a downloaded one.",
			How:    "A wrapper or launcher of java with -jar or a class path, with no Java compiler or build tool in inputs or phases.",
			Limits: "",
			Remedy: "Compile the program with its own build tool.",
			match:  soft(sigJavaRun),
		},
		{
			ID: "use-java-home", Title: "Launcher is given a Java runtime", Weight: 40, Kind: audit.Bytecode, Scope: OnUse,
			Why:    "Scripts of a binary release look for JAVA_HOME or java in PATH.",
			How:    "A wrapper sets JAVA_HOME or puts a runtime in PATH, and nothing compiles Java.",
			Limits: "Programs in other languages that call Java.",
			Remedy: "Compile the program with its own build tool.",
			match:  soft(sigJavaHome),
		},
		{
			ID: "use-java-input", Title: "Java runtime among the inputs, nothing compiles", Weight: 20, Kind: audit.Bytecode, Scope: OnUse,
			Why:    "A program that needs a Java runtime and compiles nothing was compiled elsewhere.",
			How:    "A Java runtime or development kit among the inputs, and no build.",
			Limits: "Scripts that call a Java program.",
			Remedy: "Compile the program with its own build tool.",
			match:  soft(sigJava),
		},
		{
			ID: "use-mono-input", Title: "Mono or .NET among the inputs, nothing compiles", Weight: 20, Kind: audit.Bytecode, Scope: OnUse,
			Why:    "A program that needs such a runtime and compiles nothing was compiled elsewhere.",
			How:    "mono or dotnet among the inputs, and no build.",
			Limits: "",
			Remedy: "Compile the program.",
			match:  soft(sigMono),
		},
		{
			ID: "use-jar-install", Title: "Installs jars without compiling any", Weight: 50, Kind: audit.Bytecode, Scope: OnUse,
			Why:    "A jar that is copied and not made was downloaded.",
			How:    "cp or install of *.jar, with no Java compiler or build tool in inputs or phases.",
			Limits: "",
			Remedy: "Compile the classes.",
			match:  soft(sigJarInstall),
		},
		{
			ID: "use-mono-launcher", Title: "Starts an assembly with mono or dotnet", Weight: 60, Kind: audit.Bytecode, Scope: OnUse,
			Why:    "A launcher for an assembly that nothing here compiled starts a downloaded one.",
			How:    "A wrapper or launcher of mono or dotnet, with no compiler in inputs or phases.",
			Limits: "",
			Remedy: "Compile the program.",
			match:  soft(sigMonoRun),
		},
		{
			ID: "use-dll-install", Title: "Installs assemblies or DLLs without compiling any", Weight: 50, Kind: audit.Bytecode, Scope: OnUse,
			Why: "A .dll or .exe that is copied and not made was downloaded.", How: "cp or install of *.dll, *.exe.", Limits: "",
			Remedy: "Compile the program.", match: soft(sigDllInstall),
		},
		{
			ID: "use-so-install", Title: "Installs shared libraries without compiling any", Weight: 40, Kind: audit.NativeCode, Scope: OnUse,
			Why: "A .so that is copied and not made was downloaded.", How: "cp or install of *.so, where the build is switched off or replaced by a build command.", Limits: "",
			Remedy: "Compile the library.",
			match: func(s *subject) (string, string, bool) {
				if s.builds || !s.f.sigs.any(sigDontBuild, sigBuildCommand) {
					return "", "", false
				}
				return s.hitOf(sigSoInstall)
			},
		},
		{
			ID: "use-packed-app", Title: "Starts a packed application", Weight: 30, Kind: audit.NativeCode, Scope: OnUse,
			Why: "An .asar taken along is a built application.", How: ".asar files or an Electron launcher, without a JavaScript build.", Limits: "Pure JavaScript is text, if packed.",
			Remedy: "Build the application from source.", match: soft(sigAsar, sigElectronRun),
		},
		{
			ID: "use-firmware-install", Title: "Installs firmware", Weight: 80, Kind: audit.Firmware, Scope: OnUse,
			Why:    "Files for lib/firmware run on a device's processor and are rarely compiled here.",
			How:    "lib/firmware, or a microcode path, as the target of a phase's command or in install flags.",
			Limits: "Firmware that is compiled from source counts less: the compiler counts against it.",
			Remedy: "Accept it with a waiver, or look for free firmware.",
			match:  sig(sigFirmwareDir),
		},
		{
			ID: "use-firmware-name", Title: "Package is called firmware", Weight: 30, Kind: audit.Firmware, Scope: OnUse,
			Why: "Packages of firmware are called so.", How: "firmware, microcode or ucode as a word of the derivation's name.", Limits: "Tools for firmware are called so too.",
			Remedy: "Accept it with a waiver, or look for free firmware.",
			match: func(s *subject) (string, string, bool) {
				if s.f.Fetch != nil && len(s.f.Fetch.URLs) > 0 || s.f.sigs.has(sigCompile) {
					return "", "", false
				}
				found := false
				eachToken(strings.ToLower(s.name), func(t string, _ bool) {
					found = found || t == "firmware" || t == "microcode" || t == "ucode"
				})
				return "name", s.name, found
			},
		},
		{
			ID: "use-binary-name", Title: "Package is called binary", Weight: 40, Kind: audit.NativeCode, Scope: OnUse,
			Why:    "nixpkgs' convention for a package that repackages a prebuilt program is the suffix -bin.",
			How:    "bin or binary as a word of the derivation's name that is not its first, without compiling.",
			Limits: "Fonts and scripts are called so too.",
			Remedy: "Build the program from source.",
			match: func(s *subject) (string, string, bool) {
				if s.builds || s.f.Fetch != nil && len(s.f.Fetch.URLs) > 0 {
					return "", "", false
				}
				n := stem(s.name)
				return "name", s.name, strings.HasSuffix(n, "-bin") || strings.HasSuffix(n, "-binary") || strings.HasSuffix(s.name, "-binary") || strings.HasSuffix(s.name, "-bin") || strings.HasPrefix(n, "binary-")
			},
		},
		{
			ID: "use-copies-source", Title: "Installs the download itself", Weight: 20, Kind: "", Scope: OnUse,
			Why:    "A single file that is put in place as it came is either a script or a program.",
			How:    "cp or install of $src to the output, without compiling.",
			Limits: "Scripts and data are installed so as well.",
			Remedy: "Build the program from source.",
			match:  soft(sigCopySrc),
		},
		{
			ID: "use-copies-tree", Title: "Copies the unpacked archive as it is", Weight: 10, Kind: "", Scope: OnUse,
			Why:    "A release that needs no build is copied whole.",
			How:    "cp -r of everything to the output, without compiling.",
			Limits: "Programs in interpreted languages are installed so.",
			Remedy: "",
			match:  soft(sigCopyTree),
		},
		{
			ID: "use-system-tree", Title: "Takes files out of usr/ or opt/", Weight: 25, Kind: audit.NativeCode, Scope: OnUse,
			Why:    "An archive with usr/ or opt/ at its top is an installed tree.",
			How:    "cp or mv of usr or opt to the output, without compiling.",
			Limits: "",
			Remedy: "Build from source.",
			match:  soft(sigMoveUsr),
		},
		{
			ID: "use-no-strip", Title: "Leaves symbols alone", Weight: 10, Kind: audit.NativeCode, Scope: OnUse,
			Why:    "Stripping breaks programs that carry data behind their sections.",
			How:    "dontStrip is set, and nothing is compiled.",
			Limits: "It is set for interpreted programs too: a hint only.",
			match:  soft(sigDontStrip),
		},
		{
			ID: "use-no-patchelf", Title: "Leaves library paths alone", Weight: 15, Kind: audit.NativeCode, Scope: OnUse,
			Why:    "Shrinking the library path breaks programs that were patched by hand or were not linked here.",
			How:    "dontPatchELF is set, and nothing is compiled.",
			Limits: "It is set for programs that load libraries at run time.",
			match:  soft(sigDontPatchELF),
		},
		{
			ID: "use-preload-path", Title: "Launcher sets a library path", Weight: 25, Kind: audit.NativeCode, Scope: OnUse,
			Why:    "A program that was linked here needs no LD_LIBRARY_PATH.",
			How:    "A wrapper sets LD_LIBRARY_PATH, and nothing is compiled.",
			Limits: "Interpreters that load libraries by name.",
			Remedy: "",
			match:  soft(sigLdPath),
		},
		{
			ID: "use-nothing-compiled", Title: "Installs without a build", Weight: 15, Kind: "", Scope: OnUse,
			Why:    "A package that has no build step ships what it fetched.",
			How:    "dontBuild or phases without one, and an install phase of its own.",
			Limits: "So do packages of scripts, fonts and data: a hint only.",
			Remedy: "",
			match:  soft(sigDontBuild),
		},
		{
			ID: "use-store-program", Title: "Copies single files to bin without a build", Weight: 10, Kind: "", Scope: OnUse,
			Why: "Programs that are only put in place were made elsewhere, or are scripts.", How: "cp or install to bin, without compiling.", Limits: "Scripts are installed so.",
			Remedy: "", match: soft(sigCopyBin),
		},
	}
}

func useClears() []Rule {
	return []Rule{
		{
			ID: "from-compiler", Title: "Compiles", Weight: -60, Scope: OnUse,
			Why: "A compiler or a build system is run: what is installed is made here.", How: "A build command in a phase, or a language's build helper.", Limits: "What is compiled may be a small part.",
			match: sig(sigCompile, sigJavaBuild, sigDotnetBuild, sigGoBuild, sigRustBuild, sigHaskellBuild, sigOcamlBuild, sigPythonBuild, sigNodeBuild, sigPerlBuild),
		},
		{
			ID: "from-compiler-call", Title: "Calls a compiler", Weight: -30, Scope: OnUse,
			Why: "Something is compiled here.", How: "A C compiler or linker is called directly in a phase.", Limits: "Often only a small helper beside a prebuilt program.",
			match: func(s *subject) (string, string, bool) {
				if s.f.sigs.has(sigCompile) {
					return "", "", false
				}
				return s.hitOf(sigCC)
			},
		},
		{
			ID: "from-build-flags", Title: "Flags for a build", Weight: -20, Scope: OnUse,
			Why: "Flags for make, or commands before and after a build, are given where there is a build.", How: "makeFlags, buildFlags, preBuild and the like, with the build not switched off.", Limits: "",
			match: func(s *subject) (string, string, bool) {
				if s.f.sigs.any(sigCompile, sigDontBuild, sigBuildTool) {
					return "", "", false
				}
				return s.anyOf(sigMakeFlags, sigBuildHook)
			},
		},
		{
			ID: "from-build-tools", Title: "Build tools among the inputs", Weight: -35, Scope: OnUse,
			Why: "Who asks for a build system uses it.", How: "A compiler or build system among the inputs, none seen in a phase, and a build phase not switched off.", Limits: "Left over inputs.",
			match: func(s *subject) (string, string, bool) {
				if s.f.sigs.has(sigCompile) || s.f.sigs.has(sigDontBuild) {
					return "", "", false
				}
				return s.hitOf(sigBuildTool)
			},
		},
		{
			ID: "from-default-phases", Title: "Default phases", Weight: -40, Scope: OnUse,
			Why: "stdenv configures and makes unless told otherwise.", How: "No install phase, build command or builder of its own.", Limits: "A setup hook among the inputs may change the phases.",
			match: sig(sigDefaultMake),
		},
		{
			ID: "from-fonts", Title: "Installs fonts or other data", Weight: -80, Scope: OnUse,
			Why: "Data is not code.", How: "Fonts are copied, or made by a font tool.", Limits: "",
			match: sig(sigFont),
		},
	}
}

// Rules that Judge applies itself, because they are about the graph.
var (
	copiesCarrier = Rule{
		ID: "graph-copies-suspect", Title: "Copies out of a suspected derivation", Weight: 60, Scope: OnGraph,
		Why: "What is copied keeps what it is.", How: "A command of a phase copies from the output of a suspected derivation, and nothing is compiled.", Limits: "The part that is copied may be data.",
		Remedy: "Build what is copied.",
	}
	wrapsCarrier = Rule{
		ID: "graph-wraps-suspect", Title: "Wraps a suspected derivation of the same name", Weight: 55, Scope: OnGraph,
		Why: "A wrapper stands for what it wraps.", How: "An input of the same name, up to version and words like unwrapped, fhs, extracted, is suspected, and there is no source of its own.", Limits: "A wrapper's own output may hold only scripts.",
		Remedy: "Build what is wrapped.",
	}
	compiledByConsumer = Rule{
		ID: "graph-compiled", Title: "What uses it compiles it", Weight: -50, Scope: OnGraph,
		Why: "A download that is compiled is source.", How: "It is the source of derivations that compile, and of none that only repackages it.", Limits: "Source archives can carry prebuilt parts.",
	}
	builderSeed = Rule{
		ID: "seed-builder", Title: "Fetched file is the builder of a derivation", Weight: 100, Scope: OnGraph, Kind: audit.NativeCode,
		Why: "Before there is any compiler, a fetched program runs the first builds.", How: "A derivation's builder is the output of a fetch.", Limits: "",
		Remedy: "A smaller seed: nixpkgs' minimal-bootstrap starts from a few hundred bytes.",
	}
	unpackedSeed = Rule{
		ID: "seed-archive", Title: "Archive of bootstrap tools", Weight: 100, Scope: OnGraph, Kind: audit.NativeCode,
		Why: "The compilers of the first stage come out of it.", How: "A bootstrap archive, by its name, that a derivation with a fetched builder unpacks.", Limits: "",
		Remedy: "A smaller seed.",
	}
	seedAddress = Rule{
		ID: "seed-address", Title: "Fetched from where seeds are kept", Weight: 100, Scope: OnGraph, Kind: audit.NativeCode,
		Why: "Distributions publish their bootstrap tools at addresses of their own.", How: "The address has a stdenv, bootstrap-tools, static-tools or bootstrap-seeds part.", Limits: "",
		Remedy: "A smaller seed.",
	}
	unpacksSeed = Rule{
		ID: "seed-unpacked", Title: "Unpacks the bootstrap seed", Weight: 60, Scope: OnGraph, Kind: audit.NativeCode,
		Why: "Its output is the seed's content.", How: "A derivation without a standard environment, called after bootstrap tools, with a seed among its inputs.", Limits: "",
		Remedy: "A smaller seed.",
	}
)

func graphRules() []Rule {
	out := []Rule{copiesCarrier, wrapsCarrier, compiledByConsumer, builderSeed, unpackedSeed, seedAddress, unpacksSeed}
	for i := range out {
		out[i].match = func(*subject) (string, string, bool) { return "", "", false }
	}
	return out
}
