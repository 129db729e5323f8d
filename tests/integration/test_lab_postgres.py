#!/usr/bin/python3
"""The lab's Postgres pods prove themselves: servers, facade, writer, interposer; by hand, without ordain."""

import os

from common import lab, plain_postgres
from lab import check, equal, note
from lab.postgres import PASSWORD, PGDATA
from lab_pair import clone_by_hand, pair, primary_alone

VERIFY = "/usr/lib/postgresql/15/bin/pg_verifybackup"


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
        check("names no primary" in one.complaints()[0], f"{one.complaints()}")
        note(f"three pods ready after {one.elapsed():.1f} s")


def every_version(world):
    """13 to 18: initdb, the temporary server, the start, an answer; a second start skips initdb"""
    for version in lab.postgres_image.VERSIONS:
        with plain_postgres(world, name=f"pg{version}", version=version) as one:
            one.up(60)
            check(one.server_version(0).startswith(version + "."), one.server_version(0))
            one.sql(0, "CREATE TABLE kept AS SELECT 1 AS number")
            identifier = one.system_identifier(0)
            equal(str(identifier),
                  one.value(0, "SELECT system_identifier FROM pg_control_system()"), "identifier")
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


def volumes_and_addresses(world):
    """a reboot without init and a new address keep the cluster, a lost volume begins another"""
    with plain_postgres(world, template=lab.plain_postgres()) as one:
        one.up(60)
        pod, identifier, address = one.pods[0], one.system_identifier(0), one.pods[0].ip
        pod.reboot()
        pod.wait_ready(30)
        check(pod.ip != address, "a new address")
        equal(one.system_identifier(0), identifier, "the cluster after a reboot")
        pod.recreate(keep_volume=False)
        pod.wait_phase("Running")
        pod.wait_ready(30)
        check(one.system_identifier(0) != identifier, "a lost volume is another cluster")


def a_standby_by_hand(world):
    """a standby by pg_basebackup, a promotion, a diverged ex-primary; the facade judges each"""
    with pair(world) as one:
        equal(one.primaries(), ["pg-0"], "primaries")
        equal(set(one.streaming(0)), {"pg-1"}, "who streams")
        check(one.complaints(primary=1), "the standby is no primary")
        with one.writer(primary=lambda: one.pods[0]) as writer:
            writer.wait_rows(50)
            writer.pause()
            one.wait_healthy(30, primary=0)
            equal(writer.lost(1), [], "rows on the standby")
            with one.cut(one.pods[0], one.pods[1]):
                writer.resume()
                writer.wait_rows(50)
                writer.pause()
                check(len(writer.lost(1)) >= 50, "a standby that is cut off lacks rows")
                one.sql(1, "SELECT pg_promote()", inside=True)
        equal(one.primaries(), ["pg-0", "pg-1"], "a split brain is seen")
        equal((one.timeline(0), one.timeline(1)), (1, 2), "timelines")
        equal(one.control(1).timeline, 2, "the control file's newest timeline")
        check("primaries are" in one.complaints(primary=1)[0], f"{one.complaints(primary=1)}")
        lost = writer.lost(1)
        check(set(lost) <= set(writer.acknowledged) and len(lost) >= 50, "rows past the fork")
        equal(writer.lost(1, only_by="pg-1"), [], "pg-1 acknowledged none")
        equal(writer.lost(0), [], "the ex-primary has its rows")


def the_writer_follows(world):
    """the writer goes on with the next primary and knows what it was promised"""
    with pair(world) as one:
        one.sql(0, "ALTER SYSTEM SET synchronous_standby_names = '*'")
        one.sql(0, "SELECT pg_reload_conf()")
        one.wait(lambda: one.streaming(0)["pg-1"]["sync_state"] == "sync", 10, "synchronous")
        primary = [one.pods[0]]
        with one.writer(primary=lambda: primary[0], pause_s=0) as writer:
            writer.wait_rows(200)
            one.pods[0].delete(force=True)
            one.sql(1, "ALTER SYSTEM SET synchronous_standby_names = ''", inside=True)
            one.sql(1, "SELECT pg_promote()", inside=True)
            primary[0] = one.pods[1]
            writer.wait_rows(200)
        check(set(writer.acknowledged.values()) == {"pg-0", "pg-1"}, "both acknowledged rows")
        equal(writer.lost(1), [], "rows acknowledged while synchronous")
        one.sql(1, "DELETE FROM written WHERE number % 50 = 7")
        lost = writer.lost(1)
        check(lost and all(number % 50 == 7 for number in lost), f"lost rows are counted: {lost}")
        note(f"{len(writer.acknowledged)} rows, {writer.errors} errors, "
             f"longest gap {writer.longest_gap_s:.1f} s")


def somebody_between(world):
    """between a clone and its upstream: seen as the client, cuts, flips a bit, holds, steps aside"""
    with primary_alone(world) as one:
        pod = one.pods[1]
        with one.interpose(1, 0) as between:
            seen = pod.run("psql", "-h", "pg-0.pg", "-U", "postgres", "-Atc",
                           "SELECT inet_client_addr()", env={"PGPASSWORD": PASSWORD})
            equal(seen.out.strip(), pod.ip, f"the source address: {seen!r}")
            clone_by_hand(one, 1)
            whole = between.longest
            check(whole > 20_000_000, f"{whole} bytes of a clone")
            equal(pod.run(VERIFY, PGDATA).rc, 0, "a whole clone")
            for offset in (0, 100, whole // 2):
                pod.volume.clear()
                between.cut_at(offset)
                said = clone_by_hand(one, 1, rc=1)
                check(between.struck.is_set(), f"cut at {offset}: {said!r}")
            pod.volume.clear()
            between.flip_at(whole // 2)
            clone_by_hand(one, 1)
            equal(pod.run(VERIFY, PGDATA).rc, 1, "a clone with one bit changed")
            pod.volume.clear()
            between.hold_at(whole // 2)
            clone_by_hand(one, 1, rc=None, timeout_s=3)
            check(between.struck.is_set(), "held")
        pod.volume.clear()
        clone_by_hand(one, 1)
        pod.open_gate("main")
        one.wait_healthy(30, primary=0)


SCENARIOS = [three_unrelated_primaries, every_version, volumes_and_addresses, a_standby_by_hand,
             the_writer_follows, somebody_between]

if __name__ == "__main__":
    lab.main(SCENARIOS)
