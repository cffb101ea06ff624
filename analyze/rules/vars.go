package rules

import (
	"strings"

	"fromsource/closure"
)

// varClass is what a variable is for, by its name.
type varClass uint8

const (
	classPlain      varClass = iota // of no known meaning
	classSkip                       // says nothing that a rule asks for
	classSource                     // what is unpacked and built
	classPatches                    // patches to it
	classTools                      // a list of inputs
	classSwitch                     // switches something off where it is set
	classPhases                     // the phases that run, by name
	classWrap                       // arguments for a wrapper
	classFlags                      // flags for configure, make and the like
	classScript                     // shell text that the build runs
	classLibPath                    // may be a library path made for patching
	classSourceRoot                 // the directory that unpacking leaves
)

// classify says what the variable called key is for. sig, where it is not
// sigNone, is what it says by being set.
func classify(key string) (class varClass, sig signal) {
	switch key {
	case "src", "srcs":
		return classSource, sigNone
	case "patches":
		return classPatches, sigNone
	case "out", "outputs", "system", "stdenv", "name", "version", "builder", "PATH_DUMMY", "impureEnvVars", "allowedReferences", "disallowedReferences",
		"exportReferencesGraph", "closureInfo", "meta", "SSL_CERT_FILE", "passAsFile", "dontUnpack":
		return classSkip, sigNone
	case "nativeBuildInputs", "buildInputs", "propagatedBuildInputs", "propagatedNativeBuildInputs", "depsBuildBuild",
		"depsBuildBuildPropagated", "depsBuildTarget", "depsHostHost", "depsTargetTarget", "checkInputs", "nativeCheckInputs", "propagatedUserEnvPkgs":
		return classTools, sigNone
	case "dontBuild":
		return classSwitch, sigDontBuild
	case "dontStrip":
		return classSwitch, sigDontStrip
	case "dontPatchELF":
		return classSwitch, sigDontPatchELF
	case "dontFixup":
		return classSwitch, sigDontFixup
	case "dontAutoPatchelf", "runtimeDependencies", "appendRunpaths":
		// The last two are read by the hook, which is then among the inputs;
		// packages have variables of these names for themselves as well.
		return classSkip, sigNone
	case "autoPatchelfIgnoreMissingDeps":
		return classSkip, sigAutoPatchelf
	case "phases":
		return classPhases, sigNone
	case "gappsWrapperArgs", "qtWrapperArgs", "makeWrapperArgs":
		return classWrap, sigNone
	case "configureFlags", "cmakeFlags", "mesonFlags", "configureScript", "qmakeFlags", "setupCompilerEnvironmentPhase", "configureFlagsArray":
		return classFlags, sigConfigure
	case "sourceRoot":
		return classSourceRoot, sigNone
	case "setSourceRoot":
		return classScript, sigNone
	case "desktopItem", "desktopItems":
		return classPlain, sigMenuEntry
	case "makeFlags", "buildFlags", "buildTargets", "makefile":
		return classFlags, sigMakeFlags
	case "installFlags", "installTargets":
		return classFlags, sigNone
	case "cargoDeps", "cargoSha256", "cargoHash", "cargoBuildType", "cargoVendorDir", "cargoRoot", "cargoLock":
		sig = sigRustBuild
	case "goPackagePath", "goModules", "modSha256", "vendorSha256", "vendorHash", "GO111MODULE", "goDeps", "subPackages", "GOFLAGS":
		sig = sigGoBuild
	case "npmDeps", "yarnOfflineCache", "pnpmDeps", "offlineCache", "npmDepsHash", "mvnHash", "fetchedMavenDeps", "nugetDeps", "dotnetProjectFiles", "dotnetBuildType":
		sig = sigNodeBuild
	case "gradleBuildTask", "gradleBuildFlags", "gradleFlags", "mvnParameters":
		sig = sigJavaBuild
	case "isLibrary", "isExecutable", "setupCompileFlags":
		sig = sigHaskellBuild
	}
	switch {
	case isScript(key):
		return classScript, sig
	case isLibPath(key):
		return classLibPath, sig
	}
	return classPlain, sig
}

// variable reads one variable of a package's environment, whose value is not
// empty.
func (x *extractor) variable(v *variable, value string) {
	switch v.class {
	case classSource:
		x.refsIn(value, refSrc)
		for _, r := range x.refs {
			if r.how == refSrc && !x.inputSource(r.path) {
				x.f.sigs.set(sigSource)
			}
		}
		return
	case classPatches:
		x.refsIn(value, refPatch)
		return
	case classTools:
		for p := range strings.FieldsSeq(value) {
			x.replay(x.memo.tools.ofPath(x, p, x.tool))
		}
		return
	case classSwitch:
		if on(value) {
			x.hit(v.sig, v.name+" is set")
		}
		return
	case classPhases:
		x.phases(value)
		return
	case classSourceRoot:
		if value == "." || value == "./" {
			x.hit(sigFlatSource, "sourceRoot is "+value)
		}
		return
	case classWrap:
		commandsIn(&x.words, "wrapProgram x y "+value, x.command)
		return
	case classFlags:
		if strings.Contains(value, "lib/firmware") {
			x.hit(sigFirmwareDir, value)
		}
		if v.sig != sigNone && !(v.sig == sigMakeFlags && onlyDestination(value)) {
			x.hit(v.sig, value)
		}
		return
	}
	if v.sig != sigNone {
		x.hit(v.sig, v.name+" is set")
	}
	switch {
	case v.class == classSkip:
		return
	case v.class == classScript:
		if x.noBuild && v.builds {
			return
		}
		x.ownPhase(v.name, value)
		x.script(value)
		return
	case v.class == classLibPath && strings.Count(value, "/lib") >= 3 && strings.Count(value, ":") >= 2 && strings.Contains(value, "/store/"):
		x.hit(sigLibPath, value)
		return
	}
	if x.launcher(v.name, value) {
		x.script(value)
		for _, s := range launches {
			if x.f.sigs.has(s) {
				x.f.hook.set(s)
			}
		}
		return
	}
	if len(value) < 4096 {
		how := refVar
		switch v.name {
		case "paths", "pkgs", "chosenOutputs":
			how = refUnion // of buildEnv and symlinkJoin
		}
		x.refsIn(value, how)
	}
	if strings.Contains(value, "nix-support/dynamic-linker") || strings.Contains(value, "/ld-linux") {
		x.hit(sigLoader, value)
	}
}

// launches are the signals of launchers that hold for what takes them along.
var launches = [...]signal{sigJavaRun, sigJavaHome, sigMonoRun, sigElectronRun, sigWineRun, sigLdPath}

// launcher says that a variable is a script that is written out as it stands:
// with its first line, or with the shell that a writer of scripts puts there.
func (x *extractor) launcher(name, value string) bool {
	return name == "text" && strings.HasPrefix(value, "#!") || name == "content" && strings.HasSuffix(x.attrs.Get("interpreter"), "sh")
}

// onlyDestination says that flags tell make nothing but below which root to
// install, which a makefile with nothing to build needs too.
func onlyDestination(flags string) bool {
	for _, w := range strings.Fields(flags) {
		if !strings.HasPrefix(w, "DESTDIR=") {
			return false
		}
	}
	return true
}

// on is how a shell's [ -n "$x" ] sees a variable that Nix wrote.
func on(v string) bool { return v != "" && v != "0" && v != "false" }

// isScript says that a variable holds shell text which the build runs.
func isScript(key string) bool {
	switch key {
	case "buildCommand", "unpackCmd", "installCommand", "buildScript", "script", "builderScript", "shellHook", "setupHook", "command", "preFixupPhases":
		return key != "shellHook" && key != "preFixupPhases"
	case "startScript", "runScript":
		return true
	}
	if strings.HasSuffix(key, "Phase") || strings.HasSuffix(key, "Script") || strings.HasSuffix(key, "Command") {
		return true
	}
	for _, p := range [...]string{"pre", "post"} {
		if len(key) > len(p) && strings.HasPrefix(key, p) && key[len(p)] >= 'A' && key[len(p)] <= 'Z' {
			return true
		}
	}
	return false
}

func isLibPath(key string) bool {
	if strings.HasPrefix(key, "NIX_") || strings.HasSuffix(key, "Flags") || strings.HasSuffix(key, "Inputs") || strings.HasSuffix(key, "Args") {
		return false
	}
	low := strings.ToLower(key)
	return strings.Contains(low, "libpath") || strings.Contains(low, "rpath") || strings.Contains(low, "runpath") ||
		strings.Contains(low, "library_path") || strings.Contains(low, "librarypath") || strings.Contains(low, "libs") || low == "deps" || strings.Contains(low, "lib_path")
}

// ownPhase notes which of stdenv's phases the package replaced.
func (x *extractor) ownPhase(key, value string) {
	switch key {
	case "installPhase", "buildCommand":
		if key == "buildCommand" {
			x.hit(sigBuildCommand, value)
		}
		if !genericInstall(value) {
			x.hit(sigCustomInstall, value)
		}
		if strings.Contains(value, "genericBuild") {
			return
		}
	case "buildPhase":
		if x.buildInstalls {
			x.hit(sigBuildCommand, value)
			x.hit(sigCustomInstall, value)
		} else if emptyPhase(value) {
			x.hit(sigDontBuild, "buildPhase does nothing")
		}
	case "preBuild", "postBuild", "preConfigure", "postConfigure":
		x.hit(sigBuildHook, value)
	case "unpackPhase", "unpackCmd":
		if oneFile(value) && x.attrs.Get("buildPhase") == "" && x.attrs.Get("makeFlags") == "" && x.attrs.Get("buildFlags") == "" {
			x.hit(sigDontBuild, key+" puts one file in place: there is nothing to make")
		}
	}
}

// tool reads one of a list of inputs, by its name.
func (x *extractor) tool(p string) {
	x.refsIn(p, refTool)
	n := closure.NameOf(rootOf(p))
	for _, o := range [...]string{"-dev", "-bin", "-lib", "-out"} {
		n = strings.TrimSuffix(n, o)
	}
	x.input(n)
}

// buildsIn says that a list of phases has one that builds.
func buildsIn(phases string) bool {
	low := strings.ToLower(phases)
	return strings.Contains(low, "build") || strings.Contains(low, "compile") || strings.Contains(low, "make")
}

// genericInstall says that an install phase still leaves it to make.
func genericInstall(v string) bool {
	return strings.Contains(v, "make install") || strings.Contains(v, "ninja install") || strings.Contains(v, "meson install") || strings.Contains(v, "cmake --install")
}

// oneFile says that an unpack phase decompresses or copies the source to one
// file, which is no source of a compiled language.
func oneFile(v string) bool {
	one, more := false, false
	commands(v, func(argv []string) {
		from, to := "", argv[len(argv)-1]
		switch argv[0] {
		case "runHook", "mkdir", "chmod", "cd", "export", ":":
			return
		case "gunzip", "zcat", "bunzip2", "bzcat", "xzcat", "unxz", "gzip", "bzip2", "xz", "zstd", "cp", "ln", "install":
			for _, w := range argv[1 : len(argv)-1] {
				switch {
				case w == "$src" || w == "${src}" || w == "$curSrc" || strings.Contains(w, "/store/"):
					from = w
				case w != ">" && w[0] != '-' || strings.ContainsAny(w, "rRa") && w[0] == '-' && argv[0] == "cp":
					more = true
				}
			}
		}
		if from == "" || sourceFile(to) {
			more = true
		}
		one = true
	})
	return one && !more
}

// sourceFile says that a file is one of a language that is compiled.
func sourceFile(name string) bool {
	_, ext := fileType(strings.ToLower(name))
	switch ext {
	case ".c", ".cc", ".cpp", ".cxx", ".h", ".m", ".rs", ".go", ".hs", ".ml", ".java", ".f", ".f90", ".pas", ".d", ".nim", ".cr", ".zig", ".s", ".asm", ".lisp", ".scm", ".tex":
		return true
	}
	return false
}

// emptyPhase is a phase that makes nothing: of only hooks, and commands that
// put files into other places, change text or modes, or unpack.
func emptyPhase(v string) bool {
	empty := true
	commands(v, func(argv []string) {
		switch argv[0] {
		case "runHook", "echo", "true", ":", "cd", "pushd", "popd", "mkdir", "rm", "rmdir", "mv", "cp", "ln", "touch", "chmod", "export", "local", "set", "shopt", "test", "[", "[[",
			"sed", "substituteInPlace", "substitute", "patchShebangs", "dos2unix", "unzip", "tar", "gunzip", "bunzip2", "unxz", "dpkg", "dpkg-deb", "rpm2cpio", "rpmextract", "cpio", "7z", "patchelf", "autoPatchelf", "wrapProgram", "makeWrapper", "for", "done", "fi", "case", "esac", "return":
		default:
			empty = false
		}
	})
	return empty
}

// phases reads an explicit list of phases.
func (x *extractor) phases(v string) {
	if !buildsIn(v) {
		x.hit(sigDontBuild, "phases without a build: "+v)
	}
}

func isSep(c byte) bool {
	switch c {
	case ' ', '\t', '\n', '"', '\'', ':', '=', ',', ';', '(', '[', '{', '<', '>', '|', '!', '`', '@', '&':
		return true
	}
	return false
}

// isNameByte says which bytes a store path's name may have.
func isNameByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("+-._?=", c) >= 0
}
