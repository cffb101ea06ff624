package rules

// builds says that a derivation compiles what it installs, as far as its own
// text tells.
func builds(f *Facts) bool {
	if f.sigs.any(sigCompile, sigJavaBuild, sigDotnetBuild, sigGoBuild, sigRustBuild, sigHaskellBuild, sigOcamlBuild, sigPythonBuild, sigPerlBuild, sigRubyBuild, sigNodeBuild) {
		return true
	}
	if f.sigs.has(sigDontBuild) {
		return false
	}
	if f.sigs.has(sigNoCC) {
		return f.sigs.any(sigBuildTool)
	}
	return f.sigs.any(sigBuildTool, sigDefaultMake, sigMakeFlags, sigCC)
}
