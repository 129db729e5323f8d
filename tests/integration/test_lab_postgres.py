#!/usr/bin/python3
"""The lab's Postgres pods prove themselves: entrypoint, versions, facade, writer, interposer."""

from common import lab, plain_postgres
from lab import check, equal, note


def three_unrelated_primaries(world):
    """the guide's StatefulSet: three primaries of three clusters, and the facade says so"""
    with plain_postgres(world, 3) as one:
        one.up(60)
        equal(one.primaries(), ["pg-0", "pg-1", "pg-2"], "primaries")
        identifiers = {one.system_identifier(index) for index in range(3)}
        equal(len(identifiers), 3, "clusters")
        equal(one.sql(0, "SELECT current_database(), current_user, NULL"),
              [["app", "postgres", None]], "who asks")
        check("primaries are" in one.complaints(primary=0)[0], f"{one.complaints(primary=0)}")
        note(f"three pods ready after {one.elapsed():.1f} s")


def every_version(world):
    """13 to 18: initdb, the temporary server, the start, an answer; a second start skips initdb"""
    for version in lab.postgres_image.VERSIONS:
        with plain_postgres(world, name=f"pg{version}", version=version) as one:
            one.up(60)
            check(one.server_version(0).startswith(version + "."), one.server_version(0))
            one.sql(0, "CREATE TABLE kept AS SELECT 1 AS number")
            identifier = one.system_identifier(0)
            equal(one.control(0).state, "in production", "state")
            one.pods[0].kill()
            one.wait(lambda: one.pods[0].life.started["main"] == 2, 30, "a second start")
            one.wait(lambda: one.is_primary(0), 30, "it recovers")
            one.wait_ready(30)
            equal(one.sql(0, "SELECT number FROM kept"), [["1"]], "rows after a crash")
            equal(one.system_identifier(0), identifier, "the same cluster")
            check("Skipping initialization" in one.pods[0].log(), one.pods[0].log()[-500:])
            one.pods[0].delete()
            equal(one.control(0).state, "shut down", "a fast shutdown by the image's stop signal")
            note(f"{version}: {one.elapsed():.1f} s")


SCENARIOS = [every_version, three_unrelated_primaries]

if __name__ == "__main__":
    lab.main(SCENARIOS)
