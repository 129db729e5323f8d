#!/usr/bin/env bats
# install: the program on a shared volume, whole or not at all.

load common

setup() {
    begin
}

# on_tmpfs OPTIONS SCRIPT: SCRIPT with a tmpfs at ./volume, in a mount namespace of its own
on_tmpfs() {
    mkdir -p volume
    ORDAIN=$ORDAIN unshare --mount ${EUID:+$([ "$EUID" = 0 ] || echo --map-root-user)} \
        bash -c 'mount -t tmpfs -o "$1" none volume && eval "$2"' - "$1" "$2"
}

@test "makes the directory and a copy that runs" {
    "$ORDAIN" install "$PWD/a/b" 2>err
    cmp "$ORDAIN" a/b/ordain
    [ "$(stat -c %a a/b/ordain)" = 555 ]
    a/b/ordain --version
    grep -q "installed '$PWD/a/b/ordain'" err
}

@test "a relative directory and one with a slash at its end work" {
    "$ORDAIN" install bin/
    cmp "$ORDAIN" bin/ordain
    cd bin
    "$ORDAIN" install .
}

@test "the second time it changes nothing" {
    "$ORDAIN" install "$PWD/bin"
    before=$(stat -c '%i %Y %Z' bin/ordain)
    "$ORDAIN" install "$PWD/bin" 2>err
    [ "$(stat -c '%i %Y %Z' bin/ordain)" = "$before" ]
    grep -q 'is this program already' err
}

@test "the copy installs itself, over an older one that runs" {
    mkdir bin
    cp "$(command -v sleep)" bin/ordain
    bin/ordain 60 &
    "$ORDAIN" install "$PWD/bin"
    kill $!
    cmp "$ORDAIN" bin/ordain
    bin/ordain install "$PWD/bin" 2>err
    grep -q 'is this program already' err
    bin/ordain install "$PWD/c"
    cmp "$ORDAIN" c/ordain
}

@test "what a killed run left is removed" {
    mkdir bin
    echo half >bin/.ordain.ordain-abcdefgh
    "$ORDAIN" install "$PWD/bin"
    [ "$(ls -A bin)" = ordain ]
}

@test "a full volume is status 74 and leaves nothing" {
    on_tmpfs size=64k '
        status=0
        "$ORDAIN" install volume/bin 2>err || status=$?
        [ "$status" = 74 ] && grep -q "No space left on device" err && [ "$(ls -A volume/bin)" = "" ]'
}

@test "a volume mounted noexec is told as such" {
    on_tmpfs noexec '
        status=0
        "$ORDAIN" install volume 2>err || status=$?
        [ "$status" = 78 ] && grep -q "mounted noexec" err'
}

@test "a read-only volume is status 74" {
    on_tmpfs ro '
        status=0
        "$ORDAIN" install volume 2>err || status=$?
        [ "$status" = 74 ] && grep -q "Read-only file system" err'
}

@test "a file in the place of the directory is refused" {
    echo text >bin
    status=0
    "$ORDAIN" install "$PWD/bin" 2>err || status=$?
    [ "$status" = 78 ]
    [ "$(cat bin)" = text ]
}

@test "a second directory is 64" {
    status=0
    "$ORDAIN" install a b 2>err || status=$?
    [ "$status" = 64 ]
    [ ! -e a ]
}
