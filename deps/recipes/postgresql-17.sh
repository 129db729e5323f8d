# libpq alone. The _shlib flavours of its two helper libraries return errors where the others exit; bison
# and flex are asked for by configure and never used.
# shellcheck shell=bash disable=SC2034,SC2154
needs=openssl

build() {
    BISON=/bin/true FLEX=/bin/true ../src/configure --host="$arch-linux-$libc" \
        --prefix=/usr --sysconfdir=/etc/postgresql-common --without-readline --without-icu --without-zlib \
        --with-ssl=openssl --with-includes="$needs_dir/include" --with-libraries="$needs_dir/lib" CFLAGS="$cflags"
    make -C src/backend generated-headers
    make -j "$jobs" -C src/common libpgcommon_shlib.a CFLAGS_SL=
    make -j "$jobs" -C src/port libpgport_shlib.a CFLAGS_SL=
    make -j "$jobs" -C src/interfaces/libpq libpq.a CFLAGS_SL=
    cp src/interfaces/libpq/libpq.a "$out/lib/"
    cp src/common/libpgcommon_shlib.a "$out/lib/libpgcommon.a"
    cp src/port/libpgport_shlib.a "$out/lib/libpgport.a"
    cp ../src/src/interfaces/libpq/libpq-fe.h ../src/src/include/postgres_ext.h src/include/pg_config_ext.h \
        "$out/include/"
}
