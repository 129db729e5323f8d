#!/usr/bin/python3
"""What docs/postgres.md tells a person to do: find the primary, scale, begin anew from one restored volume."""

import os

from common import lab, postgres
from lab import check, equal
from pg_cells import INITDB, Stand, write_register

ROWS = "1000"
# libpq's way to the primary, as the docs spell it.
CLIENT = "host=pg-0.pg,pg-1.pg,pg-2.pg target_session_attrs=read-write connect_timeout=2 user=postgres dbname=app"


def succeeds(one, *words, **env):
    """An ordain command in a Job; its standard output and error."""
    result = one.job("ordain", *words, timeout_s=60, env=env)
    equal(result.rc, 0, f"{words}: {result!r}")
    return result.out + result.err


# ---- clients


def clients(world):
    """a client with all names and target_session_attrs finds the primary, also after a promotion in a pod's own shell"""
    with postgres(world) as one:
        one.up(90)
        one.wait_healthy(30)
        password = {"PGPASSWORD": lab.postgres.PASSWORD}

        def primary_found():
            return one.job("psql", CLIENT, "-XAtc", "SHOW cluster_name", env=password, timeout_s=30).out.strip()
        equal(primary_found(), "pg-0", "before")
        one.pods[0].delete()
        result = one.pods[2].run("ordain", "promote", "postgres", "pg-2", "--peer-is-dead", "pg-0", timeout_s=60)
        equal(result.rc, 0, f"{result!r}")
        equal(primary_found(), "pg-2", "after a promotion")
        one.pods[0].held = False
        one.wait_healthy(60)
        equal(primary_found(), "pg-2", "with the old primary back")


# ---- scaling


def scaled_up(world):
    """one more pod, --replicas for the commands first, the setting at the next restart of all; it can be promoted"""
    with postgres(world) as one:
        one.up(90)
        one.sql(0, f"CREATE TABLE t AS SELECT generate_series(1, {ROWS}) AS n")
        one.scale(4)
        one.wait_healthy(60)
        succeeds(one, "form", "postgres", "--replicas", "4")
        check("4 of 4 pods" in succeeds(one, "status", "postgres", "--replicas", "4"), "status knows four")
        one.env["ORDAIN_REPLICAS"] = "4"
        one.restart_all()
        one.wait_healthy(60)
        one.pods[0].delete()
        succeeds(one, "promote", "postgres", "pg-3", "--peer-is-dead", "pg-0")
        one.pods[0].held = False
        one.wait_healthy(60)
        equal((one.named().name, one.value(0, "SELECT count(*) FROM t")), ("pg-3", ROWS), "the new pod is the primary")


def held_for(one, ordinal):
    """On which pods a slot holds WAL for a pod that is gone."""
    question = f"SELECT 1 FROM pg_replication_slots WHERE slot_name = 'ordain_{ordinal}' AND restart_lsn IS NOT NULL"
    return [pod.name for pod in one.controller.wanted() if one.sql(pod.ordinal, question, inside=True)]


def scaled_down(world):
    """one pod less: form without it, its WAL is let go; synchronous_standby_names forgets it; a promotion without it"""
    with postgres(world) as one:
        one.up(90)
        one.wait_healthy(30)
        succeeds(one, "form", "postgres", "--synchronous", "1")
        one.scale(2)
        one.wait(lambda: one.pods[2].phase == "Absent", 30, "pg-2 is gone")
        equal(held_for(one, 2), ["pg-0"], "until then")
        words = succeeds(one, "form", "postgres", "--replicas", "2", "--synchronous", "1", "--drop-slots")
        check("drop the slots" in words, words)
        equal(held_for(one, 2), [], "WAL that is held for a pod that is gone")
        check("pg-2" not in one.value(0, "SHOW synchronous_standby_names"), "synchronous_standby_names")
        one.pods[0].delete()
        succeeds(one, "promote", "postgres", "--replicas", "2", "--peer-is-dead", "pg-0")
        one.pods[0].held = False
        one.wait_healthy(60)
        equal(held_for(one, 2), [], "after a promotion")


# ---- a register that was lost, or never was


def lost_running(world):
    """the register is lost while the servers run: nobody is fenced, form --adopt names the one that writes"""
    with postgres(world) as one:
        one.up(90)
        one.wait_healthy(30)
        write_register(one)
        result = one.job("ordain", "form", "postgres", "--timeout", "10s", timeout_s=60)
        equal((result.rc, "--adopt" in result.err), (65, True), f"{result!r}")
        equal(one.primaries(), ["pg-0"], "nobody is fenced")
        succeeds(one, "form", "postgres", "--adopt")
        one.restart_all()
        one.wait_healthy(60)
        equal(one.register_of()["system-identifier"], str(one.system_identifier(1)), "what it learns again")


def lost_stopped(world):
    """the register is lost while nothing runs: a person names the pod that was the primary, which was promoted once"""
    with postgres(world) as one:
        one.up(90)
        one.sql(0, f"CREATE TABLE t AS SELECT generate_series(1, {ROWS}) AS n")
        one.wait_healthy(30)
        one.pods[0].delete()
        succeeds(one, "promote", "postgres", "pg-1", "--peer-is-dead", "pg-0")
        one.sql(1, "DELETE FROM t WHERE n = 1")
        one.delete_all()
        write_register(one, primary="pg-1")
        with one.guard():
            for pod in one.pods:
                pod.held = False
            one.wait_healthy(60)
        equal([one.value(pod.ordinal, "SELECT count(*) FROM t") for pod in one.pods], ["999"] * 3, "rows")
        equal(one.register_of()["timeline"], "2", "timeline")


def unrelated(world):
    """three pods that each ran initdb without ordain: one is named, the others refuse until their PGDATA is moved away"""
    with postgres(world) as one:
        for pod in one.pods:
            pod.close_gate("init")
        one.start()
        stands = []
        for pod in one.pods:
            one.wait(lambda pod=pod: pod.at_gate("init"), 30, f"{pod.name}'s sandbox")
            os.chown(pod.volume.path, 999, 999)
            stands.append(Stand(pod))
            stands[-1].shell(f"{INITDB} --pwfile=/etc/postgres-secret/password")
        write_register(one, primary="pg-1")
        stands[1].go_on()
        one.wait(lambda: one.is_primary(1), 60, "pg-1 is the primary")
        one.sql(1, "CREATE DATABASE app", inside=True, database="postgres")
        one.wait(lambda: one.job("ordain", "form", "postgres", "--timeout", "3s", timeout_s=60).rc == 75, 60,
                 "form makes the role, and misses the others")
        stands[2].go_on()
        one.wait(lambda: "another system identifier" in one.pods[2].termination.get("init", ""), 60, "pg-2 refuses",
                 one.pods[2].describe)
        one.pods[2].recreate(keep_volume=False)
        stands[0].volume.clear()
        stands[0].go_on()
        one.wait_healthy(60)


# ---- restored volumes


def restored(world, source, timeline, policy="Parallel"):
    """The set from the volume of pod SOURCE, which becomes pg-0's; it ends on TIMELINE."""
    with postgres(world, policy=policy) as one:
        one.up(90)
        one.sql(0, f"CREATE TABLE t AS SELECT generate_series(1, {ROWS}) AS n")
        one.wait_healthy(30)
        one.delete_all()
        if source > 0:
            one.pods[0].volume, one.pods[source].volume = one.pods[source].volume, one.pods[0].volume
        for pod in one.pods[1:]:
            pod.volume.clear()
        write_register(one, primary="pg-0", promoted_at="0/1")
        with one.guard():
            for pod in one.pods:
                pod.held = False
            one.wait_healthy(60)
        equal([one.value(pod.ordinal, "SELECT count(*) FROM t") for pod in one.pods], [ROWS] * 3, "rows")
        equal(one.register_of()["timeline"], str(timeline), "timeline")
        succeeds(one, "form", "postgres")


def restored_primarys(world):
    """a set from a primary's volume: it starts as it is"""
    restored(world, 0, 1)


def restored_standbys(world):
    """a set from a standby's volume: it starts, and is promoted"""
    restored(world, 1, 2)


def restored_in_order(world):
    """the same under OrderedReady"""
    restored(world, 2, 2, policy="OrderedReady")


if __name__ == "__main__":
    lab.main([clients, scaled_up, scaled_down, lost_running, lost_stopped, unrelated, restored_primarys,
              restored_standbys, restored_in_order], needs=[lab.ordain_binary()])
