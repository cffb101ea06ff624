# What is not built from source in demo, as fromsource found it.
# Import it into nixpkgs' config beside allowNonSource = false.
{
  allowNonSourcePredicate =
    let
      known = {
        # ath9k-htc-firmware-1.4.0: reaches the target; trace trace-identical at /nix/store/s4n8rgm5ykqr5dcfc21r14whk23hfklc-ath9k-htc-firmware-1.4.0/lib/firmware/ath9k_htc/htc_7010-1.4.0.fw: 2 files are prebuilt members of firmware-ath9k-htc_1.4.0-108-gd856466+dfsg1-1.3+deb12u1_all.deb; the first is identical to firmware-ath9k-htc_1.4.0-108-gd856466+dfsg1-1.3+deb12u1_all.deb/data.tar.xz/lib/firmware/ath9k_htc/htc_7010-1.4.0.fw (firmware), from firmware-ath9k-htc_1.4.0-108-gd856466+dfsg1-1.3+deb12u1_all.deb (mirror://debian/pool/main/o/open-ath9k-htc-firmware/firmware-ath9k-htc_1.4.0-108-gd856466+dfsg1-1.3+deb12u1_all.deb)
        "ath9k-htc-firmware" = [ "binaryFirmware" ];
        # demo-iso-1: reaches the target; trace trace-identical at /nix/store/k7fxm5h4c4s91p5zcc5l8jmjvhcmdqsn-demo-iso-1/iso/demo.iso/nix-store.squashfs/2lcmwp7xrf5k1vvyv6gkc0a2m79q3cnl-yuicompressor-2.4.8/share/java/yuicompressor.jar: 311 files are prebuilt members of yuicompressor-2.4.8.tgz; the first is identical to yuicompressor-2.4.8.tgz/package/build/yuicompressor-2.4.8.jar (jar), from yuicompressor-2.4.8.tgz (mirror://npm/yuicompressor/-/yuicompressor-2.4.8.tgz)
        "demo-iso" = [ "binaryBytecode" "binaryFirmware" "binaryNativeCode" ];
        # glibc-runtime-2.36: reaches the target; trace trace-identical at /nix/store/9d7zd8idl5f2ad70z14jmmzzbaryj1ks-glibc-runtime-2.36/lib/libstdc++.so.6.0.30: 1 file is identical to a prebuilt member of libstdc++6_12.2.0-14+deb12u1_amd64.deb: libstdc++6_12.2.0-14+deb12u1_amd64.deb/data.tar.xz/usr/lib/x86_64-linux-gnu/libstdc++.so.6.0.30 (elf-shared), from libstdc++6_12.2.0-14+deb12u1_amd64.deb (mirror://debian/pool/main/g/gcc-12/libstdc++6_12.2.0-14+deb12u1_amd64.deb)
        "glibc-runtime" = [ "binaryNativeCode" ];
        # sevenzip-5.2.0: reaches the target; trace trace-patched at /nix/store/wyrrhfqdpnyl2qmqqzb4zjndlsfm3d9m-sevenzip-5.2.0/bin/7za: 1 file is the same code, patched, as a prebuilt member of 7zip-bin-5.2.0.tgz: 7zip-bin-5.2.0.tgz/package/linux/x64/7za (elf-executable), from 7zip-bin-5.2.0.tgz (mirror://npm/7zip-bin/-/7zip-bin-5.2.0.tgz)
        "sevenzip" = [ "binaryNativeCode" ];
        # yuicompressor-2.4.8: reaches the target; trace trace-identical at /nix/store/2lcmwp7xrf5k1vvyv6gkc0a2m79q3cnl-yuicompressor-2.4.8/share/java/yuicompressor.jar: 311 files are prebuilt members of yuicompressor-2.4.8.tgz; the first is identical to yuicompressor-2.4.8.tgz/package/build/yuicompressor-2.4.8.jar (jar), from yuicompressor-2.4.8.tgz (mirror://npm/yuicompressor/-/yuicompressor-2.4.8.tgz)
        "yuicompressor" = [ "binaryBytecode" ];
      };
      short = t: if builtins.isAttrs t then t.shortName else t;
      isBinary = t: builtins.substring 0 6 (short t) == "binary";
    in
    pkg:
    let
      # nixpkgs may keep a word of the version apart that the name of a
      # derivation does not: "tool" of "tool-unstable-2026-05-20".
      whole = pkg.name or "${pkg.pname}-${toString (pkg.version or "")}";
      names = builtins.filter (n: builtins.hasAttr n known) [ (builtins.parseDrvName whole).name (pkg.pname or whole) ];
      binary = builtins.filter isBinary (pkg.meta.sourceProvenance or [ ]);
    in
    names != [ ] && builtins.all (t: builtins.elem (short t) known.${builtins.head names}) binary;
}
