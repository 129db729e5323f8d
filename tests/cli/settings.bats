#!/usr/bin/env bats
# Settings as a person meets them; tests/unit/test_settings.c has every kind of value.

load common

setup() {
    begin
    # a command that asks no network
    install=("$ORDAIN" install "$PWD/bin")
}

# told STATUS MESSAGE COMMAND...: stderr is that message and nothing else
told() {
    local wanted=$1 message=$2 status=0
    shift 2
    "$@" >out 2>err || status=$?
    if [ "$status" != "$wanted" ] || [ "$(cat err)" != "ordain: $message" ]; then
        echo "status $status instead of $wanted"
        cat err
        return 1
    fi
}

@test "docs/settings.md is what the table says" {
    "$ORDAIN" --settings-markdown >settings.md
    diff -u "$BATS_TEST_DIRNAME/../../docs/settings.md" settings.md
}

@test "docs/settings.md, help and manual page show every setting once" {
    "$ORDAIN" --help >help
    "$ORDAIN" --man >man
    "$ORDAIN" --settings-markdown >settings.md
    grep -o '`ORDAIN_[A-Z_]*`' settings.md | tr -d '`' | grep -v 'ORDAIN_$' | sort >names
    [ "$(wc -l <names)" -gt 30 ]
    [ "$(uniq -d names)" = "" ]
    while read -r name; do
        [ "$(grep -c "\[$name\]" help)" = 1 ]
        grep -q "$name" man
    done <names
}

@test "an unknown variable is 78 and names the nearest setting" {
    told 78 "unknown setting 'ORDAIN_REPLICS' in the environment: did you mean ORDAIN_REPLICAS?" \
        env ORDAIN_REPLICS=3 "${install[@]}"
    [ ! -e bin ]
}

@test "variables that Kubernetes makes of a Service called ordain do no harm" {
    env ORDAIN_SERVICE_HOST=10.96.0.7 ORDAIN_SERVICE_PORT=80 ORDAIN_SERVICE_PORT_HTTP=80 \
        ORDAIN_PORT=tcp://10.96.0.7:80 ORDAIN_PORT_80_TCP=tcp://10.96.0.7:80 ORDAIN_PORT_80_TCP_PROTO=tcp \
        ORDAIN_PORT_80_TCP_PORT=80 ORDAIN_PORT_80_TCP_ADDR=10.96.0.7 "${install[@]}"
}

@test "a Service's variable that hides a setting names enableServiceLinks" {
    status=0
    ORDAIN_REDIS_PORT=tcp://10.96.0.7:6379 "${install[@]}" 2>err || status=$?
    [ "$status" = 78 ]
    grep -q 'enableServiceLinks: false' err
}

@test "a password that looks like a Service's variable is refused and not shown" {
    status=0
    ORDAIN_REDIS_PASSWORD=tcp://geheim "$ORDAIN" init redis 2>err || status=$?
    [ "$status" = 78 ]
    grep -q 'ORDAIN_REDIS_PASSWORD is refused' err
    not grep -q geheim err
}

@test "what Kubernetes left unexpanded is told" {
    status=0
    POD_IP='$(POD_IP)' "${install[@]}" 2>err || status=$?
    [ "$status" = 78 ]
    grep -q "POD_IP is '\$(POD_IP)'" err
}

@test "a password is no flag, and the message does not repeat it" {
    status=0
    "$ORDAIN" init redis --password=geheim 2>err || status=$?
    [ "$status" = 64 ]
    grep -q -- '--password-file' err
    not grep -q geheim err
}

@test "a flag of another command is 64 and its variable is fine" {
    told 64 "--masters is no flag of this command; see its --help" "${install[@]}" --masters 3
    ORDAIN_REDIS_MASTERS=3 "${install[@]}"
}

@test "a secret is never shown, whatever is wrong" {
    not env ORDAIN_REDIS_PASSWORD=$'geheim\n' "${install[@]}" 2>err
    not grep -q geheim err
    not env ORDAIN_REDIS_PASSWORD=geheim ORDAIN_REPLICAS=x "$ORDAIN" init redis --log-level debug 2>err
    not grep -q geheim err
}

@test "the longest value that the kernel passes on is one clear line" {
    told 78 "ORDAIN_ZONES has 131000 bytes: at most 32768 are possible" \
        env ORDAIN_ZONES="$(printf '%0131000d' 0)" "${install[@]}"
}
