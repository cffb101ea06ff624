# The seed as it is fetched: two binaries that nothing here builds, made on
# the host from Debian packages that inputs.lock pins. Verdict: seed.
{ fetchurl }:
{
  busybox = fetchurl "busybox.nar.xz";
  tarball = fetchurl "bootstrap-tools.tar.xz";
}
