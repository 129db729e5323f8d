#!/usr/bin/python3
"""DNS still answers with the addresses of before while everything starts again."""

from common import lab, ordain
from lab import note

KEYS = 2000
STALE_S = 5


def stale(world, policy):
    """Healed soon after the names are right, not a node timeout (or three) later; twice."""
    with ordain(world, policy) as one:
        one.up(90)
        one.wait_healthy(30)
        one.write_keys(KEYS)
        one.dns.stale_s = STALE_S
        for turn in (1, 2):
            begin = one.elapsed()
            one.restart_all()
            one.wait_ready(120)
            one.wait_healthy(60)
            note(f"{policy}, restart {turn}: healthy after {one.elapsed() - begin:.1f} s, "
                 f"{STALE_S} s of them with stale names")
            one.check_keys(KEYS)


def stale_in_parallel(world):
    """all pods restart while their names point to the old addresses, under Parallel"""
    stale(world, "Parallel")


def stale_in_order(world):
    """the same under OrderedReady"""
    stale(world, "OrderedReady")


if __name__ == "__main__":
    lab.main([stale_in_parallel, stale_in_order], needs=[lab.ordain_binary()])
