# What stdenv.mkDerivation is to nixpkgs, in thirty lines: phases as
# environment variables, run by the seed's bash. The last command of
# builder.sh is a builtin, so that the shell stays the builder to the end:
# Nix takes a closed log for the end of the build and kills what still runs.
{ bootstrapTools }:
{ pname, version, ... } @ attrs:
derivation ({
  name = "${pname}-${version}";
  system = "x86_64-linux";
  builder = "${bootstrapTools}/bin/bash";
  args = [ "-e" ./builder.sh ];
  inherit bootstrapTools;
  # Debian's reproducible date for images: 1980-01-01, the first that zip and
  # FAT can hold.
  SOURCE_DATE_EPOCH = "315532800";
} // attrs)
