package rules

import (
	"slices"
	"strings"

	"fromsource/analyze/audit"
)

// hint is soft for what tells of prebuilt code only where there is a source
// that it can come in with.
func hint(ss ...signal) func(*subject) (string, string, bool) {
	return func(s *subject) (string, string, bool) {
		if s.builds || !s.source {
			return "", "", false
		}
		return s.anyOf(ss...)
	}
}

// useHintRules look for what surrounds a program that was built elsewhere. Each
// takes others to suspect.
func useHintRules() []Rule {
	lib := []Example{{Name: "zlib-1.2"}}
	return []Rule{
		{
			ID: "use-flat-source", Title: "Source has no directory at its top", Weight: 15, Scope: OnUse,
			Why:      "Sources are packed in a directory with their version; what a build leaves is often packed without one.",
			How:      "sourceRoot is the directory in which the source was unpacked, and nothing is compiled.",
			Limits:   "Data and web applications are packed so too: a hint only.",
			Remedy:   buildIt,
			Positive: []Example{pkg(plain, "sourceRoot", ".", "installPhase", "install -D tool $out/bin/tool"), pkg(plain, "setSourceRoot", "sourceRoot=$(pwd)", "installPhase", "install -D tool $out/bin/tool"), pkg(plain, "unpackPhase", "unzip $src; sourceRoot=.", "installPhase", "install -D tool $out/bin/tool")},
			Negative: []Example{pkg(plain, "sourceRoot", "tool-1.0/src", "installPhase", "install -D tool $out/bin/tool"), pkg(plain, "sourceRoot", "."), pkg(plain, "setSourceRoot", "sourceRoot=$(pwd)/tool", "installPhase", "install -D tool $out/bin/tool")},
			match:    hint(sigFlatSource),
		},
		{
			ID: "use-menu-entry", Title: "Menu entry for a program that is not compiled", Weight: 10, Scope: OnUse,
			Why:      "Programs for a desktop are seldom scripts.",
			How:      "A .desktop file is installed, edited or made, nothing is compiled or configured, and no interpreter is mentioned, unless the build is switched off and libraries are among the inputs.",
			Limits:   "Games and tools in interpreted languages that are started by their engine: a hint only.",
			Remedy:   buildIt,
			Positive: []Example{pkg(plain, "dontBuild", "1", "desktopItems", "/nix/store/00000000000000000000000000000000-tool.desktop", "installPhase", "cp -r . $out/opt"), pkg(plain, "installPhase", "cp -r . $out/opt\ninstall -D tool.desktop $out/share/applications/tool.desktop"), pkg(plain, "installPhase", "cp -r . $out/opt").tools("copy-desktop-items-hook")},
			Negative: []Example{pkg(plain, "postInstall", "install -D tool.desktop $out/share/applications/tool.desktop"), pkg(plain, "installPhase", "install -D tool.py $out/bin/tool\ninstall -D tool.desktop $out/share/applications/tool.desktop")},
			match: func(s *subject) (string, string, bool) {
				g := &s.f.sigs
				if g.any(sigInterpreted, sigConfigure) && !(g.has(sigCLibrary) && g.any(sigDontBuild, sigNoCC)) {
					return "", "", false
				}
				return hint(sigMenuEntry)(s)
			},
		},
		{
			ID: "use-idle-libraries", Title: "Libraries among the inputs that nothing is linked with", Weight: 20, Kind: audit.NativeCode, Scope: OnUse,
			Why:      "Who builds nothing and asks for libraries has programs that were linked elsewhere.",
			How:      "The build is switched off or has no compiler, a library for programs in C or a hook that wraps such programs is among the inputs, and no interpreter is mentioned.",
			Limits:   "Programs in languages that are not known here.",
			Remedy:   buildIt,
			Positive: []Example{pkg(plain, "dontBuild", "1", "buildInputs", "%0", "installPhase", "cp -r . $out/opt").other(lib...), pkg(plain, "dontBuild", "1", "installPhase", "cp -r . $out/opt").tools("wrap-gapps-hook")},
			Negative: []Example{pkg(plain, "buildInputs", "%0", "installPhase", "cp -r . $out/opt").other(lib...), pkg(plain, "dontBuild", "1", "buildInputs", "%0", "installPhase", "cp -r . $out/opt").other(Example{Name: "coreutils-9.0"}), pkg(plain, "dontBuild", "1", "installPhase", "cp -r . $out/opt").tools("wrap-gapps-hook", "python3-3.11")},
			match: func(s *subject) (string, string, bool) {
				if !s.f.sigs.any(sigDontBuild, sigNoCC) || s.f.sigs.has(sigInterpreted) {
					return "", "", false
				}
				return hint(sigCLibrary)(s)
			},
		},
		{
			ID: "use-bin-directory", Title: "Copies a directory of programs as it is", Weight: 10, Scope: OnUse,
			Why:      "A source that has a directory bin has programs in it.",
			How:      "bin, or what is in it, is copied to the output, nothing is compiled, and no interpreter is mentioned.",
			Limits:   "Scripts without any dependency; builds that put their programs there: a hint only.",
			Remedy:   buildIt,
			Positive: []Example{pkg(plain, "installPhase", "cp -r bin $out/bin"), pkg(plain, "installPhase", "mkdir -p $out/bin\ninstall bin/* $out/bin"), pkg(plain, "installPhase", "mkdir -p $out/bin\ncp ./bin/tool $out/bin/tool")},
			Negative: []Example{pkg(plain, "buildPhase", "make", "installPhase", "cp -r bin $out/bin"), pkg(plain, "installPhase", "cp bin/tool.pl $out/bin"), pkg(plain, "installPhase", "cp -r bin $out/bin").tools("perl-5.30")},
			match: func(s *subject) (string, string, bool) {
				if s.f.sigs.has(sigInterpreted) {
					return "", "", false
				}
				return hint(sigBinDir)(s)
			},
		},
		{
			ID: "use-unbuilt-code", Title: "Installs compiled files and switches the build off", Weight: 25, Kind: audit.Bytecode, Scope: OnUse,
			Why:      "Where jars, assemblies or shared libraries are installed and nothing is built, they were in the source, even in a forge's.",
			How:      "The build is switched off or has no compiler, and files of such types are copied to the output.",
			Limits:   "Libraries that come with a program in another language.",
			Remedy:   buildIt,
			Positive: []Example{pkg("https://github.com/example/tool/archive/v1.0.zip", "dontBuild", "1", "installPhase", "cp plugins/*.jar $out/lib/"), pkg(plain, "dontBuild", "1", "installPhase", "install -D libtool.so $out/lib/libtool.so")},
			Negative: []Example{pkg(plain, "installPhase", "cp plugins/*.jar $out/lib/"), pkg(plain, "dontBuild", "1", "installPhase", "cp -r . $out/share/tool")},
			match: func(s *subject) (string, string, bool) {
				if !s.f.sigs.any(sigDontBuild, sigNoCC) {
					return "", "", false
				}
				return hint(sigJarInstall, sigDllInstall, sigSoInstall)(s)
			},
		},
		{
			ID: "use-foreign-environment", Title: "Started in an environment for foreign programs", Weight: 50, Kind: audit.NativeCode, Scope: OnUse,
			Why:      "Such environments and emulators are there for programs that were built for another system.",
			How:      "A phase names steam-run, box64, umu-run or the like by its path, and nothing is compiled.",
			Limits:   "Scripts that manage such programs.",
			Remedy:   buildIt,
			Positive: []Example{pkg(plain, "installPhase", "cp -r . $out/opt\nmakeWrapper %0/bin/steam-run $out/bin/tool --add-flags $out/opt/tool").other(Example{Name: "steam-run"})},
			Negative: []Example{pkg(plain, "buildPhase", "make", "installPhase", "makeWrapper %0/bin/steam-run $out/bin/tool").other(Example{Name: "steam-run"}), pkg(plain, "installPhase", "cp steam-run $out/bin")},
			match:    hint(sigForeignRun),
		},
		{
			ID: "use-binary-edit", Title: "Edits compiled files without compiling", Weight: 40, Kind: audit.NativeCode, Scope: OnUse,
			Why:      "What needs another library path, or a mark of where it was downloaded taken off, came compiled.",
			How:      "chrpath, install_name_tool, execstack, bbe, or xattr on marks of macOS, in a phase of a package that compiles nothing.",
			Limits:   "A build that the text does not show is not seen.",
			Remedy:   buildIt,
			Positive: []Example{pkg(plain, "dontBuild", "1", "installPhase", "cp tool $out/bin\nchrpath -r $libs $out/bin/tool")},
			Negative: []Example{pkg(plain, "postInstall", "chrpath -d $out/bin/tool"), pkg(plain, "dontBuild", "1", "installPhase", "cp chrpath.1 $out/share/man/man1")},
			match:    hint(sigBinaryEdit),
		},
		{
			ID: "use-plugin-install", Title: "Installs plugins that nothing compiled", Weight: 25, Kind: audit.NativeCode, Scope: OnUse,
			Why:      "Filters for printers, audio plugins, drivers for displays and scanners and the like are compiled code.",
			How:      "Files are copied to lib/cups/filter, lib/vst, lib/lv2, lib/sane, lib/mozilla or another such directory, nothing is compiled, and no interpreter is mentioned.",
			Limits:   "Filters for printers may be scripts.",
			Remedy:   buildIt,
			Positive: []Example{pkg(plain, "installPhase", "install -D filter $out/lib/cups/filter/tool"), pkg(plain, "installPhase", "cp -r Tool.vst3 $out/lib/vst3/")},
			Negative: []Example{pkg(plain, "buildPhase", "make", "installPhase", "install -D filter $out/lib/cups/filter/tool"), pkg(plain, "installPhase", "install -D filter.pl $out/lib/cups/filter/tool"), pkg(plain, "installPhase", "cp *.ppd $out/share/cups/model")},
			match: func(s *subject) (string, string, bool) {
				if s.f.sigs.has(sigInterpreted) {
					return "", "", false
				}
				return hint(sigPluginDir)(s)
			},
		},
		{
			ID: "use-java-bridge", Title: "Calls Java and compiles none", Weight: 100, Kind: audit.Bytecode, Scope: OnUse,
			Why:      "What a package in an interpreted language calls by way of a bridge to Java, it brings along: R and the like compile no Java when they install.",
			How:      "A bridge (rJava, JPype and the like) is among the inputs, nothing is compiled, and no build tool of Java is among the inputs.",
			Limits:   "Packages that call what another one brings, or Java's own library.",
			Remedy:   buildIt,
			Positive: []Example{pkg("http://cran.r-project.org/src/contrib/tool_1.0.tar.gz", "buildPhase", "runHook preBuild", "installPhase", "$rCommand CMD INSTALL -l $out/library .").tools("R-4.0", "r-rJava-0.9")},
			Negative: []Example{pkg("http://cran.r-project.org/src/contrib/tool_1.0.tar.gz", "buildPhase", "runHook preBuild", "installPhase", "$rCommand CMD INSTALL -l $out/library .").tools("R-4.0", "r-rlang-0.9"), pkg(plain, "buildPhase", "ant", "installPhase", "cp -r . $out").tools("ant-1.10", "r-rJava-0.9")},
			match: func(s *subject) (string, string, bool) {
				if s.f.sigs.any(sigJavaBuild, sigCalledTool) {
					return "", "", false
				}
				return hint(sigJavaBridge)(s)
			},
		},
		{
			ID: "use-managed-extension", Title: "Editor extension for Java or .NET", Weight: 20, Kind: audit.Bytecode, Scope: OnUse,
			Why:      "The server of a language that runs on a virtual machine runs there too: such extensions hold its jars or assemblies.",
			How:      "The name is that of an editor's extension and has a word such as java, gradle, csharp or dotnet; nothing is compiled.",
			Limits:   "Extensions with a grammar or a client only: a hint only.",
			Remedy:   buildIt,
			Positive: []Example{pkg(plain, "dontBuild", "1", "installPhase", "mv * $out").named("vscode-extension-example-vscode-java-test-1.0"), pkg(plain, "dontBuild", "1", "installPhase", "mv * $out").named("vscode-extension-example-fsharp-1.0")},
			Negative: []Example{pkg(plain, "dontBuild", "1", "installPhase", "mv * $out").named("vscode-extension-example-javascript-1.0"), pkg(plain).named("gradle-java-1.0")},
			match: func(s *subject) (string, string, bool) {
				if s.builds || !s.source || !strings.HasPrefix(s.name, "vscode-extension-") || !isCalled(s.name, "java", "gradle", "maven", "spring", "csharp", "fsharp", "dotnet", "omnisharp") {
					return "", "", false
				}
				return "name", s.name, true
			},
		},
		{
			ID: "use-service-tree", Title: "Copies an archive with something that serves", Weight: 40, Kind: audit.NativeCode, Scope: OnUse,
			Why:      "A plugin that talks to a database brings a program along that does.",
			How:      "All of an archive is copied to the output, nothing is compiled, no interpreter is mentioned, and a word of the name is datasource, connector, driver, backend or daemon.",
			Limits:   "Such things in an interpreted language.",
			Remedy:   buildIt,
			Positive: []Example{pkg("https://example.org/example-1.0.zip", "installPhase", "cp -R . $out").named("redis-datasource-2.2.0")},
			Negative: []Example{pkg("https://example.org/example-1.0.zip", "installPhase", "cp -R . $out").named("clock-panel-2.2.0"), pkg("https://example.org/example-1.0.zip", "installPhase", "cp -R . $out").named("redis-datasource-2.2.0").tools("python3-3.11"), pkg("https://example.org/example-1.0.zip", "buildPhase", "make", "installPhase", "cp -R . $out").named("redis-datasource-2.2.0")},
			match: func(s *subject) (string, string, bool) {
				if s.f.sigs.has(sigInterpreted) || !s.f.sigs.any(sigCopyTree, sigMoveAll) || !isCalled(s.name, "datasource", "connector", "driver", "backend", "daemon") {
					return "", "", false
				}
				return hint(sigCopyTree, sigMoveAll)(s)
			},
		},
	}
}

// isCalled says that one of the parts of a name between hyphens is one of these.
func isCalled(name string, words ...string) bool {
	for part := range strings.SplitSeq(name, "-") {
		if slices.Contains(words, part) {
			return true
		}
	}
	return false
}
