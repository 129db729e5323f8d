"""A primary and a standby of the official image made by hand, without ordain, for proofs of the lab itself."""

import contextlib

from common import plain_postgres
from lab import equal
from lab.postgres import PASSWORD, PGDATA

CLONE = ("pg_basebackup", "-h", "pg-0.pg", "-U", "postgres", "-D", PGDATA, "-R", "-c", "fast")


def clone_by_hand(one, index, rc=0, timeout_s=60):
    """A data directory by pg_basebackup for a pod whose main container waits at its gate."""
    pod = one.pods[index]
    one.wait(lambda: pod.at_gate("main"), 10, f"{pod.name} waits")
    result = pod.run(*CLONE, timeout_s=timeout_s,
                     env={"PGPASSWORD": PASSWORD, "PGAPPNAME": pod.name})
    equal(result.rc, rc, f"{pod.name}'s pg_basebackup: {result!r}")
    return result


@contextlib.contextmanager
def primary_alone(world, **options):
    """A lab with pg-0 as primary; pg-1 waits to be cloned. Replication is allowed to everybody."""
    with plain_postgres(world, 2, **options) as one:
        one.pods[1].close_gate("main")
        one.start()
        one.pods[0].wait_ready(60)
        one.sql(0, "ALTER SYSTEM SET wal_retrieve_retry_interval = '200ms'")
        with open(one.pgdata(0) + "/pg_hba.conf", "a", encoding="ascii") as file:
            file.write("host replication all all scram-sha-256\n")
        one.sql(0, "SELECT pg_reload_conf()")
        yield one


@contextlib.contextmanager
def pair(world, **options):
    """A lab whose pg-1 streams from pg-0; both ready."""
    with primary_alone(world, **options) as one:
        clone_by_hand(one, 1)
        one.pods[1].open_gate("main")
        one.wait_ready(30)
        one.wait_healthy(30, primary=0)
        yield one
