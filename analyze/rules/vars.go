package rules

import (
	"slices"
	"strings"

	"fromsource/closure"
)

// known are variable names that occur in most derivations: shared, not copied.
var known = func() map[string]string {
	m := map[string]string{}
	for _, k := range strings.Fields(`src srcs installPhase buildPhase buildCommand unpackPhase configurePhase patchPhase postPatch
		prePatch preConfigure postConfigure preBuild postBuild preInstall postInstall preFixup postFixup fixupPhase
		postUnpack preUnpack unpackCmd phases configureFlags makeFlags installFlags buildFlags nativeBuildInputs buildInputs
		propagatedBuildInputs propagatedNativeBuildInputs patches dontBuild dontStrip dontPatchELF dontUnpack dontAutoPatchelf
		libPath rpath LD_LIBRARY_PATH postFetch buildInputs name pname version out outputs system stdenv builder
		cmakeFlags mesonFlags cargoDeps goModules passAsFile script text checkPhase installCheckPhase distPhase
		installTargets buildFlagsArray startScript runScript depsBuildBuild preDistPhases sourceRoot setSourceRoot`) {
		m[k] = k
	}
	return m
}()

func intern(k string) string {
	if s, ok := known[k]; ok {
		return s
	}
	return strings.Clone(k)
}

// variable reads one variable of a package's environment.
func (x *extractor) variable(key, value string) {
	switch key {
	case "src", "srcs":
		x.refsIn(value, refSrc)
		for _, r := range x.f.refs {
			if r.how == refSrc && !slices.Contains(x.d.InputSrcs, r.path) {
				x.f.sigs.set(sigSource)
			}
		}
		return
	case "patches":
		x.refsIn(value, refPatch)
		return
	case "out", "outputs", "system", "stdenv", "name", "version", "builder", "PATH_DUMMY", "impureEnvVars", "allowedReferences", "disallowedReferences",
		"exportReferencesGraph", "closureInfo", "meta", "SSL_CERT_FILE", "passAsFile":
		return
	case "nativeBuildInputs", "buildInputs", "propagatedBuildInputs", "propagatedNativeBuildInputs", "depsBuildBuild",
		"depsBuildBuildPropagated", "depsBuildTarget", "depsHostHost", "depsTargetTarget", "checkInputs", "nativeCheckInputs", "propagatedUserEnvPkgs":
		x.refsIn(value, refTool)
		x.tools(value)
		return
	case "dontBuild":
		if on(value) {
			x.hit(sigDontBuild, "dontBuild is set")
		}
		return
	case "dontStrip":
		if on(value) {
			x.hit(sigDontStrip, "dontStrip is set")
		}
		return
	case "dontPatchELF", "dontAutoPatchelf", "autoPatchelfIgnoreMissingDeps", "runtimeDependencies", "appendRunpaths":
		// The last two are read by the hook, which is then among the inputs;
		// packages have variables of these names for themselves as well.
		if key == "dontPatchELF" && on(value) {
			x.hit(sigDontPatchELF, "dontPatchELF is set")
		}
		if key == "autoPatchelfIgnoreMissingDeps" {
			x.hit(sigAutoPatchelf, key+" is set")
		}
		return
	case "dontUnpack":
		return
	case "phases":
		x.phases(value)
		return
	case "gappsWrapperArgs", "qtWrapperArgs", "makeWrapperArgs":
		commands("wrapProgram x y "+value, x.command)
		return
	case "configureFlags", "cmakeFlags", "mesonFlags", "configureScript", "qmakeFlags", "setupCompilerEnvironmentPhase", "configureFlagsArray":
		if strings.Contains(value, "lib/firmware") {
			x.hit(sigFirmwareDir, value)
		}
		x.hit(sigConfigure, value)
		return
	case "makeFlags", "installFlags", "buildFlags", "installTargets", "buildTargets", "makefile":
		if strings.Contains(value, "lib/firmware") {
			x.hit(sigFirmwareDir, value)
		}
		if !strings.HasPrefix(key, "install") {
			x.hit(sigMakeFlags, value)
		}
		return
	case "cargoDeps", "cargoSha256", "cargoHash", "cargoBuildType", "cargoVendorDir", "cargoRoot", "cargoLock":
		x.hit(sigRustBuild, key+" is set")
	case "goPackagePath", "goModules", "modSha256", "vendorSha256", "vendorHash", "GO111MODULE", "goDeps", "subPackages", "GOFLAGS":
		x.hit(sigGoBuild, key+" is set")
	case "npmDeps", "yarnOfflineCache", "pnpmDeps", "offlineCache", "npmDepsHash", "mvnHash", "fetchedMavenDeps", "nugetDeps", "dotnetProjectFiles", "dotnetBuildType":
		x.hit(sigNodeBuild, key+" is set")
	case "isLibrary", "isExecutable", "setupCompileFlags":
		x.hit(sigHaskellBuild, key+" is set")
	}
	switch {
	case isScript(key):
		if x.noBuild && (key == "buildPhase" || key == "preBuild" || key == "postBuild") {
			return
		}
		x.ownPhase(key, value)
		x.script(value)
		return
	case isLibPath(key) && strings.Count(value, "/lib") >= 3 && strings.Count(value, ":") >= 2 && strings.Contains(value, "/store/"):
		x.hit(sigLibPath, value)
		return
	}
	if key == "text" && strings.HasPrefix(value, "#!") {
		// A launcher that is written out as it stands here.
		x.script(value)
		return
	}
	if len(value) < 4096 && strings.Contains(value, "/store/") {
		x.refsIn(value, refVar)
	}
	if strings.Contains(value, "nix-support/dynamic-linker") || strings.Contains(value, "/ld-linux") {
		x.hit(sigLoader, value)
	}
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
	}
}

// tools reads the inputs of a list of store paths by their names.
func (x *extractor) tools(v string) {
	x.f.sigs.set(sigTools)
	for _, p := range strings.Fields(v) {
		n := closure.NameOf(rootOf(p))
		for _, o := range [...]string{"-dev", "-bin", "-lib", "-out"} {
			n = strings.TrimSuffix(n, o)
		}
		x.input(n)
	}
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

// emptyPhase is a phase of only hooks, echo, true, or nothing.
func emptyPhase(v string) bool {
	empty := true
	commands(v, func(argv []string) {
		switch argv[0] {
		case "runHook", "echo", "true", ":":
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

// refsIn notes the store paths of a value.
func (x *extractor) refsIn(v string, how refHow) {
	for {
		i := strings.Index(v, "/store/")
		if i < 0 {
			return
		}
		// The store directory's start: back to the nearest separator.
		s := i
		for s > 0 && !isSep(v[s-1]) {
			s--
		}
		e := i + 7
		for e < len(v) && isNameByte(v[e]) {
			e++
		}
		if e-i-7 > 33 {
			x.ref(v[s:e], how)
		}
		v = v[e:]
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
