# HTTP and HTTPS to the Kubernetes API and to clouds' metadata services; every other protocol and every place that
# curl would read configuration from is off. Not --disable-optimize: it would rewrite CFLAGS to -O0.
# shellcheck shell=bash disable=SC2034,SC2154
needs=openssl

build() {
    local options
    options='--disable-shared --enable-static --disable-dependency-tracking
        --without-zlib --without-brotli --without-zstd --without-libpsl --without-libidn2 --without-nghttp2
        --without-libssh2 --without-librtmp --without-gssapi --without-ca-bundle --without-ca-path
        --disable-ftp --disable-file --disable-ipfs --disable-ldap --disable-ldaps --disable-rtsp --disable-dict
        --disable-telnet --disable-tftp --disable-pop3 --disable-imap --disable-smb --disable-smtp --disable-gopher
        --disable-mqtt --disable-websockets --disable-manual --disable-docs --disable-libcurl-option
        --disable-threaded-resolver --disable-sspi --disable-basic-auth --enable-bearer-auth --disable-digest-auth
        --disable-kerberos-auth --disable-negotiate-auth --disable-aws --disable-ntlm --disable-tls-srp
        --disable-cookies --disable-doh --disable-mime --disable-form-api --disable-bindlocal --disable-netrc
        --disable-progress-meter --disable-dnsshuffle --disable-get-easy-options --disable-alt-svc --disable-hsts
        --disable-httpsrr --disable-ech --disable-proxy --disable-dateparse --disable-headers-api
        --disable-unix-sockets --disable-verbose --disable-socketpair --disable-sha512-256
        --disable-openssl-auto-load-config --disable-ca-search'
    # shellcheck disable=SC2086 # a list
    ../src/configure --host="$arch-linux-$libc" --with-openssl="$needs_dir" $options \
        CPPFLAGS="-I$needs_dir/include" LDFLAGS="-L$needs_dir/lib" CFLAGS="$cflags"
    # This target alone: all would build the library once more for curl's own unit tests.
    make -j "$jobs" -C lib libcurl.la
    cp lib/.libs/libcurl.a "$out/lib/"
    mkdir "$out/include/curl"
    cp ../src/include/curl/*.h "$out/include/curl/"
}
