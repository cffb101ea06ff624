# Packages that repackage a prebuilt tool, each with something of its own that
# a rebuild meets.
rec {
  tool = derivation {
    name = "tool-linux-x86_64";
    system = "builtin";
    builder = "builtin:fetchurl";
    url = "file:///srcs/tool";
    urls = [ "file:///srcs/tool" ];
    outputHashMode = "flat";
    outputHashAlgo = "sha256";
    outputHash = "HASH";
    executable = false;
    unpack = false;
    preferLocalBuild = true;
  };

  package = name: script: derivation {
    inherit name tool;
    system = "x86_64-linux";
    builder = "/bin/sh";
    args = [ "-c" ''
      mkdir -p $out/bin
      cp $tool $out/bin/tool
      chmod 755 $out/bin/tool
      ${script}
      :
    '' ];
  };

  # The same every time, and on every machine.
  steady = package "steady" "echo steady > $out/says";
  # Depends on the year.
  dated = package "dated" "date +%Y > $out/year";
  # Depends on the order in which the file system lists a folder.
  listed = package "listed" "mkdir many; for i in $(seq 40); do echo > many/$i; done; find many > $out/list";
  # Takes a while.
  slow = package "slow" "sleep 8";
  # Needs more room than a small disk has.
  large = package "large" "fallocate -l 1500M room || exit 1";

  all = derivation {
    name = "all";
    system = "x86_64-linux";
    builder = "/bin/sh";
    args = [ "-c" "echo $packages > $out; :" ];
    packages = [ steady dated listed slow large ];
  };
}
