#!/usr/bin/python3
"""Signs that look like something else: an empty replica, a forgetful register, a mark alone, a dead row."""

import os

from common import lab, ordain
from lab import check, equal
from never_merge import form
from test_redis_never_wipe import KEYS, born, replicas_hold, whole


def follows(one, replica, master):
    """By the replica's own word; False while it cannot say."""
    try:
        return one.node_of(replica).master == one.node_of(master).id
    except (lab.Unreachable, lab.ReplyError):
        return False


def never_synced(world):
    """a replica that never got its master's data holds nothing: 65, and the way out works"""
    with ordain(world) as one:
        born(one)
        replicas_hold(one)
        one.pods[3].delete()
        with one.cut(one.pods[3], one.pods[0], port=6379):
            one.pods[3].volume.lose()
            one.pods[3].held = False
            one.pods[3].wait_phase("Running", 60)
            one.wait(lambda: form(one, "2s") and follows(one, 3, 0), 60, "redis-3 follows redis-0")
            one.pods[0].delete(force=True)
            one.pods[0].volume.lose()
        one.pods[0].held = False
        one.pods[0].wait_phase("Running", 60)
        one.wait(lambda: form(one).rc == 65, 60, "form refuses", lambda: form(one))
        result = form(one)
        check("--accept-empty-shard" in result.err, f"it names the setting: {result!r}")
        others = one.count_keys()
        check(0 < others < KEYS, f"keys of the other shards: {others}")
        result = form(one, "60s", "--accept-empty-shard")
        equal(result.rc, 0, f"form: {result!r}")
        one.wait_healthy(60)
        equal(one.count_keys(), others, "no other key is lost")


def register_forgot(world):
    """the register is lost and then a master's volume: its replica refuses its emptiness; the way out works"""
    with ordain(world) as one:
        born(one)
        replicas_hold(one)
        one.delete_all()
        os.unlink(os.path.join(one.register, "redis-ordain"))
        one.pods[0].volume.lose()
        one.pods[0].held = False
        one.pods[0].wait_phase("Running", 60)
        for pod in one.pods[1:]:
            pod.held = False
        replica = one.pods[3]
        one.wait(lambda: 65 in replica.exit_codes.get("main", []) + replica.exit_codes.get("init", []), 60,
                 "redis-3 refuses")
        one.pods[0].delete()
        one.pods[0].volume.clear("ordain.birth", "lost+found")
        one.pods[0].held = False
        whole(one)


def everybody_forgot(world):
    """servers and register have forgotten a pod that then loses its volume: that is no birth"""
    with ordain(world) as one:
        born(one)
        replicas_hold(one)
        pod = one.pods[5]
        former = one.node_of(5).id
        pod.delete(force=True)
        for other in one.pods[:5]:
            with one.redis(other.ordinal) as connection:
                connection.call("CLUSTER", "FORGET", former)
        os.unlink(os.path.join(one.register, "redis-ordain"))
        pod.volume.lose()
        pod.held = False
        whole(one)
        check(one.node_of(5).id != former, "redis-5 does not use its old id again")
        equal(one.node_of(5).role, "replica", "redis-5")


def unheard(one):
    """All stop; the masters' tables lose every word of having heard somebody; masters start, then replicas."""
    one.delete_all()
    for pod in one.pods[:3]:
        path = pod.volume.file("nodes.conf")
        with open(path, encoding="utf-8") as file:
            rows = [row.split(" ") for row in file]
        for row in rows:
            if row[0] != "vars" and "myself" not in row[2]:
                row[5] = "0"  # pong_recv
        with open(path, "r+", encoding="utf-8") as file:
            file.truncate()
            file.write("".join(" ".join(row) for row in rows))
    for ordinals in ((0, 1, 2), (3, 4, 5)):
        for ordinal in ordinals:
            one.pods[ordinal].held = False
            one.pods[ordinal].wait_phase("Running", 60)
    one.wait_ready(60)
    one.wait_healthy(60)
    equal([code for pod in one.pods for name in ("init", "main") for code in pod.exit_codes.get(name, [])
           if code == 65], [], "refusals")


def flushed_and_unheard(world):
    """masters without a key that have not heard of their replicas since: no replica takes them for born anew"""
    with ordain(world) as one:
        born(one)
        replicas_hold(one)
        for pod in one.masters_now():
            with one.redis(pod.ordinal) as connection:
                connection.call("FLUSHALL")
        replicas_hold(one)
        unheard(one)
        equal(one.count_keys(), 0, "keys after FLUSHALL and a restart")


def empty_and_unheard(world):
    """nobody ever wrote a key, and replicas were killed in a rewrite: its halves are no keys"""
    with ordain(world) as one:
        one.up(60)
        one.wait_healthy(30)
        for pod in one.pods[3:]:
            below = pod.volume.file("appendonlydir")
            [base] = [name for name in os.listdir(below) if name.endswith(".base.rdb")]
            with open(os.path.join(below, base), "rb") as file:
                content = file.read()
            for half in ("temp-rewriteaof-bg-8.aof", "temp-12.rdb"):
                with open(os.path.join(below, half), "wb") as file:
                    file.write(content[:-20])
        unheard(one)


def two_rows_of_one_pod(world):
    """a dead id's row of the master's pod stands behind the living one's: no address is taken from it"""
    with ordain(world) as one:
        born(one)
        replicas_hold(one)
        pod = one.pods[3]
        pod.delete()
        path = pod.volume.file("nodes.conf")
        with open(path, encoding="utf-8") as file:
            rows = file.read().splitlines(keepends=True)
        name = one.dns.name_of("redis-0").rstrip(".")
        dead = f"{'f' * 40} {one.pods[1].ip}:6379@16379,{name} master - 0 1 9 disconnected\n"
        with open(path, "r+", encoding="utf-8") as file:
            file.write("".join([*rows[:-1], dead, rows[-1]]))
        pod.close_gate("main")
        pod.held = False
        one.wait(lambda: pod.at_gate("main"), 30, "redis-3 waits")
        with open(path, encoding="utf-8") as file:
            made = {row.split()[0]: row.split()[1:3] for row in file if not row.startswith("vars")}
        check(made["f" * 40][0].startswith(":0@0"), f"the dead row: {made['f' * 40]}")
        check("noaddr" in made["f" * 40][1], f"the dead row: {made['f' * 40]}")
        check(made[one.node_of(0).id][0].startswith(f"{one.pods[0].ip}:"), f"the living row: {made}")
        pod.open_gate("main")
        whole(one)


SCENARIOS = [never_synced, register_forgot, everybody_forgot, flushed_and_unheard, empty_and_unheard,
             two_rows_of_one_pod]

if __name__ == "__main__":
    lab.main(SCENARIOS, needs=[lab.ordain_binary()])
