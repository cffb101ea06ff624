package rules

import "strings"

// signal is one observation in a derivation's text: small, so that facts of
// a hundred thousand derivations stay small. What it means is said by the
// rule that uses it.
type signal uint8

const (
	sigNone signal = iota

	// What a build does with compiled files it did not make.
	sigInterpreter   // patchelf is given an interpreter
	sigPatchelf      // patchelf is run, for anything else (rpath, needed)
	sigAutoPatchelf  // autoPatchelfHook among the inputs, or its function run
	sigLoader        // the dynamic loader's path is taken (nix-support/dynamic-linker, ld-linux)
	sigLibPath       // a variable holds a library path made for patching
	sigDeb           // a Debian package is unpacked
	sigRpm           // an RPM package is unpacked
	sigDebTool       // dpkg, rpmextract and the like among the inputs
	sigAppImage      // an AppImage is unpacked or run
	sigInstaller     // a self-extracting installer is run or unpacked
	sigUpx           // an executable packer is undone
	sigMsi           // a Windows or macOS installer is unpacked
	sigAsar          // an Electron archive is taken along
	sigJavaRun       // a Java runtime is given a jar, class path or main class
	sigJavaHome      // a launcher gets JAVA_HOME or a Java runtime in its PATH
	sigJarInstall    // jars are copied to the output
	sigMonoRun       // mono or dotnet is given an assembly
	sigDllInstall    // .dll or .exe files are copied
	sigSoInstall     // shared libraries are copied by name
	sigElectronRun   // electron or another runtime is given a packed app
	sigFirmwareDir   // files go to lib/firmware or the like
	sigCopySrc       // $src itself is installed as a program
	sigCopyTree      // the whole unpacked tree is copied to the output
	sigCopyBin       // single files are copied to bin
	sigDontBuild     // dontBuild, or phases without a build
	sigDontStrip     // dontStrip
	sigDontPatchELF  // dontPatchELF, dontAutoPatchelf
	sigCustomInstall // an installPhase or buildCommand of its own
	sigCustomScript  // the builder is a script of the package's own
	sigMoveUsr       // files are taken out of usr/ or opt/ of an unpacked package
	sigLdPath        // a launcher gets LD_LIBRARY_PATH

	// What speaks for compiling.
	sigCompile     // a build system is run in the text
	sigCC          // a compiler is called directly
	sigJava        // a Java runtime or development kit is among the inputs
	sigMono        // mono or dotnet is among the inputs
	sigBuildHook   // preBuild and the like: there is a build to hook into
	sigBuildTool   // a compiler or build system is among the inputs
	sigJavaBuild   // javac, ant, maven, gradle, sbt … in text or inputs
	sigDotnetBuild // msbuild, xbuild, dotnet build
	sigDefaultMake // phases as stdenv has them: configure, make, make install
	sigGoBuild
	sigRustBuild
	sigPythonBuild
	sigHaskellBuild
	sigOcamlBuild
	sigNodeBuild
	sigRubyBuild
	sigPerlBuild
	sigConfigure     // configure flags given
	sigMakeFlags     // make flags given
	sigFont          // fonts, icons, themes are installed
	sigNoCC          // the standard environment has no compiler
	sigBuildCommand  // a buildCommand stands in for all phases
	sigTools         // inputs are given in the usual variables
	sigSource        // a source is given that is no file beside the expression
	sigInterpreted   // an interpreter, or a script by its name, is mentioned
	sigOutBin        // a command names a file in the output's bin
	sigUnpackSrc     // the source is unpacked by a command
	sigMoveAll       // all that was unpacked becomes the output
	sigAppBundle     // something goes to the output's Applications folder
	sigMachinePath   // what is copied lies under a directory for one machine
	sigEarlyPatch    // patchelf sets an interpreter before anything is built
	sigCalledTool    // a build tool that builds only where it is called
	sigWineRun       // wine is given a program, or is in a launcher's path
	sigJarNamed      // jars are named by a command that does not copy them
	sigBatchFiles    // launchers for another system are removed
	sigOwnBuild      // the build phase runs a program of the package's own
	sigBinName       // the package's own name ends in -bin
	sigLibrary       // an input that is none of the tools that unpack or wrap
	sigAddsRpath     // a library path is added to the one that the linker wrote
	sigDontFixup     // dontFixup
	sigObjectInstall // files of compiled types are copied by name
	sigInnerPackage  // an installer or package that lies in the source is opened
	sigEditsSource   // files of a compiled language, or a makefile, are edited before the build
	sigOwnDownload   // the text itself downloads, as no fetcher would
	sigWebArchive    // a directory that web applications of Java have is named
	sigRawInstall    // files of type .bin are copied
	sigFlatSource    // the source has no directory at its top
	sigMenuEntry     // an entry for a desktop's menu is made or installed
	sigCLibrary      // a library of C, or a hook for programs that need many, is an input
	sigBinDir        // a directory called bin is copied as it is
	sigForeignRun    // a program is started in an environment for foreign programs
	sigBinaryEdit    // compiled files are edited
	sigCopyPath      // a store path itself is installed
	sigPluginDir     // files go to where programs look for compiled plugins
	sigJavaBridge    // an interpreted language's way to call Java is an input
	sigNativeTool    // one of the build tools is not only for packing Python
	sigHandsOver     // another package's program is given the source to install it

	numSignals
)

// hit is a signal with its place.
type hit struct {
	sig signal
	// at is the variable ("env.installPhase") or "inputDrvs".
	at string
	// detail is a short quote.
	detail string
}

const maxDetail = 96

// clip copies a short quote out of a longer text, on one line.
func clip(s string) string {
	s = strings.TrimSpace(s)
	if i := strings.IndexByte(s, '\n'); i >= 0 {
		s = s[:i]
	}
	if len(s) > maxDetail {
		s = s[:maxDetail]
		// Not in the middle of a rune.
		for len(s) > 0 && s[len(s)-1]&0xC0 == 0x80 {
			s = s[:len(s)-1]
		}
		return s + "…"
	}
	return strings.Clone(s)
}

// bits is a set of signals.
type bits [(int(numSignals) + 63) / 64]uint64

func (b *bits) set(s signal)     { b[s>>6] |= 1 << (s & 63) }
func (b bits) has(s signal) bool { return b[s>>6]&(1<<(s&63)) != 0 }

func (b bits) any(ss ...signal) bool {
	for _, s := range ss {
		if b.has(s) {
			return true
		}
	}
	return false
}
