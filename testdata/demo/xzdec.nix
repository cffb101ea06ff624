# A program from a source archive that also ships compiled object files for
# its tests, which this build does not touch. Verdict of the archive and of
# the package: source, for containing compiled code is not using it.
{ fetchurl, mkDerivation }:
mkDerivation {
  pname = "xzdec";
  version = "5.4.1";
  src = fetchurl "xz-5.4.1.tar.xz";
  sourceRoot = "xz-5.4.1";
  makefile = ./xzdec.mk;
  buildPhase = ''
    make SHELL=$SHELL CC=cc -f $makefile xzdec check
  '';
  installPhase = ''
    mkdir -p $out/bin
    cp xzdec $out/bin/xzdec
  '';
}
