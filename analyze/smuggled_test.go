package analyze_test

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"fromsource/analyze/audit"
	"fromsource/analyze/trace"
)

var (
	smuggledOnce sync.Once
	smuggled     fixture
)

// smuggle makes what testdata/smuggled.nix fetches.
const smuggle = `set -e
source() { mkdir -p $1; for i in 1 2 3 4 5 6 7 8; do for k in 1 2 3 4 5 6 7 8 9; do echo "int f${i}_$k(int x) { return x * $i + $k; }"; done > $1/$i.c; done; echo text > $1/README; }
pack() { tar --sort=name --mtime=@1 -czf $1.tar.gz $1; }
cp /usr/bin/xz tool; xz -9c tool > tool.xz; source twice; cp tool twice/; pack twice
base64 -w0 /usr/bin/true > all; head -c 20000 all > a; tail -c +20001 all > b; rm all
perl -MCompress::Zlib -MMIME::Base64 -0777 -ne 'print encode_base64(compress($_))' /usr/bin/true > squeezed
perl -0777 -pe '$k = "secret"; $i = 0; s/(.)/chr(ord($1) ^ ord(substr($k, $i++ % 6, 1)))/ges' /usr/bin/cpio > keyed.dat
spell() { source $1; perl -0777 -ne 'for (unpack "C*") { print chr(97 + ($_ >> 4)), chr(97 + ($_ & 15)), $n++ % 30 ? " " : "\n" }' $2 > $1/words; pack $1; }
spell spelled /usr/bin/sort
tail -c +5 /usr/bin/sort > beheaded.dat
printf 'BITS 64\norg 0x400000\ndb 0x7f,"ELF",2,1,1,0\ntimes 8 db 0\ndw 2,62\ndd 1\ndq _start,64,0\ndd 0\ndw 64,56,1,0,0,0\ndd 1,7\ndq 0,0x400000,0x400000,size,size,0x1000\n_start: mov eax,60\nxor edi,edi\nsyscall\nsize equ $-$$\n' > tiny.asm
nasm -f bin -o t tiny.asm; base64 -w0 t > tiny; rm t tiny.asm
mkdir classes; printf 'class Greeter{String greet(String n){return "hello "+n;}}' > Greeter.java; javac -d classes Greeter.java; jar cf library.jar -C classes .
printf 'class Waver{String wave(String n){return "bye "+n;}}' > Waver.java; javac -d . Waver.java; spell classy Waver.class; rm Waver.*
printf 'int add(int a,int b){int s=0;while(b--)s+=a*b^s;return s;}\n' > add.c; gcc -O2 -shared -fPIC -o addon.node add.c
source script; { printf '(module (memory 1)'; for i in $(seq 99); do printf '(func (export "h%d") (param i32) (result i32) local.get 0 i32.const %d i32.mul)' $i $((i*7919)); done; echo ')'; } > m.wat
wat2wasm m.wat -o m.wasm; echo "module.exports = Buffer.from('$(base64 -w0 m.wasm)', 'base64');" > script/module.js; pack script
source object; mkdir object/lib; gcc -O2 -fPIC -c -o object/lib/answer.o add.c; pack object
source tested; mkdir tested/tests; cp object/lib/answer.o tested/tests/; pack tested
source snake; echo 'int main(){return 3;}' > snake/main.c
printf 'bits 32\nstub: db "MZ"\ntimes 58 db 0\ndd 64\ndb "PE",0,0\ndw 0x14c,1\ndd 0,0,0\ndw 224,0x103\ndw 0x10b,0\ndd 512,0,0,4096,4096,8192,0x400000,4096,512\ndw 4,0,0,0,4,0\ndd 0,8192,512,0\ndw 3,0\ndd 0x100000,4096,0x100000,4096,0,16\ntimes 32 dd 0\ndb ".text",0,0,0\ndd 512,4096,512,512,0,0,0,0x60000020\ntimes 512-($-$$) db 0\nmov eax,1\nret\ntimes 1024-($-$$) db 0x90\n' > pe.asm
nasm -f bin -o snake/launcher.exe pe.asm; cp library.jar snake/macros.jar; cp addon.node snake/sample.so; pack snake
source broken; echo 'int main(){return 4;}' > broken/main.c; mkdir broken/tests; seq 99999 | xz | head -c 3000 > broken/tests/bad.xz; pack broken
source shut; echo 'int main(){return 5;}' > shut/main.c; cp broken/tests/bad.xz shut/bad.xz; pack shut
source licensed; seq 999 > licensed/COPYING; mkdir licensed/tests; cp /usr/bin/env licensed/tests/sample; head -c 300000 keyed.dat | gzip > licensed/tests/disk.gz; pack licensed
mkdir -p tree/bin tree2/bin; cp tool tree/bin/tool; cp /bin/busybox tree2/bin/busybox; chmod 555 tree/bin/tool tree2/bin/busybox
for t in tree tree2; do nix-store --dump $t > $t.nar; done
`

// theSmuggled is testdata/smuggled.nix, built once.
func theSmuggled(t *testing.T) *fixture {
	t.Helper()
	smuggledOnce.Do(func() {
		smuggled.err = smuggled.buildFrom("smuggled", smuggle, textArg("smuggled"), "all")
	})
	if smuggled.err != nil {
		t.Fatal(smuggled.err)
	}
	return &smuggled
}

func textArg(name string) string {
	return fmt.Sprintf("text = n: builtins.readFile (/. + (%q + n));", filepath.Join(scratch, name, "srcs")+"/")
}

// TestSmuggled: prebuilt code in forms that leave no equal file behind, and
// packages that only look as if they held some.
func TestSmuggled(t *testing.T) {
	f := theSmuggled(t)
	type want struct {
		name    string
		verdict audit.Verdict
		says    string // in the reason, or a rule of the evidence
	}
	check := func(a *audit.Audit, wants []want) {
		t.Helper()
		for _, w := range wants {
			d := row(t, a, w.name)
			if d.Verdict != w.verdict || !strings.Contains(d.Reason, w.says) && !slices.ContainsFunc(d.Evidence, func(e audit.Evidence) bool { return e.Rule == w.says }) {
				t.Errorf("%s is %s (%s), want %s (%s); %+v", w.name, d.Verdict, d.Reason, w.verdict, w.says, d.Evidence)
			}
		}
	}
	always := []want{
		{"link-1", audit.CarriesBinary, "trace-reference"},
		{"link-into-1", audit.CarriesBinary, "trace-reference"},
		{"launcher-1", audit.CarriesBinary, "trace-reference"},
		{"recursive-1", audit.Unknown, "recursive-nix"},
		{"dangling-1", audit.Unknown, "leads to elsewhere by the link dangling-1/bin/x"},
		{"structured-1", audit.Unknown, "structured attributes"},
		{"halves-1", audit.Unknown, "env.a"},
		{"tiny-1", audit.Unknown, "env.blob"},
		{"squeezed-1", audit.Unknown, "env.blob"},
		{"sealed-1", audit.Unknown, "keyed.dat is mostly data of no known format"},
		{"beheaded-1", audit.Unknown, "beheaded.dat is mostly data of no known format"},
		{"beheaded.dat", audit.Unknown, "of beheaded-1"},
		{"kept-1", audit.Source, "holds data of no known format"},
		{"packed-1", audit.CarriesBinary, "trace-identical"},
		{"code-1", audit.Unknown, ""},
		{"once-1", audit.CarriesBinary, "trace-embedded"},
		{"twice-1", audit.CarriesBinary, "trace-identical"},
		{"host-1", audit.Unknown, "is the same as the prebuilt"},
		{"script-1", audit.CarriesBinary, "trace-identical"},
		{"script.tar.gz", audit.Binary, "trace-identical"},
		{"object-1", audit.Unknown, "object/lib/answer.o"},
		{"object.tar.gz", audit.Unknown, "object/lib/answer.o"},
		{"builder-1", audit.BuiltByBinary, "exec-builder"},
		{"tree2", audit.Binary, "exec-builder"},
		{"carrier-1", audit.CarriesBinary, "trace-identical"},
		{"builder2-1", audit.BuiltByBinary, "exec-builder"},
		{"several-1", audit.CarriesBinary, "trace-identical"},
		{"one-1", audit.Source, ""},
		{"snake-1", audit.CarriesBinary, "trace-identical"},
		{"broken.tar.gz", audit.Unknown, "bad.xz"},
		{"broken-1", audit.Unknown, "bad.xz"},
		{"compiled-1", audit.Source, ""},
		{"stripped-1", audit.Source, ""},
		{"after-1", audit.Source, "some samples for tests could not be looked at"},
		{"shut-1", audit.Unknown, "bad.xz"},
		{"behind-1", audit.Unknown, "shut-1"},
		{"tested-1", audit.Source, "tested/tests/answer.o"},
	}
	req := f.request(t)
	req.Exec = append(slices.Clone(req.Exec),
		trace.Exec{Drv: f.path("ran-1"), Path: f.output("snake-1") + "/bin/snake"},
		trace.Exec{Drv: f.path("started-1"), Path: f.output("snake-1") + "/bin/start"},
		trace.Exec{Drv: f.path("started-1"), Path: "/usr/bin/java", SHA256: strings.Repeat("ef", 32)},
		trace.Exec{Drv: f.path("after-1"), Path: f.output("broken-1") + "/bin/broken"},
		trace.Exec{Drv: f.path("behind-1"), Path: f.output("shut-1") + "/bin/shut"})
	a := run(t, req)
	check(a, always)
	check(a, []want{
		{"spelled-1", audit.Unknown, "nothing that its build executed makes any"},
		{"spelled.tar.gz", audit.Unknown, "of spelled-1"},
		{"classy-1", audit.Unknown, "is bytecode that is in no input"},
		{"half-1", audit.Unknown, "most of the bytes of the prebuilt tool"},
		{"encoded-1", audit.Unknown, "its share/text carries an encoded elf"},
		{"hidden-1", audit.Unknown, "its share/data is data of no known format"},
		{"small-1", audit.Unknown, "too small to be compared in part"},
		{"preload-1", audit.Unknown, "sets LD_PRELOAD"},
		{"other-1", audit.Source, ""},
		{"tested.tar.gz", audit.Source, "tested/tests/answer.o"},
		{"ran-1", audit.Source, ""},
		{"started-1", audit.BuiltByBinary, "exec-through"},
		{"licensed-1", audit.Source, ""},
		{"licensed.tar.gz", audit.Source, "trace-unused"},
	})
	if d := row(t, a, "script-1"); d.Confidence != audit.Low {
		t.Errorf("a text that carries bytecode: confidence %s", d.Confidence)
	}
	if d := row(t, a, "ran-1"); d.Confidence != audit.High {
		t.Errorf("ran-1: confidence %s (%s)", d.Confidence, d.Reason)
	}

	req.Exec = nil
	a = run(t, req)
	check(a, always)
	check(a, []want{{"other-1", audit.Unknown, "not on record"}})
	// Nothing in the closure is seen to execute the classes.
	check(a, []want{{"ran-1", audit.Source, ""}, {"started-1", audit.Source, ""}})
}

// TestLicenceIsNotTheSource: who installs a text of a source archive does not
// ship the archive.
func TestLicenceIsNotTheSource(t *testing.T) {
	f := theSmuggled(t)
	req := f.request(t)
	var err error
	if req.Graph, req.Facts, err = f.load(f.path("licensed-1")); err != nil {
		t.Fatal(err)
	}
	if d := row(t, run(t, req), "licensed.tar.gz"); d.Reach != audit.ReachBuild || d.Verdict != audit.Source {
		t.Errorf("licensed.tar.gz has reach %s, and is %s (%s)", d.Reach, d.Verdict, d.Reason)
	}
	// A jar in the output is an archive that could be a system's.
	if req.Graph, req.Facts, err = f.load(f.path("snake-1")); err != nil {
		t.Fatal(err)
	}
	if d := row(t, run(t, req), "snake.tar.gz"); d.Reach != audit.ReachRuntime || d.Verdict != audit.Binary {
		t.Errorf("snake.tar.gz has reach %s, and is %s (%s)", d.Reach, d.Verdict, d.Reason)
	}
}

// TestFloating: what has no path before it is built is unknown, and so is what
// is made of it.
func TestFloating(t *testing.T) {
	theSmuggled(t)
	f := new(fixture)
	if err := f.buildFrom("smuggled", "", textArg("smuggled")+"ca = true;", "all"); err != nil {
		t.Fatal(err)
	}
	a := run(t, f.request(t))
	for _, name := range []string{"floating-1", "after-floating-1", "all-1"} {
		if d := row(t, a, name); d.Verdict != audit.Unknown || !strings.Contains(d.Reason, "not known before it is built") {
			t.Errorf("%s is %s (%s)", name, d.Verdict, d.Reason)
		}
	}
	if d := row(t, a, "tool"); d.Verdict != audit.Binary {
		t.Errorf("tool is %s (%s)", d.Verdict, d.Reason)
	}
}
