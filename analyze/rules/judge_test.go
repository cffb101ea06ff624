package rules

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"fromsource/analyze/audit"
	"fromsource/closure"
)

// source is the suspicion of what e.Src fetches, package that of e itself.
func judgeBoth(t *testing.T, e Example) (source, pkg Suspicion) {
	t.Helper()
	w := newWorld(t)
	src, b := w.write(*e.Src), w.write(e)
	g, s := w.judge()
	return of(t, g, s, src.drv), of(t, g, s, b.drv)
}

func TestFetchFollowsItsConsumers(t *testing.T) {
	quiet := "https://example.org/tool-1.0.tar.gz"
	for _, c := range []struct {
		name    string
		e       Example
		suspect bool
		kinds   []audit.Kind
	}{
		{"compiled", pkg(quiet), false, []audit.Kind{}},
		{"patched", pkg(quiet, "installPhase", "cp tool $out/bin\npatchelf --set-interpreter $ld $out/bin/tool"), true, []audit.Kind{audit.NativeCode}},
		{"jar started", pkg(quiet, "installPhase", "cp -r . $out\n"+javaRun).other(Example{Name: "openjdk-11"}), true, []audit.Kind{audit.Bytecode}},
		{"firmware", pkg("https://github.com/example/wifi/archive/v1.tar.gz", "dontBuild", "1", "installPhase", "cp fw/*.bin $out/lib/firmware"), true, []audit.Kind{audit.Firmware}},
		{"firmware that make only installs", pkg("https://github.com/example/linux-firmware/archive/v1.tar.gz", "installFlags", "DESTDIR=$(out)").named("firmware-2015-10-18"), true, []audit.Kind{audit.Firmware}},
		{"firmware that is compiled", pkg("https://github.com/example/trusted-firmware/archive/v1.tar.gz", "makeFlags", "CROSS_COMPILE=arm-", "installPhase", "cp build/*.bin $out").named("trusted-firmware-2.3"), false, []audit.Kind{}},
		{"machine named, but compiled", pkg("https://example.org/x-linux-amd64.tar.gz", "buildPhase", "make"), false, []audit.Kind{}},
		{"scripts", pkg(quiet, "dontBuild", "1", "installPhase", "cp tool.sh $out/bin"), false, []audit.Kind{}},
		{"fonts", pkg("https://example.org/tool-font-bin-1.0.zip", "installPhase", "cp *.ttf $out/share/fonts"), false, []audit.Kind{}},
		{"fonts in an installer", pkg("https://example.org/tool32.exe", "buildCommand", "cabextract $src; cp *.ttf $out/share/fonts"), false, []audit.Kind{}},
		{"prebuilt with a small helper compiled", pkg(debURL, "buildPhase", "gcc -o helper helper.c", "installPhase", "dpkg-deb -x $src $out\npatchelf --set-interpreter $ld $out/bin/tool"), true, []audit.Kind{audit.NativeCode}},
	} {
		t.Run(c.name, func(t *testing.T) {
			src, p := judgeBoth(t, c.e)
			if src.Suspected != c.suspect || p.Suspected != c.suspect {
				t.Errorf("suspected: fetch %v (%d), package %v (%d), want %v\n%v", src.Suspected, src.Score, p.Suspected, p.Score, c.suspect, p.Evidence)
			}
			if !slices.Equal(p.Kinds, c.kinds) || !slices.Equal(src.Kinds, c.kinds) {
				t.Errorf("kinds: fetch %v, package %v, want %v", src.Kinds, p.Kinds, c.kinds)
			}
			if want := map[bool]string{true: RolePrebuilt, false: RoleSource}[c.suspect]; src.Role != want && src.Role != RoleData {
				t.Errorf("role %q, want %q", src.Role, want)
			}
		})
	}
}

// Two fetches of one package: what is done with prebuilt code is said of the
// source, whichever of the two is looked at first.
func TestSourceAmongSeveralFetches(t *testing.T) {
	for _, name := range []string{"a-first", "z-last"} {
		w := newWorld(t)
		src := dl("https://example.org/tool_9.0_linux-run")
		extra := dl("https://example.org/update_9.0.1_linux-run").named(name)
		w.write(Example{Name: "tool-9.0", Src: &src, Env: []string{"updates", "%0", "buildCommand", "sh $src --noexec --target .\npatchelf --set-interpreter $ld bin/tool"}, Other: []Example{extra}})
		g, s := w.judge()
		if p := of(t, g, s, w.write(src).drv); !p.Suspected {
			t.Errorf("%s: the source is not suspected (%d): %v", name, p.Score, p.Evidence)
		}
	}
}

// Programs that are only put in place come from a source archive if another
// package compiles it.
func TestSourceCompiledElsewhere(t *testing.T) {
	script := pkg(plain, "dontBuild", "1", "installPhase", "cp tool $out/bin").named("tool-1.0")
	for _, c := range []struct {
		other   Example
		suspect bool
	}{
		{pkg(plain).named("compiled-1.0"), false},
		{pkg(plain, "dontBuild", "1", "installPhase", "cp -r doc $out/share").named("doc-1.0"), true},
	} {
		w := newWorld(t)
		b := w.write(script)
		w.write(c.other)
		src := w.write(*script.Src)
		g, s := w.judge()
		if p, f := of(t, g, s, b.drv), of(t, g, s, src.drv); p.Suspected != c.suspect || f.Suspected != c.suspect {
			t.Errorf("beside %s: package %v (%d), fetch %v (%d), want %v", c.other.Name, p.Suspected, p.Score, f.Suspected, f.Score, c.suspect)
		}
	}
}

// That a jar is compiled further does not make it source.
func TestFileTypeOutweighsACompiler(t *testing.T) {
	src, p := judgeBoth(t, pkg("https://example.org/tool-1.0-standalone.jar", "buildPhase", "make JAR=$src", "installPhase", "cp tool $out/bin"))
	if !src.Suspected || p.Suspected {
		t.Errorf("suspected: fetch %v, package %v", src.Suspected, p.Suspected)
	}
}

// Bytecode that is translated to native code is no more source than before.
func TestTranslatedBytecode(t *testing.T) {
	src, p := judgeBoth(t, pkg("https://example.org/tool-1.0-standalone.jar", "buildPhase", "native-image -jar $src", "installPhase", "cp tool $out/bin"))
	if !src.Suspected || !p.Suspected {
		t.Errorf("suspected: fetch %v, package %v", src.Suspected, p.Suspected)
	}
}

// The default phases build nothing out of an archive for one machine, but one
// that comes beside the sources is the compiler that they start from.
func TestDefaultPhasesForOneMachine(t *testing.T) {
	const release = "https://example.org/releases/linux-x86_64.tgz"
	alone := pkg(release, "postInstall", "install -D tool-linux-x86_64 $out/bin/tool")
	if src, p := judgeBoth(t, alone); !src.Suspected || !p.Suspected {
		t.Errorf("alone, suspected: fetch %v (%d), package %v (%d)", src.Suspected, src.Score, p.Suspected, p.Score)
	}
	beside := Example{Name: "tool-1.0", Env: []string{"srcs", "%0 %1", "postUnpack", "patchelf --set-interpreter $ld boot/tool"}, Other: []Example{dl(release), dl("https://example.org/tool-1.0.src.tgz")}}
	w := newWorld(t)
	b := w.write(beside)
	g, s := w.judge()
	if p := of(t, g, s, b.drv); p.Suspected {
		t.Errorf("beside its sources: suspected (%d), %v", p.Score, p.Evidence)
	}
}

// A launcher's program is found through the wrappers around it.
func TestLauncherOfDownload(t *testing.T) {
	tar := dl("https://example.org/Tool_v3.6.1.tar.gz")
	init := Example{Name: "tool-init", Env: []string{"text", "#!/bin/sh\nexec %0/Tool \"$@\"", "buildCommand", "echo -n \"$text\" > $out"}, Other: []Example{tar}}
	e := Example{Name: "tool", Env: []string{"buildCommand", "ln -s %0 $out/bin/tool"}, Other: []Example{{
		Name: "tool-bwrap", Env: []string{"text", "#!/bin/sh\nexec bwrap --ro-bind / / %0 \"$@\"", "buildCommand", "echo -n \"$text\" > $out"}, Other: []Example{init},
	}}}
	w := newWorld(t)
	b := w.write(e)
	src := w.write(tar)
	g, s := w.judge()
	if p, f := of(t, g, s, b.drv), of(t, g, s, src.drv); !p.Suspected || !f.Suspected {
		t.Errorf("suspected: launcher %v, fetch %v", p.Suspected, f.Suspected)
	}
}

// A compiler that starts from a download of its earlier self is compiled; the
// download is not, and is run.
func TestBootstrapCompiler(t *testing.T) {
	w := newWorld(t)
	boot := pkg("https://example.org/lang-1.0-linux-amd64.tar.gz", "installPhase", "cp -r . $out\npatchelf --set-interpreter $ld $out/bin/lang").named("lang-bootstrap-1.0")
	b := w.write(boot)
	src := dl("https://example.org/lang-2.0.src.tar.gz")
	top := w.write(Example{Name: "lang-2.0", Src: &src, Env: []string{"buildPhase", "./make.bash", "LANG_BOOTSTRAP", "%0"}, Other: []Example{boot}})
	g, s := w.judge()
	if p := of(t, g, s, top.drv); p.Suspected || len(p.Executes) != 1 || g.Path(p.Executes[0]) != b.drv {
		t.Errorf("compiler: suspected %v, executes %v, want the bootstrap only", p.Suspected, p.Executes)
	}
	if p := of(t, g, s, b.drv); !p.Suspected || p.Seed {
		t.Errorf("bootstrap: suspected %v, seed %v", p.Suspected, p.Seed)
	}
}

func TestSeedsOfEveryEra(t *testing.T) {
	t.Run("archive and busybox", func(t *testing.T) {
		busybox := dl("http://tarballs.example.org/x/busybox", "executable", "1")
		archive := dl("http://tarballs.example.org/x/bootstrap-tools.tar.xz")
		w := newWorld(t)
		top := w.write(Example{Name: "bootstrap-tools", Raw: true, Builder: "%0", Env: []string{"tarball", "%1"}, Other: []Example{busybox, archive}})
		script := dl("http://example.org/unpack-bootstrap-tools.sh")
		other := w.write(script)
		g, s := w.judge()
		for _, e := range []Example{busybox, archive} {
			if p := of(t, g, s, w.write(e).drv); !p.Seed || !p.Suspected || p.Role != RoleSeed {
				t.Errorf("%s: seed %v, suspected %v, role %q", e.URL, p.Seed, p.Suspected, p.Role)
			}
		}
		if p := of(t, g, s, top.drv); !p.Seed || !p.Suspected {
			t.Errorf("unpacked: seed %v, suspected %v", p.Seed, p.Suspected)
		}
		if p := of(t, g, s, other.drv); p.Seed || p.Suspected {
			t.Errorf("script: seed %v, suspected %v", p.Seed, p.Suspected)
		}
	})
	t.Run("hex0", func(t *testing.T) {
		seed := dl("https://github.com/oriansj/bootstrap-seeds/raw/0000/POSIX/AMD64/hex0-seed", "executable", "1")
		src := dl("https://example.org/stage0-posix-1.6.0-source.tar.gz")
		w := newWorld(t)
		w.write(Example{Name: "hex0", Raw: true, Fixed: true, Builder: "%0", Env: []string{"source", "%1"}, Other: []Example{seed, src}})
		g, s := w.judge()
		if p := of(t, g, s, w.write(seed).drv); !p.Seed {
			t.Error("the seed is not one")
		}
		if p := of(t, g, s, w.write(src).drv); p.Seed || p.Suspected {
			t.Errorf("the sources that the seed assembles: seed %v, suspected %v", p.Seed, p.Suspected)
		}
	})
	t.Run("committed programs", func(t *testing.T) {
		w := newWorld(t)
		name := func(n string) string { return storePath(n) }
		d := closure.Derivation{
			Path: storePath("stdenv-tools.drv"), Builder: name("bash"), System: "i686-linux", Args: []string{name("unpack.sh")},
			InputSrcs: []string{name("bash"), name("bunzip2"), name("unpack.sh")},
			Outputs:   []closure.Output{{Name: "out", Path: storePath("stdenv-tools")}},
			Env:       []closure.EnvVar{{Key: "name", Value: "stdenv-tools"}, {Key: "tar", Value: name("bunzip2")}},
		}
		slices.Sort(d.InputSrcs)
		if err := os.WriteFile(filepath.Join(w.dir, filepath.Base(d.Path)), d.AppendATerm(nil), 0o644); err != nil {
			t.Fatal(err)
		}
		g, s := w.judge()
		p := of(t, g, s, d.Path)
		if !p.Seed || !p.Suspected || !slices.Contains(p.BinarySources, name("bunzip2")) || slices.Contains(p.BinarySources, name("unpack.sh")) {
			t.Errorf("seed %v, suspected %v, binary sources %v", p.Seed, p.Suspected, p.BinarySources)
		}
	})
}

func TestMirrorsAreResolved(t *testing.T) {
	w := newWorld(t)
	mirrors := Example{Name: "mirrors-list", Env: []string{"gnu", "https://first.example/gnu/ https://second.example/gnu/"}}
	f := dl("mirror://gnu/tool/tool-1.0.tar.gz", "mirrorsFile", "%0").other(mirrors)
	g, s := func() (*closure.Graph, []Suspicion) { w.write(f); return w.judge() }()
	if got := of(t, g, s, w.write(f).drv).URLs; !slices.Equal(got, []string{"https://first.example/gnu/tool/tool-1.0.tar.gz"}) {
		t.Errorf("urls %q", got)
	}
}

func TestPatchIsNeverSuspected(t *testing.T) {
	w := newWorld(t)
	patch := dl("https://example.org/add-linux-amd64-bin.patch")
	src := dl(debURL)
	w.write(Example{Name: "tool-1.0", Src: &src, Env: []string{"patches", "%0", "unpackPhase", "dpkg-deb -x $src .", "installPhase", "cp -r usr $out"}, Other: []Example{patch}})
	g, s := w.judge()
	if p := of(t, g, s, w.write(patch).drv); p.Suspected || p.Role != RolePatch {
		t.Errorf("suspected %v, role %q", p.Suspected, p.Role)
	}
}

// A script beside the expression is no download, though it is called src.
func TestOwnScriptIsNoDownload(t *testing.T) {
	for _, c := range []struct {
		name string
		srcs []string
		want bool
	}{{"a file beside the expression", []string{storePath("tool.sh")}, false}, {"a download", nil, true}} {
		d := &closure.Derivation{
			Path: storePath("tool.drv"), Builder: "/nix/store/5iqb5k29qrcvv96nqbjbcpyivh0xdkng-bash-4.4-p23/bin/bash",
			InputSrcs: c.srcs,
			Outputs:   []closure.Output{{Name: "out", Path: storePath("tool")}},
			Env: []closure.EnvVar{
				{Key: "dontBuild", Value: "1"},
				{Key: "installPhase", Value: "install -Dm555 $src $out/bin/tool"},
				{Key: "name", Value: "tool"},
				{Key: "src", Value: storePath("tool.sh")},
				{Key: "stdenv", Value: storePath("stdenv")},
			},
		}
		f := Extract(d)
		if _, _, got := soft(sigCopySrc)(&subject{f: &f}); !got {
			t.Errorf("%s: not seen to be installed", c.name)
		}
		k := slices.IndexFunc(All(), func(r Rule) bool { return r.ID == "use-copies-source" })
		if _, _, got := All()[k].match(&subject{f: &f}); got != c.want {
			t.Errorf("%s: matches %v", c.name, got)
		}
	}
}

// The builder script of old packages says what the derivation does not.
func TestBuilderScriptIsRead(t *testing.T) {
	d := &closure.Derivation{
		Path: storePath("tool-1.0.drv"), Builder: "/nix/store/5iqb5k29qrcvv96nqbjbcpyivh0xdkng-bash-4.4-p23/bin/bash",
		Args:      []string{"-e", storePath("builder.sh")},
		InputSrcs: []string{storePath("builder.sh")},
		Outputs:   []closure.Output{{Name: "out", Path: storePath("tool-1.0")}},
		Env:       []closure.EnvVar{{Key: "name", Value: "tool-1.0"}, {Key: "stdenv", Value: storePath("stdenv")}},
	}
	script := "source $stdenv/setup\ntar xf $src\npatchelf --set-interpreter $ld tool\nmkdir -p $out/bin; cp tool $out/bin\n"
	x := Extractor{ReadSource: func(string) ([]byte, error) { return []byte(script), nil }}
	if f := x.Extract(d); !f.sigs.has(sigInterpreter) {
		t.Error("the script was not read")
	}
	if f := Extract(d); f.sigs.has(sigInterpreter) || !f.sigs.has(sigCustomScript) {
		t.Error("without the script, only that there is one can be known")
	}
}

func TestFactsOutliveTheirDerivation(t *testing.T) {
	buf := []byte(`Derive([("out","/nix/store/00000000000000000000000000000000-tool","sha256","` + strings.Repeat("0", 64) + `")],[],[],"x86_64-linux","/bin/sh",[],[("name","tool"),("postFetch","chmod +x tool"),("urls","https://example.org/tool-linux-amd64.tar.gz")])`)
	d, err := closure.ParseATerm("/nix/store/00000000000000000000000000000000-tool.drv", buf)
	if err != nil {
		t.Fatal(err)
	}
	f := Extract(d)
	for i := range buf {
		buf[i] = 'x'
	}
	if got := f.Fetch.URLs[0]; got != "https://example.org/tool-linux-amd64.tar.gz" {
		t.Errorf("url %q after the buffer was reused", got)
	}
}
