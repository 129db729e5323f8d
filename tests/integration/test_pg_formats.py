"""What ordain reads of a data directory, held to what real servers of each version say of it: the control file, the end
of the WAL after every kind of stop, timeline histories, postmaster.pid, backup_label."""

import contextlib
import functools
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile
import time

from pg_stage import (AS_POSTGRES, DEBIAN, ROOT, Server, Wrong, case, driver, equal, main, run, scratch, server, true,
                      wait)

ADDRESS = "127.0.6.1"
STANDBY = "127.0.6.2"
VERSIONS = (13, 14, 15, 16, 17, 18)
NEWEST = 2**32 - 1
PAGE = 8192
MB = 1024 * 1024

if "SERVERS" not in os.environ:
    os.environ["SERVERS"] = run(ROOT / "tests/servers/fetch").stdout.strip()


@functools.lru_cache
def home(version):
    """Where the version's bin/ is; of npm's a copy that the servers' user can reach."""
    if version == 15:
        return DEBIAN
    copy = pathlib.Path(scratch()) / f"postgres-{version}"
    run("cp", "-a", pathlib.Path(os.environ["SERVERS"]) / copy.name, copy)
    return copy


def on_each_version(function):
    """The case once a version; the sentence of a failure names it."""
    @functools.wraps(function)
    def all_versions():
        for version in VERSIONS:
            try:
                function(version)
            except Wrong as wrong:
                raise Wrong(f"PostgreSQL {version}: {wrong}") from wrong
    return all_versions


class Told(dict):
    """What the driver says, NAME=VALUE lines."""

    def __init__(self, *words, status=0):
        done = run(driver("pg_formats_driver"), *words, check=False)
        equal(done.returncode, status, f"status of {words}: {done.stderr}{done.stdout}")
        super().__init__(line.split("=", 1) for line in done.stdout.splitlines())
        self.stderr = done.stderr


def wal_end(data, start="-", past="-", newest=NEWEST):
    """The end of the WAL as ordain finds it, which a walk from redo must find too."""
    told = Told("wal", data, start, past, newest)
    if start == past == "-":
        redo = Told("wal", data, Told("control", data)["redo"], "-", newest)
        equal(redo["end"], told["end"], "end of a walk from redo")
    return told


def number(lsn):
    high, low = lsn.split("/")
    return int(high, 16) << 32 | int(low, 16)


def text(lsn):
    return f"{lsn >> 32:X}/{lsn & 0xffffffff:X}"


def descendants(pid):
    """Everything below a process; a backend is the leader of a group of its own."""
    parents = {}
    for path in pathlib.Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            words = path.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
            parents[int(path.parent.name)] = int(words[1])
    found = {pid}
    while True:
        more = {child for child, parent in parents.items() if parent in found} - found
        if not more:
            return found - {pid}
        found |= more


def is_gone(pid):
    try:
        words = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2]
    except OSError:
        return True
    return words.split()[0] == "Z"


def kill(one):
    """SIGKILL to the server and all its processes at once, as a container dies."""
    one.process.send_signal(signal.SIGSTOP)  # so that it starts no more of them
    children = descendants(one.process.pid)
    for pid in {one.process.pid} | children:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    one.process.wait(60)
    one.process = None
    wait(lambda: all(is_gone(pid) for pid in children), "the backends are gone")


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


# ---- the control file

LIMITS = {"max_connections": 77, "max_worker_processes": 9, "max_wal_senders": 24, "max_prepared_transactions": 3,
          "max_locks_per_transaction": 65}


@case
@on_each_version
def the_control_file_says_what_the_server_says(version):
    with server(ADDRESS, home=home(version), initdb=("--wal-segsize=4", "--data-checksums"), wal_log_hints="on",
                wal_level="logical", **LIMITS) as one:
        one.sql("CHECKPOINT")
        told = Told("control", one.data)
        asked = one.sql("""SELECT s.system_identifier, s.pg_control_version, s.catalog_version_no,
            extract(epoch FROM s.pg_control_last_modified)::bigint, c.checkpoint_lsn, c.redo_lsn, c.timeline_id,
            c.prev_timeline_id, r.min_recovery_end_lsn, r.min_recovery_end_timeline, r.backup_start_lsn, r.backup_end_lsn,
            r.end_of_backup_record_required::int, i.database_block_size, i.wal_block_size, i.bytes_per_wal_segment,
            i.data_page_checksum_version FROM pg_control_system() s, pg_control_checkpoint() c, pg_control_recovery() r,
            pg_control_init() i""").split("|")
        names = ("system_identifier version catalog_version time checkpoint redo checkpoint_timeline prev_timeline"
                 " min_recovery min_recovery_timeline backup_start backup_end backup_end_required block_bytes"
                 " wal_block_bytes segment_bytes checksum_version").split()
        equal([told[name] for name in names], asked, "pg_control_*()")
        equal([told["state"], told["clean"]], ["in production", "0"], "state")
        limits = ["max_connections", "max_worker_processes", "max_wal_senders", "max_prepared_xacts", "max_locks_per_xact"]
        equal([told[name] for name in limits], [str(value) for value in LIMITS.values()], "limits")
        equal([told["wal_level"], told["wal_log_hints"], told["segment_bytes"]], ["2", "1", str(4 * MB)], "settings")
        one.stop()
        told = Told("control", one.data)
        equal([told["state"], told["clean"]], ["shut down", "1"], "state after a stop")


@case
def the_control_file_says_what_pg_controldata_says():
    labels = {
        "system_identifier": "Database system identifier", "version": "pg_control version number",
        "catalog_version": "Catalog version number", "state": "Database cluster state",
        "checkpoint": "Latest checkpoint location", "redo": "Latest checkpoint's REDO location",
        "checkpoint_timeline": "Latest checkpoint's TimeLineID", "prev_timeline": "Latest checkpoint's PrevTimeLineID",
        "min_recovery": "Minimum recovery ending location",
        "min_recovery_timeline": "Min recovery ending loc's timeline", "backup_start": "Backup start location",
        "backup_end": "Backup end location", "max_connections": "max_connections setting",
        "max_worker_processes": "max_worker_processes setting", "max_wal_senders": "max_wal_senders setting",
        "max_prepared_xacts": "max_prepared_xacts setting", "max_locks_per_xact": "max_locks_per_xact setting",
        "block_bytes": "Database block size", "wal_block_bytes": "WAL block size",
        "segment_bytes": "Bytes per WAL segment", "checksum_version": "Data page checksum version"}

    def agrees(data):
        said = dict(re.split(r":\s*", line, maxsplit=1) for line in run(
            DEBIAN / "bin/pg_controldata", data, env={"LC_ALL": "C", "TZ": "UTC"}).stdout.splitlines())
        told = Told("control", data)
        equal({name: told[name] for name in labels}, {name: said[label] for name, label in labels.items()}, str(data))
        return told
    with pair(15) as (primary, standby):
        equal(agrees(primary.data)["state"], "in production", "primary")
        primary.sql("CREATE TABLE t AS SELECT generate_series(1, 1000)")
        primary.sql("CHECKPOINT")
        caught_up(primary, standby)
        standby.sql("CHECKPOINT")
        equal(agrees(standby.data)["state"], "in archive recovery", "standby")
        standby.stop()
        equal(agrees(standby.data)["state"], "shut down in recovery", "stopped standby")
        true(Told("control", standby.data)["min_recovery"] != "0/0", "a standby has a minimum recovery point")


# ---- the end of the WAL

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
        equal(Told("wal", one.data, told["end"], "-", NEWEST)["known"], "1", "the server went on right there")


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
        equal(wal_end(one.data, past=text(end - 1))["end"], text(end), "the end of the segment that was left")
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
        whole = Told("wal", one.data, begin, "-", NEWEST)
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
        from_redo = Told("wal", one.data, Told("control", one.data)["redo"], "-", NEWEST)
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


# ---- promotions

@contextlib.contextmanager
def pair(version):
    """A primary and a standby that streams from it."""
    with server(ADDRESS, home=home(version), initdb=("--wal-segsize=1",), wal_keep_size="64MB") as primary:
        primary.stop()
        directory = pathlib.Path(tempfile.mkdtemp(dir=scratch()))
        shutil.chown(directory, "postgres", "postgres")
        run("cp", "-a", primary.data, directory / "data")
        (directory / "data/standby.signal").touch()
        primary.start()
        standby = Server(STANDBY, home=home(version), data=directory / "data",
                         primary_conninfo=f"host={ADDRESS} user=postgres", wal_retrieve_retry_interval="100ms")
        try:
            standby.start()
            wait(lambda: primary.sql("SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming'") == "1",
                 f"the standby streams\n{standby.tail()}")
            yield primary, standby
        finally:
            if standby.process is not None:
                kill(standby)
            shutil.rmtree(standby.directory, ignore_errors=True)
            shutil.rmtree(directory, ignore_errors=True)


def caught_up(primary, standby):
    lsn = primary.sql("SELECT pg_current_wal_insert_lsn()")
    wait(lambda: standby.sql(f"SELECT pg_last_wal_replay_lsn() >= '{lsn}'") == "t", "the standby replays all")


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
        enough = wal_end(primary.data, past=where)
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
        own = Told("wal", primary.data, "-", "-", 1)
        true(number(own["end"]) <= number(fork(standby)), "the old timeline's segments end at the fork")


# ---- what cannot be read

@case
def wal_that_is_missing_is_unknown_and_a_missing_directory_is_told():
    with server(ADDRESS) as one:
        one.stop()
        for path in (one.data / "pg_wal").glob("0*"):
            path.rename(path.with_suffix(".partial"))
        told = Told("wal", one.data, "-", "-", NEWEST)
        equal([told["known"], told["records"], told["stop"]], ["0", "0", "no page"], "no segment")
        for path in (one.data / "pg_wal").glob("0*.partial"):
            os.truncate(path, 100)
            path.rename(path.with_suffix(""))
        told = Told("wal", one.data, "-", "-", NEWEST)
        equal([told["known"], told["stop"]], ["0", "no page"], "a segment of 100 bytes")
        shutil.rmtree(one.data / "pg_wal")
        failed = Told("wal", one.data, "-", "-", NEWEST, status=74)
        true("cannot read pg_wal" in failed.stderr, failed.stderr)


@case
def another_clusters_wal_is_refused():
    with server(ADDRESS) as one, server(STANDBY, initdb=("--no-locale", "--encoding=LATIN1")) as other:
        one.stop()
        other.stop()
        shutil.rmtree(one.data / "pg_wal")
        shutil.copytree(other.data / "pg_wal", one.data / "pg_wal")
        told = Told("wal", one.data, "-", "-", NEWEST)
        equal([told["known"], told["stop"]], ["0", "bad page"], "the walk")


# ---- the small texts

@case
@on_each_version
def postmaster_pid_and_opts_are_understood(version):
    with server(ADDRESS, home=home(version)) as one:
        told = Told("pid", one.data)
        equal([told["pid"], told["standalone"], told["status"], told["port"], told["listen_address"]],
              [str(one.process.pid), "0", "ready", "5432", ADDRESS], "postmaster.pid")
        equal([told["data_dir"], told["socket_dir"]], [str(one.data), str(one.directory)], "directories")
        equal([told["shared_memory"], told["initdb_server"]], ["1", "no"], "shared memory, postmaster.opts")
        true(abs(int(told["start_time"]) - time.time()) < 60, told["start_time"])
        one.stop()
        (one.data / "standby.signal").touch()
        one.start(ready=False, hot_standby="off")
        seen = wait(lambda: (one.data / "postmaster.pid").exists() and run(
            driver("pg_formats_driver"), "pid", one.data, check=False).stdout.count("status=standby"), "status standby")
        true(seen, "a standby that takes no sessions")


@case
def the_entrypoints_temporary_server_is_told_by_its_options():
    with server(ADDRESS) as one:
        one.stop()
        one.configure()
        run(*AS_POSTGRES, DEBIAN / "bin/pg_ctl", "-D", one.directory, "-l", one.data / "log", "-o",
            f"-c listen_addresses='' -p 5432 -c unix_socket_directories={one.directory}", "-w", "start", capture_output=False, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL)
        try:
            told = Told("pid", one.data)
            equal([told["initdb_server"], told["listen_address"]], ["yes", ""], "its options")
        finally:
            run(*AS_POSTGRES, DEBIAN / "bin/pg_ctl", "-D", one.directory, "-m", "fast", "stop")


@case
@on_each_version
def backup_labels_are_understood(version):
    with server(ADDRESS, home=home(version)) as one:
        begin, end = ("pg_start_backup('a label', true, false)", "pg_stop_backup(false, false)") if version < 15 else (
            "pg_backup_start('a label', true)", "pg_backup_stop(false)")
        said = run(DEBIAN / "bin/psql", "-XAtq", "-h", one.directory, "-U", "postgres", "-d", "postgres", "-c",
                   f"SELECT {begin}", "-c", "SELECT checkpoint_lsn FROM pg_control_checkpoint()", "-c",
                   f"SELECT labelfile FROM {end}").stdout.split("\n", 2)
        one.stop()
        (one.data / "backup_label").write_text(said[2].rstrip("\n") + "\n", encoding="utf-8")
        told = Told("label", one.data)
        equal([told["start"], told["checkpoint"], told["timeline"], told["from_standby"]], [said[0], said[1], "1", "0"],
              said[2])


if __name__ == "__main__":
    main(DEBIAN / "bin/postgres", DEBIAN / "bin/pg_waldump")
