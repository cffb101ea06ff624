# Graphs that are never built: what is a seed in them is decided by their text.
let
  hash = name: builtins.hashString "sha256" name;
  fetch = url: extra: derivation ({
    name = baseNameOf url;
    system = "builtin";
    builder = "builtin:fetchurl";
    inherit url;
    urls = [ url ];
    outputHashMode = "flat";
    outputHashAlgo = "sha256";
    outputHash = hash url;
  } // extra);
  raw = name: builder: attrs: derivation ({ inherit name builder; system = "x86_64-linux"; } // attrs);
  # What unpacks a seed, a standard environment on it, and n packages.
  unpack = host: builder: raw "bootstrap-tools" builder {
    args = [ "ash" "-e" (builtins.toFile "unpack-bootstrap-tools.sh" "tar -xf $tarball") ];
    tarball = fetch "http://${host}/bootstrap-tools.tar.xz" { };
  };
  packages = tag: n: tools:
    let stdenv = raw "stdenv-linux" "${tools}/bin/bash" { setup = builtins.toFile "setup.sh" "# ${tag}"; };
    in builtins.genList (i: raw "package-${tag}-${toString i}" "${tools}/bin/bash" {
      inherit stdenv;
      args = [ "-e" (builtins.toFile "builder.sh" "source $stdenv/setup") ];
      src = fetch "http://example.org/package-${tag}-${toString i}.tar.gz" { };
    }) n;
  busybox = host: fetch "http://${host}/busybox" { executable = "1"; outputHashMode = "recursive"; };
  root = deps: raw "system-1" "${builtins.head deps}/bin/make" { inherit deps; };
  main = packages "main" 30 (unpack "tarballs.example.org" (busybox "tarballs.example.org"));
  program = name: builtins.path { inherit name; path = ./generated.c; };
  tool = fetch "http://private.example.org/bootstrap-binaries/tool" { executable = "1"; };
in
{
  # The usual case, with a second distribution for another machine.
  usual = root (main ++ packages "other" 25 (unpack "other.example.org" (busybox "other.example.org")));
  # A private one beside it, unpacked the same way, for one package.
  private = root (main ++ packages "private" 1 (unpack "private.example.org" (busybox "private.example.org")));
  # The same as the builder of one package, by name and by address.
  builder = root (main ++ [ (raw "leaf-1" tool { }) ]);
  # The same, committed.
  committed = root (main ++ [ (raw "leaf-1" (program "bash") { args = [ "-c" "make" ]; }) ]);
  # A seed of some hundred bytes, that makes itself.
  minimal =
    let
      seed = fetch "https://github.com/oriansj/bootstrap-seeds/raw/b1263ff14a17835f4d12539226208c426ced4fba/POSIX/AMD64/hex0-seed" { executable = "1"; outputHashMode = "recursive"; };
      hex0 = raw "hex0" seed { args = [ ./generated.c (placeholder "out") ]; outputHashMode = "recursive"; outputHashAlgo = "sha256"; outputHash = hash seed.url; };
      hex1 = raw "hex1" hex0 { args = [ ./generated.c ]; };
    in root (packages "minimal" 9 hex1);
  # Programs that were committed beside the first nixpkgs.
  oldest = root (packages "oldest" 9 (raw "bootstrap-tools" (program "bash") { args = [ (program "unpack.sh") ]; tar = program "tar.bz2"; }));
  # A compiler that compiles itself is none.
  language =
    let
      stage0 = raw "rustc-bootstrap-1.79.0" "${builtins.head main}/bin/bash" { src = fetch "https://static.rust-lang.org/dist/rust-1.79.0-x86_64-unknown-linux-gnu.tar.gz" { }; buildCommand = "tar -xf $src; cp -r rust $out"; };
    in root (main ++ packages "rust" 40 (raw "rustc-1.80.0" "${builtins.head main}/bin/bash" { inherit stage0; }));
}
