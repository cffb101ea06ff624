# A fixed-output derivation for a file that inputs.lock pins, run by Nix's
# own fetcher. `url` is where the bytes come from when this is built, a file
# that was put there before; `urls` lists besides where upstream publishes
# the same bytes, for whoever reads the derivation.
#
# Written out rather than taken from <nix/fetchurl.nix>, which differs between
# versions of Nix: so every Nix gives the same derivations.
{ }:
let
  lock = builtins.fromJSON (builtins.readFile ./inputs.lock);
  pins = builtins.listToAttrs (map (pin: { inherit (pin) name; value = pin; })
    (lock.inputs ++ lock.assembled));
in
name:
let
  pin = pins.${name};
  unpack = pin ? unpacked;
in
derivation {
  name = if unpack then builtins.head (builtins.split "[.]" name) else name;
  system = "builtin";
  builder = "builtin:fetchurl";
  url = "file:///srcs/${name}";
  urls = pin.urls ++ [ "file:///srcs/${name}" ];
  outputHashMode = if unpack then "recursive" else "flat";
  outputHashAlgo = "sha256";
  outputHash = if unpack then pin.unpacked else pin.sha256;
  executable = false;
  inherit unpack;
  # The file is on this machine: a remote builder would only cost time.
  preferLocalBuild = true;
}
