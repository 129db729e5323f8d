# The C library. Always our own: Debian 12's musl 1.2.3 truncates DNS answers and cannot apply packed relocations,
# and one version on every machine makes one binary.
# shellcheck shell=bash disable=SC2154

build() {
    CC=gcc ../src/configure --prefix="$out" --syslibdir="$out/lib" --disable-shared --disable-wrapper \
        CFLAGS="$cflags"
    make -j "$jobs"
    make install
    # musl has no kernel headers of its own.
    local headers
    for headers in linux asm-generic mtd; do
        ln -s "/usr/include/$headers" "$out/include/$headers"
    done
    ln -s "/usr/include/$(gcc -print-multiarch)/asm" "$out/include/asm"
    mkdir -p "$out/bin"
    write_specs >"$out/lib/musl-gcc.specs"
    # The map keeps the cache's path out of __FILE__ and debug information.
    printf '#!/bin/sh\nexec gcc "$@" -specs %s -ffile-prefix-map=%s=/musl\n' \
        "$out/lib/musl-gcc.specs" "$out" >"$out/bin/musl-gcc"
    chmod +x "$out/bin/musl-gcc"
    # shellcheck disable=SC2086 # a list
    "$out/bin/musl-gcc" $cflags -c "$here/src/relro.c" -o "$out/lib/relro.o"
}

# musl's own wrapper cannot make static-pie programs; this one makes nothing else, configure's probes included
# (-no-pie is for bench/hardening.sh, which measures what the rest costs).
write_specs() {
    cat <<SPECS
%rename cpp_options old_cpp_options

*cpp_options:
-nostdinc -isystem $out/include -isystem include%s %(old_cpp_options)

*cc1:
%(cc1_cpu) -nostdinc -isystem $out/include -isystem include%s

*link_libgcc:
-L$out/lib -L .%s

*libgcc:
libgcc.a%s

*startfile:
%{no-pie:$out/lib/crt1.o;:$out/lib/rcrt1.o} $out/lib/crti.o crtbeginS.o%s %{!no-pie:$out/lib/relro.o}

*endfile:
crtendS.o%s $out/lib/crtn.o

*link:
-nostdlib -static %{!no-pie:-pie --no-dynamic-linker -z text -z relro -z now} -z noexecstack

*esp_link:


*esp_options:


*esp_cpp_options:


SPECS
}
