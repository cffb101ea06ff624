# The seed unpacked, in the way of nixpkgs' stdenv: a bare derivation whose
# builder is itself a fetched binary. Everything else is built with this.
# Verdict: seed.
{ bootstrapFiles }:
derivation {
  name = "bootstrap-tools";
  system = "x86_64-linux";
  # A folder rather than one file: Debian's busybox wants to be called by its
  # name, and a store path's base name begins with a hash.
  builder = "${bootstrapFiles.busybox}/bin/busybox";
  args = [ "ash" "-e" ./unpack-bootstrap-tools.sh ];
  tarball = bootstrapFiles.tarball;
  inherit (bootstrapFiles) busybox;
}
