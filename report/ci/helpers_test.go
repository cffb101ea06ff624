package ci

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// host is what the examples find on the machine that runs them: this
// repository as a clone, its program, a Nix with a store of its own, and the
// modules that are here already.
type host struct {
	dir   string
	clone string // a git repository with these sources
	env   []string
}

// newHost makes one. Nothing is written outside of its folder, and nothing
// comes from the network: "nixpkgs" is a flake of the test.
func newHost(t *testing.T) *host {
	t.Helper()
	dir := t.TempDir()
	h := &host{dir: dir, clone: filepath.Join(dir, "fromsource.git")}
	for _, d := range []string{"home", "tmp", "bin", "conf"} {
		h.must(t, os.Mkdir(filepath.Join(dir, d), 0o755))
	}
	golang := goEnv(t)
	h.write(t, "nixpkgs/flake.nix", nixpkgsFlake)
	h.write(t, "nixpkgs/default.nix", strings.NewReplacer("@GO@", golang["GOROOT"], "@MODULES@", golang["GOMODCACHE"], "@CACHE@", golang["GOCACHE"], "@BASH@", lookPath(t, "bash")).Replace(nixpkgsStub))
	h.write(t, "registry.json", `{"version": 2, "flakes": [{"from": {"type": "indirect", "id": "nixpkgs"}, "to": {"type": "path", "path": "`+dir+`/nixpkgs"}}]}`)
	h.write(t, "conf/nix.conf", "experimental-features = nix-command flakes\nbuild-users-group =\nsandbox = false\nsubstitute = false\nfsync-metadata = false\nwarn-dirty = false\nflake-registry = "+dir+"/registry.json\n")
	h.env = append(os.Environ(),
		"HOME="+dir+"/home", "TMPDIR="+dir+"/tmp", "XDG_CACHE_HOME="+dir+"/home/.cache",
		"PATH="+dir+"/bin:"+golang["GOROOT"]+"/bin:"+os.Getenv("PATH"),
		"GOMODCACHE="+golang["GOMODCACHE"], "GOCACHE="+golang["GOCACHE"], "GOPROXY=off", "GOFLAGS=-trimpath -buildvcs=false", "GOTOOLCHAIN=local",
		"NIX_CONFIG=", "NIX_CONF_DIR="+dir+"/conf", "NIX_REMOTE=local", "NIX_PATH=",
		"NIX_STORE_DIR="+dir+"/store", "NIX_STATE_DIR="+dir+"/state", "NIX_LOG_DIR="+dir+"/log",
		"GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_NOSYSTEM=1",
		"GIT_AUTHOR_NAME=t", "GIT_AUTHOR_EMAIL=t@example.org", "GIT_COMMITTER_NAME=t", "GIT_COMMITTER_EMAIL=t@example.org",
	)
	h.copySources(t)
	return h
}

var goEnv = func() func(*testing.T) map[string]string {
	get := sync.OnceValues(func() ([]byte, error) { return exec.Command("go", "env", "GOROOT", "GOMODCACHE", "GOCACHE").Output() })
	return func(t *testing.T) map[string]string {
		t.Helper()
		out, err := get()
		if err != nil {
			t.Fatal(err)
		}
		f := strings.Split(strings.TrimSpace(string(out)), "\n")
		return map[string]string{"GOROOT": f[0], "GOMODCACHE": f[1], "GOCACHE": f[2]}
	}
}()

func lookPath(t *testing.T, name string) string {
	t.Helper()
	p, err := exec.LookPath(name)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// copySources makes the clone of what git would keep of this repository, as it is
// now in the working tree.
func (h *host) copySources(t *testing.T) {
	t.Helper()
	list := exec.Command("git", "-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
	list.Dir = "../.."
	out, err := list.Output()
	if err != nil {
		t.Fatalf("git ls-files: %v", err)
	}
	for name := range strings.SplitSeq(strings.TrimSuffix(string(out), "\x00"), "\x00") {
		from := filepath.Join("../..", name)
		st, err := os.Lstat(from)
		if os.IsNotExist(err) {
			continue // removed in the working tree
		}
		h.must(t, err)
		if !st.Mode().IsRegular() {
			t.Fatalf("%s is no plain file", name)
		}
		data, err := os.ReadFile(from)
		h.must(t, err)
		to := filepath.Join(h.clone, name)
		h.must(t, os.MkdirAll(filepath.Dir(to), 0o755))
		h.must(t, os.WriteFile(to, data, st.Mode().Perm()))
	}
	h.git(t, h.clone, "init", "-q", "-b", "main")
	h.git(t, h.clone, "add", "-A")
	h.git(t, h.clone, "commit", "-q", "-m", "sources")
}

func (h *host) must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (h *host) write(t *testing.T, name, text string) {
	t.Helper()
	file := filepath.Join(h.dir, name)
	h.must(t, os.MkdirAll(filepath.Dir(file), 0o755))
	h.must(t, os.WriteFile(file, []byte(text), 0o644))
}

func (h *host) git(t *testing.T, dir string, args ...string) {
	t.Helper()
	if out, code := h.run(t, dir, nil, "git", args...); code != 0 {
		t.Fatalf("git %q: exit code %d\n%s", args, code, out)
	}
}

// run gives what a program prints, and its exit code.
func (h *host) run(t *testing.T, dir string, env []string, name string, args ...string) (string, int) {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Dir, cmd.Env = dir, append(append([]string{}, h.env...), env...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	if cmd.ProcessState == nil {
		t.Fatalf("running %s: %v", name, err)
	}
	return out.String(), cmd.ProcessState.ExitCode()
}

// example is the text of an example, with its address filled in.
func (h *host) example(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(name)
	h.must(t, err)
	return strings.ReplaceAll(string(data), "https://example.org/fromsource.git", "file://"+h.clone)
}

// project makes the repository of a user of fromsource.
func (h *host) project(t *testing.T, name string) string {
	t.Helper()
	h.write(t, name+"/default.nix", projectNix)
	h.write(t, name+"/fromsource.waivers.yaml", "waivers: []\n")
	dir := filepath.Join(h.dir, name)
	h.git(t, dir, "init", "-q", "-b", "main")
	h.commit(t, dir)
	return dir
}

func (h *host) commit(t *testing.T, dir string) {
	t.Helper()
	h.git(t, dir, "add", "-A")
	h.git(t, dir, "commit", "-q", "-m", "change")
}

// addBinary makes the project's system depend on a download that it did not
// have.
func (h *host) addBinary(t *testing.T, dir string) {
	t.Helper()
	file := filepath.Join(dir, "default.nix")
	data, err := os.ReadFile(file)
	h.must(t, err)
	after := strings.Replace(string(data), "[ tool ]", "[ tool agent ]", 1)
	if after == string(data) {
		t.Fatal("the project has no list of inputs")
	}
	h.must(t, os.WriteFile(file, []byte(after), 0o644))
	h.commit(t, dir)
}

// projectNix takes nixpkgs as a Hydra job gives it, and needs nothing of it.
const projectNix = `
{ nixpkgs ? null }:
let
  drv = attrs: derivation ({ system = "x86_64-linux"; builder = "/bin/sh"; args = [ "-c" "true" ]; } // attrs);
  fetch = file: drv {
    name = file; builder = "builtin:fetchurl"; system = "builtin";
    url = "https://github.com/owner/${builtins.substring 0 4 file}/releases/download/v1.0/${file}";
    outputHashMode = "flat"; outputHashAlgo = "sha256"; outputHash = builtins.hashString "sha256" file;
  };
  repackage = name: drv {
    name = "${name}-1.0"; src = fetch "${name}-1.0-linux-amd64.tar.gz"; dontBuild = true;
    installPhase = "install -m755 ${name} $out/bin/${name}";
  };
  tool = repackage "tool";
  agent = repackage "agent";
in
{
  system = drv { name = "system"; inputs = [ tool ]; };
}
`

const nixpkgsFlake = `
{
  outputs = { self }: let pkgs = import ./. { }; in {
    legacyPackages.x86_64-linux = pkgs;
    lib.nixosSystem = { system, modules }: { config.system.build.toplevel = (import (builtins.head modules) { }).toplevel; };
  };
}
`

// nixpkgsStub offers what the examples use of nixpkgs, with the host's tools.
// buildGoModule does as nixpkgs': a fixed-output derivation of the vendored
// modules, whose hash Nix checks, and a build from nothing but that. Scripts end
// in a builtin: Nix kills a builder that has closed its output, which tools of
// coreutils do just before they exit, and a shell leaves itself to the last one.
const nixpkgsStub = `
{ ... }:
let
  sh = name: attrs: text: derivation ({
    inherit name; system = "x86_64-linux"; builder = "@BASH@";
    args = [ "-euc" "export PATH=@GO@/bin:/usr/bin:/bin TMPDIR=$PWD HOME=$PWD GOTOOLCHAIN=local GOPROXY=off GOFLAGS=-buildvcs=false GOCACHE=@CACHE@ GOMODCACHE=@MODULES@; ${text}\n:" ];
  } // attrs);
in
{
  go = sh "go" { } "mkdir -p $out/bin; ln -s @GO@/bin/go $out/bin/go";
  runCommand = name: { nativeBuildInputs }: text:
    sh name { } "export PATH=${builtins.concatStringsSep ":" (map (p: "${p}/bin") nativeBuildInputs)}:$PATH; ${text}";
  buildGoModule = { pname, version, src, subPackages, env, doCheck, vendorHash }:
    let
      unpack = "cp -r ${src} source; chmod -R u+w source; cd source; rm -rf vendor;";
      modules = sh "${pname}-${version}-go-modules"
        { outputHashMode = "recursive"; outputHashAlgo = "sha256"; outputHash = vendorHash; }
        "${unpack} go mod vendor; cp -r vendor $out";
    in
    sh "${pname}-${version}" env ''
      ${unpack} cp -r ${modules} vendor
      GOMODCACHE=/nowhere GOFLAGS="-mod=vendor -trimpath -buildvcs=false" go build -o $out/bin/ ${toString (map (p: "./" + p) subPackages)}
    '';
}
`
