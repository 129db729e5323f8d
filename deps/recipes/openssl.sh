# TLS 1.2 and 1.3 with what Redis, Postgres and Kubernetes servers offer, and SCRAM's primitives; nothing else.
# shellcheck shell=bash disable=SC2154

build() {
    local target options
    case $arch in
    x86_64) target=linux-x86_64 ;;
    aarch64) target=linux-aarch64 ;;
    *) echo "no OpenSSL target known for $arch" && return 1 ;;
    esac
    options='no-shared no-tests no-docs no-apps no-module no-dso no-engine no-legacy no-autoload-config no-makedepend
        no-pic threads
        no-ssl3 no-tls1 no-tls1_1 no-tls1-method no-tls1_1-method no-dtls no-srp no-srtp no-psk no-quic no-ct
        no-ocsp no-cms no-cmp no-ts no-rfc3779 no-nextprotoneg no-http no-comp no-ssl-trace no-sslkeylog no-ktls
        no-afalgeng no-ui-console no-async no-multiblock no-thread-pool no-default-thread-pool
        no-tls-deprecated-ec no-egd no-uplink no-trace no-secure-memory no-padlockeng no-atexit
        no-idea no-camellia no-seed no-aria no-bf no-cast no-des no-rc2 no-rc4 no-rc5 no-md4 no-mdc2
        no-whirlpool no-rmd160 no-sm2 no-sm3 no-sm4 no-siphash no-siv no-scrypt no-gost no-dsa no-ec2m no-blake2
        no-ml-dsa no-slh-dsa no-ml-kem no-argon2 no-ocb no-dh no-dgram no-filenames'
    # shellcheck disable=SC2086 # lists
    ../src/Configure $target --prefix=/ --libdir=lib --openssldir=/etc/ssl $options $cflags
    [ "$arch" != x86_64 ] || generate_small_assembly
    make -j "$jobs" build_libs
    make install_dev DESTDIR="$out"
    rm -rf "$out/lib/pkgconfig" "$out/lib/cmake"
}

# The generators ask the assembler's version and leave the AVX, AVX-512 and ADX paths out for an old one: 0.9 MB
# for speed that a probe's one handshake does not need. AES-NI, PCLMUL, SSSE3 and SHA-NI stay.
generate_small_assembly() {
    printf '#!/bin/sh\necho "GNU assembler version 2.10"\n' >old-assembler
    chmod +x old-assembler
    grep -oE '^crypto/[a-z0-9_/.-]+\.s:' Makefile | tr -d : |
        xargs make -j "$jobs" CC="$PWD/old-assembler"
    # The library looks at the processor when it is first used (crypto/init.c, ossl_init_base). That it also does so
    # before main costs every run, probes without TLS too, some CPUID, which trap in a virtual machine, and the pages.
    sed -i '/^\.section[[:space:]]*\.init/,+1d' crypto/x86_64cpuid.s
}
