package content_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"fromsource/analyze/audit"
	"fromsource/analyze/content"
)

// real are packages as their ecosystems serve them, by name, with what must be
// found in them: "how many at least", a format, and a part of the path.
var real = []struct {
	name, fetch string
	format      string
	kind        audit.Kind
	path        string
	least       int
}{
	{"npm platform package", "npm pack --silent @esbuild/linux-arm64@0.19.12", "elf-executable", audit.NativeCode, "package/bin/esbuild", 1},
	{"npm with wasm", "npm pack --silent source-map@0.7.4", "wasm", audit.Bytecode, "package/lib/mappings.wasm", 1},
	{"deb with native code", "apt-get download -q lzop", "elf-executable", audit.NativeCode, "data.tar.xz/usr/bin/lzop", 1},
	{"jar", "apt-get $BOOKWORM download libjansi-java", "jar", audit.Bytecode, "usr/share/java/jansi.jar", 1},
	{"jar with libraries", "apt-get $BOOKWORM download libjansi-java", "macho-shared", audit.NativeCode, "jansi.jar/org/fusesource/jansi/internal/native/Mac/", 3},
	{"wheel with launchers", "apt-get download -q python3-setuptools-whl", "pe-executable", audit.NativeCode, "-none-any.whl/setuptools/", 8},
	{"EFI binary", "apt-get download -q systemd-boot-efi", "efi", audit.NativeCode, "systemd-bootx64.efi", 1},
	{"Python bytecode", "apt-get $BOOKWORM download kitty-shell-integration", "python-bytecode", audit.Bytecode, ".pyc", 3},
	{"firmware", "apt-get $BOOKWORM download firmware-linux-free", "firmware", audit.Firmware, "lib/firmware/carl9170-1.fw", 1},
	{"ISO in a deb", "apt-get download -q memtest86+", "efi", audit.NativeCode, "[boot image 2]/EFI/BOOT/", 2},
	{"OCaml", "apt-get download -q libfindlib-ocaml-dev", "ocaml", audit.Bytecode, ".cmxa", 3},
	{"GHC", "apt-get download -q libghc-split-dev", "ghc-interface", audit.Bytecode, "_hi", 2},
	{"kernel modules", "apt-get download -q $(apt-cache depends linux-image-cloud-amd64 | sed -n 's/.*Depends: //p')", "elf-kernel-module", audit.NativeCode, "lib/modules/", 1000},
	{"kernel", "apt-get download -q $(apt-cache depends linux-image-cloud-amd64 | sed -n 's/.*Depends: //p')", "efi", audit.NativeCode, "boot/vmlinuz", 1},
	{"Go module with test data", "cp $(go mod download -json github.com/xyproto/ainur@v1.3.3 | sed -n 's/.*\"Zip\": \"\\(.*\\)\",/\\1/p') .", "elf-executable", audit.NativeCode, "testdata/", 17},
	{"source archive with an unused jar", "cp $(go mod download -json github.com/google/flatbuffers@v23.5.26+incompatible | sed -n 's/.*\"Zip\": \"\\(.*\\)\",/\\1/p') .", "jar", audit.Bytecode, "gradle/wrapper/gradle-wrapper.jar", 2},
	{"objects in a source archive", "apt-get $BOOKWORM source --download-only lzo2", "omf-object", audit.NativeCode, "lzo-2.10/asm/i386/obj/omf32/", 6},
	{"Chez Scheme's boot files", "apt-get -q download chezscheme >log 2>&1", "chez-object", audit.NativeCode, ".boot", 2},
	{"CLISP's image", "apt-get -q download clisp >log 2>&1", "clisp-image", audit.Bytecode, "lispinit.mem", 1},
	{"SWI-Prolog", "apt-get -q download swi-prolog-core >log 2>&1", "swi-prolog-qlf", audit.Bytecode, "", 3},
	{"UEFI's own firmware", "apt-get -q download ovmf >log 2>&1", "uefi-volume", audit.Firmware, "OVMF_CODE", 2},
	{"a compiler that ships itself", "apt-get $BOOKWORM source --download-only ocaml", "ocaml", audit.Bytecode, "boot/", 2},
	{"a Cortex-M's firmware", "apt-get $BOOKWORM download firmware-tomu", "cortex-m-image", audit.Firmware, "toboot.bin", 1},
	{"objects that are text", "apt-get $BOOKWORM download sdcc-libraries", "asxxxx-object", audit.NativeCode, ".rel", 1000},
	{"R", "apt-get $BOOKWORM download r-cran-r6", "r-bytecode", audit.Bytecode, "R6/R/R6.rdb", 1},
	{"COFF in a source archive", "apt-get $BOOKWORM source --download-only lzo2", "coff-object", audit.NativeCode, "lzo-2.10/asm/i386/obj/", 12},
}

// bookworm prepares to fetch from one release of Debian, whichever the machine
// runs, without a change to its own list of sources: other releases have other
// versions, which hold other files. The result are options for apt-get.
func bookworm(t *testing.T, dir string) string {
	t.Helper()
	run(t, dir, "sh", "-c", `set -e; mkdir -p parts lists/partial
		printf 'Types: deb deb-src\nURIs: %s\nSuites: bookworm\nComponents: main\nSigned-By: /usr/share/keyrings/debian-archive-keyring.gpg\n' "$(apt-get indextargets --format '$(REPO_URI) $(SUITE)' 'Created-By: Packages' 'Component: main' | grep -v security | head -1 | cut -d' ' -f1)" > parts/s.sources`)
	o := "-q -o Dir::Etc::sourcelist=/dev/null -o Dir::Etc::sourceparts=" + dir + "/parts -o Dir::State::lists=" + dir + "/lists" +
		" -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache="
	run(t, dir, "sh", "-c", "apt-get "+o+" update 2>&1")
	return o
}

// fetched caches what scripts have fetched within one run of the tests.
func fetched(t *testing.T, script string, cache map[string]string) string {
	if path, ok := cache[script]; ok {
		return path
	}
	dir, err := os.MkdirTemp(cache["dir"], "p")
	if err != nil {
		t.Fatal(err)
	}
	run(t, dir, "sh", "-c", "set -e; "+script)
	var largest string
	var size int64
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if info, err := e.Info(); err == nil && !e.IsDir() && info.Size() > size {
			largest, size = filepath.Join(dir, e.Name()), info.Size()
		}
	}
	cache[script] = largest
	return largest
}

// TestRealPackages fetches packages with the machine's own clients.
func TestRealPackages(t *testing.T) {
	if testing.Short() {
		t.Skip("fetches 54 MB")
	}
	cache := map[string]string{"dir": t.TempDir()}
	t.Setenv("BOOKWORM", bookworm(t, t.TempDir()))
	results := map[string]content.Result{} // by the package's path
	for _, c := range real {
		t.Run(c.name, func(t *testing.T) {
			path := fetched(t, c.fetch, cache)
			res, ok := results[path]
			if !ok {
				res = inspect(t, path)
				results[path] = res
			}
			if len(res.Skipped) != 0 {
				t.Errorf("skipped: %v", res.Skipped)
			}
			n := 0
			for _, m := range res.Members {
				if m.Format == c.format && strings.Contains(m.Path, c.path) {
					n++
					if m.Kind != c.kind {
						t.Errorf("%s is of kind %s", m.Path, m.Kind)
					}
				}
			}
			if n < c.least {
				all := formats(res)
				t.Errorf("%d of %s under %q, want %d; there are %v", n, c.format, c.path, c.least, all[:min(len(all), 20)])
			}
			if c.name == "objects in a source archive" && len(res.Members) != 30 {
				t.Errorf("%d members, the archive ships 30 objects", len(res.Members))
			}
			// What is a source archive is not itself compiled.
			if i := slices.IndexFunc(res.Members, func(f File) bool { return !strings.Contains(f.Path, "/") }); i >= 0 {
				t.Errorf("the package itself is %s", res.Members[i].Format)
			}
		})
	}
}
