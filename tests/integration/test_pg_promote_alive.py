#!/usr/bin/python3
"""Promotions beside a primary that is given up and lives: it reaches the standbys, and the Job does not reach it."""

import collections
import contextlib
import fcntl
import os
from concurrent.futures import ThreadPoolExecutor

from common import lab, postgres
from lab import check, equal

End = collections.namedtuple("End", "interface")


def synchronous(world):
    """A healthy set of which every commit waits for one standby."""
    one = postgres(world)
    one.up(90)
    one.wait_healthy(30)
    result = one.job("ordain", "form", "postgres", "--synchronous", "1")
    equal(result.rc, 0, f"form: {result!r}")
    return one


def job_of(one, number):
    """The end of the wire that the lab's Job of this number will have."""
    return End(f"{one.group}j{number}")


def promote(one, *words, begin=(), number=2):
    """`ordain promote postgres --peer-is-dead pg-0` as the Job of this number, which does not reach pg-0."""
    with one.cut(one.pods[0], job_of(one, number)):
        return one.job(*begin, "ordain", "promote", "postgres", *words, "--peer-is-dead", "pg-0")


def held(one, index):
    """Since when a standby takes WAL from nobody; None: it does."""
    conninfo = one.value(index, "SHOW primary_conninfo", inside=True)
    return conninfo.split("held-since-")[1].split(".")[0] if "held-since-" in conninfo else None


def everything_is_there(one, writer):
    """The new primary has every acknowledged row."""
    one.wait_healthy(60)
    writer.pause()
    one.wait_healthy(30)
    equal(writer.lost(one.named().ordinal), [], "lost rows")


def a_primary_that_goes_on(world):
    """a primary that is given up goes on writing: no commit that it confirms is lost"""
    with synchronous(world) as one, one.guard(), one.writer(pause_s=0) as writer:
        writer.wait_rows(200)
        result = promote(one)
        equal(result.rc, 0, f"promote: {result!r}")
        check(one.named() is not one.pods[0], "another pod is named")
        everything_is_there(one, writer)


def a_register_that_is_slow(world):
    """it is locked while promote wants to write it: the standbys take no WAL for as long, and nothing is lost"""
    with synchronous(world) as one, one.guard(), one.writer(pause_s=0.01) as writer:
        writer.wait_rows(100)
        lock = os.open(os.path.join(one.register, ".pg-ordain.lock"), os.O_RDWR)
        fcntl.flock(lock, fcntl.LOCK_EX)
        with ThreadPoolExecutor(1) as pool, one.cut(one.pods[1], one.pods[0]):
            result = pool.submit(promote, one)
            try:
                seen = set()
                for _ in range(3):
                    one.wait(lambda: held(one, 2) not in seen | {None}, 30, "pg-2 is held, again and again")
                    seen.add(held(one, 2))
                equal(one.named(), one.pods[0], "the register was not changed")
            finally:
                os.close(lock)
            equal(result.result().rc, 0, f"promote: {result.result()!r}")
        everything_is_there(one, writer)


@contextlib.contextmanager
def between_look_and_register(world, *words):
    """A promotion of pg-1 that has looked and waits for the register's lock; the standbys have the same. Yields the
    set, its writer, whom pg-2 followed, and what lets the promotion go on and answers with its result."""
    with synchronous(world) as one, one.guard() as guard, one.writer(pause_s=0.01) as writer:
        writer.wait_rows(100)
        writer.pause()  # both have the same, so that the choice falls on pg-1
        one.wait_healthy(30)
        whom = one.value(2, "SHOW primary_conninfo", inside=True)
        lock = os.open(os.path.join(one.register, ".pg-ordain.lock"), os.O_RDWR)
        fcntl.flock(lock, fcntl.LOCK_EX)

        def let_go():
            nonlocal lock
            os.close(lock)
            lock = -1
            return result.result()
        with ThreadPoolExecutor(1) as pool:
            result = pool.submit(promote, one, *words)
            try:
                one.wait(lambda: held(one, 1) and held(one, 2), 30, "both are held")
                looks = guard.looks  # promote waits 3 s for the primary in its look, then it wants the lock
                one.wait(lambda: guard.looks >= looks + 18, 30, "promote has looked")
                yield one, writer, whom, let_go
            finally:
                if lock >= 0:
                    os.close(lock)
        everything_is_there(one, writer)


def a_standby_that_starts_anew(world):
    """a held standby's container starts anew before the register is changed: it is held still, and confirms nothing"""
    with between_look_and_register(world) as (one, writer, _, let_go):
        since = held(one, 2)
        one.pods[2].kill()
        one.wait(lambda: one.pods[2].restarts["main"] and one.is_primary(2) is False, 30, "pg-2 answers again")
        writer.resume()
        equal(held(one, 2), since, "since when it is held")
        equal(one.sql(2, "SELECT status FROM pg_stat_wal_receiver", inside=True), [], "its receiver")
        result = let_go()
        equal(result.rc, 0, f"promote: {result!r}")
        equal(one.named(), one.pods[1], "the named primary")


def a_standby_that_is_led_back(world, *words):
    """somebody leads a held standby back to the old primary before the register is changed: what it received counts"""
    with between_look_and_register(world, *words) as (one, writer, whom, let_go):
        with one.cut(one.pods[1], one.pods[0]):
            for command in (f"ALTER SYSTEM SET primary_conninfo = $whom${whom}$whom$", "SELECT pg_reload_conf()"):
                one.sql(2, command, inside=True)
            writer.resume()
            writer.wait_rows(20)
            result = let_go()
        equal(result.rc, 0, f"promote: {result!r}")
        equal(one.named(), one.pods[2], "who has more")


def a_named_standby_that_is_outrun(world):
    """the same where the person named the pod: once the register names it, nobody can be refused any more"""
    a_standby_that_is_led_back(world, "pg-1")


def a_standby_that_reads_its_own_wal(world):
    """one that confirmed commits was restarted and has not replayed them: it is waited for, and it takes over"""
    with synchronous(world) as one, one.guard(), one.writer(pause_s=0.005) as writer:
        for command in ("ALTER SYSTEM SET recovery_min_apply_delay = '1h'", "SELECT pg_reload_conf()"):
            one.sql(2, command, inside=True)
        writer.wait_rows(50)
        with one.cut(one.pods[1], one.pods[0]):
            writer.wait_rows(100)
            one.pods[0].delete(force=True)
        writer.pause()
        one.pods[2].kill()
        one.wait(lambda: one.pods[2].restarts["main"] and one.is_primary(2) is False, 30, "pg-2 answers again")
        words = ("ordain", "promote", "postgres", "--peer-is-dead", "pg-0", "--timeout")
        result = one.job(*words, "3s")
        equal(result.rc, 75, f"promote: {result!r}")
        check("how far its WAL goes" in result.err and "pg-2" in result.err, result.err)
        for command in ("ALTER SYSTEM RESET recovery_min_apply_delay", "SELECT pg_reload_conf()"):
            one.sql(2, command, inside=True)
        result = one.job(*words, "30s")
        equal(result.rc, 0, f"promote: {result!r}")
        equal(one.named(), one.pods[2], "who has more")
        equal(writer.lost(2), [], "lost rows")
        one.pods[0].held = False
        one.wait_healthy(60)


def a_promotion_without_time(world):
    """the deadline comes between two looks: no pod that answers is called one that may be given up"""
    with synchronous(world) as one:
        for number, limit in enumerate(("3300ms", "5s"), 2):
            result = promote(one, "--timeout", limit, number=number)
            equal(result.rc, 75, f"promote: {result!r}")
            check("set a longer --timeout" in result.err and "pg-1" not in result.err.splitlines()[-1], result.err)
            equal(one.named(), one.pods[0], "the register")
            one.wait_healthy(30)


def a_promotion_killed_before_the_register(world):
    """killed while the standbys take WAL from nobody: they follow the primary again by themselves"""
    with synchronous(world) as one, one.guard(), one.writer() as writer:
        writer.wait_rows(50)
        result = promote(one, begin=("timeout", "--signal=KILL", "4.5"))
        equal(result.rc, 137, f"promote: {result!r}")
        equal(one.named(), one.pods[0], "the register was not changed")
        check(held(one, 1), "pg-1 is held")
        result = one.job("ordain", "form", "postgres", "--timeout", "1s")
        equal(result.rc, 75, f"form: {result!r}")
        check("a promotion is under way" in result.err, result.err)
        check(held(one, 1), "pg-1 is still held")
        everything_is_there(one, writer)


def a_standby_that_diverges_while_it_runs(world):
    """it has WAL that the new primary never had: its probe ends it, and it is cloned with the old data kept"""
    with postgres(world) as one, one.guard():
        one.up(90)
        one.wait_healthy(30)
        with one.writer() as writer:
            writer.wait_rows(20)
            one.pods[1].delete()
            writer.wait_rows(20)
            with one.cut(one.pods[1], one.pods[0]), one.cut(one.pods[2], job_of(one, 1)):
                one.pods[1].held = False
                one.wait(lambda: one.is_primary(1) is False, 30, "pg-1 answers")
                one.pods[0].delete(force=True)
                result = one.job("ordain", "promote", "postgres", "--peer-is-dead", "pg-0,pg-2")
                equal(result.rc, 0, f"promote: {result!r}")
            one.wait(lambda: one.pods[2].restarts["main"], 30, "pg-2's container starts anew")
            one.pods[0].held = False
            one.wait_healthy(60)
        for index in (0, 2):
            kept = [name for name in lab.take(one.pods[index].volume.path) if ".diverged-" in name]
            check(kept, f"pg-{index} keeps what it had")


def a_clone_that_was_never_whole(world):
    """it waits for the WAL of a primary that is gone, and takes no session: its container starts anew, and it is cloned"""
    with postgres(world) as one, one.guard():
        one.up(90)
        one.wait_healthy(30)
        first, second, third = one.pods
        with one.writer() as writer:
            writer.wait_rows(20)
            third.close_gate("main")
            third.recreate(keep_volume=False)
            one.wait(lambda: third.at_gate("main"), 30, "it is cloned")
            with one.cut(third, first):
                third.open_gate("main")
                one.wait(lambda: "not consistent yet" in third.probe_words["readiness"], 30, "it is not whole",
                         lambda: third.probe_words)
                first.delete(force=True)
                result = one.job("ordain", "promote", "postgres", "--peer-is-dead", "pg-0,pg-2")
                equal(result.rc, 0, f"promote: {result!r}")
            third.wait_ready(60)
            equal((one.named(), third.lives), (second, 2), "the primary, and lives of the clone's pod")
            first.held = False
            one.wait_healthy(60)


SCENARIOS = [a_primary_that_goes_on, a_register_that_is_slow, a_standby_that_starts_anew,
             a_standby_that_is_led_back, a_named_standby_that_is_outrun, a_standby_that_reads_its_own_wal,
             a_promotion_without_time, a_promotion_killed_before_the_register, a_standby_that_diverges_while_it_runs,
             a_clone_that_was_never_whole]

if __name__ == "__main__":
    lab.main(SCENARIOS, needs=[lab.ordain_binary()])
