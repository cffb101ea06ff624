# Text made by a program that was built from source. It also fetches a
# prebuilt native module and does nothing with it. Verdict of the package:
# source. Verdict of the module: binary, reach build, since its bytes are in
# no output.
{ fetchurl, mkDerivation, figlet }:
mkDerivation {
  pname = "banner";
  version = "1";
  nativeBuildInputs = [ figlet ];
  watcher = fetchurl "parcel-watcher-linux-x64-glibc-2.5.1.tgz";
  buildPhase = ''
    figlet "built from source" > banner.txt
    cat banner.txt
  '';
  installPhase = ''
    mkdir -p $out/share/banner
    cp banner.txt $out/share/banner/banner.txt
  '';
}
