#!/usr/bin/env bats
# `ordain perms` as a person types it. What needs file systems of its own is in tests/integration/test_perms.py.

bats_require_minimum_version 1.5.0

setup() {
    volume=$BATS_TEST_TMPDIR/data
    mkdir -p "$volume/sub"
    touch "$volume/sub/file" "$volume/odd
name"
    me=$(id -u):$(id -g)
}

perms() {
    run --separate-stderr "$ORDAIN" perms "$@"
}

@test "a right directory is one word" {
    perms --owner "$me" "$volume"
    [ "$status" -eq 0 ]
    [ "$output" = "$volume: right" ]
    [ -z "$stderr" ]
}

@test "--always looks at every entry and changes none" {
    perms --owner "$me" --always "$volume"
    [ "$status" -eq 0 ]
    [[ $output =~ ^"$volume: 4 entries, 0 changed, 0."[0-9]" s"$ ]]
}

@test "--check ends with 1, names an entry and prints the YAML that mends it" {
    perms --owner 54321:12345 --check "$volume"
    [ "$status" -eq 1 ]
    [[ ${lines[0]} == "$volume: 4 entries, 4 wrong ('$volume/"*"', ...), "* ]]
    [[ $output == *"
securityContext:
  runAsUser: 54321
  runAsGroup: 12345
  fsGroup: 12345
  fsGroupChangePolicy: OnRootMismatch
"* ]]
    [[ $output == *"add: [CHOWN, DAC_OVERRIDE, FOWNER, SETUID, SETGID]" ]]
    [ "$(stat -c %u:%g "$volume/sub/file")" = "$me" ]
}

@test "--output json is one object a directory" {
    perms --owner 54321 --check --output json "$volume" "$volume/sub"
    [ "$status" -eq 1 ]
    [ "${#lines[@]}" -eq 2 ]
    [[ ${lines[0]} == '{"version":1,"path":"'"$volume"'","owner":"54321:54321","right":false,'*'"scanned":4,"changed":0,"wrong":4,'*'}' ]]
    [[ ${lines[1]} == *'"path":"'"$volume"'/sub",'*'"scanned":2,'* ]]
}

@test "several directories are answered in turn, and the first failure ends it" {
    perms --owner "$me" "$volume" "$volume/none" "$volume/sub"
    [ "$status" -eq 78 ]
    [ "$output" = "$volume: right" ]
    [[ $stderr == "ordain: no directory '$volume/none'"* ]]
}

@test "what belongs to the system is refused as usage" {
    for path in / /etc /proc /sys /dev /etc/../etc/ //; do
        perms --owner 999 --always --check "$path"
        [ "$status" -eq 64 ]
        [[ $stderr == *"belongs to the system"* ]]
    done
}

@test "no directory, an unknown flag and a bad policy are usage" {
    perms --owner 999
    [ "$status" -eq 64 ]
    perms --ownr 999 "$volume"
    [ "$status" -eq 64 ]
    [[ $stderr == *"--owner"* ]]
    perms --hardlinks=never "$volume"
    [ "$status" -eq 64 ]
}

@test "a symbolic link in the path is refused" {
    ln -s data "$BATS_TEST_TMPDIR/link"
    perms --owner "$me" --always "$BATS_TEST_TMPDIR/link/sub"
    [ "$status" -eq 65 ]
    [[ $stderr == *"symbolic link"* ]]
}

@test "an owner that is no number says so" {
    perms --owner redis "$volume"
    [[ $status -eq 78 || $status -eq 64 ]]
    [[ $stderr == *"UID:GID"* ]]
}

@test "ORDAIN_OWNER tells the owner, and the flag wins" {
    export ORDAIN_OWNER=54321
    perms --check --output json "$volume"
    [[ $output == *'"owner":"54321:54321"'* ]]
    perms --owner 1:2 --check --output json "$volume"
    [[ $output == *'"owner":"1:2"'* ]]
}

@test "the postgres preset closes PGDATA and leaves what is in it" {
    chmod 2770 "$volume"
    chmod 755 "$volume/sub"
    perms --preset postgres --owner "$me" "$volume"
    [ "$status" -eq 0 ]
    [ "$(stat -c %a "$volume")" = 700 ]
    [ "$(stat -c %a "$volume/sub")" = 755 ]
    chmod 750 "$volume"
    perms --preset postgres --owner "$me" "$volume"
    [ "$output" = "$volume: right" ]
    [ "$(stat -c %a "$volume")" = 750 ]
}
