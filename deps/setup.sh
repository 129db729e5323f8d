#!/bin/bash
# deps/setup.sh build|test|image ...: installs the Debian packages that the group needs and the machine lacks. Says what it
# does, does nothing where all are there, and never starts a service.
set -eu

# shellcheck disable=SC2034 # read as ${!group}
build='gcc libc6-dev linux-libc-dev make perl patch xz-utils bzip2 ca-certificates util-linux'
# shellcheck disable=SC2034
test="git clang clang-tidy clang-format libclang-rt-dev cppcheck gcovr shellcheck bats libcmocka-dev python3 openssl
    redis-server redis-tools dnsmasq-base iproute2 iptables procps e2fsprogs libcap2-bin valgrind strace zsh man-db
    postgresql-15 postgresql-client-15"
# shellcheck disable=SC2034
image='docker.io debootstrap'

# Who has Node.js from elsewhere has npm with it, which Debian's would not go beside.
command -v npm >/dev/null || test="$test npm"

missing=
for group; do
    for package in ${!group}; do
        state=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) || true
        [ "$state" = installed ] || missing="$missing $package"
    done
done
[ -n "$missing" ] || exit 0
if [ "$(id -u)" != 0 ]; then
    echo "setup: as root, run: apt-get install --no-install-recommends$missing" >&2
    exit 1
fi

# Debian's ways to say that no service is to be started and no database cluster made, for the time of this installation.
policy=/usr/sbin/policy-rc.d
clusters=/etc/postgresql-common/createcluster.d/ordain-setup.conf
mine=$clusters
trap 'rm -f $mine' EXIT
if [ ! -e "$policy" ]; then
    mine="$mine $policy"
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod +x "$policy"
fi
mkdir -p "${clusters%/*}"
echo 'create_main_cluster = false' >"$clusters"
echo "setup: installing$missing" >&2
install_missing() {
    # shellcheck disable=SC2086 # a list
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing </dev/null >/dev/null
}
# The package lists of a fresh machine are absent or name revisions that are gone.
install_missing 2>/dev/null || {
    apt-get update -qq
    install_missing
}
