# The Redis client. REAL_CFLAGS is overridden because the Makefile would add -fPIC and its own warnings.
# shellcheck shell=bash disable=SC2034,SC2154
needs=openssl

build() {
    cp -R ../src/. .
    make -j "$jobs" static USE_SSL=1 AR=ar OPTIMIZATION= DEBUG_FLAGS= CFLAGS="$cflags -I$needs_dir/include" \
        REAL_CFLAGS="$cflags -I$needs_dir/include -std=gnu99"
    cp libhiredis.a libhiredis_ssl.a "$out/lib/"
    mkdir -p "$out/include/hiredis/adapters"
    cp hiredis.h hiredis_ssl.h async.h read.h sds.h alloc.h sockcompat.h "$out/include/hiredis/"
    cp adapters/poll.h "$out/include/hiredis/adapters/"
}
