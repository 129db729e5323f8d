#!/usr/bin/python3
"""Losses where a wrong guess would cost data: stale replicas, torn tables, no register, no holder."""

import os

from common import lab, ordain
from lab import check, equal
from test_redis_never_wipe import born, promote, replicas_hold, restart_without, whole

KEYS = 3000


def lose_shard(one, master, replica):
    """Both volumes of a shard are gone after a full restart; nobody holds its keys."""
    def lose():
        one.pods[master].volume.lose()
        one.pods[replica].volume.lose()
    one.restart_all(before=lose)
    for pod in one.pods:
        pod.wait_phase("Running", 60)


def stale_replica(world):
    """a replica that was away while another was promoted: everything restarts, its old data never wins"""
    with ordain(world, replicas=9) as one:
        born(one)
        replicas_hold(one)
        one.pods[6].delete(force=True)          # has the first keys only
        promote_without(one, 3)
        one.write_keys(2 * KEYS)
        one.delete_all()
        for pod in one.pods:
            pod.held = False
        whole(one, 2 * KEYS)


def promote_without(one, ordinal):
    """As promote, while a pod is away (so the cluster is not healthy)."""
    with one.redis(ordinal) as connection:
        connection.call("CLUSTER", "FAILOVER")
    one.wait(lambda: one.node_of(ordinal).slots, 15, f"redis-{ordinal} owns its shard's slots")


def copy_of(pod):
    """ordain's copy of the pod's table."""
    with open(pod.volume.file("nodes.conf.ordain"), encoding="utf-8") as file:
        return file.read()


def several_holders(world):
    """a lost master has two replicas, one with older data: the newer wins, or a person says which"""
    with ordain(world, replicas=9) as one:
        born(one)
        replicas_hold(one)
        one.pods[6].delete(force=True)
        promote_without(one, 3)
        one.write_keys(2 * KEYS)
        owner = one.node_of(3).id
        one.wait(lambda: one.node_of(0).master == owner, 30, "redis-0 follows redis-3")
        with one.redis(3, 10) as connection:
            connection.call("WAIT", "1", "5000")
        restart_without(one, 3)
        for pod in one.pods:
            pod.wait_phase("Running", 60)
        # redis-6's table is from when redis-0 was its master: where it finds that one first, it copies
        # it, and then both are the newest; else nothing tells them apart.
        result = one.job("ordain", "form", "redis", env={"ORDAIN_TIMEOUT": "40s"}, timeout_s=60)
        check(result.rc in (0, 65), f"form: {result!r}")
        if result.rc == 65:
            check("--promote-replica" in result.err, f"it names the setting: {result!r}")
            result = one.job("ordain", "form", "redis", "--promote-replica", "redis-0",
                             timeout_s=90)
            equal(result.rc, 0, f"form promotes the named one: {result!r}")
        whole(one, 2 * KEYS)


def away_replica_is_waited_for(world):
    """of two replicas the one with the newer data starts last: nobody is promoted before it came"""
    with ordain(world, replicas=9) as one:
        born(one)
        replicas_hold(one)
        one.pods[6].delete(force=True)              # holds the first keys only, in the same epoch
        one.write_keys(2 * KEYS)
        with one.redis(0, 10) as connection:
            connection.call("WAIT", "1", "5000")
        one.delete_all()
        one.pods[0].volume.lose()
        for pod in one.pods:
            pod.held = pod.ordinal == 3
        one.wait(lambda: one.pods[6].life and "has not answered" in
                 one.pods[6].probe_words.get("readiness", ""), 60, "redis-6 waits for redis-3")
        one.pods[3].held = False
        for pod in one.pods:
            pod.wait_phase("Running", 60)
        result = one.job("ordain", "form", "redis", "--promote-replica", "redis-3", timeout_s=90)
        equal(result.rc, 0, f"form promotes the named one: {result!r}")
        whole(one, 2 * KEYS)


def tear(pod, keep_bytes):
    """What a crash of the machine leaves of a file that is written in place."""
    with open(pod.volume.file("nodes.conf"), "r+", encoding="utf-8") as file:
        file.truncate(keep_bytes)


def torn_table(world):
    """nodes.conf is torn on a master, a replica and another master while everything restarts"""
    with ordain(world) as one:
        born(one)
        replicas_hold(one)

        def harm():
            tear(one.pods[0], 150)
            tear(one.pods[1], 0)
            tear(one.pods[4], 400)
        one.restart_all(before=harm)
        whole(one)


def torn_table_and_old_copy(world):
    """nodes.conf is torn and its copy is from before a failover: the old owner claims nothing"""
    with ordain(world, "OrderedReady") as one:
        born(one)
        replicas_hold(one)
        with open(one.pods[0].volume.file("nodes.conf.ordain"), encoding="utf-8") as file:
            old = file.read()
        promote(one, 3)
        one.write_keys(2 * KEYS)
        replicas_hold(one)

        def harm():
            tear(one.pods[0], 0)
            with open(one.pods[0].volume.file("nodes.conf.ordain"), "w", encoding="utf-8") as file:
                file.write(old)
        one.restart_all(before=harm)
        whole(one, 2 * KEYS)


def torn_owner_whose_copy_says_replica(world, policy):
    """The owner's nodes.conf is gone, and its copy is from before its promotion."""
    with ordain(world, policy) as one:
        born(one)
        replicas_hold(one)
        old = copy_of(one.pods[3])
        promote(one, 3)
        one.write_keys(2 * KEYS)
        replicas_hold(one)

        def harm():
            tear(one.pods[3], 0)
            with open(one.pods[3].volume.file("nodes.conf.ordain"), "w", encoding="utf-8") as file:
                file.write(old)
        one.restart_all(before=harm)
        whole(one, 2 * KEYS)


def torn_owner_in_order(world):
    """nodes.conf of an owner is gone and its copy says that it is a replica, under OrderedReady"""
    torn_owner_whose_copy_says_replica(world, "OrderedReady")


def torn_owner_in_parallel(world):
    """the same under Parallel"""
    torn_owner_whose_copy_says_replica(world, "Parallel")


def no_holder(world):
    """master and replica lose their volumes: 65 with the setting that settles it; no other key is lost"""
    with ordain(world) as one:
        born(one)
        replicas_hold(one)
        kept = one.count_keys()
        with one.redis(0) as connection:
            kept -= connection.call("DBSIZE")
        lose_shard(one, 0, 3)
        result = one.job("ordain", "form", "redis", env={"ORDAIN_TIMEOUT": "40s"}, timeout_s=60)
        equal(result.rc, 65, f"form refuses: {result!r}")
        check("--accept-empty-shard" in result.err, f"it names the setting: {result!r}")
        plan = one.job("ordain", "plan", "form", "redis", timeout_s=60)
        equal(plan.rc, 65, f"plan says the same: {plan!r}")
        result = one.job("ordain", "form", "redis", "--accept-empty-shard", timeout_s=120)
        equal(result.rc, 0, f"form goes on without these keys: {result!r}")
        one.wait_healthy(60)
        equal(one.count_keys(), kept, "keys of the other shards")
        one.write_keys(KEYS, "after")
        one.check_keys(KEYS, "after")


def no_register(world):
    """without a register, ORDAIN_BIRTH=new left on: a lost master's volume costs no key"""
    with ordain(world, "OrderedReady",
                env={"ORDAIN_REGISTER": "none", "ORDAIN_BIRTH": "new"}) as one:
        born(one)
        replicas_hold(one)
        one.pods[1].recreate(keep_volume=False, force=True)
        whole(one)


def no_register_and_silent_peers(world):
    """without a register, peers that are there and silent have not said no: the pod waits"""
    with ordain(world, env={"ORDAIN_REGISTER": "none", "ORDAIN_BIRTH": "new",
                            "ORDAIN_TIMEOUT": "5s"}) as one:
        born(one)
        replicas_hold(one)
        one.pods[0].delete(force=True)
        one.pods[0].volume.lose()
        for pod in one.pods[1:]:
            pod.freeze()
        one.pods[0].held = False
        one.wait(lambda: 75 in one.pods[0].exit_codes.get("init", []), 60, "init waits")
        check(0 not in one.pods[0].exit_codes["init"][1:], str(one.pods[0].exit_codes))
        for pod in one.pods[1:]:
            pod.thaw()
        whole(one)


def no_register_no_word(world):
    """without a register and without ORDAIN_BIRTH=new an empty volume is refused: 65"""
    with ordain(world, env={"ORDAIN_REGISTER": "none"}) as one:
        one.start()
        one.wait(lambda: one.pods[0].exit_codes.get("init"), 60, "init ends")
        equal(one.pods[0].exit_codes["init"][0], 65, "init's exit status")
        check("ORDAIN_BIRTH=new" in one.pods[0].termination.get("init", ""), str(one.pods[0].termination))


def keys_without_table(world):
    """keys without nodes.conf are refused, and nothing is touched"""
    with ordain(world, "Parallel") as one:
        born(one)
        one.pods[2].delete()
        for name in ("nodes.conf", "nodes.conf.ordain"):
            os.unlink(one.pods[2].volume.file(name))
        before = lab.take(one.pods[2].volume.path)
        one.pods[2].held = False
        one.wait(lambda: 65 in one.pods[2].exit_codes.get("init", []), 60, "init refuses")
        equal(lab.differences(before, lab.take(one.pods[2].volume.path)), [], "the volume")


SCENARIOS = [
    stale_replica, several_holders, away_replica_is_waited_for, torn_table, torn_table_and_old_copy,
    torn_owner_in_order, torn_owner_in_parallel, no_holder,
    no_register, no_register_and_silent_peers, no_register_no_word, keys_without_table,
]

if __name__ == "__main__":
    lab.main(SCENARIOS, needs=[lab.ordain_binary()])
