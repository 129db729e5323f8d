"""What ordain reads of a data directory, held to what real servers of each version say of it: the control file,
postmaster.pid, postmaster.opts, backup_label."""

import re
import subprocess
import time

from pg_formats import ADDRESS, MB, Told, caught_up, home, on_each_version, pair
from pg_stage import AS_POSTGRES, DEBIAN, case, driver, equal, main, run, server, true, wait

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
    main(DEBIAN / "bin/postgres", DEBIAN / "bin/pg_controldata")
