#!/usr/bin/python3
"""Volumes are lost at every bad moment: no key that any volume still holds may be lost with them."""

from common import lab, ordain
from lab import check, equal

KEYS = 3000


def born(one, keys=KEYS):
    """A healthy cluster with keys."""
    one.up(90)
    one.wait_healthy(30)
    one.write_keys(keys)


def whole(one, keys=KEYS, known=None):
    """Ready, healthy, nothing lost; and a further form finds nothing to do."""
    one.wait_ready(120)
    one.wait_healthy(120, known=known)
    one.check_keys(keys)
    result = one.job("ordain", "form", "redis", timeout_s=60)
    equal(result.rc, 0, f"form: {result!r}")
    check("nothing to do" in result.out, f"form has nothing to do: {result!r}")


def replicas_hold(one):
    """Every replica has what its master has: then a stop of everything loses nothing."""
    one.wait(lambda: all(not one.node_of(pod.ordinal).slots or
                         b"slave0:" in one.redis(pod.ordinal).call("INFO", "replication").encode()
                         for pod in one.pods), 10, "replicas are linked")
    for pod in one.pods:
        if one.node_of(pod.ordinal).slots:
            with one.redis(pod.ordinal, 10) as connection:
                connection.call("WAIT", "1", "5000")


def promote(one, ordinal):
    """A planned failover: the replica becomes master of its shard."""
    with one.redis(ordinal) as connection:
        connection.call("CLUSTER", "FAILOVER")
    one.wait(lambda: one.node_of(ordinal).slots, 15, f"redis-{ordinal} owns its shard's slots")
    one.wait_healthy(60)


def restart_without(one, *ordinals):
    """Everything stops; these volumes are gone when it starts again."""
    def lose():
        for ordinal in ordinals:
            one.pods[ordinal].volume.lose()
    one.restart_all(before=lose)


def lost_in_full_restart(world, policy, *ordinals):
    """Masters' volumes lost while nobody is up to tell."""
    with ordain(world, policy) as one:
        born(one)
        replicas_hold(one)
        ids = [one.node_of(ordinal).id for ordinal in ordinals]
        restart_without(one, *ordinals)
        whole(one)
        for ordinal, old in zip(ordinals, ids):
            check(one.node_of(ordinal).id != old, f"redis-{ordinal} does not use its old id again")


def master_lost_in_parallel(world):
    """a master's volume is lost while everything restarts, under Parallel"""
    lost_in_full_restart(world, "Parallel", 1)


def first_master_lost_in_order(world):
    """the volume of pod 0, a master, is lost while everything restarts, under OrderedReady"""
    lost_in_full_restart(world, "OrderedReady", 0)


def two_masters_lost_in_order(world):
    """two masters' volumes of different shards are lost while everything restarts, in order"""
    lost_in_full_restart(world, "OrderedReady", 0, 2)


def two_masters_lost_in_parallel(world):
    """the same under Parallel"""
    lost_in_full_restart(world, "Parallel", 0, 1)


def master_and_other_shards_replica_lost(world):
    """a master's volume and another shard's replica's are lost while everything restarts"""
    lost_in_full_restart(world, "Parallel", 0, 4)


def lost_before_promotion(world):
    """a master comes back empty at once, before its replica could be promoted, twice"""
    with ordain(world) as one:
        born(one)
        replicas_hold(one)
        for ordinal in (2, 5):
            one.pods[ordinal].recreate(keep_volume=False, force=True)
            whole(one)
            replicas_hold(one)


def lost_at_the_same_address(world):
    """a master comes back empty at its old address, where its replica still looks for it, twice"""
    with ordain(world) as one:
        born(one)
        replicas_hold(one)
        for ordinal in (0, 3):
            pod = one.pods[ordinal]
            pod.recreate(keep_volume=False, addresses=pod.addresses, force=True)
            whole(one)
            replicas_hold(one)


def lost_after_promotion(world):
    """a master comes back empty after its replica was promoted"""
    with ordain(world) as one:
        born(one)
        replicas_hold(one)
        one.pods[0].delete(force=True)
        one.wait(lambda: one.node_of(3).slots, 30, "redis-3 is promoted")
        one.pods[0].volume.lose()
        one.pods[0].held = False
        whole(one)
        equal(one.node_of(0).role, "replica", "redis-0")


def lost_after_failovers(world, policy):
    """Ownership moved to a higher ordinal before; then its volume goes with a full restart."""
    with ordain(world, policy) as one:
        born(one)
        promote(one, 3)
        promote(one, 4)
        one.write_keys(KEYS)
        replicas_hold(one)
        restart_without(one, 3)
        whole(one)
        check(one.node_of(0).slots, "redis-0 holds the data and owns the slots again")


def lost_after_failovers_in_order(world):
    """a higher ordinal owned the shard and loses its volume in a full restart, in order"""
    lost_after_failovers(world, "OrderedReady")


def lost_after_failovers_in_parallel(world):
    """the same under Parallel"""
    lost_after_failovers(world, "Parallel")


def beyond_birth_is_lost(world):
    """a pod beyond the birth size joins, loses its volume and joins again"""
    with ordain(world) as one:
        born(one)
        one.scale(7)
        one.wait_ready(60)
        one.wait_healthy(60)
        first = one.node_of(6).id
        one.pods[6].recreate(keep_volume=False)
        one.wait_ready(60)
        one.wait_healthy(90)
        check(one.node_of(6).id != first, "redis-6 has a new id")
        one.check_keys(KEYS)
        with one.redis(6) as connection: # a place of its own, given by hand; then lost once more
            connection.call("CLUSTER", "REPLICATE", one.node_of(0).id)
        one.wait_healthy(60)
        restart_without(one, 6)
        whole(one)


def flushed_keys_stay_away(world):
    """keys deleted by FLUSHALL before a restart do not come back, even with a lost volume"""
    with ordain(world, "OrderedReady") as one:
        born(one)
        for pod in one.pods:
            if one.node_of(pod.ordinal).slots:
                with one.redis(pod.ordinal) as connection:
                    connection.call("FLUSHALL")
        replicas_hold(one)
        restart_without(one, 0)
        one.wait_ready(120)
        one.wait_healthy(120)
        equal(one.count_keys(), 0, "keys after FLUSHALL and a restart")


SCENARIOS = [
    master_lost_in_parallel, first_master_lost_in_order, two_masters_lost_in_order,
    two_masters_lost_in_parallel, master_and_other_shards_replica_lost, lost_before_promotion,
    lost_at_the_same_address,
    lost_after_promotion, lost_after_failovers_in_order, lost_after_failovers_in_parallel,
    beyond_birth_is_lost, flushed_keys_stay_away,
]

if __name__ == "__main__":
    lab.main(SCENARIOS, needs=[lab.ordain_binary()])
