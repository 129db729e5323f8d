#!/bin/bash
# deps/build.sh VARIANT [--key]: builds the libraries of deps/lock once and prints the directory that holds bin/,
# include/ and lib/. Each package is kept under a key of everything that makes it: lock lines, recipe, flags,
# compiler, architecture and the keys of what it needs. So the same input is never built twice, and a
# change rebuilds that package and its dependants alone.
set -eu
here=$(cd "${0%/*}" && pwd)
. "$here/lib.sh"
variant=${1:?usage: deps/build.sh static|debug [--key]}
. "$here/flags.sh"
# shellcheck disable=SC2034 # of the recipes
jobs=${JOBS:-$(nproc)}
arch=$(uname -m)
compiler=$(gcc -dumpfullversion 2>/dev/null) || die "no gcc here; run 'make setup'"

# Packages of one line are built at the same time; a line needs only lines above it.
stages=('musl' 'openssl c-ares cjson lz4 libzstd' 'hiredis curl postgresql-17')
[ "$variant" = static ] || stages[0]=
all=$(printf '%s ' "${stages[@]}")

# Sets $needs (packages of this variant that must be there first) and build() from the recipe.
load_recipe() {
    needs=
    # shellcheck source=/dev/null
    . "$here/recipes/$1.sh"
    [ "$variant" = static ] && [ "$1" != musl ] && needs="musl $needs"
    return 0
}

declare -A keys
compute_keys() {
    local package need common
    common=$(cat "$here/lib.sh" "$here/build.sh" "$here/unpack.sh" "$here"/src/*)
    for package in $all; do
        load_recipe "$package"
        keys[$package]=$({
            printf '%s\n' "$variant $arch $compiler $cflags $epoch" "$common"
            grep "^$package " "$here/lock"
            cat "$here/recipes/$package.sh"
            for need in $needs; do printf '%s\n' "${keys[$need]}"; done
        } | sha256sum | cut -c 1-16)
    done
    key=$(for package in $all; do printf '%s\n' "${keys[$package]}"; done | sha256sum | cut -c 1-16)
}

prefix_of() {
    printf '%s/packages/%s-%s-%s\n' "$cache" "$variant" "$1" "${keys[$1]}"
}

# join DIRECTORY PACKAGE...: one tree out of the trees of several packages, by hard links.
join() {
    local into=$1 package
    shift
    mkdir -p "$into"
    for package; do
        cp -al "$(prefix_of "$package")/." "$into/"
    done
}

build_package() {
    local package=$1 out work
    out=$(prefix_of "$package")
    mkdir -p "$cache/packages" "$cache/work"
    # A second build of the same package waits here and then finds it done. The lock file stays: removing it
    # would let a third build lock a file that nobody else sees.
    exec 9>"$out.lock"
    flock 9
    [ ! -e "$out/.done" ] || return 0

    work=$cache/work/$variant-$package-${keys[$package]}
    rm -rf "$work" "$out"
    mkdir -p "$work/build" "$out/include" "$out/lib"
    load_recipe "$package"
    # shellcheck disable=SC2086 # a list
    join "$work/needs" $needs
    say "building $package ($variant)"
    if ! (
        "$here/unpack.sh" "$package" "$work/src"
        cd "$work/build"
        export PATH="$work/needs/bin:$PATH" SOURCE_DATE_EPOCH=$epoch CC=$cc LC_ALL=C
        # What the caller exported for the program must not leak into the libraries.
        unset CFLAGS CPPFLAGS LDFLAGS MAKEFLAGS MFLAGS MAKEOVERRIDES C_INCLUDE_PATH CPATH LIBRARY_PATH
        # shellcheck disable=SC2034 # of the recipes
        needs_dir=$work/needs
        build
    ) >"$work/log" 2>&1 9>&-; then
        tail -n 30 "$work/log" >&2
        die "$package does not build; the whole log is $work/log"
    fi
    touch "$out/.done"
    rm -rf "$work"
}

compute_keys
result=$cache/deps-$variant-$key
if [ "${2:-}" = --key ]; then
    printf '%s\n' "$key"
    exit
fi
if [ ! -e "$result/.done" ]; then
    for stage in "${stages[@]}"; do
        children=()
        for package in $stage; do
            # In a child of its own, with errexit in force (it would not be behind || or in a condition).
            (build_package "$package") &
            children+=($!)
        done
        for child in "${children[@]}"; do
            wait "$child" || exit 1
        done
    done
    exec 9>"$result.lock"
    flock 9
    if [ ! -e "$result/.done" ]; then
        rm -rf "$result" "$result.new"
        # shellcheck disable=SC2086 # a list
        join "$result.new" $all
        mv "$result.new" "$result"
        touch "$result/.done"
    fi
fi
printf '%s\n' "$result"
