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
	unseenOnce sync.Once
	unseen     fixture
)

// hoard makes what testdata/unseen.nix fetches: archives of much source, with
// something compiled in each.
const hoard = `set -e
source() { mkdir -p $1; for i in 1 2 3 4 5 6 7 8; do for k in $(seq 400); do echo "int $1${i}_$k(int x) { return x * $i + $k; }"; done > $1/$i.c; done; echo text > $1/README; echo 'int main(){return 0;}' > $1/main.c; }
pack() { for i in $(seq 30); do cp $1/1.c $1/copy$i.c; done; tar --sort=name --mtime=@1 -czf $1.tar.gz $1; rm -r $1; }
functions() { for i in $(seq $1); do echo "int f$i(int x,int*y){ for(int i=0;i<x;i++) y[i]=y[i]*$((i*7919))^(x+$((i*31))); return y[x>>1]+$i; }"; done; }
source helped; mkdir helped/tools; cp /usr/bin/patchelf helped/tools/gen
cp helped/1.c configure; sed -i '1i #!/bin/sh\necho configured; exit' configure; chmod 755 configure; cp configure helped/; pack helped
source addon; mkdir addon/lib; echo 'int add(int a,int b){int s=0;while(b--)s+=a*b^s;return s;}' > add.c; gcc -O2 -shared -fPIC -o addon/lib/addon.so add.c; pack addon
source foreign; mkdir foreign/bin
printf 'section .text\nglobal code\ncode:\n times 900 nop\n ret\n' > c.asm; nasm -f win64 -o c.obj c.asm; ld -m i386pep -e code -o foreign/bin/tool.exe c.obj; pack foreign
source stage; { printf '(module (memory 1)'; for i in $(seq 99); do printf '(func (export "h%d") (param i32) (result i32) local.get 0 i32.const %d i32.mul)' $i $((i*7919)); done; echo ')'; } > m.wat
wat2wasm m.wat -o stage/stage1.wasm; pack stage
source boot; mkdir boot/boot; { printf '\0\0\0\0chez'; head -c 20000 /usr/bin/patchelf | tail -c 9000; } > boot/boot/petite.boot; pack boot
source objects; functions 200 > f.c; gcc -O1 -ffunction-sections -c -o objects/split.o f.c; functions 34 > w.c; gcc -O1 -c -o objects/whole.o w.c; cp c.obj objects/code.obj; pack objects
source coff; cp c.obj coff/code.obj; pack coff
mkdir tree; tar -C tree -xzf addon.tar.gz; nix-store --dump tree/addon > tree.nar; cp /usr/bin/patchelf tool
perl -e 'srand(3); print join "", map { chr(int(rand(256)) & int(rand(256))) } 1..60000' > wifi-firmware-1.bin
`

// TestUnseen: what a build could have used without a record of it is unknown,
// and what it could not is none the less source.
func TestUnseen(t *testing.T) {
	unseenOnce.Do(func() { unseen.err = unseen.buildFrom("unseen", hoard, "", "all") })
	if unseen.err != nil {
		t.Fatal(unseen.err)
	}
	f := &unseen
	configure, err := hashOf(filepath.Join(scratch, "unseen/srcs/configure"))
	if err != nil {
		t.Fatal(err)
	}
	req := f.request(t)
	req.Exec = slices.Clone(req.Exec)
	built := strings.Repeat("cd", 32)
	for _, e := range []struct{ name, path, sum string }{
		{"fixed-1", "/build/helped/g", built},
		{"staged-1", f.output("staged-1") + "/bin/g", ""},
		{"configured-1", "/build/helped/configure", configure},
		{"addon-1", f.output("programs-1") + "/bin/node", ""},
		{"plugin-1", f.output("programs-1") + "/bin/gcc", ""},
		{"unloaded-1", f.output("programs-1") + "/bin/gcc", ""},
		{"foreign-1", f.output("programs-1") + "/bin/wine64", ""},
		{"image-1", f.output("programs-1") + "/bin/qemu-img", ""},
		{"stage-1", "/build/stage/translate", built},
		{"boot-1", f.output("programs-1") + "/bin/petite", ""},
		{"user-1", f.output("wrapper-1") + "/bin/wrapped", ""},
		{"user-1", f.output("programs-1") + "/bin/node", ""},
		{"generated-1", "/build/generate", built},
	} {
		req.Exec = append(req.Exec, trace.Exec{Drv: f.path(e.name), Path: e.path, SHA256: e.sum})
	}
	type want struct {
		name    string
		verdict audit.Verdict
		says    string // in the reason
	}
	check := func(what string, a *audit.Audit, wants []want) {
		t.Helper()
		for _, w := range wants {
			if d := row(t, a, w.name); d.Verdict != w.verdict || !strings.Contains(fmt.Sprint(d.Reason, d.Evidence), w.says) {
				t.Errorf("%s: %s is %s (%s), want %s (%s); %+v", what, w.name, d.Verdict, d.Reason, w.verdict, w.says, d.Evidence)
			}
		}
	}
	always := []want{
		{"part-1", audit.Unknown, "objects/split.o"},
		{"joined-1", audit.Unknown, "its lib/x.ko has some of the machine code of prebuilt objects"},
		{"flashed-1", audit.Unknown, "had it linked that into its flash.hex"},
		{"records-1", audit.Unknown, "its tool.hex carries an encoded"},
		{"record-1", audit.Unknown, "gen.hex"},
		{"veiled-1", audit.Unknown, "had it put that into its share/data in another form"},
		{"ported-1", audit.Unknown, "prebuilt objects"},
		{"apart-1", audit.Source, ""},
		{"listed-1", audit.Unknown, "could be that in another form"},
		{"wrapped-1", audit.CarriesBinary, "trace-embedded"},
		{"programs-1", audit.Source, ""},
	}
	a := run(t, req)
	check("recorded", a, always)
	check("recorded", a, []want{
		{"fixed-1", audit.Unknown, "g, which may be a changed copy"},
		{"staged-1", audit.Unknown, "g, which may be a changed copy"},
		{"configured-1", audit.Source, ""},
		{"addon-1", audit.Unknown, "node, which may have loaded it"},
		{"plugin-1", audit.Unknown, "sets -fplugin"},
		{"addon.tar.gz", audit.Unknown, "which may have loaded it"},
		{"unloaded-1", audit.Source, ""},
		{"user-1", audit.Unknown, "which refers to tree"},
		{"tree", audit.Unknown, "wrapper-1 refers to it"},
		{"generated-1", audit.Unknown, "generate, which may have loaded it"},
		{"foreign-1", audit.Unknown, "wine64, which may have been given it"},
		{"image-1", audit.Source, ""},
		{"stage-1", audit.Unknown, "translate, which could be an interpreter of that"},
		{"stage.tar.gz", audit.Unknown, "an interpreter of that"},
		{"boot-1", audit.Unknown, "petite, which may have been given it"},
	})
	req.Exec = nil
	a = run(t, req)
	check("not recorded", a, always)
	check("not recorded", a, []want{
		{"configured-1", audit.Unknown, "whether its build executed that is not on record"},
		{"unloaded-1", audit.Unknown, "holds a library"},
		{"image-1", audit.Source, ""},
		{"stage-1", audit.Unknown, "holds bytecode"},
		{"boot-1", audit.Unknown, "holds code for an interpreter"},
	})
}
