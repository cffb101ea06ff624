package rules

import (
	"path"
	"slices"
	"strings"
)

// word looks at one word wherever it stands.
func (x *extractor) word(cmd string, argv []string, i int, w string) {
	if strings.IndexByte(w, '/') >= 0 {
		x.pathWord(cmd, argv, w)
	}
	if !x.has(sigInterpreted) && (scriptWord(w) || edits(cmd) && firstLine(w)) {
		x.hit(sigInterpreted, w)
	}
	x.leftover(cmd, argv, w)
	if n := len(w); n > 8 && w[n-1] == 'p' && strings.HasSuffix(w, ".desktop") && cmd != "rm" {
		x.hit(sigMenuEntry, join(argv))
	}
	if i > 0 && edits(cmd) && !x.has(sigEditsSource) && beforeBuild(x.in.name) && w[0] != '$' && (sourceFile(w) || buildFile(w)) {
		x.hit(sigEditsSource, join(argv))
	}
	if strings.IndexByte(w, ' ') >= 0 && startsJava(w) && !x.building() {
		x.hit(sigJavaRun, w)
	}
	switch {
	case w == "patchelf" || strings.HasSuffix(w, "/bin/patchelf"):
		for _, v := range argv[i+1:] {
			if v == "--set-interpreter" || v == "--interpreter" || strings.HasPrefix(v, "--set-interpreter=") {
				if beforeBuild(x.in.name) && !strings.Contains(join(argv[i:]), "$out") {
					x.hit(sigEarlyPatch, join(argv[i:]))
				} else {
					x.hit(sigInterpreter, join(argv[i:]))
				}
				return
			}
		}
		x.hit(sigPatchelf, join(argv[i:]))
	case strings.HasPrefix(w, "$interpreter") && cmd != "substituteInPlace":
		x.hit(sigLoader, w)
	case strings.HasSuffix(w, ".AppImage") && i > 0:
		x.hit(sigAppImage, join(argv))
	case w == "--appimage-extract":
		x.hit(sigAppImage, join(argv))
	case strings.HasSuffix(w, ".asar"):
		x.hit(sigAsar, w)
	case strings.HasSuffix(w, ".deb") && (cmd == "ar" || cmd == "dpkg"):
		x.hit(sigDeb, join(argv))
	case strings.HasSuffix(w, "LD_LIBRARY_PATH") && (cmd == "makeWrapper" || cmd == "wrapProgram" || cmd == "makeBinaryWrapper"):
		x.hit(sigLdPath, join(argv))
	}
}

// leftover looks for what an archive is said to have in it: jars, launchers
// for Windows. Of a build, these are other than what it makes.
func (x *extractor) leftover(cmd string, argv []string, w string) {
	n := len(w)
	if n < 4 || x.building() {
		return
	}
	switch w[n-4:] {
	case ".jar":
		if cmd == "for" && strings.IndexByte(w, '*') >= 0 {
			x.hit(sigJarInstall, join(argv)) // one by one
		} else if cmd != "cp" && cmd != "mv" && cmd != "install" && cmd != "ln" {
			x.hit(sigJarNamed, join(argv))
		}
	case ".bat", ".cmd":
		if cmd == "rm" {
			x.hit(sigBatchFiles, join(argv))
		}
	}
}

// beforeBuild says that a phase comes before anything is installed: where the
// package compiles, what is patched there, outside of the output, is a tool
// for the build.
func beforeBuild(phase string) bool {
	switch phase {
	case "unpackPhase", "postUnpack", "prePatch", "patchPhase", "postPatch", "preConfigure", "configurePhase", "postConfigure", "preBuild", "buildPhase":
		return true
	}
	return false
}

// building says that what is read runs during the build, not in launchers
// that the install phase writes.
func (x *extractor) building() bool {
	return strings.Contains(x.in.name, "uild") && x.in.name != "buildCommand" && x.in.name != "builder" && !x.buildInstalls || strings.Contains(x.in.name, "heck")
}

// edits says that a command changes the text of files.
func edits(cmd string) bool { return cmd == "sed" || cmd == "substituteInPlace" || cmd == "substitute" }

// buildFile says that a file tells a build system what to compile.
func buildFile(name string) bool {
	switch path.Base(name) {
	case "Makefile", "makefile", "GNUmakefile", "Makefile.in", "Makefile.am", "CMakeLists.txt", "meson.build", "configure", "configure.ac", "configure.in", "Cargo.toml", "go.mod", "SConstruct", "SConscript", "wscript", "build.ninja", "dune", "Rakefile":
		return true
	}
	return false
}

// firstLine says that a word is about the first line of a script.
func firstLine(w string) bool {
	return strings.Contains(w, "/usr/bin/env") || strings.Contains(w, "#!/") || strings.Contains(w, "#! /")
}

// startsJava says that a text with spaces in it starts a jar or a class path
// with a Java runtime.
func startsJava(w string) bool {
	i := strings.Index(w, "java ")
	if i < 0 || !strings.Contains(w[i:], ".jar") {
		return false
	}
	return strings.Contains(w[i:], " -jar ") || strings.Contains(w[i:], " -cp ") || strings.Contains(w[i:], " -classpath ")
}

// wineRef says that a word names wine's programs by their store path, or wine
// itself where that is written into a file.
func wineRef(w string, written bool) bool {
	i := strings.Index(w, "-wine")
	if i < 0 || len(w) < i+6 || w[i+5] != '-' && !strings.HasPrefix(w[i+5:], "64-") {
		return false
	}
	return i >= 32 && strings.Contains(w[:i], "/store/") && (written || strings.Contains(w[i:], "/bin"))
}

// foreignRun says that a word is a program that starts programs which were
// built for other systems or machines.
func foreignRun(w string) bool {
	switch w[strings.LastIndexByte(w, '/')+1:] {
	case "steam-run", "box64", "box86", "umu-run", "FEXInterpreter":
		return strings.Contains(w, "/store/") || w[0] == '$'
	}
	return false
}

// handsOver says that a word is the source as an address, and the command one
// that installs what it is given.
func handsOver(w string, argv []string) bool {
	return (strings.HasPrefix(w, "file://$src") || strings.HasPrefix(w, "file://${src}")) &&
		slices.ContainsFunc(argv[1:], func(a string) bool { return strings.TrimLeft(a, "-") == "install" })
}

// pathWord looks at a word that holds a path.
func (x *extractor) pathWord(cmd string, argv []string, w string) {
	if w[0] == 'f' && handsOver(w, argv) && strings.Contains(argv[0], "/store/") {
		x.hit(sigHandsOver, join(argv))
	}
	if !x.has(sigWebArchive) && cmd != "ln" && (strings.Contains(w, "WEB-INF/") || strings.HasSuffix(w, "conf/server.xml")) && !strings.Contains(w, "/store/") {
		x.hit(sigWebArchive, join(argv))
	}
	if w[0] == '$' && appFolder(w) && (strings.HasPrefix(w, "$out") || strings.HasPrefix(w, "${out")) {
		x.hit(sigAppBundle, join(argv))
	}
	if strings.Contains(w, "/store/") && isJavaRef(w) {
		x.hit(sigJavaHome, join(argv))
	}
	if w[0] == '$' && cmd != "rm" && !x.has(sigOutBin) && (strings.HasPrefix(w, "$out") || strings.HasPrefix(w, "${out")) && strings.Contains(w, "/bin/") {
		x.hit(sigOutBin, join(argv))
	}
	if foreignRun(w) {
		x.hit(sigForeignRun, join(argv))
	}
	if wineRef(w, edits(cmd)) {
		x.hit(sigWineRun, join(argv))
	}
	switch {
	case strings.Contains(w, "nix-support/dynamic-linker") || strings.Contains(w, "/ld-linux"):
		x.hit(sigLoader, w)
	case strings.Contains(w, "lib/firmware") || strings.Contains(w, "/firmware") && strings.HasPrefix(w, "$out") || strings.Contains(w, "kernel/x86/microcode"):
		switch cmd {
		case "substituteInPlace", "substitute", "sed", "rm", "find", "grep", "echo", "patch":
			// Text about firmware, not firmware.
		default:
			x.hit(sigFirmwareDir, join(argv))
		}
	}
}

// isJavaRef says that a word holds the store path of a Java runtime.
func isJavaRef(w string) bool {
	for {
		i := strings.Index(w, "/store/")
		if i < 0 || len(w) < i+7+33 {
			return false
		}
		w = w[i+7+33:]
		e := 0
		for e < len(w) && isNameByte(w[e]) {
			e++
		}
		if isJava(stem(w[:e])) {
			return true
		}
		w = w[e:]
	}
}
