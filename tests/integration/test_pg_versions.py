#!/usr/bin/python3
"""One full life of each version of Postgres: born, written, its primary killed, promoted, rejoined, a volume lost, moved."""

from common import lab, postgres
from lab import check, equal, note
from test_pg_birth import check_formed

ROWS = 100


def healthy(one):
    """All pods ready and one replication."""
    one.wait_ready(90)
    one.wait_healthy(60)


def command(one, *words):
    """A command in a Job, which must succeed."""
    result = one.job("ordain", *words)
    equal(result.rc, 0, f"{' '.join(words)}: {result!r}")


def fail_over(one, writer):
    """The primary's pod is gone, another one is promoted, the old one comes back as its standby."""
    old = one.named()
    old.delete(force=True)
    command(one, "promote", "postgres", "--peer-is-dead", old.name)
    check(one.named() is not old, "another pod is named")
    writer.wait_rows(ROWS, 60)
    old.held = False
    healthy(one)
    equal(one.timeline(old.ordinal), 2, "the old primary's timeline")


def life(world, version):
    """One life, under synchronous replication: no acknowledged row may be lost in it."""
    with postgres(world, version=version) as one, one.guard():
        one.up(90)
        one.wait_healthy(60)
        equal(one.server_version(0).split(".")[0], version, "the server's version")
        check_formed(one)
        identifier = one.system_identifier(0)
        command(one, "form", "postgres", "--synchronous", "1")
        with one.writer() as writer:
            writer.wait_rows(ROWS)
            one.pods[0].kill()
            writer.wait_rows(ROWS, 60)
            fail_over(one, writer)
            named = one.named()
            lost = next(pod for pod in reversed(one.pods) if pod is not named)
            lost.recreate(keep_volume=False)
            one.wait(lambda: lost.lives > 1, 30, "a new life")
            healthy(one)
            one.restart_all()
            healthy(one)
            writer.wait_rows(ROWS, 60)
            writer.pause()
            one.wait_healthy(30)
            for pod in one.pods:
                equal(writer.lost(pod.ordinal), [], f"{pod.name}'s rows")
        equal({one.system_identifier(pod.ordinal) for pod in one.pods}, {identifier}, "one cluster")
        equal(one.named(), named, "a restart changes no primary")
        check_formed(one, named.ordinal)
        command(one, "form", "postgres")
        note(f"{version}: {one.elapsed():.1f} s, {len(writer.acknowledged)} rows")


def lives():
    """A scenario for each version."""
    def scenario(version):
        def one_life(world):
            life(world, version)
        one_life.__name__ = f"version_{version}"
        one_life.__doc__ = f"a life of {version}: killed, promoted, rejoined, lost, moved; every row is there"
        return one_life
    return [scenario(version) for version in lab.postgres_image.VERSIONS]


SCENARIOS = lives()

if __name__ == "__main__":
    lab.main(SCENARIOS, needs=[lab.ordain_binary()])
