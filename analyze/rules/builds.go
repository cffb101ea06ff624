package rules

import "strings"

// onlyInstalls says that the default phases of a package of firmware, or of
// one that calls itself prebuilt or has its programs patched, find nothing to
// compile: it asks for no tool and gives make no flags but those to install.
func onlyInstalls(f *Facts, name string) bool {
	return (firmwareName(name) || f.sigs.any(sigBinName, sigAutoPatchelf)) && !f.sigs.any(sigBuildTool, sigMakeFlags, sigConfigure, sigCC, sigCompile)
}

// builds says that a derivation compiles what it installs, as far as its own
// text tells.
func builds(f *Facts, name string) bool {
	if f.sigs.any(sigCompile, sigJavaBuild, sigDotnetBuild, sigGoBuild, sigRustBuild, sigHaskellBuild, sigOcamlBuild, sigPythonBuild, sigPerlBuild, sigRubyBuild, sigNodeBuild) {
		return true
	}
	if f.sigs.has(sigDontBuild) {
		return false
	}
	if onlyInstalls(f, name) || opensPackage(f) {
		return false
	}
	if f.sigs.has(sigCalledTool) && (!f.sigs.has(sigCustomInstall) || f.sigs.has(sigCustomScript) && !f.sigs.has(sigBuildCommand)) {
		return true
	}
	if f.sigs.has(sigNoCC) {
		return f.sigs.any(sigBuildTool, sigOwnBuild)
	}
	return f.sigs.any(sigBuildTool, sigDefaultMake, sigMakeFlags, sigCC, sigOwnBuild, sigEditsSource)
}

// binName says that a name ends, up to what nixpkgs adds for the inner part of
// a wrapped package, in the suffix that it has for prebuilt programs.
func binName(name string) bool {
	for _, w := range [...]string{"-unwrapped", "-wrapped", "-original"} {
		name = strings.TrimSuffix(name, w)
	}
	switch name[strings.LastIndexByte(name, '-')+1:] {
	case "bin", "binary", "bins", "binaries", "prebuilt", "prebuild", "precompiled", "appimage", "blob", "blobs":
		return strings.IndexByte(name, '-') > 0
	}
	return false
}

// opensPackage says that the source is a package of a distribution, and that
// what the text then does is to put files in their places: what would compile
// among the inputs is a library there.
func opensPackage(f *Facts) bool {
	return f.sigs.any(sigDeb, sigRpm) && f.sigs.has(sigCustomInstall) && !f.sigs.any(sigCompile, sigCC, sigMakeFlags, sigConfigure, sigOwnBuild, sigBuildHook)
}

// packsPython says that what is patched to run is in a package of Python, for
// which nothing but Python's own tools are asked: they pack libraries that lie
// in the source. A program that a phase patches by its name may be for the tests.
func packsPython(f *Facts) bool {
	return f.sigs.has(sigAutoPatchelf) && f.sigs.has(sigBuildTool) && !f.sigs.any(sigNativeTool, sigCompile, sigCC)
}
