package rules

import "testing"

// structured is a package with structured attributes, as nixpkgs has them
// from about 2023: its environment is one JSON object.
func structured(name, src, attrs string, tools ...string) Example {
	s := dl(src)
	return Example{
		Name: name, Raw: true, Other: []Example{s, {Name: "stdenv-linux", Raw: true, Tools: []string{"gcc-wrapper-13.2.0"}}}, Tools: tools,
		Env: []string{"__json", `{"name":"` + name + `","stdenv":"%1","src":"%0",` + attrs + `}`},
	}
}

// Expressions in the shape that nixpkgs had them in its several eras.
func TestPackagesOfEveryEra(t *testing.T) {
	autoPatchelf := Example{Name: "auto-patchelf-hook", Raw: true}
	for _, c := range []struct {
		name    string
		e       Example
		suspect bool
	}{
		// 2014 to 2016
		{"deb by ar", pkg("mirror://debian/pool/main/t/tool/tool_1.0-1_i386.deb", "buildCommand", "ar p \"$src\" data.tar.gz | tar -C $out -xz ./usr\nln -s $out/usr/bin $out/bin"), true},
		{"phases in one string", pkg("http://example.org/tool-4.3.0.37.tar.bz2", "phases", "unpackPhase installPhase", "installPhase", "mkdir -p $out/opt\ncp -r * $out/opt\npatchelf --set-interpreter \"$(cat $NIX_GCC/nix-support/dynamic-linker)\" $out/opt/tool"), true},
		{"jar by builder of its own", pkg("http://example.org/tool-2.1.jar", "buildCommand", "mkdir -p $out/share/java\ncp $src $out/share/java/tool.jar"), true},
		{"autotools", pkg("mirror://gnu/tool/tool-1.2.tar.bz2", "configureFlags", "--disable-static"), false},
		{"sdist by its old address", pkg("http://example.org/packages/source/t/tool/tool-1.0.tar.gz", "buildPhase", "python setup.py build", "installPhase", "python setup.py install --prefix=$out").tools("python-2.7.9"), false},
		{"perl module", pkg("mirror://cpan/authors/id/E/EX/EXAMPLE/Tool-1.2.tar.gz", "preConfigure", "perl Makefile.PL PREFIX=$out").tools("perl-5.20.1"), false},
		{"script on its own", pkg("http://example.org/tool-2.0.tar.gz", "phases", "unpackPhase installPhase", "installPhase", "cp tool.pl $out/bin/tool").tools("perl-5.20.1"), false},
		{"kernel module", pkg("http://example.org/driver-1.2.tar.gz", "makeFlags", "KDIR=/lib/modules/build", "installPhase", "install -D driver.ko $out/lib/modules/3.14/driver.ko"), false},
		{"build phase that installs", pkg("http://example.org/tool_20140102.zip", "phases", "buildPhase", "buildPhase", "unzip $src -d $out/tool\ncat > $out/bin/tool <<EOF\nexec %0/bin/mono $out/tool/tool.exe\nEOF").other(Example{Name: "mono-3.12"}), true},
		// 2021 to 2023
		{"hook in nativeBuildInputs", pkg("https://github.com/example/tool/releases/download/v1/tool.tar.gz", "sourceRoot", ".", "installPhase", "install -Dm755 tool -t $out/bin").tools(autoPatchelf.Name), true},
		{"AppImage wrapped", Example{Name: "tool-1.0-extracted", Env: []string{"buildCommand", "appimage-exec.sh -x $out %0"}, Other: []Example{dl("https://example.org/tool-1.0.AppImage")}}, true},
		{"go module", pkg("https://github.com/example/tool/archive/v1.0.tar.gz", "vendorSha256", "sha256-AAAA", "goModules", "%0").other(Example{Name: "tool-1.0-go-modules", Fixed: true, Env: []string{"buildPhase", "go mod vendor"}}), false},
		{"release for one machine", pkg("https://github.com/example/tool/releases/download/v1.0/tool_1.0_linux_x86_64.tar.gz", "installPhase", "install -Dm755 tool $out/bin/tool"), true},
		{"source of a forge, structured", structured("tool-1.0", "https://github.com/example/tool/archive/v1.0.tar.gz", `"cmakeFlags":["-DX=1"],"__structuredAttrs":true`), false},
		{"deb, structured", structured("tool-1.0", "https://example.org/tool_1.0_amd64.deb", `"unpackPhase":"dpkg-deb -x $src .","installPhase":"cp -r usr $out","dontBuild":true`), true},
		{"java program in a deb for all", pkg("https://example.org/tool_2.1-1_all.deb", "dontBuild", "1", "unpackCmd", "%0/bin/dpkg-deb -x $src contents", "installPhase", "substituteInPlace usr/share/tool/run.sh --replace \"exec java\" \"exec %1/bin/java\"\nmv usr/share/tool $out/share").other(Example{Name: "dpkg-1.20"}, Example{Name: "openjdk-headless-17"}), true},
		{"jar taken out of a deb for all", pkg("https://example.org/tool_8.0-53-ga574be9-1_all.deb", "dontBuild", "1", "unpackCmd", "%0/bin/dpkg-deb -x $src contents", "installPhase", "cp -rf etc $out/etc\ncp opt/tool/tool.jar $out/share/tool").other(Example{Name: "dpkg-1.20"}), true},
		{"server for Java in a deb for all", pkg("https://example.org/tool_sysvinit_all.deb", "unpackPhase", "dpkg-deb -x $src .", "installPhase", "cd usr/lib/tool\ncp -ar dl lib webapps $out").tools("dpkg-1.19.0.5"), true},
		{"python program in a deb for all", pkg("https://example.org/stable-64bit/tool_2.1-1_all.deb", "unpackPhase", "dpkg-deb -x $src .", "installPhase", "cp -ar usr $out").tools("dpkg-1.20.5"), false},
		// 2024 to 2026
		{"npm package, structured", structured("tool-1.0", "https://github.com/example/tool/archive/v1.0.tar.gz", `"npmDeps":"%0","ESBUILD_BINARY_PATH":"/nix/store/x/bin/esbuild"`), false},
		{"dotnet module", pkg("https://github.com/example/tool/archive/v1.0.tar.gz", "dotnetProjectFiles", "src/Tool.csproj").tools("dotnet-sdk-wrapped-8.0.403", "dotnet-build-hook"), false},
		{"nupkg by its address", dl("https://example.org/api/v2/package/Tool/1.2.3").named("tool.1.2.3.nupkg"), true},
		{"platform wheel", pkg("https://example.org/packages/cp312/t/tool/tool-1.0-cp312-cp312-manylinux_2_17_x86_64.manylinux2014_x86_64.whl", "dontBuild", "1").tools("wheel-unpack-hook.sh", "pypa-install-hook"), true},
		{"pure wheel", pkg("https://example.org/packages/py3/t/tool/tool-1.0-py3-none-any.whl", "dontBuild", "1").tools("wheel-unpack-hook.sh", "pypa-install-hook"), false},
		{"npm platform package", dl("https://example.org/@example/linux-x64/-/linux-x64-0.21.5.tgz"), true},
		{"npm package of text", dl("https://example.org/tool/-/tool-1.0.0.tgz"), false},
		{"crate", dl("https://example.org/api/v1/crates/windows_x86_64_tool/0.52.0/download").named("crate-windows_x86_64_tool-0.52.0.tar.gz"), false},
		{"object for a linker", dl("https://example.org/releases/download/v0.91/librt_release_x86_64-unknown-linux-gnu.a.gz"), true},
		{"compressed firmware", Example{
			Name: "linux-firmware-20240909-zstd", Env: []string{"buildCommand", "mkdir -p $out/lib\n(cd %0 && find lib/firmware -type f -print0) | xargs -0 -n1 sh -c 'zstd -f %0/$1 -o $out/$1.zst'"},
			Other: []Example{pkg("https://example.org/linux-firmware-20240909.tar.xz", "dontBuild", "1", "installFlags", "DESTDIR=$(out)").named("linux-firmware-20240909")},
		}, true},
		{"only an update script", pkg("https://github.com/example/tool/archive/v1.0.tar.gz", "updateScript", "%0/bin/nix-update tool", "cargoDeps", "%1").other(Example{Name: "nix-update-1.5"}, Example{Name: "tool-1.0-vendor"}), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			b := w.write(c.e)
			g, s := w.judge()
			if got := of(t, g, s, b.drv); got.Suspected != c.suspect {
				t.Errorf("suspected %v (%d), want %v: %v", got.Suspected, got.Score, c.suspect, got.Evidence)
			}
		})
	}
}
