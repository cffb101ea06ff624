# A C program built from upstream's source with its own Makefile; its test
# suite runs. Verdict: source, and so is its tarball.
{ fetchurl, mkDerivation }:
mkDerivation {
  pname = "bzip2";
  version = "1.0.8";
  src = fetchurl "bzip2-1.0.8.tar.gz";
  sourceRoot = "bzip2-1.0.8";
  # Without the -g of upstream: debugging entries name the seed's headers, and
  # then the library would refer to the seed.
  CFLAGS = "-D_FILE_OFFSET_BITS=64";
  buildPhase = ''
    make SHELL=$SHELL CC=cc CFLAGS=$CFLAGS
  '';
  installPhase = ''
    make SHELL=$SHELL CC=cc CFLAGS=$CFLAGS PREFIX=$out install
  '';
}
