# Firmware for a wireless card, code for a processor that is not ours.
# Verdict: carries-binary, kind firmware; the package: binary.
{ fetchurl, mkDerivation }:
mkDerivation {
  pname = "ath9k-htc-firmware";
  version = "1.4.0";
  src = fetchurl "firmware-ath9k-htc_1.4.0-108-gd856466+dfsg1-1.3+deb12u1_all.deb";
  dontBuild = true;
  installPhase = ''
    mkdir -p $out/lib/firmware/ath9k_htc
    cp lib/firmware/ath9k_htc/*.fw $out/lib/firmware/ath9k_htc
  '';
}
