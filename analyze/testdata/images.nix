# A system in images of all sorts: reach is decided by what is in them. `hashes`
# maps the files that the test has put into /srcs to their SHA-256.
{ hashes }:
let
  inherit (import ./lib.nix hashes) fetch make;
  # Three packages: the first is in the images under its store path, of the
  # second only a file that is named otherwise, the third was used to build them.
  inside = make "inside-1" { src = fetch "inside"; } "mkdir -p $out/bin; cp $src $out/bin/tool";
  loose = make "loose-1" { src = fetch "loose"; } "mkdir -p $out/bin; cp $src $out/bin/tool";
  aside = make "aside-1" { src = fetch "aside"; } "mkdir -p $out/bin; cp $src $out/bin/tool";
  image = name: buildCommand: make name { inherit inside loose aside; } ''
    mkdir -p $out r/nix/store; cp -r $inside r/nix/store/; cp $loose/bin/tool r/init
    truncate -s 3M fs; mke2fs -q -t ext4 -d r fs
    ${buildCommand}
  '';
  disk = table: ''
    truncate -s 2M esp; mkfs.vfat esp > log; mcopy -i esp $loose/bin/tool ::/BOOTX64.EFI
    truncate -s 8M disk; printf '${table}' | sfdisk -q disk
    dd if=esp of=disk bs=512 seek=2048 conv=notrunc status=none; dd if=fs of=disk bs=512 seek=6144 conv=notrunc status=none
  '';
  gpt = "label: gpt\\n2048,4096,U\\n6144,6144,L\\n";
in
rec {
  volume = image "volume-1" "mv fs $out/system.ext4";
  mbr = image "mbr-1" "${disk "2048,4096,ef\\n6144,6144,83\\n"} mv disk $out/system.img";
  gptDisk = image "gpt-1" "${disk gpt} mv disk $out/system.img";
  packed = image "packed-1" "${disk gpt} zstd -q disk -o $out/system.img.zst";
  cut = image "cut-1" "${disk gpt} head -c 4000000 disk > $out/system.img";
  # These are not opened.
  qcow = image "qcow-1" "qemu-img convert -O qcow2 -c fs $out/system.qcow2";
  vmdk = image "vmdk-1" "qemu-img convert -O vmdk -o subformat=streamOptimized fs $out/system.vmdk";
  encrypted = image "encrypted-1" "openssl enc -aes-128-ctr -K 00112233445566778899aabbccddeeff -iv 00112233445566778899aabbccddeeff -in fs -out $out/disk.img";
  # A package that none of these has to do with.
  plain = make "plain-1" { } "mkdir -p $out; echo text > $out/text";
  all = make "all-1" { deps = [ volume mbr gptDisk packed cut qcow vmdk encrypted plain ]; } "mkdir -p $out; echo text > $out/text";
}
