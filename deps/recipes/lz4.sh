# Frames of a compressed base backup.
# shellcheck shell=bash disable=SC2154

build() {
    local file
    for file in lz4 lz4hc lz4frame xxhash; do
        # shellcheck disable=SC2086 # a list
        $CC $cflags -DXXH_NAMESPACE=LZ4_ -c "../src/lib/$file.c" -o "$file.o"
    done
    ar rcs "$out/lib/liblz4.a" ./*.o
    cp ../src/lib/lz4.h ../src/lib/lz4frame.h "$out/include/"
}
