"""The end of the valid WAL as ordain finds it in files, held to where real servers of each version end their recovery
after every kind of stop, and to where a promotion forks off."""

import contextlib
import os
import re
import shutil
import signal
import subprocess

from pg_formats import ADDRESS, MB, STANDBY, Told, caught_up, home, kill, on_each_version, pair
from pg_stage import DEBIAN, case, equal, main, run, server, true, wait

NEWEST = 2**32 - 1
PAGE = 8192


def walk(data, start="-", past="-", newest=NEWEST, timeout_ms=60_000, status=0):
    """What ordain finds from START (the checkpoint) on, no further than PAST asks."""
    return Told("wal", data, start, past, newest, timeout_ms, status=status)


def wal_end(data, newest=NEWEST):
    """The end of the WAL, from the checkpoint and from redo."""
    told = walk(data, newest=newest)
    redo = walk(data, Told("control", data)["redo"], newest=newest)
    equal(redo["end"], told["end"], "end of a walk from redo")
    return told


def number(lsn):
    high, low = lsn.split("/")
    return int(high, 16) << 32 | int(low, 16)


def text(lsn):
    return f"{lsn >> 32:X}/{lsn & 0xffffffff:X}"


class Words:
    """What a server says of its own recovery."""

    def __init__(self, one):
        said = one.log.read_text(encoding="utf-8", errors="replace")
        self.all = said
        self.last = self._one(r"redo done at ([0-9A-F]+/[0-9A-F]+)")
        self.not_required = "redo is not required" in said
        # The place of the first record that is none; behind the page's header where it would begin a page.
        self.invalid = self._one(r"LOG:  (?!redo|checkpoint|starting|database).* at ([0-9A-F]+/[0-9A-F]+)")

    def _one(self, pattern):
        found = re.findall(pattern, self.all)
        return found[-1] if found else None


def restart_agrees(one, told):
    """Starts the server again: its recovery ends where ordain said."""
    one.log.unlink()
    one.start()
    words = Words(one)
    if words.not_required:
        equal(told["records"], "1", "records where redo is not required")
    else:
        equal(told["last"], words.last, f"last record\n{words.all}")
    if words.invalid is not None:
        end, invalid = number(told["end"]), number(words.invalid)
        headers = {0} if end % PAGE else {0, 24, 40}
        true(invalid - end in headers, f"end {told['end']}, the server: {words.invalid}\n{words.all}")
    return words


@contextlib.contextmanager
def load(one):
    """Somebody writes rows of every size, each committed."""
    one.sql("CREATE TABLE IF NOT EXISTS load (n bigserial, t text)")
    command = """DO $$ BEGIN LOOP
        INSERT INTO load (t) SELECT string_agg(md5(random()::text), '') FROM generate_series(1, 1 + (random() * 900)::int);
        IF random() < 0.02 THEN UPDATE load SET t = 'x' || t WHERE n % 7 = 0; DELETE FROM load WHERE n % 5 = 0; END IF;
        COMMIT; END LOOP; END $$"""
    process = subprocess.Popen([DEBIAN / "bin/psql", "-XAtq", "-h", one.directory, "-U", "postgres", "-c", command],
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.kill()
        process.wait()


def write(one, least):
    """Load until LEAST bytes of WAL were written."""
    begin = number(one.sql("SELECT pg_current_wal_lsn()"))
    wait(lambda: number(one.sql("SELECT pg_current_wal_lsn()")) > begin + least, f"{least} bytes of WAL", 120)


@contextlib.contextmanager
def small(version, **settings):
    """A server whose segments are small and soon recycled."""
    with server(ADDRESS, home=home(version), initdb=("--wal-segsize=1",),
                **({"min_wal_size": "2MB", "max_wal_size": "6MB"} | settings)) as one:
        yield one


@case
@on_each_version
def a_clean_stop_ends_behind_its_shutdown_checkpoint(version):
    with small(version) as one:
        with load(one):
            write(one, 3 * MB)
        one.stop()
        told = wal_end(one.data)
        equal([told["known"], told["records"], told["shutdown"], told["timeline"]], ["1", "1", "1", "1"], "the end")
        equal(told["last"], Told("control", one.data)["checkpoint"], "the last record")
        one.start()
        one.sql("CREATE TABLE t (n int)")
        kill(one)
        equal(walk(one.data, told["end"])["known"], "1", "the server went on right there")


@case
@on_each_version
def a_kill_under_load_ends_where_recovery_ends(version):
    with small(version) as one:
        seen = 0
        for _ in range(3):
            with load(one):
                write(one, 8 * MB)
                kill(one)
            told = wal_end(one.data)
            equal([told["known"], told["shutdown"]], ["1", "0"], "the end")
            restart_agrees(one, told)
            seen += int(told["records"])
        true(seen > 3, "records behind the checkpoints")


@case
@on_each_version
def an_immediate_stop_ends_where_recovery_ends(version):
    with small(version) as one:
        with load(one):
            write(one, 2 * MB)
            flushed = one.sql("SELECT pg_current_wal_flush_lsn()")
            one.stop(signal.SIGQUIT)
        told = wal_end(one.data)
        true(number(told["end"]) >= number(flushed), f"end {told['end']}, flushed {flushed}")
        restart_agrees(one, told)


@case
@on_each_version
def a_switch_ends_at_the_next_segment(version):
    with server(ADDRESS, home=home(version), checkpoint_timeout="1h") as one:
        one.sql("CREATE TABLE t (n int)")
        switched = number(one.sql("SELECT pg_switch_wal()"))
        kill(one)
        told = wal_end(one.data)
        end = (switched + 16 * MB - 1) // (16 * MB) * 16 * MB
        true(number(told["end"]) >= end, f"end {told['end']}, switched at {text(switched)}")
        equal(walk(one.data, past=text(end - 1))["end"], text(end), "the end of the segment that was left")
        restart_agrees(one, told)
        one.sql("INSERT INTO t VALUES (1)")
        one.sql("SELECT pg_switch_wal()")
        one.sql("INSERT INTO t VALUES (2)")
        kill(one)
        restart_agrees(one, wal_end(one.data))


@case
@on_each_version
def records_across_pages_and_segments(version):
    with small(version) as one:
        one.sql("CREATE TABLE t (n int)")
        for size in (1, 100, PAGE - 24, PAGE, 3 * PAGE, 100_000, 2 * MB, 5 * MB + 3):
            one.sql(f"SELECT pg_logical_emit_message(true, 'x', repeat('y', {size}))")
        inserted = one.sql("INSERT INTO t VALUES (1); SELECT pg_current_wal_insert_lsn()")
        kill(one)
        told = wal_end(one.data)
        true(number(told["end"]) >= number(inserted), f"end {told['end']}, inserted {inserted}")
        restart_agrees(one, told)


@case
@on_each_version
def a_record_that_was_cut_and_overwritten(version):
    with small(version, checkpoint_timeout="1h", max_wal_size="64MB", wal_keep_size="64MB") as one:
        one.sql("CHECKPOINT")
        begin = one.sql("SELECT checkpoint_lsn FROM pg_control_checkpoint()")
        before = number(one.sql("SELECT pg_current_wal_insert_lsn()"))
        one.sql(f"SELECT pg_logical_emit_message(true, 'x', repeat('y', {3 * MB}))")
        kill(one)
        # The crash came before the second segment of the record reached the disk.
        lost = before // MB + 2
        for path in (one.data / "pg_wal").iterdir():
            if re.fullmatch("[0-9A-F]{24}", path.name) and int(path.name[8:16], 16) * 4096 + int(path.name[16:], 16) >= lost:
                path.unlink()
        told = wal_end(one.data)
        equal([told["known"], told["stop"]], ["1", "no page"], "the end")
        true(number(told["end"]) < lost * MB - MB + PAGE, f"end {told['end']} lies before the cut record")
        restart_agrees(one, told)
        one.sql("CREATE TABLE t (n int)")
        kill(one)
        whole = walk(one.data, begin)
        equal(whole["end"], wal_end(one.data)["end"], "a walk over the cut record")
        restart_agrees(one, whole)


@case
def the_end_is_the_one_that_pg_waldump_finds():
    with small(15) as one:
        with load(one):
            write(one, 5 * MB)
            kill(one)
        told = wal_end(one.data)
        dump = run(DEBIAN / "bin/pg_waldump", "--path", one.data / "pg_wal", "--start", Told("control", one.data)["redo"],
                   check=False)
        records = re.findall(r"lsn: ([0-9A-F]+/[0-9A-F]+)", dump.stdout)
        from_redo = walk(one.data, Told("control", one.data)["redo"])
        equal([from_redo["records"], number(told["last"])], [str(len(records)), number(records[-1])], dump.stderr)


@case
def half_a_gigabyte_takes_seconds_at_most():
    with server(ADDRESS, max_wal_size="4GB", checkpoint_timeout="1h", wal_keep_size="2GB") as one:
        one.sql("CREATE TABLE t AS SELECT md5(n::text) FROM generate_series(1, 2000000) n")
        for _ in range(3):
            one.sql("INSERT INTO t SELECT * FROM t LIMIT 1300000")
        kill(one)
        told = wal_end(one.data)
        size = number(told["end"]) - number(Told("control", one.data)["checkpoint"])
        true(size > 300 * MB, f"{size} bytes")
        seconds = int(told["microseconds"]) / 1e6 * 1024 * MB / size
        print(f"# {size // MB} MB, {told['records']} records: {seconds:.2f} s a gigabyte, with sanitizers", flush=True)
        true(seconds < 10, f"{seconds:.2f} s a gigabyte")


def promote(standby):
    standby.sql("SELECT pg_promote()")
    wait(lambda: standby.sql("SELECT pg_is_in_recovery()") == "f", "the promotion")


def fork(standby):
    told = Told("history", standby.data / "pg_wal/00000002.history", 2, 1)
    equal([told["status"], told["count"]], ["0", "1"], "history")
    return told["fork"]


@case
@on_each_version
def a_clean_ex_primary_ends_at_the_fork(version):
    with pair(version) as (primary, standby):
        primary.sql("CREATE TABLE t AS SELECT generate_series(1, 20000)")
        primary.stop()
        promote(standby)
        mine = wal_end(primary.data, newest=Told("control", primary.data)["timeline"])
        equal([mine["end"], mine["shutdown"]], [fork(standby), "1"], "end of the ex-primary, fork of timeline 2")
        told = Told("control", standby.data)
        equal(told["timeline"], "2", "the promoted one's timeline, before or after its checkpoint")
        standby.sql("CREATE TABLE u AS SELECT generate_series(1, 20000)")
        kill(standby)
        after = wal_end(standby.data)
        equal(after["timeline"], "2", "the timeline of the last record")
        restart_agrees(standby, after)


@case
@on_each_version
def an_ex_primary_that_wrote_on_lies_past_the_fork(version):
    with pair(version) as (primary, standby):
        primary.sql("CREATE TABLE t (n int)")
        caught_up(primary, standby)
        standby.stop(signal.SIGQUIT)
        primary.sql("INSERT INTO t SELECT generate_series(1, 50000)")
        kill(primary)
        standby.start(primary_conninfo="")
        promote(standby)
        where = fork(standby)
        mine = wal_end(primary.data, newest=Told("control", primary.data)["timeline"])
        true(number(mine["end"]) > number(where), f"{mine['end']} is past the fork {where}")
        enough = walk(primary.data, past=where)
        equal(enough["stop"], "past", "a walk that asks for no more")
        true(number(where) < number(enough["end"]) <= number(mine["end"]), enough["end"])


@case
def a_standby_that_follows_a_promotion_is_read_on_the_new_timeline():
    with pair(15) as (primary, standby):
        primary.sql("CREATE TABLE t (n int)")
        primary.stop()
        promote(standby)
        (primary.data / "standby.signal").touch()
        primary.start(primary_conninfo=f"host={STANDBY} user=postgres", wal_retrieve_retry_interval="100ms")
        standby.sql("INSERT INTO t SELECT generate_series(1, 50000)")
        caught_up(standby, primary)
        written = standby.sql("SELECT pg_current_wal_flush_lsn()")
        kill(primary)
        told = wal_end(primary.data)
        equal(told["timeline"], "2", "timeline")
        true(number(told["end"]) >= number(written), f"end {told['end']}, replayed {written}")
        own = walk(primary.data, newest=1)
        true(number(own["end"]) <= number(fork(standby)), "the old timeline's segments end at the fork")


# ---- what cannot be read

@case
def wal_that_is_missing_is_unknown_and_a_missing_directory_is_told():
    with server(ADDRESS) as one:
        one.stop()
        for path in (one.data / "pg_wal").glob("0*"):
            path.rename(path.with_suffix(".partial"))
        told = walk(one.data)
        equal([told["known"], told["records"], told["stop"]], ["0", "0", "no page"], "no segment")
        for path in (one.data / "pg_wal").glob("0*.partial"):
            os.truncate(path, 100)
            path.rename(path.with_suffix(""))
        told = walk(one.data)
        equal([told["known"], told["stop"]], ["0", "no page"], "a segment of 100 bytes")
        shutil.rmtree(one.data / "pg_wal")
        failed = walk(one.data, status=74)
        true("cannot read pg_wal" in failed.stderr, failed.stderr)


@case
def a_walk_ends_at_its_deadline_and_at_too_many_timelines():
    with server(ADDRESS) as one:
        one.stop()
        late = walk(one.data, timeout_ms=0, status=75)
        true("no time left to read the WAL" in late.stderr, late.stderr)
        for timeline in range(2, 66):
            (one.data / f"pg_wal/{timeline:08X}0000000000000001").touch()
        equal(walk(one.data, newest=64)["known"], "0", "an empty segment of the newest timeline hides the others")
        equal(walk(one.data, newest=1)["known"], "1", "timelines that are too new are left alone")
        many = walk(one.data, status=65)
        true("more than 64 timelines" in many.stderr, many.stderr)


@case
def another_clusters_wal_is_refused():
    with server(ADDRESS) as one, server(STANDBY, initdb=("--no-locale", "--encoding=LATIN1")) as other:
        one.stop()
        other.stop()
        shutil.rmtree(one.data / "pg_wal")
        shutil.copytree(other.data / "pg_wal", one.data / "pg_wal")
        told = walk(one.data)
        equal([told["known"], told["stop"]], ["0", "bad page"], "the walk")


if __name__ == "__main__":
    main(DEBIAN / "bin/postgres", DEBIAN / "bin/pg_waldump")
