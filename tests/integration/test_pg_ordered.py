#!/usr/bin/python3
"""The named primary is the highest ordinal and everything was stopped; primaries that the register no longer names; data
that went past the fork, taken back by pg_rewind."""

import os

from common import lab, postgres
from lab import check, equal, note
from pg_cells import REWIND, diverged_stand, hold, promote, write_register

FENCED_S = 5.0


def formed(one):
    """Born, every standby streams."""
    one.up(90)
    one.wait_healthy(60)


def write(one, rows=100, **how):
    """Rows that the named primary acknowledged and every standby has."""
    with one.writer(**how) as writer:
        writer.wait_rows(rows)
    one.wait_healthy(30)
    return writer


def everywhere(one, writer):
    """No acknowledged row is missing anywhere."""
    one.wait_healthy(60)
    for pod in one.pods:
        equal(writer.lost(pod.ordinal), [], f"{pod.name}'s rows")


def promoted(one, index):
    """A pod is the primary, and all others follow it."""
    promote(one, index)
    one.wait_ready(60)
    one.wait_healthy(60)


# ---- the newest node at the highest ordinal

def highest(world, policy, lost):
    """pg-2 is promoted, writes, and everything loses power, pg-`lost` its volume as well; then the controller makes the
    pods again by its policy. Where no volume is lost: test_pg_splits.py, everybody_waits."""
    with postgres(world, policy) as one, one.guard():
        formed(one)
        promoted(one, 2)
        writer = write(one)
        one.restart_all(force=True, before=one.pods[lost].volume.lose)
        begin = one.elapsed()
        one.wait_ready(90)
        everywhere(one, writer)
        note(f"{policy}: healthy {one.elapsed() - begin:.1f} s after the power cut")
        equal((one.primaries(), one.timeline(2)), (["pg-2"], 2), "the primary and its timeline")


def highest_ordered_volume_lost(world):
    """OrderedReady, the primary is pg-2, power cut, pg-0's volume is lost: it comes up and waits for pg-2 to clone"""
    highest(world, "OrderedReady", 0)


def highest_parallel_volume_lost(world):
    """the same under Parallel"""
    highest(world, "Parallel", 0)


def highest_ordered_former_primary(world):
    """OrderedReady: pg-0 was the primary, died, never heard of pg-2's promotion; then a power cut"""
    with postgres(world, "OrderedReady") as one, one.guard():
        formed(one)
        writer = write(one)
        one.pods[0].delete(force=True)
        promote(one, 2)
        with one.writer(table="later", primary=lambda: one.pods[2]) as later:
            later.wait_rows(100)
        one.delete_all(force=True)
        for pod in one.pods:
            pod.held = False
        one.wait_ready(90)
        everywhere(one, writer)
        everywhere(one, later)
        equal((one.primaries(), one.timeline(2)), (["pg-2"], 2), "the primary and its timeline")


# ---- the fence

def fenced(one, index):
    """Waits until a server that is no longer named takes no writes; answers the seconds."""
    begin = one.elapsed()
    one.wait(lambda: one.is_primary(index) is not True, FENCED_S, f"{one.pods[index].name} is fenced",
             lambda: one.pods[index].probe_words)
    return one.elapsed() - begin


def comes_back(one, writer):
    """The fenced pod is a standby of the named primary, and nothing of the fence is left."""
    one.wait_ready(60)
    everywhere(one, writer)
    for pod in one.pods:
        equal(one.value(pod.ordinal, "SHOW default_transaction_read_only", inside=True), "off", f"{pod.name} may write")
        check(not os.path.exists(pod.volume.file("pgdata.ordain-fenced")), f"{pod.name}: the fence's mark")


def kept(pod):
    """The diverged directories of a pod's volume."""
    return [name for name in os.listdir(pod.volume.path) if ".diverged-" in name]


def fence_without_divergence(world):
    """a running primary that is no longer named is fenced and follows with the data that it has"""
    with postgres(world) as one, one.guard():
        formed(one)
        writer = write(one)
        promote(one, 1)
        note(f"fenced after {fenced(one, 0):.1f} s")
        comes_back(one, writer)
        equal(one.primaries(), ["pg-1"], "primaries")
        equal(kept(one.pods[0]), [], "nothing diverged")


def fence_with_divergence(world):
    """one that wrote what nobody else has is fenced, cloned anew, and its old directory is kept"""
    with postgres(world) as one, one.guard():
        formed(one)
        writer = write(one)
        cuts = [one.cut(one.pods[0], one.pods[other]) for other in (1, 2)]
        one.sql(0, "CREATE TABLE only_here AS SELECT 1 AS one", inside=True)
        promote(one, 1)
        note(f"fenced after {fenced(one, 0):.1f} s")
        for cut in cuts:
            cut.heal()
        comes_back(one, writer)
        equal(len(kept(one.pods[0])), 1, "the old directory is kept")
        equal(one.value(0, "SELECT to_regclass('only_here')", inside=True), None, "a row that only the old one had")


def fence_lifted_whole(world):
    """a fenced pod's start that ends without a decision: nothing of the fence is left, so a later promotion may write"""
    with postgres(world) as one:
        formed(one)
        stand = hold(one, 0)
        promote(one, 1)
        one.pods[1].delete()
        stand.mark(".ordain-fenced")
        with open(stand.path("postgresql.auto.conf"), "a", encoding="ascii") as file:
            file.write("work_mem = '5MB'\ndefault_transaction_read_only = 'on'\n")
        equal(stand.exec(ORDAIN_TIMEOUT="1500ms").rc, 75, "pg-1 is not there")
        check(not stand.has(".ordain-fenced"), "the fence's mark: liveness would say dead")
        with open(stand.path("postgresql.auto.conf"), encoding="ascii") as file:
            text = file.read()
        check("read_only" not in text and "work_mem = '5MB'" in text, text)


def no_register(world):
    """a pod that cannot reach the register is not fenced and stays what it is; no start makes a primary meanwhile"""
    with postgres(world) as one:
        formed(one)
        writer = write(one)
        register = one.register
        away = register + ".away"
        before = {pod.name: pod.restarts["main"] for pod in one.pods}
        os.mkdir(away)
        for name in os.listdir(register):
            os.rename(os.path.join(register, name), os.path.join(away, name))
        with open(os.path.join(register, "pg-ordain"), "w", encoding="ascii"):
            pass  # an empty one cannot be understood: it says nothing
        counts = {pod.name: pod.probe_counts["readiness", True] for pod in one.pods}
        one.wait(lambda: all(pod.probe_counts["readiness", True] > counts[pod.name] + 3 for pod in one.pods), 30,
                 "each pod is asked three times, and ready", lambda: [pod.probe_words for pod in one.pods])
        equal(one.primaries(), ["pg-0"], "primaries")
        equal({pod.name: pod.restarts["main"] for pod in one.pods}, before, "no container was restarted")
        os.replace(os.path.join(away, "pg-ordain"), os.path.join(register, "pg-ordain"))
        everywhere(one, writer)


# ---- numbers that no timeline has

def a_number_in_between(world):
    """a promotion that nobody finished left a number without a timeline: who was away since then follows all the same,
    whoever is the primary by now, and clones nothing"""
    with postgres(world) as one, one.guard():
        formed(one)
        writer = write(one)
        one.pods[2].delete()
        was = one.register_of()
        write_register(one, primary="pg-1", system_identifier=was["system-identifier"], timeline=3)
        one.wait(lambda: one.is_primary(1), 30, "pg-1's probe finishes the promotion")
        equal(one.timeline(1), 3, "the timeline, one number on")
        one.wait(lambda: "pg-0" in one.streaming(1), 60, "pg-0 follows")
        one.pods[0].recreate()
        one.wait(lambda: "pg-0" in one.streaming(1), 60, "and after a restart")
        one.pods[1].delete()
        result = one.job("ordain", "promote", "postgres", "--peer-is-dead", "pg-1,pg-2")
        equal(result.rc, 0, f"promote: {result!r}")
        cloned = one.pods[2].log("init").count("cloned")
        for pod in one.pods[1:]:
            pod.held = False
        one.wait_ready(60)
        everywhere(one, writer)
        equal((one.primaries(), one.timeline(2)), (["pg-0"], 4), "the primary and its timeline")
        equal(one.pods[2].log("init").count("cloned"), cloned, "pg-2's clones")


# ---- pg_rewind

def rewound(world):
    """ORDAIN_PG_DIVERGED=rewind: the diverged former primary goes back to the fork and follows, nothing is cloned"""
    with postgres(world, env=REWIND) as one, one.guard():
        formed(one)
        writer = write(one)
        stand = diverged_stand(one)
        stand.go_on()
        one.wait_ready(60)
        everywhere(one, writer)
        check("rewind" in stand.pod.log("init"), "it was rewound")
        check("cloned" not in stand.pod.log("init").rsplit("--- ", maxsplit=1)[-1], "and not cloned")
        equal(one.value(0, "SELECT to_regclass('only_here')", inside=True), None, "a row that only the old one had")


SCENARIOS = [highest_ordered_volume_lost, highest_parallel_volume_lost, highest_ordered_former_primary,
             fence_without_divergence, fence_with_divergence, fence_lifted_whole, no_register, a_number_in_between,
             rewound]

if __name__ == "__main__":
    lab.main(SCENARIOS, needs=[lab.ordain_binary()])
