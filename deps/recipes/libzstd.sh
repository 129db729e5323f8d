# Decompression alone: a compressed base backup is only ever read here.
# shellcheck shell=bash disable=SC2154

build() {
    local file
    for file in ../src/lib/common/*.c ../src/lib/decompress/*.c; do
        # shellcheck disable=SC2086 # a list
        $CC $cflags -DZSTD_DISABLE_ASM -DXXH_NAMESPACE=ZSTD_ -DDEBUGLEVEL=0 -c "$file" -o "$(basename "$file" .c).o"
    done
    ar rcs "$out/lib/libzstd.a" ./*.o
    cp ../src/lib/zstd.h ../src/lib/zstd_errors.h "$out/include/"
}
