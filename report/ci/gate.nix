# A derivation that audits another one by the text of its closure, and fails
# when a binary dependency is new. Nothing of that closure is built.
#
#   import ./gate.nix {
#     inherit (pkgs) runCommand;
#     fromsource = …;           # the package
#     target = config.system.build.toplevel;
#     baseline = ./fromsource.baseline;
#     waivers = ./fromsource.waivers.yaml;
#     today = "2026-05-20";     # waivers expire by this day, since a build has no clock
#   }
{
  runCommand,
  fromsource,
  target,
  baseline,
  waivers ? null,
  today,
}:
let
  # The closure of .drv files is an input, their outputs are not.
  drv = builtins.unsafeDiscardOutputDependency target.drvPath;
  waiverFlags = if waivers == null then "" else "--waivers ${waivers}";
in
runCommand "fromsource-gate" { nativeBuildInputs = [ fromsource ]; } ''
  export HOME=$TMPDIR
  mkdir -p $out/nix-support
  fromsource scan --no-contents --no-cache ${drv} --out $out
  if ! fromsource gate $out/audit.json --baseline ${baseline} ${waiverFlags} --today ${today} > $out/gate.txt; then
    cat $out/gate.txt >&2
    exit 1
  fi
  echo "report fromsource $out report.html" > $out/nix-support/hydra-build-products
''
