{
  description = "A system whose binary dependencies `nix flake check` keeps in check";

  inputs = {
    nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";
    fromsource = {
      url = "git+https://example.org/fromsource.git"; # CHANGE ME: where to clone fromsource from
      flake = false;
    };
  };

  outputs =
    {
      self,
      nixpkgs,
      fromsource,
    }:
    let
      system = "x86_64-linux";
      pkgs = nixpkgs.legacyPackages.${system};
      package = import "${fromsource}/report/ci/package.nix" {
        inherit (pkgs) buildGoModule;
        src = fromsource;
      };
      # Waivers expire by the day of the last commit: a check has no clock.
      date = self.lastModifiedDate;
      today = "${builtins.substring 0 4 date}-${builtins.substring 4 2 date}-${builtins.substring 6 2 date}";
    in
    {
      nixosConfigurations.machine = nixpkgs.lib.nixosSystem {
        inherit system;
        modules = [ ./configuration.nix ];
      };

      checks.${system}.fromsource = import "${fromsource}/report/ci/gate.nix" {
        inherit (pkgs) runCommand;
        fromsource = package;
        # CHANGE ME: what is audited, any derivation.
        target = self.nixosConfigurations.machine.config.system.build.toplevel;
        baseline = ./fromsource.baseline;
        waivers = ./fromsource.waivers.yaml;
        inherit today;
      };
    };
}
