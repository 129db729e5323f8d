#!/usr/bin/python3
"""form postgres: what is missing is made, what is whole is left alone, what needs a person is told."""

import re

from common import lab, postgres
from lab import check, equal, note
from lab_pair import pair

TEMPLATE = {"template": lab.ordain("postgres", probe_period_s=300)}


def form(one, *words, timeout="40s", **how):
    """`ordain form postgres`, as a Job; Result."""
    return one.job("ordain", "form", "postgres", *words, "--timeout", timeout, timeout_s=120, **how)


def plan(one, *words, **how):
    """`ordain plan form postgres`, as a Job; Result."""
    return one.job("ordain", "plan", "form", "postgres", *words, timeout_s=60, **how)


def idle(world, **options):
    """A formed set whose probes come too seldom to mend anything."""
    one = postgres(world, **{**TEMPLATE, **options})
    one.start()
    one.wait(lambda: one.named() and all(one.is_primary(pod.ordinal) is not None for pod in one.pods), 90, "servers")
    one.wait(lambda: len(one.streaming(0)) == len(one.pods) - 1, 30, "streaming standbys")
    result = form(one)  # the slots on the standbys, unless their first probes have made them
    equal(result.rc, 0, f"{result!r}")
    return one


def formed(one, *words):
    """form does something, and the next one nothing; what the first said."""
    result = form(one, *words)
    check(result.rc == 0 and "formed" in result.out, f"{result!r}")
    again = form(one, *words)
    check(again.rc == 0 and "nothing to do" in again.out, f"once more: {again!r}")
    planned = plan(one, *words)
    check(planned.rc == 0 and "step " not in planned.out, f"{planned!r}")
    return result.err


def slots(one, index):
    """{slot: reserves WAL} of a server."""
    return {row[0]: row[1] == "t" for row in one.sql(
        index, "SELECT slot_name, restart_lsn IS NOT NULL FROM pg_replication_slots", inside=True)}


def whole(world, policy="Parallel"):
    """a healthy set: nothing to do, at once, from a Job and by hand in a pod"""
    with postgres(world, policy=policy) as one:
        one.up(90)
        one.wait_healthy(30)
        for result in (form(one), one.pods[1].run("ordain", "form", "postgres", timeout_s=60)):
            check(result.rc == 0 and "nothing to do" in result.out, f"{result!r}")
        result = plan(one)
        check(result.rc == 0 and "nothing to do" in result.out and "step " not in result.out, f"{result!r}")


def whole_in_order(world):
    """the same under OrderedReady"""
    whole(world, "OrderedReady")


def from_nothing(world):
    """form waits for a set that is being born"""
    with postgres(world) as one:
        one.start()
        result = form(one, timeout="90s")
        equal(result.rc, 0, f"{result!r}")
        equal(sorted(one.streaming(0)), ["pg-1", "pg-2"], "streaming")


def what_is_missing(world):
    """slots dropped or held in vain, another password, a standby that follows nobody: each is planned, then mended"""
    with idle(world) as one:
        one.sql(1, "SELECT pg_drop_replication_slot('ordain_2')", inside=True)
        one.sql(2, "SELECT pg_drop_replication_slot('ordain_0')", inside=True)
        one.sql(2, "SELECT pg_create_physical_replication_slot('ordain_0', true)", inside=True)
        one.sql(0, "ALTER ROLE replicator NOREPLICATION PASSWORD 'another'", inside=True)
        one.sql(2, "ALTER SYSTEM SET primary_conninfo = 'host=nowhere.example user=replicator'", inside=True)
        one.sql(2, "SELECT pg_reload_conf()", inside=True)
        one.wait(lambda: "pg-2" not in one.streaming(0), 10, "pg-2 follows nobody")
        result = plan(one)
        equal(result.rc, 1, f"{result!r}")
        for words in ("step +make the replication role right: pg-0", "step +make the slots right: pg-1",
                      "step +make the slots right: pg-2", "step +tell it to follow the primary: pg-2"):
            check(re.search(words, result.out), f"{words}: {result.out}")
        equal(slots(one, 2)["ordain_0"], True, "plan changed nothing")
        note(formed(one))
        equal(slots(one, 1), {"ordain_0": False, "ordain_2": False}, "slots of pg-1")
        equal(slots(one, 2), {"ordain_0": False, "ordain_1": False}, "slots of pg-2")
        equal(sorted(one.streaming(0)), ["pg-1", "pg-2"], "streaming")


def role_is_gone(world):
    """the replication role was dropped: form makes it, and its password is nowhere in the server's log"""
    with idle(world) as one:
        one.sql(0, "ALTER SYSTEM SET log_statement = 'all'", inside=True)
        one.sql(0, "SELECT pg_reload_conf()", inside=True)
        one.sql(0, "DROP ROLE replicator", inside=True)
        formed(one)
        log = one.pods[0].log()
        check("CREATE ROLE" in log and "SCRAM-SHA-256$" in log, "the role was made by its verifier")
        check("follow me" not in log, "the password is in the log")


def password_refused(world):
    """a role whose password has expired, which no new password mends: one line, 77, nothing hangs"""
    with idle(world) as one:
        one.sql(0, "ALTER ROLE replicator VALID UNTIL '2001-01-01'", inside=True)
        result = form(one)
        equal(result.rc, 77, f"{result!r}")
        check("VALID UNTIL" in result.err and "replicator" in result.err, result.err)


def surplus_slots(world):
    """slots of pods beyond the set are told, and dropped only when told to"""
    with idle(world) as one:
        one.sql(0, "SELECT pg_create_physical_replication_slot('ordain_7', true)", inside=True)
        one.sql(0, "SELECT pg_create_physical_replication_slot('mine', true)", inside=True)
        result = form(one)
        check(result.rc == 0 and "nothing to do" in result.out and "ordain_7" in result.err, f"{result!r}")
        check("ordain_7" in slots(one, 0), "not dropped")
        result = form(one, "--drop-slots")
        equal(result.rc, 0, f"{result!r}")
        equal(sorted(slots(one, 0)), ["mine", "ordain_1", "ordain_2"], "slots")


def synchronous(world):
    """--synchronous: every pod knows it, commits wait; 0 takes it away; more than there are is 78"""
    with idle(world) as one:
        formed(one, "--synchronous", "2")
        for pod in one.pods:
            equal(one.value(pod.ordinal, "SHOW synchronous_standby_names", inside=True),
                  'ANY 2 ("pg-0", "pg-1", "pg-2")', pod.name)
        one.sql(0, "CREATE TABLE waits (n int)")
        one.pods[2].freeze()
        try:
            one.sql(0, "INSERT INTO waits VALUES (1)", timeout_s=2.0)
            check(False, "a commit did not wait for the second standby")
        except lab.Unreachable as error:
            check("timed out" in str(error), str(error))
        finally:
            one.pods[2].thaw()
        equal(form(one, "--synchronous", "3").rc, 78, "three of two standbys")
        check("nothing to do" in form(one).out, "unset leaves it")
        formed(one, "--synchronous", "0")
        equal(one.value(0, "SHOW synchronous_standby_names", inside=True), "", "taken away")


def lost_facts(world):
    """a register that lost identifier and timeline learns them from the named primary"""
    with idle(world) as one:
        before = one.register_of()
        path = f"{one.register}/{one.name}-ordain"
        with open(path, encoding="utf-8") as file:
            lines = [line for line in file if not line.startswith(("system-identifier", "timeline"))]
        with open(path, "w", encoding="utf-8") as file:
            file.writelines(lines)
        formed(one)
        equal(one.register_of(), before, "the register")


def foreign(world):
    """a standby of another cluster is told by its name: 65"""
    with idle(world) as one:
        path = f"{one.register}/{one.name}-ordain"
        with open(path, encoding="utf-8") as file:
            text = file.read()
        with open(path, "w", encoding="utf-8") as file:
            file.write(re.sub(r"system-identifier=\d+", "system-identifier=42", text))
        result = form(one)
        equal(result.rc, 65, f"{result!r}")
        check("system identifier" in result.err and "pg-0" in result.err, result.err)
        equal(plan(one).rc, 65, "plan")


def silent_pod(world):
    """a pod that is away is waited for, and named at the deadline: 75; the others are mended meanwhile"""
    with idle(world) as one:
        one.pods[2].delete()
        one.sql(1, "SELECT pg_drop_replication_slot('ordain_0')", inside=True)
        result = form(one, timeout="4s")
        equal(result.rc, 75, f"{result!r}")
        check("pg-2" in result.err, result.err)
        check("ordain_0" in slots(one, 1), "pg-1 was mended")


def register(one):
    """The register's keys that form writes."""
    return {key: value for key, value in one.register_of().items() if key in ("primary", "system-identifier", "timeline")}


def adopted(world):
    """--adopt: a pair that ordain did not make is recorded and gets role and slots; without the word it is refused"""
    with pair(world) as one:
        result = form(one, timeout="5s")
        equal(result.rc, 65, f"{result!r}")
        check("--adopt" in result.err and "pg-0" in result.err, result.err)
        equal(one.register_of(), {}, "the register")
        one.pods[1].freeze()
        equal(form(one, "--adopt", timeout="6s").rc, 75, "a pod does not answer")
        one.pods[1].thaw()
        equal(plan(one, "--adopt").rc, 1, "plan")
        result = form(one, "--adopt")
        check(result.rc == 0 and "formed" in result.out, f"{result!r}")
        equal(register(one), {"primary": "pg-0", "system-identifier": str(one.system_identifier(0)), "timeline": "1"},
              "the register")
        equal((list(slots(one, 0)), list(slots(one, 1))), (["ordain_1"], ["ordain_0"]), "slots")
        again = form(one, "--adopt")
        check(again.rc == 0 and "nothing to do" in again.out, f"{again!r}")


def two_primaries(world):
    """--adopt of two primaries, or of two clusters, is refused: 65, and nothing is recorded"""
    with pair(world) as one:
        one.sql(1, "SELECT pg_promote()", inside=True)
        result = form(one, "--adopt")
        equal(result.rc, 65, f"{result!r}")
        check("two pods are primaries" in result.err, result.err)
        one.pods[1].recreate(keep_volume=False)
        one.wait(lambda: one.is_primary(1) and one.system_identifier(1) != one.system_identifier(0), 30, "another cluster")
        result = form(one, "--adopt")
        equal(result.rc, 65, f"{result!r}")
        equal(one.register_of(), {}, "the register")


if __name__ == "__main__":
    lab.main([whole, whole_in_order, from_nothing, what_is_missing, role_is_gone, password_refused, surplus_slots,
              synchronous, lost_facts, foreign, silent_pod,
              adopted, two_primaries])
