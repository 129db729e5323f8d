#!/bin/bash
# deps/unpack.sh PACKAGE DIRECTORY: fetches the package's tarballs, checks them against the lock and
# unpacks them with Debian's patches. Not dpkg-source: it wants a .dsc, and mirrors do not have all of them.
set -eu
here=$(cd "${0%/*}" && pwd)
. "$here/lib.sh"
package=$1
directory=$2

mkdir -p "$directory"
grep "^$package " "$here/lock" >"$directory.lock" || die "'$package' is not in the lock"
while read -r _ _ sum path; do
    fetch_pool "$path" "$sum" "$cache/tarballs" </dev/null
    case $path in
    *.orig.tar.*) tar -x -f "$cache/tarballs/${path##*/}" -C "$directory" --strip-components=1 ;;
    *.debian.tar.*) tar -x -f "$cache/tarballs/${path##*/}" -C "$directory" ;;
    esac
done <"$directory.lock"

cd "$directory"
[ -e debian/patches/series ] || exit 0
sed 's/#.*//' debian/patches/series | while read -r patch _; do
    [ -z "$patch" ] || patch -p1 --quiet --no-backup-if-mismatch <"debian/patches/$patch"
done
# Patched inputs of autotools are newer than what was generated from them, and make would want to run
# autotools again. The generated files were patched too or do not change.
find . \( -name configure.ac -o -name '*.m4' -o -name '*.am' \) -exec touch -d 2000-01-01 {} +
