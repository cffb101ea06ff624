# Upstream's program with another interpreter and rpath written into it.
# Verdict: carries-binary (a patched file); the download: binary. The other
# eight programs in it reach nothing.
{ fetchurl, mkDerivation, glibc-runtime }:
mkDerivation {
  pname = "sevenzip";
  version = "5.2.0";
  src = fetchurl "7zip-bin-5.2.0.tgz";
  sourceRoot = "package";
  dontBuild = true;
  installPhase = ''
    mkdir -p $out/bin
    cp linux/x64/7za $out/bin/7za
    chmod 755 $out/bin/7za
    patchelf --set-interpreter ${glibc-runtime}/lib/ld-linux-x86-64.so.2 \
        --set-rpath ${glibc-runtime}/lib $out/bin/7za
    # It must still work: a broken one would be no proof of anything.
    $out/bin/7za a t.7z package.json > /dev/null
    $out/bin/7za t t.7z
  '';
}
