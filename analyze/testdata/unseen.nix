# Source archives that hold something compiled, and builds that could have used
# it by a way that leaves no record of the file itself; and such that could not.
# `hashes` maps the files that the test has put into /srcs to their SHA-256.
{ hashes }:
let
  inherit (import ./lib.nix hashes) fetch make;
  src = name: { src = fetch "${name}.tar.gz"; };
  bare = ''echo 'int f7(int,int*),f9(int,int*);void _start(void){int y[9];f7(1,y);f9(2,y);}' > s.c; gcc -ffreestanding -nostdlib -static -o e s.c'';
in
rec {
  # What the record names: interpreters and such, compiled here.
  programs = make "programs-1" { } ''
    mkdir -p $out/bin; echo 'int main(){return 0;}' > i.c; gcc -o i i.c; for n in node wine64 petite qemu-img gcc; do cp i $out/bin/$n; done
  '';
  # Executes a program after it was changed; another one in its output, and
  # takes it away.
  fixed = make "fixed-1" (src "helped") "tar -xzf $src; mkdir -p $out; objcopy --remove-section .comment helped/tools/gen g; ./g --version > $out/text";
  staged = make "staged-1" (src "helped") "tar -xzf $src; mkdir -p $out/bin; cp helped/tools/gen $out/bin/g; $out/bin/g --version > $out/text; rm -r $out/bin";
  # Executes nothing of its own but a script of the archive.
  configured = make "configured-1" (src "helped") "tar -xzf $src; mkdir -p $out; helped/configure > $out/text";
  # Executes what could load a library, or be told to; and what could not.
  addon = make "addon-1" (src "addon" // { inherit programs; }) "mkdir -p $out; echo a first text > $out/text";
  plugin = make "plugin-1" (src "addon" // { inherit programs; flags = "-fplugin=lib/addon.so"; }) "mkdir -p $out; echo a second text > $out/text";
  unloaded = make "unloaded-1" (src "addon" // { inherit programs; }) "mkdir -p $out; echo a third text > $out/text";
  # Executes what could be given programs for another system; what could not.
  foreign = make "foreign-1" (src "foreign" // { inherit programs; }) "mkdir -p $out; echo a fourth text > $out/text";
  image = make "image-1" (src "foreign" // { inherit programs; }) "mkdir -p $out; echo a fifth text > $out/text";
  # Compiles an interpreter of what the archive has its compiler in.
  stage = make "stage-1" (src "stage") "tar -xzf $src; mkdir -p $out/bin; gcc -o $out/bin/compiler stage/main.c stage/1.c";
  boot = make "boot-1" (src "boot" // { inherit programs; }) "tar -xzf $src; mkdir -p $out/bin; gcc -o $out/bin/scheme boot/main.c boot/2.c";
  # Links what is prebuilt: some of it, into another object, into an image for a
  # device, and into a program for another system.
  part = make "part-1" (src "objects") ''
    tar -xzf $src; mkdir -p $out/bin; echo 'int f7(int,int*);int main(int c,char**v){int y[9];return f7(c,y);}' > m.c; gcc -o $out/bin/m m.c objects/split.o -Wl,--gc-sections
  '';
  joined = make "joined-1" (src "objects") ''
    tar -xzf $src; mkdir -p $out/lib; echo 'extern int z; int q(int x){return x*3+z;}' > m.c; gcc -O2 -c -o m.o m.c; ld -r -o $out/lib/x.ko m.o objects/whole.o
  '';
  flashed = make "flashed-1" (src "objects") ''tar -xzf $src; mkdir -p $out; ${bare} objects/split.o; objcopy -O ihex e $out/flash.hex'';
  ported = make "ported-1" (src "objects") ''
    tar -xzf $src; mkdir -p $out/bin; printf 'section .text\nglobal start\nstart:\n times 300 nop\n ret\n' > m.asm; nasm -f win64 -o m.obj m.asm; ld -m i386pep -e start -o $out/bin/x.exe m.obj objects/code.obj
  '';
  # Records of a program, from where it is all there is and from an archive.
  records = make "records-1" { src = fetch "tool"; } "mkdir -p $out; cp $src x; objcopy -O ihex x $out/tool.hex";
  record = make "record-1" (src "helped") "tar -xzf $src; mkdir -p $out; objcopy -O ihex helped/tools/gen $out/gen.hex";
  veiled = make "veiled-1" (src "addon") ''
    tar -xzf $src; mkdir -p $out/share; perl -0777 -pe '$i = 7; s/(.)/chr(ord($1) ^ ($i = ($i * 31 + 11) % 251))/ges' addon/lib/addon.so > $out/share/data
  '';
  # A script that starts an interpreter with what an archive holds, and who
  # executes that; who executes what it has compiled itself.
  wrapper = make "wrapper-1" { inherit programs; tree = fetchTree; } ''
    mkdir -p $out/bin; printf '#!/bin/sh\nexec %s/bin/node %s/lib/addon.so\n' $programs $tree > $out/bin/wrapped; chmod 755 $out/bin/wrapped
  '';
  user = make "user-1" { inherit wrapper; } "mkdir -p $out; echo a sixth text > $out/text";
  generated = make "generated-1" (src "addon") "mkdir -p $out; echo a seventh text > $out/text";
  fetchTree = derivation {
    name = "tree";
    system = "x86_64-linux";
    builder = "/bin/sh";
    args = [ "-ec" "export PATH=/usr/bin:/bin; tar -xzf /srcs/addon.tar.gz; chmod -R u+w addon; mv addon $out; :" ];
    outputHashMode = "recursive";
    outputHashAlgo = "sha256";
    outputHash = hashes."tree.nar";
  };
  # Has no use for it.
  apart = make "apart-1" (src "coff") "tar -xzf $src; mkdir -p $out/bin; gcc -o $out/bin/apart coff/main.c coff/3.c";
  # Firmware in another form, and a program in a program that is compressed.
  listed = make "listed-1" { src = fetch "wifi-firmware-1.bin"; } "mkdir -p $out/include; od -An -v -tu1 $src | sed 's/ *\\([0-9][0-9]*\\)/\\1,/g' > $out/include/firmware.h";
  wrapped = make "wrapped-1" (src "helped") ''
    tar -xzf $src; mkdir -p $out; cp helped/tools/gen raw; printf '.data\n.globl blob\nblob: .incbin "raw"\n' > r.s; gcc -c -o r.o r.s; gcc -shared -o r.so r.o; xz -c r.so > $out/r.so.xz
  '';
  all = make "all-1" { deps = [ fixed staged configured addon plugin unloaded foreign image stage boot part joined flashed records record veiled user generated ported apart listed wrapped ]; } "mkdir -p $out; echo $deps > $out/list";
}
