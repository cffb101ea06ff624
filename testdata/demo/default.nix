# The demo: a package set small enough to build under emulation in a minute,
# in which every package is there to earn one verdict of the audit. The root
# is `iso`. Each file says in its head what it is there for; expected.json
# says the same to the end-to-end test.
#
# No network is used: fixed-output derivations fetch from /srcs, where the
# files that inputs.lock pins are put. Nothing depends on <nixpkgs>, on the
# version of Nix, or on what the machine has installed.
rec {
  fetchurl = import ./fetchurl.nix { };
  bootstrapFiles = import ./bootstrap-files.nix { inherit fetchurl; };
  bootstrapTools = import ./bootstrap-tools.nix { inherit bootstrapFiles; };
  mkDerivation = import ./mk-derivation.nix { inherit bootstrapTools; };

  # Built from source.
  bzip2 = import ./bzip2.nix { inherit fetchurl mkDerivation; };
  figlet = import ./figlet.nix { inherit fetchurl mkDerivation; };
  lzopack = import ./lzopack.nix { inherit fetchurl mkDerivation; };
  banner = import ./banner.nix { inherit fetchurl mkDerivation figlet; };
  stamp = import ./stamp.nix { inherit mkDerivation; };

  # Not built from source.
  glibc-runtime = import ./glibc-runtime.nix { inherit fetchurl mkDerivation; };
  sevenzip = import ./sevenzip.nix { inherit fetchurl mkDerivation glibc-runtime; };
  yuicompressor = import ./yuicompressor.nix { inherit fetchurl mkDerivation; };
  ath9k-htc-firmware = import ./ath9k-htc-firmware.nix { inherit fetchurl mkDerivation; };
  esbuild = fetchurl "esbuild-linux-x64-0.21.5.tgz";
  ms = import ./ms.nix { inherit fetchurl mkDerivation esbuild; };

  iso = import ./iso.nix {
    inherit mkDerivation;
    contents = [ banner bzip2 figlet lzopack stamp ];
    squashfs = [ glibc-runtime ms sevenzip yuicompressor ];
    initrd = [ ath9k-htc-firmware bzip2 ];
  };
}
