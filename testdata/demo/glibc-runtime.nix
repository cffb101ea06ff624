# C and C++ runtime libraries taken from binary packages unchanged.
# Verdict: carries-binary (identical files); the packages: binary.
{ fetchurl, mkDerivation }:
mkDerivation {
  pname = "glibc-runtime";
  version = "2.36";
  srcs = map fetchurl [
    "libc6_2.36-9+deb12u14_amd64.deb"
    "libgcc-s1_12.2.0-14+deb12u1_amd64.deb"
    "libstdc++6_12.2.0-14+deb12u1_amd64.deb"
  ];
  dontBuild = true;
  installPhase = ''
    mkdir -p $out/lib
    cd lib/x86_64-linux-gnu
    cp ld-linux-x86-64.so.2 libc.so.6 libm.so.6 libpthread.so.0 libgcc_s.so.1 $out/lib
    cd ../../usr/lib/x86_64-linux-gnu
    cp -P libstdc++.so.6* $out/lib
  '';
}
