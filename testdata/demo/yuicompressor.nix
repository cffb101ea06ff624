# A jar as upstream built it. Verdict: carries-binary, kind bytecode; the
# download: binary.
{ fetchurl, mkDerivation }:
mkDerivation {
  pname = "yuicompressor";
  version = "2.4.8";
  src = fetchurl "yuicompressor-2.4.8.tgz";
  sourceRoot = "package";
  dontBuild = true;
  installPhase = ''
    mkdir -p $out/share/java
    cp build/yuicompressor-2.4.8.jar $out/share/java/yuicompressor.jar
  '';
}
