#!/usr/bin/python3
"""A cluster whose register is a ConfigMap: births, lost volumes, an API server that is away, rights that are missing.
The API server is a stand-in (kube_server.py) at the address that every pod is told."""

import contextlib
import os
import re
import statistics
import time

from common import lab, ordain
from kube_api import SPACE, Api
from kube_server import TOKEN, configmap, http, says
from lab import check, equal, note
from redis_proofs import born, lose_a_masters_volume, restart_everything, status_is_healthy, whole

NAME = "redis-ordain"
STATE = re.compile(r"^(seeded|node)\.\d+$")


def kubernetes(world, api, env=None, **options):
    """A lab of six pods whose register is picked by the token that is mounted."""
    return ordain(world, env={"ORDAIN_REGISTER": None, **(env or {})}, secrets=api.secret(), **options)


def born_in(data, count=6):
    """The register knows all births, and nothing that ordain does not write."""
    equal(data.get("format"), "1", "format")
    equal(data.get("cluster-id"), "default/redis", "cluster id")
    seeded = {key for key in data if key.startswith("seeded.")}
    equal(seeded, {f"seeded.{i}" for i in range(count)}, "births")
    check(all(STATE.match(key) or key in ("format", "cluster-id") for key in data), f"keys: {sorted(data)}")


def a_life(world, policy):
    """Birth, form, restart of everything, a lost volume."""
    with contextlib.closing(Api(world, NAME)) as api, kubernetes(world, api, policy=policy) as one:
        born(one)
        born_in(api.data())
        before, updates = api.data(), api.server.asked("PUT")
        note(f"{updates} updates for six births, {api.server.asked('GET')} readings")
        result = one.job("ordain", "form", "redis")
        equal(result.rc, 0, f"form: {result!r}")
        status_is_healthy(one)
        restart_everything(one)
        equal(api.data(), before, "a restart changes nothing")
        equal(api.server.asked("PUT"), updates, "and does not try to")
        lose_a_masters_volume(one)
        after = api.data()
        equal({key: value for key, value in after.items() if key != "node.0"}, before, "the births")
        equal(after["node.0"], one.node_of(0).id, "the new id of the pod that lost its volume")
        restart_everything(one)
        equal(api.data(), after, "and again")


def life_in_parallel(world):
    """six pods started together are born into a ConfigMap, restart, lose a volume"""
    a_life(world, "Parallel")


def life_in_order(world):
    """six pods started one after the other are born into a ConfigMap, restart, lose a volume"""
    a_life(world, "OrderedReady")


def answers(one, pod):
    """True when the pod's server does."""
    try:
        return one.node_of(pod.ordinal)
    except lab.Unreachable:
        return False


def all_volumes_lost(world):
    """every volume is lost at once: the ConfigMap alone knows that these pods were born, and none is born anew"""
    with contextlib.closing(Api(world, NAME)) as api, kubernetes(world, api) as one:
        born(one, keys=100)
        before = api.data()

        def lose():
            for pod in one.pods:
                pod.volume.lose()
        for _ in range(2):
            one.restart_all(before=lose)
            one.wait(lambda: all(pod.phase == "Running" and answers(one, pod) for pod in one.pods), 60,
                     "all servers answer")
            for pod in one.pods:
                check("lost volume" in pod.log("init"), f"{pod.name} is told: {pod.log('init')}")
            equal([pod.name for pod in one.masters_now()], [], "masters with slots")
            equal({k: v for k, v in api.data().items() if not k.startswith("node.")}, before, "the births")
        result = one.job("ordain", "form", "redis", env={"ORDAIN_TIMEOUT": "10s"})
        equal(result.rc, 65, f"a person has to decide: {result!r}")


def api_away(world):
    """the API server is away: births wait and say why, pods that live restart without it"""
    with contextlib.closing(Api(world, NAME)) as api, kubernetes(world, api, env={"ORDAIN_TIMEOUT": "4s"}) as one:
        api.away()
        one.start()
        pod = one.pods[0]
        pod.wait_log(r"waiting for the register: the API server at 10\.96\.0\.1:443 cannot be asked", "init", 30)
        one.wait(lambda: "cannot be asked" in pod.termination.get("init", ""), 30, "the reason in the termination "
                 "message", lambda: pod.termination)
        check(not os.path.exists(pod.volume.file("nodes.conf")), "nothing is born")
        api.back()
        one.wait_ready(90)
        one.wait_healthy(60)
        one.write_keys(1500)
        before = api.data()
        born_in(before)
        for _ in range(2):
            api.away()
            begin = time.monotonic()
            restart_everything(one)
            note(f"restart without the API server: {time.monotonic() - begin:.1f} s")
            api.back()
        equal(api.data(), before, "data")


def answers_that_fail(world):
    """births through an API server that fails every other time and loses answers"""
    with contextlib.closing(Api(world, NAME)) as api, kubernetes(world, api) as one:
        count = [0]

        def moody(exchange):
            count[0] += 1
            turn = count[0] % 4
            if turn == 1:
                return says(http(503, "upstream connect error", "text/plain"))(exchange)
            if turn == 3:
                exchange.own()
                return None
            return True
        api.server.always = moody
        born(one)
        born_in(api.data())
        restart_everything(one)
        born_in(api.data())


def rights_missing(world):
    """without the ConfigMap or the right to it births end at once, with the line that mends it; then they go on"""
    with contextlib.closing(Api(world, NAME)) as api, kubernetes(world, api) as one:
        objects, api.server.objects = api.server.objects, {}
        one.start()
        pod = one.pods[0]

        def ends_with(code, words):
            one.wait(lambda: words in pod.termination.get("init", ""), 60, words, lambda: pod.termination)
            check(not os.path.exists(pod.volume.file("nodes.conf")), "nothing is born")
            result = pod.run_init()
            equal(result.rc, code, f"status of init: {result!r}")
            check(words in result.err, f"{words!r} in {result!r}")
        ends_with(78, "configmap 'redis-ordain' does not exist in namespace 'default': create it")
        api.server.objects, api.server.rights = objects, {"get"}
        ends_with(77, "the service account 'default/redis' may not update configmap 'redis-ordain' in namespace "
                  "'default'")
        api.server.rights, api.server.tokens = {"get", "update"}, {"of another cluster"}
        ends_with(77, "does not accept the service account's token (401)")
        api.server.tokens = {TOKEN}
        one.wait_ready(120)
        one.wait_healthy(60)
        born_in(api.data())


def other_cluster(world):
    """a ConfigMap of another cluster is refused, by births and by lives"""
    with contextlib.closing(Api(world, NAME)) as api, kubernetes(world, api) as one:
        born(one, keys=100)
        mine = api.data()
        theirs = configmap({**mine, "cluster-id": "other/redis"}, space=SPACE, name=NAME)
        api.server.put(theirs)
        one.job("ordain", "form", "redis")
        one.pods[0].delete()
        one.pods[0].volume.lose()
        one.pods[0].held = False
        one.wait(lambda: "is of the cluster 'other/redis'" in one.pods[0].termination.get("init", ""), 60,
                 "it is refused", lambda: one.pods[0].termination)
        equal(api.data(), {**mine, "cluster-id": "other/redis"}, "nothing was written")
        api.server.put(configmap(mine, space=SPACE, name=NAME))
        one.wait_ready(120)
        one.wait_healthy(60)
        one.check_keys(100)


def warm_restart(world):
    """a warm start of a replica, the register asked, takes milliseconds"""
    with contextlib.closing(Api(world, NAME)) as api, kubernetes(world, api) as one:
        born(one, keys=100)
        whole(one, keys=100)
        replica = one.pods[5]
        replica.close_gate("main")
        replica.kill()
        replica.at_gate("main")
        asked, times = api.server.asked(), {"kubernetes": [], "none": []}
        for _ in range(15):
            for register, took in times.items():
                begin = time.monotonic()
                result = replica.run_init(env={"ORDAIN_REGISTER": register})
                took.append((time.monotonic() - begin) * 1000)
                equal(result.rc, 0, f"init: {result!r}")
        equal(api.server.asked() - asked, 15, "questions to the register")
        for register, took in times.items():
            note(f"init with the lab's own work, register {register}: {min(took):.1f} ms at least, median "
                 f"{statistics.median(took):.1f} ms")
        replica.open_gate("main")
        one.wait_ready(60)


SCENARIOS = [life_in_parallel, life_in_order, all_volumes_lost, api_away, answers_that_fail, rights_missing,
             other_cluster, warm_restart]

if __name__ == "__main__":
    lab.main(SCENARIOS, needs=[lab.ordain_binary()])
