# The program as a package of nixpkgs. The hash belongs to these sources, so
# import this file from them:
#
#   import "${fromsource}/report/ci/package.nix" { inherit (pkgs) buildGoModule; src = fromsource; }
{ buildGoModule, src }:
buildGoModule {
  pname = "fromsource";
  version = "0";
  inherit src;
  subPackages = [ "cmd/fromsource" ];
  env.CGO_ENABLED = "0";
  doCheck = false; # its tests boot guests
  # Of the vendored modules: go test ./report/ci -run VendorHash -update
  vendorHash = "sha256-R5nQD2HdoTErRe4PrzHWM+ETvESw/UNxrgr7AN/wslM=";
}
