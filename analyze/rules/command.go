package rules

import (
	"path"
	"slices"
	"strings"
)

// script reads shell text. That of a package is read by its lines; what is
// longer was generated, and says the same paragraphs again and again, as other
// such scripts do in another order.
func (x *extractor) script(text string) {
	if len(text) <= maxPiece {
		x.piece(text)
	} else {
		x.paragraphs(text)
	}
}

func (x *extractor) piece(text string) {
	x.loader(text)
	x.lines(text)
}

func (x *extractor) paragraphs(text string) {
	for len(text) > 0 {
		p := paragraph(text)
		if len(p) <= maxPiece {
			x.replay(x.memo.paragraphs.of(x, p, x.lineTag(), x.piece))
		} else {
			x.piece(p)
		}
		text = strings.TrimLeft(text[len(p):], "\n")
	}
}

// paragraph is the start of a text up to an empty line.
func paragraph(text string) string {
	for from := 0; ; {
		end := strings.Index(text[from:], "\n\n")
		if end < 0 {
			return text
		}
		if end += from; end == 0 || text[end-1] != '\\' {
			return text[:end]
		}
		from = end + 1 // the line goes on
	}
}

// lineTag tells apart what the same line says in different variables.
func (x *extractor) lineTag() uint32 {
	tag := x.in.number << 1
	if x.buildInstalls {
		tag |= 1
	}
	return tag
}

// lines reads shell text line by line: no command goes on after the end of a
// line, but for those with a backslash before it. (See commands.)
func (x *extractor) lines(text string) {
	tag := x.lineTag()
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

// loader looks for the path of the dynamic loader.
func (x *extractor) loader(text string) {
	// The loader's path is mostly assigned to a variable first, and bare
	// assignments are no commands.
	if !x.has(sigLoader) && (strings.Contains(text, "nix-support/dynamic-linker") || strings.Contains(text, "/ld-linux")) {
		x.hit(sigLoader, "asks for the dynamic loader")
	}
	if !x.has(sigAddsRpath) && strings.Contains(text, "patchelf --print-rpath") {
		x.hit(sigAddsRpath, "patchelf --print-rpath")
	}
	switch x.in.name {
	case "unpackPhase", "postUnpack", "setSourceRoot":
		if flatSource(text) {
			x.hit(sigFlatSource, "sourceRoot is where the source was unpacked")
		}
	case "buildCommand", "installPhase", "builder":
		if unpacksThere(text) {
			x.hit(sigMoveAll, "unpacks the source in the output")
		}
	}
	if !x.has(sigAppBundle) && (strings.Contains(text, "=$out/Applications/") || strings.Contains(text, "=\"$out/Applications/")) {
		x.hit(sigAppBundle, "names the output's Applications")
	}
}

func (x *extractor) line(text string) { commandsIn(&x.words, text, x.command) }

// unpacksThere says that a text goes to the top of the output and unpacks the
// source there.
func unpacksThere(text string) bool {
	i := strings.Index(text, "cd $out")
	if i < 0 {
		i = strings.Index(text, "cd \"$out\"")
	}
	if i < 0 {
		return false
	}
	rest := strings.TrimPrefix(strings.TrimLeft(text[i+len("cd "):], "\""), "$out")
	if rest = strings.TrimPrefix(rest, "\""); rest == "" || strings.IndexByte(" \n;&", rest[0]) < 0 {
		return false
	}
	rest, _, _ = strings.Cut(rest, "cd ")
	for line := range strings.Lines(rest) {
		if line = strings.TrimLeft(line, " \t;&"); (strings.HasPrefix(line, "unzip ") || strings.HasPrefix(line, "tar ") || strings.HasPrefix(line, "bsdtar ") || strings.HasPrefix(line, "7z x ")) && (strings.Contains(line, "$src") || strings.Contains(line, "${src}")) && !strings.Contains(line, " -d") && !strings.Contains(line, " -C") {
			return true
		}
	}
	return false
}

// flatSource says that a text makes the directory that the source was unpacked
// in the source's own.
func flatSource(text string) bool {
	for {
		_, rest, ok := strings.Cut(text, "ourceRoot=")
		if !ok {
			return false
		}
		v, _, _ := strings.Cut(strings.TrimLeft(rest, "\"'"), "\n")
		switch {
		case strings.HasPrefix(v, "`pwd`"), strings.HasPrefix(v, "$(pwd)"), strings.HasPrefix(v, "$PWD"):
			return len(strings.TrimRight(v, "\"'; ")) < 7
		case v == "." || strings.HasPrefix(v, ".\"") || strings.HasPrefix(v, ".;") || strings.HasPrefix(v, ".'"):
			return true
		}
		text = rest
	}
}

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
	case "copyDesktopItems":
		x.hit(sigMenuEntry, join(argv))
	case "cp", "install", "mv", "rsync", "ln":
		x.copy(cmd, argv)
	case "tar", "bsdtar", "unzip", "7z", "7za", "7zr", "cabextract", "unpackFile", "cpio", "unrar", "gunzip", "gzip", "xz", "bunzip2", "cat", "dd", "unsquashfs", "undmg", "xar", "lha", "zcat", "unshield", "innoextract", "msiextract", "brotli", "zstd", "uudecode",
		"7zz", "unar", "bzip2", "bzcat", "xzcat", "unxz", "unlzma", "lzma", "zstdcat", "unzstd", "lz4", "lzip", "unlzip", "arj", "unace", "isoinfo", "osirrox", "dmg2img", "pbzx", "gcab", "msidump", "wrestool", "unmakeself", "cabarchive", "aunpack":
		for i, w := range argv[1:] {
			x.refsIn(w, refContent)
			if w == "$src" || w == "${src}" {
				x.hit(sigUnpackSrc, join(argv))
			}
			if to := argv[i]; (to == "-d" || to == "-C") && strings.HasPrefix(w, "$out") {
				x.hit(sigCopyTree, join(argv))
				if treeTop(w) && !strings.HasSuffix(w, "/bin") && wholeSource(argv) {
					x.hit(sigMoveAll, join(argv))
				}
			}
			if strings.Contains(w, "/store/") && !x.has(sigSource) && archiveName(w) {
				x.hit(sigSource, join(argv)) // as src, under a name of its own
			}
			if fontFile(strings.ToLower(w)) {
				x.hit(sigFont, join(argv))
			}
		}
		switch cmd {
		case "undmg", "xar", "innoextract", "msiextract", "unshield", "cabextract", "dmg2img", "pbzx", "gcab", "msidump", "wrestool":
			x.hit(sigMsi, join(argv))
			x.inner(argv)
		}
	case "dpkg", "dpkg-deb":
		x.inner(argv)
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
		x.inner(argv)
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
		x.installer(argv)
		if len(argv) > 2 && argv[1][0] == '-' && strings.HasSuffix(argv[1], "c") && strings.IndexByte(argv[2], ' ') > 0 {
			commands(argv[2], x.command) // a script in a word
		}
	case "makeWrapper", "wrapProgram", "makeBinaryWrapper", "makeShellWrapper", "wrapProgramShell", "wrapProgramBinary":
		x.wrapper(argv)
	case "java", "mono", "dotnet", "electron":
		x.runtime(cmd, argv)
	case "mcopy":
		// Out of an image of a disk, where the first path is in it.
		if slices.ContainsFunc(argv[1:max(1, len(argv)-1)], func(w string) bool { return strings.HasPrefix(w, "::") }) {
			x.hit(sigMsi, join(argv))
			x.hit(sigInnerPackage, join(argv))
		}
	case "wine", "wine64", "wineconsole", "dosbox", "dosbox-x", "dosbox-staging":
		x.emulator(argv)
	case "chrpath", "bbe", "execstack", "install_name_tool", "elfedit":
		x.hit(sigBinaryEdit, join(argv))
	case "xattr":
		if slices.ContainsFunc(argv[1:], func(w string) bool { return strings.HasPrefix(w, "com.apple.") }) {
			x.hit(sigBinaryEdit, join(argv))
		}
	case "lndir":
		x.contentRefs(argv)
	case "find":
		// Fonts found by their type, and moved.
		if slices.ContainsFunc(argv, func(w string) bool { return w == "mv" || w == "cp" || w == "install" }) && slices.ContainsFunc(argv, func(w string) bool { return fontFile(strings.ToLower(w)) }) {
			x.hit(sigFont, join(argv))
		}
	case "git", "curl", "wget", "svn", "hg", "aria2c":
		if slices.ContainsFunc(argv[1:], func(w string) bool { return strings.Contains(w, "://") }) {
			x.hit(sigOwnDownload, join(argv))
		}
	case "--prefix", "--set", "--suffix", "--add-flags", "--run", "--set-default":
		x.wrapper(argv)
	default:
		if x.compiler(cmd, argv) {
			return
		}
		if x.in.name == "buildPhase" && !x.buildInstalls && ownProgram(cmd, argv) {
			x.hit(sigOwnBuild, join(argv))
		}
		if strings.Contains(argv[0], "/store/") {
			how := refVar // run by the build, in a substitution, or in pieces
			if argv[0][0] == '/' && (x.in.name == "text" || x.in.name == "content") {
				how = refExec
			}
			x.refsIn(argv[0], how)
		}
	}
}

// archiveName says that a path is of an archive, by its file type.
func archiveName(p string) bool {
	_, ext := fileType(strings.ToLower(p))
	return ext != "" && ext != ".bin" && sourceArchive(ext)
}

// inner looks for a package or installer that lies in a directory of the source
// tree: somebody committed it there.
func (x *extractor) inner(argv []string) {
	for _, w := range argv[1:] {
		dir := strings.TrimPrefix(strings.TrimPrefix(w, "$src/"), "./")
		if dir == w && w[0] == '$' || strings.Contains(w, "/store/") || dir == w && !strings.Contains(w, "/") || w[0] == '/' {
			continue
		}
		switch _, ext := fileType(strings.ToLower(w)); ext {
		case ".deb", ".rpm", ".pkg", ".msi", ".dmg", ".exe":
			x.hit(sigInnerPackage, join(argv))
		}
	}
}

func (x *extractor) contentRefs(argv []string) {
	for _, w := range argv[1:] {
		x.refsIn(w, refContent)
	}
}

// installer recognises a downloaded script or program that unpacks itself.
func (x *extractor) installer(argv []string) {
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
		case strings.Contains(w, ".exe") && strings.Contains(w, "wine "):
			x.hit(sigWineRun, join(argv))
		case w == "JAVA_HOME" || w == "JRE_HOME" || w == "JDK_HOME" || w == "JAVA" || w == "JAVACMD":
			x.hit(sigJavaHome, join(argv))
		case strings.Contains(w, ".jar") && (strings.Contains(w, "-jar ") || strings.Contains(w, "-cp ") || strings.Contains(w, "-classpath ")):
			x.hit(sigJavaRun, join(argv))
		}
	}
}

// runtime reads a line that starts a virtual machine, as launchers that are
// written out by the install phase have it.
func (x *extractor) runtime(cmd string, argv []string) {
	if !strings.Contains(argv[0], "/") && !strings.HasPrefix(argv[0], "$") && (cmd != "java" || !slices.Contains(argv, "-jar")) {
		return // run by the build itself
	}
	if x.building() {
		return
	}
	for _, w := range argv[1:] {
		switch cmd {
		case "java":
			if w == "-jar" || w == "-cp" || w == "-classpath" || strings.HasSuffix(w, ".jar") || strings.HasPrefix(w, "-Xm") || strings.HasPrefix(w, "-D") {
				x.hit(sigJavaRun, join(argv))
				x.starts(w)
			}
		case "electron":
			x.hit(sigElectronRun, join(argv))
		default:
			low := strings.ToLower(w)
			if strings.HasSuffix(low, ".exe") || strings.HasSuffix(low, ".dll") {
				x.hit(sigMonoRun, join(argv))
				x.starts(w)
			}
		}
	}
}

// emulator reads a line that starts a program of another system, as launchers
// have it. A build may run such a program for itself.
func (x *extractor) emulator(argv []string) {
	if x.building() {
		return
	}
	for _, w := range argv[1:] {
		if n := len(w); n > 4 && strings.EqualFold(w[n-4:], ".exe") {
			x.hit(sigWineRun, join(argv))
			x.starts(w)
		}
	}
}

// starts notes the derivation that holds a file which a launcher gives to a
// virtual machine or an emulator.
func (x *extractor) starts(w string) {
	x.refsIn(w, refStart)
	x.named(w, refStart)
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
