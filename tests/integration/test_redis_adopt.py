#!/usr/bin/python3
"""Clusters that ordain did not make are taken over; volumes of the guide's lone servers too."""

from dataclasses import replace

from common import lab, ordain
from lab import check, equal
from redis_proofs import (KEYS, lose_a_masters_volume, replicas_hold, restart_everything,
                          whole)

PLAIN = ("redis-server --port 6379 --dir /data --cluster-enabled yes --protected-mode no "
         "--appendonly yes --cluster-node-timeout 5000 --repl-diskless-sync-delay 0")
NAMED = " --cluster-announce-hostname $POD_NAME.redis.default.svc.cluster.local"


def by_hand(named):
    """The template of somebody who makes clusters by redis-cli."""
    server = "exec " + PLAIN + (NAMED if named else "") + " --cluster-announce-ip $POD_IP"
    return replace(lab.plain(("sh", "-c", server)), readiness=None, liveness=None)


def made_by_hand(one):
    """redis-cli --cluster create, and keys."""
    one.up(60)
    addresses = [f"{pod.ip}:6379" for pod in one.pods]
    result = one.job("redis-cli", "--cluster", "create", *addresses, "--cluster-replicas", "1",
                     "--cluster-yes")
    equal(result.rc, 0, f"redis-cli: {result!r}")
    one.wait_healthy(60)
    one.write_keys(KEYS)


def adopted(one):
    """Pods are rolled one by one onto ordain, with --adopt; ids and keys stay."""
    ids = [one.node_of(pod.ordinal).id for pod in one.pods]
    one.spec = lab.ordain()
    one.env["ORDAIN_ADOPT"] = "true"
    for pod in reversed(one.pods):
        replicas_hold(one)
        pod.recreate()
        pod.wait_ready(60)
        one.wait_healthy(60)
    equal([one.node_of(pod.ordinal).id for pod in one.pods], ids, "ids")
    whole(one)


def taken_over(world, named, policy):
    """The whole way: refused without --adopt, rolled, restarted; without names a volume lost."""
    with ordain(world, policy, template=by_hand(named), fs_group=True) as one:
        made_by_hand(one)
        refused_without_adopt(one, named)
        adopted(one)
        restart_everything(one)
        if named:
            return
        lost = next(pod.ordinal for pod in one.pods if one.node_of(pod.ordinal).slots)
        lose_a_masters_volume(one, ordinal=lost)


def refused_without_adopt(one, named):
    """init and form leave such a cluster alone: 65, and not a byte changes."""
    result = one.job("ordain", "form", "redis", timeout_s=60)
    equal(result.rc, 65, f"form: {result!r}")
    check("--adopt" in result.err, f"form names the way out: {result!r}")
    pod = one.pods[5]
    one.spec = lab.ordain(root_init=False)
    pod.delete()
    before = lab.take(pod.volume.path)
    pod.held = False
    one.wait(lambda: pod.exit_codes.get("init"), 30, "init ends")
    equal(pod.exit_codes["init"][0], 65, f"init: {pod.termination}")
    check("--adopt" in pod.termination["init"], pod.termination["init"])
    equal(lab.differences(before, lab.take(pod.volume.path)), [], "the volume")
    one.spec = by_hand(named)
    pod.recreate()
    pod.wait_ready(30)
    one.wait_healthy(60)


def without_host_names(world):
    """a cluster of redis-cli's, without host names, is taken over under Parallel"""
    taken_over(world, False, "Parallel")


def with_host_names(world):
    """a cluster of redis-cli's, with host names, is taken over under OrderedReady"""
    taken_over(world, True, "OrderedReady")


def guides_lone_servers(world):
    """six empty servers that never formed a cluster: refused, formed by form, then ordain's own"""
    plain = replace(lab.plain(tuple(PLAIN.split())), liveness=None)
    with ordain(world, "OrderedReady", template=plain, fs_group=True) as one:
        one.up(60)
        one.restart_all()
        one.wait_ready(60)
        one.spec = lab.ordain()
        pod = one.pods[5]
        pod.recreate()
        one.wait(lambda: pod.exit_codes.get("init"), 30, "init ends")
        equal(pod.exit_codes["init"][0], 65, f"init: {pod.termination}")
        one.spec = plain
        pod.recreate() # docs/migration.md: form first, with the servers as they are
        one.wait_ready(60)
        result = one.job("ordain", "form", "redis")
        equal(result.rc, 0, f"form: {result!r}")
        one.wait_healthy(30)
        one.write_keys(KEYS)
        adopted(one)
        restart_everything(one)


SCENARIOS = [without_host_names, with_host_names, guides_lone_servers]

if __name__ == "__main__":
    lab.main(SCENARIOS, needs=[lab.ordain_binary()])
