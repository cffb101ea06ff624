# The rebuild of the NixOS 25.05 minimal ISO as its release team published it
# (discourse.nixos.org/t/34756): this commit of nixpkgs, these arguments to
# nixos/release-combined.nix. The source is fetched when this is evaluated; the
# audit records what arrived, since its path in the store is part of every
# derivation that refers to it.
let
  rev = "7848cd8c982f7740edf76ddb3b43d234cb80fc4d";
  source = builtins.fetchTarball "https://github.com/NixOS/nixpkgs/archive/${rev}.tar.gz";
  release = import (source + "/nixos/release-combined.nix") {
    nixpkgs = {
      outPath = source;
      revCount = 802674;
      shortRev = builtins.substring 0 12 rev;
      inherit rev;
    };
    stableBranch = true;
  };
in
release.nixos.iso_minimal.x86_64-linux
