# A closure of attempts to have prebuilt code called source, each by another
# way. `hashes` maps the files that the test has put into /srcs to their
# SHA-256.
{ hashes, notes, small }:
let
  fetch = name: fetchFrom "file:///srcs/${name}" name;
  fetchFrom = url: name: derivation {
    inherit name;
    system = "builtin";
    builder = "builtin:fetchurl";
    inherit url;
    urls = [ url ];
    outputHashMode = "flat";
    outputHashAlgo = "sha256";
    outputHash = hashes.${name};
  };
  make = name: attrs: buildCommand: derivation ({
    inherit name buildCommand;
    system = "x86_64-linux";
    builder = "/bin/sh";
    args = [ "-ec" "export PATH=/usr/bin:/bin; eval \"$buildCommand\"; :" ];
  } // attrs);
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
  # The program is in a text, and is decoded.
  decoded = make "decoded-1" { src = fetch "encoded.tar.gz"; } ''
    tar -xzf $src; mkdir -p $out/bin; base64 -d encoded/notes.txt > $out/bin/tool
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
  all = make "all-1" {
    deps = [ overwritten decoded written carried helped bylink byscript named alone interpreted after beside packed loose ];
  } "mkdir -p $out; echo $deps > $out/list";
}
