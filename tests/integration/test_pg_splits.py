#!/usr/bin/python3
"""The ways of test_pg_classic_splits.py to split, lose or wedge a replicated Postgres, with ordain in the pods. The
guard watches all the time."""

import contextlib
import os
import subprocess

from common import lab, plain_postgres, postgres
from lab import check, equal

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


def nobody_answers(world):
    """bitnami/charts#2610: a standby that finds nobody stays one, whether it starts or was running"""
    with formed(world) as (one, guard, writer):
        first, second, third = one.pods
        with one.cut(second, first), one.cut(second, third):
            second.recreate()
            one.wait(lambda: second.lives == 2 and second.life, 30, "a new life")
            looks(one, guard, 20)
            check(not one.is_primary(1), "no primary by itself")
        healthy_again(one, writer)


def half_a_clone(world):
    """cloudnative-pg#11005: a killed clone is no database and in nobody's way"""
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


def two_births(world):
    """bitnami/charts#13671: data of another birth is refused and not touched"""
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
    """kubegres#26, #87: the primary's and a standby's volume change places: nobody is made primary by that, and
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


SCENARIOS = [nobody_answers, half_a_clone, two_births, volumes_move]

if __name__ == "__main__":
    lab.main(SCENARIOS, needs=[lab.ordain_binary()])
