#!/usr/bin/python3
"""Two databases that wrote on one timeline: identifiers, timelines and positions fit, and what is written differs. A
standby takes its last WAL from the named primary and compares; what is only torn, damaged, removed or older is no
second history."""

import contextlib
import os
import random
import re
import shutil
import signal

from common import lab, postgres
from lab import check, equal, note
from pg_cells import PROMOTED, hold, refused
from pg_histories import PAGE, SEGMENT, note_who, tables, write

REFUSED = 65
FORKED = "PGDATA has WAL of the named primary's own timeline"
ALIKE = "it is the named primary's"


def promote(one, name, dead):
    """By ordain."""
    result = one.job("ordain", "promote", "postgres", name, "--peer-is-dead", dead, "--timeout", "50s")
    equal(result.rc, 0, f"promote: {result!r}")


def refuses(one, pod):
    """init ends with 65, again and again, and touches nothing."""
    before = lab.take(one.pgdata(pod.ordinal))
    starts = len(pod.exit_codes["init"])
    pod.recreate()
    one.wait(lambda: len(pod.exit_codes["init"]) >= starts + 2, 60, f"{pod.name} ends, twice", pod.describe)
    equal(set(pod.exit_codes["init"][starts:]), {REFUSED}, f"{pod.name}'s init")
    check(FORKED in pod.log("init"), pod.log("init"))
    equal(lab.differences(before, lab.take(one.pgdata(pod.ordinal))), [], "touched")


def picture_taken(one):
    """Born, and a snapshot of the primary's volume is kept."""
    one.up(90)
    note_who(one, 0, "older")
    one.wait_healthy(60)
    one.pods[0].delete(force=True)
    one.pods[0].volume.save("snapshot")
    one.pods[0].recreate()
    one.wait_ready(60)


@contextlib.contextmanager
def older_primary(world, **options):
    """A set whose power is cut, and whose primary comes back with a snapshot of before its newest rows, alone, and
    writes past where its standbys ended."""
    with postgres(world, **options) as one:
        picture_taken(one)
        note_who(one, 0, "newer")
        one.wait_healthy(60)
        one.delete_all(force=True)
        one.pods[0].volume.restore("snapshot")
        one.pods[0].recreate()
        one.pods[0].wait_ready(60)
        note_who(one, 0, "other")
        write(one, 0, 2000)
        yield one


def nobody_follows_an_older_primary(world, version):
    """Nobody follows, nothing is touched; the person's word, given by moving a PGDATA away, settles it either way."""
    with older_primary(world, version=version) as one:
        for pod in one.pods[1:]:
            refuses(one, pod)
        one.pods[2].delete()
        shutil.rmtree(one.pgdata(2))  # the primary's data is right, for this one
        one.pods[2].recreate()
        one.pods[2].wait_ready(60)
        equal(tables(one, 2), ["older", "other"], "a clone of the restored primary")
        one.pods[2].delete()
        shutil.rmtree(one.pgdata(2))
        one.pods[0].delete()
        os.rename(one.pgdata(0), one.pgdata(0) + ".mine")  # the standby's data is right
        one.pods[0].recreate()
        one.pods[1].wait_phase("Running", 60)
        one.wait(lambda: one.is_primary(1) is False, 60, "pg-1 starts", one.pods[1].describe)
        promote(one, "pg-1", "pg-0,pg-2")
        one.pods[2].recreate()
        one.wait_ready(90)
        one.wait_healthy(60)
        for pod in one.pods:
            equal(tables(one, pod.ordinal), ["newer", "older"], f"{pod.name}'s history")


def restored_primary(world):
    """a primary restored from before its standbys' last rows has written past them: all refuse, and either side may win"""
    nobody_follows_an_older_primary(world, "15")


def restored_primary_13(world):
    """the same with PostgreSQL 13"""
    nobody_follows_an_older_primary(world, "13")


def restored_primary_18(world):
    """the same with PostgreSQL 18"""
    nobody_follows_an_older_primary(world, "18")


def promoted_past(world):
    """a restored primary has written on, gone to a later timeline and come back: before the fork the histories differ"""
    with older_primary(world) as one:
        one.pods[2].delete()
        shutil.rmtree(one.pgdata(2))
        one.pods[2].recreate()
        one.pods[2].wait_ready(60)
        one.pods[0].delete()
        promote(one, "pg-2", "pg-0,pg-1")
        one.pods[0].recreate()
        one.pods[0].wait_ready(60)
        check("it becomes its standby" in one.pods[0].log("init"), one.pods[0].log("init"))
        one.wait(lambda: "pg-0" in one.streaming(2), 30, "pg-0 follows pg-2")
        one.pods[2].delete()
        promote(one, "pg-0", "pg-1,pg-2")
        refuses(one, one.pods[1])


# ---- two promotions took one number

def emit(one, index, count):
    """A record of so many bytes, which tells no time."""
    one.sql(index, f"SELECT pg_logical_emit_message(false, 'x', repeat('x', {count}))", inside=True)


def enter_segment(one, index):
    """The primary's WAL goes on some hundred bytes behind a segment's beginning; answers where the segment begins."""
    def here():
        return int(one.value(index, "SELECT pg_current_wal_insert_lsn() - '0/0'", inside=True))
    for rest in (60000, 2000, -300):  # the pages' headers come on top
        emit(one, index, SEGMENT - here() % SEGMENT - rest)
    return here() // SEGMENT * SEGMENT


def compared_from(text):
    """Where the comparison that `plan` tells of begins."""
    found = re.search(r"^ +from ([0-9A-F]+)/([0-9A-F]+) to .* it is the named primary's", text, re.MULTILINE)
    check(found, f"a comparison is told: {text}")
    return (int(found[1], 16) << 32) + int(found[2], 16)


def one_number(world, version):
    """pg-2 was promoted by hand, and pg-1 by ordain, right behind a segment's beginning: both are timeline 2. Before it the
    primary has that segment's WAL under the older number alone, at last not at all, and goes on to a timeline 3."""
    with postgres(world, version=version) as one:
        one.up(90)
        segment = enter_segment(one, 0)
        one.wait_healthy(30)
        other = hold(one, 2)
        other.shell(PROMOTED.replace("-c listen", "-c wal_keep_size=64 -c listen"))
        former = hold(one, 0, lambda: one.pods[0].recreate(force=True))
        promote(one, "pg-1", "pg-0,pg-2")
        emit(one, 1, 20000)
        refused(other, REFUSED, FORKED)
        check("it is another than the named primary's" in other.plan()[0].out, other.plan())
        check(compared_from(plan(former)) < segment, "what lies before is compared, too")
        former.go_on()
        one.pods[0].wait_ready(60)
        one.wait(lambda: "pg-0" in one.streaming(1), 30, "pg-0 follows pg-1")
        note("a standby of timeline 2, whose last WAL began on timeline 1")
        stand = hold(one, 0)
        check(compared_from(plan(stand)) < segment, "both timelines' segments are asked for")
        older = f"{segment // SEGMENT - 1:08X}"
        os.unlink(os.path.join(one.pgdata(1), "pg_wal", f"{1:08X}{0:08X}{older}"))
        equal(compared_from(plan(stand)), segment, "the newer one's alone")
        refused(other, REFUSED, FORKED)
        note("a third timeline, in the same segment")
        stand.go_on()
        one.pods[0].wait_ready(60)
        one.wait(lambda: "pg-0" in one.streaming(1), 30, "pg-0 follows pg-1")
        last = hold(one, 1)
        promote(one, "pg-0", "pg-1,pg-2")
        emit(one, 0, 8000)
        refused(other, REFUSED, FORKED)
        plan(last, ALIKE, "left this pod's timeline at")
        last.go_on()
        one.wait(lambda: "pg-1" in one.streaming(0), 60, "pg-1 follows pg-0")


def one_number_13(world):
    """two promotions gave one number, just behind a segment's beginning: told apart; whoever is honest follows"""
    one_number(world, "13")


def one_number_15(world):
    """the same with PostgreSQL 15"""
    one_number(world, "15")


def one_number_18(world):
    """the same with PostgreSQL 18"""
    one_number(world, "18")


# ---- what is no second history

def plan(stand, *words):
    """It starts as a standby, and `plan` says of the comparison what is expected."""
    result, _, action, sentence = stand.plan()
    check(action in ("start as standby", "become a standby"), f"{action}: {sentence}: {result!r}")
    for word in words:
        check(word in result.out, f"{word!r} is told: {result.out}")
    return result.out


def then_healthy(stand):
    """It starts, streams, and was not cloned."""
    stand.go_on()
    stand.one.wait_ready(60)
    stand.one.wait_healthy(60)
    equal(stand.pod.log("init").count("info: cloned"), min(stand.pod.ordinal, 1), "clones in all its lives")


def last_wal(stand):
    """The path of the segment in which a stopped standby's control file says that it ended, and where."""
    control = stand.one.control(stand.pod.ordinal)
    end = max(control.min_recovery, control.redo)
    name = f"{control.timeline:08X}{(end - 1) // SEGMENT // 256:08X}{(end - 1) // SEGMENT % 256:08X}"
    return stand.path(f"pg_wal/{name}"), (end - 1) % SEGMENT + 1


def no_second_history(world, version):
    """One set, one pod after the other."""
    with postgres(world, version=version) as one:
        one.up(90)
        write(one, 0, 100)
        one.wait_healthy(60)
        stand = hold(one, 1)
        plan(stand, ALIKE)
        stand.volume.save("old")
        write(one, 0, 3000)
        plan(stand, ALIKE)
        then_healthy(stand)
        note("a standby's own older volume is its primary's past")
        stand = hold(one, 1)
        stand.volume.restore("old")
        plan(stand, ALIKE)
        then_healthy(stand)
        note("a damaged byte in a standby's last WAL is no other history")
        write(one, 0, 200)
        one.wait_healthy(60)
        stand = hold(one, 1)
        damaged_bytes(stand)
        then_healthy(stand)
        note("a killed standby, its last record torn")
        torn_records(one)
        note("a clean former primary")
        former_primary(one)


def damaged_bytes(stand):
    """Any one byte of the last pages is another one. The last try stays."""
    path, end = last_wal(stand)
    choose = random.Random(4711)
    tries = 40
    for number in range(tries):
        at = end - 1 - choose.randrange(min(end, 3 * PAGE))
        with open(path, "r+b") as file:
            file.seek(at)
            was = file.read(1)
            file.seek(at)
            file.write(bytes([was[0] ^ 1 << choose.randrange(8)]))
        plan(stand)
        if number + 1 < tries:
            with open(path, "r+b") as file:
                file.seek(at)
                file.write(was)


def torn_records(one):
    """Power fails while rows come in; the end of what the standby had received did not reach the disk whole."""
    for cut in (3, 40, 5000):
        with one.writer(pause_s=0) as writer:
            writer.wait_rows(100)
            stand = hold(one, 1, lambda: one.pods[1].recreate(force=True))
        path, end = last_wal(stand)
        with open(path, "r+b") as file:
            whole = file.read()
            last = len(whole.rstrip(b"\0"))
            file.seek(max(last, end) - cut)
            file.write(bytes(cut))
        plan(stand, ALIKE)
        then_healthy(stand)
        equal(writer.lost(1), [], "rows")


def former_primary(one):
    """It was stopped in order and has all that its successor has: no clone, and the bytes of before the fork are asked
    for on the timeline of old."""
    stand = hold(one, 0)
    promote(one, "pg-1", "pg-0")
    write(one, 1, 100)
    one.wait(lambda: "pg-2" in one.streaming(1), 30, "pg-2 follows pg-1")
    plan(stand, ALIKE, "left this pod's timeline at")
    then_healthy(stand)


def no_other_history(world):
    """older, damaged, torn, clean: what a standby or a former primary may have and follow with"""
    no_second_history(world, "15")


def no_other_history_13(world):
    """the same with PostgreSQL 13"""
    no_second_history(world, "13")


def no_other_history_18(world):
    """the same with PostgreSQL 18"""
    no_second_history(world, "18")


def power_cut(world):
    """power fails everywhere under load, three times: everybody comes back by itself, and no row is lost"""
    with postgres(world) as one, one.guard():
        one.up(90)
        with one.writer(pause_s=0) as writer:
            for _ in range(3):
                writer.wait_rows(300 * (_ + 1))
                one.restart_all(force=True)
                one.wait_ready(90)
        one.wait_healthy(60)
        for pod in one.pods:
            equal(writer.lost(pod.ordinal), [], f"{pod.name}'s rows")
            equal([code for code in pod.exit_codes["init"] if code == REFUSED], [], f"{pod.name}'s refusals")


def wal_is_gone(world):
    """the primary has removed the WAL of there: nothing is proved, and the standby starts as it did"""
    with postgres(world, replicas=2) as one:
        one.up(90)
        one.wait_healthy(60)
        stand = hold(one, 1)
        end = one.control(1).min_recovery

        def gone():
            one.sql(0, "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE NOT active", inside=True)
            write(one, 0, 1)
            for command in ("SELECT pg_switch_wal()", "CHECKPOINT"):
                one.sql(0, command, inside=True)
            first = one.value(0, "SELECT min(name) FROM pg_ls_waldir() WHERE length(name) = 24", inside=True)
            return (int(first[8:16], 16) * 256 + int(first[16:], 16)) * SEGMENT > end
        one.wait(gone, 60, "the WAL is recycled")
        result, _, action, _ = stand.plan()
        check("it could not be compared with the named primary's" in result.out and "removed" in result.out, result.out)
        equal(action, "start as standby", result.out)


def unreached_standby(world):
    """a standby that could not be asked while its primary became older is not ready, says why, and keeps what it has"""
    with postgres(world, replicas=2) as one:
        picture_taken(one)
        write(one, 0, 40000)
        note_who(one, 0, "newer")
        one.wait_healthy(60)
        one.pods[0].delete(force=True)
        one.pods[0].volume.restore("snapshot")
        stand = hold(one, 0, one.pods[0].recreate)
        with one.cut(one.pods[0], one.pods[1], how="drop"):
            stand.go_on()
            one.wait(lambda: one.is_primary(0), 60, "it starts, whoever does not answer", one.pods[0].describe)
        one.wait(lambda: "of the two volumes is an old one" in one.pods[1].probe_words.get("readiness", ""), 60,
                 "its probe says it", lambda: one.pods[1].probe_words)
        one.wait(lambda: not one.pods[1].ready, 30, "it is not ready", lambda: one.pods[1].probe_words)
        equal(tables(one, 1), ["newer", "older"], "its rows")
        one.pods[1].kill(number=signal.SIGKILL)
        one.wait(lambda: FORKED in one.pods[1].log(), 60, "exec refuses, too", one.pods[1].describe)
        stand = hold(one, 1)
        refused(stand, REFUSED, "move this PGDATA away", "ordain promote postgres")


SCENARIOS = [restored_primary, restored_primary_13, restored_primary_18, promoted_past, one_number_13, one_number_15,
             one_number_18, no_other_history, no_other_history_13, no_other_history_18, power_cut, wal_is_gone, unreached_standby]

if __name__ == "__main__":
    lab.main(SCENARIOS, needs=[lab.ordain_binary()])
