#!/usr/bin/env bats
# ordain render: files, statuses, words. What the servers make of the files is tests/integration/test_render.py.

load common

setup() {
    begin
    export POD_NAME=redis-4 POD_NAMESPACE=demo POD_IP=10.0.0.5
    export ORDAIN_SERVICE=headless ORDAIN_CLUSTER_DOMAIN=cluster.local ORDAIN_REPLICAS=6
    export ORDAIN_CONFIG_DIR=$PWD/config ORDAIN_TEMPLATE_DIR=$PWD/templates
    mkdir config templates
}

teardown() {
    chmod -R u+rwX "$BATS_TEST_TMPDIR"
}

# says TEXT: stderr holds it
says() {
    grep -qF -- "$1" err || {
        echo "stderr does not say '$1':"
        cat err
        return 1
    }
}

@test "the three files appear, and a second run writes none" {
    expect 0 "$ORDAIN" render redis
    [ "$(cat out)" = "3 files written in $PWD/config" ]
    [ "$(ls config)" = "$(printf 'ordain.env\nredis.conf\nrole')" ]
    [ "$(cat config/role)" = replica ]
    [ "$(stat -c %a config/redis.conf)" = 600 ]
    before=$(stat -c '%n %i %y' config/*)
    expect 0 "$ORDAIN" render redis
    [ "$(cat out)" = "0 files written in $PWD/config" ]
    [ "$(stat -c '%n %i %y' config/*)" = "$before" ]
}

@test "ordain.env is read by a shell" {
    expect 0 "$ORDAIN" render redis --region eu-west --zone 'zone a $x'
    (
        unset POD_NAME POD_IP
        . config/ordain.env
        [ "$ROLE $ORDINAL $POD_NAME $POD_IP" = "replica 4 redis-4 10.0.0.5" ]
        [ "$CLUSTER_ID|$REGION|$ZONE" = 'demo/redis|eu-west|zone a $x' ]
    )
}

@test "--check changes nothing and answers with 1 and 0" {
    expect 1 "$ORDAIN" render redis --check
    [ -z "$(ls config)" ]
    expect 0 "$ORDAIN" render redis
    expect 0 "$ORDAIN" render redis --check
    expect 1 "$ORDAIN" render redis --check --port 7000
    grep -q '^port 6379' config/redis.conf
}

@test "a file of the template directory replaces the built-in one, others are added" {
    echo 'port ${PORT}' >templates/redis.conf
    printf '{"pod": ${POD_NAME}, "peers": [\n#@for peer\n${PEER_NAME},\n#@end\n""]}\n' >templates/pods.json
    expect 0 "$ORDAIN" render redis
    [ "$(cat config/redis.conf)" = 'port 6379' ]
    [ "$(tr -d '\n' <config/pods.json)" = '{"pod": "redis-4", "peers": ["redis-0","redis-1","redis-2","redis-3","redis-4","redis-5",""]}' ]
}

@test "every error of every template is told at once, and nothing is written" {
    printf 'a ${NOPE}\nb ${unterminated\n#@if role == master\n' >templates/a.conf
    printf '#@end\n' >templates/b.conf
    expect 78 "$ORDAIN" render redis
    says "$PWD/templates/a.conf:1:3: 'NOPE' is not set"
    says "$PWD/templates/a.conf:2:3: this \${ has no }"
    says "$PWD/templates/a.conf:3:1: this directive has no #@end"
    says "$PWD/templates/b.conf:1:1: #@end without its #@if or #@for"
    says "4 errors in the templates"
    [ -z "$(ls config)" ]
}

@test "a secret never shows in an error" {
    export ORDAIN_REDIS_PASSWORD='top "secret'
    printf '%s\n' '${PASSWORD}x' '\${PASSWORD}' '"\${PASSWORD}"' '${PASSWORD@foo}' '${PASSWORD:=x}' '${NOPE}' >templates/a.conf
    expect 78 "$ORDAIN" render redis
    run grep -F secret err
    [ "$status" = 1 ]
    says "a.conf:3:3: 'PASSWORD' cannot be written: a backslash beside it"
    says "5 errors"
}

@test "bad templates: what is no text, too large or too deep" {
    printf 'a\0b' >templates/a.conf
    expect 78 "$ORDAIN" render redis
    says "a.conf:1:2: a NUL byte"
    head -c 10485760 /dev/zero | tr '\0' x >templates/a.conf
    expect 78 "$ORDAIN" render redis
    says "larger than 1048576 bytes"
    head -c 1000000 /dev/zero | tr '\0' '$' >templates/a.conf
    expect 0 "$ORDAIN" render redis
    for _ in {1..10000}; do printf '${A:-'; done >templates/a.conf
    expect 78 "$ORDAIN" render redis
    says "a.conf:1:161: \${ is nested too deeply"
    head -c 300000 /dev/urandom | tr -d '\0' >templates/a.conf
    "$ORDAIN" render redis >out 2>err || [ $? = 78 ]
    printf '\xef\xbb\xbf#@if role == replica\r\na 1\r\n#@end\r\n' >templates/a.conf
    expect 0 "$ORDAIN" render redis
    [ "$(cat config/a.conf)" = "$(printf 'a 1\r\n')" ]
}

@test "bad template files: directory, pipe, dead link, loop, no right to read" {
    mkdir templates/a.conf
    expect 78 "$ORDAIN" render redis
    says "'$PWD/templates/a.conf' is a directory"
    rmdir templates/a.conf
    mkfifo templates/a.conf
    expect 78 timeout 10 "$ORDAIN" render redis
    rm templates/a.conf
    ln -s a.conf templates/a.conf
    expect 78 "$ORDAIN" render redis
    ln -sf nowhere templates/a.conf
    expect 78 "$ORDAIN" render redis
    rm templates/a.conf
    ORDAIN_TEMPLATE_DIR=$PWD/absent expect 78 "$ORDAIN" render redis
    says ORDAIN_TEMPLATE_DIR
    ORDAIN_TEMPLATE_DIR=$PWD/out expect 78 "$ORDAIN" render redis
}

@test "a template that may not be read is 77" {
    echo 'a 1' >templates/a.conf
    chmod 000 templates/a.conf
    # root without capabilities is held to the mode of a file as everybody is
    expect 77 setpriv --bounding-set=-all --inh-caps=-all "$ORDAIN" render redis
    says "$PWD/templates/a.conf"
}

@test "a ConfigMap's directory is read in one version" {
    mkdir templates/..2026_11_23
    echo 'maxmemory ${MAX:-1gb}' >templates/..2026_11_23/extra.conf
    ln -s ..2026_11_23 templates/..data
    ln -s ..data/extra.conf templates/extra.conf
    expect 0 "$ORDAIN" render redis
    [ "$(cat config/extra.conf)" = 'maxmemory 1gb' ]
    grep -q "^include $PWD/config/extra.conf$" config/redis.conf
}

@test "what is missing is named with its setting" {
    expect 78 env -u POD_IP "$ORDAIN" render redis
    says status.podIP
    expect 78 env ORDAIN_REDIS_USERNAME=app "$ORDAIN" render redis
    says ORDAIN_REDIS_PASSWORD_FILE
    expect 78 env ORDAIN_REDIS_PASSWORD_FILE="$PWD/absent" "$ORDAIN" render redis
    says "$PWD/absent"
    ORDAIN_CONFIG_DIR=$PWD/absent expect 78 "$ORDAIN" render redis
    says "$PWD/absent"
}

@test "an operand is an error of usage" {
    expect 64 "$ORDAIN" render redis out.conf
    says out.conf
}
