#!/usr/bin/python3
"""What lies on a volume and in a register that no start may take for something else: one clear line with the right status,
the data untouched; and what a volume may well have, and is mended without a word."""

import os
import stat

from common import lab, postgres
from lab import check, equal
from pg_cells import hold, one_line, refused, write_register

REFUSED, CONFIGURATION, LATER = 65, 78, 75
PID_FILE = "{}\n/data/pgdata\n1700000000\n5432\n/var/run/postgresql\n*\n  5432001   0\nready   \n"


def standby(one, index=1):
    """A whole standby that does not run."""
    stand = hold(one, index)
    stand.keep("whole")
    return stand


def then_it_streams(stand):
    """The pod lives, ready and streaming."""
    stand.go_on()
    stand.pod.wait_ready(60)
    stand.one.wait_healthy(30)


def starts(stand, **env):
    """init and exec both succeed; answers what exec said."""
    result = stand.init(**env)
    equal(result.rc, 0, f"init: {result!r}")
    result = stand.exec(**env)
    equal(result.rc, 0, f"exec: {result!r}")
    return result


def another_major(world):
    """a volume of PostgreSQL 14 in a pod of 15"""
    with postgres(world, replicas=2) as one, \
            postgres(world, name="old", replicas=1, version="14", beside=one) as old:
        old.up(60)
        one.up(60)
        stand = standby(one)
        theirs = hold(old, 0)
        stand.volume.clear()
        theirs.keep("whole")
        stand.copy(theirs, "whole")
        refused(stand, REFUSED, "another system identifier")
        stand.register, stand.env = theirs.register, {"ORDAIN_REGISTER": "none", "ORDAIN_ORDINAL_START": "1"}
        refused(stand, REFUSED, "PostgreSQL 14 and the server of 15", "pg_upgrade", ORDAIN_PG_VERSION="15")
        refused(stand, REFUSED, "PostgreSQL 14 and the server of 15", "PG_MAJOR", commands=("exec",), PG_MAJOR="15")


def modes_and_places(world):
    """modes that fsGroup makes, lost+found, a mount point, a symbolic link, a file in PGDATA's place"""
    with postgres(world, replicas=2) as one:
        one.up(60)
        stand = standby(one)
        for mode in (0o2770, 0o755, 0o777):
            os.chmod(stand.path(), mode)
            equal(stand.exec().rc, 0, f"exec with mode {mode:o}")
            check(stat.S_IMODE(os.stat(stand.path()).st_mode) in (0o700, 0o750), f"{mode:o} is mended")
        os.mkdir(stand.volume.file("lost+found"), 0o700)
        starts(stand)
        check(os.path.isdir(stand.volume.file("lost+found")), "lost+found")
        refused(stand, CONFIGURATION, "mount point", "PGDATA: /data/pgdata", PGDATA="/data")
        refused(stand, CONFIGURATION, "absolute path", PGDATA="pgdata")
        os.rename(stand.path(), stand.volume.file("elsewhere"))
        os.symlink("elsewhere", stand.path())
        refused(stand, REFUSED, "symbolic link")
        os.unlink(stand.path())
        stand.mark("", "a file")
        refused(stand, CONFIGURATION, "/data/pgdata' is no directory", commands=("init",))
        stand.put("whole")
        os.mkdir(stand.volume.file("lost+found"), 0o700)
        then_it_streams(stand)


def stale_pids(world):
    """a postmaster.pid of nobody, of this very process, of somebody else's process, and of a server that is alive"""
    with postgres(world, replicas=2) as one:
        one.up(60)
        stand = standby(one)
        for pid in (1, 4000000, -1, 0):
            stand.put("whole")
            stand.file("postmaster.pid", PID_FILE.format(pid))
            starts(stand)
        stand.file("postmaster.pid", "torn")
        starts(stand)
        script = "cd {}; sleep 60 & echo $! >/tmp/pid; cd /; sed \"1s/.*/$(cat /tmp/pid)/\" -i {}; exec ordain exec " \
                 "postgres -- true"
        stand.file("postmaster.pid", PID_FILE.format(1))
        result = stand.run_as_main("sh", "-c", script.format("/", "/data/pgdata/postmaster.pid"))
        equal(result.rc, 0, f"somebody else's process: {result!r}")
        before = stand.pgdata_seen()
        result = stand.run_as_main("sh", "-c", script.format("/data/pgdata", "/data/pgdata/postmaster.pid"),
                                   ORDAIN_TIMEOUT="1500ms")
        equal(result.rc, LATER, f"a server that is alive: {result!r}")
        one_line(result, "alive")
        changed = [line for line in lab.differences(before, stand.pgdata_seen()) if "postmaster.pid" not in line
                   and not line.endswith("pgdata: mtime")]
        equal(changed, [], "touched")
        stand.put("whole")
        stand.file("postmaster.pid", PID_FILE.format(1))
        then_it_streams(stand)


def registers(world):
    """a register that is damaged, empty, of another cluster, of a newer format, whose directory is missing"""
    with postgres(world, replicas=2) as one:
        one.up(60)
        stand = hold(one, 1)
        whole = one.register_of()
        path = os.path.join(one.register, "pg-ordain")
        pod = one.pods[0]
        pod.close_gate("main")  # the primary stays away while its register is wrong
        stand.keep("standby")
        former = hold(one, 0)
        for text, rc, words in (
                ("primary pg-0\n", CONFIGURATION, "damaged"), ("", CONFIGURATION, "empty"),
                ("format=1\ncluster-id=other/pg\nprimary=pg-0\n", REFUSED, "other/pg"),
                ("format=2\ncluster-id=default/pg\nprimary=pg-0\n", CONFIGURATION, "format|newer"),
                ("format=1\ncluster-id=default/pg\nprimary=web-7\n", CONFIGURATION, "web-7"),
                ("format=1\ncluster-id=default/pg\nprimary=pg-0\ntimeline=many\n", CONFIGURATION, "timeline")):
            with open(path, "w", encoding="ascii") as file:
                file.write(text)
            refused(former, rc, words)
        missing = {"ORDAIN_REGISTER": "file:/nowhere"}
        refused(former, CONFIGURATION, "/nowhere", **missing)
        stand.volume.clear()
        refused(stand, CONFIGURATION, "/nowhere", **missing)
        stand.put("standby")
        check("needs not" in starts(stand, **missing).err, "a standby starts without")
        write_register(one, **{name: value for name, value in whole.items() if name not in ("format", "cluster-id")})
        pod.open_gate("main")
        former.go_on()
        then_it_streams(stand)


def loses_slot(one):
    """The primary writes a segment of WAL; whether the slot has lost what it held."""
    for command in ("CREATE TABLE IF NOT EXISTS noise (n int); INSERT INTO noise VALUES (1)", "SELECT pg_switch_wal()",
                    "CHECKPOINT"):
        one.sql(0, command, inside=True)
    return one.value(0, "SELECT wal_status FROM pg_replication_slots", inside=True) == "lost"


def slots_and_wal(world):
    """a slot that is missing, one that was lost with its WAL, tablespaces on the primary"""
    env = {"ORDAIN_PG_MAX_SLOT_WAL_KEEP_SIZE": "64MB"}
    with postgres(world, replicas=2, env=env) as one:
        one.up(60)
        stand = standby(one)
        one.sql(0, "SELECT pg_drop_replication_slot('ordain_1')", inside=True)
        starts(stand)
        slot = one.sql(0, "SELECT slot_name FROM pg_replication_slots WHERE restart_lsn IS NOT NULL", inside=True)
        equal(slot, [["ordain_1"]], "the start made it anew")
        then_it_streams(stand)
        stand = hold(one, 1)

        one.wait(lambda: loses_slot(one), 30, "the slot is lost")
        result, _, action, sentence = stand.plan()
        equal((result.rc, action), (1, "start as standby"), f"it starts: {result!r}")
        check("has removed the WAL" in sentence and "ORDAIN_PG_DIVERGED=discard" in sentence, sentence)
        stand.pod.extra_env = {"ORDAIN_PG_DIVERGED": "discard"}
        then_it_streams(stand)
        stand = hold(one, 1)
        stand.volume.clear()
        one.pods[0].run("mkdir", "/data/space")
        one.sql(0, "CREATE TABLESPACE space LOCATION '/data/space'", inside=True)
        refused(stand, CONFIGURATION, "tablespace", "ORDAIN_PG_TABLESPACE_MAPPING", commands=("init", "exec"))
        one.sql(0, "DROP TABLESPACE space", inside=True)
        then_it_streams(stand)


def fell_behind(one):
    """pg-1 is cut off until its slot is lost with the WAL that it needs next."""
    one.up(60)
    with one.cut(one.pods[0], one.pods[1]):
        one.sql(0, "SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE active", inside=True)
        one.wait(lambda: loses_slot(one), 60, "the slot is lost")


def wal_gone_while_it_ran(world):
    """a running standby's next WAL is gone: its probe tells; with discard its container starts anew and clones"""
    env = {"ORDAIN_PG_MAX_SLOT_WAL_KEEP_SIZE": "64MB"}
    with postgres(world, replicas=2, env=env) as one:
        fell_behind(one)
        one.wait(lambda: "has removed the WAL" in one.pods[1].probe_words["readiness"], 30, "it is told",
                 lambda: one.pods[1].probe_words)
        equal(one.pods[1].restarts["main"], 0, "restarts")
    with postgres(world, name="two", replicas=2, env={**env, "ORDAIN_PG_DIVERGED": "discard"}) as one:
        fell_behind(one)
        one.wait(lambda: one.pods[1].restarts["main"], 60, "its container starts anew", one.describe)
        one.pods[1].wait_ready(60)
        one.wait_healthy(30)


SCENARIOS = [another_major, modes_and_places, stale_pids, registers, slots_and_wal, wal_gone_while_it_ran]

if __name__ == "__main__":
    lab.main(SCENARIOS, needs=[lab.ordain_binary()])
