#!/usr/bin/python3
"""The birth of a Redis Cluster from plain pods, and what it survives."""

from common import lab, ordain
from lab import check, equal, note

KEYS = 3000


def slots_of(ordinal, masters=3):
    """The slots that redis-cli --cluster create deals to a master (redis-cli.c: it rounds the
    borders of equal parts)."""
    share = 16384 / masters
    last = 16383 if ordinal == masters - 1 else round((ordinal + 1) * share - 1)
    return ((round(ordinal * share - 1) + 1 if ordinal else 0, last),)


def check_birth(one):
    """Each pod has the role, the slots and the master that its ordinal stands for."""
    ids = []
    for pod in one.pods:
        row = one.node_of(pod.ordinal)
        ids.append(row.id)
        equal(row.address, f"{pod.ip}:6379", f"{pod.name}'s address")
        equal(row.hostname, one.dns.name_of(pod.name), f"{pod.name}'s host name")
        if pod.ordinal < one.masters:
            equal((row.role, row.slots), ("master", slots_of(pod.ordinal)), pod.name)
        else:
            equal(row.master, ids[pod.ordinal % one.masters], f"{pod.name}'s master")
    equal(len(set(ids)), len(one.pods), "ids")
    equal(len({row.epoch for row in one.cluster_nodes(0) if row.role == "master"}), one.masters,
          "different epochs of the masters")


def second_init_changes_nothing(one, pod):
    """Runs init again where main has not started yet, and compares everything."""
    places = (pod.volume.path, pod.config, one.register)
    before = lab.take(*places)
    result = pod.run_init()
    equal(result.rc, 0, f"{pod.name}'s second init: {result!r}")
    equal(lab.differences(before, lab.take(*places)), [], f"{pod.name}'s second init")


def at_gate(one, pod):
    """Waits until a pod's init has succeeded and its main container waits at its gate."""
    one.wait(lambda: pod.at_gate("main"), 60, f"{pod.name}'s init ends")
    equal(pod.exit_codes["init"], [0], f"{pod.name}'s init")


def birth(world, policy):
    """From nothing to a healthy cluster; each init is run again before any server runs.

    Under Parallel a first init may end before its peers have addresses; then the second completes
    the table, and the third is the one that must find nothing to do.
    """
    with ordain(world, policy) as one:
        for pod in one.pods:
            pod.close_gate("main")
        one.start()
        if policy == "Parallel":
            for pod in one.pods:
                at_gate(one, pod)
            for pod in one.pods:
                equal(pod.run_init().rc, 0, f"{pod.name}'s init, once more")
        for pod in one.pods:
            at_gate(one, pod)
            second_init_changes_nothing(one, pod)
            if policy == "OrderedReady":
                pod.open_gate("main")
        for pod in one.pods:
            pod.open_gate("main")
        one.wait_ready(60)
        one.wait_healthy(30)
        note(f"{policy}: healthy {one.elapsed():.1f} s after the first pod was made")
        check_birth(one)
        result = one.job("ordain", "form", "redis", timeout_s=90)
        equal(result.rc, 0, f"form finds nothing to do: {result!r}")
        one.write_keys(KEYS)
        one.check_keys(KEYS)


def birth_in_parallel(world):
    """six pods become a cluster under Parallel; another init writes nothing"""
    birth(world, "Parallel")


def birth_in_order(world):
    """six pods become a cluster under OrderedReady; a second init writes nothing"""
    birth(world, "OrderedReady")


def restart_at_new_addresses(world, policy):
    """All pods deleted at once and made again elsewhere: the same cluster, twice."""
    with ordain(world, policy) as one:
        one.up(90)
        one.wait_healthy(30)
        one.write_keys(KEYS)
        for turn in (1, 2):
            ids = [one.node_of(pod.ordinal).id for pod in one.pods]
            old = {pod.ip for pod in one.pods}
            begin = one.elapsed()
            one.restart_all()
            one.wait_ready(90)
            one.wait_healthy(60)
            note(f"{policy}, restart {turn}: healthy after {one.elapsed() - begin:.1f} s")
            check(not old & {pod.ip for pod in one.pods}, "the addresses are new")
            equal([one.node_of(pod.ordinal).id for pod in one.pods], ids, "ids")
            one.check_keys(KEYS)


def all_restart_in_parallel(world):
    """all pods restarted with new addresses heal under Parallel"""
    restart_at_new_addresses(world, "Parallel")


def all_restart_in_order(world):
    """all pods restarted with new addresses heal under OrderedReady"""
    restart_at_new_addresses(world, "OrderedReady")


def nodes_reboot_without_init(world):
    """all nodes lose power; pods come back at new addresses without their init containers"""
    with ordain(world) as one:
        one.up(90)
        one.wait_healthy(30)
        one.write_keys(KEYS)
        lab.together([pod.reboot for pod in one.pods])
        one.wait_ready(90)
        one.wait_healthy(60)
        equal([len(pod.exit_codes["init"]) for pod in one.pods], [1] * 6, "inits")
        one.check_keys(KEYS)


def lost_volume(world, ordinal, policy="Parallel"):
    """A pod comes back with an empty volume: no key is lost, it joins under a new id."""
    with ordain(world, policy) as one:
        one.up(90)
        one.wait_healthy(30)
        one.write_keys(KEYS)
        pod = one.pods[ordinal]
        lost = one.node_of(ordinal).id
        pod.recreate(keep_volume=False)
        pod.wait_ready(120)
        one.wait_healthy(120)
        check(one.node_of(ordinal).id != lost, "the old id is never used again")
        check(lost not in {row.id for row in one.cluster_nodes(0)}, "the old id is forgotten")
        equal(len(one.masters_now()), 3, "masters")
        equal(one.node_of(ordinal).role, "replica", "what came back")
        one.check_keys(KEYS)


def masters_volume_is_lost(world):
    """a master's volume is deleted: its replica takes over, no key is lost"""
    lost_volume(world, 0)


def masters_volume_is_lost_in_order(world):
    """the same under OrderedReady"""
    lost_volume(world, 1, "OrderedReady")


def replicas_volume_is_lost(world):
    """a replica's volume is deleted: it copies its master again"""
    lost_volume(world, 4)


SCENARIOS = [
    birth_in_parallel, birth_in_order, all_restart_in_parallel, all_restart_in_order,
    nodes_reboot_without_init, masters_volume_is_lost, masters_volume_is_lost_in_order,
    replicas_volume_is_lost,
]

if __name__ == "__main__":
    lab.main(SCENARIOS, needs=[lab.ordain_binary()])
