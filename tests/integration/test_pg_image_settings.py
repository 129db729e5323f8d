#!/usr/bin/python3
"""What the official image is told: names from files."""

from common import lab, postgres
from lab import equal, pgwire
from pg_cells import one_line

NAMES = "/etc/names"


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


SCENARIOS = [names_from_files]

if __name__ == "__main__":
    lab.main(SCENARIOS, needs=[lab.ordain_binary()])
