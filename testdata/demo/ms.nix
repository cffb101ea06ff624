# JavaScript source minified by a downloaded program, whose own bytes do not
# reach the output. Verdict: built-by-binary; the program: binary, reach
# build; the JavaScript: source.
{ fetchurl, mkDerivation, esbuild }:
mkDerivation {
  pname = "ms";
  version = "2.1.3";
  src = fetchurl "ms-2.1.3.tgz";
  sourceRoot = "package";
  inherit esbuild;
  buildPhase = ''
    mkdir tools
    tar -xzf $esbuild -C tools
    tools/package/bin/esbuild index.js --bundle --minify --format=esm --outfile=ms.min.js
  '';
  installPhase = ''
    mkdir -p $out/share/javascript
    cp ms.min.js $out/share/javascript/ms.min.js
  '';
}
