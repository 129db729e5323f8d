#!/usr/bin/python3
"""A Postgres set whose register is a ConfigMap: birth, promotion, an API server that is away or refuses. The API server
is a stand-in (kube_server.py) at the address that every pod is told."""

import contextlib

from common import lab, postgres
from kube_api import Api
from lab import check, equal
from pg_cells import one_line

NAME = "pg-ordain"


@contextlib.contextmanager
def kubernetes(world, env=None):
    """(API server, a lab of three pods whose register is picked by the token that is mounted)."""
    with contextlib.closing(Api(world, NAME)) as api:
        with postgres(world, env={"ORDAIN_REGISTER": None, **(env or {})}, secrets=api.secret()) as one:
            one.register_of = lambda: api.data() or {}
            yield api, one


def names(api, name, timeline):
    """What the register must hold of a set of three."""
    data = api.data()
    equal((data["primary"], data["timeline"]), (name, str(timeline)), f"who is named: {data}")
    equal({key for key in data if key.startswith("seeded.")}, {f"seeded.{i}" for i in range(3)}, "births")


def kill(one, pod):
    """A server dies; its container starts again."""
    starts = pod.life.started["main"]
    check(pod.kill(), f"{pod.name} runs")
    one.wait(lambda: pod.life.started["main"] > starts, 30, f"{pod.name} starts again")


def life(world):
    """born into a ConfigMap, formed, promoted; no right to change it is told, and nobody is promoted without"""
    with kubernetes(world) as (api, one), one.guard():
        one.up(60)
        one.wait_healthy(30)
        names(api, "pg-0", 1)
        equal(api.data()["system-identifier"], str(one.system_identifier(0)), "the register")
        equal(one.job("ordain", "form", "postgres", "--synchronous", "1").rc, 0, "form")
        with one.writer() as writer:
            writer.wait_rows(50)
            one.pods[0].delete(force=True)
            api.server.rights = {"get"}
            before = api.data()
            result = one.job("ordain", "promote", "postgres", "--peer-is-dead", "pg-0")
            equal((result.rc, one.primaries(), api.data()), (77, [], before), f"without the right: {result!r}")
            one_line(result, "may not update configmap 'pg-ordain'")
            api.server.rights = {"get", "update"}
            result = one.job("ordain", "promote", "postgres", "--peer-is-dead", "pg-0")
            equal(result.rc, 0, f"promote: {result!r}")
            one.pods[0].held = False
            writer.wait_rows(50)
            one.wait_healthy(60)
            writer.pause()
            names(api, one.named().name, 2)
            one.wait_healthy(30)
            for pod in one.pods:
                equal(writer.lost(pod.ordinal), [], f"{pod.name}'s rows")


def api_away(world):
    """the API server is away: nothing is born, and it says why; a standby restarts, the primary waits, nobody is promoted"""
    with kubernetes(world, env={"ORDAIN_TIMEOUT": "3s"}) as (api, one):
        api.away()
        one.start()
        pod = one.pods[0]
        one.wait(lambda: "cannot be asked" in pod.termination.get("init", ""), 30, "the reason", lambda: pod.termination)
        equal(one.primaries(), [], "nobody is born")
        api.back()
        one.wait_ready(60)
        one.wait_healthy(30)
        with one.guard(), one.writer() as writer:
            writer.wait_rows(30)
            before = api.data()
            api.away()
            kill(one, one.pods[1])
            one.wait_ready(30)
            one.wait_healthy(30)
            writer.wait_rows(30)
            result = one.job("ordain", "promote", "postgres", "--peer-is-dead", "pg-0", "--timeout", "2s")
            equal((result.rc, one.primaries()), (75, ["pg-0"]), f"promote: {result!r}")
            kill(one, one.pods[0])
            one.wait(lambda: "no primary without it" in one.pods[0].log(), 30, "it waits", one.pods[0].describe)
            equal(one.primaries(), [], "who is primary")
            api.back()
            one.wait_ready(60)
            writer.wait_rows(30)
            writer.pause()
            one.wait_healthy(30)
            equal(api.data(), before, "the register")
            for pod in one.pods:
                equal(writer.lost(pod.ordinal), [], f"{pod.name}'s rows")


SCENARIOS = [life, api_away]

if __name__ == "__main__":
    lab.main(SCENARIOS, needs=[lab.ordain_binary()])
