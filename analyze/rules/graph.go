package rules

import "fromsource/analyze/audit"

// The rules that Judge applies itself, because they are about the graph.
var (
	copiesCarrier = Rule{
		ID: "graph-copies-suspect", Title: "Copies out of a suspected derivation", Weight: 60, Scope: OnGraph,
		Why:    "What is copied keeps what it is.",
		How:    "A command of a phase copies from the output of a suspected derivation, named by its path or by a variable that holds it, no file of text or a picture, and nothing is compiled.",
		Limits: "The part that is copied may be data.",
		Remedy: "Build what is copied.",
		Positive: []Example{{
			Name: "outer-1.0", Env: []string{"buildCommand", "cp -r %0/share $out"},
			Other: []Example{pkg(debURL, "unpackPhase", "dpkg-deb -x $src .", "installPhase", "cp -r usr $out").named("inner-1.0")},
		}, {
			Name: "outer-1.0", Env: []string{"inner", "%0", "nativeBuildInputs", "%0", "buildCommand", "cp -r ${inner}/share $out"},
			Other: []Example{pkg(debURL, "unpackPhase", "dpkg-deb -x $src .", "installPhase", "cp -r usr $out").named("inner-1.0")},
		}},
		Negative: []Example{{
			Name: "outer-1.0", Env: []string{"buildCommand", "cp -r %0/share $out"},
			Other: []Example{pkg(plain).named("inner-1.0")},
		}, {
			Name: "outer-1.0", Env: []string{"buildCommand", "cp %0/share/tool/words.json $out/"},
			Other: []Example{pkg(debURL, "unpackPhase", "dpkg-deb -x $src .", "installPhase", "cp -r usr $out").named("inner-1.0")},
		}, {
			Name: "outer-1.0", Env: []string{"inner", "%0", "other", "%1", "buildCommand", "cp -r $other/share $out"},
			Other: []Example{pkg(debURL, "unpackPhase", "dpkg-deb -x $src .", "installPhase", "cp -r usr $out").named("inner-1.0"), pkg(plain).named("other-1.0")},
		}},
	}
	wrapsCarrier = Rule{
		ID: "graph-wraps-suspect", Title: "Wraps a suspected derivation", Weight: 55, Scope: OnGraph,
		Why:    "A wrapper stands for what it wraps.",
		How:    "An input of the same name, up to version and words like unwrapped, fhs, extracted, is suspected; or a wrapper or a script starts a program of a suspected input, or it is linked, whose first word is one of the name's words, up to a number at its end; or it is a union of outputs that are all suspected, up to entries for a menu. And there is no source of its own.",
		Limits: "A wrapper's own output may hold only scripts.",
		Remedy: "Build what is wrapped.",
		Positive: []Example{{
			Name: "tool-1.0", Env: []string{"buildCommand", "ln -s %0/bin/tool $out/bin/tool"},
			Other: []Example{pkg(debURL, "unpackPhase", "dpkg-deb -x $src .", "installPhase", "cp -r usr $out").named("tool-unwrapped-1.0")},
		}, {
			Name: "server-tool-driver", Env: []string{"driver", "%0", "buildCommand", "mkdir -p $out/lib\nln -s $driver/share/java/tool.jar $out/lib/tool.jar"},
			Other: []Example{pkg("https://example.org/tool.jar", "dontUnpack", "1", "installPhase", "cp $src $out/share/java/tool.jar").named("tool-connector-5.1")},
		}, {
			Name: "tool-bin-1.0", Env: []string{"buildCommand", "makeWrapper %0/bin/tool $out/bin/tool"},
			Other: []Example{pkg(debURL, "unpackPhase", "dpkg-deb -x $src .", "installPhase", "cp -r usr $out").named("tool-release-bin-unwrapped-1.0")},
		}, {
			Name: "tool5", Env: []string{"text", "#!/bin/sh\nexec %0/bin/tool \"$@\"", "buildCommand", "echo -n \"$text\" > $out"},
			Other: []Example{pkg(debURL, "unpackPhase", "dpkg-deb -x $src .", "installPhase", "cp -r usr $out").named("tool-1.0")},
		}, {
			Name: "tool-complete-1.0", Env: []string{"buildCommand", "for i in $paths; do lndir $i $out; done", "paths", "%0"},
			Other: []Example{pkg(debURL, "unpackPhase", "dpkg-deb -x $src .", "installPhase", "cp -r usr $out").named("part-1.0")},
		}},
		Negative: []Example{{
			Name: "starter", Env: []string{"text", "#!/bin/sh\nexec %0/bin/tool \"$@\"", "buildCommand", "echo -n \"$text\" > $out"},
			Other: []Example{pkg(debURL, "unpackPhase", "dpkg-deb -x $src .", "installPhase", "cp -r usr $out").named("tool-1.0")},
		}, {
			Name: "tool-complete-1.0", Env: []string{"buildCommand", "for i in $paths; do lndir $i $out; done", "paths", "%0 %1"},
			Other: []Example{pkg(debURL, "unpackPhase", "dpkg-deb -x $src .", "installPhase", "cp -r usr $out").named("part-1.0"), pkg(plain).named("other-1.0")},
		}, {
			Name: "other-1.0", Env: []string{"buildCommand", "makeWrapper %0/bin/tool $out/bin/other --add-flags $app"},
			Other: []Example{pkg(debURL, "unpackPhase", "dpkg-deb -x $src .", "installPhase", "cp -r usr $out").named("tool-1.0")},
		}, {
			Name: "system-1.0", Env: []string{"buildCommand", "ln -s %0/bin/tool $out/bin/tool"},
			Other: []Example{pkg(debURL, "unpackPhase", "dpkg-deb -x $src .", "installPhase", "cp -r usr $out").named("tool-unwrapped-1.0")},
		}},
	}
	startsCarrier = Rule{
		ID: "graph-starts-suspect", Title: "Starts a program that lies in a suspected derivation", Weight: 55, Scope: OnGraph,
		Why:    "What a launcher gives to Java, mono or wine is the program; the launcher stands for it.",
		How:    "A script, or a launcher that a phase writes, starts a .jar, .exe or .dll inside the output of a suspected derivation, named by its path or by a variable that holds it. And there is no source of its own.",
		Limits: "A tool's launcher that is only used during builds.",
		Remedy: "Build what is started.",
		Positive: []Example{{
			Name: "player", Env: []string{"text", "#!/bin/sh\nexec wine %0/Tool.exe \"$@\"", "buildCommand", "echo -n \"$text\" > $out"},
			Other: []Example{pkg("https://example.org/tool-setup.exe", "installPhase", "cp -r app/* $out").named("tool-files-1.0")},
		}, {
			Name: "checker-1.0", Env: []string{"jre", "%1", "tool", "%0", "buildCommand", "cat > $out/bin/checker <<EOF\nexec $jre/bin/java -jar $tool/bin/tool.jar\nEOF"},
			Other: []Example{pkg("https://example.org/tool.jar", "dontUnpack", "1", "installPhase", "cp $src $out/bin/tool.jar").named("tool-1.0"), {Name: "openjdk-11.0.7"}},
		}},
		Negative: []Example{{
			Name: "checker-1.0", Env: []string{"jre", "%1", "tool", "%0", "buildCommand", "cat > $out/bin/checker <<EOF\nexec $jre/bin/java -jar $tool/bin/tool.jar\nEOF"},
			Other: []Example{pkg(plain, "buildPhase", "ant dist", "installPhase", "cp dist/tool.jar $out/bin/tool.jar").named("tool-1.0"), {Name: "openjdk-11.0.7"}},
		}},
	}
	runsFetched = Rule{
		ID: "graph-runs-download", Title: "Starts a program inside a download", Weight: 50, Scope: OnGraph, Kind: audit.NativeCode,
		Why:    "What runs as it was fetched is ready to run.",
		How:    "A script that is written out as it stands has a file inside a fetch as its command.",
		Limits: "Scripts of a source archive are started so too; that a forge packed it counts against it.",
		Remedy: "Build what is started.",
		Positive: []Example{{
			Name: "tool-init", Env: []string{"text", "#!/bin/sh\nexec %0/Tool \"$@\"", "buildCommand", "echo -n \"$text\" > $out"},
			Other: []Example{dl("https://example.org/Tool_v3.6.1.tar.gz")},
		}},
		Negative: []Example{{
			Name: "tool-init", Env: []string{"text", "#!/bin/sh\nexec %0/bin/tool \"$@\"", "buildCommand", "echo -n \"$text\" > $out"},
			Other: []Example{pkg(plain).named("tool-1.0")},
		}, {
			Name: "tool-1.0", Env: []string{"buildCommand", "%0/generate > $out"},
			Other: []Example{dl("https://example.org/Tool_v3.6.1.tar.gz")},
		}, {
			Name: "tool-list", Env: []string{"text", "#!/bin/sh\n$(find %0 -name '*.pf2') | sort", "buildCommand", "echo -n \"$text\" > $out"},
			Other: []Example{dl("https://example.org/Tool_v3.6.1.tar.gz")},
		}, {
			Name: "tool-conf", Env: []string{"text", "program = %0/Tool", "buildCommand", "echo -n \"$text\" > $out"},
			Other: []Example{dl("https://example.org/Tool_v3.6.1.tar.gz")},
		}},
	}
	compiledByConsumer = Rule{
		ID: "graph-compiled", Title: "What uses it compiles it", Weight: -50, Scope: OnGraph,
		Why:      "A download that is compiled is source.",
		How:      "It is the source of derivations that compile, and of none that only repackages it.",
		Limits:   "Source archives can carry prebuilt parts: only their content tells.",
		Remedy:   "None needed.",
		Positive: []Example{pkg(plain).about(AboutSource), pkg(plain, "buildPhase", "make", "installPhase", "cp tool $out/bin").about(AboutSource)},
		Negative: []Example{pkg(plain, "dontBuild", "1", "installPhase", "cp tool $out/bin").about(AboutSource), pkg("https://example.org/tool.jar", "buildPhase", "make JAR=$src").about(AboutSource)},
	}
	fontsForConsumer = Rule{
		ID: "from-fonts-of-consumer", Title: "What uses it installs fonts", Weight: -80, Scope: OnGraph,
		Why:      "Fonts are handed out in installers too.",
		How:      "A derivation that has it as content installs fonts, and none repackages programs from it.",
		Limits:   "An installer may hold both.",
		Remedy:   "None needed.",
		Positive: []Example{pkg("https://example.org/fonts-setup.exe", "unpackPhase", "cabextract $src", "installPhase", "cp *.ttf $out/share/fonts").about(AboutSource)},
		Negative: []Example{pkg("https://example.org/tool-setup.exe", "unpackPhase", "cabextract $src", "installPhase", "cp tool.exe $out/bin").about(AboutSource)},
	}
	sourceCompiledElsewhere = Rule{
		ID: "from-source-compiled-elsewhere", Title: "Another package compiles the same source", Weight: -25, Scope: OnGraph,
		Why:      "A source archive has scripts in it besides.",
		How:      "Programs are put in place unbuilt, or the package is called binary, and the download they come from is the source of another derivation that compiles.",
		Limits:   "Archives with both sources and programs.",
		Remedy:   "None needed.",
		Positive: []Example{pkg(plain, "dontBuild", "1", "installPhase", "cp tool $out/bin").other(pkg(plain).named("compiled-1.0"))},
		Negative: []Example{pkg(plain, "dontBuild", "1", "installPhase", "cp tool $out/bin").other(pkg("https://example.org/other-1.0.tar.gz").named("compiled-1.0"))},
	}
	builderSeed = Rule{
		ID: "seed-builder", Title: "Fetched file is the builder of a derivation", Weight: 100, Scope: OnGraph, Kind: audit.NativeCode,
		Why:      "Before there is any compiler, a fetched program runs the first builds.",
		How:      "A derivation's builder is the output of a fetch.",
		Limits:   "A fetched script with an interpreter line would look alike.",
		Remedy:   "A smaller seed: nixpkgs' minimal-bootstrap starts from a few hundred bytes.",
		Positive: []Example{Example{Name: "stage0", Raw: true, Builder: "%0", Other: []Example{dl("https://example.org/busybox")}}.about(1)},
		Negative: []Example{Example{Name: "stage0", Raw: true, Env: []string{"tool", "%0"}, Other: []Example{dl("https://example.org/busybox")}}.about(1)},
	}
	unpackedSeed = Rule{
		ID: "seed-archive", Title: "Archive of bootstrap tools", Weight: 100, Scope: OnGraph, Kind: audit.NativeCode,
		Why:      "The compilers of the first stage come out of it.",
		How:      "A bootstrap archive, by its name, that a derivation with a fetched builder unpacks.",
		Limits:   "An archive of another name is found only by its address.",
		Remedy:   "A smaller seed.",
		Positive: []Example{Example{Name: "unpacked", Raw: true, Builder: "%0", Env: []string{"tarball", "%1"}, Other: []Example{dl("https://example.org/busybox"), dl("https://example.org/bootstrap-tools.cpio.bz2")}}.about(2)},
		Negative: []Example{Example{Name: "unpacked", Raw: true, Builder: "%0", Env: []string{"tarball", "%1"}, Other: []Example{dl("https://example.org/busybox"), dl("https://example.org/tool-1.0.tar.bz2")}}.about(2)},
	}
	seedAddress = Rule{
		ID: "seed-address", Title: "Fetched from where seeds are kept", Weight: 100, Scope: OnGraph, Kind: audit.NativeCode,
		Why:      "Distributions publish their bootstrap tools at addresses of their own.",
		How:      "The address has a stdenv, bootstrap-tools, static-tools or bootstrap-seeds part.",
		Limits:   "A private distribution may keep its seeds anywhere.",
		Remedy:   "A smaller seed.",
		Positive: []Example{dl("http://tarballs.nixos.org/stdenv-linux/x86_64/c5aabb0d603e2c1ea05f5a93b3be82437f5ebf31/bootstrap-tools.tar.xz"), dl("https://github.com/oriansj/bootstrap-seeds/raw/b1263ff14a17835f4d12539226208c426ced4fba/POSIX/AMD64/hex0-seed", "executable", "1")},
		Negative: []Example{dl("http://tarballs.nixos.org/batik-1.6.zip")},
	}
	unpacksSeed = Rule{
		ID: "seed-unpacked", Title: "Unpacks the bootstrap seed", Weight: 60, Scope: OnGraph, Kind: audit.NativeCode,
		Why:    "Its output is the seed's content.",
		How:    "A derivation without a standard environment, called after bootstrap tools, with a seed among its inputs; or one whose builder is a program committed beside the expression.",
		Limits: "Later derivations that such a builder runs may compile.",
		Remedy: "A smaller seed.",
		Positive: []Example{{
			Name: "bootstrap-tools", Raw: true, Env: []string{"tarball", "%0"},
			Other: []Example{dl("http://tarballs.nixos.org/stdenv-linux/x86_64/0000/bootstrap-tools.tar.xz")},
		}},
		Negative: []Example{{Name: "bootstrap-tools-test", Env: []string{"buildCommand", "touch $out"}}},
	}
)

// graphRules are those rules as All lists them.
func graphRules() []Rule {
	out := []Rule{copiesCarrier, wrapsCarrier, startsCarrier, runsFetched, compiledByConsumer, fontsForConsumer, sourceCompiledElsewhere, builderSeed, unpackedSeed, seedAddress, unpacksSeed}
	for i := range out {
		out[i].match = func(*subject) (string, string, bool) { return "", "", false }
	}
	return out
}
