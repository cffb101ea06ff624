# Unpacks the seed's tarball and makes its programs run from the store.
echo Unpacking the bootstrap tools...
$builder mkdir -p $out
< $tarball $builder unxz | $builder tar x -C $out
$builder cp $busybox/bin/busybox $out/bin/busybox

# Set the ELF interpreter and rpath. Loading a program while it is being
# patched fails, hence the copy of patchelf.
echo Patching the bootstrap tools...
ld=$out/lib/ld-linux-x86-64.so.2
$builder cp $out/bin/patchelf .
LD_LIBRARY_PATH=$out/lib $ld ./patchelf --set-interpreter $ld \
    --set-rpath $out/lib --force-rpath \
    $out/bin/make $out/bin/mksquashfs $out/bin/patchelf $out/bin/tar \
    $out/bin/tcc $out/bin/xorriso
$out/bin/patchelf --set-rpath $out/lib --force-rpath \
    $out/lib/libburn.so.4 $out/lib/libisoburn.so.1 $out/lib/libisofs.so.6 \
    $out/lib/libjte.so.2 $out/lib/libreadline.so.8 $out/lib/libselinux.so.1

# The compiler: tcc against musl, static, because tcc's own defaults are
# paths of a system that the sandbox has not.
$builder cat > $out/bin/cc <<EOF
#!$out/bin/bash
link=1
for arg in "\$@"; do
    case "\$arg" in -c|-E) link= ;; esac
done
set -- -nostdinc -isystem $out/lib/tcc/include -isystem $out/musl/include "\$@"
if [ \$link ]; then
    set -- -static -nostdlib $out/musl/lib/crt1.o $out/musl/lib/crti.o "\$@" \\
        $out/musl/lib/libc.a $out/lib/tcc/libtcc1.a $out/musl/lib/crtn.o
fi
exec $out/bin/tcc -B$out/lib/tcc "\$@"
EOF
$builder cat > $out/bin/ar <<EOF
#!$out/bin/bash
# tcc's archiver knows r, c and s only; q asks for the same on a new archive.
shift
exec $out/bin/tcc -ar rcs "\$@"
EOF
$builder chmod +x $out/bin/cc $out/bin/ar

# Everything else is busybox, but for what is here already: those it leaves
# alone, and complains. One command, since under emulation each costs.
$out/bin/busybox --install -s $out/bin 2> /dev/null
$builder ln -sf bash $out/bin/sh
$builder ln -s true $out/bin/ranlib
:
