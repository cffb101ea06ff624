package rules

import "strings"

// useClears speak for compiling.
func useClears() []Rule {
	return []Rule{
		{
			ID: "from-compiler", Title: "Compiles", Weight: -60, Scope: OnUse,
			Why:      "A build system is run: what is installed is made here.",
			How:      "A build command in a phase that runs, or the variables of a language's build helper.",
			Limits:   "What is compiled may be a small part.",
			Remedy:   "None needed.",
			Positive: []Example{pkg(plain, "buildPhase", "make -j4"), pkg(plain, "buildPhase", "go build ./cmd/tool"), pkg(plain, "buildPhase", "flutter build linux -v"), pkg(plain, "cargoDeps", "/nix/store/x"), pkg(plain, "gradleBuildTask", "shadowJar", "installPhase", "cp build/libs/*.jar $out/share/java")},
			Negative: []Example{pkg(plain, "dontBuild", "1", "buildPhase", "make", "installPhase", "cp tool $out/bin"), pkg(plain, "installPhase", "cp make.1 $out/share/man")},
			match:    sig(sigCompile, sigJavaBuild, sigDotnetBuild, sigGoBuild, sigRustBuild, sigHaskellBuild, sigOcamlBuild, sigPythonBuild, sigNodeBuild, sigPerlBuild),
		},
		{
			ID: "from-compiler-call", Title: "Calls a compiler", Weight: -30, Scope: OnUse,
			Why:      "Something is compiled here.",
			How:      "A C compiler or linker is called directly in a phase.",
			Limits:   "Often only a small helper beside a prebuilt program.",
			Remedy:   "None needed.",
			Positive: []Example{pkg(plain, "buildPhase", "gcc -O2 -o tool tool.c"), pkg(plain, "buildPhase", "$CC -shared -o lib.so lib.c")},
			Negative: []Example{pkg(plain, "installPhase", "cp gcc.html $out/share"), pkg(plain, "buildPhase", "make; gcc -o extra extra.c")},
			match: func(s *subject) (string, string, bool) {
				if s.f.sigs.has(sigCompile) {
					return "", "", false
				}
				return s.hitOf(sigCC)
			},
		},
		{
			ID: "from-build-flags", Title: "Flags for a build", Weight: -30, Scope: OnUse,
			Why:      "Flags for make, or commands before and after a build, are given where there is a build.",
			How:      "makeFlags, buildFlags, preBuild and the like, or a build phase that runs a program of the source tree, with the build not switched off.",
			Limits:   "Left-over flags.",
			Remedy:   "None needed.",
			Positive: []Example{pkg(plain, "makeFlags", "PREFIX=$(out)"), pkg(plain, "buildPhase", "./boot/tool -q build.r", "installPhase", "cp tool $out/bin"), pkg(plain, "buildPhase", "python translate.py target.py", "installPhase", "cp tool $out/bin")},
			Negative: []Example{pkg(plain, "makeFlags", "PREFIX=$(out)", "dontBuild", "1"), pkg(plain), pkg(plain, "buildPhase", "./installer -q", "installPhase", "cp tool $out/bin")},
			match: func(s *subject) (string, string, bool) {
				if s.f.sigs.any(sigCompile, sigDontBuild, sigBuildTool) {
					return "", "", false
				}
				return s.anyOf(sigMakeFlags, sigOwnBuild, sigBuildHook)
			},
		},
		{
			ID: "from-edited-sources", Title: "Edits sources before a build", Weight: -20, Scope: OnUse,
			Why:      "Who edits a makefile, or a file of a compiled language, means it to be compiled.",
			How:      "sed or substitute on such a file in a phase before the build, with the build not switched off.",
			Limits:   "Files of sources that are only installed.",
			Remedy:   "None needed.",
			Positive: []Example{pkg(plain, "postPatch", "substituteInPlace daemon.c --replace /usr $out", "installPhase", "install -D daemon $out/bin/daemon"), pkg(plain, "prePatch", "sed -i s,/usr,$out, src/Makefile", "installPhase", "install -D daemon $out/bin/daemon")},
			Negative: []Example{pkg(plain, "dontBuild", "1", "postPatch", "substituteInPlace daemon.c --replace /usr $out", "installPhase", "install -D daemon $out/bin/daemon"), pkg(plain, "postPatch", "substituteInPlace tool.conf --replace /usr $out", "installPhase", "install -D tool $out/bin/tool"), pkg(plain, "postInstall", "substituteInPlace $out/share/tool/template.c --replace /usr $out")},
			match: func(s *subject) (string, string, bool) {
				if s.f.sigs.any(sigCompile, sigDontBuild, sigBuildTool, sigMakeFlags, sigOwnBuild, sigBuildHook) {
					return "", "", false
				}
				return s.hitOf(sigEditsSource)
			},
		},
		{
			ID: "from-build-tools", Title: "Build tools among the inputs", Weight: -35, Scope: OnUse,
			Why:      "Who asks for a build system uses it.",
			How:      "A compiler or build system among the inputs, none seen in a phase, and a build phase not switched off; Python's own only where autoPatchelf is not used, because all that they do with libraries in the source is to pack them.",
			Limits:   "Left-over inputs.",
			Remedy:   "None needed.",
			Positive: []Example{pkg(plain).tools("cmake-3.17.3"), pkg(plain).tools("pypa-build-hook.sh"), pkg(plain, "postPatch", "patchelf --set-interpreter $ld test/external_tools/readelf").tools("pypa-build-hook.sh"), pkg(plain).tools("pypa-build-hook.sh", "cmake-3.17.3", "auto-patchelf-hook"), pkg(plain, "nativeBuildInputs", "%0 %1").other(hookOf("autoreconf.sh"), hookOf("auto-patchelf.sh"))},
			Negative: []Example{pkg(plain, "dontBuild", "1").tools("cmake-3.17.3"), pkg("https://example.org/cmake-3.17.3.tar.gz"), pkg(plain).tools("pypa-build-hook.sh", "auto-patchelf-hook"), pkg(plain, "nativeBuildInputs", "%0 %1").other(hookOf("setuptools-build-hook.sh"), hookOf("auto-patchelf.sh"))},
			match: func(s *subject) (string, string, bool) {
				if s.f.sigs.any(sigCompile, sigDontBuild) || opensPackage(s.f) || packsPython(s.f) {
					return "", "", false
				}
				return s.hitOf(sigBuildTool)
			},
		},
		{
			ID: defaultPhases, Title: "Default phases", Weight: -40, Scope: OnUse,
			Why:      "stdenv configures and makes unless told otherwise.",
			How:      "No install phase, build command or builder of its own, and no package of Python with autoPatchelf.",
			Limits:   "A setup hook among the inputs may change the phases.",
			Remedy:   "None needed.",
			Positive: []Example{pkg(plain)},
			Negative: []Example{pkg(plain, "installPhase", "cp tool $out/bin"), pkg(plain, "buildCommand", "cp -r $src $out"), pkg(plain, "installFlags", "DESTDIR=$(out)").named("wifi-firmware-1.0")},
			match: func(s *subject) (string, string, bool) {
				if s.f.sigs.has(sigNoCC) || onlyInstalls(s.f, s.name) || packsPython(s.f) {
					return "", "", false
				}
				return s.hitOf(sigDefaultMake)
			},
		},
		{
			ID: "from-data-name", Title: "Package is called data", Weight: -60, Scope: OnUse,
			Why:      "Data of games is handed out in installers too.",
			How:      "data, assets, music, maps, icons, themes, docs, voices, headers, web, frontend or another such word as the last one of the package's name, and no program is put in place, patched or started.",
			Limits:   "Packages of programs that are called so.",
			Remedy:   "None needed.",
			Positive: []Example{pkg("https://example.org/setup_game_1.0.exe", "dontBuild", "1", "installPhase", "cp -r app/* $out/share/game").named("game-assets-1.0"), pkg("https://example.org/demo.x86.sh", "buildCommand", "tail -n +165 $src | tar xfz -\ncp -r data $out").named("game-demodata-1.0")},
			Negative: []Example{pkg("https://example.org/setup_game_1.0.exe", "dontBuild", "1", "installPhase", "cp -r app/* $out/bin").named("game-data-1.0"), pkg(plain, "dontBuild", "1", "installPhase", "cp -r app/* $out/share/game").named("dataset-1.0")},
			match: func(s *subject) (string, string, bool) {
				if len(s.f.fetchURLs()) > 0 || s.f.sigs.any(sigInterpreter, sigAutoPatchelf, sigPatchelf, sigJavaRun, sigMonoRun, sigWineRun, sigAppImage, sigOutBin, sigCopyBin, sigFirmwareDir) {
					return "", "", false
				}
				return "name", s.name, dataName(s.name)
			},
		},
		{
			ID: "from-fonts", Title: "Installs fonts", Weight: -120, Scope: OnUse,
			Why:      "Data is not code, and fonts are handed out in installers too.",
			How:      "Fonts are copied, installed by a hook for them, or made by a font tool, and no program is patched or started.",
			Limits:   "A program that brings fonts along and is copied whole.",
			Remedy:   "None needed.",
			Positive: []Example{pkg(plain, "installPhase", "find . -name \\*.otf -exec mv {} $out/share/fonts/opentype/ \\;"), pkg(plain, "installPhase", "install -m444 -Dt $out/share/fonts/truetype *.ttf"), pkg(plain, "sourceRoot", ".").tools("install-fonts-hook"), dl("https://example.org/Tool.Mono-1.0.zip", "postFetch", "unzip -j $downloadedFile \\*.ttf -d $out/share/fonts")},
			Negative: []Example{pkg(plain, "installPhase", "cp fonts.txt $out/share"), pkg(plain, "installPhase", "cp *.ttf $out/share; cp tool $out/bin; patchelf --set-interpreter $ld $out/bin/tool")},
			match: func(s *subject) (string, string, bool) {
				if s.f.sigs.any(sigInterpreter, sigAutoPatchelf, sigPatchelf, sigJavaRun, sigMonoRun, sigAppImage) {
					return "", "", false
				}
				return s.hitOf(sigFont)
			},
		},
	}
}

// dataName says that a package is called after its data.
func dataName(name string) bool {
	n := stem(name)
	last := n[strings.LastIndexByte(n, '-')+1:]
	switch last {
	case "assets", "music", "sounds", "textures", "maps", "levels", "web", "webui", "frontend", "icons", "cursor", "cursors", "themes", "wallpapers", "docs", "voices", "soundfont", "locales", "translations", "headers":
		return last != n
	}
	return strings.HasSuffix(last, "data") && len(n) > len("data")
}
