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
  package = import (fromsource + "/report/ci/package.nix") {
    inherit (pkgs) buildGoModule;
    src = fromsource;
  };
in
{
  fromsource-gate = import (fromsource + "/report/ci/gate.nix") {
    inherit (pkgs) runCommand;
    fromsource = package;
    # CHANGE ME: what is audited, any derivation.
    target = (import src { inherit nixpkgs; }).system;
    baseline = src + "/fromsource.baseline";
    waivers = src + "/fromsource.waivers.yaml";
    inherit today;
  };
}
