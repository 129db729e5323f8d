#!/usr/bin/python3
"""What goes wrong without ordain: the classic ways to split, lose or wedge a replicated Postgres, each by the
rule that led there in the field, on real servers. test_pg_splits.py has the same names with ordain in the pods; the
numbers are those of the table in docs/postgres.md, with the upstream issue that told of it."""

import os

from common import lab
from lab import check, equal, note
from lab.postgres import PASSWORD, PGDATA
from lab_pair import clone_by_hand, pair, primary_alone

START = "exec docker-entrypoint.sh postgres"
CLONE = f"pg_basebackup -h pg-0.pg -U postgres -D {PGDATA} -R -c fast"
SIGNAL = f"{PGDATA}/standby.signal"


def template(rule=START, clone=None):
    """A pod that follows a rule of thumb: a shell line before the server, another as its init."""
    one = lab.plain_postgres(argv=("sh", "-c", rule))
    if clone:
        one.init = (lab.Container("clone", ("sh", "-c", clone), groups=(999,),
                                  env={"PGPASSWORD": PASSWORD}),)
    return one


def promote_second(one):
    """The first pod's node is gone, somebody promotes the second one and writes."""
    one.pods[0].delete(force=True)
    one.sql(1, "SELECT pg_promote()", inside=True)
    one.sql(1, "CREATE TABLE since AS SELECT 'pg-1' AS by", inside=True)


def starts_again(one, index):
    """A pod comes back, with its volume and a new address."""
    one.pods[index].recreate()
    one.wait(lambda: one.is_primary(index) is not None, 30, f"{one.pods[index].name} answers")


def old_primary_returns(world):
    """1 bitnami/charts#21614: the deleted primary comes back as a second one"""
    with pair(world) as one:
        promote_second(one)
        starts_again(one, 0)
        equal(one.primaries(), ["pg-0", "pg-1"], "primaries")
        equal(one.system_identifier(0), one.system_identifier(1), "one cluster")
        one.sql(0, "CREATE TABLE since AS SELECT 'pg-0' AS by", inside=True)
        equal([one.value(index, "SELECT by FROM since", inside=True) for index in (0, 1)],
              ["pg-0", "pg-1"], "two histories")


def old_primary_restarts(world):
    """2 bitnami/charts#20998: its container alone starts again, and ignores the elected primary"""
    with pair(world) as one:
        one.pods[0].close_gate("main")
        check(one.pods[0].kill(), "its server is killed")
        one.wait(lambda: one.pods[0].at_gate("main"), 30, "its container waits")
        one.sql(1, "SELECT pg_promote()", inside=True)
        one.pods[0].open_gate("main")
        one.wait(lambda: one.is_primary(0) is not None, 30, "pg-0 answers")
        equal(one.primaries(), ["pg-0", "pg-1"], "primaries")


def nobody_answers(world):
    """3 bitnami/charts#2610: no primary was found, so it starts as one; the primary was only unreachable"""
    rule = f"pg_isready -q -t 1 -h pg-0.pg || [ ! -s {PGDATA}/PG_VERSION ] || rm -f {SIGNAL}; {START}"
    with pair(world, template=template(rule)) as one:
        with one.cut(*one.pods):
            starts_again(one, 1)
        equal(one.primaries(), ["pg-0", "pg-1"], "primaries")
        equal((one.timeline(0), one.timeline(1)), (1, 1), "nothing tells them apart")


def everybody_waits(world):
    """6 bitnami/charts#8373, bitnami/containers#67372: all restarted, each waits for one who cannot exist"""
    with pair(world, policy="OrderedReady") as one:
        promote_second(one)
        one.spec = template(clone="pg_isready -q -t 1 -h pg-1.pg")
        one.restart_all(force=True)
        one.wait(lambda: one.pods[0].restarts["clone"] >= 4, 30, "init fails again and again")
        equal((one.pods[0].phase, one.pods[1].phase), ("Init", "Absent"), "who is there")


def half_a_clone(world):
    """8 cloudnative-pg#11005: a killed clone is in the way of every later one, and passes for a database"""
    with primary_alone(world) as one:
        one.pods[1].delete()
        one.pods[1].open_gate("main")
        one.spec = template(clone=f"[ -f {SIGNAL} ] || {CLONE}")
        with one.interpose(1, 0) as between:
            between.hold_at(10_000_000)
            one.pods[1].recreate()
            one.wait(between.struck.is_set, 30, "the clone is under way")
            check(one.pods[1].kill("clone"), "killed")
        one.wait(lambda: one.pods[1].restarts["clone"] >= 4, 30, "init fails again and again")
        equal(set(one.pods[1].exit_codes["clone"][1:]), {1}, "later clones")
        check("exists but is not empty" in one.pods[1].log("clone"), one.pods[1].log("clone"))
        one.pods[1].delete()
        one.spec = template()
        one.pods[1].recreate()
        one.wait(lambda: one.pods[1].restarts["main"] >= 2, 30, "main fails")
        log = one.pods[1].log()
        check("Skipping initialization" in log and "pg_control" in log, log)


def kept_until_full(world):
    """9 cloudnative-pg#9015: each failed clone keeps the last one aside until the volume is full"""
    rule = f"[ ! -e {PGDATA} ] || mv {PGDATA} {PGDATA}.$(date +%s%N); {CLONE} --no-clean"
    with primary_alone(world, volume_size="100m") as one:
        one.pods[1].delete()
        one.pods[1].open_gate("main")
        one.spec = template(clone=rule)
        with one.interpose(1, 0) as between:
            between.cut_at(20_000_000)
            one.pods[1].recreate()
            for number in range(1, 9):
                one.wait(lambda number=number: one.pods[1].restarts["clone"] >= number, 60,
                         f"clone {number} fails")
                if "No space left on device" in one.pods[1].log("clone"):
                    break
                between.cut_at(20_000_000)
        check("No space left on device" in one.pods[1].log("clone"), one.pods[1].log("clone"))
        kept = [name for name in os.listdir(one.pods[1].volume.path) if "pgdata." in name]
        check(len(kept) >= 2, f"kept: {kept}")


def half_a_rewind(world):
    """12 patroni#3652: pg_rewind dies half-way; nothing tells, and the server is started all the same"""
    env = {"POSTGRES_INITDB_ARGS": "--data-checksums"}
    rewind = ("pg_rewind", "-D", PGDATA, "--source-server",
              f"host=pg-1.pg user=postgres password='{PASSWORD}' dbname=postgres")
    with pair(world, env=env) as one:
        one.sql(0, "ALTER SYSTEM SET wal_keep_size = '128MB'")
        one.sql(0, "SELECT pg_reload_conf()")
        one.sql(0, "CHECKPOINT")
        one.sql(0, "CREATE TABLE big AS SELECT g AS number, repeat('x', 100) AS filler "
                   "FROM generate_series(1, 20000) g")
        one.wait_healthy(30, primary=0)
        with one.cut(*one.pods):
            one.sql(1, "SELECT pg_promote()", inside=True)
            one.sql(1, "UPDATE big SET number = -number; CHECKPOINT", inside=True, database="app")
            one.sql(0, "DELETE FROM big WHERE number % 2 = 0")
        one.pods[0].close_gate("main")
        one.pods[0].recreate()
        one.wait(lambda: one.pods[0].at_gate("main"), 30, "the former primary waits")
        before, files = one.control(0), lab.take(one.pgdata(0) + "/base")
        equal(before.state, "shut down", "a clean stop")
        result = one.pods[0].run(*lab.killed_at(rewind, "write,pwrite64", 50), timeout_s=60)
        equal(result.rc, 137, f"pg_rewind: {result!r}")
        check(lab.differences(files, lab.take(one.pgdata(0) + "/base")), "it had begun to write")
        equal(one.control(0), before, "nothing says that the directory is half")
        one.pods[0].open_gate("main")
        one.pods[0].wait_log("Skipping initialization\\s+.*starting PostgreSQL")


def two_births(world):
    """21 bitnami/charts#13671: a standby of another birth is up, read-only, ready, and follows nobody"""
    with primary_alone(world) as one:
        one.pods[1].open_gate("main")
        one.wait_ready(30)
        one.pods[1].delete()
        with open(f"{one.pgdata(1)}/postgresql.auto.conf", "a", encoding="ascii") as file:
            file.write(f"primary_conninfo = 'host=pg-0.pg user=postgres password=''{PASSWORD}'''\n")
        with open(f"{one.pgdata(1)}/standby.signal", "w", encoding="ascii"):
            pass
        one.pods[1].recreate()
        one.wait(lambda: one.is_primary(1) is False, 30, "it answers")
        one.wait_ready(30)
        one.pods[1].wait_log("database system identifier differs")
        check("system identifier" in one.diverged(1, 0), "diverged")


def volumes_move(world):
    """22 kubegres#26, #87: who has no standby.signal is primary, and the first ordinal is; then volumes move"""
    rule = f"[ \"$POD_NAME\" != pg-0 ] || rm -f {SIGNAL}; {START}"
    with pair(world, template=template(rule)) as one:
        one.delete_all()
        one.pods[0].volume, one.pods[1].volume = one.pods[1].volume, one.pods[0].volume
        for pod in one.pods:
            pod.recreate()
        one.wait(lambda: None not in (one.is_primary(0), one.is_primary(1)), 30, "both answer")
        equal(one.primaries(), ["pg-0", "pg-1"], "primaries")
        equal((one.timeline(0), one.timeline(1)), (1, 1), "nothing tells them apart")


def clone_started_too_early(world):
    """a clone whose standby.signal was forgotten writes on the primary's own timeline; pg_rewind sees nothing"""
    with primary_alone(world, env={"POSTGRES_INITDB_ARGS": "--data-checksums"}) as one:
        clone_by_hand(one, 1)
        os.unlink(f"{one.pgdata(1)}/standby.signal")
        one.pods[1].open_gate("main")
        one.wait(lambda: one.is_primary(1), 30, "it starts")
        one.sql(1, "CREATE TABLE wrong AS SELECT 1", inside=True)
        equal(one.primaries(), ["pg-0", "pg-1"], "primaries")
        one.pods[1].delete()
        one.pods[1].close_gate("main")
        one.pods[1].recreate()
        one.wait(lambda: one.pods[1].at_gate("main"), 30, "stopped")
        said = one.pods[1].run("pg_rewind", "-D", PGDATA, "--dry-run", "--source-server",
                               f"host=pg-0.pg user=postgres password='{PASSWORD}' dbname=postgres")
        note(said.err.strip().splitlines()[-1] if said.err else said.out)
        check("same timeline" in said.out + said.err, f"pg_rewind: {said!r}")


SCENARIOS = [old_primary_returns, old_primary_restarts, nobody_answers, everybody_waits, half_a_clone, kept_until_full,
             half_a_rewind, two_births, volumes_move, clone_started_too_early]

if __name__ == "__main__":
    lab.main(SCENARIOS)
