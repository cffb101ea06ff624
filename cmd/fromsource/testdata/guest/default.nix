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
  # Takes a while.
  slow = package "slow" "sleep 8";
  # Needs more room than a small disk has.
  large = package "large" "fallocate -l 1500M room || exit 1";

  # Depends on the year, without the tool.
  dated = meets "dated" { out = "date +%Y"; };
  # Each output depends on one thing of the surroundings, and on that only as
  # far as no other changes it.
  looking = meets "looking" {
    out = "echo the same";
    listed = "mkdir many; for i in $(seq 40); do echo > many/$i; done; find many";
    days = "read up rest < /proc/uptime; echo $((\${up%%.*} / 8640000))";
    cores = "echo $NIX_BUILD_CORES";
    processors = "grep -c ^processor /proc/cpuinfo";
    memory = "read name kb unit < /proc/meminfo; echo $((kb / 200000))";
    flags = "grep -o -w -e sse4_2 -e avx2 /proc/cpuinfo | sort -u";
    release = "uname -r";
    folder = "pwd; echo $NIX_BUILD_TOP";
    # What the sandbox keeps from builds.
    spoken = "echo $LC_ALL $LANG $TZ; date +%Z";
    named = "hostname";
  };
  meets = name: scripts: derivation {
    inherit name;
    system = "x86_64-linux";
    builder = "/bin/sh";
    outputs = [ "out" ] ++ builtins.filter (o: o != "out") (builtins.attrNames scripts);
    args = [ "-c" (builtins.concatStringsSep "\n" (map (o: "(${scripts.${o}}) > $" + o) (builtins.attrNames scripts)) + "\n:") ];
  };

  all = derivation {
    name = "all";
    system = "x86_64-linux";
    builder = "/bin/sh";
    args = [ "-c" "echo $packages > $out; :" ];
    packages = [ steady slow large dated looking ];
  };
}
