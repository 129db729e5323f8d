#!/bin/bash
# Rewrites deps/lock with the revisions that Debian has now. A new upstream version is only taken when
# it is asked for (UPSTREAM=1), because it wants a look at the recipe and at docs/.
set -eu
cd "${0%/*}"
. ./lib.sh

release=trixie
packages='musl openssl c-ares cjson hiredis curl postgresql-17 lz4 libzstd'
archive=$(debian_archive)
state=$(mktemp -d)
trap 'rm -rf "$state"' EXIT
line="deb-src [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $archive $release main"
private_apt "$state" "$line" apt-get update

{
    echo '# Debian source packages that are linked into ordain; written by make deps-update.'
    echo '# package version sha256 path-in-the-archive'
    for package in $packages; do
        # Lines of apt: 'URI' file size SHA256:sum. Signatures and .dsc are not needed: the index is signed.
        private_apt "$state" "$line" apt-get source --print-uris "$package" |
            awk -v package="$package" -v archive="$archive/" '
                $2 ~ /\.(orig|debian)\.tar\.[a-z0-9]+$/ {
                    directory = substr($1, 2 + length(archive))
                    sub(/[^\/]*$/, "", directory)
                    version = $2
                    sub(/^[^_]*_/, "", version)
                    if (version ~ /\.orig\.tar/) {
                        sub(/\.orig\.tar.*$/, "", version)
                        sub(/\+(dfsg|ds).*$/, "", version)
                        upstream = version
                    }
                    print package, upstream, substr($4, 8), directory $2
                }'
    done
} >"$state/lock"

if [ -e lock ] && [ "${UPSTREAM:-}" != 1 ]; then
    for package in $packages; do
        old=$(awk -v p="$package" '$1 == p { print $2; exit }' lock)
        new=$(awk -v p="$package" '$1 == p { print $2; exit }' "$state/lock")
        [ -z "$old" ] || [ "$old" = "$new" ] ||
            die "$package: upstream went from $old to $new; look at its recipe, then run 'make deps-update UPSTREAM=1'"
    done
fi
[ ! -e lock ] || diff -u lock "$state/lock" || true
cp "$state/lock" lock
