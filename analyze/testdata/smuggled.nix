# More attempts to have prebuilt code called source, and some packages that only
# look like one. `hashes` maps the files that the test has put into /srcs to
# their SHA-256; `text` reads those that are put into derivations.
{ hashes, text, ca ? false }:
let
  inherit (import ./lib.nix hashes) fetch make;
  incbin = ''printf '.data\n.globl blob\nblob: .incbin "raw"\n' > r.s; mkdir -p $out/lib; gcc -c -o r.o r.s; gcc -shared -o $out/lib/r.so r.o'';
  attacks = rec {
    # A link to what was fetched, to a file of it, and by way of "..".
    link = make "link-1" { src = fetch "tool"; } "mkdir -p $out/bin; ln -s $src $out/bin/tool";
    linkInto = make "link-into-1" { src = fetchTree; } "mkdir -p $out/bin; ln -s ../../$(basename $src)/bin/tool $out/bin/tool";
    fetchTree = derivation {
      name = "tree";
      system = "x86_64-linux";
      builder = "/bin/sh";
      args = [ "-ec" "export PATH=/usr/bin:/bin; mkdir -p $out/bin; cp /srcs/tool $out/bin/tool; chmod 555 $out/bin/tool; :" ];
      outputHashMode = "recursive";
      outputHashAlgo = "sha256";
      outputHash = hashes."tree.nar";
    };
    # A script that starts what was fetched.
    launcher = make "launcher-1" { src = fetch "library.jar"; } ''
      mkdir -p $out/bin; printf '#!/bin/sh\nexec java -jar %s "$@"\n' $src > $out/bin/x; chmod 755 $out/bin/x
    '';
    # Could build and copy what the closure has not.
    recursive = make "recursive-1" { requiredSystemFeatures = [ "recursive-nix" ]; } "mkdir -p $out; echo text > $out/text";
    # Links to what the closure has not.
    dangling = make "dangling-1" { } "mkdir -p $out/bin; ln -s /nix/store/00000000000000000000000000000000-elsewhere/bin/x $out/bin/x";
    # In the derivation itself: in structured attributes, in two values, too
    # short to be decoded, and in a form that nothing here decodes.
    structured = derivation {
      name = "structured-1";
      system = "x86_64-linux";
      builder = "/bin/sh";
      __structuredAttrs = true;
      outputs = [ "out" ];
      blob = text "a" + text "b";
      args = [ "-ec" "export PATH=/usr/bin:/bin; out=${placeholder "out"}; mkdir -p $out/bin; sed 's/.*\"blob\":\"\\([^\"]*\\)\".*/\\1/' .attrs.json | base64 -d > $out/bin/x; :" ];
    };
    halves = make "halves-1" { a = text "a"; b = text "b"; } "mkdir -p $out/bin; echo $a$b | base64 -d > $out/bin/x";
    tiny = make "tiny-1" { blob = text "tiny"; } "mkdir -p $out/bin; echo $blob | base64 -d > $out/bin/x";
    squeezed = make "squeezed-1" { blob = text "squeezed"; passAsFile = [ "blob" ]; } ''
      mkdir -p $out/bin; base64 -d $blobPath | perl -MCompress::Zlib -0777 -pe '$_ = uncompress($_)' > $out/bin/x
    '';
    # In words, as in any other form that nothing here decodes.
    spelled = make "spelled-1" { src = fetch "spelled.tar.gz"; } ''
      tar -xzf $src; mkdir -p $out/bin; perl -ne 'while (/([a-p])([a-p])/g) { print chr((ord($1) - 97) * 16 + ord($2) - 97) }' spelled/words > $out/bin/x
    '';
    classy = make "classy-1" { src = fetch "classy.tar.gz"; } ''
      tar -xzf $src; mkdir -p $out/lib; perl -ne 'while (/([a-p])([a-p])/g) { print chr((ord($1) - 97) * 16 + ord($2) - 97) }' classy/words > $out/lib/Greeter.class
    '';
    # Encrypted; without its first bytes.
    sealed = make "sealed-1" { src = fetch "keyed.dat"; } ''
      mkdir -p $out/bin; perl -0777 -pe '$k = "secret"; $i = 0; s/(.)/chr(ord($1) ^ ord(substr($k, $i++ % 6, 1)))/ges' $src > $out/bin/x
    '';
    beheaded = make "beheaded-1" { src = fetch "beheaded.dat"; } "mkdir -p $out/bin; { printf '\\177ELF'; cat $src; } > $out/bin/x";
    kept = make "kept-1" { src = fetch "keyed.dat"; } "mkdir -p $out/share; cp $src $out/share/model";
    # Into something that hides it: compressed in a program, a part of it,
    # encoded, encrypted; or changed and too small to be compared.
    packed = make "packed-1" { src = fetch "tool"; } "xz -9c $src > raw; ${incbin}";
    code = make "code-1" { src = fetch "tool"; } "objcopy -O binary -j .text $src raw; ${incbin}";
    half = make "half-1" { src = fetch "tool"; } "mkdir -p $out/share; tail -c +30001 $src > $out/share/half";
    encoded = make "encoded-1" { src = fetch "tool"; } "mkdir -p $out/share; base64 $src > $out/share/text";
    hidden = make "hidden-1" { src = fetch "tool"; } ''
      mkdir -p $out/share; perl -0777 -pe '$i = 7; s/(.)/chr(ord($1) ^ ($i = ($i * 31 + 11) % 251))/ges' $src > $out/share/data
    '';
    small = make "small-1" { src = fetch "addon.node"; } ''
      mkdir -p $out/lib; cat $src > x; objcopy --remove-section .note.gnu.build-id x y
      off=$(objdump -h y | awk '$2 == ".text" { print $6 }'); printf '\220' | dd of=y bs=1 seek=$((0x$off + 5)) conv=notrunc status=none; cp y $out/lib/a.so
    '';
    # The same program fetched twice, in two archives: neither use is nobody's.
    once = make "once-1" { src = fetch "tool.xz"; } "xz -dc $src > raw; ${incbin}";
    twice = make "twice-1" { src = fetch "twice.tar.gz"; } "tar -xzf $src; mkdir -p $out/bin; cp twice/tool $out/bin/tool";
    # The same program by a way that nothing shows, as from a machine without a
    # sandbox; the uses of it by other ways are seen all the same.
    host = make "host-1" { } "mkdir -p $out/bin; cp /srcs/tool $out/bin/tool";
    # A text that carries bytecode, installed as it is.
    script = make "script-1" { src = fetch "script.tar.gz"; } "tar -xzf $src; mkdir -p $out/lib; cp script/module.js $out/lib/module.js";
    # An object too small to be seen once it is linked, and not among tests.
    object = make "object-1" { src = fetch "object.tar.gz"; } "tar -xzf $src; mkdir -p $out/lib; gcc -shared -o $out/lib/a.so object/lib/answer.o";
    # A library that was fetched, loaded into whatever the build executes.
    preload = make "preload-1" { src = fetch "addon.node"; } "mkdir -p $out; LD_PRELOAD=$src cat /dev/null; echo text > $out/text";
    # Its builder is what was fetched.
    builder = derivation {
      name = "builder-1";
      system = "x86_64-linux";
      builder = "${fetchTree2}/bin/busybox";
      args = [ "sh" "-c" "echo text > $out" ];
    };
    fetchTree2 = derivation {
      name = "tree2";
      system = "x86_64-linux";
      builder = "/bin/sh";
      args = [ "-ec" "export PATH=/usr/bin:/bin; mkdir -p $out/bin; cp /bin/busybox $out/bin/busybox; chmod 555 $out/bin/busybox; :" ];
      outputHashMode = "recursive";
      outputHashAlgo = "sha256";
      outputHash = hashes."tree2.nar";
    };
    # The same by way of a package.
    carrier = make "carrier-1" { src = fetchTree2; } "mkdir -p $out/bin; cp $src/bin/busybox $out/bin/busybox";
    builder2 = derivation {
      name = "builder2-1";
      system = "x86_64-linux";
      builder = "${carrier}/bin/busybox";
      args = [ "sh" "-c" "echo text > $out" ];
    };
  };
  fine = rec {
    # One output carries it; what uses the other one does not.
    several = make "several-1" { src = fetch "tool"; outputs = [ "out" "bin" ]; } "mkdir -p $out/lib $bin/bin; cp $src $bin/bin/tool; echo 'int f(int x){return x;}' > f.c; gcc -c -o $out/lib/f.o f.c";
    one = make "one-1" { dep = several.out; } "mkdir -p $out; cp $dep/lib/f.o $out/";
    other = make "other-1" { dep = several.bin; } "mkdir -p $out; echo text > $out/text";
    # Launchers for Windows, classes and a library among tests, beside programs
    # that were compiled; who runs those, and who runs a script that could start the classes.
    snake = make "snake-1" { src = fetch "snake.tar.gz"; } ''
      tar -xzf $src; mkdir -p $out/bin $out/lib/tests; cp snake/launcher.exe snake/macros.jar $out/lib/; cp snake/sample.so $out/lib/tests/; gcc -o $out/bin/snake snake/main.c
      printf '#!/bin/sh\nexec java -jar %s/lib/macros.jar\n' $out > $out/bin/start; chmod 755 $out/bin/start
    '';
    started = make "started-1" { inherit snake; } "mkdir -p $out; echo another text that is long enough to be compared with those that others have made > $out/text";
    # A static library and the licence of its source, which has samples of
    # programs and of data that nothing is known of among its tests.
    licensed = make "licensed-1" { src = fetch "licensed.tar.gz"; } ''
      tar -xzf $src; mkdir -p $out/lib $out/share/doc; gcc -c -o 1.o licensed/1.c; ar rc $out/lib/lib1.a 1.o; cp licensed/1.c licensed/COPYING $out/share/doc/
    '';
    # A broken archive among the tests of a program; who runs that program.
    broken = make "broken-1" { src = fetch "broken.tar.gz"; } "tar -xzf $src; mkdir -p $out/bin; gcc -o $out/bin/broken broken/main.c";
    after = make "after-1" { inherit broken; } "mkdir -p $out; echo a third text that is long enough to be compared with those that others have made > $out/text";
    # A program of another package, changed.
    compiled = make "compiled-1" { } "echo 'int main(){return 6;}' > m.c; mkdir -p $out/bin; gcc -g -o $out/bin/compiled m.c";
    stripped = make "stripped-1" { inherit compiled; } "mkdir -p $out/bin; cp $compiled/bin/compiled x; chmod 755 x; strip x; patchelf --set-rpath /lib/of/another x; cp x $out/bin/x";
    # A broken archive elsewhere.
    shut = make "shut-1" { src = fetch "shut.tar.gz"; } "tar -xzf $src; mkdir -p $out/bin; gcc -o $out/bin/shut shut/main.c";
    behind = make "behind-1" { inherit shut; } "mkdir -p $out; echo a fourth text that is long enough to be compared with those that others have made > $out/text";
    ran = make "ran-1" { inherit snake; } "$snake/bin/snake || mkdir -p $out; mkdir -p $out; echo a text that is long enough to be compared with those that others have made > $out/text";
    # Objects among tests.
    tested = make "tested-1" { src = fetch "tested.tar.gz"; } "tar -xzf $src; mkdir -p $out/lib; gcc -c -o $out/lib/1.o tested/1.c";
  };
  floating = rec {
    maker = make "floating-1" { __contentAddressed = true; outputHashMode = "recursive"; outputHashAlgo = "sha256"; src = fetch "tool"; } "mkdir -p $out/bin; cp $src $out/bin/x";
    user = make "after-floating-1" { inherit maker; } "mkdir -p $out/bin; cp $maker/bin/x $out/bin/y";
    all = make "all-1" { inherit user; } "mkdir -p $out; echo $user > $out/list";
  };
in
if ca then floating else {
  all = make "all-1" { deps = builtins.attrValues attacks ++ builtins.attrValues fine; } "mkdir -p $out; echo text > $out/list";
}
