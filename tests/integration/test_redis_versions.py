#!/usr/bin/python3
"""Redis 8.0 and Valkey 8.1 (the other files use 7.0), and upgrades while the cluster lives."""

import os

from common import lab, ordain
from lab import check, equal, note
from redis_proofs import (KEYS, born, lose_a_masters_volume, replicas_hold, restart_everything,
                          shard_of, whole)


def says_version(one, ordinal):
    """("redis" or "valkey", "8.1.x") of a pod's server."""
    with one.redis(ordinal) as connection:
        text = connection.call("INFO", "server")
    kind = "valkey" if "valkey_version:" in text else "redis"
    name = "valkey_version:" if kind == "valkey" else "redis_version:"
    return kind, text.split(name)[1].split()[0]


def shard_ids(one):
    """The shard id of each pod's own node (CLUSTER MYSHARDID, 7.2 and later)."""
    found = []
    for pod in one.pods:
        with one.redis(pod.ordinal) as connection:
            found.append(connection.call("CLUSTER", "MYSHARDID"))
    return found


def one_shard_one_id(one):
    """Replicas have their master's shard id, shards have different ones."""
    ids = shard_ids(one)
    for pod in one.pods:
        equal(ids[pod.ordinal], ids[shard_of(one, pod.ordinal)[0]], f"{pod.name}'s shard id")
    equal(len(set(ids)), 3, "shard ids")


def life(world, server, policy, told):
    """Birth, new addresses for all, under Parallel a master's volume lost; version told or not."""
    kind, _, version = server.partition("-")
    env = {"ORDAIN_REDIS_VERSION": version} if told else {}
    with ordain(world, policy, server=lab.server(server), env=env) as one:
        begin = one.elapsed()
        born(one)
        note(f"{server}, {policy}: birth with keys {one.elapsed() - begin:.1f} s")
        equal(says_version(one, 0)[0], kind, "the server")
        check(says_version(one, 0)[1].startswith(version), "its version")
        one_shard_one_id(one)
        begin = one.elapsed()
        restart_everything(one)
        note(f"{server}, {policy}: restart {one.elapsed() - begin:.1f} s")
        if policy == "Parallel":
            lose_a_masters_volume(one)
        one_shard_one_id(one)


def redis_8_in_parallel(world):
    """redis 8.0 under Parallel, version told"""
    life(world, "redis-8.0", "Parallel", True)


def redis_8_in_order(world):
    """redis 8.0 under OrderedReady, version not told"""
    life(world, "redis-8.0", "OrderedReady", False)


def valkey_in_parallel(world):
    """valkey 8.1 under Parallel, version not told"""
    life(world, "valkey-8.1", "Parallel", False)


def valkey_in_order(world):
    """valkey 8.1 under OrderedReady, version told"""
    life(world, "valkey-8.1", "OrderedReady", True)


def upgrade(world, server):
    """Pods get another server one by one, highest first, as a rolling update does."""
    new = lab.server(server)
    home = os.path.dirname(os.path.realpath(new))
    with ordain(world, binds=[(home, home, True)]) as one:
        born(one)
        for ordinal in range(5, -1, -1):
            replicas_hold(one)
            one.spec = lab.ordain(server=(os.path.realpath(new), "/etc/redis/redis.conf"))
            one.pods[ordinal].recreate()
            one.pods[ordinal].wait_ready(60)
            one.wait_healthy(60)
            one.check_keys(KEYS)
        kind, _, version = server.partition("-")
        for pod in one.pods:
            seen = says_version(one, pod.ordinal)
            check(seen[0] == kind and seen[1].startswith(version), f"{pod.name} is {seen}")
        whole(one)
        one.env["ORDAIN_REDIS_VERSION"] = version
        restart_everything(one)


def upgrade_to_redis_8(world):
    """a rolling upgrade from redis 7.0 to 8.0, then the version is told and all restart"""
    upgrade(world, "redis-8.0")


def upgrade_to_valkey(world):
    """a rolling change from redis 7.0 to valkey 8.1, then the version is told and all restart"""
    upgrade(world, "valkey-8.1")


SCENARIOS = [
    redis_8_in_parallel, redis_8_in_order, valkey_in_parallel, valkey_in_order, upgrade_to_redis_8,
    upgrade_to_valkey,
]

if __name__ == "__main__":
    lab.main(SCENARIOS, needs=[lab.ordain_binary()])
