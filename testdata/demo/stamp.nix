# Built from source and not reproducible: the second output holds a program
# into which the compiler writes the time of day, and a record with random
# bytes. Verdict: source; a rebuild differs in `log` and not in `out`, which
# is the one that goes into the ISO, so that the ISO stays reproducible.
{ mkDerivation }:
mkDerivation {
  pname = "stamp";
  version = "1";
  outputs = [ "out" "log" ];
  source = ./stamp/stamp.c;
  buildPhase = ''
    cp $source stamp.c
    cc -o stamp stamp.c
    cc -DSTAMP='__DATE__ " " __TIME__' -o stamp-debug stamp.c
  '';
  installPhase = ''
    mkdir -p $out/bin $log/bin $log/share/stamp
    cp stamp $out/bin/stamp
    cp stamp-debug $log/bin/stamp
    echo "build id: $(head -c 16 /dev/urandom | xxd -p)" > $log/share/stamp/build-id.txt
    $log/bin/stamp
  '';
}
