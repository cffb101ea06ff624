# An expression for a Hydra job set. Inputs: nixpkgs and src (your repository)
# and fromsource (its sources), all of type "Git checkout"; today, a string.
{
  nixpkgs,
  src,
  fromsource,
  today,
}:
let
  pkgs = import nixpkgs { };
  package = pkgs.buildGoModule {
    pname = "fromsource";
    version = "0";
    src = fromsource;
    subPackages = [ "cmd/fromsource" ];
    env.CGO_ENABLED = "0";
    doCheck = false; # its tests boot guests
    vendorHash = "sha256-Utjhb+OwyAJPFKKB50L6PRfphSDeN4/nG8EReXrWAGk="; # changes with go.sum: a build prints the new one
  };
in
{
  fromsource-gate = import (fromsource + "/report/ci/gate.nix") {
    inherit (pkgs) runCommand;
    fromsource = package;
    target = (import src { inherit nixpkgs; }).system;
    baseline = src + "/fromsource.baseline";
    waivers = src + "/fromsource.waivers.yaml";
    inherit today;
  };
}
