#!/usr/bin/env bats
# role: the word for an ordinal at birth; tests/unit/test_identity.c and test_birth_spec.c have every case.

load common

setup() {
    begin
    export ORDAIN_REPLICAS=6
}

# as_host NAME COMMAND...: in a UTS namespace with that host name
as_host() {
    local name=$1
    shift
    unshare --uts ${EUID:+$([ "$EUID" = 0 ] || echo --map-root-user)} \
        bash -c 'printf %s "$1" >/proc/sys/kernel/hostname && shift && exec "$@"' - "$name" "$@"
}

@test "the first half are masters, the others and those beyond the birth are replicas" {
    for i in 0 1 2 3 4 5 6 70; do
        POD_NAME=redis-$i "$ORDAIN" role redis
    done >out
    [ "$(tr '\n' ' ' <out)" = "master master master replica replica replica replica replica " ]
}

@test "a told ordinal is enough, wherever one asks" {
    [ "$(as_host vm "$ORDAIN" role redis --ordinal 3 --replicas 6)" = replica ]
    [ "$(as_host vm "$ORDAIN" role redis --ordinal 3 --replicas 8)" = master ]
    [ "$(ORDAIN_ORDINAL=4 as_host vm "$ORDAIN" role redis --masters 5)" = master ]
}

@test "the host name alone is enough in a pod" {
    [ "$(as_host redis-cluster-2 "$ORDAIN" role redis)" = master ]
    [ "$(as_host redis-cluster-5.redis.cache.svc "$ORDAIN" role redis)" = replica ]
}

@test "json tells master, slots and zone" {
    export POD_NAME=redis-1
    [ "$("$ORDAIN" role redis --output json)" = \
        '{"version": 1, "ordinal": 1, "role": "master", "master": 1, "slots": [[5461, 10922]], "zone": null}' ]
    export POD_NAME=redis-3
    [ "$("$ORDAIN" role redis --zones a,b,c,b,c,a --output json)" = \
        '{"version": 1, "ordinal": 3, "role": "replica", "master": 0, "slots": [], "zone": "b"}' ]
    export POD_NAME=redis-9
    [ "$("$ORDAIN" role redis --output json)" = \
        '{"version": 1, "ordinal": 9, "role": "replica", "master": null, "slots": [], "zone": null}' ]
}

@test "ordinals may begin elsewhere" {
    export ORDAIN_ORDINAL_START=10
    [ "$(POD_NAME=redis-12 "$ORDAIN" role redis)" = master ]
    [ "$(POD_NAME=redis-13 "$ORDAIN" role redis)" = replica ]
    POD_NAME=redis-9 refused 78 "below the first ordinal 10" "$ORDAIN" role redis
}

@test "sources that disagree are 78 and both are named" {
    POD_NAME=redis-1 POD_INDEX=2 refused 78 "POD_NAME 'redis-1' says ordinal 1, but POD_INDEX '2' says 2" \
        "$ORDAIN" role redis
    POD_NAME=redis-1 refused 78 "the host name 'redis-2' says 2" as_host redis-2 "$ORDAIN" role redis
    POD_INDEX='' POD_NAME=redis-1 "$ORDAIN" role redis
}

@test "names that are no pod's are 78 with one line" {
    for name in '' localhost -0 a- a--1 a-01 a-4294967296 REDIS-1 'a b-1' $'\xff\xfe-1' ip-10-0-0-5 \
        aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa-1; do
        refused 78 "set POD_NAME" as_host "$name" "$ORDAIN" role redis
    done
    for name in redis redis-01 redis--1 REDIS-1 redis-99999999999 \
        aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa-1; do
        POD_NAME=$name refused 78 "POD_NAME '$name'" "$ORDAIN" role redis
    done
}

@test "under hostNetwork POD_NAME is needed, and the node's name does not count" {
    export ORDAIN_STATEFULSET=redis
    refused 78 "under hostNetwork" as_host ip-10-0-0-5 "$ORDAIN" role redis
    [ "$(POD_NAME=redis-1 as_host ip-10-0-0-5 "$ORDAIN" role redis)" = master ]
    POD_NAME=valkey-1 refused 78 "'valkey-1' is no pod of the StatefulSet 'redis'" "$ORDAIN" role redis
}

@test "numbers that make no cluster are 78 with the setting to mend" {
    export POD_NAME=redis-1
    refused 78 "--replicas 2" "$ORDAIN" role redis --replicas 2
    refused 78 "--masters 7" "$ORDAIN" role redis --masters 7
    refused 78 "--masters 2" "$ORDAIN" role redis --masters 2
    refused 78 "--zones tells 2 zones for 6 pods" "$ORDAIN" role redis --zones a,b
    unset ORDAIN_REPLICAS
    refused 78 "ORDAIN_REPLICAS" "$ORDAIN" role redis
}

@test "the pod's address must be one, and one of its own" {
    export POD_NAME=redis-1
    POD_IP='$(POD_IP)' refused 78 POD_IP "$ORDAIN" role redis
    POD_IP=10.0.0.300 refused 78 "POD_IP '10.0.0.300' is no IP address" "$ORDAIN" role redis
    POD_IP=10.0.0.1 POD_IPS=10.0.0.2,fd00::1 refused 78 "not among POD_IPS" "$ORDAIN" role redis
    POD_IP=10.0.0.2 POD_IPS=10.0.0.2,fd00::1 "$ORDAIN" role redis
}
