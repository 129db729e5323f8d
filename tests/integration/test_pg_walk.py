#!/usr/bin/python3
"""A short random walk of everything that may happen to a replicated Postgres; tests/soak has the long ones."""

import os

from common import lab
from pg_walks import walk

STEPS = 45
STILL_S = 3.0  # in the soak it is longer than every time-out


def fixed_async(world):
    """a walk of a fixed seed without synchronous replication, OrderedReady"""
    walk(world, STEPS, 3, "OrderedReady", still_s=STILL_S)


def fixed_sync(world):
    """a walk of a fixed seed under synchronous replication: no acknowledged row is lost"""
    walk(world, STEPS, 4, synchronous=1, still_s=STILL_S)


def new_seed(world):
    """a walk of a new seed, or WALK_SEED, under synchronous replication"""
    walk(world, STEPS, synchronous=1)


# What CI runs must not change from run to run; new seeds are `make soak`'s, or WALK_SEED's.
SCENARIOS = [fixed_async, fixed_sync]

if __name__ == "__main__":
    lab.main(SCENARIOS + ([new_seed] if "WALK_SEED" in os.environ else []), needs=[lab.ordain_binary()])
