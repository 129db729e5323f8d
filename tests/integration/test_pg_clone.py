"""Clones of real servers: what they hold, whom they refuse, and what they say."""

import os
import pathlib
import subprocess
import time

from pg_clones import (HISTORY, PRIMARY, STANDBY, SUMS, Place, begin, clone, follow, load, pgbench, proves_itself,
                       refused, streams, words, written)
from pg_proxy import Proxy
from pg_stage import ROOT, Server, case, driver, equal, main, run, scratch, server, true, wait


@case
def a_clone_under_write_load_streams_and_is_equal():
    with server(PRIMARY) as primary:
        pgbench(primary, "-i", "-s", "10", "-q")
        for compression in ("none", "lz4", "zstd"):
            place = Place()
            with load(primary):
                told = clone(place, compression=compression)
            equal(told["compression"], compression, "compression")
            equal(place.around(), [], "nothing is left beside PGDATA")
            true(int(told["received"]) < int(told["bytes"]) if compression != "none" else True, f"{told}")
            proves_itself(place, primary, SUMS, HISTORY)


@case
def a_clone_passes_the_servers_own_verification_and_has_its_rights():
    with server(PRIMARY) as primary:
        pgbench(primary, "-i", "-s", "2", "-q")
        place = Place()
        told = clone(place, compression="auto")
        equal(told["compression"], "lz4", "auto")
        run("/usr/lib/postgresql/15/bin/pg_verifybackup", "--no-parse-wal", "--ignore=standby.signal", place.data)
        wrong = run("find", place.data, "(", "-type", "d", "-not", "-perm", "0700", "-o", "-type", "f", "-not", "-perm", "0600", "-o",
                    "-type", "l", "-o", "-not", "-user", "postgres", ")").stdout
        equal(wrong, "", "rights")
        open_group = Server("127.0.6.9", initdb=("--allow-group-access",))
        try:
            open_group.start()
            group = Place()
            clone(group, "127.0.6.9")
            wrong = run("find", group.data, "(", "-type", "d", "-not", "-perm", "0750", "-o", "-type", "f", "-perm", "/0137", ")").stdout
            equal(wrong, "", "rights with --allow-group-access")
        finally:
            open_group.stop()


@case
def a_standby_can_be_cloned_and_is_followed():
    with server(PRIMARY) as primary:
        pgbench(primary, "-i", "-s", "5", "-q")
        first, second = Place(), Place()
        clone(first)
        standby = follow(first, primary)
        try:
            with load(primary):
                streams(primary, standby)
                clone(second, STANDBY, slot="ordain_2", compression="lz4")
            streams(primary, standby)
            cascade = follow(second, standby, address="127.0.6.3", slot="ordain_2")
            try:
                streams(primary, cascade)
                equal(cascade.sql(HISTORY), primary.sql(HISTORY), "rows")
            finally:
                cascade.stop()
        finally:
            standby.stop()


@case
def a_standby_that_is_promoted_meanwhile_is_told():
    with server(PRIMARY) as primary:
        pgbench(primary, "-i", "-s", "6", "-q")
        first, second = Place(), Place()
        clone(first)
        standby = follow(first, primary)
        try:
            streams(primary, standby)
            process = begin(second, STANDBY, slot="ordain_2", rate=4096)
            wait(lambda: written(second) > 1 << 20, "the clone is under way")
            standby.sql("select pg_promote()")
            output = process.communicate(timeout=60)
            equal((process.returncode, "promoted" in output[1]), (75, True), output[1])
            equal(second.around(), [], "left")
        finally:
            standby.stop()


@case
def versions_13_to_18():
    homes = pathlib.Path(run(ROOT / "tests/servers/fetch", limit=600).stdout.strip())
    for major in (13, 14, 16, 17, 18):
        home = pathlib.Path(scratch()) / f"postgres-{major}"  # a copy that the server's user may read
        run("cp", "-a", homes / f"postgres-{major}", home)
        with server(PRIMARY, home=home) as primary:
            primary.sql("create table t as select i, md5(i::text) m from generate_series(1, 200000) i")
            place = Place()
            told = clone(place, compression="auto", major=major)
            equal((int(told["version"]) // 10000, told["compression"]), (major, "none"), "server")
            proves_itself(place, primary, "select count(*), min(m), max(m) from t", home=home)
            refused(78, f"is PostgreSQL {major} and the server here 15", Place(), major=15)


@case
def a_slot_of_an_earlier_life_is_made_anew_and_one_in_use_is_told():
    with server(PRIMARY) as primary:
        place = Place()
        primary.sql("select pg_create_physical_replication_slot('ordain_1')")
        clone(place)
        equal(primary.sql("select wal_status from pg_replication_slots where slot_name = 'ordain_1'"), "reserved", "slot")
        standby = follow(place, primary)
        try:
            streams(primary, standby)
            refused(75, "the slot 'ordain_1' of 127.0.6.1 is in use", Place())
        finally:
            standby.stop()


@case
def a_slot_that_is_lost_meanwhile_is_told():
    with server(PRIMARY, max_slot_wal_keep_size="16MB", max_wal_size="32MB", min_wal_size="32MB") as primary:
        pgbench(primary, "-i", "-s", "10", "-q")
        place = Place()
        process = begin(place, rate=8192)
        wait(lambda: written(place) > 1 << 20, "the clone is under way")
        for _ in range(8):
            primary.sql("create table x as select repeat('x', 1000) from generate_series(1, 20000); drop table x;"
                        "select pg_switch_wal(); checkpoint")
        said = process.communicate(timeout=120)[1]
        equal((process.returncode, "was lost while the clone ran" in said), (75, True), said)
        equal(place.around(), [], "left")


@case
def whom_it_must_not_follow_it_refuses():
    hba = ["local all all trust", "host replication postgres 0.0.0.0/0 trust", "host replication alice 0.0.0.0/0 scram-sha-256",
           "host replication carol 0.0.0.0/0 trust"]
    with server(PRIMARY, hba=hba) as primary:
        primary.sql("create role alice login replication password 'wonder'; create role carol login")
        refused(65, "it is of another cluster", Place(), identifier=4711)
        refused(75, "is on timeline 1, behind the cluster's 2", Place(), timeline=2)
        refused(78, "a standby needs the same major version", Place(), major=16)
        refused(77, "password authentication failed", Place(), user="alice", password="x")
        refused(77, "no pg_hba.conf entry", Place(), user="bob")
        refused(77, "must be superuser or replication role", Place(), user="carol")
        refused(78, "is no name for a replication slot", Place(), slot="no-slot")
        refused(75, "refused", Place(), "127.0.6.77")
        primary.stop()
        primary.start(max_replication_slots=0)
        refused(75, "all replication slots are in use", Place())


@case
def a_tablespace_is_mapped_or_refused_clearly():
    with server(PRIMARY) as primary:
        here, there = Place(), Place()
        primary.sql(f"create tablespace fast location '{here.directory}'")
        primary.sql("create table t tablespace fast as select generate_series(1, 100000) i")
        said = refused(78, "--tablespace-mapping OLD=NEW", Place())
        true(str(here.directory) in said, said)
        place, target = Place(), there.directory / "space"
        for compression in ("none", "lz4"):
            run("rm", "-rf", place.data, target)
            clone(place, mapping=f"{here.directory}={target}", compression=compression)
            proves_itself(place, primary, "select count(*), sum(i) from t")
        run("rm", "-rf", place.data)
        process = run(*words(place, mapping=f"{here.directory}={target}"), check=False)
        equal((process.returncode, "is not empty" in process.stderr), (65, True), process.stderr)
        run("rm", "-rf", target)
        target.mkdir()
        run("mount", "-t", "tmpfs", "none", target)
        try:
            process = run(*words(place, mapping=f"{here.directory}={target}"), check=False)
            equal((process.returncode, "is a mount point" in process.stderr), (78, True), process.stderr)
            true(not pathlib.Path(f"{target}.clone").exists(), "nothing was written beside it")
        finally:
            run("umount", target)
        target.rmdir()
        clone(place, mapping=f"{here.directory}={target}", install="no")
        os.rename(f"{target}.clone", target)  # as a kill within the last step leaves it
        clone(place, mapping=f"{here.directory}={target}")
        proves_itself(place, primary, "select count(*), sum(i) from t")


@case
def a_place_that_is_taken_is_refused():
    with server(PRIMARY):
        full, mounted = Place(), Place()
        full.data.mkdir()
        (full.data / "PG_VERSION").touch()
        mounted.data.mkdir()
        run("mount", "-t", "tmpfs", "none", mounted.data)
        try:
            for place, status, sentence in ((full, 65, "is not empty"), (mounted, 78, "is a mount point")):
                done = run(*words(place), check=False)
                equal((done.returncode, sentence in done.stderr), (status, True), done.stderr)
            true((full.data / "PG_VERSION").exists(), "what is there stays")
        finally:
            run("umount", mounted.data)


@case
def damaged_pages_of_the_upstream_are_told():
    with server(PRIMARY, initdb=("--data-checksums",)) as primary:
        primary.sql("create table t as select generate_series(1, 100000) i; checkpoint")
        file = primary.data / primary.sql("select pg_relation_filepath('t')")
        with open(file, "r+b") as data:
            data.seek(8192 * 5 + 4000)
            data.write(b"damage")
        refused(65, "the upstream's own data is damaged", Place())


@case
def no_room_is_told_before_the_first_byte():
    with server(PRIMARY) as primary:
        pgbench(primary, "-i", "-s", "10", "-q")
        small = pathlib.Path(scratch()) / "small"
        small.mkdir()
        run("mount", "-t", "tmpfs", "-o", "size=150m,mode=0755", "none", small)
        try:
            place = Place(small)
            process = begin(place)
            process.wait(60)
            said = process.stderr.read()
            equal((process.returncode, "the clone needs" in said), (74, True), said)
            equal(place.around(), [], "left")
        finally:
            run("umount", small)


@case
def a_silent_upstream_ends_it_and_a_slow_one_does_not():
    with server(PRIMARY) as primary:
        pgbench(primary, "-i", "-s", "5", "-q")
        place = Place()
        process = begin(place, rate=8192, silence=1500)
        mark = pathlib.Path(f"{place.data}.ordain-cloning")
        wait(lambda: written(place) > 1 << 20, "the clone is under way")
        seen = {mark.stat().st_mtime_ns}
        wait(lambda: seen.add(mark.stat().st_mtime_ns) or len(seen) >= 4, "the mark beats", 20)
        sender = primary.sql("select pid from pg_stat_replication")
        os.kill(int(sender), 19)
        try:
            began = time.monotonic()
            said = process.communicate(timeout=30)[1]
            equal((process.returncode, "not a byte of the backup" in said), (75, True), said)
            true(time.monotonic() - began < 10, "in time")
            equal(place.around(), [], "left")
        finally:
            os.kill(int(sender), 18)


@case
def memory_stays_small_however_large_the_database():
    program = driver("pg_clone_driver", "static", ())
    with server(PRIMARY) as primary:
        pgbench(primary, "-i", "-s", "100", "-q")
        primary.sql("do $$ begin for i in 1..8000 loop execute format('create table t%s (i int)', i); "
                    "if i % 500 = 0 then commit; end if; end loop; end $$")
        for compression in ("none", "lz4", "zstd"):
            place = Place()
            peak = subprocess.run(["/usr/bin/env", "-i", *[str(word) for word in words(place, program=program, compression=compression)]],
                                  check=True, capture_output=True, cwd="/")
            told = dict(line.split("=", 1) for line in peak.stdout.decode().splitlines())
            true(int(told["peak_kb"]) < 16 * 1024, f"{compression}: {told['peak_kb']} kB for {told['bytes']} bytes, {told['files']} files")
            run("rm", "-rf", place.data)


@case
def the_two_threads_race_for_nothing():
    program = driver("pg_clone_driver", "tsan", ("-fsanitize=thread",))
    env = {**os.environ, "TSAN_OPTIONS": "halt_on_error=1 exitcode=66"}
    with server(PRIMARY) as primary:
        pgbench(primary, "-i", "-s", "3", "-q")
        for options in ({"compression": "none"}, {"compression": "lz4"}, {"compression": "zstd"}, {"rate": 16384}):
            place = Place()
            done = run(*words(place, program=program, **options), env=env, cwd="/")
            equal(done.stderr.count("ThreadSanitizer"), 0, done.stderr)
        with Proxy("127.0.6.5", PRIMARY) as wire:
            for at in (500_000, 5_000_000, 20_000_000):  # the one thread ends while the other is at work
                wire.arm(at)
                done = run(*words(Place(), "127.0.6.5", program=program, silence=3000), env=env, check=False, cwd="/")
                equal((done.returncode, done.stderr.count("ThreadSanitizer")), (75, 0), done.stderr)


if __name__ == "__main__":
    main()
