# A second C program from upstream's source, which another package runs
# while it is built. Verdict: source.
{ fetchurl, mkDerivation }:
mkDerivation {
  pname = "figlet";
  version = "2.2.5";
  src = fetchurl "figlet-2.2.5.tar.gz";
  sourceRoot = "figlet-2.2.5";
  buildPhase = ''
    make SHELL=$SHELL CC=cc LD=cc CFLAGS="-D__BEGIN_DECLS= -D__END_DECLS=" prefix=$out
  '';
  installPhase = ''
    make SHELL=$SHELL CC=cc LD=cc CFLAGS="-D__BEGIN_DECLS= -D__END_DECLS=" prefix=$out install
  '';
}
