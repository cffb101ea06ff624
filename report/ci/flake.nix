{
  description = "A system whose binary dependencies `nix flake check` keeps in check";

  inputs = {
    nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";
    fromsource = {
      url = "git+https://example.org/fromsource.git"; # where to get it from
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
      package = pkgs.buildGoModule {
        pname = "fromsource";
        version = "0";
        src = fromsource;
        subPackages = [ "cmd/fromsource" ];
        env.CGO_ENABLED = "0";
        doCheck = false; # its tests boot guests
        vendorHash = "sha256-Utjhb+OwyAJPFKKB50L6PRfphSDeN4/nG8EReXrWAGk="; # changes with go.sum: a build prints the new one
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
        target = self.nixosConfigurations.machine.config.system.build.toplevel;
        baseline = ./fromsource.baseline;
        waivers = ./fromsource.waivers.yaml;
        inherit today;
      };
    };
}
