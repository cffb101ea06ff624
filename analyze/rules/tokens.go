package rules

import "strings"

// tokens reads the words of a file name, a repository name or the directories
// of an address. dir says that the text is directories, which tell less: only
// a machine named outright counts there.
func (s *shape) tokens(text string, dir bool) {
	if strings.Contains(text, "x86") {
		text = strings.ReplaceAll(text, "x86_64", "amd64")
		text = strings.ReplaceAll(text, "x86-64", "amd64")
		text = strings.ReplaceAll(text, "x86.64", "amd64")
	}
	first, afterOS := true, false
	if !dir {
		switch text {
		case "bin", "binary", "binaries", "prebuilt", "prebuilts", "jars":
			s.bin = text // the name is nothing but such a word
		}
	}
	eachToken(text, func(tok string, last bool) {
		arch, os := machine(tok, first && !dir)
		if tok == "debian" && strings.HasSuffix(text, ".debian") {
			os = "" // what Debian adds to sources
		}
		if afterOS && (tok == "64" || tok == "32" || tok == "86" || tok == "386") {
			arch = tok // "linux_64", "linux-386"
		}
		afterOS = os != "" || tok == "ubuntu" || tok == "win" || tok == "lin" || tok == "mac"
		if arch != "" && s.arch == "" {
			s.arch, s.dir = arch, dir
		}
		if os != "" && s.os == "" && !(first && !dir && os == "linux" && tok == "linux") {
			// "linux-5.4" is the kernel's name; "foo-linux.tar.gz" a platform.
			s.os, s.osDir, s.osLast = os, dir, last && !first
		}
		if last && !dir && !first {
			switch tok {
			case "static", "standalone", "portable", "redist":
				s.complete = tok
			}
		}
		switch tok {
		case "bin", "binary", "binaries", "prebuilt", "prebuilts", "precompiled", "compiled", "prebuild", "prebuilds", "builds", "jar", "jars", "uberjar", "fatjar", "exe", "executable", "executables", "portable", "standalone", "universal",
			"installer", "setup", "runtime", "redist", "static", "sdk", "jre", "jdk", "toolchain", "bundle", "appimage", "commandline", "cli", "desktop",
			"all", "full", "complete", "distribution", "install", "offline", "dmg", "msi", "deb", "rpm", "win", "mono", "netcore", "dotnet", "electron", "netstandard", "server", "standalones", "unix", "bottle":
			if !dir && !first && (s.bin == "" || strongBin(tok) && !strongBin(s.bin)) {
				s.bin = tok
			}
		case "src", "source", "sources", "orig", "sdist", "srcs", "sourcecode", "devel":
			if !dir {
				s.src = tok
			}
		case "headers":
			s.headers = s.headers || !dir
		case "firmware", "firmwares", "microcode", "ucode", "fw", "blobs", "blob":
			if first && !dir && strings.HasPrefix(tok, "blob") {
				break // a name, not what it is
			}
			if s.firmware == "" && (!dir || tok == "firmware") {
				s.firmware = tok
			}
		case "font", "fonts", "ttf", "otf", "icon", "icons", "cursor", "cursors", "theme", "themes", "wallpaper", "wallpapers", "backgrounds", "skins", "soundfont", "soundfonts", "voices", "translations", "data", "docs", "doc", "manual", "man", "locale", "dictionary", "dictionaries", "dict", "hunspell", "sounds", "textures", "models", "samples", "woff":
			if !dir {
				s.data = tok
			}
		}
		first = false
	})
}

// strongBin are words that on their own say that the file is ready to run.
func strongBin(tok string) bool {
	switch tok {
	case "bin", "binary", "binaries", "prebuilt", "prebuilts", "prebuild", "prebuilds", "precompiled", "jar", "jars", "uberjar", "fatjar", "exe", "executable", "executables", "jre", "jdk", "dmg", "msi", "netstandard", "/binary", "/binaries", "/prebuilt", "/prebuilts", "appimage", "netcore", "bottle":
		return true
	}
	return false
}

// eachToken splits at everything that is no letter or digit.
func eachToken(text string, yield func(tok string, last bool)) {
	start := -1
	for i := 0; i <= len(text); i++ {
		if i < len(text) && (text[i] >= 'a' && text[i] <= 'z' || text[i] >= '0' && text[i] <= '9') {
			if start < 0 {
				start = i
			}
			continue
		}
		if start >= 0 {
			yield(text[start:i], i == len(text))
			start = -1
		}
	}
}

func hasDigit(s string) bool {
	for i := range len(s) {
		if s[i] >= '0' && s[i] <= '9' {
			return true
		}
	}
	return false
}

// machine reads a token that names a processor or an operating system, alone
// ("amd64") or run together ("linux64", "lin64", "i486linux", "win32").
func machine(tok string, first bool) (arch, os string) {
	switch tok {
	case "amd64", "x64", "i386", "i486", "i586", "i686", "ia32", "ia64", "aarch64", "arm64", "armhf", "armv6", "armv6l", "armv7", "armv7l", "armv7h", "armel",
		"armv5", "armv5te", "armv8", "armhfp", "armv6hf", "armv7hf", "arm32", "arm32v7", "arm64v8", "aarch32", "armeabi",
		"ppc", "ppc64", "ppc64le", "ppc64el", "powerpc", "powerpc64", "powerpc64le", "s390x", "riscv", "riscv32", "riscv64", "riscv64gc", "mips64", "mipsel", "mips64el", "64bit", "32bit", "64bits", "32bits", "sparc64", "sparcv9", "hppa", "m68k", "loong64", "loongarch64",
		"x86amd64", "x32", "x8664", "intel64", "em64t":
		return tok, ""
	case "x86", "64", "32", "arm", "mips", "sparc":
		if first {
			return "", ""
		}
		if tok == "x86" || tok == "arm" {
			return tok, ""
		}
		return "", ""
	case "lin", "mac", "win", "android", "ubuntu", "debian", "centos", "rhel", "fedora", "el6", "el7", "el8", "el9":
		// Short for a system, or a distribution's release, but a name of its own
		// where it comes first.
		switch {
		case first:
			return "", ""
		case tok == "lin" || tok[0] != 'm' && tok[0] != 'w' && tok[0] != 'a':
			return "", "linux"
		}
		return "", tok
	case "linux", "gnulinux", "lnx", "darwin", "macos", "macosx", "osx", "windows", "win32", "win64", "musl", "manylinux1", "manylinux2010", "manylinux2014", "musllinux", "freebsd", "solaris", "sunos", "aix", "hpux", "msvc", "mingw32", "mingw64", "mingw", "cygwin", "msys2", "apple":
		if tok == "win32" && first {
			return "", ""
		}
		if tok == "win64" || tok == "win32" {
			return tok, "windows"
		}
		return "", tok
	}
	if len(tok) < 5 || !hasDigit(tok) && !strings.HasSuffix(tok, "linux") && !strings.HasSuffix(tok, "arm") {
		return "", "" // too short for both, or a word; most are
	}
	// Run together with a program's name: "serveramd64", once "serverx86_64".
	for _, a := range [...]string{"amd64", "aarch64", "i386", "i686"} {
		if strings.HasSuffix(tok, a) && len(tok) > len(a)+1 {
			return a, ""
		}
	}
	// Run together: an operating system's name with a width or a machine.
	for _, o := range [...]string{"linux", "lin", "darwin", "macos", "osx", "win", "ubuntu", "debian", "centos", "rhel", "fedora", "glibc"} {
		i := strings.Index(tok, o)
		if i < 0 {
			continue
		}
		rest := tok[i+len(o):]
		switch {
		case rest == "64" || rest == "32" || rest == "x64" || rest == "x86" || rest == "x32" || rest == "86" || strings.HasPrefix(rest, "amd64") || strings.HasPrefix(rest, "arm64") || rest == "64bit" || rest == "32bit" || rest == "64b" || rest == "aarch64" || rest == "arm":
			if o == "lin" || o == "win" {
				// "lin64" but not "berlin64": the token must start with it.
				if i != 0 {
					continue
				}
			}
			return rest, o
		case i == 0 && !first && o != "linux" && o != "lin" && strings.Trim(rest, "0123456789") == "":
			return "", o // a release of the system: "debian12", "glibc217"
		case o == "linux" && rest == "" && i > 0:
			if a, _ := machine(tok[:i], false); a != "" {
				return a, o
			}
			return "", "…linux"
		}
	}
	return "", ""
}
