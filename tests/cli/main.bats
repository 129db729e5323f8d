#!/usr/bin/env bats
# The program as a whole: its words, its streams, its statuses.

load common

setup() {
    begin
}

@test "alone it shows four examples on stderr and ends with 64" {
    expect 64 "$ORDAIN"
    [ ! -s out ]
    [ "$(grep -c '^  ordain ' err)" = 4 ]
}

@test "--help shows every command on stdout" {
    expect 0 "$ORDAIN" --help
    [ ! -s err ]
    for command in init exec form probe plan status promote role peers render perms install completion; do
        grep -q "^  $command" out
    done
    cp out all
    expect 0 "$ORDAIN" help
    cmp out all
    expect 0 "$ORDAIN" -h
    cmp out all
}

@test "help fits into 100 columns" {
    "$ORDAIN" --help >all
    for command in init exec form probe plan status promote role peers render perms install completion; do
        "$ORDAIN" help "$command" >>all
    done
    [ "$(awk 'length > 100' all)" = "" ]
}

@test "a command's --help works at any place and is the same as help COMMAND" {
    expect 0 "$ORDAIN" help probe
    cp out all
    grep -q '^Usage: ordain probe redis|postgres startup|liveness|readiness' all
    grep -q -- '--probe-timeout TIME' all
    not grep -q -- '--hardlinks' all
    expect 0 "$ORDAIN" probe --help
    cmp out all
    expect 0 "$ORDAIN" probe redis readiness -h
    cmp out all
}

@test "behind -- a --help is the other program's" {
    expect 64 "$ORDAIN" exec -- redis-server --help
}

@test "behind the first -- all is the other program's, a second -- too" {
    expect 78 env POD_NAME=redis-0 "$ORDAIN" exec redis -- sh -c true -- x
    not grep -q "'--'" err
}

@test "plan takes one of two words" {
    expect 64 "$ORDAIN" plan redis
    expect 64 "$ORDAIN" plan redis bogus
    expect 64 "$ORDAIN" plan redis init form
    grep -q 'plan takes one of init, form' err
}

@test "an unknown flag is shown without its value" {
    expect 64 "$ORDAIN" init redis -password=geheim
    not grep -q geheim err
    expect 64 "$ORDAIN" init redis --passwort=geheim
    not grep -q geheim err
}

@test "an unknown command's error is JSON where the log is" {
    expect 64 env ORDAIN_LOG_FORMAT=json "$ORDAIN" staus
    grep -q '^{.*unknown command' err
}

@test "an unknown command is answered with the nearest one" {
    expect 64 "$ORDAIN" staus redis
    [ "$(cat err)" = "ordain: unknown command 'staus': did you mean 'status'?" ]
    expect 64 "$ORDAIN" xyzzy
    expect 64 "$ORDAIN" help xyzzy
    expect 64 "$ORDAIN" ''
}

@test "an engine is needed, and only those that exist" {
    expect 64 "$ORDAIN" init
    [ "$(cat err)" = "ordain: 'ordain init' needs an engine: redis postgres" ]
    expect 64 "$ORDAIN" init mysql
    grep -q "unknown engine 'mysql'" err
    expect 64 "$ORDAIN" plan init
    expect 64 "$ORDAIN" init --replicas 3 redis
}

@test "operands that a command does not take are refused" {
    expect 64 "$ORDAIN" init redis now
    grep -q "takes no operand, and 'now' is one" err
}

@test "exec takes its command behind -- only" {
    expect 64 "$ORDAIN" exec redis redis-server
    expect 64 "$ORDAIN" exec redis --
    expect 64 "$ORDAIN" exec redis
    expect 64 "$ORDAIN" exec redis x -- redis-server
    grep -q "behind '--'" err
}

@test "--version names every library with a version" {
    expect 0 "$ORDAIN" --version
    [ ! -s err ]
    head -n 1 out | grep -Eq '^ordain [0-9]+\.[0-9]+\.[0-9]+$'
    for library in OpenSSL hiredis c-ares cJSON musl; do
        grep -Eq "^$library [0-9]+\.[0-9]+" out
    done
}

@test "an answer that cannot be written is status 74" {
    for words in --help --version --man --settings-markdown 'help init' 'completion bash'; do
        status=0
        # shellcheck disable=SC2086 # words
        "$ORDAIN" $words >/dev/full 2>err || status=$?
        [ "$status" = 74 ]
        [ "$(wc -l <err)" = 1 ]
        status=0
        # shellcheck disable=SC2086
        "$ORDAIN" $words >&- 2>err || status=$?
        [ "$status" = 74 ]
    done
}

@test "a reader that goes away is a status and no signal" {
    status=0
    ("$ORDAIN" --help || echo $? >status) | true
    [ ! -e status ] || [ "$(cat status)" = 74 ]
}

@test "closed standard streams do no harm" {
    expect 0 "$ORDAIN" --version <&-
    status=0
    "$ORDAIN" xyzzy 2>&- || status=$?
    [ "$status" = 64 ]
    "$ORDAIN" install "$PWD/bin" <&- >&- 2>&-
    cmp "$ORDAIN" bin/ordain
}

@test "the error comes in the log's format" {
    expect 78 env ORDAIN_LOG_FORMAT=json ORDAIN_REPLICAS=six POD_NAME=redis-0 "$ORDAIN" init redis
    [ "$(wc -l <err)" = 1 ]
    python3 - <<'P'
import json
line = json.load(open("err"))
assert line["level"] == "error" and line["pod"] == "redis-0", line
assert line["msg"] == "ORDAIN_REPLICAS is 'six': a whole number from 1 to 1000 is needed", line
P
    expect 64 "$ORDAIN" init redis --nonsense --log-format json
    python3 -c 'import json; json.load(open("err"))'
}

@test "the last words of init, exec and form reach the termination message" {
    touch words
    for command in 'init redis' 'exec redis -- true' 'form redis'; do
        echo older >words
        # shellcheck disable=SC2086 # words
        expect 78 env ORDAIN_TERMINATION_LOG="$PWD/words" ORDAIN_REPLICAS=six "$ORDAIN" $command
        [ "$(cat words)" = "ORDAIN_REPLICAS is 'six': a whole number from 1 to 1000 is needed" ]
    done
    expect 78 env ORDAIN_TERMINATION_LOG="$PWD/absent" ORDAIN_REPLICAS=six "$ORDAIN" init redis
    [ ! -e absent ]
}

@test "control characters of an argument do not reach the terminal" {
    expect 64 "$ORDAIN" $'x\e[31m\nordain: forged'
    [ "$(wc -l <err)" = 1 ]
    not grep -q $'\e' err
}

@test "the manual page is what roff wants" {
    expect 0 "$ORDAIN" --man
    grep -q '^\.TH ORDAIN 1' out
    grep -q '^\.SH EXIT STATUS' out
    grep -q 'ORDAIN_REPLICAS' out
    groff -man -Tutf8 -ww -z out 2>warnings
    [ ! -s warnings ]
}

# waiting COMMAND...: a command in the background that waits for pods that will never be; sets pid
waiting() {
    mkdir -p data config
    "$@" --statefulset redis --service none --namespace none --cluster-domain invalid --replicas 6 --ordinal 5 --timeout 60s 2>err &
    pid=$!
    for _ in {1..100}; do
        grep -q 'waiting for' err && return 0
        sleep 0.1
    done
    cat err
    return 1
}

@test "as a container's first process it heeds SIGTERM at once" {
    export POD_IP=192.0.2.5
    waiting unshare ${EUID:+$([ "$EUID" = 0 ] || echo --map-root-user)} --pid --fork \
        "$ORDAIN" init redis --register none --birth new --data-dir "$PWD/data" --config-dir "$PWD/config" --owner "$EUID"
    kill -TERM "$(pgrep -P "$pid")"
    status=0
    started=$SECONDS
    wait "$pid" || status=$?
    [ "$status" = 143 ]
    [ $((SECONDS - started)) -le 2 ]
}

@test "a broken promise is status 70 and no core" {
    waiting "$ORDAIN" form redis
    grep -q '^Max core file size  *0 ' "/proc/$pid/limits"
    kill -ABRT "$pid"
    status=0
    wait "$pid" || status=$?
    [ "$status" = 70 ]
}

@test "a deadline is kept, whatever is waited for" {
    mkdir -p data config
    started=$SECONDS
    expect 75 "$ORDAIN" form redis --statefulset redis --service none --namespace none --cluster-domain invalid --replicas 6 \
        --timeout 2s
    [ $((SECONDS - started)) -le 4 ]
    [ "$(grep -c '^ordain: ' err)" = 1 ]
}
