#!/usr/bin/env bats
# peers without a name server; tests/integration/test_dns.py has those with one.

load common

setup() {
    begin
    export ORDAIN_STATEFULSET=redis ORDAIN_SERVICE=redis ORDAIN_NAMESPACE=cache ORDAIN_REPLICAS=3
}

# with_resolv_conf TEXT COMMAND...: in a network without anybody, with that /etc/resolv.conf
with_resolv_conf() {
    printf '%b' "$1" >resolv.conf
    shift
    unshare --net --mount ${EUID:+$([ "$EUID" = 0 ] || echo --map-root-user)} \
        bash -c 'mount --bind resolv.conf /etc/resolv.conf && exec "$@"' - "$@"
}

@test "a network without name servers is 75, within two seconds" {
    SECONDS=0
    refused 75 "DNS is broken: no answer from 192.0.2.1:53" with_resolv_conf 'nameserver 192.0.2.1\n' "$ORDAIN" peers
    [ "$SECONDS" -le 4 ]
    refused 75 "DNS is broken" with_resolv_conf 'nameserver 192.0.2.1\n' "$ORDAIN" peers --timeout 100ms --output json
}

@test "a resolv.conf without name server is 78" {
    refused 78 "no name server in '/etc/resolv.conf'" with_resolv_conf '' "$ORDAIN" peers
}

@test "what is missing for the names is 78 and named" {
    refused 78 "ORDAIN_SERVICE" env -u ORDAIN_SERVICE "$ORDAIN" peers
    refused 78 "ORDAIN_REPLICAS" env -u ORDAIN_REPLICAS "$ORDAIN" peers
    refused 78 "ORDAIN_STATEFULSET" env -u ORDAIN_STATEFULSET POD_NAME=form-x7k2p "$ORDAIN" peers
    refused 78 "the namespace is not known" env -u ORDAIN_NAMESPACE \
        bash -c "$(declare -f with_resolv_conf); with_resolv_conf 'nameserver 192.0.2.1\n' \"\$1\" peers" - "$ORDAIN"
}

@test "names that DNS cannot carry are 78" {
    refused 78 "upper-case" "$ORDAIN" peers --service Redis
    refused 78 "--cluster-domain 'a..b'" "$ORDAIN" peers --cluster-domain a..b
    refused 78 "exceed" "$ORDAIN" peers --cluster-domain "$(printf 'a%.0s' {1..60}).$(printf 'b%.0s' {1..60}).$(
        printf 'c%.0s' {1..60}).$(printf 'd%.0s' {1..50})"
}
