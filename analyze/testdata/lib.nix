# What the tests' closures are made of. `hashes` maps the files that a test has
# put into /srcs to their SHA-256.
hashes:
rec {
  fetch = name: fetchFrom "file:///srcs/${name}" name;
  fetchFrom = url: name: derivation {
    inherit name;
    system = "builtin";
    builder = "builtin:fetchurl";
    inherit url;
    urls = [ url ];
    outputHashMode = "flat";
    outputHashAlgo = "sha256";
    outputHash = hashes.${name};
  };
  # Shell text is passed as buildCommand, as nixpkgs' runCommand does. The
  # script ends with a builtin, so that the shell stays the builder.
  make = name: attrs: buildCommand: derivation ({
    inherit name buildCommand;
    system = "x86_64-linux";
    builder = "/bin/sh";
    args = [ "-ec" "export PATH=/usr/bin:/bin:/usr/sbin:/sbin; eval \"$buildCommand\"; :" ];
  } // attrs);
}
