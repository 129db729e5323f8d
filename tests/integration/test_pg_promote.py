#!/usr/bin/python3
"""promote postgres: the register first, then the most advanced standby; what is not known is asked for, nobody guesses."""

from common import lab, postgres
from lab import check, equal, note


def promote(one, *words, timeout="30s", **how):
    """`ordain promote postgres`, as a Job; Result."""
    return one.job("ordain", "promote", "postgres", *words, "--timeout", timeout, timeout_s=90, **how)


def up(world, **options):
    """A set that is born and healthy."""
    one = postgres(world, **options)
    one.up(90)
    one.wait_healthy(30)
    return one


def new_primary(world):
    """the primary is cut off; its standby takes over; it comes back as a standby, with its own data where it is diverged"""
    with up(world) as one:
        with one.guard(), one.writer() as writer:
            writer.wait_rows(50)
            result = promote(one, timeout="5s")
            equal(result.rc, 65, f"the primary answers: {result!r}")
            check("handover" in result.err and "pg-0" in result.err, result.err)
            one.pods[0].delete(force=True)
            result = promote(one, timeout="3s")
            equal(result.rc, 75, f"the primary is silent: {result!r}")
            check("--peer-is-dead" in result.err and "pg-0" in result.err, result.err)
            result = promote(one, "--peer-is-dead", "pg-0")
            equal(result.rc, 0, f"{result!r}")
            note(result.out + result.err)
            primary = one.named()
            check(primary.name in ("pg-1", "pg-2"), primary.name)
            equal(one.register_of()["timeline"], "2", "the recorded timeline")
            one.pods[0].held = False
            one.wait_healthy(60)
            note(one.pods[0].log("main")[-600:])


if __name__ == "__main__":
    lab.main([new_primary])
