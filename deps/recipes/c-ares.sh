# DNS: musl's own resolver stops at 48 addresses without a word. No thread, no tests, no assertions (they
# would carry paths of the build).
# shellcheck shell=bash disable=SC2034,SC2154

build() {
    ../src/configure --host="$arch-linux-$libc" --disable-shared --enable-static --disable-tests \
        --disable-cares-threads --disable-dependency-tracking CFLAGS="$cflags -DNDEBUG"
    make -j "$jobs" -C src/lib
    cp src/lib/.libs/libcares.a "$out/lib/"
    cp ../src/include/ares*.h "$out/include/"
    # Generated for this platform.
    find . -name ares_build.h -exec cp {} "$out/include/" \;
}
