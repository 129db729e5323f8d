#!/usr/bin/python3
"""What the official image is told: names from files, and WAL in a place of its own."""

import os

from common import lab, postgres
from lab import check, equal, pgwire
from pg_births import ROWS, Births
from pg_cells import hold, one_line

NAMES = "/etc/names"
SCRIPT = "in the script"


def names_from_files(world):
    """superuser and database are told by files: the set forms, a promotion and status know them; a bad file is told"""
    env = {"POSTGRES_USER": None, "POSTGRES_USER_FILE": f"{NAMES}/user", "POSTGRES_DB": None, "POSTGRES_DB_FILE": f"{NAMES}/db"}
    secrets = {NAMES: {"user": "chief\n", "db": "ledger\n", "none": ""}}
    access = pgwire.Access("chief", "open sesame", "ledger")
    with postgres(world, replicas=2, env=env, secrets=secrets, access=access) as one:
        one.up(60)
        one.wait_healthy(30)
        equal(one.value(0, "SELECT string_agg(rolname, ' ' ORDER BY rolname) FROM pg_roles WHERE rolname !~ '^pg_'"),
              "chief replicator", "the roles")
        equal(one.job("ordain", "form", "postgres", "--synchronous", "1").rc, 0, "form")
        one.pods[0].delete(force=True)
        result = one.job("ordain", "promote", "postgres", "--peer-is-dead", "pg-0")
        equal(result.rc, 0, f"promote: {result!r}")
        equal(one.value(1, "SELECT pg_is_in_recovery()"), "f", "pg-1 is the primary")
        for how, word in (({"POSTGRES_USER_FILE": f"{NAMES}/none"}, "is empty"), ({"POSTGRES_DB_FILE": "/nowhere"}, "/nowhere"),
                          ({"POSTGRES_USER": "chief"}, "both set"), ({"POSTGRES_PASSWORD": "open sesame"}, "both set")):
            result = one.pods[1].run("ordain", "status", "postgres", env=how)
            equal(result.rc, 78, f"{how}: {result!r}")
            one_line(result, next(iter(how)), word)


def cut_short(births):
    """pg-0, whose first initdb stands still in a script."""
    births.at(SCRIPT)
    births.waiting().go_on()
    births.reach(SCRIPT)
    births.at("")
    return births.one.pods[0]


def born(one, pod, wal):
    """The birth ended, its WAL is where it was told, and the user's script ran once."""
    one.wait(lambda: pod.ready and pod.uptime_s() > 0, 60, "the birth", lambda: pod.log()[-600:])
    equal(one.value(0, "SELECT count(*) FROM of_user"), str(ROWS), "rows of the user's script")
    equal(os.readlink(os.path.join(one.pgdata(0), "pg_wal")), wal, "where its WAL is")


def wal_on_the_volume(world):
    """a first initdb with its WAL elsewhere is cut short: the WAL is kept aside, nothing but WAL is touched, it begins again"""
    births = Births(world, env={"POSTGRES_INITDB_WALDIR": "/data/wal"})
    with births.one as one:
        cut_short(births)
        stand = hold(one, 0, force=True)
        wal, away = (os.path.join(stand.volume.path, name) for name in ("wal", "away"))
        with open(os.path.join(wal, "notes"), "w", encoding="ascii"):
            pass
        result = stand.init()
        equal(result.rc, 65, f"a stranger's file: {result!r}")
        one_line(result, "'/data/wal' has 'notes'", "empty that directory")
        check(os.path.exists(stand.path("PG_VERSION")), "nothing is moved")
        os.unlink(os.path.join(wal, "notes"))
        os.rename(wal, away)  # the init container has no such mount
        equal(stand.init().rc, 0, "an init that does not see it")
        check(stand.has(".half-initdb") and not os.path.exists(stand.path("PG_VERSION")), "PGDATA is moved aside")
        os.rename(away, wal)
        for nth in ("first", "second"):
            result = stand.exec()
            equal((result.rc, os.path.exists(wal)), (0, False), f"the {nth} exec: {result!r}")
            equal(os.readlink(stand.path() + ".half-initdb/pg_wal"), "/data/wal.half-initdb", "what is kept is whole")
            check(any(len(name) == 24 for name in os.listdir(wal + ".half-initdb")), "the WAL is kept")
        stand.go_on()
        born(one, one.pods[0], "/data/wal")


def wal_on_a_volume_of_its_own(world):
    """the WAL's place is a mount point, which cannot be renamed: it is emptied, and the container starts again"""
    place = os.path.join(world.dir, "wal")
    os.mkdir(place)
    os.chown(place, 999, 999)
    births = Births(world, env={"POSTGRES_INITDB_WALDIR": "/wal"}, mounts=[(place, "/wal", False)])
    with births.one as one:
        pod = cut_short(births)
        check(any(len(name) == 24 for name in os.listdir(place)), "WAL is in its place")
        pod.kill()
        born(one, pod, "/wal")
        check("which cannot be renamed" in pod.log(), pod.log()[-600:])
        check(not os.path.lexists(one.pgdata(0) + ".half-initdb/pg_wal"), "what is kept leads to no other's WAL")


def wal_on_no_volume(world):
    """the WAL's place goes with the pod: the birth begins again, where it is and where it is not there any more"""
    births = Births(world, env={"POSTGRES_INITDB_WALDIR": "/tmp/wal"})
    with births.one as one:
        pod = cut_short(births)
        births.at(SCRIPT)
        pod.kill()
        births.reach(SCRIPT)
        births.at("")
        pod.recreate(force=True)
        born(one, pod, "/tmp/wal")


SCENARIOS = [names_from_files, wal_on_the_volume, wal_on_a_volume_of_its_own, wal_on_no_volume]

if __name__ == "__main__":
    lab.main(SCENARIOS, needs=[lab.ordain_binary()])
