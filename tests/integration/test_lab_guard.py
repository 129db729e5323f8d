#!/usr/bin/python3
"""A guard that never complains is worth nothing: each rule of lab/guard.py is broken by hand, without ordain."""

import os
import shutil
import subprocess

from common import lab
from lab import check, equal
from lab.postgres import PGDATA
from lab_pair import pair


def name_primary(one, name):
    """Writes the register as ordain does: a whole file at once."""
    path = os.path.join(one.register, "pg-ordain")
    with open(path + ".new", "w", encoding="ascii") as file:
        file.write(f"primary={name}\n")
    os.replace(path + ".new", path)


def until_broken(one, guard, words):
    """Waits until the guard says these words."""
    one.wait(lambda: any(words in sentence for sentence in guard.broken), 20, words,
             lambda: guard.broken)


def looks(one, guard, count):
    """Waits until the guard has looked so often."""
    wanted = guard.looks + count
    one.wait(lambda: guard.looks >= wanted, 20, f"{count} looks")


def broken(one, guard):
    """Ends the guard, as its `with` block does, and takes what it found."""
    guard.stop()
    found, guard.broken = guard.broken, []
    check(found, "the guard found nothing")
    return found


def a_promotion_without_the_register(world):
    """a standby that becomes primary by itself is seen; until then nothing is"""
    with pair(world) as one:
        name_primary(one, "pg-0")
        with one.guard() as guard:
            looks(one, guard, 5)
            equal(guard.broken, [], "a healthy pair")
            one.sql(1, "SELECT pg_promote()", inside=True)
            until_broken(one, guard, "pg-1 is primary, and the register never named it")
            broken(one, guard)


def a_former_primary(world):
    """one that is not fenced is seen, one that starts again is, one that is ready and diverged is"""
    with pair(world) as one:
        name_primary(one, "pg-0")
        with one.guard(fence_s=1.0, settle_s=0.5) as guard:
            looks(one, guard, 2)
            with one.cut(one.pods[0], one.pods[1]):
                one.sql(0, "CREATE TABLE past_the_fork AS SELECT 1")
                name_primary(one, "pg-1")
                one.sql(1, "SELECT pg_promote()", inside=True)
            until_broken(one, guard, "pg-0 takes writes 1.0 s after the register named pg-1")
            equal(len(guard.broken), 1, f"one sentence: {guard.broken}")
            one.pods[0].kill()
            until_broken(one, guard, "pg-0 started as primary, and the register names pg-1")
            one.pods[0].delete()
            with open(one.pgdata(0) + "/standby.signal", "w", encoding="ascii"):
                pass
            one.pods[0].recreate()
            until_broken(one, guard, "pg-0 is ready and diverged: replayed")
            broken(one, guard)


def the_wrong_upstream(world):
    """a ready standby of somebody who is not named is seen, before and after it is diverged"""
    with pair(world) as one:
        name_primary(one, "pg-2")
        one.scale(3)
        with one.guard(settle_s=0.5) as guard:
            until_broken(one, guard, "pg-1 is ready and receives from pg-0")
            until_broken(one, guard, "pg-1 is ready and diverged: another system identifier")
            broken(one, guard)


def deleted_data(world):
    """a diverged directory that is deleted is seen; one that goes with its volume is none"""
    with pair(world) as one:
        name_primary(one, "pg-0")
        with one.guard() as guard:
            kept = one.pods[1].volume.file("pgdata.diverged-1-3000060")
            os.mkdir(kept)
            looks(one, guard, 2)
            one.pods[1].delete()
            one.pods[1].volume.lose()
            looks(one, guard, 2)
            equal(guard.broken, [], "a lost volume")
            os.mkdir(kept)
            looks(one, guard, 2)
            os.rmdir(kept)
            until_broken(one, guard, "pg-1: pgdata.diverged-1-3000060 was deleted")
            broken(one, guard)


def held(one, index):
    """A pod whose server has ended and whose next one waits at its gate."""
    pod = one.pods[index]
    pod.close_gate("main")
    pod.recreate()
    one.wait(lambda: pod.at_gate("main"), 30, f"{pod.name} waits", pod.describe)
    return pod


def other_rows(world):
    """two histories that fit in all numbers are seen by their rows: by the guard, and where health is asked for"""
    with pair(world) as one:
        name_primary(one, "pg-0")
        one.sql(0, "CREATE TABLE which AS SELECT 'none'::text AS history")
        pods = [held(one, index) for index in (0, 1)]
        mine, theirs = one.pgdata(0), one.pgdata(1)
        with open(theirs + "/postgresql.auto.conf", encoding="utf-8") as file:
            conninfo = file.read()
        shutil.rmtree(theirs)
        subprocess.run(["cp", "-a", mine, theirs], check=True)
        for pod, history in zip(pods, ("true", "hand")):
            result = pod.run("sh", "-c", f"echo \"INSERT INTO which VALUES ('{history}')\" | postgres --single -D {PGDATA} app",
                             uid=999)
            equal(result.rc, 0, f"{history}: {result!r}")
        equal(one.control(0).checkpoint, one.control(1).checkpoint, "both histories are of one length")
        for name, text in (("standby.signal", ""), ("postgresql.auto.conf", conninfo)):
            with open(f"{theirs}/{name}", "w", encoding="utf-8") as file:
                file.write(text)
        with one.guard(settle_s=0.5) as guard:
            for pod in pods:
                pod.open_gate("main")
                pod.wait_ready(30)
            one.wait(lambda: one.streaming(0), 20, "pg-1 streams")
            equal(one.diverged(1, 0), None, "all numbers fit")
            until_broken(one, guard, "pg-1 is ready and diverged: its rows are not the primary's in app.which")
            one.wait(lambda: one.complaints() == ["pg-1: its rows are not the primary's in app.which"], 20, "it is no health",
                     one.complaints)
            broken(one, guard)


SCENARIOS = [a_promotion_without_the_register, a_former_primary, the_wrong_upstream, deleted_data, other_rows]

if __name__ == "__main__":
    lab.main(SCENARIOS)
