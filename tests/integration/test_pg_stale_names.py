#!/usr/bin/python3
"""A pod's name still leads to an address that another server has by now: nothing is taken for its pod's word, nothing is
written there. Names lie here as a node's DNS cache does while the network gives an address again."""

import contextlib
import os

from common import lab, plain_postgres, postgres
from lab import check, equal
from lab.postgres import REPLICATION_PASSWORD
from test_pg_form import form, idle, slots
from test_pg_promote_alive import synchronous

TEMPLATES = "/templates"


@contextlib.contextmanager
def stale(one, pod, other):
    """POD's name leads to OTHER's address."""
    one.dns.lie(pod.name, other.addresses)
    try:
        yield
    finally:
        one.dns.truth(pod.name)


def still_leads_to(result, name, rc=75):
    """A command that waited in vain for whose name leads to the pod of this NAME."""
    equal(result.rc, rc, f"{result!r}")
    check(f"its name still leads to {name}" in result.out + result.err, f"{result!r}")


def silent_with_rows(world, *words):
    """pg-1 alone has what was acknowledged last; its name leads to pg-2 while it is away, and the primary is gone."""
    with synchronous(world) as one, one.writer(pause_s=0.01) as writer:
        writer.wait_rows(50)
        with one.cut(one.pods[2], one.pods[0]):
            writer.wait_rows(60)
            writer.pause()
            one.pods[0].delete(force=True)
        one.pods[1].delete()
        before = one.register_of()
        with stale(one, one.pods[1], one.pods[2]):
            still_leads_to(one.job("ordain", "promote", "postgres", *words, "--peer-is-dead", "pg-0", "--timeout", "4s"), "pg-2")
            equal((one.register_of(), one.primaries(), one.timeline(2)), (before, [], 1), "nothing is changed")
        one.pods[1].create()
        one.wait(lambda: one.is_primary(1) is False, 30, "pg-1 answers")
        result = one.job("ordain", "promote", "postgres", "--peer-is-dead", "pg-0")
        equal((result.rc, one.named()), (0, one.pods[1]), f"who has the rows: {result!r}")
        one.pods[0].create()
        one.wait_healthy(60)
        equal(writer.lost(1), [], "lost rows")


def promote_somebody(world):
    """promote: a silent pod is not asked twice at another one's server: 75, nothing is changed; then its rows are kept"""
    silent_with_rows(world)


def promote_the_other(world):
    """the same where a pod is named"""
    silent_with_rows(world, "pg-2")


def given_up_by_its_name(world):
    """promote: the old primary's name leads to a standby: --peer-is-dead gives it up all the same, the standby is asked once"""
    with postgres(world) as one, one.guard():
        one.up(90)
        one.wait_healthy(30)
        one.pods[0].delete(force=True)
        with stale(one, one.pods[0], one.pods[2]):
            still_leads_to(one.job("ordain", "promote", "postgres", "--timeout", "3s"), "pg-2")
            result = one.job("ordain", "promote", "postgres", "pg-1", "--peer-is-dead", "pg-0")
            equal((result.rc, one.named()), (0, one.pods[1]), f"{result!r}")
        one.pods[0].create()
        one.wait_healthy(60)


def told(one, index, begin):
    """The commands in a server's log from BEGIN on that change something."""
    verbs = ("CREATE", "DROP", "ALTER", "pg_create_", "pg_drop_", "pg_reload", "pg_promote")
    return [line for line in one.pods[index].log()[begin:].splitlines() if any(verb in line for verb in verbs)]


def form_writes_nowhere(world):
    """form and status: pg-1's name leads to pg-2: what pg-1 lacks is not made there; 75 and 1, by name; then it is made"""
    with idle(world) as one:
        for index in (0, 2):
            one.sql(index, "ALTER SYSTEM SET log_statement = 'all'", inside=True)
            one.sql(index, "SELECT pg_reload_conf()", inside=True)
        one.sql(1, "SELECT pg_drop_replication_slot('ordain_2')", inside=True)
        before = [slots(one, index) for index in range(3)]
        for other in (2, 0):
            begin = len(one.pods[other].log())
            with stale(one, one.pods[1], one.pods[other]):
                still_leads_to(form(one, timeout="3s"), f"pg-{other}")
                still_leads_to(one.job("ordain", "status", "postgres"), f"pg-{other}", rc=1)
                plan = one.job("ordain", "plan", "form", "postgres")
                check("pg-1" not in "".join(line for line in plan.out.splitlines() if "step " in line), f"{plan!r}")
            equal([slots(one, index) for index in range(3)], before, "slots")
            check("SHOW cluster_name" in one.pods[other].log()[begin:], "it was asked")
            equal(told(one, other, begin), [], f"pg-{other} was told")
        result = form(one)
        equal((result.rc, slots(one, 1)), (0, {"ordain_0": False, "ordain_2": False}), f"{result!r}")


def clone_from_nobody_else(world):
    """a clone: the primary's name leads to a standby: it waits, makes no slot there; then it clones, and has its own name"""
    with postgres(world) as one, one.guard():
        one.up(90)
        one.wait_healthy(30)
        one.sql(0, "ALTER SYSTEM SET cluster_name = 'pg-0'", inside=True)  # which a clone brings along
        with one.writer() as writer:
            writer.wait_rows(50)
        one.pods[2].delete()
        one.wait(lambda: list(one.streaming(0)) == ["pg-1"], 30, "pg-2 is gone")
        before = slots(one, 1)
        one.pods[2].volume.clear()
        with stale(one, one.pods[0], one.pods[1]):
            one.pods[2].create()
            one.pods[2].wait_log("its name still leads to pg-1", "init")
            check(not os.path.exists(one.pgdata(2)), "a clone of whom it was not told")
            equal(slots(one, 1), before, "slots of the standby")
        one.wait_healthy(60)
        equal(one.value(2, "SHOW cluster_name", inside=True), "pg-2", "its name")
        equal(writer.lost(2), [], "lost rows")


def a_server_is_evidence(world):
    """nobody is named, and a lost volume: another pod's server at a stale name is data of this set, and no first initdb"""
    with postgres(world) as one:
        one.up(90)
        one.wait_healthy(30)
        for index in (0, 1):
            one.pods[index].delete(force=True)
        os.unlink(os.path.join(one.register, "pg-ordain"))
        one.pods[0].volume.clear()
        one.dns.lie("pg-2", [])
        try:
            with stale(one, one.pods[1], one.pods[2]):
                one.pods[0].create()
                one.wait(lambda: "another pod of this set has data" in one.pods[0].termination.get("init", ""), 30, "it is refused")
                check(not os.path.exists(one.pgdata(0)), "PGDATA")
        finally:
            one.dns.truth("pg-2")


def servers_without_a_name(world):
    """an extra.conf takes cluster_name away: all is as ever, but two pods are not one server, nor the own server another pod's"""
    with postgres(world, env={"ORDAIN_TEMPLATE_DIR": TEMPLATES}) as one:
        one.secret(TEMPLATES, {"extra.conf": "cluster_name = ''\n"})
        one.up(90)
        one.wait_healthy(30)
        equal(one.value(1, "SHOW cluster_name", inside=True), "", "cluster_name")
        equal(form(one).rc, 0, "form")
        with stale(one, one.pods[1], one.pods[2]):
            equal(form(one, timeout="3s").rc, 75, "form")
            result = one.job("ordain", "status", "postgres")
            equal(result.rc, 1, f"{result!r}")
            for name in ("pg-1", "pg-2"):
                row = next(line for line in result.out.splitlines() if name in line and one.pods[2].ip in line)
                check("its name and another pod's lead to one address" in row, f"{result!r}")
        with stale(one, one.pods[0], one.pods[2]):
            result = one.pods[2].run("ordain", "plan", "init", "postgres")
            check("lead to one address" in result.out, f"{result!r}")
        equal(form(one).rc, 0, "form")


def stream(world, version):
    """The primary's name leads to another standby while pg-2 connects anew: it waits, and streams from the primary then."""
    with postgres(world, version=version) as one, one.guard():
        one.up(90)
        one.wait_healthy(30)
        begin = len(one.pods[2].log())
        with stale(one, one.pods[0], one.pods[1]):
            one.sql(0, "SELECT pg_terminate_backend(pid) FROM pg_stat_replication WHERE application_name = 'pg-2'", inside=True)
            one.wait(lambda: one.pods[2].log()[begin:].count("could not connect to the primary server") > 1, 30, "it is refused",
                     lambda: one.pods[2].log()[begin:])
            equal((list(one.streaming(0)), one.streaming(1)), (["pg-1"], {}), "who streams from whom")
        one.wait_healthy(30)


def stream_13(world):
    """a receiver whose primary's name leads to another standby is no standby's standby for good: PostgreSQL 13"""
    stream(world, "13")


def stream_15(world):
    """the same of 15"""
    stream(world, "15")


def stream_18(world):
    """the same of 18"""
    stream(world, "18")


def another_clusters_server(world):
    """names lead to another set's server: one is refused as another cluster's, two are nobody's; a clone never begins there"""
    with postgres(world) as one, plain_postgres(world, 1, name="other", beside=one) as other:
        one.up(90)
        one.wait_healthy(30)
        other.up(60)
        with open(other.pgdata(0) + "/pg_hba.conf", "a", encoding="ascii") as file:
            file.write("host replication all all scram-sha-256\n")
        other.sql(0, f"CREATE ROLE replicator LOGIN REPLICATION PASSWORD '{REPLICATION_PASSWORD}'")
        other.sql(0, "SELECT pg_reload_conf()")
        with stale(one, one.pods[1], other.pods[0]):
            equal(form(one, timeout="3s").rc, 65, "another cluster's")
            with stale(one, one.pods[0], other.pods[0]):
                result = form(one, timeout="3s")
                check(result.rc == 75 and "lead to one address" in result.err, f"{result!r}")
                one.pods[2].delete()
                one.pods[2].volume.clear()
                one.pods[2].create()
                one.wait(lambda: "another system identifier" in one.pods[2].termination.get("init", ""), 30, "it is refused")
                check(not os.path.exists(one.pgdata(2)), "a clone of a stranger")
        equal(other.sql(0, "SELECT slot_name FROM pg_replication_slots"), [], "the other's slots")
        one.wait_healthy(60)


if __name__ == "__main__":
    lab.main([promote_somebody, promote_the_other, given_up_by_its_name, form_writes_nowhere, clone_from_nobody_else,
              stream_13, stream_15, stream_18, a_server_is_evidence, servers_without_a_name, another_clusters_server], needs=[lab.ordain_binary()])
