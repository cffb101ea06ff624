# A closure in which every derivation is there to earn one verdict, built by
# the analysis' own tests with the host's tools. `hashes` maps the files that
# the test has put into /srcs to their SHA-256.
{ hashes }:
let
  inherit (import ./lib.nix hashes) fetch;
  # Shell text is passed as buildCommand, as nixpkgs' runCommand does. The
  # script ends with a builtin, so that the shell stays the builder.
  make = name: attrs: with self; on { inherit bootstrapTools; } name attrs;
  on = base: name: attrs: buildCommand: derivation (base // {
    inherit name buildCommand;
    system = "x86_64-linux";
    builder = "/bin/sh";
    args = [ "-ec" "export PATH=/usr/bin:/bin; eval \"$buildCommand\"; :" ];
  } // attrs);
  self = rec {
  # source: text only, and what is compiled from it.
  plain = make "plain-1" { src = fetch "plain.tar.gz"; } ''
    tar -xzf $src; mkdir -p $out/bin; gcc -o $out/bin/plain plain/main.c
  '';
  # source: a prebuilt member that nobody uses.
  tested = make "tested-1" { src = fetch "tested.tar.gz"; } ''
    tar -xzf $src; mkdir -p $out/bin; gcc -DNAME='"tested"' -o $out/bin/tested tested/main.c
  '';
  # carries-binary: an ELF that patchelf gave another interpreter and rpath,
  # and that was stripped before.
  patched = make "patched-1" { src = fetch "prebuilt.tar.gz"; } ''
    tar -xzf $src; mkdir -p $out/bin; cp prebuilt/bin/tool $out/bin/tool; chmod u+w $out/bin/tool
    patchelf --set-rpath /a/much/longer/rpath/than/there/was/before:$out/lib $out/bin/tool
    patchelf --set-interpreter /lib64/ld-linux-x86-64.so.2 $out/bin/tool
  '';
  # carries-binary: a jar packed anew from the same classes.
  repacked = make "repacked-1" { src = fetch "library.jar"; } ''
    mkdir x; cd x; unzip -q $src; echo more > note.txt; mkdir -p $out/share/java; zip -qr0 $out/share/java/other.jar .
  '';
  # carries-binary: firmware, compressed.
  firmware = make "wifi-firmware-1" { src = fetch "wifi-firmware-1.bin"; } ''
    mkdir -p $out/lib/firmware; xz -9 < $src > $out/lib/firmware/wifi.bin.xz
  '';
  # built-by-binary: runs what it has unpacked.
  generated = make "generated-1" { generator = fetch "generator.tar.gz"; } ''
    tar -xzf $generator; mkdir -p $out; ./generator/generate --version > $out/text
  '';
  # unknown: the same, but patched before it runs, so that its hash is no help.
  changed = make "changed-1" { generator = fetch "generator.tar.gz"; } ''
    tar -xzf $generator; mkdir -p $out; patchelf --set-rpath /none generator/generate; ./generator/generate --version > $out/text
  '';
  # built-by-binary: runs what another package carries.
  made = make "made-1" { inherit patched; } ''
    mkdir -p $out; $patched/bin/tool --version > $out/text
  '';
  # source: a script that refers to what carries one.
  wrapper = make "wrapper-1" { inherit patched; } ''
    mkdir -p $out/bin; echo "exec $patched/bin/tool" > $out/bin/wrapper
  '';
  # binary, and a consumer that is source all the same.
  unused = make "unused-1" { extra = fetch "unused-linux-x86_64.tar.gz"; src = fetch "other.tar.gz"; } ''
    tar -xzf $src; mkdir -p $out/bin; gcc -DNAME='"unused"' -o $out/bin/unused other/main.c
  '';
  # carries-binary: a prebuilt static library, linked in; and source, next to
  # the same library that it does not use.
  linked = make "linked-1" { src = fetch "objects.tar.gz"; } ''
    tar -xzf $src; mkdir -p $out/bin; gcc -static -o $out/bin/linked objects/use.c objects/lib/libregex.a; strip $out/bin/linked
  '';
  aside = make "aside-1" { src = fetch "objects.tar.gz"; } ''
    tar -xzf $src; mkdir -p $out/bin; gcc -DNAME='"aside"' -o $out/bin/aside objects/main.c
  '';
  # unknown: a part of the source can't be read, and what is copied from it.
  sealed = make "sealed-1" { src = fetch "sealed.tar.gz"; } ''
    tar -xzf $src; mkdir -p $out/bin; gcc -DNAME='"sealed"' -o $out/bin/sealed sealed/main.c
  '';
  copied = make "copied-1" { inherit sealed; } ''
    mkdir -p $out/bin; cp $sealed/bin/sealed $out/bin/copied
  '';
  # unknown: the source is not at hand any more.
  gone = make "gone-1" { src = fetch "gone.tar.gz"; } ''
    tar -xzf $src; mkdir -p $out/bin; gcc -DNAME='"gone"' -o $out/bin/gone gone/main.c
  '';
  # seed: a fetched builder, and what it unpacks.
  bootstrapTools = on { } "bootstrap-tools" {
    busybox = fetch "bootstrap-tools-busybox";
    tarball = fetch "bootstrap-tools.tar.xz";
  } ''
    mkdir $out; tar -xJf $tarball -C $out
  '';
  # Breaks one promise about the seed: its library is linked in.
  seedlinked = make "seedlinked-1" { inherit bootstrapTools; } ''
    mkdir -p $out/bin; echo '#include <fnmatch.h>
    int main(int c, char **v) { return fnmatch(v[0], v[c-1], c); }' > x.c; gcc -static -o $out/bin/x x.c $bootstrapTools/lib/libfnmatch.a
  '';
  # Breaks all three.
  leaky = make "leaky-1" { inherit bootstrapTools; } ''
    mkdir -p $out/bin $out/share; cp $bootstrapTools/bin/seedtool $out/bin/copy
    printf %s $bootstrapTools/bin/seedtool | iconv -t UTF-16BE > $out/share/wide
    echo 'int main(){return 0;}' > x.c; gcc -o $out/bin/made x.c
    printf 'SeedCC: (GNU) 1.2.3\0' > ident; objcopy --update-section .comment=ident $out/bin/made
  '';
  image = make "image-1" {
    paths = [ plain tested patched repacked generated changed made unused sealed copied gone leaky wrapper linked aside seedlinked ];
    inherit firmware;
  } ''
    mkdir -p squash initrd/lib $out
    for p in $paths; do cp -r $p squash/; done
    cp -r $firmware/lib/firmware initrd/lib/
    cp $patched/bin/tool initrd/init || cp squash/*-patched-1/bin/tool initrd/init
    (cd initrd && find . | sort | cpio -o -H newc --quiet | gzip -n > $out/initrd.gz)
    mksquashfs squash $out/nix-store.squashfs -quiet -no-progress -all-root
  '';
};
in self
