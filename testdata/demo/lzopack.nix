# A program from a source archive that also ships thirty assembled objects, in
# five formats, which this build does not touch. Verdict of the archive and of
# the package: source, for containing compiled code is not using it.
{ fetchurl, mkDerivation }:
mkDerivation {
  pname = "lzopack";
  version = "2.10";
  src = fetchurl "lzo-2.10.tar.gz";
  sourceRoot = "lzo-2.10";
  # The part of the library that upstream's example program needs, without the
  # configure script, which would take longer than everything else in the demo.
  buildPhase = ''
    cc -I. -Iinclude -o lzopack examples/lzopack.c \
        src/lzo_init.c src/lzo_ptr.c src/lzo_str.c src/lzo_util.c \
        src/lzo1x_1.c src/lzo1x_9x.c src/lzo1x_d2.c
    for level in -b262144 -9; do
        ./lzopack $level COPYING packed
        ./lzopack -d packed unpacked
        cmp COPYING unpacked
    done
  '';
  installPhase = ''
    mkdir -p $out/bin
    cp lzopack $out/bin/lzopack
  '';
}
