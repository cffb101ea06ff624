package rules

import (
	"path"
	"strings"
)

// script reads shell text, line by line: no command goes on after the end of
// a line, but for those with a backslash before it. (See commands.)
func (x *extractor) script(text string) {
	// The loader's path is mostly assigned to a variable first, and bare
	// assignments are no commands.
	if !x.has(sigLoader) && (strings.Contains(text, "nix-support/dynamic-linker") || strings.Contains(text, "/ld-linux")) {
		x.hit(sigLoader, "asks for the dynamic loader")
	}
	tag := x.in.number << 1
	if x.buildInstalls {
		tag |= 1
	}
	for len(text) > 0 {
		end := strings.IndexByte(text, '\n')
		switch text[0] {
		case ' ', '\t', '\r', '\n':
			text = text[1:]
			continue
		case '#':
			if end < 0 {
				return
			}
			text = text[end:]
			continue
		}
		for end > 0 && text[end-1] == '\\' {
			more := strings.IndexByte(text[end+1:], '\n')
			if more < 0 {
				end = -1
				break
			}
			end += 1 + more
		}
		if end < 0 {
			end = len(text)
		}
		if end <= maxPiece {
			x.replay(x.memo.lines.of(x, text[:end], tag, x.line))
		} else {
			x.line(text[:end])
		}
		text = text[end:]
	}
}

func (x *extractor) line(text string) { commandsIn(&x.words, text, x.command) }

// command reads one simple command.
func (x *extractor) command(argv []string) {
	cmd := path.Base(argv[0])
	if strings.HasPrefix(argv[0], "$") && strings.IndexByte(argv[0], '/') < 0 {
		cmd = strings.Trim(argv[0], "${}")
	}
	for i, w := range argv {
		x.word(cmd, argv, i, w)
	}
	switch cmd {
	case "cp", "install", "mv", "rsync", "ln", "copyDesktopItems":
		x.copy(cmd, argv)
	case "tar", "bsdtar", "unzip", "7z", "7za", "7zr", "cabextract", "unpackFile", "cpio", "unrar", "gunzip", "gzip", "xz", "bunzip2", "cat", "dd", "unsquashfs", "undmg", "xar", "lha", "zcat", "unshield", "innoextract", "msiextract", "brotli", "zstd", "uudecode":
		for i, w := range argv[1:] {
			x.refsIn(w, refContent)
			if w == "$src" || w == "${src}" {
				x.hit(sigUnpackSrc, join(argv))
			}
			if to := argv[i]; (to == "-d" || to == "-C") && strings.HasPrefix(w, "$out") {
				x.hit(sigCopyTree, join(argv))
			}
			if fontFile(strings.ToLower(w)) {
				x.hit(sigFont, join(argv))
			}
		}
		switch cmd {
		case "undmg", "xar", "innoextract", "msiextract", "unshield", "cabextract":
			x.hit(sigMsi, join(argv))
		}
	case "dpkg", "dpkg-deb":
		if flagHas(argv[1:], "xRX", "--extract", "--fsys-tarfile", "--raw-extract", "--vextract") {
			x.hit(sigDeb, join(argv))
		}
		x.contentRefs(argv)
	case "ar":
		for _, w := range argv[1:] {
			if strings.HasPrefix(w, "data.tar") || strings.HasSuffix(w, ".deb") || w == "$src" {
				x.hit(sigDeb, join(argv))
			}
		}
		x.contentRefs(argv)
	case "rpmextract", "rpm2cpio", "rpm2targz", "rpm2archive":
		x.hit(sigRpm, join(argv))
		x.contentRefs(argv)
	case "appimage-exec.sh", "appimage-run", "appimageTools":
		x.hit(sigAppImage, join(argv))
		x.contentRefs(argv)
	case "upx":
		x.hit(sigUpx, join(argv))
	case "asar":
		x.hit(sigAsar, join(argv))
	case "autoPatchelf", "autoPatchelfFile", "addAutoPatchelfSearchPath", "auto-patchelf":
		x.hit(sigAutoPatchelf, join(argv))
	case "bash", "sh", "$SHELL", "SHELL", "src", "./$src":
		x.installer(cmd, argv)
	case "makeWrapper", "wrapProgram", "makeBinaryWrapper", "makeShellWrapper", "wrapProgramShell", "wrapProgramBinary":
		x.wrapper(argv)
	case "java", "mono", "dotnet", "electron":
		x.runtime(cmd, argv)
	case "--prefix", "--set", "--suffix", "--add-flags", "--run", "--set-default":
		x.wrapper(argv)
	default:
		if x.compiler(cmd, argv) {
			return
		}
		if strings.Contains(argv[0], "/store/") {
			how := refVar // run by the build, in a substitution, or in pieces
			if argv[0][0] == '/' && x.in.name == "text" {
				how = refExec
			}
			x.refsIn(argv[0], how)
		}
	}
}

func (x *extractor) contentRefs(argv []string) {
	for _, w := range argv[1:] {
		x.refsIn(w, refContent)
	}
}

// word looks at one word wherever it stands.
func (x *extractor) word(cmd string, argv []string, i int, w string) {
	if strings.IndexByte(w, '/') >= 0 {
		x.pathWord(cmd, argv, w)
	}
	if !x.has(sigInterpreted) && (scriptWord(w) || edits(cmd) && firstLine(w)) {
		x.hit(sigInterpreted, w)
	}
	x.leftover(cmd, argv, w)
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
		if cmd != "cp" && cmd != "mv" && cmd != "install" && cmd != "ln" {
			x.hit(sigJarNamed, join(argv))
		}
	case ".bat", ".cmd":
		if cmd == "rm" {
			x.hit(sigBatchFiles, join(argv))
		}
	}
}

// beforeBuild says that a phase comes before anything is compiled: what is
// patched there, outside of the output, is a tool for the build.
func beforeBuild(phase string) bool {
	switch phase {
	case "unpackPhase", "postUnpack", "prePatch", "patchPhase", "postPatch", "preConfigure", "configurePhase", "postConfigure", "preBuild":
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

// appFolder says that a word lies in the output's folder for application
// bundles, as macOS has them.
func appFolder(w string) bool {
	_, rest, ok := strings.Cut(w, "/Applications")
	return ok && (rest == "" || rest[0] == '/' || rest[0] == '"')
}

// wineRef says that a word names wine's programs by their store path.
func wineRef(w string) bool {
	i := strings.Index(w, "-wine-")
	return i >= 32 && strings.Contains(w[:i], "/store/") && strings.Contains(w[i:], "/bin")
}

// machinePath says that a path leads through a directory, or to a file, for
// one machine or called prebuilt. Store paths do not count: their names say it of a tool.
func machinePath(w string) bool {
	if strings.IndexByte(w, '/') < 0 || strings.Contains(w, "/store/") || strings.Contains(w, "$(") {
		return false
	}
	low := strings.ToLower(w)
	if strings.Contains(low, "x86") {
		low = strings.ReplaceAll(strings.ReplaceAll(low, "x86_64", "amd64"), "x86-64", "amd64")
	}
	found, first := false, true
	eachToken(low, func(tok string, _ bool) {
		arch, _ := machine(tok, first)
		found = found || arch != "" || tok == "prebuilt" || tok == "prebuilts"
		first = false
	})
	return found
}

// pathWord looks at a word that holds a path.
func (x *extractor) pathWord(cmd string, argv []string, w string) {
	if w[0] == '$' && appFolder(w) && (strings.HasPrefix(w, "$out") || strings.HasPrefix(w, "${out")) {
		x.hit(sigAppBundle, join(argv))
	}
	if strings.Contains(w, "/store/") && isJavaRef(w) {
		x.hit(sigJavaHome, join(argv))
	}
	if w[0] == '$' && cmd != "rm" && !x.has(sigOutBin) && (strings.HasPrefix(w, "$out") || strings.HasPrefix(w, "${out")) && strings.Contains(w, "/bin/") {
		x.hit(sigOutBin, join(argv))
	}
	if wineRef(w) {
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

// copy reads cp, install, mv and ln.
func (x *extractor) copy(cmd string, argv []string) {
	how := refContent
	if cmd == "ln" {
		how = refLink
	}
	args := argv[1:]
	dest, recursive, exe := "", false, false
	n := 0
	for i := 0; i < len(args); i++ {
		w := args[i]
		if len(w) > 1 && w[0] == '-' {
			switch {
			case w == "-t" || w == "--target-directory":
				if i+1 < len(args) {
					dest = args[i+1]
					i++
				}
			case w == "-m" || w == "--mode":
				if i+1 < len(args) {
					exe = exe || strings.Contains(args[i+1], "7") || strings.Contains(args[i+1], "5") || strings.Contains(args[i+1], "x")
					i++
				}
			case cmd == "install" && w[1] != '-' && strings.Contains(w, "d"):
				return // makes directories
			case cmd == "install" && strings.Contains(w, "m") && w[1] != '-':
				_, mode, _ := strings.Cut(w, "m")
				exe = exe || strings.ContainsAny(mode, "75x")
			case w[1] != '-' && strings.ContainsAny(w, "rRa"):
				recursive = true
			}
			if w[1] != '-' && strings.HasSuffix(w, "t") && cmd == "install" && i+1 < len(args) && dest == "" {
				dest = args[i+1]
			}
			continue
		}
		n++
		x.refsIn(w, how)
	}
	if dest == "" && len(args) > 0 {
		dest = args[len(args)-1]
	}
	if (cmd == "mv" || recursive) && n == 2 && treeTop(dest) && strings.HasSuffix(args[len(args)-2], "*") {
		x.hit(sigMoveAll, join(argv))
	}
	toOut := strings.Contains(dest, "$out") || strings.Contains(dest, "${out") || strings.Contains(dest, "$prefix") || strings.Contains(dest, "placeholder") || strings.Contains(dest, "/store/")
	for _, w := range args {
		if len(w) > 1 && w[0] == '-' || w == dest && n > 1 {
			continue
		}
		low := strings.ToLower(w)
		switch {
		case strings.Contains(low, ".jar") || strings.HasSuffix(low, ".war"):
			x.hit(sigJarInstall, join(argv))
		case strings.HasSuffix(low, ".dll") || strings.HasSuffix(low, ".exe"):
			x.hit(sigDllInstall, join(argv))
		case cmd != "ln" && (strings.HasSuffix(low, ".so") || strings.Contains(low, ".so.") || strings.HasSuffix(low, ".so*")):
			x.hit(sigSoInstall, join(argv))
		case fontFile(low):
			x.hit(sigFont, join(argv))
		}
		if cmd != "ln" && toOut {
			switch w {
			case ".", "./.", "*", "./*", "./", "$src/*", "$src/.", "${src}/*", "$sourceRoot", "$src/":
				x.hit(sigCopyTree, join(argv))
			case "$src", "${src}", "$srcs":
				if recursive {
					x.hit(sigCopyTree, join(argv))
				} else {
					x.hit(sigCopySrc, join(argv))
				}
			case "usr", "opt", "usr/*", "opt/*", "./usr", "./opt", "$out/usr/*", "usr/share", "usr/lib", "usr/bin", "$out/opt", "$out/usr", "./usr/*", "./opt/*", "usr/.", "opt/.":
				x.hit(sigMoveUsr, join(argv))
			default:
				if strings.HasPrefix(w, "usr/") || strings.HasPrefix(w, "opt/") || strings.HasPrefix(w, "./usr/") || strings.HasPrefix(w, "./opt/") || strings.HasPrefix(w, "$out/usr/") || strings.HasPrefix(w, "$out/opt/") {
					x.hit(sigMoveUsr, join(argv))
				}
			}
		}
	}
	if toOut && cmd != "ln" && (strings.Contains(dest, "/bin") || exe && n <= 2) {
		x.hit(sigCopyBin, join(argv))
	}
	if toOut && cmd != "ln" {
		if d := strings.TrimSuffix(dest, "/"); strings.HasSuffix(d, "/share/java") || strings.Contains(d, "/share/java/") {
			x.hit(sigJarInstall, join(argv))
		}
		for _, w := range args {
			if !x.has(sigMachinePath) && w != dest && w[0] != '-' && machinePath(w) {
				x.hit(sigMachinePath, join(argv))
			}
		}
	}
}

// fontFile says that a name, or a pattern of names, is one of fonts.
func fontFile(low string) bool {
	for _, t := range [...]string{".ttf", ".otf", ".pcf.gz", ".bdf", ".woff", ".woff2", ".ttc", ".otb", ".pcf", ".psf"} {
		if strings.HasSuffix(low, t) {
			return true
		}
	}
	return false
}

// treeTop says that a destination is the output itself or a directory of the
// package's own in it, not one that is for a certain kind of files.
func treeTop(dest string) bool {
	dest = strings.TrimSuffix(dest, "/")
	if dest == "$out" || dest == "${out}" {
		return true
	}
	dir, ok := strings.CutPrefix(dest, "$out/")
	if !ok || strings.Contains(dir, "/") {
		return false
	}
	switch dir {
	case "share", "etc", "include", "man", "doc", "docs", "xml", "fonts", "data", "src":
		return false
	}
	return true
}

// installer recognises a downloaded script or program that unpacks itself.
func (x *extractor) installer(cmd string, argv []string) {
	for i, w := range argv {
		switch w {
		case "--noexec", "--target", "--tar", "--extract-only", "--nox11", "--accept", "--keep", "--silent", "--unattended", "--mode":
			for _, v := range argv[:i] {
				if strings.Contains(v, "$src") || strings.HasSuffix(v, ".run") || strings.HasSuffix(v, ".sh") || strings.HasSuffix(v, ".bin") {
					x.hit(sigInstaller, join(argv))
				}
			}
		}
		if i > 0 && (strings.HasSuffix(w, ".run") || strings.HasSuffix(w, ".bin")) {
			x.hit(sigInstaller, join(argv))
		}
		if i > 0 && (w == "$src" || w == "${src}") {
			x.hit(sigInstaller, join(argv))
		}
	}
}

// wrapper reads makeWrapper and its kin.
func (x *extractor) wrapper(argv []string) {
	if len(argv) > 2 && !strings.HasPrefix(argv[0], "-") {
		x.refsIn(argv[1], refWrap)
		if strings.Contains(argv[1], "/store/") {
			// Another package's program is started on what is copied here.
			x.hit(sigInterpreted, join(argv))
		}
	}
	for i := 1; i < len(argv); i++ {
		w := argv[i]
		switch {
		case strings.HasSuffix(w, "/bin/java") && i == 1:
			x.hit(sigJavaRun, join(argv))
		case w == "PATH" && i+1 < len(argv) && (argv[i-1] == "--prefix" || argv[i-1] == "--suffix" || argv[i-1] == "--set"):
			x.hit(sigInterpreted, join(argv))
		case (strings.HasSuffix(w, "/bin/mono") || strings.HasSuffix(w, "/bin/dotnet") || strings.HasSuffix(w, "/bin/mono64")) && i == 1:
			x.hit(sigMonoRun, join(argv))
		case strings.HasSuffix(w, "/bin/electron") && strings.Contains(w, "/store/") || i == 1 && strings.HasSuffix(w, "/electron"):
			x.hit(sigElectronRun, join(argv))
		case w == "JAVA_HOME" || w == "JRE_HOME" || w == "JDK_HOME" || w == "JAVA" || w == "JAVACMD":
			x.hit(sigJavaHome, join(argv))
		case strings.Contains(w, ".jar") && (strings.Contains(w, "-jar ") || strings.Contains(w, "-cp ") || strings.Contains(w, "-classpath ")):
			x.hit(sigJavaRun, join(argv))
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

// runtime reads a line that starts a virtual machine, as launchers that are
// written out by the install phase have it.
func (x *extractor) runtime(cmd string, argv []string) {
	if !strings.Contains(argv[0], "/") && !strings.HasPrefix(argv[0], "$") {
		return // run by the build itself
	}
	if strings.Contains(x.in.name, "uild") && x.in.name != "buildCommand" && !x.buildInstalls || strings.Contains(x.in.name, "heck") {
		return
	}
	for _, w := range argv[1:] {
		switch cmd {
		case "java":
			if w == "-jar" || w == "-cp" || w == "-classpath" || strings.HasSuffix(w, ".jar") || strings.HasPrefix(w, "-Xm") || strings.HasPrefix(w, "-D") {
				x.hit(sigJavaRun, join(argv))
			}
		case "electron":
			x.hit(sigElectronRun, join(argv))
		default:
			low := strings.ToLower(w)
			if strings.HasSuffix(low, ".exe") || strings.HasSuffix(low, ".dll") {
				x.hit(sigMonoRun, join(argv))
			}
		}
	}
}

func flagHas(args []string, letters string, long ...string) bool {
	for _, w := range args {
		for _, l := range long {
			if w == l {
				return true
			}
		}
		if len(w) > 1 && w[0] == '-' && w[1] != '-' && strings.ContainsAny(w[1:], letters) {
			return true
		}
	}
	return false
}

// join quotes a command for evidence; it is clipped by the caller.
func join(argv []string) string {
	n := 0
	for i, w := range argv {
		n += len(w) + 1
		if n > 2*maxDetail {
			return strings.Join(argv[:i+1], " ")
		}
	}
	return strings.Join(argv, " ")
}
