# A closure of attempts to have prebuilt code called source, each by another
# way. `hashes` maps the files that the test has put into /srcs to their
# SHA-256.
{ hashes, notes, small }:
let
  inherit (import ./lib.nix hashes) fetch fetchFrom make;
in
rec {
  # One instruction is overwritten and the build-id removed, so that neither
  # file, code nor build-id are the same.
  overwritten = make "overwritten-1" { src = fetch "overwritten.tar.gz"; } ''
    tar -xzf $src; mkdir -p $out/bin; cp overwritten/tool $out/bin/tool; chmod u+w $out/bin/tool
    off=$(objdump -h $out/bin/tool | awk '$2 == ".text" { print $6 }')
    printf '\220' | dd of=$out/bin/tool bs=1 seek=$((0x$off + 100)) conv=notrunc status=none
    objcopy --remove-section .note.gnu.build-id $out/bin/tool
  '';
  # A byte in every hundred and fifty is another, in code and data.
  scattered = make "scattered-1" { src = fetch "overwritten.tar.gz"; } ''
    tar -xzf $src; mkdir -p $out/bin; objcopy --remove-section .note.gnu.build-id overwritten/tool tool
    for s in .text .rodata; do
      set -- $(objdump -h tool | awk -v s=$s '$2 == s { print $3, $6 }')
      perl -0777 -pi -e "for (my \$i = 0x$2; \$i < 0x$2 + 0x$1; \$i += 150) { substr(\$_, \$i, 1) ^= chr 1 }" tool
    done
    cp tool $out/bin/tool
  '';
  # The program, as data of another one: by the linker, by a compiler.
  linkedIn = make "linked-in-1" { src = fetch "compiler"; } ''
    mkdir -p $out/bin; cp $src blob; ld -r -b binary -o blob.o blob
    echo 'extern char _binary_blob_start[]; int main(int c, char **v) { return _binary_blob_start[c]; }' > main.c
    gcc -o $out/bin/main main.c blob.o; strip $out/bin/main
  '';
  array = make "array-1" { src = fetch "compiler"; } ''
    mkdir -p $out/lib; cat $src > blob; strip blob; echo 'const unsigned char blob[] = {' > blob.c
    od -An -v -tu1 blob | sed 's/ *\([0-9][0-9]*\)/\1,/g' >> blob.c; echo '};' >> blob.c; gcc -O2 -c -o blob.o blob.c
    gcc -shared -o $out/lib/blob.so blob.o
  '';
  # Joined with other data and padded, as for a flash chip.
  joined = make "joined-1" { src = fetch "compiler"; } ''
    mkdir -p $out; { head -c 5003 /dev/zero; echo head; cat $src; head -c 70001 /dev/zero; } > $out/flash.bin
  '';
  # Classes in an image of classes.
  modules = make "modules-1" { jar = fetch "large.jar"; } ''
    mkdir -p $out x; cd x; unzip -q $jar; { echo modules; find . -name '*.class' | sort | xargs cat; } > $out/modules
  '';
  # Classes with other names in them, as shading leaves them.
  shaded = make "shaded-1" { jar = fetch "large.jar"; } ''
    mkdir -p $out/share/java x; cd x; unzip -q $jar; perl -pi -e 's/word ([12])/ward $1/g' Large.class; zip -qr $out/share/java/shaded.zip .
  '';
  # A RAM disk that carries it, in a kernel image; and nothing of it beside.
  ramdisk = make "ramdisk-1" { src = fetch "compiler"; } ''
    mkdir -p $out x; cp $src x/init; (cd x; echo init | cpio -o -H newc --quiet | gzip -n) > $out/initrd
  '';
  unified = make "unified-1" { inherit ramdisk; } ''
    mkdir -p $out; echo 'int main(){return 0;}' > k.c; gcc -o k k.c; objcopy --add-section .initrd=$ramdisk/initrd k $out/linux.efi
  '';
  without = make "without-1" { inherit ramdisk; src = fetch "compiler"; } ''
    mkdir -p $out; echo 'int main(){return 0;}' > k.c; gcc -o k k.c; head -c 200000 /usr/bin/gdb > d || head -c 200000 /usr/bin/perl > d; objcopy --add-section .data2=d k $out/linux.efi
  '';
  # The program is in a text, and is decoded.
  decoded = make "decoded-1" { src = fetch "encoded.tar.gz"; } ''
    tar -xzf $src; mkdir -p $out/bin; base64 -d encoded/notes.txt > $out/bin/tool
  '';
  ranDecoded = make "ran-decoded-1" { src = fetch "encoded.tar.gz"; } ''
    tar -xzf $src; mkdir -p $out; base64 -d encoded/notes.txt > x; chmod 755 x; ./x --version > $out/text
  '';
  # The same, with the text in the expression.
  written = make "written-1" { notes = builtins.toFile "notes.txt" (notes); } ''
    mkdir -p $out/bin; base64 -d $notes > $out/bin/tool
  '';
  # The same, with the text in the derivation.
  carried = make "carried-1" { inherit small; } ''
    mkdir -p $out/bin; echo "$small" | base64 -d > $out/bin/tool
  '';
  # Runs a program that lies in an archive of source text.
  helped = make "helped-1" { src = fetch "helped.tar.gz"; } ''
    tar -xzf $src; mkdir -p $out; ./helped/helper --version > $out/text
  '';
  # Runs what it has only a link, or a script, to.
  carrier = make "carrier-1" { src = fetch "compiler"; } ''
    mkdir -p $out/bin; cp $src $out/bin/cc; chmod 755 $out/bin/cc
  '';
  profile = make "profile-1" { inherit carrier; } "mkdir -p $out/bin; ln -s $carrier/bin/cc $out/bin/cc";
  bylink = make "bylink-1" { inherit profile; } "mkdir -p $out; $profile/bin/cc --version > $out/text";
  launcher = make "launcher-1" { inherit carrier; } ''
    mkdir -p $out/bin; printf '#!/bin/sh\nexec %s "$@"\n' $carrier/bin/cc > $out/bin/cc; chmod 755 $out/bin/cc
  '';
  byscript = make "byscript-1" { inherit launcher; } "mkdir -p $out; $launcher/bin/cc --version > $out/text";
  # All of the last again, with a fetch that has the same output.
  twin = rec {
    carrier = make "carrier-1" { src = fetchFrom "file:///srcs/../srcs/compiler" "compiler"; } ''
      mkdir -p $out/bin; cp $src $out/bin/cc; chmod 755 $out/bin/cc
    '';
    profile = make "profile-1" { inherit carrier; } "mkdir -p $out/bin; ln -s $carrier/bin/cc $out/bin/cc";
    bylink = make "bylink-1" { inherit profile; } "mkdir -p $out; $profile/bin/cc --version > $out/text";
  };
  # Fetches something that is called like a seed, with packages at hand.
  plain = make "plain-1" { } "mkdir -p $out; echo text > $out/text";
  named = make "named-1" { inherit plain; tools = fetch "bootstrap-tools-extra"; } ''
    mkdir -p $out/bin; cp $tools $out/bin/extra
  '';
  # The same, and something else stands on it alone.
  alone = make "alone-1" { tools = fetch "bootstrap-tools-extra"; } "mkdir -p $out; echo text > $out/text";
  # Has bytecode at hand, and an interpreter.
  interpreted = make "interpreted-1" { jar = fetch "library.jar"; } "mkdir -p $out; echo text > $out/text";
  # Asks for files of the machine.
  unboxed = make "unboxed-1" { __impureHostDeps = "/usr/lib"; } "mkdir -p $out; echo text > $out/text";
  # Has some in an archive of source text.
  mixed = make "mixed-1" { src = fetch "mixed.tar.gz"; } "mkdir -p $out; echo text > $out/text";
  # Refers to nothing, and is built from the one before.
  after = make "after-1" { inherit plain; } "mkdir -p $out; cat $plain/text > $out/text";
  # Reach: an image beside a reference, and a system in an archive, with its
  # store and without.
  beside = make "beside-1" { inherit profile plain; } ''
    mkdir -p $out; echo $profile > $out/reference; echo some text | cpio -o -H newc --quiet < /dev/null > $out/test.cpio
  '';
  packed = make "packed-1" { inherit profile carrier plain; } ''
    mkdir -p store $out; cp -R $profile $carrier store/; tar -C store -czf $out/layer.tar.gz .
  '';
  loose = make "loose-1" { inherit carrier plain; } ''
    mkdir -p system $out; cp $carrier/bin/cc system/init; tar -C system -cJf $out/system.tar.xz .
  '';
  # A RAM disk that can't be read to its end, in an image.
  cut = make "cut-1" { inherit carrier plain; } ''
    mkdir -p $out x; cp $carrier/bin/cc x/init; (cd x; echo init | cpio -o -H newc --quiet | gzip -n | head -c 20000) > $out/initrd.gz
  '';
  holder = make "holder-1" { inherit cut; } ''
    mkdir -p $out store; cp -r $cut store/; mksquashfs store $out/x.squashfs -quiet -no-progress -all-root
  '';
  all = make "all-1" {
    deps = [ overwritten scattered linkedIn array joined modules shaded unified without decoded ranDecoded written carried helped bylink byscript named alone interpreted mixed unboxed after beside packed loose holder ];
  } "mkdir -p $out; echo $deps > $out/list";
}
