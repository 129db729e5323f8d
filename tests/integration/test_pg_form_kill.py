#!/usr/bin/python3
"""`form postgres` and `promote postgres` killed at each of their writes and messages: the next call finishes, one more does
nothing."""

from common import lab, postgres
from lab import check, equal, note
from pg_kills import chosen, killed, trace
from test_pg_form import idle

FORM = ("ordain", "form", "postgres", "--synchronous", "1", "--timeout", "40s")
PROMOTE = ("ordain", "promote", "postgres", "--timeout", "30s")


def spoil(one):
    """Takes everything away that form makes: the role's rights, slots, whom a standby follows, synchronous commits."""
    slots = "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE NOT active"
    one.sql(0, "ALTER ROLE replicator NOREPLICATION PASSWORD 'another'", inside=True)
    one.sql(2, "ALTER SYSTEM SET primary_conninfo = 'host=nowhere.example user=replicator'", inside=True)
    for pod in one.pods:
        one.sql(pod.ordinal, "ALTER SYSTEM RESET synchronous_standby_names", inside=True)
        one.sql(pod.ordinal, "SELECT pg_reload_conf()", inside=True)
    one.wait(lambda: "pg-2" not in one.streaming(0), 10, "pg-2 follows nobody")
    for pod in one.pods:
        one.sql(pod.ordinal, slots, inside=True)


def whole(one, where):
    """What form promises."""
    equal(sorted(one.streaming(0)), ["pg-1", "pg-2"], f"{where}: streaming")
    for pod in one.pods:
        found = one.sql(pod.ordinal, "SELECT (SELECT count(*) FROM pg_replication_slots), "
                                     "current_setting('synchronous_standby_names')", inside=True)
        equal(found, [["2", 'ANY 1 ("pg-0", "pg-1", "pg-2")']], f"{where}: slots and synchronous commits of {pod.name}")


@lab.timeout(1800)
def form(world):
    """form killed at each of its writes and messages: the next one finishes, a third does nothing"""
    with idle(world) as one:
        equal(one.job(*FORM).rc, 0, "the first form")
        register, kills = one.register_of(), 0

        def run(*strace):
            return one.job(*strace, *FORM, timeout_s=90)
        spoil(one)
        for call, nth in chosen(trace(one.register, run), "form", 9):
            spoil(one)
            where = f"form killed at {call} {nth}"
            kills += killed(run(*lab.killed_at((), call, nth)), where)
            equal(one.primaries(), ["pg-0"], f"{where}: primaries")
            for again in ("formed", "nothing to do"):
                result = run()
                check(result.rc == 0 and (again in result.out or "nothing to do" in result.out), f"{where}: {result!r}")
            check("nothing to do" in result.out, f"{where}, a third: {result!r}")
            whole(one, where)
            equal(one.register_of(), register, f"{where}: the register")
        note(f"form: {kills} kills")


@lab.timeout(3600)
def promote(world):
    """promote killed at each of them: the next call finishes, and never a second number for one promotion"""
    with postgres(world, template=lab.ordain("postgres", probe_period_s=2), volume_size="2g") as one, one.guard():
        one.up(90)
        one.wait_healthy(30)

        def dead():
            return ("--peer-is-dead", one.named().name)

        def back(pod):
            pod.held = False
            one.wait_healthy(60)
        primary = one.named()
        primary.delete(force=True)
        steps = trace(one.register, lambda *strace: one.job(*strace, *PROMOTE, *dead(), timeout_s=90))
        back(primary)
        kills = 0
        for call, nth in chosen(steps, "promote", 15):
            primary, before, where = one.named(), int(one.register_of()["timeline"]), f"promote killed at {call} {nth}"
            primary.delete(force=True)
            lost = dead()
            kills += killed(one.job(*lab.killed_at((), call, nth), *PROMOTE, *lost, timeout_s=90), where)
            chosen_one = one.named()
            name = () if chosen_one == primary else (chosen_one.name,)
            result = one.job(*PROMOTE, *name, *lost, timeout_s=90)
            equal(result.rc, 0, f"{where}, the next call: {result!r}")
            check(not name or one.named() == chosen_one, f"{where}: {one.named().name} and not {name} won")
            equal(int(one.register_of()["timeline"]), before + 1, f"{where}: the timeline")
            back(primary)
        note(f"promote: {kills} kills")


SCENARIOS = [form, promote]

if __name__ == "__main__":
    lab.main(SCENARIOS, needs=[lab.ordain_binary()])
