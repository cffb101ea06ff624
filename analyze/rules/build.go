package rules

import "strings"

// compiler recognises commands that compile, or that run a build system.
func (x *extractor) compiler(cmd string, argv []string) bool {
	if strings.HasPrefix(x.in.name, "check") || strings.HasPrefix(x.in.name, "installCheck") {
		return false
	}
	if strings.HasPrefix(argv[0], "$out/") || strings.HasPrefix(argv[0], "${out}/") {
		return false // what was just put in place, run once to set itself up
	}
	if cmd == "genericBuild" && x.in.name == "builder" {
		return false // the phases, of which the builder may have replaced any
	}
	if strings.HasPrefix(cmd, "python") && strings.Trim(cmd[6:], "0123456789.") == "" {
		cmd = "python" // of whatever version
	}
	sig := sigNone
	arg := ""
	if len(argv) > 1 {
		arg = argv[1]
	}
	switch cmd {
	case "make", "gmake", "ninja", "cmake", "meson", "scons", "waf", "./waf", "bmake", "qmake", "bazel", "buck", "b2", "bjam", "tup", "redo", "mk", "premake4", "premake5", "xmake", "gn", "samu", "muon", "just",
		"nasm", "yasm", "nvcc", "emcc", "emmake", "emconfigure",
		"configure", "autoreconf", "autogen.sh", "bootstrap", "buildPhase", "cmakeConfigurePhase", "mesonConfigurePhase", "genericBuild", "configurePhase",
		"valac", "fpc", "lazbuild", "nim", "nimble", "crystal", "shards", "zig", "ldc2", "dmd", "dub", "gprbuild", "gnatmake", "mlton", "sbcl", "ecl", "ccl", "clisp", "raco", "csi", "chicken-install", "chibi-scheme",
		"swift", "swiftc", "vasm", "cobc", "iasl", "dtc", "pdflatex", "xelatex", "tbl", "as31", "sdcc", "avr-gcc", "arm-none-eabi-gcc", "hugo", "fontforge", "stack", "rgbasm", "acme", "xa", "qhelpgenerator", "gambitc", "gsc", "gsi", "idris", "agda", "coqc", "coq_makefile", "lean", "odin", "v", "hare", "haxe", "gdc", "ats2", "patscc", "elm", "purs", "gyp", "moc", "gleam", "roc", "koka", "grain", "carp", "scarb", "solc", "forge", "verilator", "iverilog", "yosys", "ghdl", "pio", "platformio", "west", "idf.py", "arduino-cli", "cl65", "ca65", "cc65", "sassc", "sass", "mdbook", "zola", "jekyll", "sphinx-build", "asciidoctor", "luac", "hsc2hs", "protoc", "bison", "flex", "swig", "xcodebuild", "clang-cl", "icx", "icpc", "ifort", "nvc", "pgcc", "lex", "yacc", "mpicc", "mpic++", "mpicxx", "mpif90", "xcrun", "lupdate", "lrelease", "rcc", "uic", "qbs", "cabal2nix", "msgfmt", "txt2man", "wcl386", "bcc", "opam", "squeak", "gforth", "buildDerivation":
		sig = sigCompile
	case "gcc", "cc", "g++", "c++", "clang", "clang++", "CC", "CXX", "LD", "AS", "ld", "tcc", "gfortran", "f77", "as":
		x.hit(sigCC, join(argv))
		return true
	case "go":
		if arg == "build" || arg == "install" || arg == "run" || arg == "tool" || arg == "generate" {
			sig = sigGoBuild
		}
	case "gox", "buildGoDir", "mage":
		sig = sigGoBuild
	case "cargo", "rustc", "cargoBuildHook", "maturin", "wasm-pack":
		sig = sigRustBuild
	case "ghc", "cabal", "Setup", "./Setup", "runhaskell", "runghc":
		sig = sigHaskellBuild
	case "ocamlfind", "ocamlc", "ocamlopt", "ocamlbuild", "dune", "jbuilder", "ocaml", "omake", "topkg", "jbuild":
		sig = sigOcamlBuild
	case "javac", "ant", "mvn", "maven", "gradle", "gradlew", "./gradlew", "sbt", "lein", "scalac", "kotlinc", "clojure", "buildMavenPackage", "jikes", "ecj", "gcj", "mill", "./mvnw", "bnd":
		sig = sigJavaBuild
	case "xbuild", "msbuild", "mcs", "csc", "gmcs", "fsc", "fsharpc", "vbnc", "dmcs", "nant", "ilasm", "resgen":
		sig = sigDotnetBuild
	case "dotnet":
		if arg == "build" || arg == "publish" || arg == "pack" || arg == "msbuild" {
			sig = sigDotnetBuild
		}
	case "python", "python2", "python3", "pip", "pypy", "pypy3", "flit", "poetry", "hatch":
		for _, w := range argv[1:] {
			if strings.HasSuffix(w, "setup.py") || w == "build" || w == "wheel" {
				sig = sigPythonBuild
			}
			if strings.HasSuffix(w, "waf") || strings.HasSuffix(w, "scons.py") {
				sig = sigCompile
			}
		}
	case "npm", "yarn", "pnpm", "node-gyp", "webpack", "tsc", "esbuild", "rollup", "gulp", "grunt", "vite", "parcel", "ng", "browserify":
		if arg == "run" || arg == "build" || arg == "rebuild" || arg == "exec" || cmd != "npm" && cmd != "yarn" && cmd != "pnpm" || arg == "--offline" || arg == "install" || arg == "ci" || arg == "pack" {
			sig = sigNodeBuild
		}
	case "perl":
		if strings.HasSuffix(arg, "Makefile.PL") || strings.HasSuffix(arg, "Build.PL") {
			sig = sigPerlBuild
		}
	case "gem":
		if arg == "build" {
			sig = sigRubyBuild
		}
	case "R":
		if arg == "CMD" {
			sig = sigCompile
		}
	case "erlc", "rebar", "rebar3", "mix", "elixirc":
		sig = sigCompile
	case "flutter", "dart":
		if arg == "build" || arg == "compile" {
			sig = sigCompile
		}
	default:
		switch {
		case strings.HasSuffix(cmd, "-gcc") || strings.HasSuffix(cmd, "-cc") || strings.HasSuffix(cmd, "-g++") || strings.HasSuffix(cmd, "-ld") || strings.HasSuffix(cmd, "-as") || strings.HasSuffix(argv[0], "targetPrefix}cc"):
			x.hit(sigCC, join(argv))
			return true
		case strings.HasSuffix(argv[0], "/configure"):
			sig = sigCompile
		case strings.HasPrefix(argv[0], "./") && (strings.Contains(cmd, "build") || strings.Contains(cmd, "compile") || strings.Contains(cmd, "make")):
			sig = sigCompile
		}
	}
	if sig == sigNone {
		return false
	}
	x.hit(sig, join(argv))
	if sig != sigCompile {
		x.hit(sigCompile, join(argv))
	}
	return true
}

// ownProgram says that a command of a build phase runs a program of the source
// tree, or a script of it, and not one that installs, packs or unpacks.
func ownProgram(cmd string, argv []string) bool {
	low := strings.ToLower(cmd)
	if strings.Contains(low, "install") || strings.Contains(low, "setup") || strings.HasPrefix(low, "package") || strings.Contains(low, "unpack") || strings.Contains(low, "extract") || strings.HasSuffix(low, ".run") || strings.HasSuffix(low, ".bin") {
		return false
	}
	if strings.HasPrefix(argv[0], "./") {
		return true
	}
	return len(argv) > 1 && interpreter(low) && strings.IndexByte(low, '(') < 0
}

// buildTools are programs that compile, by the name of their derivation
// without version. A stdenv always has a C compiler and make: these say that
// a package means to use them, or another language's.
var buildTools = map[string]signal{
	"cmake": sigCompile, "cmake-boot": sigCompile, "meson": sigCompile, "ninja": sigCompile, "scons": sigCompile, "waf-hook": sigCompile, "waf": sigCompile, "premake5": sigCompile, "premake4": sigCompile, "premake": sigCompile, "qmake": sigCompile, "qmake-hook": sigCompile, "bazel": sigCompile, "gn": sigCompile, "gyp": sigCompile, "boost-build": sigCompile,
	"autoconf": sigCompile, "automake": sigCompile, "libtool": sigCompile, "autoreconf-hook": sigCompile, "autogen": sigCompile, "gnum4": sigCompile, "bison": sigCompile, "flex": sigCompile, "yacc": sigCompile, "byacc": sigCompile, "gperf": sigCompile, "intltool": sigCompile,
	"nasm": sigCompile, "yasm": sigCompile, "fasm": sigCompile, "as31": sigCompile, "dtc": sigCompile, "swig": sigCompile, "vala": sigCompile, "imake": sigCompile, "makedepend": sigCompile, "extra-cmake-modules": sigCompile, "ecm-hook": sigCompile, "kdoctools": sigCompile, "gtk-doc": sigCompile,
	"go": sigGoBuild, "rustc": sigRustBuild, "cargo": sigRustBuild, "rustc-wrapper": sigRustBuild, "cargo-build-hook.sh": sigRustBuild, "maturin-build-hook.sh": sigRustBuild, "cargo-build-hook": sigRustBuild,
	"ghc": sigHaskellBuild, "ocaml": sigOcamlBuild, "dune": sigOcamlBuild, "ocamlbuild": sigOcamlBuild, "jbuilder": sigOcamlBuild, "ocaml-findlib": sigOcamlBuild,
	// The first have no setup hook and no makefile calls them: they build only
	// where a phase does.
	"apache-ant": sigCalledTool, "ant": sigCalledTool, "apache-maven": sigCalledTool, "maven": sigCalledTool, "sbt": sigCalledTool, "leiningen": sigCalledTool,
	"gradle": sigJavaBuild, "gradle-unwrapped": sigJavaBuild, "scala": sigJavaBuild, "kotlin": sigJavaBuild, "stripjavaarchiveshook": sigJavaBuild, "strip-java-archives-hook": sigJavaBuild, "mitm-cache": sigJavaBuild, "jikes": sigJavaBuild,
	"fpc": sigCompile, "lazarus": sigCompile, "nim": sigCompile, "nim-wrapper": sigCompile, "crystal": sigCompile, "zig": sigCompile, "zig-hook": sigCompile, "ldc": sigCompile, "dmd": sigCompile, "dub": sigCompile, "gnat": sigCompile, "gnat-wrapper": sigCompile, "gfortran-wrapper": sigCompile, "sbcl": sigCompile, "mlton": sigCompile, "chicken": sigCompile, "racket": sigCompile, "gambit": sigCompile, "smlnj": sigCompile, "polyml": sigCompile, "swift": sigCompile, "sdcc": sigCompile, "stack": sigCompile, "cudatoolkit-wrapper": sigCompile, "elm": sigCompile, "haxe": sigCompile, "idris": sigCompile, "idris2": sigCompile, "coq": sigCompile, "ats2": sigCompile, "gdc": sigCompile, "mosmlc": sigCompile,
	"msbuild": sigDotnetBuild, "dotnet-sdk": sigDotnetBuild,
	"node-gyp": sigNodeBuild, "nodepackage": sigNodeBuild, "npm-build-hook": sigNodeBuild, "npm-config-hook": sigNodeBuild, "yarn-build-hook": sigNodeBuild, "pnpm-config-hook": sigNodeBuild, "node-gyp-build": sigNodeBuild, "typescript": sigNodeBuild,
	"setuptools-build-hook": sigPythonBuild, "setuptools-setup-hook": sigPythonBuild, "pypa-build-hook.sh": sigPythonBuild, "pip-build-hook": sigPythonBuild, "flit-build-hook": sigPythonBuild, "pypa-build-hook": sigPythonBuild, "pip-build-hook.sh": sigPythonBuild,
	"rebar": sigCompile, "rebar3": sigCompile, "erlang": sigNone, "elixir": sigNone,
	"install-fonts-hook": sigFont, "fontforge": sigFont, "ttfautohint": sigFont, "xcursorgen": sigFont, "bdftopcf": sigFont, "mkfontscale": sigFont,
	"pkg-config": sigConfigure, "pkg-config-wrapper": sigConfigure, "pkgconf": sigConfigure, "pkgconf-wrapper": sigConfigure,
	"auto-patchelf-hook": sigAutoPatchelf, "autopatchelfhook": sigAutoPatchelf, "auto-patchelf": sigAutoPatchelf, "autopatchelf-hook": sigAutoPatchelf,
	"wheel-unpack-hook.sh": sigDontBuild, "wheel-unpack-hook": sigDontBuild,
	"dpkg": sigDebTool, "rpmextract": sigDebTool, "rpm": sigDebTool, "cpio": sigNone, "undmg": sigDebTool, "upx": sigDebTool, "appimage-run": sigDebTool, "appimage-exec": sigDebTool, "appimage-exec.sh": sigDebTool, "cabextract": sigDebTool, "unpack-dmg": sigDebTool, "innoextract": sigDebTool, "libarchive": sigNone, "p7zip": sigNone, "msitools": sigDebTool, "xar": sigDebTool, "pbzx": sigDebTool, "unpack-deb": sigDebTool, "dpkg-hook": sigDebTool,
}

// hookScripts are setup hooks that build, by the name of their script: the
// derivation around it is often called just "hook".
var hookScripts = map[string]signal{
	"autoreconf.sh": sigBuildTool, "qmake-hook.sh": sigBuildTool, "meson-setup-hook.sh": sigBuildTool, "gnustep-make-setup-hook.sh": sigBuildTool,
	"setup-hook-cmake.sh": sigBuildTool, "scons-setup-hook.sh": sigBuildTool, "waf-hook.sh": sigBuildTool, "premake-hook.sh": sigBuildTool,
	"auto-patchelf.sh": sigAutoPatchelf, "cargo-build-hook.sh": sigBuildTool, "setuptools-build-hook.sh": sigPythonBuild, "pip-build-hook.sh": sigPythonBuild,
	"flit-build-hook.sh": sigPythonBuild, "zig-hook.sh": sigBuildTool, "npm-build-hook.sh": sigBuildTool,
	"build-hook.sh": sigBuildTool, "maturin-build-hook.sh": sigBuildTool, "dune-hook.sh": sigBuildTool, "go-build-hook.sh": sigBuildTool,
}

// input reads the name of an input that is given as a tool or library.
func (x *extractor) input(name string) {
	if _, ext := fileType(name); ext != "" && (sourceArchive(ext) || ext == ".jar" || ext == ".deb" || ext == ".zip") {
		return // a download, whatever it is called after
	}
	tool := stem(name)
	switch {
	case isJava(tool):
		x.hit(sigJava, name)
	case tool == "mono" || tool == "dotnet" || strings.HasPrefix(tool, "dotnet-") || strings.HasPrefix(tool, "aspnetcore"):
		x.hit(sigMono, name)
	}
	if interpreter(tool) {
		x.hit(sigInterpreted, name)
	}
	if javaBridge(tool) {
		x.hit(sigJavaBridge, name)
	}
	if x.in != &inputDrvs {
		switch {
		case tool == "copy-desktop-items-hook" || tool == "copy-desktop-items":
			x.hit(sigMenuEntry, name)
		case cLibrary(tool):
			x.hit(sigCLibrary, name)
		}
		if !handles(tool) {
			x.hit(sigLibrary, name)
		}
	}
	sig, ok := buildTools[tool]
	if h := strings.TrimSuffix(tool, ".sh"); !ok && (strings.HasSuffix(h, "-build-hook") || strings.HasPrefix(tool, "dotnet-sdk")) {
		sig, ok = sigCompile, true
	}
	if !ok || sig == sigNone {
		return
	}
	switch sig {
	case sigCompile, sigGoBuild, sigRustBuild, sigHaskellBuild, sigOcamlBuild, sigJavaBuild, sigDotnetBuild, sigNodeBuild, sigPythonBuild:
		x.hit(sigBuildTool, name)
		if sig != sigPythonBuild {
			x.hit(sigNativeTool, name)
		}
	default:
		x.hit(sig, name)
	}
}

// javaBridge says that a library lets programs in an interpreted language call
// Java.
func javaBridge(tool string) bool {
	switch tool[strings.LastIndexByte(tool, '-')+1:] {
	case "rjava", "jpype", "jpype1", "pyjnius", "rjb":
		return true
	}
	return false
}

// handles says that a tool unpacks, wraps or installs, and no more.
func handles(tool string) bool {
	switch tool {
	case "unzip", "p7zip", "7zz", "libarchive", "cpio", "gzip", "xz", "zstd", "brotli", "bzip2", "unrar", "undmg", "xar", "file", "which", "patchelf",
		"makewrapper", "make-wrapper", "make-shell-wrapper-hook", "make-binary-wrapper-hook", "install-shell-files", "copy-desktop-items-hook", "version-check-hook", "strip-java-archives-hook":
		return true
	}
	return strings.HasSuffix(tool, "-hook") || strings.HasSuffix(tool, "-hook.sh") || tool == "hook"
}

// cLibrary says that an input is a library that programs in C or C++ are linked
// with, or a hook that wraps programs which need many of them: scripts ask for
// neither.
func cLibrary(tool string) bool {
	if strings.HasPrefix(tool, "lib") {
		switch tool {
		case "libarchive", "libtool", "libxslt", "libxml2", "libnotify", "librsvg", "libicns", "libredirect", "libreoffice", "libcaca", "libwebp", "libjxl":
			return false // their programs are used as well
		}
		return true
	}
	if strings.HasPrefix(tool, "wrap-gapps") || strings.HasPrefix(tool, "wrap-qt") || strings.HasPrefix(tool, "gst-plugins") || strings.HasPrefix(tool, "webkitgtk") {
		return true
	}
	switch tool {
	case "alsa-lib", "at-spi2-atk", "at-spi2-core", "atk", "cairo", "cups", "dbus", "dbus-glib", "dbus-libs", "e2fsprogs", "expat", "fontconfig", "freetype", "fuse", "gconf", "gdk-pixbuf", "glib", "glibc", "glu", "gst-plugins-base", "gstreamer", "gtk", "gtk+", "gtk+3", "gtk2", "gtk3", "gtk4", "harfbuzz", "icu4c", "krb5", "libgl", "mesa", "mesa-glu", "ncurses", "nspr", "nss", "openal", "openal-soft", "openssl", "pango", "pcsclite", "pulseaudio", "qtbase", "qtdeclarative", "qtsvg", "qtwayland", "qtwebengine", "qtx11extras", "qtmultimedia", "readline", "sdl", "sdl2", "sqlite", "systemd", "systemd-minimal", "udev", "vulkan-loader", "wayland", "zlib":
		return true
	}
	return false
}

// interpreter says that a tool runs programs that are text.
func interpreter(tool string) bool {
	n := 0
	for n < len(tool) && tool[n] >= 'a' && tool[n] <= 'z' {
		n++
	}
	if n < len(tool) && tool[n] != '-' && tool[n] != '.' && (tool[n] < '0' || tool[n] > '9') {
		return false
	}
	switch tool[:n] {
	case "python", "perl", "ruby", "lua", "luajit", "tcl", "tk", "php", "nodejs", "node", "guile", "dash", "ksh", "mksh", "tcsh", "zsh", "fish", "nushell", "elvish", "expect", "gawk", "octave", "racket", "babashka", "raku", "rakudo", "julia", "deno", "gforth", "powershell",
		"love", "godot", "renpy", "scummvm": // engines of games in such languages
		return true
	}
	return false
}

// scriptWord says that a word of a command is about a script: an interpreter's
// path, a file of a script's type, a first line. It is asked of every word, so
// it looks at the end first.
func scriptWord(w string) bool {
	for i := len(w) - 1; i >= 0 && i >= len(w)-5; i-- {
		if w[i] == '.' {
			switch w[i:] {
			case ".py", ".pl", ".pm", ".rb", ".sh", ".csh", ".ksh", ".tcl", ".lua", ".js", ".mjs", ".cjs", ".php", ".phar", ".ps1", ".rkt", ".jl", ".nu", ".love", ".bash", ".zsh", ".fish", ".awk", ".tex", ".sty", ".el", ".scm", ".lisp", ".jar":
				return true
			}
			break
		}
	}
	if len(w) < 6 {
		return false
	}
	switch w[0] {
	case '#':
		return w[1] == '!'
	case 'p':
		return w == "patchShebangs"
	}
	i := strings.LastIndexByte(w, '/')
	if i < 4 || w[i-4:i] != "/bin" {
		return false
	}
	switch tool := w[i+1:]; tool {
	case "sh", "bash", "env":
		return true
	default:
		return interpreter(tool) && !strings.Contains(w[:i], "$out")
	}
}

// javaBuilds are builds of OpenJDK under names of their own.
var javaBuilds = [...]string{"icedtea", "temurin", "zulu", "corretto", "graalvm", "semeru"}

// isJava says that a name is one of a Java runtime or development kit.
func isJava(tool string) bool {
	for _, w := range javaBuilds {
		if strings.HasPrefix(tool, w) {
			rest := tool[len(w):]
			return rest == "" || rest[0] == '-' || rest[0] >= '0' && rest[0] <= '9'
		}
	}
	for _, w := range [...]string{"jdk", "jre"} {
		i := strings.Index(tool, w)
		if i < 0 {
			continue
		}
		// At the end of a word: openjdk, jdk8, oraclejre-…, not one that only
		// begins so.
		if rest := tool[i+3:]; rest == "" || rest[0] < 'a' || rest[0] > 'z' {
			return true
		}
	}
	return false
}

// stem is a derivation's name without its version, lower case: everything up
// to the first part that starts with a digit.
func stem(name string) string {
	for i := 0; i+1 < len(name); i++ {
		if name[i] == '-' && name[i+1] >= '0' && name[i+1] <= '9' {
			name = name[:i]
			break
		}
	}
	return lower(name)
}
