# A closure of the size of a package set, for the benchmark: half of it downloads,
# half packages with phases, flags and seven inputs each.
{ count }:
let
  system = "x86_64-linux";
  half = count / 2;
  impureEnvVars = builtins.genList (i: "NIX_MIRRORS_of_site_number_${toString i}") 40;
  phase = what: builtins.concatStringsSep "\n" (builtins.genList (i: "install -Dm755 build/${what}-${toString i} \"$out/bin/${what}-${toString i}\"") 12);
  fetch = i: derivation {
    name = "tool-${toString i}.tar.gz"; inherit system impureEnvVars; builder = "/bin/sh"; preferLocalBuild = true; postFetch = "";
    outputHashAlgo = "sha256"; outputHashMode = "flat"; outputHash = builtins.hashString "sha256" (toString i);
    urls = [ "https://example.org/releases/download/v${toString i}/tool-${toString i}.tar.gz" ];
  };
  package = i: derivation {
    name = "tool-${toString i}"; inherit system; builder = "/bin/sh"; args = [ "-e" ];
    src = fetch i;
    pname = "tool"; version = toString i; doCheck = "1"; strictDeps = "";
    installPhase = phase "program" + "\ninstall -Dm644 tool-${toString i}.1 $out/share/man/man1/tool.1\n";
    buildPhase = "make -j4\n" + phase "helper";
    configureFlags = builtins.genList (k: "--enable-feature-${toString k}") 10;
    # Seven of those before it, spread as far as there are some.
    buildInputs = builtins.genList (k: builtins.elemAt packages (i - 1 - (i - 1) / (k + 2))) (if i < 8 then 0 else 7);
  };
  packages = builtins.genList package half;
in
# In order: each is instantiated after what it needs, not within it.
derivation { name = "all"; inherit system; builder = "/bin/sh"; all = builtins.foldl' (all: p: builtins.seq p.drvPath all) packages packages; }
