# What becomes of that which a prebuilt program has made. `hashes` maps the
# files that the test has put into /srcs to their SHA-256.
{ hashes }:
let
  inherit (import ./lib.nix hashes) fetch make;
in
rec {
  # A prebuilt generator makes C.
  generated = make "generated-1" { generator = fetch "generator"; } ''
    mkdir -p $out; cp $generator gen; chmod 755 gen
    { echo '/*'; ./gen --version; echo '*/'; cat ${./generated.c}; } > $out/generated.c
  '';
  # Compiled from it, with it as the source and as anything else.
  compiled = make "compiled-1" { src = generated; } ''
    mkdir -p $out/bin; gcc -o $out/bin/compiled $src/generated.c
  '';
  aside = make "aside-1" { table = generated; } ''
    mkdir -p $out/bin; gcc -Os -o $out/bin/aside $table/generated.c
  '';
  # What that made, copied: the program, its text, an archive of it, a program
  # that was stripped.
  shipped = make "shipped-1" { inherit compiled; } "mkdir -p $out/bin; cp $compiled/bin/compiled $out/bin/other";
  text = make "text-1" { inherit generated; } "mkdir -p $out/include; cp $generated/generated.c $out/include/table.h";
  packed = make "packed-1" { inherit text; } "mkdir -p store $out; cp -r $text store/; tar -C store -czf $out/layer.tar.gz .";
  stripped = make "stripped-1" { inherit shipped; } "mkdir -p $out/bin; cp $shipped/bin/other $out/bin/x; chmod u+w $out/bin/x; strip $out/bin/x";
  # Executed: what is compiled, and what was copied out of the store first.
  ran = make "ran-1" { inherit compiled; } "mkdir -p $out; $compiled/bin/compiled || echo what it has made, which is a text that is long enough to be compared with others: $? > $out/text";
  ranCopy = make "ran-copy-1" { inherit shipped; } "mkdir -p $out; cp $shipped/bin/other x; ./x || echo what it has made, which is another text, long enough to be compared with others: $? > $out/text";
  # And from there on.
  after = make "after-1" { inherit ran; } "mkdir -p $out; cp $ran/text $out/copy";
  # A static library of it, linked.
  library = make "library-1" { src = generated; } ''
    mkdir -p $out/lib; gcc -O2 -c -o table.o $src/generated.c; ar rc $out/lib/libtable.a table.o
  '';
  linked = make "linked-1" { inherit library; } ''
    mkdir -p $out/bin; echo 'int table(int x); int start(int x) { return table(x); }' > x.c
    gcc -o $out/bin/x x.c $library/lib/libtable.a; strip $out/bin/x
  '';
  # A carrier: its own script, executed; a script of the prebuilt thing itself.
  carrier = make "carrier-1" { src = fetch "generator"; } ''
    mkdir -p $out/bin $out/libexec; cp $src $out/libexec/gen; chmod 755 $out/libexec/gen
    printf '#!/bin/sh\nexec %s/libexec/gen "$@"\n' $out > $out/bin/gen; chmod 755 $out/bin/gen
  '';
  called = make "called-1" { inherit carrier; } "mkdir -p $out; echo text of its own, long enough to be no small file at all, so that it counts > $out/text";
  # A library that refers to a carrier is loaded by a program that does.
  loader = make "loader-1" { inherit library; } ''
    mkdir -p $out/bin; printf '#!/bin/sh\n# loads %s/lib/libtable.a\n' $library > $out/bin/loader; chmod 755 $out/bin/loader
  '';
  loads = make "loads-1" { inherit loader; } "mkdir -p $out; echo some more text of its own, long enough to be no small file at all > $out/text";
  # Source: only links and references; and its own files beside an input that it does not use.
  farm = make "farm-1" { inherit compiled; } "mkdir -p $out/bin; ln -s $compiled/bin/compiled $out/bin/compiled";
  wrapper = make "wrapper-1" { inherit compiled; } "mkdir -p $out/bin; echo exec $compiled/bin/compiled > $out/bin/wrapper";
  # Source: both were given the same text by something clean.
  notes = make "notes-1" { } "mkdir -p $out; echo the same notes in all packages, which are long enough to be compared > $out/notes";
  noted = make "noted-1" { inherit notes; generator = fetch "generator"; } ''
    mkdir -p $out; cp $generator gen; chmod 755 gen; ./gen --version > $out/made; cat ${./generated.c} >> $out/made; cp $notes/notes $out/notes
  '';
  same = make "same-1" { inherit notes; beside = make "beside-1" { inherit noted; } "mkdir -p $out; ln -s $noted $out/noted"; } ''
    mkdir -p $out; cp $notes/notes $out/notes
  '';
  # Unknown, and what is made of that.
  sealed = make "sealed-1" { src = fetch "sealed.zip"; } "mkdir -p $out/bin; echo 'int main(){return 3;}' > x.c; gcc -o $out/bin/x x.c";
  unsure = make "unsure-1" { src = sealed; } "mkdir -p $out; echo a text that is made of something unknown, of some length > $out/text";
  all = make "all-1" {
    deps = [ compiled aside shipped text packed stripped ran ranCopy after linked called loads farm wrapper same unsure ];
  } "mkdir -p $out; echo $deps > $out/list";
}
