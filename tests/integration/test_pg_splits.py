#!/usr/bin/python3
"""The ways of test_pg_classic_splits.py to split, lose or wedge a replicated Postgres, with ordain in the pods: the same
names in the same order. The guard watches all the time."""

import contextlib
import os
import subprocess

from common import lab, plain_postgres, postgres
from lab import check, equal, note
from lab.postgres import PGDATA, REPLICATION_PASSWORD
from pg_cells import REWIND, diverged_stand, hold

ROWS = 200


@contextlib.contextmanager
def formed(world, policy="Parallel", **options):
    """A healthy set under guard, and the writer that put rows into it."""
    with postgres(world, policy, **options) as one, one.guard() as guard:
        one.up(90)
        one.wait_healthy(60)
        with one.writer(pause_s=0) as writer:
            writer.wait_rows(ROWS)
        one.wait_healthy(30)
        yield one, guard, writer


def looks(one, guard, count):
    """The guard looks so often."""
    wanted = guard.looks + count
    one.wait(lambda: guard.looks >= wanted, 60, f"{count} looks")


def healthy_again(one, writer):
    """Everything is as it was, and no row is lost."""
    one.wait_ready(90)
    one.wait_healthy(60)
    for pod in one.pods:
        equal(writer.lost(pod.ordinal), [], f"{pod.name}'s rows")


def promote_another(one):
    """A person gives the first pod up, another one is promoted and writes; answers its pod."""
    result = one.job("ordain", "promote", "postgres", "--peer-is-dead", "pg-0")
    equal(result.rc, 0, f"promote: {result!r}")
    new = one.named()
    check(new is not one.pods[0], f"{new.name} is named")
    one.wait(lambda: one.is_primary(new.ordinal), 30, f"{new.name} is primary")
    one.sql(new.ordinal, f"CREATE TABLE since AS SELECT '{new.name}' AS by", inside=True)
    return new


def one_history(one, new, writer):
    """Everybody follows the promoted pod and has what it wrote."""
    healthy_again(one, writer)
    equal(one.primaries(), [new.name], "primaries")
    equal({one.value(pod.ordinal, "SELECT by FROM since", inside=True) for pod in one.pods}, {new.name}, "histories")
    equal({one.timeline(pod.ordinal) for pod in one.pods}, {2}, "timelines")


def old_primary_returns(world):
    """1 bitnami/charts#21614: the deleted primary comes back at a new address as a standby of the promoted one"""
    with formed(world) as (one, _, writer):
        one.pods[0].delete(force=True)
        new = promote_another(one)
        one.pods[0].held = False
        one_history(one, new, writer)


def old_primary_restarts(world):
    """2 bitnami/charts#20998: its container alone starts again, without init: exec looks who is primary now"""
    with formed(world) as (one, guard, writer):
        first = one.pods[0]
        first.close_gate("main")
        check(first.kill(), "its server is killed")
        one.wait(lambda: first.at_gate("main"), 30, "its container waits")
        new = promote_another(one)
        with one.cut(first, "*"):
            first.open_gate("main")
            first.wait_log("another pod is the primary now and does not answer yet")
            looks(one, guard, 10)
            equal(one.primaries(), [new.name], "primaries")
        one_history(one, new, writer)
        equal(first.lives, 1, "lives of its pod")


def nobody_answers(world):
    """3 bitnami/charts#2610: a standby that finds nobody stays one, whether it starts or was running"""
    with formed(world) as (one, guard, writer):
        first, second, third = one.pods
        with one.cut(second, first), one.cut(second, third):
            second.recreate()
            one.wait(lambda: second.lives == 2 and second.life, 30, "a new life")
            looks(one, guard, 20)
            check(not one.is_primary(1), "no primary by itself")
        healthy_again(one, writer)


def power_cut(world, policy):
    """The newest node is at the highest ordinal, and everything loses power; then the controller makes the pods again."""
    with formed(world, policy) as (one, _, writer):
        for giver in one.pods[:2]:
            giver.delete(force=True)
        result = one.job("ordain", "promote", "postgres", "pg-2", "--peer-is-dead", "pg-0,pg-1")
        equal(result.rc, 0, f"promote: {result!r}")
        for giver in one.pods[:2]:
            giver.held = False
        healthy_again(one, writer)
        with one.writer(table="later") as later:
            later.wait_rows(ROWS)
        one.wait_healthy(30)
        one.restart_all(force=True)
        begin = one.elapsed()
        healthy_again(one, writer)
        note(f"{policy}: healthy {one.elapsed() - begin:.1f} s after the power cut")
        for pod in one.pods:
            equal(later.lost(pod.ordinal), [], f"{pod.name}'s later rows")
        equal((one.primaries(), one.timeline(2)), (["pg-2"], 2), "the primary and its timeline")
        equal([pod.restarts["init"] for pod in one.pods], [0, 0, 0], "inits that failed")


def everybody_waits(world):
    """6 bitnami/charts#8373, OrderedReady: a power cut of everything, pg-2 is primary; pg-0 waits for nobody who cannot be"""
    power_cut(world, "OrderedReady")


def everybody_waits_parallel(world):
    """6 the same under Parallel"""
    power_cut(world, "Parallel")


def half_a_clone(world):
    """8 cloudnative-pg#11005: a killed clone is no database and in nobody's way"""
    with formed(world) as (one, _, writer):
        pod = one.pods[2]
        with one.interpose(2, 0) as between:
            between.hold_at(1_000_000)
            pod.recreate(keep_volume=False)
            one.wait(between.struck.is_set, 30, "a clone is under way")
            check(not os.path.exists(one.pgdata(2)), "half a clone is not PGDATA")
            check(pod.kill("init"), "init runs")
        healthy_again(one, writer)
        equal([name for name in os.listdir(pod.volume.path) if "clone" in name], [], "left over")


def kept_until_full(world):
    """9 cloudnative-pg#9015: clones that are cut again and again leave no more behind than one"""
    with formed(world) as (one, _, writer):
        pod = one.pods[2]
        pod.volume.size = "120m"  # of the next one; a data directory and its WAL take a third
        with one.interpose(2, 0) as between:
            between.cut_at(2_000_000, times=5)
            pod.recreate(keep_volume=False)
            one.wait(between.struck.is_set, 60, "five clones are cut")
        healthy_again(one, writer)
        check(set(os.listdir(pod.volume.path)) >= {"pgdata"}, "PGDATA")
        equal([name for name in os.listdir(pod.volume.path)
               if name.startswith("pgdata.") and os.path.isdir(pod.volume.file(name))], [], "kept")


def half_a_rewind(world):
    """12 patroni#3652: pg_rewind killed in the middle: what it left never starts, the next run clones and keeps it"""
    with formed(world, env=REWIND) as (one, _, writer):
        stand = diverged_stand(one)
        kills = 0
        for call, nth in (("fsync,fdatasync,syncfs", 2), ("unlink,unlinkat", 1), ("pwrite64,write", 40),
                          ("ftruncate", 1), ("rename,renameat", 3)):
            stand.put("diverged")
            stand.forget_configuration()
            result = stand.exec(*lab.killed_at((), call, nth))
            equal(result.rc == 0, os.path.exists(stand.path("standby.signal")), f"{call} {nth}: {result!r}")
            if not stand.has(".ordain-rewinding"):
                continue
            kills += 1
            equal(stand.plan()[2], "clone, keep the old directory", f"after a kill at {call} {nth}")
        check(kills >= 2, f"{kills} kills while it rewound")
        note(f"{kills} kills while it rewound")
        stand.go_on()
        healthy_again(one, writer)


def two_births(world):
    """21 bitnami/charts#13671: data of another birth is refused and not touched"""
    with formed(world) as (one, guard, writer):
        pod = one.pods[2]
        with plain_postgres(world, name="other", beside=one) as other:
            other.up(60)
            other.pods[0].delete()
            pod.delete()
            pod.volume.clear()
            subprocess.run(["cp", "-a", other.pgdata(0), one.pgdata(2)], check=True)
        before = lab.take(one.pgdata(2))
        starts = len(pod.exit_codes["init"])
        pod.recreate()
        one.wait(lambda: len(pod.exit_codes["init"]) >= starts + 2, 60, "init ends, twice")
        equal(pod.exit_codes["init"][starts:starts + 2], [65, 65], pod.termination["init"])
        check("system identifier" in pod.termination["init"], pod.termination["init"])
        equal(lab.differences(before, lab.take(one.pgdata(2))), [], "the other's data")
        looks(one, guard, 2)
        pod.recreate(keep_volume=False)
        healthy_again(one, writer)


def volumes_move(world):
    """22 kubegres#26, #87: the primary's and a standby's volume change places: nobody is made primary by that, and
    both are as they were once they are back"""
    with formed(world) as (one, _, writer):
        one.delete_all()
        first, second, third = one.pods
        first.volume, second.volume = second.volume, first.volume
        for pod in one.pods:
            pod.recreate()
        one.wait(lambda: "ends before the position" in first.termination.get("init", ""), 60,
                 "pg-0 refuses a standby's volume that no promotion chose", first.describe)
        equal(first.exit_codes["init"][-1], 65, "exit")
        second.wait_log("does not answer yet", "init")
        equal(one.primaries(), [], "primaries")
        one.delete_all()
        first.volume, second.volume = second.volume, first.volume
        for pod in one.pods:
            pod.recreate()
        healthy_again(one, writer)
        equal(one.named(), first, "who is named")


def clone_started_too_early(world):
    """a clone by hand whose standby.signal was forgotten: no start takes it for a primary's"""
    with formed(world) as (one, _, writer):
        stand = hold(one, 1)
        stand.volume.clear()
        stand.shell(f"PGPASSWORD='{REPLICATION_PASSWORD}' pg_basebackup -h pg-0.pg -U replicator -D {PGDATA} -R -c fast")
        stand.drop("standby.signal")
        equal(stand.plan()[2], "become a standby", "the plan")
        stand.go_on()
        healthy_again(one, writer)
        equal(one.primaries(), ["pg-0"], "primaries")


SCENARIOS = [old_primary_returns, old_primary_restarts, nobody_answers, everybody_waits, everybody_waits_parallel,
             half_a_clone, kept_until_full, half_a_rewind, two_births, volumes_move, clone_started_too_early]

if __name__ == "__main__":
    lab.main(SCENARIOS, needs=[lab.ordain_binary()])
