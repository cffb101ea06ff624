package rules

import "strings"

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
		if strings.IndexByte(w, '/') >= 0 && dataFile(strings.ToLower(w)) {
			x.refsIn(w, refVar) // text of a derivation that may be a program
			continue
		}
		x.refsIn(w, how)
		x.named(w, how)
	}
	if dest == "" && len(args) > 0 {
		dest = args[len(args)-1]
	}
	if (cmd == "mv" || recursive) && n == 2 && treeTop(dest) && (strings.HasSuffix(args[len(args)-2], "*") || cmd == "mv" && (versioned(args[len(args)-2]) || plainName(args[len(args)-2]))) {
		x.hit(sigMoveAll, join(argv))
	}
	toOut := strings.Contains(dest, "$out") || strings.Contains(dest, "${out") || strings.Contains(dest, "$prefix") || strings.Contains(dest, "placeholder") || strings.Contains(dest, "/store/")
	for _, w := range args {
		if w == "webapps" && w != dest && cmd != "ln" && toOut {
			x.hit(sigWebArchive, join(argv))
		}
		if len(w) > 1 && w[0] == '-' || w == dest && n > 1 && !(n == 2 && wholeSource(args)) {
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
		case cmd != "ln" && !strings.Contains(w, "/store/") && objectFile(low):
			x.hit(sigObjectInstall, join(argv))
		case cmd != "ln" && strings.HasSuffix(low, ".bin") && !strings.Contains(w, "/store/"):
			x.hit(sigRawInstall, join(argv))
		}
		if cmd != "ln" && toOut && !recursive && w[0] == '/' && strings.Contains(w, "/store/") && rootOf(w) == w && !archiveName(w) && !dataFile(low) {
			x.hit(sigCopyPath, join(argv))
		}
		if cmd != "ln" && toOut {
			switch w {
			case "bin", "./bin", "bin/", "bin/.", "bin/*", "./bin/*", "$src/bin", "$src/bin/*", "${src}/bin":
				x.hit(sigBinDir, join(argv))
			}
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
				if programDir(dest) && strings.HasPrefix(strings.TrimPrefix(w, "./"), "bin/") {
					x.hit(sigBinDir, join(argv))
				}
				if strings.HasPrefix(w, "usr/") || strings.HasPrefix(w, "opt/") || strings.HasPrefix(w, "./usr/") || strings.HasPrefix(w, "./opt/") || strings.HasPrefix(w, "$out/usr/") || strings.HasPrefix(w, "$out/opt/") {
					x.hit(sigMoveUsr, join(argv))
				}
			}
		}
	}
	if toOut && cmd != "ln" && (programDir(dest) || exe && n <= 2) {
		x.hit(sigCopyBin, join(argv))
	}
	if toOut && cmd != "ln" && pluginDir(dest) {
		x.hit(sigPluginDir, join(argv))
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

// programDir says that a destination is a directory of programs.
func programDir(dest string) bool {
	return strings.Contains(dest, "/bin") || strings.Contains(dest, "/sbin")
}

// pluginDir says that a destination is a directory in which programs look for
// compiled plugins.
func pluginDir(dest string) bool {
	_, dir, ok := strings.Cut(dest, "/lib/")
	if !ok {
		return false
	}
	dir, _, _ = strings.Cut(dir, "/")
	switch dir {
	case "mozilla", "ladspa", "lv2", "vst", "vst3", "dssi", "clap", "sane", "pkcs11", "security", "dri", "gbm", "xorg", "OpenCL", "gstreamer-1.0", "obs-plugins", "nss", "kcms", "opensc":
		return true
	case "cups":
		return strings.Contains(dest, "/cups/filter") || strings.Contains(dest, "/cups/backend")
	}
	return false
}

// wholeSource says that the source itself is copied, so that its type is that
// of the file that it becomes.
func wholeSource(args []string) bool {
	for _, w := range args {
		if w == "$src" || w == "${src}" {
			return true
		}
	}
	return false
}

// dataFile says that a path is of a file that holds text or a picture.
func dataFile(low string) bool {
	for _, t := range [...]string{".json", ".txt", ".md", ".xml", ".yaml", ".yml", ".toml", ".conf", ".cfg", ".ini", ".desktop", ".svg", ".png", ".html", ".css", ".csv", ".1", ".service", ".h", ".hpp"} {
		if strings.HasSuffix(low, t) {
			return true
		}
	}
	return false
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

// versioned says that a word is a directory with a version in its name, as
// archives have at their top.
func versioned(w string) bool {
	_, ext := fileType(strings.ToLower(w))
	return ext == "" && hasVersion(w) && !strings.ContainsAny(w, "/$*") && w[0] != '-'
}

// plainName says that a word is a name and no more, as a directory has that an
// archive holds everything in.
func plainName(w string) bool {
	for i := 0; i < len(w); i++ {
		if c := w[i]; (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9' || i == 0) && (c != '-' && c != '_' || i == 0) {
			return false
		}
	}
	return w != "" && w != strings.ToUpper(w) // README, LICENSE
}

// objectFile says that a name is one of a type that is never text: code for a
// processor without an operating system, modules of a kernel, WebAssembly.
func objectFile(low string) bool {
	for _, t := range [...]string{".itb", ".efi", ".elf", ".ko", ".wasm", ".hcd", ".fw", ".ucode", ".uf2"} {
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

// machinePath says that a path leads through a directory, or to a file, for
// one machine or called prebuilt, or to where .NET puts what it built. Store paths do not count: their names say it of a tool.
func machinePath(w string) bool {
	if strings.IndexByte(w, '/') < 0 && w != "lib64" && w != "lib32" || strings.Contains(w, "/store/") || strings.Contains(w, "$(") {
		return false
	}
	low := strings.ToLower(w)
	if strings.Contains(low, "x86") {
		low = strings.ReplaceAll(strings.ReplaceAll(low, "x86_64", "amd64"), "x86-64", "amd64")
	}
	found, first := strings.Contains(low, "bin/release"), true
	eachToken(low, func(tok string, _ bool) {
		arch, _ := machine(tok, first)
		found = found || arch != "" || tok == "prebuilt" || tok == "prebuilts" || tok == "lib64" || tok == "lib32"
		first = false
	})
	return found
}

// appFolder says that a word lies in the output's folder for application
// bundles, as macOS has them.
func appFolder(w string) bool {
	_, rest, ok := strings.Cut(w, "/Applications")
	return ok && (rest == "" || rest[0] == '/' || rest[0] == '"')
}
