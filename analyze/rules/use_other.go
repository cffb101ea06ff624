package rules

import (
	"strings"

	"fromsource/analyze/audit"
)

const javaRun = "makeWrapper %0/bin/java $out/bin/tool --add-flags \"-jar $out/share/tool.jar\""

// readyPrograms is the id of the rule that goes by what is not said.
const readyPrograms = "use-ready-programs"

// defaultPhases is the id of the rule for builds that say nothing.
const defaultPhases = "from-default-phases"

// useOtherRules look for bytecode, firmware, and hints of no certain kind.
func useOtherRules() []Rule {
	jdk := Example{Name: "openjdk-11.0.7"}
	plainSrc := dl(plain)
	mono := Example{Name: "mono-5.20"}
	return []Rule{
		{
			ID: "use-java-launcher", Title: "Starts a jar with a Java runtime", Weight: 60, Kind: audit.Bytecode, Scope: OnUse,
			Why:      "A launcher for a jar that nothing here compiled starts a downloaded one.",
			How:      "A wrapper or launcher of java with -jar or a class path, with no compiler or build tool in inputs or phases.",
			Limits:   "Jars that an input, built from source, brings along.",
			Remedy:   "Compile the program with its own build tool.",
			Positive: []Example{pkg(plain, "installPhase", javaRun).other(jdk), pkg(plain, "installPhase", "cat > $out/bin/tool <<EOF\nexec %0/bin/java -jar $out/tool.jar\nEOF").other(jdk), pkg(plain, "jre", "%0", "installPhase", "echo 'exec $jre/bin/java -jar tool.jar' > tool\nexec $jre/bin/java -jar tool.jar").other(jdk)},
			Negative: []Example{pkg(plain, "buildPhase", "ant dist", "installPhase", javaRun).other(jdk), pkg(plain, "buildPhase", "java -jar tool.jar")},
			match:    soft(sigJavaRun),
		},
		{
			ID: "use-java-home", Title: "Launcher is given a Java runtime", Weight: 40, Kind: audit.Bytecode, Scope: OnUse,
			Why:      "Scripts of a binary release look for JAVA_HOME or java in PATH.",
			How:      "A phase names a Java runtime's store path or sets JAVA_HOME, and nothing is compiled.",
			Limits:   "Programs in other languages that call Java.",
			Remedy:   "Compile the program with its own build tool.",
			Positive: []Example{pkg(plain, "installPhase", "cp -r . $out\nwrapProgram $out/bin/tool --set JAVA_HOME %0").other(jdk), pkg(plain, "installPhase", "sed -i s,/usr/bin/java,%0/bin/java, bin/tool\ncp -r . $out").other(jdk)},
			Negative: []Example{pkg(plain, "postInstall", "wrapProgram $out/bin/tool --set JAVA_HOME %0").other(jdk)},
			match:    soft(sigJavaHome),
		},
		{
			ID: "use-java-input", Title: "Java runtime among the inputs, nothing compiles", Weight: 20, Kind: audit.Bytecode, Scope: OnUse,
			Why:      "A program that needs a Java runtime and compiles nothing was compiled elsewhere.",
			How:      "A Java runtime or development kit among the inputs, and no build.",
			Limits:   "Scripts that call a Java program.",
			Remedy:   "Compile the program with its own build tool.",
			Positive: []Example{pkg(plain, "installPhase", "cp -r . $out").tools("openjdk-8u242")},
			Negative: []Example{pkg(plain, "installPhase", "cp -r . $out").tools("openjdk-8u242", "gradle-8.10"), pkg(plain, "buildPhase", "mvn package", "installPhase", "cp -r . $out").tools("openjdk-8u242", "apache-maven-3.6")},
			match:    soft(sigJava),
		},
		{
			ID: "use-java-tree", Title: "Copies everything, and has a Java runtime among the inputs", Weight: 5, Kind: audit.Bytecode, Scope: OnUse,
			Why:      "A release that is complete as it is unpacked and needs Java is compiled classes.",
			How:      "The whole tree is copied to the output, a Java runtime is among the inputs, and nothing is compiled.",
			Limits:   "Scripts that call a Java program: a hint that takes others to suspect.",
			Remedy:   "Compile the program with its own build tool.",
			Positive: []Example{pkg(plain, "phases", "unpackPhase installPhase", "installPhase", "cp -r . $out", "jre", "%0").other(Example{Name: "openjdk-11.0.7"})},
			Negative: []Example{pkg(plain, "dontBuild", "1", "installPhase", "install bin/tool $out/bin").tools("openjdk-11.0.7"), pkg(plain, "installPhase", "cp -r . $out")},
			match: func(s *subject) (string, string, bool) {
				if s.builds || !s.f.sigs.has(sigJava) {
					return "", "", false
				}
				return s.hitOf(sigCopyTree)
			},
		},
		{
			ID: "use-jar-install", Title: "Installs jars without compiling any", Weight: 50, Kind: audit.Bytecode, Scope: OnUse,
			Why:      "A jar that is copied and not made was downloaded.",
			How:      "cp or install of *.jar, one by one or together, or of the source to a file of that name, with no compiler or build tool in inputs or phases.",
			Limits:   "A build that the text does not show is not seen.",
			Remedy:   "Compile the classes.",
			Positive: []Example{pkg(plain, "installPhase", "mkdir -p $out/share/java\ncp lib/*.jar $out/share/java"), pkg(plain, "installPhase", "cp -r target/* $out/share/java"), pkg(plain, "dontBuild", "1", "installPhase", "for f in plugins/*.jar; do cp $f $out/; done"), pkg(plain, "installPhase", "cp *.jar $out/lib").tools("apache-ant-1.9"), pkg("https://example.org/tool-1.0-war.zip", "buildCommand", "cp $src $out/webapps/tool.war")},
			Negative: []Example{pkg(plain, "installPhase", "cp -r target/* $out/share/javascript"), pkg(plain, "installPhase", "cp list $out/share/tool.jar.list"), pkg(plain, "buildPhase", "javac *.java; jar cf tool.jar *.class", "installPhase", "cp tool.jar $out/share/java")},
			match:    soft(sigJarInstall),
		},
		{
			ID: "use-jar-named", Title: "Names jars and compiles none", Weight: 30, Kind: audit.Bytecode, Scope: OnUse,
			Why:      "Jars that a phase removes, searches or edits were in the archive.",
			How:      "A command other than one that copies has a .jar as a word, jars are neither installed nor started by name, and nothing is compiled.",
			Limits:   "Programs in other languages that come with a jar, and drop it.",
			Remedy:   "Compile the classes.",
			Positive: []Example{pkg(plain, "installPhase", "rm lib/test.jar\ncp -r . $out"), pkg(plain, "installPhase", "cp -r . $out\nfor j in `find $out/lib -name \"*.jar\"`; do echo $j; done")},
			Negative: []Example{pkg(plain, "postInstall", "rm $out/lib/test.jar"), pkg(plain, "installPhase", "cp lib/*.jar $out/share/java; chmod 644 $out/share/java/*.jar"), pkg(plain, "installPhase", "cp -r . $out")},
			match: func(s *subject) (string, string, bool) {
				if s.builds || s.f.sigs.any(sigJarInstall, sigJavaRun) {
					return "", "", false
				}
				return s.hitOf(sigJarNamed)
			},
		},
		{
			ID: "use-web-application", Title: "Takes a Java web application along", Weight: 40, Kind: audit.Bytecode, Scope: OnUse,
			Why:      "WEB-INF and webapps are where servers for Java find what was compiled for them; conf/server.xml tells such a server where.",
			How:      "A phase copies webapps to the output, or names a file below WEB-INF or conf/server.xml, and nothing is compiled.",
			Limits:   "Configuration for such a server, without the server.",
			Remedy:   "Compile the application with its own build tool.",
			Positive: []Example{pkg(plain, "installPhase", "cp -ar conf lib webapps $out"), pkg(plain, "buildPhase", "echo home=/run/tool > tool/WEB-INF/classes/init.properties", "installPhase", "cp -rva . $out"), pkg(plain, "buildPhase", "mv conf/server.xml conf/server.xml.dist", "installPhase", "cp -rva . $out")},
			Negative: []Example{pkg(plain, "buildPhase", "mvn package", "installPhase", "cp -ar conf lib webapps $out"), pkg(plain, "installPhase", "cp -r tool $out/webapps")},
			match:    soft(sigWebArchive),
		},
		{
			ID: "use-batch-files", Title: "Removes launchers for another system", Weight: 25, Kind: audit.Bytecode, Scope: OnUse,
			Why:      "A release with launchers for several systems is ready to run on any of them: bytecode, mostly.",
			How:      "rm of *.bat or *.cmd, and nothing is compiled.",
			Limits:   "Interpreted programs have such launchers too: a hint that takes others to suspect.",
			Remedy:   "Compile the program with its own build tool.",
			Positive: []Example{pkg(plain, "installPhase", "rm bin/*.bat\nmv * $out")},
			Negative: []Example{pkg(plain, "buildPhase", "make", "installPhase", "rm bin/*.bat; cp -r bin $out"), pkg(plain, "installPhase", "cp bin/tool.bat $out/share")},
			match:    soft(sigBatchFiles),
		},
		{
			ID: "use-mono-launcher", Title: "Starts an assembly with mono or dotnet", Weight: 60, Kind: audit.Bytecode, Scope: OnUse,
			Why:      "A launcher for an assembly that nothing here compiled starts a downloaded one.",
			How:      "A wrapper or launcher of mono or dotnet, with no compiler in inputs or phases.",
			Limits:   "Assemblies that an input, built from source, brings along.",
			Remedy:   "Compile the program.",
			Positive: []Example{pkg(plain, "installPhase", "cp -r * $out/bin\nmakeWrapper %0/bin/mono $out/bin/tool --add-flags $out/bin/Tool.exe").other(mono)},
			Negative: []Example{pkg(plain, "buildPhase", "xbuild Tool.sln", "installPhase", "makeWrapper %0/bin/mono $out/bin/tool --add-flags $out/bin/Tool.exe").other(mono)},
			match:    soft(sigMonoRun),
		},
		{
			ID: "use-mono-input", Title: "Mono or .NET among the inputs, nothing compiles", Weight: 20, Kind: audit.Bytecode, Scope: OnUse,
			Why:      "A program that needs such a runtime and compiles nothing was compiled elsewhere.",
			How:      "mono or dotnet among the inputs, and no build.",
			Limits:   "Scripts that call such a program.",
			Remedy:   "Compile the program.",
			Positive: []Example{pkg(plain, "installPhase", "cp -r . $out").tools("mono-5.20")},
			Negative: []Example{pkg(plain).tools("mono-5.20")},
			match:    soft(sigMono),
		},
		{
			ID: "use-wine-launcher", Title: "Starts a program with wine or dosbox", Weight: 50, Kind: audit.NativeCode, Scope: OnUse,
			Why:    "They run programs that were built for another system.",
			How:    "A phase names wine's programs by their store path, or writes wine's path into a file, or gives wine or dosbox an .exe; or a launcher among the inputs, written out as it stands, does. And nothing is compiled.",
			Limits: "Scripts that manage programs for wine.",
			Remedy: "Build the program.",
			Positive: []Example{
				pkg("https://example.org/tool.zip", "dontUnpack", "1", "installPhase", "makeWrapper %0/bin/wine $out/bin/tool --add-flags $src/tool.exe").other(Example{Name: "wine-wow64-9.0"}),
				pkg(plain, "installPhase", "unzip $src -d $out/share\nsubstituteInPlace $out/bin/tool --replace-fail @wine@ %0").other(Example{Name: "wine-wow64-9.0"}),
				pkg(plain, "installPhase", "cp -r . $out/share/tool\ncat > $out/bin/tool <<EOF\n$emulator/bin/dosbox ./TOOL.EXE -exit\nEOF"),
				pkg(plain, "installPhase", "cp -r . $out/share/tool\nmakeWrapper %0/bin/prefixes $out/bin/tool --add-flags \"-c 'wine $out/share/tool/Tool.exe'\"").other(Example{Name: "prefixes-1.0"}),
				pkg("https://example.org/tool.zip", "installPhase", "unzip $src -d $out\nsubstitute %0 $out/bin/tool").other(Example{Name: "tool", Raw: true, Env: []string{"text", "#!/bin/sh\nexec wine @out@/tool.exe"}}),
				pkg("https://example.org/tool.zip", "installPhase", "unzip $src -d $out\nsubstitute %0 $out/bin/tool").other(Example{Name: "tool", Raw: true, Env: []string{"content", "exec wine @out@/tool.exe", "interpreter", "/bin/bash"}}),
			},
			Negative: []Example{pkg(plain, "postInstall", "wrapProgram $out/bin/tool --prefix PATH : %0/bin").other(Example{Name: "wine-9.0"}), pkg(plain, "installPhase", "makeWrapper %0/bin/winetricks $out/bin/tool").other(Example{Name: "winetricks-2024"}), pkg(plain, "buildPhase", "wine generate.exe", "installPhase", "cp out $out/share"), pkg(plain, "nativeBuildInputs", "%0", "installPhase", "tool convert; cp out $out/share").other(Example{Name: "tool", Raw: true, Env: []string{"text", "#!/bin/sh\nexec wine tool.exe"}})},
			match:    soft(sigWineRun),
		},
		{
			ID: "use-dll-install", Title: "Installs assemblies or DLLs without compiling any", Weight: 50, Kind: audit.Bytecode, Scope: OnUse,
			Why:      "A .dll or .exe that is copied and not made was downloaded.",
			How:      "cp or install of *.dll, *.exe, without compiling.",
			Limits:   "A build that the text does not show is not seen.",
			Remedy:   "Compile the program.",
			Positive: []Example{pkg(plain, "installPhase", "cp *.dll $out/lib/tool")},
			Negative: []Example{pkg(plain, "buildPhase", "mcs tool.cs", "installPhase", "cp tool.exe $out/lib/tool")},
			match:    soft(sigDllInstall),
		},
		{
			ID: "use-firmware-install", Title: "Installs firmware", Weight: 80, Kind: audit.Firmware, Scope: OnUse,
			Why:      "Files for lib/firmware run on a device's processor and are rarely compiled here.",
			How:      "lib/firmware, or a microcode path, as the target of a phase's command or in flags.",
			Limits:   "Firmware that is compiled from source counts less: the compiler counts against it.",
			Remedy:   "Accept it with a waiver, or look for free firmware.",
			Positive: []Example{pkg(plain, "installPhase", "mkdir -p $out/lib/firmware\ncp *.bin $out/lib/firmware"), pkg(plain, "configureFlags", "--with-hotplug-dir=$(out)/lib/firmware")},
			Negative: []Example{pkg(plain, "postPatch", "substituteInPlace tool.c --replace /lib/firmware /run/current-system/firmware")},
			match:    sig(sigFirmwareDir),
		},
		{
			ID: "use-firmware-name", Title: "Package is called firmware", Weight: 40, Kind: audit.Firmware, Scope: OnUse,
			Why:      "Packages of firmware are called so.",
			How:      "firmware, microcode or ucode as a word of the derivation's name, no compiler run in a phase, and no build tool asked for.",
			Limits:   "Tools for firmware are called so too.",
			Remedy:   "Accept it with a waiver, or look for free firmware.",
			Positive: []Example{pkg(plain, "installPhase", "cp * $out").named("wifi-firmware-1.0")},
			Negative: []Example{pkg(plain, "buildPhase", "make -C src", "installPhase", "cp * $out").named("wifi-firmware-1.0"), pkg(plain).named("firmwarez-1.0")},
			match: func(s *subject) (string, string, bool) {
				if len(s.f.fetchURLs()) > 0 || s.f.sigs.has(sigCompile) || s.f.sigs.has(sigBuildTool) && !s.f.sigs.has(sigDontBuild) {
					return "", "", false
				}
				return "name", s.name, firmwareName(s.name)
			},
		},
		{
			ID: "use-own-download", Title: "Downloads by commands of its own", Weight: 10, Scope: OnUse,
			Why:      "What no fetcher gets is what none can: repositories put together, files behind a form. Sources seldom are.",
			How:      "A build with a declared hash runs git, curl, wget or the like with an address.",
			Limits:   "Sources are fetched so as well: a hint only.",
			Remedy:   "Fetch each part with a fetcher.",
			Positive: []Example{{Name: "wifi-firmware-merged-1.0", Fixed: true, Env: []string{"buildCommand", "git init src\ncd src\ngit fetch git://example.org/wifi.git $rev\ncp -a src $out"}}},
			Negative: []Example{{Name: "wifi-firmware-merged-1.0", Fixed: true, Env: []string{"buildCommand", "git init src\ncp -a src $out"}}, pkg(plain, "installPhase", "curl https://example.org/tool > $out/bin/tool")},
			match: func(s *subject) (string, string, bool) {
				if s.f.Fetch == nil {
					return "", "", false
				}
				return s.hitOf(sigOwnDownload)
			},
		},
		{
			ID: "use-copies-source", Title: "Installs the download itself", Weight: 20, Scope: OnUse,
			Why:      "A single file that is put in place as it came is either a script or a program.",
			How:      "cp or install of $src, which is no file beside the expression, or of a download by its path where there is no src, to the output, without compiling.",
			Limits:   "Scripts and data are installed so as well.",
			Remedy:   buildIt,
			Positive: []Example{pkg("https://example.org/tool", "installPhase", "install -Dm755 $src $out/bin/tool", "dontUnpack", "1"), {Name: "tool-1.0", Env: []string{"buildCommand", "install -Dm755 %0 $out/bin/tool"}, Other: []Example{dl("https://example.org/tool")}}},
			Negative: []Example{pkg(plain, "installPhase", "install -Dm755 tool $out/bin/tool"), {Name: "tool-1.0", Env: []string{"buildCommand", "install -Dm755 %0 $out/bin/tool"}, Other: []Example{{Name: "tool-script"}}}},
			match: func(s *subject) (string, string, bool) {
				if s.fetched && !s.f.sigs.any(sigCopySrc, sigSource) {
					return soft(sigCopyPath)(s)
				}
				if !s.f.sigs.has(sigSource) {
					return "", "", false
				}
				return soft(sigCopySrc)(s)
			},
		},
		{
			ID: "use-copies-tree", Title: "Copies the unpacked archive as it is", Weight: 10, Scope: OnUse,
			Why:      "A release that needs no build is copied whole.",
			How:      "cp -r of everything to the output, or an archive unpacked there, without compiling.",
			Limits:   "Programs in interpreted languages are installed so: a hint only.",
			Remedy:   buildIt,
			Positive: []Example{pkg(plain, "installPhase", "cp -r . $out/share/tool"), pkg(plain, "dontUnpack", "1", "installPhase", "unzip $src -d $out/opt")},
			Negative: []Example{pkg(plain, "buildPhase", "make", "installPhase", "cp -r . $out")},
			match:    soft(sigCopyTree),
		},
		{
			ID: "use-no-strip", Title: "Leaves symbols alone", Weight: 5, Kind: audit.NativeCode, Scope: OnUse,
			Why:      "Stripping breaks programs that carry data behind their sections.",
			How:      "dontStrip is set, and nothing is compiled.",
			Limits:   "It is set for interpreted programs too: a hint only.",
			Remedy:   buildIt,
			Positive: []Example{pkg(plain, "dontStrip", "1", "installPhase", "cp -r . $out")},
			Negative: []Example{pkg(plain, "dontStrip", "", "installPhase", "cp -r . $out"), pkg(plain, "dontStrip", "1")},
			match:    soft(sigDontStrip),
		},
		{
			ID: "use-no-patchelf", Title: "Leaves library paths alone", Weight: 15, Kind: audit.NativeCode, Scope: OnUse,
			Why:      "Shrinking the library path breaks programs that were patched by hand or were not linked here.",
			How:      "dontPatchELF is set, and nothing is compiled.",
			Limits:   "It is set for programs that load libraries at run time.",
			Remedy:   buildIt,
			Positive: []Example{pkg(plain, "dontPatchELF", "1", "installPhase", "cp -r . $out")},
			Negative: []Example{pkg(plain, "dontPatchELF", "1")},
			match:    soft(sigDontPatchELF),
		},
		{
			ID: "use-no-fixup", Title: "Leaves what is installed as it is", Weight: 10, Scope: OnUse,
			Why:      "Signed or statically linked programs are kept as they came.",
			How:      "dontFixup is set, and nothing is compiled.",
			Limits:   "It is set for large data too: a hint only.",
			Remedy:   buildIt,
			Positive: []Example{pkg(plain, "dontFixup", "1", "installPhase", "install -Dm755 tool -t $out/bin")},
			Negative: []Example{pkg(plain, "dontFixup", "1"), pkg(plain, "dontFixup", "", "installPhase", "install -Dm755 tool -t $out/bin")},
			match:    soft(sigDontFixup),
		},
		{
			ID: "use-nothing-compiled", Title: "Installs without a build", Weight: 15, Scope: OnUse,
			Why:      "A package that has no build step ships what it fetched.",
			How:      "dontBuild, a build phase that is empty or only moves, edits or unpacks files, phases without one, or an unpack phase that only puts one file in place.",
			Limits:   "So do packages of scripts, fonts and data: a hint only.",
			Remedy:   buildIt,
			Positive: []Example{pkg(plain, "dontBuild", "1", "installPhase", "cp tool $out/bin"), pkg(plain, "phases", "unpackPhase installPhase", "installPhase", "cp tool $out/bin"), pkg("https://example.org/tool.gz", "unpackCmd", "gunzip -c $curSrc > tool", "installPhase", "install -D tool $out/bin/tool"), pkg("https://example.org/tool", "unpackPhase", "cp $src tool", "installPhase", "install -D tool $out/bin/tool"), pkg(plain, "buildPhase", "dos2unix tool.sh\nchmod +x tool.sh", "installPhase", "cp -r . $out/share")},
			Negative: []Example{pkg(plain, "installPhase", "cp tool $out/bin"), pkg(plain, "buildPhase", "sed -i s,/usr,$out, Makefile\nmake", "installPhase", "cp tool $out/bin"), pkg(plain, "buildPhase", "generate > tool.conf", "installPhase", "cp tool $out/bin"), pkg("https://example.org/tool.c.gz", "unpackCmd", "gunzip -c $curSrc > tool.c", "installPhase", "install -D tool $out/bin/tool"), pkg(plain, "unpackPhase", "cp -r $src tree", "installPhase", "install -D tree/tool $out/bin/tool"), pkg("https://example.org/tool", "unpackPhase", "cp $src tool.txt", "makeFlags", "T=tool.txt", "installPhase", "install -D tool $out/bin/tool")},
			match:    soft(sigDontBuild),
		},
		{
			ID: "use-no-compiler", Title: "Standard environment without a compiler", Weight: 5, Scope: OnUse,
			Why:      "A package that asks for no compiler installs what it fetched.",
			How:      "The stdenv among its inputs hands on no compiler, no build tool is asked for, and the build is not switched off, which says the same.",
			Limits:   "So do packages of scripts, fonts and data: a hint only.",
			Remedy:   buildIt,
			Positive: []Example{{Name: "tool-1.0", Src: &plainSrc, Raw: true, Env: []string{"stdenv", "%0", "installPhase", "cp tool $out/bin"}, Other: []Example{{Name: "stdenv-linux", Raw: true}}}, {Name: "tool-1.0", Src: &plainSrc, Raw: true, Env: []string{"stdenv", "%0", "installPhase", "cp tool $out/bin"}, Other: []Example{noCC}}},
			Negative: []Example{{Name: "tool-1.0", Src: &plainSrc, Raw: true, Env: []string{"stdenv", "%0", "installPhase", "cp tool $out/bin"}, Other: []Example{{Name: "stdenv-linux", Raw: true, Tools: []string{"gcc-wrapper-9.3.0"}}}}, {Name: "tool-1.0", Src: &plainSrc, Raw: true, Env: []string{"stdenv", "%0", "dontBuild", "1", "installPhase", "cp tool $out/bin"}, Other: []Example{noCC}}},
			match: func(s *subject) (string, string, bool) {
				if s.f.sigs.has(sigDontBuild) { // which says the same
					return "", "", false
				}
				return soft(sigNoCC)(s)
			},
		},
		{
			ID: readyPrograms, Title: "Ships programs, builds none, interprets none", Weight: 25, Kind: audit.NativeCode, Scope: OnUse,
			Why:      "What goes to bin without a build is a script or a program; where nothing speaks of scripts, it is a program.",
			How:      "The build is switched off or has no compiler, files are copied to the output's bin or the whole tree is copied and its bin is named, and neither inputs nor phases mention an interpreter, a script's file type or a shebang.",
			Limits:   "Scripts without any dependency: a hint that takes others to suspect.",
			Remedy:   buildIt,
			Positive: []Example{{Name: "tool-1.0", Src: &plainSrc, Raw: true, Env: []string{"stdenv", "%0", "installPhase", "cp tool $out/bin"}, Other: []Example{{Name: "stdenv-linux", Raw: true}}}, pkg(plain, "dontBuild", "1", "installPhase", "mkdir -p $out/bin\ncp tool $out/bin"), pkg(plain, "dontBuild", "1", "installPhase", "cp -r . $out/opt\nln -s $out/opt/tool $out/bin/tool"), {Name: "tool-1.0", Env: []string{"phases", "installPhase", "installPhase", "tar xf %0\nmkdir -p $out/bin\ncp bundle/tool $out/bin"}, Other: []Example{dl("https://example.org/bundle_1.0.tgz")}}},
			Negative: []Example{
				pkg(plain, "dontBuild", "1", "installPhase", "cp tool.pl $out/bin/tool"), pkg(plain, "dontBuild", "1", "installPhase", "cp tool $out/bin").tools("perl-5.30.3"),
				pkg(plain, "dontBuild", "1", "installPhase", "cp -r . $out/share/tool"), pkg(plain, "installPhase", "cp tool $out/bin"),
				pkg(plain, "dontBuild", "1", "installPhase", "install -dm755 $out/share/dict\ncp *.aff $out/share/dict"),
				{Name: "tool-1.0", Env: []string{"dontBuild", "1", "installPhase", "cp $tool $out/bin"}},
				{Name: "tool-1.0", Src: &plainSrc, Raw: true, Env: []string{"stdenv", "%0", "installPhase", "cp tool $out/bin"}, Other: []Example{{Name: "stdenv-linux", Raw: true, Tools: []string{"gcc-wrapper-9.3.0"}}}},
			},
			match: func(s *subject) (string, string, bool) {
				g := &s.f.sigs
				if s.builds || !g.any(sigDontBuild, sigNoCC) || !s.source || g.any(sigInterpreted, sigFont, sigCopySrc) {
					return "", "", false
				}
				if g.has(sigCopyTree) && g.has(sigOutBin) {
					return s.hitOf(sigOutBin)
				}
				return s.hitOf(sigCopyBin)
			},
		},
		{
			ID: "use-bare-programs", Title: "Puts programs into bin, asks for no tool or library", Weight: 20, Kind: audit.NativeCode, Scope: OnUse,
			Why:      "What is compiled mostly needs libraries, flags or a build phase; where all of a package is to put programs in place, they may have come ready to run.",
			How:      "An install phase of its own copies files to the output's bin or with the executable bit, nothing in text or inputs compiles, is linked or interprets, and the build is not switched off (which says more).",
			Limits:   "Programs of one file that make compiles by its own rules: a hint that takes others to suspect.",
			Remedy:   buildIt,
			Positive: []Example{pkg("https://github.com/example/tool/releases/download/v1.2/tool.tar.gz", "installPhase", "install -D tool $out/bin/tool")},
			Negative: []Example{
				pkg(plain, "installPhase", "install -D tool $out/bin/tool", "buildInputs", "%0").other(Example{Name: "zlib-1.2"}), pkg(plain, "installPhase", "install -D tool.py $out/bin/tool"),
				pkg(plain, "installPhase", "cp -r . $out/share/tool"), pkg(plain), pkg(plain, "makeFlags", "V=1", "installPhase", "install -D tool $out/bin/tool"),
			},
			match: func(s *subject) (string, string, bool) {
				g := &s.f.sigs
				if s.builds || !s.source || !g.has(sigCopyBin) || g.any(sigDontBuild, sigNoCC, sigBuildCommand, sigInterpreted, sigFont, sigCopySrc, sigConfigure, sigBuildHook, sigLibrary) {
					return "", "", false
				}
				return s.hitOf(sigCopyBin)
			},
		},
		{
			ID: "use-archive-as-output", Title: "Unpacks the source and makes all of it the output", Weight: 50, Kind: audit.Bytecode, Scope: OnUse,
			Why:      "A release that is complete as it is unpacked was built before; where no interpreter and no shared data is spoken of, it is mostly class libraries.",
			How:      "A build command, builder or install phase of the package's own unpacks the source to the top of the output or to one directory there, or moves what came out to it, and does nothing that compiles or interprets. Not where a hash is declared: that is a fetch in another form.",
			Limits:   "Data of games, and collections of sources, are packed so too.",
			Remedy:   buildIt,
			Positive: []Example{pkg(plain, "buildCommand", "unzip $src\nmkdir $out\nmv example-* $out/example"), pkg(plain, "buildCommand", "tar xf $src\nmkdir $out\nmv */* $out"), pkg(plain, "installPhase", "mkdir $out\nunzip $src\nmv example-1.0 $out/bin"), pkg(plain, "buildCommand", "unzip $src\nmkdir $out\nmv example $out/"), pkg(plain, "buildCommand", "mkdir $out\ntar -C $out --strip=1 -x -f $src"), pkg(plain, "buildCommand", "mkdir $out\ncd $out\nunzip $src")},
			Negative: []Example{
				{Name: "tool-1.0-tex", Src: &plainSrc, Fixed: true, Env: []string{"buildCommand", "mkdir $out\ntar -xf $src --strip-components=1 -C $out"}},
				pkg(plain, "buildCommand", "unzip $src\nmkdir -p $out/share\nmv example-* $out/share"), pkg(plain, "buildCommand", "tar xf $src\ncd *\nmake\nmv * $out"),
				pkg(plain, "installPhase", "mv * $out"), pkg(plain, "buildCommand", "unzip $src\nmkdir $out\nmv LICENSE $out/"), pkg(plain, "installPhase", "unzip $src\nmv README-1.0.txt $out/bin"), pkg(plain, "buildCommand", "tar xf $src\nmv * $out\nwrapProgram $out/example.py"),
			},
			match: func(s *subject) (string, string, bool) {
				g := &s.f.sigs
				if s.builds || s.f.Fetch != nil || !g.has(sigBuildCommand) && !s.unpacksLate() || !g.has(sigUnpackSrc) || !g.has(sigSource) || g.any(sigInterpreted, sigFont, sigJarInstall, sigJavaRun, sigJavaHome, sigInterpreter) {
					return "", "", false
				}
				return s.hitOf(sigMoveAll)
			},
		},
		{
			ID: "use-foreign-install", Title: "Another package's program installs the source", Weight: 50, Kind: audit.Bytecode, Scope: OnUse,
			Why:      "A program that takes plugins installs what is ready to be loaded.",
			How:      "A program with its store path is told to install the source, which it gets as an address of a file, and nothing is compiled.",
			Limits:   "Plugins in interpreted languages.",
			Remedy:   "Build the plugin.",
			Positive: []Example{pkg("https://example.org/plugins/tool-1.0.zip", "dontUnpack", "1", "installPhase", "SERVER_HOME=$out %0/bin/server-plugin install --batch -v file://$src").other(Example{Name: "server-1.0"})},
			Negative: []Example{pkg(plain, "installPhase", "npm install file://$src"), pkg(plain, "installPhase", "%0/bin/convert -i file://$src -o $out/tool.html").other(Example{Name: "converter-1.0"}), pkg(plain, "buildPhase", "make", "installPhase", "%0/bin/server-plugin install file://$src").other(Example{Name: "server-1.0"})},
			match:    soft(sigHandsOver),
		},
		{
			ID: "use-store-program", Title: "Puts single files into bin without a build", Weight: 10, Scope: OnUse,
			Why:      "Programs that are only put in place were made elsewhere, or are scripts.",
			How:      "cp or install to bin, without compiling.",
			Limits:   "Scripts are installed so: a hint only.",
			Remedy:   buildIt,
			Positive: []Example{pkg(plain, "installPhase", "install -m755 -D ./tool $out/bin/tool")},
			Negative: []Example{pkg(plain, "installPhase", "make\ninstall -m755 -D ./tool $out/bin/tool")},
			match:    soft(sigCopyBin),
		},
	}
}

// firmwareName says that a derivation is called after firmware.
func firmwareName(name string) bool {
	found := false
	eachToken(strings.ToLower(name), func(t string, _ bool) {
		found = found || t == "firmware" || t == "microcode" || t == "ucode"
	})
	return found
}
