# Runs a package's phases; see mk-derivation.nix.
export PATH=$bootstrapTools/bin SHELL=$bootstrapTools/bin/bash
for input in $nativeBuildInputs; do
    PATH=$input/bin:$PATH
done
export LC_ALL=C TZ=UTC CONFIG_SHELL=$SHELL
umask 022

for archive in $src $srcs; do
    echo "unpacking $archive"
    case $archive in
        *.tar.gz|*.tgz) tar -xzf $archive ;;
        *.deb) dpkg-deb -x $archive . ;;
        *) cp -r $archive . ;;
    esac
done
test -z "$sourceRoot" || cd "$sourceRoot"

test -n "$dontBuild" || eval "$buildPhase"
eval "$installPhase"
:
