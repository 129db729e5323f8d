#!/usr/bin/python3
"""The first birth killed at every step: `init` and `exec` at each system call that changes something, the image's
entrypoint at each of its stages, `form postgres --initdb` at each write and message. One primary is born, once."""

import os

from common import lab
from lab import check, equal, note
from pg_births import DONE, HALF, ROWS, Births
from pg_cells import refused, write_register
from pg_kills import chosen, killed, trace

MARKS = (".ordain-started", ".ordain-done")
FORM = ("ordain", "form", "postgres", "--initdb")


def marks(stand):
    """Which of the birth's two marks are there."""
    return [stand.has(mark) for mark in MARKS]


def nothing(stand):
    """Volume, configuration and register are as before the first install."""
    stand.volume.clear()
    stand.forget_configuration()
    for name in os.listdir(stand.register):
        os.unlink(os.path.join(stand.register, name))


def born(one, stand, where="born"):
    """One primary, register and marks agree, and what the user's script loads is all there."""
    register = one.register_of()
    equal((register.get("primary"), register.get("system-identifier"), register.get("seeded.0")),
          ("pg-0", str(one.system_identifier(0)), "data"), f"{where}: the register")
    equal(marks(stand), [True, True], f"{where}: the marks")
    equal(one.primaries(), ["pg-0"], f"{where}: primaries")
    equal(one.value(0, "SELECT count(*) FROM of_user"), str(ROWS), f"{where}: rows of the user's script")


@lab.timeout(900)
def begun(world):
    """init and exec of a first install killed at every step: the next run goes on, and one primary is born"""
    births = Births(world)
    with births.one as one:
        stand = births.waiting()
        for command, begin in (("init", lambda: nothing(stand)), ("exec", lambda: (nothing(stand), stand.init()))):
            run, kills = getattr(stand, command), 0
            begin()
            for call, nth in chosen(trace(stand.register, run), f"{command} of a first install", 2):
                begin()
                where = f"{command} killed at {call} {nth}"
                kills += killed(run(*lab.killed_at((), call, nth)), where)
                named = one.register_of().get("primary")
                check(named is None or stand.has(".ordain-started"), f"{where}: named before its mark")
                check(stand.init().rc == 0 and stand.exec().rc == 0, f"{where}: the next run")
                equal((one.register_of().get("primary"), marks(stand)), ("pg-0", [True, False]), where)
                seen = stand.all_seen()
                equal((stand.exec().rc, lab.differences(seen, stand.all_seen())), (0, []), f"{where}: one more run")
            note(f"{command}: {kills} kills")
        stand.go_on()
        one.wait_healthy(60)
        born(one, stand)


# ---- the entrypoint

def killed_at_stage(births, stage, pod_restart):
    """A birth that dies at a stage, with its container or its pod; the next start ends well."""
    one, pod = births.one, births.one.pods[0]
    where = f"{stage}, {'pod' if pod_restart else 'container'} restart"
    births.at(stage)
    stand = births.anew() if pod.lives else births.waiting()
    asked = pod.probe_counts["readiness", True]
    stand.go_on()
    births.reach(stage)
    result = pod.run("ordain", "probe", "postgres", "readiness", timeout_s=10)
    equal(result.rc, 1, f"{where}: ready in the middle of a birth: {result!r}")
    equal(pod.probe_counts["readiness", True], asked, f"{where}: ready in the middle of a birth")
    equal(marks(stand), [True, stage in DONE], f"{where}: the marks")
    equal("system-identifier" in one.register_of(), stage in DONE, f"{where}: {one.register_of()}")
    had = os.path.exists(stand.path("PG_VERSION"))
    was = one.system_identifier(0) if stage in DONE else None
    births.at("")
    if pod_restart:
        pod.recreate(force=True)
    else:
        pod.kill()
    one.wait(lambda: pod.ready and pod.uptime_s() > 0, 60, f"{where}: ready", lambda: pod.log()[-600:])
    born(one, stand, where)
    equal(stand.has(".half-initdb"), stage not in DONE and had, f"{where}: what was half is kept aside, what was whole is not")
    check(was in (None, one.system_identifier(0)), f"{where}: a birth that was done was given up")


@lab.timeout(900)
def stages(world):
    """the entrypoint killed before, in and after initdb, its temporary server, each script: born once, whole, never before"""
    births = Births(world)
    with births.one:
        both = [(stage, pod_restart) for stage in HALF + DONE for pod_restart in (False, True)]
        for stage, pod_restart in chosen(both, "stages of the entrypoint", 5):
            killed_at_stage(births, stage, pod_restart)


@lab.timeout(900)
def marked(world):
    """form --initdb killed at each write and message: never an identifier without the mark, and the next call ends it"""
    births = Births(world, replicas=3, template=lab.ordain("postgres", probe_period_s=300))
    with births.one as one:
        pod, kills = one.pods[0], 0
        births.at("after the script")
        stand = births.waiting()
        stand.go_on()
        births.reach("after the script")

        def begin():
            if stand.has(MARKS[1]):
                stand.drop(MARKS[1])
            write_register(one, primary="pg-0")
            one.sql(0, "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots", inside=True)
            one.sql(0, "DROP ROLE IF EXISTS replicator", inside=True)

        def run(*strace):
            return pod.run(*strace, *FORM, timeout_s=30)

        def ended(where):
            register = one.register_of()
            check(stand.has(MARKS[1]) or not {"system-identifier", "seeded.0"} & set(register), f"{where}: {register}")
            role, slots = one.sql(0, "SELECT (SELECT count(*) FROM pg_roles WHERE rolname = 'replicator'), "
                                     "(SELECT count(*) FROM pg_replication_slots)", inside=True)[0]
            check(not stand.has(MARKS[1]) or (role, slots) == ("1", "2"), f"{where}: marked before {role} role, {slots} slots")
            equal(stand.plan()[2], "start as primary" if stand.has(MARKS[1]) else "initdb", f"{where}: the next start")
        begin()
        for call, nth in chosen(trace(one.register, run), "form --initdb", 2):
            begin()
            where = f"killed at {call} {nth}"
            kills += killed(run(*lab.killed_at((), call, nth)), where)
            ended(where)
            equal(run().rc, 0, f"{where}: the next call")
            ended(f"{where}, the next call")
            check(stand.has(MARKS[1]) and {"system-identifier", "seeded.0"} < set(one.register_of()), f"{where}: at the end")
        note(f"{kills} kills")
        births.at("")
        begin()
        pod.kill()
        one.wait(lambda: pod.life.started["main"] == 2 and pod.life.main_process(), 30, "the container starts again")
        one.wait(lambda: pod.run("ordain", "probe", "postgres", "readiness").rc == 0, 60, "ready", lambda: pod.log()[-600:])
        born(one, stand)


def behind(world):
    """a script of the user's that would run behind ordain's own, so that half of it would pass for a birth: 78, untouched"""
    births = Births(world)
    with births.one as one:
        one.secret("/templates", {"initdb.d-zzz-late.sql": "SELECT 1;\n"})
        stand = births.waiting()
        equal(stand.init().rc, 0, "init")
        refused(stand, 78, "zzz-late.sql", "comes before", commands=("exec",))


SCENARIOS = [begun, stages, marked, behind]

if __name__ == "__main__":
    lab.main(SCENARIOS, needs=[lab.ordain_binary()])
