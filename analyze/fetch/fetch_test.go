package fetch

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"fromsource/closure"
)

// drv is a fixed-output derivation with these variables, keys and values in
// turn.
func drv(name string, env ...string) *closure.Derivation {
	d := &closure.Derivation{
		Path:    "/nix/store/00000000000000000000000000000000-" + name + ".drv",
		Builder: "/nix/store/11111111111111111111111111111111-bash/bin/bash",
		Outputs: []closure.Output{{Name: "out", Path: "/nix/store/22222222222222222222222222222222-" + name, HashAlgo: "r:sha256", Hash: strings.Repeat("ab", 32)}},
	}
	for i := 0; i+1 < len(env); i += 2 {
		switch env[i] {
		case "builder":
			d.Builder = env[i+1]
		case "input":
			d.InputDrvs = append(d.InputDrvs, closure.InputDrv{Path: "/nix/store/33333333333333333333333333333333-" + env[i+1] + ".drv", Outputs: []string{"out"}})
			continue
		}
		d.Env = append(d.Env, closure.EnvVar{Key: env[i], Value: env[i+1]})
	}
	slices.SortFunc(d.Env, func(a, b closure.EnvVar) int { return strings.Compare(a.Key, b.Key) })
	return d
}

func TestFetchers(t *testing.T) {
	for _, c := range []struct {
		want string
		d    *closure.Derivation
	}{
		{BuiltinURL, drv("busybox", "builder", "builtin:fetchurl", "url", "http://h/busybox", "executable", "1")},
		{URL, drv("a.tar.gz", "urls", "http://h/a.tar.gz", "input", "curl-7.71.1")},
		{Zip, drv("source", "urls", "http://h/a.zip", "postFetch", "unpackDir=x; unpackFile y", "input", "curl-7.71.1")},
		{Patch, drv("a.patch", "urls", "http://h/a.patch", "postFetch", "lsdiff \"$out\"", "input", "curl-7.71.1")},
		{Git, drv("git-export", "url", "git://h/a", "fetchSubmodules", "", "rev", "123")},
		{Git, drv("source", "url", "https://h/a.git", "fetcher", "/nix/store/x-nix-prefetch-git", "rev", "123")},
		{Hg, drv("hg-archive", "url", "http://h/a", "subrepoClause", "")},
		{Svn, drv("a", "url", "svn://h/a", "SVN_SSH", "ssh", "rev", "1")},
		{Svn, drv("a", "url", "svn://h/a", "rev", "1", "input", "subversion-1.12.2")},
		{Cvs, drv("a", "cvsRoot", ":pserver:anonymous@h:/a", "module", "m")},
		{Bzr, drv("a", "url", "lp:a", "rev", "1", "input", "bazaar-2.7.0")},
		{Darcs, drv("a", "url", "http://h/a", "input", "darcs-2.14")},
		{Fossil, drv("a", "url", "http://h/a", "input", "fossil-2.11")},
		{DockerImage, drv("image.tar", "imageName", "n", "imageDigest", "sha256:0")},
		{S3, drv("a", "s3url", "s3://b/a")},
		{IPFS, drv("a", "ipfs", "Qm")},
		{Repo, drv("a", "manifest", "https://h/m", "repoRepoURL", "")},
		{CargoVendor, drv("a-vendor-staging", "buildPhase", "fetch-cargo-vendor-util create-vendor-staging ./Cargo.lock $out")},
		{CargoVendor, drv("a-vendor", "buildPhase", "cargo vendor $name", "input", "cargo-1.44")},
		{GoModules, drv("a-go-modules", "buildPhase", "go mod vendor")},
		{NpmDeps, drv("a-npm-deps", "buildPhase", "prefetch-npm-deps $src $out")},
		{PnpmDeps, drv("a-pnpm-deps", "installPhase", "pnpm")},
		{PnpmDeps, drv("a-deps", "installPhase", "pnpm install --force --ignore-scripts --frozen-lockfile")},
		{BunDeps, drv("a-node_modules", "buildPhase", "bun install --no-progress --frozen-lockfile")},
		{DenoDeps, drv("a-deps", "buildPhase", "deno cache --lock=deno.lock main.ts")},
		{MavenDeps, drv("a-maven-deps", "buildPhase", "mvn package")},
		{GradleDeps, drv("deps", "buildPhase", "gradle --no-daemon build")},
		{CoursierDeps, drv("deps", "buildCommand", "coursier fetch x -r central")},
		{BazelDeps, drv("a-deps.tar.gz", "bazelFetchFlags", "")},
		{BazelDeps, drv("a-deps", "installPhase", "rm -rf $bazelOut/external/{bazel_tools,\\@bazel_tools.marker}")},
		{MavenDeps, drv("a-ivy-deps", "buildPhase", "ant retrieve")},
		{ZigDeps, drv("a-zig-deps", "buildCommand", "zig build --fetch${fetchAll:+=all}\nmv $ZIG_GLOBAL_CACHE_DIR/p $out")},
		{ChickenEgg, drv("chicken-x-export", "eggName", "x", "version", "1.0")},
		{ChickenEgg, drv("chicken-x-export", "buildCommand", "chicken-install -r x")},
		{RequireFile, drv("a.tar.gz", "builder", "/nix/store/44444444444444444444444444444444-restrict-message")},
		{Message, drv("a-source", "builder", "add this to the store by hand, it can't be fetched")},
		{Local, drv("a-1.0", "src", "/nix/store/x", "installPhase", "make install")},
	} {
		f, ok := Describe(c.d)
		if !ok || f.Fetcher != c.want {
			t.Errorf("%s: fetcher %q, want %q", c.d.Name(), f.Fetcher, c.want)
		}
		stub := c.want == RequireFile || c.want == Message
		if f.Stub != stub {
			t.Errorf("%s (%s): stub %v", c.d.Name(), c.want, f.Stub)
		}
		if noURL := len(f.URLs) == 0; f.NoURL != noURL {
			t.Errorf("%s: NoURL %v with %q", c.d.Name(), f.NoURL, f.URLs)
		}
	}
	if _, ok := Describe(&closure.Derivation{Outputs: []closure.Output{{Name: "out", Path: "/nix/store/x"}}}); ok {
		t.Error("an ordinary derivation fetches something")
	}
}

func TestDescribe(t *testing.T) {
	got, _ := Describe(drv("a-1.0.tar.gz", "urls", "mirror://gnu/a.tar.gz http://h/a.tar.gz", "url", "http://stale/",
		"preferHashedMirrors", "1", "mirrorsFile", "/nix/store/m", "postFetch", "chmod +x $out", "executable", ""))
	want := Fetch{
		Fetcher: URL, Name: "a-1.0.tar.gz", URLs: []string{"mirror://gnu/a.tar.gz", "http://h/a.tar.gz"},
		Hash: strings.Repeat("ab", 32), HashAlgo: "sha256", Mode: "recursive", PostFetch: "chmod +x $out", HashedMirrors: true, MirrorsFile: "/nix/store/m",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	m := Mirrors{"gnu": {"https://first/", "https://second/"}}
	if got := got.Resolve(m); !slices.Equal(got, []string{"https://first/a.tar.gz", "http://h/a.tar.gz"}) {
		t.Errorf("resolved %q", got)
	}
	if got := m.Resolve("mirror://other/a"); got != "mirror://other/a" {
		t.Errorf("an unknown mirror became %q", got)
	}
}

func TestStructuredAttributes(t *testing.T) {
	d := drv("source")
	d.Env = nil
	d.Structured = []byte(`{"name":"src","urls":["https://h/a.zip","https://h/b.zip"],"executable":true,"env":{"rev":"abc"},"builder":"/bin/sh","outputHashMode":"recursive"}`)
	f, _ := Describe(d)
	if !slices.Equal(f.URLs, []string{"https://h/a.zip", "https://h/b.zip"}) || f.Name != "src" || !f.Executable || f.Rev != "abc" {
		t.Errorf("%+v", f)
	}
	d.Structured = []byte(`{"chosenOutputs":[{"paths":["/a","/b"],"priority":5,"meta":{"x":"y"}},{"paths":["/c"]}]}`)
	if got, want := Attrs(d).Get("chosenOutputs"), "/a /b 5 /c"; got != want {
		t.Errorf("chosenOutputs: %q, want %q", got, want)
	}
	d.Structured = []byte(`[1`)
	if f, ok := Describe(d); !ok || !f.NoURL {
		t.Errorf("broken attributes: %+v", f)
	}
}

// nix computes the hashes of nothing that emptyHash knows.
func TestEmptyHashesAreNixs(t *testing.T) {
	dir := t.TempDir()
	empty := filepath.Join(dir, "d")
	if err := os.Mkdir(empty, 0o755); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "f")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"file", "--type", "sha256", file}, {"file", "--type", "sha1", file}, {"file", "--type", "md5", file}, {"path", "--type", "sha256", file}, {"path", "--type", "sha256", empty}, {"path", "--type", "sha1", empty}} {
		cmd := exec.Command("nix", append([]string{"--extra-experimental-features", "nix-command", "hash"}, append(args[:1:1], append([]string{"--base16"}, args[1:]...)...)...)...)
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("%v: %v", cmd.Args, err)
		}
		if h := strings.TrimSpace(string(out)); !emptyHash(h) {
			t.Errorf("nix hash %v is %s, which is not known as empty", args, h)
		}
	}
	if emptyHash(strings.Repeat("0", 64)) {
		t.Error("any hash is empty")
	}
}

// Real Nix writes the derivations here: what a builtin fetch and structured
// attributes look like is not for us to say.
func TestDerivationsOfRealNix(t *testing.T) {
	root := t.TempDir()
	expr := `let fod = a: derivation ({ name = "x"; system = "x86_64-linux"; builder = "/bin/sh"; outputHashAlgo = "sha256"; outputHashMode = "flat";
	    outputHash = "0000000000000000000000000000000000000000000000000000000000000000"; } // a);
	  in derivation { name = "all"; system = "x86_64-linux"; builder = "/bin/sh"; a = [
	    (import <nix/fetchurl.nix> { url = "http://h/busybox"; sha256 = "0000000000000000000000000000000000000000000000000000000000000000"; executable = true; })
	    (fod { name = "plain"; urls = [ "http://h/a" "mirror://gnu/a" ]; })
	    (fod { name = "structured"; __structuredAttrs = true; urls = [ "http://h/b" ]; postFetch = "unpackFile x"; outputHashMode = "recursive"; })
	  ]; }`
	cmd := exec.Command("nix-instantiate", "--store", "local?root="+root, "-E", expr)
	cmd.Env = append(os.Environ(), "NIX_CONFIG=experimental-features = nix-command\nsandbox = false\nbuild-users-group =")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("nix-instantiate: %v\n%s", err, out)
	}
	type row struct {
		Fetcher, URLs, Mode string
		Executable          bool
	}
	g, facts, err := closure.LoadFacts(context.Background(), closure.DirInput(root), closure.Options{}, func(d *closure.Derivation) *row {
		f, ok := Describe(d)
		if !ok {
			return nil
		}
		return &row{f.Fetcher, strings.Join(f.URLs, " "), f.Mode, f.Executable}
	})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]row{}
	for i, r := range facts {
		if r != nil {
			got[g.Name(closure.ID(i))] = *r
		}
	}
	want := map[string]row{
		"busybox":    {BuiltinURL, "http://h/busybox", "recursive", true},
		"plain":      {URL, "http://h/a mirror://gnu/a", "flat", false},
		"structured": {Zip, "http://h/b", "recursive", false},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func FuzzDescribe(f *testing.F) {
	f.Add([]byte(`{"urls":["http://h/a"],"env":{"x":1}}`), "postFetch", "unpackFile")
	f.Add([]byte(`{"urls":{"a":[[[]]]}}`), "urls", "http://h/a")
	f.Add([]byte(``), "cvsRoot", "x")
	f.Fuzz(func(t *testing.T, structured []byte, key, value string) {
		d := drv("x", key, value)
		d.Structured = structured
		a, ok := Describe(d)
		if !ok {
			t.Fatal("not fixed")
		}
		b, _ := Describe(d)
		if fmt.Sprint(a) != fmt.Sprint(b) {
			t.Fatal("not a function of its input")
		}
		for _, u := range a.URLs {
			if u == "" {
				t.Fatal("empty address")
			}
		}
	})
}
