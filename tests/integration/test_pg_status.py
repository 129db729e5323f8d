#!/usr/bin/python3
"""status postgres: the set as it is, what is wrong with it and why, for people and for programs."""

import json

from common import lab, postgres
from lab import check, equal, note


def status(one, *words, index=None, **how):
    """`ordain status postgres`, as a Job or in a pod; Result."""
    argv = ("ordain", "status", "postgres", *words)
    return one.job(*argv, timeout_s=60, **how) if index is None else one.pods[index].run(*argv, timeout_s=60)


def told(one, wanted):
    """--output json, whose exit status is WANTED; the parsed answer."""
    result = status(one, "--output", "json")
    equal(result.rc, wanted, f"{result!r}")
    return json.loads(result.out)


def healthy(world):
    """a healthy set: 0, every pod with role, timeline, lag and slots; the same as JSON; colour only when wished"""
    with postgres(world) as one:
        one.up(90)
        one.wait_healthy(30)
        result = status(one)
        note(result.out)
        equal(result.rc, 0, f"{result!r}")
        for words in ("default/pg  healthy  3 of 3 pods answer, PostgreSQL 15", "names pg-0", "read-write", "streaming",
                      "ordain_1", "ordain_2"):
            check(words in result.out, f"{words}: {result.out}")
        check("\033" not in result.out, "colour in a file")
        check("\033[32mstreaming" in status(one, "--color", "always").out, "colour")
        equal(status(one, index=2).rc, 0, "in a pod")
        seen = told(one, 0)
        equal((seen["version"], seen["engine"], seen["healthy"], seen["problems"]), (1, "postgres", True, []), "head")
        equal(seen["register"]["primary"], "pg-0", "register")
        equal(seen["register"]["systemIdentifier"], str(one.system_identifier(0)), "identifier")
        equal([(pod["pod"], pod["role"], pod["timeline"], pod["good"]) for pod in seen["pods"]],
              [("pg-0", "primary", 1, True), ("pg-1", "standby", 1, True), ("pg-2", "standby", 1, True)], "pods")
        equal([slot["name"] for slot in seen["pods"][0]["slots"]], ["ordain_1", "ordain_2"], "slots")
        check(all(slot["active"] for slot in seen["pods"][0]["slots"]), f"{seen}")


def away(world):
    """a standby that is away: 1, its name, and the WAL that its slot holds; a primary that is away"""
    with postgres(world) as one:
        one.up(90)
        one.wait_healthy(30)
        one.pods[2].delete()
        one.sql(0, "CREATE TABLE t AS SELECT generate_series(1, 20000) AS n")
        seen = told(one, 1)
        check(any("pg-2" in problem for problem in seen["problems"]), f"{seen['problems']}")
        equal(next(pod["state"] for pod in seen["pods"] if pod["pod"] == "pg-2"), "its name has no address (yet)", "why")
        slot = next(slot for slot in seen["pods"][0]["slots"] if slot["name"] == "ordain_2")
        check(not slot["active"] and slot["heldBytes"] > 500000, f"{slot}")
        one.pods[0].delete()
        seen = told(one, 1)
        check(any("pg-0" in problem for problem in seen["problems"]), f"{seen['problems']}")
        check("NOT HEALTHY  1 of 3" in status(one).out, status(one).out)


def behind(world):
    """a standby that does not replay is behind in bytes, beyond --max-lag it is not as it should be"""
    with postgres(world) as one:
        one.up(90)
        one.wait_healthy(30)
        one.sql(2, "SELECT pg_wal_replay_pause()", inside=True)
        one.sql(0, "CREATE TABLE t AS SELECT generate_series(1, 20000) AS n")
        seen = told(one, 0)
        check(seen["pods"][2]["behindBytes"] > 500000, f"{seen['pods'][2]}")
        result = status(one, "--max-lag", "100kB")
        check(result.rc == 1 and "--max-lag" in result.out, f"{result!r}")


def diverged(world):
    """a standby with WAL that the primary lacks is told as diverged; afterwards its pod tells what it keeps"""
    with postgres(world) as one:
        one.up(90)
        one.sql(0, "CREATE TABLE t (n int)")
        one.wait_healthy(30)
        with one.cut(one.pods[0], one.pods[1]):
            one.sql(0, "INSERT INTO t SELECT generate_series(1, 5000)")
            one.wait(lambda: one.value(2, "SELECT count(*) FROM t", inside=True) == "5000", 20, "pg-2 has the rows")
            one.pods[0].delete(force=True)
        equal(one.job("ordain", "promote", "postgres", "pg-1", "--peer-is-dead", "pg-0,pg-2", timeout_s=60).rc, 0, "promote")
        seen = told(one, 1)
        equal(seen["register"]["primary"], "pg-1", "register")
        check("DIVERGED" in next(pod for pod in seen["pods"] if pod["pod"] == "pg-2")["state"], f"{seen}")
        one.pods[0].held = False
        one.pods[2].recreate()
        one.wait_healthy(60)
        result = status(one, index=2)
        check(result.rc == 0 and "pgdata.diverged-1-" in result.out, f"{result!r}")
        told(one, 0)


def unread_register(world):
    """a register that cannot be read: the pods are shown all the same, and it is the problem"""
    with postgres(world) as one:
        one.up(90)
        one.wait_healthy(30)
        result = status(one, "--output", "json", env={"ORDAIN_REGISTER": "file:/nowhere"})
        equal(result.rc, 1, f"{result!r}")
        seen = json.loads(result.out)
        equal(seen["register"]["answers"], False, "the register")
        check("/nowhere" in seen["problems"][0], f"{seen['problems']}")
        equal([pod["role"] for pod in seen["pods"]], ["primary", "standby", "standby"], "roles")


if __name__ == "__main__":
    lab.main([healthy, away, behind, diverged, unread_register])
