package rules

import (
	"strings"

	"fromsource/analyze/audit"
)

// sig matches what is a sign whatever else a package does.
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

const (
	buildIt  = "Build the program from source."
	debURL   = "https://example.org/example_1.0_amd64.deb"
	loaderOf = "$(cat $NIX_CC/nix-support/dynamic-linker)"
)

// binaryName is the id of the rule that goes by a package's name.
const binaryName = "use-binary-name"

// useNativeRules look for the handling of native programs made elsewhere.
func useNativeRules() []Rule {
	return []Rule{
		{
			ID: "use-set-interpreter", Title: "patchelf sets an interpreter", Weight: 80, Kind: audit.NativeCode, Scope: OnUse,
			Why:    "What is compiled in a Nix build has the right loader already; only a program built elsewhere needs another one.",
			How:    "patchelf run with --set-interpreter in a phase.",
			Limits: "Bootstrap stages and programs that build themselves in two steps patch their own output.",
			Remedy: buildIt,
			Positive: []Example{
				pkg(plain, "installPhase", "install -D tool $out/bin/tool\npatchelf --set-interpreter "+loaderOf+" \\\n  --set-rpath $libPath $out/bin/tool"),
				pkg(plain, "preFixup", "find $out -type f -exec patchelf --interpreter \"$interp\" {} \\;", "installPhase", "cp -r . $out"),
			},
			Negative: []Example{
				pkg(plain, "postFixup", "patchelf --add-needed libGL.so $out/bin/tool"),
				pkg(plain, "installPhase", "# patchelf --set-interpreter is not needed here\ncp tool $out/bin"),
				pkg(plain, "preConfigure", "patchelf --set-interpreter "+loaderOf+" $(pwd)/stage0/compiler"),
			},
			match: func(s *subject) (string, string, bool) {
				// What is patched before a build, outside of the output, is a
				// program that the build runs.
				if at, detail, ok := s.hitOf(sigEarlyPatch); ok && !s.builds {
					return at, detail, true
				}
				return s.hitOf(sigInterpreter)
			},
		},
		{
			ID: "use-patches-unbuilt", Title: "Patches programs and compiles nothing", Weight: 20, Kind: audit.NativeCode, Scope: OnUse,
			Why:    "Where nothing is compiled, what is patched to run was fetched, even from a forge.",
			How:    "patchelf with an interpreter or autoPatchelf, and no build of any kind.",
			Limits: "A build that the text does not show is not seen.",
			Remedy: buildIt,
			Positive: []Example{
				pkg("https://github.com/example/tool/archive/v1.0.tar.gz", "installPhase", "cp tool $out/bin").tools("auto-patchelf-hook"),
				pkg(plain, "installPhase", "cp tool $out/bin\npatchelf --set-interpreter "+loaderOf+" $out/bin/tool"),
			},
			Negative: []Example{pkg(plain, "cmakeFlags", "-DX=1").tools("cmake-3.17.3", "auto-patchelf-hook"), pkg(plain, "installPhase", "cp tool $out/bin"), pkg(plain, "configureFlags", "--prefix=/").tools("auto-patchelf-hook")},
			match:    soft(sigInterpreter, sigAutoPatchelf),
		},
		{
			ID: "use-autopatchelf", Title: "autoPatchelf is used", Weight: 80, Kind: audit.NativeCode, Scope: OnUse,
			Why:    "The hook exists to make programs that were built elsewhere run.",
			How:    "The hook among the inputs, its function in a phase, or its variables set.",
			Limits: "A few source builds use it for a prebuilt part, or for libraries loaded at run time.",
			Remedy: buildIt,
			Positive: []Example{
				pkg(plain, "installPhase", "cp tool $out/bin").tools("auto-patchelf-hook"),
				pkg(plain, "postFixup", "autoPatchelf $out"),
				pkg(plain, "postInstall", "cp -r * $out/lib").tools("auto-patchelf-hook"),
			},
			Negative: []Example{pkg(plain, "installPhase", "cp tool $out/bin").tools("patchelf-0.11")},
			match:    sig(sigAutoPatchelf),
		},
		{
			ID: "use-loader-path", Title: "The loader's path is written into something", Weight: 40, Kind: audit.NativeCode, Scope: OnUse,
			Why:      "nix-support/dynamic-linker and ld-linux are asked for to run or patch foreign programs.",
			How:      "Such a path in a phase or variable, without compiling.",
			Limits:   "Compiler wrappers ask for it too, but fetch nothing.",
			Remedy:   buildIt,
			Positive: []Example{pkg(plain, "installPhase", "cp tool $out/bin\nsed -i s,@ld@,"+loaderOf+", $out/bin/tool")},
			Negative: []Example{
				{Name: "cc-wrapper-1.0", Env: []string{"stdenv", "/nix/store/00000000000000000000000000000000-stdenv", "installPhase", "substituteAll wrapper.sh " + loaderOf}},
			},
			match: func(s *subject) (string, string, bool) {
				if s.builds || s.f.sigs.has(sigInterpreter) {
					return "", "", false
				}
				return s.hitOf(sigLoader)
			},
		},
		{
			ID: "use-patchelf-rpath", Title: "patchelf is run without compiling", Weight: 50, Kind: audit.NativeCode, Scope: OnUse,
			Why:      "A library path is set after the fact where the linker was somebody else's.",
			How:      "patchelf in a phase of a package that compiles nothing; not where it adds to the path that a program has, and the build is not switched off.",
			Limits:   "A default build that the text does not show is not seen.",
			Remedy:   buildIt,
			Positive: []Example{pkg(plain, "dontBuild", "1", "installPhase", "cp lib.so $out/lib\npatchelf --set-rpath $libPath $out/lib/lib.so")},
			Negative: []Example{
				pkg(plain, "postFixup", "patchelf --set-rpath $rpath $out/bin/tool"),
				pkg(plain, "installPhase", "cp build/tool $out/bin", "postFixup", "rpath=$(patchelf --print-rpath $out/bin/tool)\npatchelf --set-rpath $rpath:%0/lib $out/bin/tool").other(Example{Name: "mesa-17"}),
			},
			match: func(s *subject) (string, string, bool) {
				if s.builds || s.f.sigs.has(sigAddsRpath) && !s.f.sigs.has(sigDontBuild) {
					return "", "", false
				}
				return s.hitOf(sigPatchelf)
			},
		},
		{
			ID: "use-library-path", Title: "Library path kept for patching or preloading", Weight: 40, Kind: audit.NativeCode, Scope: OnUse,
			Why:      "A variable with the lib directories of many packages serves to patch or start foreign programs.",
			How:      "libPath, rpath or the like with three or more store paths, without compiling.",
			Limits:   "Launchers of interpreted programs that load libraries by name.",
			Remedy:   buildIt,
			Positive: []Example{pkg(plain, "installPhase", "cp -r . $out", "libPath", "%0/lib:%1/lib:%2/lib").other(Example{Name: "a-1"}, Example{Name: "b-1"}, Example{Name: "c-1"})},
			Negative: []Example{pkg(plain, "libPath", "%0/lib:%1/lib:%2/lib").other(Example{Name: "a-1"}, Example{Name: "b-1"}, Example{Name: "c-1"})},
			match:    soft(sigLibPath),
		},
		{
			ID: "use-unpacks-deb", Title: "Unpacks a Debian package", Weight: 40, Kind: audit.NativeCode, Scope: OnUse,
			Why:      "dpkg -x and ar x data.tar take out what Debian or a vendor built.",
			How:      "These commands in a phase, without compiling.",
			Limits:   "Packages of scripts or data are unpacked so too.",
			Remedy:   "Build from the source package.",
			Positive: []Example{pkg(debURL, "unpackPhase", "dpkg-deb -x $src .", "installPhase", "cp -r usr $out"), pkg(debURL, "buildCommand", "ar p $src data.tar.xz | tar -C $out -xJ ./usr")},
			Negative: []Example{pkg(plain, "installPhase", "dpkg --version; cp tool.pl $out/bin"), pkg(plain, "installPhase", "ar rcs $out/lib/lib.a x.o")},
			match:    soft(sigDeb),
		},
		{
			ID: "use-unpacks-rpm", Title: "Unpacks an RPM package", Weight: 40, Kind: audit.NativeCode, Scope: OnUse,
			Why:      "rpm2cpio and rpmextract take out what a vendor built.",
			How:      "These commands in a phase, without compiling.",
			Limits:   "Packages of scripts or data are unpacked so too.",
			Remedy:   "Build from the source package.",
			Positive: []Example{pkg("https://example.org/example-1.0.x86_64.rpm", "unpackPhase", "rpm2cpio $src | cpio -idm", "installPhase", "cp -r usr $out")},
			Negative: []Example{pkg("https://example.org/example-1.0.src.rpm", "unpackPhase", "rpm2cpio $src | cpio -idm")},
			match:    soft(sigRpm),
		},
		{
			ID: "use-package-tools", Title: "Package extraction tools among the inputs", Weight: 20, Kind: audit.NativeCode, Scope: OnUse,
			Why:      "dpkg, rpmextract, undmg, cabextract are needed to open installers.",
			How:      "These among the inputs, without compiling.",
			Limits:   "Programs that handle packages call them at run time.",
			Remedy:   "Build from the source package.",
			Positive: []Example{pkg(debURL, "installPhase", "cp -r usr $out").tools("dpkg-1.20.5")},
			Negative: []Example{pkg(plain, "installPhase", "make install").tools("dpkg-1.20.5")},
			match:    soft(sigDebTool),
		},
		{
			ID: "use-appimage", Title: "Unpacks or runs an AppImage", Weight: 80, Kind: audit.NativeCode, Scope: OnUse,
			Why:      "An AppImage is a program with its libraries, built elsewhere.",
			How:      "AppImage tools or --appimage-extract in a phase.",
			Limits:   "A package that makes an AppImage compiles first, and is not matched.",
			Remedy:   buildIt,
			Positive: []Example{pkg("https://example.org/tool", "buildCommand", "appimage-exec.sh -x $out $src")},
			Negative: []Example{pkg(plain, "installPhase", "cp appimage.md $out/share")},
			match:    soft(sigAppImage),
		},
		{
			ID: "use-installer", Title: "Runs a downloaded installer", Weight: 50, Kind: audit.NativeCode, Scope: OnUse,
			Why:      "A self-extracting script carries the vendor's build.",
			How:      "A shell runs the source itself, or a .run or .bin file, without compiling.",
			Limits:   "An install script of a source archive looks alike.",
			Remedy:   buildIt,
			Positive: []Example{pkg("https://example.org/driver", "unpackPhase", "sh $src --noexec --target .", "installPhase", "cp tool $out/bin")},
			Negative: []Example{pkg(plain, "installPhase", "sh ./install.sh $out")},
			match:    soft(sigInstaller),
		},
		{
			ID: "use-foreign-installer", Title: "Unpacks a Windows or macOS installer", Weight: 40, Kind: audit.NativeCode, Scope: OnUse,
			Why:      "Cabinets, disk images and installers hold builds.",
			How:      "cabextract, undmg, innoextract and the like in a phase, or mcopy out of an image of a disk, without compiling.",
			Limits:   "Fonts come in cabinets as well.",
			Remedy:   buildIt,
			Positive: []Example{pkg("https://example.org/tool", "unpackPhase", "undmg $src", "installPhase", "cp -r Tool.app $out"), pkg("https://example.org/tool", "installPhase", "mcopy -s -i $src/usb.img@@1048576 ::/EFI/BOOT/* $out/")},
			Negative: []Example{pkg(plain, "installPhase", "tar xf $src -C $out"), pkg(plain, "installPhase", "mcopy -i $out/boot.img tool.cfg ::/")},
			match:    soft(sigMsi),
		},
		{
			ID: "use-inner-package", Title: "Opens a package or disk image that lies in the source", Weight: 30, Kind: audit.NativeCode, Scope: OnUse,
			Why:      "A source tree that holds a .deb, .rpm, .pkg or .msi holds what was built from other sources.",
			How:      "dpkg, rpm2cpio, xar, msiextract and the like are given such a file in a directory of the source, or mcopy takes files out of an image of a disk, and nothing is compiled.",
			Limits:   "Packages of scripts or data.",
			Remedy:   buildIt,
			Positive: []Example{pkg("https://github.com/example/tool/archive/v1.0.tar.gz", "unpackPhase", "xar -xf $src/dist/Tool-1.0.pkg", "installPhase", "cp -R Library $out")},
			Negative: []Example{pkg(debURL, "unpackPhase", "dpkg-deb -x $src .", "installPhase", "cp -r usr $out"), pkg(plain, "buildPhase", "make\nxar -xf out/tool.pkg", "installPhase", "cp -R Library $out")},
			match:    soft(sigInnerPackage),
		},
		{
			ID: "use-upx", Title: "Unpacks a packed executable", Weight: 60, Kind: audit.NativeCode, Scope: OnUse,
			Why:      "upx works on executables only.",
			How:      "upx in a phase, without compiling.",
			Limits:   "upx may also pack what a build that is not seen compiled.",
			Remedy:   buildIt,
			Positive: []Example{pkg(plain, "installPhase", "upx -d Tool\ninstall -D Tool $out/bin/tool")},
			Negative: []Example{pkg(plain, "buildPhase", "make\nupx tool", "installPhase", "cp tool $out/bin")},
			match:    soft(sigUpx),
		},
		{
			ID: "use-so-install", Title: "Installs shared libraries without compiling any", Weight: 40, Kind: audit.NativeCode, Scope: OnUse,
			Why:      "A .so that is copied and not made was downloaded.",
			How:      "cp or install of *.so, where the build is switched off, replaced by a build command, or has no compiler.",
			Limits:   "A build command that calls something unknown may compile.",
			Remedy:   "Compile the library.",
			Positive: []Example{pkg(plain, "dontBuild", "1", "installPhase", "install -Dm755 x64/libtool.so $out/lib/libtool.so"), {Name: "tool-1.0", Raw: true, Env: []string{"stdenv", "%0", "src", "%1", "installPhase", "cp usr/lib/libtool.so $out/lib"}, Other: []Example{noCC, dl(plain)}}},
			Negative: []Example{pkg(plain, "installPhase", "cp -v shared/lib*.so* $out/lib"), pkg(plain, "dontBuild", "1", "installPhase", "ln -s %0/lib/libtool.so $out/lib/libtool.so").other(Example{Name: "tool-1.0"})},
			match: func(s *subject) (string, string, bool) {
				if s.builds || !s.f.sigs.any(sigDontBuild, sigBuildCommand, sigNoCC) {
					return "", "", false
				}
				return s.hitOf(sigSoInstall)
			},
		},
		{
			ID: "use-raw-install", Title: "Installs .bin files that nothing made", Weight: 30, Kind: audit.Firmware, Scope: OnUse,
			Why:      "What is called .bin is for a processor, mostly one of a device; where nothing is compiled it came so.",
			How:      "cp or install of .bin, and the build is switched off or has no compiler.",
			Limits:   "Data of other kinds is called so too: a hint that takes others to suspect.",
			Remedy:   buildIt,
			Positive: []Example{pkg(plain, "dontBuild", "1", "installPhase", "cp card.bin $out"), pkg(plain, "buildPhase", "true", "installPhase", "cp $src/*.bin $out")},
			Negative: []Example{pkg(plain, "installPhase", "install -Dm555 *.bin -t $out/bin"), pkg(plain, "dontBuild", "1", "installPhase", "ln -s %0/card.bin $out/card.bin").other(Example{Name: "card-1.0"})},
			match: func(s *subject) (string, string, bool) {
				if s.builds || !s.f.sigs.any(sigDontBuild, sigNoCC) {
					return "", "", false
				}
				return s.hitOf(sigRawInstall)
			},
		},
		{
			ID: "use-object-install", Title: "Installs images, modules or WebAssembly that nothing made", Weight: 80, Scope: OnUse,
			Why:      "A file of such a type that is copied and not made was committed, or downloaded.",
			How:      "cp or install of .itb .efi .elf .ko .wasm .hcd .fw .ucode .uf2, where the build is switched off, replaced by a build command, or has no compiler.",
			Limits:   "A build command that calls something unknown may compile.",
			Remedy:   buildIt,
			Positive: []Example{pkg("https://github.com/example/tool/archive/v1.0.tar.gz", "dontBuild", "1", "installPhase", "mkdir -p $out\ncp board/edk2.itb $out/")},
			Negative: []Example{pkg(plain, "installPhase", "cp board/edk2.itb $out/"), pkg(plain, "dontBuild", "1", "installPhase", "ln -s %0/tool.efi $out/tool.efi").other(Example{Name: "tool-1.0"}), pkg(plain, "dontBuild", "1", "installPhase", "cp %0/share/tool.efi $out/").other(Example{Name: "tool-1.0"})},
			match: func(s *subject) (string, string, bool) {
				if s.builds || !s.f.sigs.any(sigDontBuild, sigBuildCommand, sigNoCC) {
					return "", "", false
				}
				return s.hitOf(sigObjectInstall)
			},
		},
		{
			ID: "use-packed-app", Title: "Starts a packed application", Weight: 50, Kind: audit.NativeCode, Scope: OnUse,
			Why:      "An .asar taken along is a built application.",
			How:      ".asar files or an Electron launcher, without a JavaScript build.",
			Limits:   "Pure JavaScript is text, if packed.",
			Remedy:   "Build the application from source.",
			Positive: []Example{pkg(plain, "installPhase", "cp resources/app.asar $out/share/tool/")},
			Negative: []Example{pkg(plain, "buildPhase", "yarn run build", "installPhase", "cp dist/app.asar $out/share/tool/")},
			match:    soft(sigAsar, sigElectronRun),
		},
		{
			ID: "use-system-tree", Title: "Takes files out of usr/ or opt/", Weight: 25, Kind: audit.NativeCode, Scope: OnUse,
			Why:      "An archive with usr/ or opt/ at its top is an installed tree.",
			How:      "cp or mv of usr or opt to the output, without compiling.",
			Limits:   "Packages of scripts or data have the same layout.",
			Remedy:   "Build from source.",
			Positive: []Example{pkg(plain, "installPhase", "mv opt $out/\ncp -r usr/share $out")},
			Negative: []Example{pkg(plain, "installPhase", "cp -r share $out")},
			match:    soft(sigMoveUsr),
		},
		{
			ID: "use-preload-path", Title: "Launcher sets a library path", Weight: 25, Kind: audit.NativeCode, Scope: OnUse,
			Why:      "A program that was linked here needs no LD_LIBRARY_PATH.",
			How:      "A wrapper sets LD_LIBRARY_PATH, and nothing is compiled.",
			Limits:   "Interpreters that load libraries by name.",
			Remedy:   buildIt,
			Positive: []Example{pkg(plain, "installPhase", "cp -r . $out/opt\nmakeWrapper $out/opt/tool $out/bin/tool \\\n  --prefix LD_LIBRARY_PATH : $libPath")},
			Negative: []Example{pkg(plain, "postInstall", "wrapProgram $out/bin/tool --prefix LD_LIBRARY_PATH : $libPath")},
			match:    soft(sigLdPath),
		},
		{
			ID: "use-app-bundle", Title: "Installs an application bundle without compiling it", Weight: 60, Kind: audit.NativeCode, Scope: OnUse,
			Why:      "macOS applications are handed out as bundles with their programs inside.",
			How:      "A command of a phase names the output's Applications folder, and nothing is compiled.",
			Limits:   "A bundle that a build not seen in the text makes.",
			Remedy:   buildIt,
			Positive: []Example{pkg("https://example.org/Tool.zip", "installPhase", "mkdir -p $out/Applications\ncp -r *.app $out/Applications"), pkg("https://example.org/Tool.zip", "dontUnpack", "1", "installPhase", "unzip -d $out/Applications $src"), pkg("https://example.org/Tool.zip", "installPhase", "app=\"$out/Applications/Tool.app\"\nmkdir -p \"$app\"\ncp -r . \"$app\"")},
			Negative: []Example{pkg(plain, "buildPhase", "make", "installPhase", "cp -r build/Tool.app $out/Applications"), pkg(plain, "installPhase", "cp tool.desktop $out/share/applications")},
			match:    soft(sigAppBundle),
		},
		{
			ID: "use-machine-path", Title: "Copies from a directory for one machine", Weight: 30, Kind: audit.NativeCode, Scope: OnUse,
			Why:      "Vendors pack their builds for several machines side by side.",
			How:      "A file or directory that is copied to the output has a processor's name, or the word prebuilt, in its path, or is a lib64 or .NET's bin/Release, and nothing is compiled.",
			Limits:   "Build systems have such directories for what they made: a build that the text does not show is not seen.",
			Remedy:   buildIt,
			Positive: []Example{pkg(plain, "installPhase", "cp -r lib64 $out/lib"), pkg(plain, "dontBuild", "1", "installPhase", "cp -r $src/bin/Release/net7.0 $out/share/tool"), pkg(plain, "installPhase", "cp -r bin/x86_64/tool $out/bin"), pkg(plain, "installPhase", "install -D usr/lib/x86_64-linux-gnu/libtool.so $out/lib/libtool.so")},
			Negative: []Example{pkg(plain, "makeFlags", "V=1", "installPhase", "cp out/x86_64/tool $out/bin"), pkg(plain, "installPhase", "cp share/tool $out/bin"), pkg(plain, "installPhase", "cp -r . $out/x86_64")},
			match:    soft(sigMachinePath),
		},
		{
			ID: binaryName, Title: "Package is called binary", Weight: 50, Kind: audit.NativeCode, Scope: OnUse,
			Why:      "nixpkgs' convention for a package that repackages a prebuilt program is the suffix -bin.",
			How:      "bin, binary, prebuilt, appimage or the like at the end of the package's name, before or after the version, or of its pname, without compiling.",
			Limits:   "Fonts and scripts are called so too.",
			Remedy:   buildIt,
			Positive: []Example{pkg(plain, "installPhase", "cp tool $out/bin").named("tool-bin-1.0"), pkg(plain, "installPhase", "cp tool $out/bin").named("tool-1.0-binary"), pkg(plain, "pname", "tool-bin-unwrapped", "installPhase", "cp tool $out/bin"), pkg(plain, "pname", "tool-bin", "postInstall", "cp -r * $out/lib")},
			Negative: []Example{pkg(plain, "pname", "bin-tool", "installPhase", "cp tool $out/bin").named("binutils-1.0"), pkg(plain, "pname", "tool-bin", "configureFlags", "--disable-static").named("tool-bin-1.0")},
			match: func(s *subject) (string, string, bool) {
				if s.builds || len(s.f.fetchURLs()) > 0 {
					return "", "", false
				}
				if at, detail, ok := s.hitOf(sigBinName); ok {
					return at, detail, true
				}
				n := stem(s.name)
				return "name", s.name, binName(n) || binName(s.name) || strings.HasPrefix(n, "binary-")
			},
		},
	}
}
