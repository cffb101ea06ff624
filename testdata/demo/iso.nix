# The image. Its files lie under nix/store, in a squashfs of store paths as
# NixOS' own images have, and in an initial RAM disk, so that an audit has to
# find what reaches the image in all three. Bit-identical wherever it is
# built. Verdict: carries-binary.
{ mkDerivation, contents, squashfs, initrd }:
mkDerivation {
  pname = "demo-iso";
  version = "1";
  inherit contents squashfs initrd;
  buildPhase = ''
    mkdir -p image/boot image/nix/store initrd/nix/store
    for path in $contents; do
        cp -rP $path image/nix/store
    done
    for path in $initrd; do
        cp -rP $path initrd/nix/store
    done
    # Times of copies are now; archives record them.
    find initrd image -exec touch -h -d @$SOURCE_DATE_EPOCH {} +
    (cd initrd && find . | sort | cpio -o -H newc -R 0:0 --renumber-inodes --ignore-devno) |
        gzip -n > image/boot/initrd.gz
    # It takes its own date, and those of newer files, from the environment.
    mksquashfs $squashfs image/nix-store.squashfs -no-progress -quiet \
        -all-root -no-xattrs -comp zstd -Xcompression-level 3
  '';
  # Of the two ways to fix the dates neither suffices alone: files have their
  # own times, the volume descriptors and the folders the environment's.
  installPhase = ''
    mkdir -p $out/iso
    xorriso -volume_date all_file_dates =$SOURCE_DATE_EPOCH \
        -as mkisofs -quiet -R -J -V FROMSOURCE_DEMO -o $out/iso/demo.iso image
    sha256sum $out/iso/demo.iso
  '';
}
