#!/usr/bin/python3
"""A short random walk of everything that may happen to a replicated Postgres; tests/soak has the long ones."""

from common import lab
from pg_walks import walk

STEPS = 45


def fixed_async(world):
    """a walk of a fixed seed without synchronous replication, OrderedReady"""
    walk(world, STEPS, 1, "OrderedReady")


def fixed_sync(world):
    """a walk of a fixed seed under synchronous replication: no acknowledged row is lost"""
    walk(world, STEPS, 2, synchronous=1)


def new_seed(world):
    """a walk of a new seed, or WALK_SEED, under synchronous replication"""
    walk(world, STEPS, synchronous=1)


SCENARIOS = [fixed_async, fixed_sync, new_seed]

if __name__ == "__main__":
    lab.main(SCENARIOS, needs=[lab.ordain_binary()])
