# Functions shared by the scripts in deps/ and by tests/servers/fetch. Sourced, never run.
# shellcheck shell=bash

# Everything made here is kept outside the checkout, so that `make clean` and a second checkout cost no rebuild.
# shellcheck disable=SC2034 # used by the scripts that source this file
cache=${ORDAIN_CACHE:-${XDG_CACHE_HOME:-${HOME:-/var}/.cache}/ordain}

die() {
    printf 'deps: %s\n' "$*" >&2
    exit 1
}

say() {
    printf 'deps: %s\n' "$*" >&2
}

# The Debian archive that this machine's own apt already uses. No host name is written down anywhere.
debian_archive() {
    if [ -n "${ORDAIN_DEBIAN_MIRROR:-}" ]; then
        printf '%s\n' "${ORDAIN_DEBIAN_MIRROR%/}"
        return
    fi
    local codename
    codename=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)
    # shellcheck disable=SC2016 # apt, not the shell, fills in $(SITE)
    apt-get indextargets --format '$(SITE) $(RELEASE)' 'Created-By: Packages' |
        awk -v release="$codename" '$2 == release { print $1; exit }' | grep . ||
        die "apt knows no archive for '$codename'; set ORDAIN_DEBIAN_MIRROR to the URL of a Debian archive"
}

# fetch_pool POOL-PATH SHA256 DIRECTORY: one file of the archive's pool, kept in DIRECTORY once its sum is right.
# It goes by apt's own downloader, which knows this machine's proxy and credentials. The file is asked for by
# name, without the index: some .dsc files are missing from mirrors, and the index forgets revisions
# before the pool does.
fetch_pool() {
    local path=$1 sum=$2 file=$3/${1##*/} url
    if [ -e "$file" ] && printf '%s  %s\n' "$sum" "$file" | sha256sum --check --status; then
        return
    fi
    mkdir -p "$3"
    url=$(debian_archive)/$(printf '%s' "$path" | sed 's/+/%2b/g; s/~/%7e/g')
    say "downloading ${file##*/}"
    # A private name until the sum is right: a second build may look for the same file.
    /usr/lib/apt/apt-helper -qq -o APT::Sandbox::User=root download-file "$url" "$file.$$" "SHA256:$sum" >&2 || {
        rm -f "$file.$$"
        die "cannot fetch '$path' with the sum of the lock; if Debian has replaced it, run 'make deps-update'"
    }
    mv "$file.$$" "$file"
}

# private_apt DIRECTORY LINE COMMAND...: runs an apt command that sees only the given sources.list line, in a
# state directory of its own, so that the machine's apt neither helps nor changes.
private_apt() {
    local dir=$1 line=$2
    shift 2
    mkdir -p "$dir/lists/partial" "$dir/cache/archives/partial"
    printf '%s\n' "$line" >"$dir/sources.list"
    "$@" -qq -o Dir::State::Lists="$dir/lists" -o Dir::State::status=/dev/null -o Dir::Cache="$dir/cache" \
        -o Dir::Etc::SourceList="$dir/sources.list" -o Dir::Etc::SourceParts=/dev/null \
        -o Dir::Etc::PreferencesParts=/dev/null -o Acquire::GzipIndexes=true -o APT::Sandbox::User=root
}
