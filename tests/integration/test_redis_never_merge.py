#!/usr/bin/python3
"""Two clusters on one network, whose names, addresses and volumes get mixed up: they never meet, no key is lost."""

import os
import shutil

from common import lab, ordain
from lab import check, equal
from never_merge import KEYS, Two, apart, both_whole, form, hold, later, refused


def a_name_leads_to_the_other(world):
    """a pod's name leads to the other's master: form ends with 65, or well once it is right; pods start meanwhile"""
    with Two(world) as (one, other):
        one.dns.lie("redis-1", [other.pods[1].ip])
        result = form(one, "3s")
        equal(result.rc, 65, f"form: {result!r}")
        check("redis-1" in result.err and "not of this cluster" in result.err, f"form names the pod: {result!r}")
        one.pods[2].recreate()
        one.pods[4].recreate(keep_volume=False)
        one.wait(lambda: all(one.pods[i].phase == "Running" for i in (2, 4)), 30, "they run")
        apart(one, other)
        results = []
        lab.together([lambda: results.append(form(one, "60s")),
                      later(one, 2, lambda: one.dns.truth("redis-1"))])
        equal(results[0].rc, 0, f"form ends well once the name is right: {results[0]!r}")
        both_whole(one, other)


def all_names_lead_to_the_other(world):
    """all stop; the other cluster comes back at our old addresses, to which all our names lead for a while"""
    with Two(world) as (one, other):
        old = [pod.addresses for pod in one.pods]
        lab.together([one.delete_all, other.delete_all])
        for pod, theirs, addresses in zip(one.pods, other.pods, old):
            one.dns.lie(pod.name, addresses)
            theirs.wanted = addresses
        for pod in one.pods + other.pods:
            pod.held = False
        other.wait_ready(60)
        other.wait_healthy(30)
        one.wait(lambda: all(pod.phase == "Running" for pod in one.pods), 60, "all run")
        result = form(one, "3s")
        equal(result.rc, 65, f"form: {result!r}")
        check("--adopt" not in result.err, f"form does not speak of taking over the other's servers: {result!r}")
        apart(one, other)
        for pod in one.pods:
            one.dns.truth(pod.name)
        both_whole(one, other)


def addresses_are_swapped(world):
    """pods of both clusters swap addresses, and two of one swap theirs; names are right only later"""
    with Two(world) as (one, other):
        one.dns.stale_s = other.dns.stale_s = 3
        mine, theirs = one.pods[1], other.pods[1]
        addresses = mine.addresses, theirs.addresses
        lab.together([mine.delete, theirs.delete])
        mine.wanted, theirs.wanted = addresses[1], addresses[0]
        mine.held = theirs.held = False
        one.swap(one.pods[0], one.pods[5])
        both_whole(one, other)


def newborns(world):
    """a pod's name leads to an empty newborn server, which announces its own name or none: nobody meets it"""
    with ordain(world) as one:
        argv = lab.plain().main.argv
        template = lab.plain((*argv, "--cluster-announce-hostname", "young-0.young.default.svc.cluster.local"))
        with lab.Lab(world, name="young", replicas=1, template=template, fs_group=True, beside=one) as named, \
                lab.Lab(world, name="mute", replicas=1, template=lab.plain(), fs_group=True, beside=one) as mute:
            for mine in (one, named, mute):
                mine.start()
            for mine in (one, named, mute):
                mine.wait_ready(60)
            one.wait_healthy(30)
            one.write_keys(KEYS)
            hold(one)
            for stranger in (named, mute):
                pod = one.pods[4]
                pod.delete()
                one.dns.lie(pod.name, stranger.pods[0].addresses)
                one.pods[3].recreate()
                one.wait(lambda: one.pods[3].phase == "Running", 30, "redis-3 runs")
                result = form(one, "3s")
                equal(result.rc, 65, f"form: {result!r}")
                equal(len(stranger.cluster_nodes(0)), 1, f"whom {stranger.name}-0 knows")
                apart(one, stranger)
                one.dns.truth(pod.name)
                pod.held = False
                one.wait_ready(60)
                one.wait_healthy(60)
                one.check_keys(KEYS)


def born_beside(world):
    """a birth while names lead to the other cluster's servers, one of them for good"""
    with ordain(world) as one, ordain(world, name="other", beside=one) as other:
        other.up(60)
        other.wait_healthy(30)
        other.write_keys(KEYS)
        one.dns.lie("redis-1", other.pods[1].addresses)
        one.dns.lie("redis-5", other.pods[4].addresses)
        one.start()
        one.wait(lambda: all(pod.phase == "Running" for pod in one.pods), 60, "all run")
        equal(form(one, "3s").rc, 65, "form")
        one.dns.truth("redis-5")
        apart(one, other)
        one.dns.truth("redis-1")
        one.wait_ready(60)
        one.wait_healthy(60)
        one.write_keys(KEYS, "mine")
        one.check_keys(KEYS, "mine")
        other.check_keys(KEYS)
        equal(other.count_keys(), KEYS, "the other's keys")
        apart(one, other)


def put(source, pod):
    """The volume of a pod holds what another one holds."""
    pod.volume.clear()
    shutil.copytree(source.volume.path, pod.volume.path, dirs_exist_ok=True)
    for parent, names, files in os.walk(pod.volume.path):
        for name in names + files:
            os.chown(os.path.join(parent, name), 999, 999)


def volumes_are_mixed_up(world):
    """a volume of the other cluster, with and without ordain's mark, and one of another pod: 65, nothing touched"""
    with Two(world) as (one, other):
        pod = one.pods[2]
        pod.delete()
        pod.volume.save()
        put(other.pods[2], pod)
        refused(one, pod, "belongs to another cluster")
        pod.delete()
        os.unlink(pod.volume.file("ordain.birth"))
        refused(one, pod, "nodes.conf is of another node than this pod's")
        pod.delete()
        put(one.pods[1], pod)
        refused(one, pod, "belongs to another pod of this cluster")
        pod.delete()
        pod.extra_env = {"ORDAIN_ADOPT": "true"}
        refused(one, pod, "belongs to another pod of this cluster")
        pod.extra_env = {}
        pod.delete()
        pod.volume.restore()
        pod.held = False
        both_whole(one, other)


def specs_disagree(world):
    """a pod whose birth spec is another than its volume's: 65, nothing touched"""
    with Two(world) as (one, other):
        pod = one.pods[1]
        for name, value in (("ORDAIN_REPLICAS", "7"), ("ORDAIN_REDIS_MASTERS", "4"), ("ORDAIN_ZONES", "a,b,a,b,a,b")):
            pod.delete()
            pod.extra_env = {name: value}
            refused(one, pod, "born with other replicas")
        pod.delete()
        pod.extra_env = {"ORDAIN_CLUSTER_ID": "default/other"}
        refused(one, pod, "")
        pod.delete()
        pod.extra_env = {}
        pod.held = False
        both_whole(one, other)


SCENARIOS = [
    a_name_leads_to_the_other, all_names_lead_to_the_other, addresses_are_swapped, newborns, born_beside,
    volumes_are_mixed_up, specs_disagree,
]

if __name__ == "__main__":
    lab.main(SCENARIOS, needs=[lab.ordain_binary()])
