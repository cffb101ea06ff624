package analyze_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"fromsource/analyze"
	"fromsource/analyze/content"
	"fromsource/analyze/rules"
	"fromsource/analyze/trace"
	"fromsource/closure"
	"fromsource/closure/store"
)

// fixture is testdata/closure.nix, built once by real Nix with real tools.
type fixture struct {
	root  string // the store root
	drv   string // of the image
	twin  string // in the hostile closure: made anew from another fetch
	graph *closure.Graph
	facts []rules.Facts
	exec  []trace.Exec
	err   error
}

var (
	buildOnce sync.Once
	built     fixture
	scratch   string
)

func TestMain(m *testing.M) {
	var err error
	if scratch, err = os.MkdirTemp("", "fromsource-analyze-"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	// Store paths are read-only.
	if out, err := exec.Command("chmod", "-R", "u+w", scratch).CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "%v: %s", err, out)
	}
	if err := os.RemoveAll(scratch); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	os.Exit(code)
}

func theClosure(t *testing.T) *fixture {
	t.Helper()
	buildOnce.Do(func() { built.err = built.build() })
	if built.err != nil {
		t.Fatal(built.err)
	}
	return &built
}

func (f *fixture) build() error {
	srcs := filepath.Join(scratch, "srcs")
	hashes, err := makeSources(srcs)
	if err != nil {
		return err
	}
	expr := filepath.Join(scratch, "hashes.json")
	if err := os.WriteFile(expr, hashes, 0o600); err != nil {
		return err
	}
	f.root = filepath.Join(scratch, "root")
	text, err := filepath.Abs("testdata/closure.nix")
	if err != nil {
		return err
	}
	call := fmt.Sprintf("(import %s { hashes = builtins.fromJSON (builtins.readFile %s); }).image", text, expr)
	drv, err := f.nix(srcs, "nix-instantiate", "-E", call)
	if err != nil {
		return err
	}
	f.drv = drv
	if err := f.realise(srcs); err != nil {
		return err
	}
	// The generator lies in a build directory, so it is known by its hash.
	sum, err := hashOf(filepath.Join(srcs, "generate"))
	if err != nil {
		return err
	}
	f.exec = append(f.exec,
		trace.Exec{Drv: f.path("generated-1"), Path: "/build/generator/generate", SHA256: sum},
		trace.Exec{Drv: f.path("changed-1"), Path: "/build/generator/generate", SHA256: strings.Repeat("cd", 32)},
		trace.Exec{Drv: f.path("made-1"), Path: f.output("patched-1") + "/bin/tool"})
	return os.RemoveAll(filepath.Join(f.root, f.output("gone.tar.gz")))
}

func (f *fixture) load(drv string) (*closure.Graph, []rules.Facts, error) {
	return closure.LoadFacts(context.Background(), closure.DrvInput(drv, f.root), closure.Options{}, rules.Extract)
}

func (f *fixture) nix(srcs string, args ...string) (string, error) {
	cmd := exec.Command(args[0], append([]string{"--store", f.root}, args[1:]...)...)
	cmd.Env = append(os.Environ(), "NIX_CONFIG=experimental-features = ca-derivations recursive-nix\nbuild-users-group =\nsubstitute = false\nfsync-metadata = false\nsandbox = true\nsystem = x86_64-linux\n"+
		"allowed-impure-host-deps = /usr\nsandbox-paths = /bin /usr /lib /lib64 /etc/alternatives /srcs="+srcs)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s: %w\n%s", args, err, stderr.Bytes())
	}
	return strings.TrimSpace(string(out)), nil
}

func (f *fixture) id(name string) closure.ID {
	for i := range closure.ID(f.graph.Len()) {
		if f.graph.Name(i) == name {
			return i
		}
	}
	panic("no derivation is called " + name)
}

func (f *fixture) path(name string) string   { return f.graph.Path(f.id(name)) }
func (f *fixture) output(name string) string { return f.graph.Outputs(f.id(name))[0].Path }

func (f *fixture) request(t *testing.T) analyze.Request {
	t.Helper()
	l, err := store.OpenLocal(f.root)
	if err != nil {
		t.Fatal(err)
	}
	return analyze.Request{Name: "image", Version: "test", Graph: f.graph, Facts: f.facts, Store: l, Exec: f.exec}
}

// compiles matches commands that make native code.
var compiles = regexp.MustCompile(`\b(gcc|g\+\+|nasm|objcopy|ld)\b`)

// realise builds the fixture's derivation and loads its closure. Of what the
// guest would have recorded, each build executed a shell, and a compiler where
// its commands have one: under a name that passes for the sandbox's own, as these
// builds have the machine's.
func (f *fixture) realise(srcs string) (err error) {
	if _, err := f.nix(srcs, "nix-store", "-r", f.drv); err != nil {
		return err
	}
	if f.graph, f.facts, err = f.load(f.drv); err != nil {
		return err
	}
	for i := range closure.ID(f.graph.Len()) {
		if !f.graph.FixedOutput(i) {
			f.exec = append(f.exec, trace.Exec{Drv: f.graph.Path(i), Path: "/bin/sh", SHA256: strings.Repeat("ab", 32)})
			text, err := os.ReadFile(filepath.Join(f.root, f.graph.Path(i)))
			if err != nil {
				return err
			}
			if compiles.Match(text) {
				f.exec = append(f.exec, trace.Exec{Drv: f.graph.Path(i), Path: "/bin/busybox-gcc", SHA256: strings.Repeat("ac", 32)})
			}
		}
	}
	return nil
}

func hashOf(name string) (string, error) {
	b, err := os.ReadFile(name)
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:]), err
}

// makeSources makes what the closure fetches, and returns the hashes as JSON.
func makeSources(dir string) ([]byte, error) {
	script := `set -e
source() { mkdir -p $1; printf '#include <stdio.h>\n#ifndef NAME\n#define NAME "plain"\n#endif\nint main(int c,char**v){int i;for(i=0;i<c;i++)printf("%%s %%d\\n",NAME,i*i+7);return c-1;}\n' > $1/main.c; echo text > $1/README; echo notes > $1/NEWS; }
pack() { tar --sort=name --mtime=@1 -czf $1.tar.gz $2; }
source plain; pack plain plain
source tested; mkdir tested/testdata; cp /usr/bin/sort tested/testdata/sample; for i in 1 2 3 4; do echo $i > tested/$i.c; done; pack tested tested
mkdir -p prebuilt/bin; cp /usr/bin/xz prebuilt/bin/tool; echo read > prebuilt/README; pack prebuilt prebuilt
mkdir classes; printf 'class Greeter{String greet(String n){return "hello "+n;}}' > Greeter.java; javac -d classes Greeter.java; jar cf library.jar -C classes .
mkdir generator; cp /usr/bin/zstd generator/generate; cp /usr/bin/zstd generate; pack generator generator
mkdir unused; cp /usr/bin/cpio unused/; echo read > unused/README; pack unused-linux-x86_64 unused
source other; pack other other
libc=$(gcc -print-file-name=libc.a)
source objects; mkdir objects/lib; ar x $libc regex.o fnmatch.o; ar rc objects/lib/libregex.a regex.o
printf '#include <regex.h>\nint main(int c,char**v){regex_t r;return regcomp(&r,v[0],c)+regexec(&r,v[c-1],0,0,0);}\n' > objects/use.c
for i in 1 2 3 4 5 6 7 8; do echo "int f$i;" > objects/$i.c; done; pack objects objects
source sealed; zip -q -P secret sealed/data.zip /usr/bin/cpio; pack sealed sealed
source gone; echo gone >> gone/README; pack gone gone
cp /bin/busybox bootstrap-tools-busybox
mkdir -p seed/bin seed/lib; ar rc seed/lib/libfnmatch.a fnmatch.o; printf 'int answer(int x){int i,s=0;for(i=0;i<x;i++)s+=i*i^x;return s;}int main(int c,char**v){return answer(c)+answer(c*3)+answer(c*c);}' > s.c
gcc -O0 -o seed/bin/seedtool s.c; printf 'SeedCC: (GNU) 1.2.3\0' > ident; objcopy --update-section .comment=ident seed/bin/seedtool
tar -C seed --sort=name --mtime=@1 -cJf bootstrap-tools.tar.xz .
`
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	// Firmware: data that no header names.
	blob := make([]byte, 48<<10)
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range blob {
		r := rng.Uint32()
		blob[i] = byte(r) & byte(r>>8)
	}
	if err := os.WriteFile(filepath.Join(dir, "wifi-firmware-1.bin"), blob, 0o644); err != nil {
		return nil, err
	}
	cmd := exec.Command("bash", "-c", script)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("making sources: %w\n%s", err, out)
	}
	return hashesOf(dir)
}

// hashesOf maps the files of a directory to their SHA-256, as JSON.
func hashesOf(dir string) ([]byte, error) {
	hashes := map[string]string{}
	ents, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	for _, e := range ents {
		if e.Type().IsRegular() {
			if hashes[e.Name()], err = hashOf(filepath.Join(dir, e.Name())); err != nil {
				return nil, err
			}
		}
	}
	return json.Marshal(hashes)
}

// counting is content.Inspect, counted.
func counting(n *atomic.Int64) content.Inspector {
	return func(ctx context.Context, name string, r io.Reader, o content.Options) (content.Result, error) {
		n.Add(1)
		return content.Inspect(ctx, name, r, o)
	}
}
