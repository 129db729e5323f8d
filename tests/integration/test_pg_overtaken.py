#!/usr/bin/python3
"""A named primary that comes back with an older volume while its standbys run does not start behind them; one that only
crashed does, however often, and whatever it left half written."""

import contextlib
import os
import shutil
import threading

from common import lab, postgres
from lab import check, equal, note
from pg_cells import hold, refused
from pg_histories import PAGE, SEGMENT, note_who, tables, write

REFUSED = 65
OVERTAKEN = "the register names this pod as the primary, and a standby has WAL of this volume's timeline"
DEBUG = {"ORDAIN_LOG_LEVEL": "debug"}


# ---- an older volume

@contextlib.contextmanager
def behind_its_standbys(world, later, clean=False, **options):
    """pg-0, the named primary, waits before its start, its volume of before LATER(one) and the table "newer"; answers the
    lab and its stand. CLEAN: the picture is of a server that was stopped."""
    with postgres(world, **options) as one:
        one.up(90)
        note_who(one, 0, "older")
        one.wait_healthy(60)
        stand = hold(one, 0, lambda: one.pods[0].recreate(force=not clean))
        stand.keep("snapshot")
        stand.go_on()
        one.wait_ready(60)
        note_who(one, 0, "newer")
        later(one)
        one.wait_healthy(60)
        stand = hold(one, 0, lambda: one.pods[0].recreate(force=True))
        stand.put("snapshot")
        yield one, stand


def is_refused(one, stand):
    """plan, init and exec refuse and touch nothing; so does the pod, again and again."""
    refused(stand, REFUSED, OVERTAKEN, "move their PGDATA away", "ordain promote postgres")
    check("has WAL that this volume has not, from " in stand.plan()[0].out, "plan tells the position")
    starts = len(stand.pod.exit_codes["init"])
    stand.go_on()
    one.wait(lambda: len(stand.pod.exit_codes["init"]) >= starts + 2, 60, "it ends, twice", stand.pod.describe)
    equal(set(stand.pod.exit_codes["init"][starts:]), {REFUSED}, "its init")


def standby_is_right(one):
    """`ordain promote postgres` alone; the old primary follows with what it has."""
    result = one.job("ordain", "promote", "postgres", "--peer-is-dead", "pg-0", "--timeout", "50s")
    equal(result.rc, 0, f"promote: {result!r}")
    one.wait_ready(90)
    one.wait_healthy(60)
    check("it becomes its standby" in one.pods[0].log("init"), one.pods[0].log("init"))
    for pod in one.pods:
        equal(tables(one, pod.ordinal), ["newer", "older"], f"{pod.name}'s history")


def volume_is_right(one):
    """The other pods are stopped and their PGDATA moved away; the primary starts, and they clone."""
    for pod in one.pods[1:]:
        pod.delete()
        shutil.move(one.pgdata(pod.ordinal), one.pgdata(pod.ordinal) + ".newer")
    one.wait(lambda: one.pods[0].ready, 60, "the restored volume's server", one.pods[0].describe)
    note_who(one, 0, "other")
    for pod in one.pods[1:]:
        pod.recreate()
    one.wait_ready(90)
    one.wait_healthy(60)
    for pod in one.pods:
        equal(tables(one, pod.ordinal), ["older", "other"], f"{pod.name}'s history")


def overtaken(world, version):
    """Far behind; the standbys are right."""
    with behind_its_standbys(world, lambda one: write(one, 0, 40000), version=version) as (one, stand):
        is_refused(one, stand)
        standby_is_right(one)


def older_picture(world):
    """a primary's volume becomes older while its standbys run: it does not start, and a promotion settles it"""
    overtaken(world, "15")


def older_picture_13(world):
    """the same with PostgreSQL 13"""
    overtaken(world, "13")


def older_picture_18(world):
    """the same with PostgreSQL 18"""
    overtaken(world, "18")


def restored_on_purpose(world):
    """the older volume is the right one, of a server that was stopped: the others' PGDATA is moved away, and it starts"""
    with behind_its_standbys(world, lambda one: None, clean=True) as (one, stand):
        is_refused(one, stand)
        volume_is_right(one)


def switched(one):
    """The standbys rest at the beginning of an empty segment, and the one before ends empty."""
    one.sql(0, "SELECT pg_switch_wal()", inside=True)
    one.wait(lambda: position(one, 1) % SEGMENT == 0, 30, "pg-1 is at a segment's beginning")


def older_by_a_switch(world):
    """the standby's last megabytes are a segment's empty rest: the last record is looked for before it"""
    with behind_its_standbys(world, switched, replicas=2) as (one, stand):
        refused(stand, REFUSED, OVERTAKEN)
        with one.cut(one.pods[0], one.pods[1], how="reset"):
            equal(stand.plan()[2], "start as primary", "who cannot be asked changes nothing")


def silent_node(world):
    """a standby's node is dead: the named primary starts within seconds, and the one that answers is heard"""
    with behind_its_standbys(world, lambda one: write(one, 0, 100)) as (one, stand):
        for dead, rc in ((one.pods[1:2], REFUSED), (one.pods[1:], 1)):
            with contextlib.ExitStack() as cuts:
                for pod in dead:
                    cuts.enter_context(one.cut(stand.pod, pod, how="drop"))
                begin = one.elapsed()
                result = stand.plan()[0]
                took_s = one.elapsed() - begin
            equal(result.rc, rc, f"{len(dead)} dead: {result!r}")
            check(took_s < 2.5, f"{len(dead)} dead: {took_s:.1f} s")
            note(f"{len(dead)} of 2 standbys silent: {took_s:.2f} s")


# ---- only a crash

MESSAGES = "SELECT pg_logical_emit_message(true, 'x', repeat('y', 3000 + n)), pg_sleep(0.001) FROM generate_series(1, 3000) n"


def bulk(one, stop):
    """WAL without end, and hardly a commit: its WAL writer flushes whole pages, and sends half records."""
    while not stop.is_set():
        with contextlib.suppress(lab.Unreachable, lab.SqlError):
            one.sql(0, MESSAGES, inside=True, timeout_s=5)


@contextlib.contextmanager
def bulk_written(one):
    """The same in the background."""
    stop = threading.Event()
    thread = threading.Thread(target=bulk, args=(one, stop), daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(60)


def position(one, index):
    """Where a standby's WAL ends, as a number."""
    return int(one.value(index, "SELECT GREATEST(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn()) - '0/0'", inside=True))


def crashes(world, version, times):
    """Killed in the middle of much WAL, with its standbys connected; each time it starts, after a comparison with them."""
    with postgres(world, version=version) as one, one.guard():
        one.up(90)
        half = compared = 0
        with one.writer(pause_s=0.3) as writer, bulk_written(one):
            for _ in range(times):
                writer.wait_rows(2)
                one.wait(lambda: position(one, 1) % PAGE == 0, 30, "half a record is sent")
                stand = hold(one, 0, lambda: one.pods[0].recreate(force=True))
                result, _, action, _ = stand.plan(**DEBUG)
                equal(action, "start as primary", f"{result!r}")
                compared += result.err.count("no WAL that this volume has not")
                half += position(one, 1) % PAGE == 0
                stand.go_on()
                one.pods[0].wait_ready(60)
        one.wait_ready(60)
        one.wait_healthy(60)
        for pod in one.pods:
            equal(writer.lost(pod.ordinal), [], f"{pod.name}'s rows")
        equal([code for pod in one.pods for code in pod.exit_codes["init"] if code == REFUSED], [], "refusals")
        note(f"{times} crashes with PostgreSQL {version}, {half} with half a record, {compared} comparisons")
        check(compared >= times, f"{compared} comparisons")
        check(half > 0, "no crash left half a record")


def crashed(world):
    """a primary that is killed again and again under load starts again each time"""
    crashes(world, "15", 20)


def crashed_13(world):
    """the same with PostgreSQL 13"""
    crashes(world, "13", 5)


def crashed_18(world):
    """the same with PostgreSQL 18"""
    crashes(world, "18", 5)


def crashed_twice(world):
    """while its standbys are away it recovers from half a record, writes, and crashes again before they are back"""
    with postgres(world) as one:
        one.up(90)
        for number in range(5):
            with bulk_written(one):
                before = position(one, 1)
                one.wait(lambda: position(one, 1) > before + (1 << 20) and position(one, 1) % PAGE == 0, 30,
                         "half a record is sent")
                stand = hold(one, 0, lambda: one.pods[0].recreate(force=True))
            with contextlib.ExitStack() as cuts:
                for pod in one.pods[1:]:
                    cuts.enter_context(one.cut(stand.pod, pod, how="reset"))
                stand.go_on()
                one.pods[0].wait_ready(60)
                one.sql(0, f"CREATE TABLE crash_{number} AS SELECT 1 AS one", inside=True)
                stand = hold(one, 0, lambda: one.pods[0].recreate(force=True))
            equal(stand.plan()[2], "start as primary", f"round {number}")
            stand.go_on()
            one.wait_ready(60)
            one.wait_healthy(60)


def erase(stand, begin, end):
    """That WAL did not reach the primary's disk."""
    while begin < end:
        number, until = begin // SEGMENT, min(end, begin - begin % SEGMENT + SEGMENT)
        path = stand.path(f"pg_wal/00000001{number // 256:08X}{number % 256:08X}")
        if os.path.exists(path):
            with open(path, "r+b") as file:
                file.seek(begin % SEGMENT)
                file.write(bytes(until - begin))
        begin = until


def power_cut(world):
    """what was never flushed is lost, or of half a record a part: it starts; a record that a standby has: it does not"""
    with postgres(world) as one:
        one.up(90)
        with bulk_written(one):
            before = position(one, 1)
            one.wait(lambda: position(one, 1) > before + (1 << 20) and position(one, 1) % PAGE == 0, 30,
                     "half a record is sent")
            stand = hold(one, 0, lambda: one.pods[0].recreate(force=True))
        sent = max(position(one, 1), position(one, 2))
        check(sent % PAGE == 0, "half a record is at the end")
        stand.keep("whole")
        erase(stand, sent, sent + 2 * PAGE)
        equal(stand.plan()[2], "start as primary", "nothing is behind it")
        erase(stand, sent - 1, sent)
        equal(stand.plan()[2], "start as primary", "half a record is shorter")
        erase(stand, sent - 20000, sent)
        refused(stand, REFUSED, OVERTAKEN, commands=("plan",))
        stand.put("whole")
        stand.go_on()
        one.wait_ready(60)
        one.wait_healthy(60)
        one.sql(0, "CREATE TABLE last AS SELECT 1 AS one", inside=True)
        one.wait_healthy(60)
        stand = hold(one, 0, lambda: one.pods[0].recreate(force=True))
        sent = position(one, 1)
        erase(stand, sent - 16, sent)
        refused(stand, REFUSED, OVERTAKEN)


SCENARIOS = [older_picture, older_picture_13, older_picture_18, restored_on_purpose, older_by_a_switch, silent_node,
             crashed, crashed_13, crashed_18, crashed_twice, power_cut]

if __name__ == "__main__":
    lab.main(SCENARIOS, needs=[lab.ordain_binary()])
